"""`trace`: instants as they once were, as seconds from the beginning; faster or slower by a factor."""

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from loadtest.arrival import Arrivals
from loadtest.chance import Chance

LEAST_S = 1e-6


class Trace(Arrivals):
    shape: Literal["trace"] = "trace"
    at_s: Annotated[tuple[Annotated[float, Field(ge=0)], ...], Field(min_length=1, max_length=10_000_000)]
    speed: Annotated[float, Field(gt=0, le=1000)] = 1.0  # 2 is twice as fast
    for_s: Annotated[float, Field(ge=0)] = 0.0  # 0: until the last one

    @model_validator(mode="after")
    def _ascends(self) -> Self:
        if any(later < earlier for earlier, later in zip(self.at_s, self.at_s[1:], strict=False)):
            raise ValueError("at_s does not ascend")
        return self

    @property
    def lasts_s(self) -> float:
        return self.for_s or self.at_s[-1] / self.speed + LEAST_S

    @property
    def highest_per_s(self) -> float:
        """Of any whole second."""
        busiest: dict[int, int] = {}
        for at in self.at_s:
            second = int(at / self.speed)
            busiest[second] = busiest.get(second, 0) + 1
        return float(max(busiest.values()))

    def instants(self, random: Chance) -> Iterator[float]:
        return (at / self.speed for at in self.at_s if at / self.speed < self.lasts_s)


ARRIVAL = Trace
