"""The framings, one file each; a participant's agreement names the one it speaks.

A file declares a framing, or a family of them that differ by a number: `header(22)`.
"""

from __future__ import annotations

import re
from typing import Final

from protocols.catalog import declared
from protocols.errors import LocalProtocolError
from protocols.framing import Framing, FramingFamily

_FOUND: Final[list[Framing | FramingFamily]] = declared(__name__, "FRAMING")
_FAMILIES: Final = {one.name: one for one in _FOUND if isinstance(one, FramingFamily)}
_USUAL: Final = [family.member(number) for family in _FAMILIES.values() for number in family.usual]
_BY_NAME: Final = {one.name: one for one in (*_FOUND, *_USUAL) if isinstance(one, Framing)}
_MEMBER: Final = re.compile(r"([a-z0-9_]+)\(([1-9][0-9]{0,3})\)", re.ASCII)


def framing(name: str) -> Framing:
    """The framing of that name, in its plain form."""
    found = _BY_NAME.get(name) or _member(name)
    if found is None:
        families = [f"{family.name}(n)" for family in _FAMILIES.values()]
        raise LocalProtocolError(f"no framing is called {name!r}; there are {', '.join((*names(), *families))}")
    return found


def names() -> tuple[str, ...]:
    """All that stand alone, and the usual members of the families.

    >>> {"len2", "tpdu", "header(22)"} <= set(names())
    True
    """
    return tuple(sorted(_BY_NAME))


def _member(name: str) -> Framing | None:
    parts = _MEMBER.fullmatch(name)
    family = _FAMILIES.get(parts[1]) if parts else None
    number = int(parts[2]) if parts else 0
    return family.member(number) if family and number in family.numbers else None
