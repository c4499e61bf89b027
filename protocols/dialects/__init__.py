"""The dialects, one file each; a participant's agreement names the one it speaks."""

from __future__ import annotations

import re
from typing import Final

from protocols.catalog import declared
from protocols.dialect import Dialect
from protocols.errors import LocalProtocolError
from protocols.header import Header

DIGITS: Final = re.compile("[1-9][0-9]?")  # a header's length
_BY_NAME: Final[dict[str, Dialect]] = {dialect.name: dialect for dialect in declared(__name__, "DIALECT")}


def dialect_named(name: str) -> Dialect:
    """The dialect of that name; with `+N` behind it, the same with a header of N bytes.

    >>> dialect_named("iso87_ascii").title
    'ISO 8583:1987, ASCII'
    >>> dialect_named("iso87_ascii+5").header
    Header(length=5, on_answer='echo', own=b'\\x00\\x00\\x00\\x00\\x00')
    """
    try:
        return _BY_NAME[name]
    except KeyError:
        pass
    base, plus, length = name.partition("+")
    if plus and base in _BY_NAME and DIGITS.fullmatch(length):
        return _BY_NAME[base].headed(Header(int(length)))
    raise LocalProtocolError(f"no dialect is called {name!r}; there are {', '.join(names())}")


def names() -> tuple[str, ...]:
    """
    >>> "iso87_ascii" in names()
    True
    """
    return tuple(sorted(_BY_NAME))
