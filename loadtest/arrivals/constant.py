"""`constant`: one message every 1/rate seconds."""

from collections.abc import Iterator
from typing import Literal

from loadtest.arrival import Arrivals, Rate, Seconds, evenly
from loadtest.chance import Chance


class Constant(Arrivals):
    shape: Literal["constant"] = "constant"
    rate_per_s: Rate
    for_s: Seconds

    @property
    def lasts_s(self) -> float:
        return self.for_s

    @property
    def highest_per_s(self) -> float:
        return self.rate_per_s

    def instants(self, random: Chance) -> Iterator[float]:
        return evenly(self.rate_per_s, self.for_s)


ARRIVAL = Constant
