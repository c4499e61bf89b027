"""The steps of the tour, one file each; numbers are those of the demonstration's programme."""

from __future__ import annotations

from typing import Final

from protocols.catalog import declared
from switch.tour.step import AtTill, Follow, Step

STEPS: Final[tuple[Step, ...]] = tuple(sorted(declared(__name__, "STEP"), key=lambda step: step.number))


def gateways_needed() -> list[str]:
    """The gateways at whose tills the tour is played."""
    acts = [line.act for step in STEPS for line in step.lines]
    return sorted({act.gateway for act in acts if isinstance(act, AtTill | Follow)})
