"""`./run build-fast`: build; `--off` or `clean`: run from the sources again; `--show`: which of the two it is."""

from __future__ import annotations

import sys
import time

from fast.build import NoBuildError, build, remove
from protocols import compiled


def main() -> int:
    match sys.argv[1:]:
        case []:
            return made()
        case ["--off" | "clean"]:
            print("the compiled build is gone" if remove() else "there is no compiled build", "- the sources run")
        case ["--show"]:
            print(compiled.build())
        case _:
            print("usage: ./run build-fast [--off | clean | --show]", file=sys.stderr)
            return 2
    return 0


def made() -> int:
    if compiled.build() == compiled.COMPILED:
        print("there is a compiled build of these sources already")
        return 0
    print("build-fast: compiling, a minute or two", file=sys.stderr)
    began = time.monotonic()
    try:
        count = build()
    except NoBuildError as why:
        print(f"build-fast: {why}", file=sys.stderr)
        return 1
    print(f"{count} modules compiled in {time.monotonic() - began:.0f} s; every party uses them from its next start")
    return 0


if __name__ == "__main__":
    sys.exit(main())
