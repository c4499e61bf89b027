"""`{ zipf = 1.05 }`: the card of rank r comes in proportion to 1 / r to that power; a few customers are regulars.

The distribution is exact: a table of sums is made once (eight bytes a card) and looked up by halving.
Which card has which rank is the order of the file, and that is a permutation anyway.
"""

from array import array
from bisect import bisect_right
from collections.abc import Mapping
from itertools import accumulate
from typing import Any

from loadtest.pick import Pick, Picker, number


def _make(settings: Mapping[str, Any], count: int) -> Picker:
    power = -number(settings, "zipf", 0.0, 10.0)
    sums = array("d", accumulate(rank**power for rank in range(1, count + 1)))
    total, last = sums[-1], count - 1
    return lambda draw: min(bisect_right(sums, draw * total), last)


PICK = Pick("zipf", "the card of rank r in proportion to 1 / r ** zipf", _make)
