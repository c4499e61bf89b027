"""`spike`: Poisson at a usual rate, with a stretch at a much higher one in the middle."""

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from loadtest.arrival import Arrivals, Rate, Seconds, thinned
from loadtest.chance import Chance


class Spike(Arrivals):
    shape: Literal["spike"] = "spike"
    rate_per_s: Rate
    peak_per_s: Rate
    for_s: Seconds
    at_s: Annotated[float, Field(ge=0)]  # when the peak begins
    peak_s: Seconds  # and how long it lasts

    @model_validator(mode="after")
    def _lies_within(self) -> Self:
        if self.at_s + self.peak_s > self.for_s:
            raise ValueError("the peak ends after for_s")
        return self

    @property
    def lasts_s(self) -> float:
        return self.for_s

    @property
    def highest_per_s(self) -> float:
        return max(self.rate_per_s, self.peak_per_s)

    def instants(self, random: Chance) -> Iterator[float]:
        begin, end = self.at_s, self.at_s + self.peak_s
        return thinned(
            random,
            self.highest_per_s,
            self.for_s,
            lambda at: self.peak_per_s if begin <= at < end else self.rate_per_s,
        )


ARRIVAL = Spike
