"""`poisson`: exponential gaps, as customers who know nothing of each other arrive."""

from collections.abc import Iterator
from typing import Literal

from loadtest.arrival import Steady
from loadtest.chance import Chance


class Poisson(Steady):
    shape: Literal["poisson"] = "poisson"

    def instants(self, random: Chance) -> Iterator[float]:
        at = random.expovariate(self.rate_per_s)
        while at < self.for_s:
            yield at
            at += random.expovariate(self.rate_per_s)


ARRIVAL = Poisson
