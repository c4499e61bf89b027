"""Tables that stay within a bound, because peers choose what goes into them."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any, Final

# Compiling costs as much as some ten slow readings: not for a bitmap that a stranger sends once.
WORTH_COMPILING: Final = 3


def make_room(table: MutableMapping[Any, Any], most: int) -> None:
    """Room for one more. The oldest goes: one that is in use comes back at its next use.

    >>> table = {"a": 1, "b": 2}
    >>> make_room(table, 2)
    >>> table
    {'b': 2}
    """
    if len(table) >= most:
        del table[next(iter(table))]
