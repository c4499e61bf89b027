"""One run of mypyc and the C compiler: `python -m fast.compile FOLDER GROUP SOURCE...`; libraries go to FOLDER/lib.

A process of its own, because both write to standard output and end the process when they refuse.
"""

from __future__ import annotations

import sys
from pathlib import Path

from mypyc.build import mypycify
from setuptools import Distribution
from setuptools.command.build_ext import build_ext


def main() -> None:
    folder, group, *sources = sys.argv[1:]
    modules = mypycify(sources, opt_level="2", debug_level="0", group_name=group, target_dir=str(Path(folder, "c")))
    command = build_ext(Distribution({"name": group, "ext_modules": modules}))
    command.build_lib, command.build_temp = str(Path(folder, "lib")), str(Path(folder, "temporary"))
    command.ensure_finalized()
    command.run()


if __name__ == "__main__":
    main()
