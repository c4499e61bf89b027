"""The framings, one file each; a participant's agreement names the one it speaks."""

from __future__ import annotations

from typing import Final

from protocols.catalog import declared
from protocols.errors import LocalProtocolError
from protocols.framing import Framing

_BY_NAME: Final[dict[str, Framing]] = {framing.name: framing for framing in declared(__name__, "FRAMING")}


def framing(name: str) -> Framing:
    """The framing of that name, in its plain form."""
    try:
        return _BY_NAME[name]
    except KeyError:
        raise LocalProtocolError(f"no framing is called {name!r}; there are {', '.join(names())}") from None


def names() -> tuple[str, ...]:
    """
    >>> "len2" in names()
    True
    """
    return tuple(sorted(_BY_NAME))
