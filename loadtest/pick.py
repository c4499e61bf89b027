"""A pick: which card comes next, as a way of turning a number drawn from 0 up to 1 into an index.

One file each in `picks/`. The draw comes in as an argument, so the plan's seed decides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Picker = Callable[[float], int]  # a number from 0 up to but not including 1 -> an index


class PickError(ValueError):
    """The scenario asks for a pick that cannot be."""


@dataclass(frozen=True, slots=True)
class Pick:
    """A kind of pick: its name in a scenario, and how one is made of its settings for so many cards."""

    name: str
    title: str
    make: Callable[[Mapping[str, Any], int], Picker]


def number(settings: Mapping[str, Any], name: str, least: float, most: float) -> float:
    """A setting that is a number within bounds; PickError names it."""
    value = settings.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise PickError(f"pick.{name}: a number from {least:g} to {most:g}")
    return float(value)
