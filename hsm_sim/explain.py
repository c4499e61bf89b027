"""`python -m hsm_sim explain FRAME`: a frame field by field, secrets masked. It asks no HSM anything."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from hsm_sim.table import table
from protocols.hsm.envelope import HEADER_LENGTH
from protocols.hsm.shown import UnexplainableError, lines_of, unframed
from protocols.runtime.exits import DONE, FAILED


def main(given: Sequence[str]) -> int:
    """Print what the frame says; the exit code."""
    asked = _arguments(given)
    words = asked.frame or [line.strip("\n") for line in sys.stdin]
    code = DONE
    for word in filter(None, words):
        try:
            print(*table(lines_of(_frame(word, as_hex=asked.hex), asked.header, clear=asked.clear)), sep="\n")
        except UnexplainableError as error:
            print(f"cannot be explained: {error}", file=sys.stderr)
            code = FAILED
    return code


def _frame(word: str, *, as_hex: bool) -> bytes:
    """Hex where that is said, or where it reads as hex of a frame with its length in front; else as it stands."""
    try:
        packed = bytes.fromhex(word)
    except ValueError:
        packed = b""
    if as_hex and not packed:
        raise UnexplainableError("not hex")
    if packed and (as_hex or unframed(packed) != packed):
        return unframed(packed)
    try:
        return unframed(word.encode("latin-1"))
    except UnicodeEncodeError:
        raise UnexplainableError("it holds characters that are no bytes") from None


def _arguments(given: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m hsm_sim explain",
        description="Tell an HSM frame field by field. Keys, PINs, cards and data are masked.",
    )
    parser.add_argument("frame", nargs="*", help="text or hex, with or without its length; default: lines of the input")
    parser.add_argument("--hex", action="store_true", help="the frame is hex")
    parser.add_argument("--header", type=int, default=HEADER_LENGTH, metavar="N", help="length of the header (4)")
    parser.add_argument("--clear", action="store_true", help="show everything: for frames of your own tests only")
    parser.add_argument("--network", type=Path, help=argparse.SUPPRESS)  # every tool of ours is told these
    parser.add_argument("--state", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args(given)
