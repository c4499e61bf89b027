"""`load import-jpos PACKAGER.xml --out host.toml`: a TOML dialect out of a jPOS GenericPackager file of your own.

What could not be followed is told, and stands at the head of the file. Try it with `load doctor --dialect`, and name it
in a scenario's [target] as `dialect = "host.toml"`.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from loadtest.jpos import PackagerError, imported
from loadtest.usage import UsageError

HELP = "make a dialect of a jPOS packager's XML"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="XML", help="a GenericPackager file")
    parser.add_argument("--out", type=Path, default=None, metavar="TOML", help="without it: standard output")


def main(options: argparse.Namespace) -> int:
    name = re.sub(r"[^A-Za-z0-9._-]", "_", options.file.name)  # it goes into a comment and a title
    try:
        found = imported(options.file.read_bytes(), name)
        if options.out:
            options.out.write_text(found.toml, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{error.filename}: {error.strerror}") from None
    except PackagerError as error:
        raise UsageError(f"{options.file}: {error}") from None
    if options.out is None:
        print(found.toml, end="")
        return 0
    for remark in found.remarks:
        print(f"note: {remark}", file=sys.stderr)
    print(f"{options.out}: {found.base}, and what differs")
    return 0
