"""`poisson`: exponential gaps, as customers who know nothing of each other arrive."""

from collections.abc import Iterator
from typing import Literal

from loadtest.arrival import Arrivals, Rate, Seconds
from loadtest.chance import Chance


class Poisson(Arrivals):
    shape: Literal["poisson"] = "poisson"
    rate_per_s: Rate
    for_s: Seconds

    @property
    def lasts_s(self) -> float:
        return self.for_s

    @property
    def highest_per_s(self) -> float:
        return self.rate_per_s

    def instants(self, random: Chance) -> Iterator[float]:
        at = random.expovariate(self.rate_per_s)
        while at < self.for_s:
            yield at
            at += random.expovariate(self.rate_per_s)


ARRIVAL = Poisson
