"""`"uniform"`: every card as often as any other."""

from collections.abc import Mapping
from typing import Any

from loadtest.pick import Pick, Picker


def _make(_settings: Mapping[str, Any], count: int) -> Picker:
    return lambda draw: int(draw * count)


PICK = Pick("uniform", "every card as often as any other", _make)
