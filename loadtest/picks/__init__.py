"""The picks, one file each; a scenario names one: `"uniform"`, `{ zipf = 1.05 }`, `{ hot = 10, share = 0.5 }`.

A table's first key is the name of the pick; the table is its settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from loadtest.pick import Pick, Picker, PickError
from protocols.catalog import declared

PICKS: Final[Mapping[str, Pick]] = {pick.name: pick for pick in declared(__name__, "PICK")}


def picker(setting: str | Mapping[str, Any], count: int) -> Picker:
    """The picker that a scenario's setting describes, for `count` cards; PickError where it cannot be.

    >>> picker("uniform", 10)(0.55)
    5
    """
    if count < 1:
        raise PickError("there is nothing to pick from")
    settings = {setting: True} if isinstance(setting, str) else setting
    name = next((name for name in settings if name in PICKS), None)
    if name is None:
        raise PickError(f"no such pick; there are {', '.join(sorted(PICKS))}")
    return PICKS[name].make(settings, count)
