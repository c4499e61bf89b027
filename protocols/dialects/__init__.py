"""The dialects, one file each; a participant's agreement names the one it speaks."""

from __future__ import annotations

from typing import Final

from protocols.catalog import declared
from protocols.dialect import Dialect
from protocols.errors import LocalProtocolError

_BY_NAME: Final[dict[str, Dialect]] = {dialect.name: dialect for dialect in declared(__name__, "DIALECT")}


def dialect_named(name: str) -> Dialect:
    """
    >>> dialect_named("iso87_ascii").title
    'ISO 8583:1987, ASCII'
    """
    try:
        return _BY_NAME[name]
    except KeyError:
        raise LocalProtocolError(f"no dialect is called {name!r}; there are {', '.join(names())}") from None


def names() -> tuple[str, ...]:
    """
    >>> "iso87_ascii" in names()
    True
    """
    return tuple(sorted(_BY_NAME))
