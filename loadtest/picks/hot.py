"""`{ hot = 10, share = 0.5 }`: so many cards get that share of the traffic, all others the rest."""

from collections.abc import Mapping
from typing import Any

from loadtest.pick import Pick, Picker, PickError, number


def _make(settings: Mapping[str, Any], count: int) -> Picker:
    hot = int(number(settings, "hot", 1, 1e9))
    share = number(settings, "share", 0.0, 1.0)
    if hot >= count:
        raise PickError(f"pick.hot: {hot} of {count} cards leave no others")

    def pick(draw: float) -> int:
        if draw < share:
            return min(int(draw / share * hot), hot - 1)  # a division may round up to the end
        return min(hot + int((draw - share) / (1.0 - share) * (count - hot)), count - 1)

    return pick


PICK = Pick("hot", "a few hot cards get a share of their own", _make)
