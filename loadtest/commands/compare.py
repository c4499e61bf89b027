"""`load compare A B`: what changed from one run to the other, with intervals, as Markdown for a pull request.

Exit code 1 when B is worse: a whole 95 % interval lies beyond the tolerance. Runs whose scenario, host or validity
differ are refused (2), unless --force; then the table says so.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from loadtest.commands.report import read_result
from loadtest.result import Exit
from loadtest.usage import UsageError

HELP = "compare two runs; exit code 1 when the second is worse"
SEED = 8583  # of the bootstrap: the same two runs always give the same table


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("a", type=Path, metavar="A", help="the run before")
    parser.add_argument("b", type=Path, metavar="B", help="the run after")
    parser.add_argument("--tolerance", type=float, default=5.0, metavar="PERCENT", help="what does not matter (5)")
    parser.add_argument("--force", action="store_true", help="compare what should not be compared, and say so")
    parser.add_argument("--json", action="store_true", help="for machines")


def main(options: argparse.Namespace) -> int:
    import numpy as np

    from loadtest.comparison import IncomparableError, compared, markdown

    if not 0 <= options.tolerance < 100:
        raise UsageError("--tolerance: per cent, from 0 to below 100")
    a, b = read_result(options.a), read_result(options.b)
    try:
        found = compared(a, b, np.random.default_rng(SEED), tolerance=options.tolerance / 100, force=options.force)
    except IncomparableError as error:
        raise UsageError(f"refused: {error}; --force compares all the same") from None
    if options.json:
        figures = [{**asdict(one), "shown": None, "change": one.change.value} for one in found.figures]
        print(json.dumps({"worse": found.is_worse, "remarks": found.remarks, "figures": figures}, indent=2))
    else:
        print(markdown(found, a, b), end="")
    return Exit.WORSE if found.is_worse else Exit.PASSED
