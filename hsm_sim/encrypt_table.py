"""`python -m hsm_sim encrypt-table TABLE`: a decimalisation table as it travels under an LMK. It asks no HSM."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from hsm_sim.decimalisation import FEWEST_DIGITS, LENGTH, encrypted
from hsm_sim.keys import KeyStore
from hsm_sim.settings import load
from protocols.hsm.fields import is_digits
from protocols.network import NetworkError
from protocols.runtime.exits import DONE, MISCONFIGURED


def main(given: Sequence[str]) -> int:
    """Print the encrypted table; the exit code."""
    asked = _arguments(given)
    try:
        ring = KeyStore(load(asked.network)).ring(asked.lmk)
    except NetworkError as error:
        return _refused(*error.problems)
    if ring is None:
        return _refused(f"no LMK {asked.lmk} is among the settings")
    if len(asked.table) != LENGTH or not is_digits(asked.table):
        return _refused("a decimalisation table has sixteen decimal digits")
    if len(set(asked.table)) < FEWEST_DIGITS:
        print(f"weak: fewer than {FEWEST_DIGITS} different digits", file=sys.stderr)
    print(encrypted(ring.lmk, asked.table))
    return DONE


def _refused(*problems: str) -> int:
    print(*problems, sep="\n", file=sys.stderr)
    return MISCONFIGURED


def _arguments(given: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m hsm_sim encrypt-table",
        description="Print a decimalisation table encrypted under an LMK that the settings name.",
    )
    parser.add_argument("table", help="sixteen decimal digits, for 0 to F")
    parser.add_argument("--lmk", metavar="NN", help="its id (default: the default LMK)")
    parser.add_argument("--network", type=Path, metavar="DIR", help="the network's files (default: the demonstration)")
    return parser.parse_args(given)
