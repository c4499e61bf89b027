"""The dialects, one file each; a participant's agreement names the one it speaks."""

from __future__ import annotations

import re
from typing import Final

from protocols.catalog import declared
from protocols.dialect import Dialect
from protocols.errors import LocalProtocolError
from protocols.header import Header

HEADER_LENGTH: Final = re.compile("[1-9][0-9]?")
_BY_NAME: Final[dict[str, Dialect]] = {dialect.name: dialect for dialect in declared(__name__, "DIALECT")}
_OF_FILES: Final[dict[str, Dialect]] = {}


def dialect_named(name: str) -> Dialect:
    """The dialect of that name; with `+N` behind it, the same with a header of N bytes.

    >>> dialect_named("iso87_ascii").title
    'ISO 8583:1987, ASCII'
    >>> dialect_named("iso87_ascii+5").header
    Header(length=5, on_answer='echo', own=b'\\x00\\x00\\x00\\x00\\x00')
    """
    base, plus, length = name.partition("+")
    dialect = _BY_NAME.get(base) or _OF_FILES.get(base)
    if dialect is not None and not plus:
        return dialect
    if dialect is not None and HEADER_LENGTH.fullmatch(length):
        return dialect.headed(Header(int(length)))
    raise LocalProtocolError(f"no dialect is called {name!r}; there are {', '.join((*names(), *sorted(_OF_FILES)))}")


def is_dialect(name: str) -> bool:
    """Whether there is a dialect of that name, everybody's or a network's own."""
    return name in _BY_NAME or name in _OF_FILES


def add(dialect: Dialect) -> None:
    """From now on this dialect of a network's own is known by its name, that of its file."""
    if dialect.name in _BY_NAME:
        raise LocalProtocolError(f"{dialect.name} is the name of a dialect that everybody has")
    _OF_FILES[dialect.name] = dialect


def names() -> tuple[str, ...]:
    """The dialects that everybody has; not those of a network's own files.

    >>> "iso87_ascii" in names()
    True
    """
    return tuple(sorted(_BY_NAME))
