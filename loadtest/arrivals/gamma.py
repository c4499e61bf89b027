"""`gamma`: gaps of a chosen coefficient of variation; 1 is Poisson, 3 is bursts, 0.3 nearly a clock."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from loadtest.arrival import Steady
from loadtest.chance import Chance


class Gamma(Steady):
    shape: Literal["gamma"] = "gamma"
    variation: Annotated[float, Field(ge=0.05, le=20)] = 1.0  # standard deviation of the gaps by their mean

    def instants(self, random: Chance) -> Iterator[float]:
        shape = self.variation**-2  # of a gamma distribution the variation is 1/sqrt(shape)
        scale = 1 / (self.rate_per_s * shape)
        at = random.gammavariate(shape, scale)
        while at < self.for_s:
            yield at
            at += random.gammavariate(shape, scale)


ARRIVAL = Gamma
