"""`ramp`: a Poisson process whose rate goes straight from one to another."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from loadtest.arrival import Arrivals, Rate, Seconds, thinned
from loadtest.chance import Chance


class Ramp(Arrivals):
    shape: Literal["ramp"] = "ramp"
    from_per_s: Annotated[float, Field(ge=0, le=1_000_000)]
    to_per_s: Rate
    for_s: Seconds

    @property
    def lasts_s(self) -> float:
        return self.for_s

    @property
    def highest_per_s(self) -> float:
        return max(self.from_per_s, self.to_per_s)

    def instants(self, random: Chance) -> Iterator[float]:
        slope = (self.to_per_s - self.from_per_s) / self.for_s
        return thinned(random, self.highest_per_s, self.for_s, lambda at: self.from_per_s + slope * at)


ARRIVAL = Ramp
