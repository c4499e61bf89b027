"""A message for a dialect that may not be able to spell all of it: what does not fit is left out.

A text that is too long for the other side, a character that it lacks: the message goes without that
element. What a message cannot do without (numbers, amounts, dates) is of fixed sizes and digits in
every dialect, and always fits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from protocols.errors import LocalProtocolError

if TYPE_CHECKING:
    from protocols.dialect import Dialect


def fitting(dialect: Dialect, mti: str, values: Mapping[int, str], answering: bytes | None = None) -> bytes:
    """The frame, with every element that the dialect can spell. `answering`: the header that it answers.

    >>> from protocols.dialects import dialect_named
    >>> fitting(dialect_named("iso87_ascii"), "0800", {11: "000001", 37: "too long for it", 70: "301"})
    b'080080200000000000000400000000000000000001301'
    """
    try:
        return dialect.encode(mti, values, answering)
    except LocalProtocolError:
        return dialect.encode(mti, those_that_fit(dialect, values), answering)


def those_that_fit(dialect: Dialect, values: Mapping[int, str]) -> dict[int, str]:
    """The values that the dialect can spell."""
    return {number: value for number, value in values.items() if _fits(dialect, number, value)}


def _fits(dialect: Dialect, number: int, value: str) -> bool:
    try:
        dialect.encode(f"{dialect.version}800", {number: value})
    except LocalProtocolError:
        return False
    return True
