"""`steps`: Poisson at one rate after another, to see at which one a host gives in."""

from collections.abc import Iterator
from typing import Literal, Self

from pydantic import model_validator

from loadtest.arrival import Arrivals, Rate, Seconds
from loadtest.arrivals.poisson import Poisson
from loadtest.chance import Chance

STEPS_MAX = 1000


class Steps(Arrivals):
    shape: Literal["steps"] = "steps"
    start_per_s: Rate
    step_per_s: Rate
    each_s: Seconds
    until_per_s: Rate

    @model_validator(mode="after")
    def _goes_up(self) -> Self:
        if not 0 <= self.until_per_s - self.start_per_s < STEPS_MAX * self.step_per_s:
            raise ValueError(f"until_per_s is reached from start_per_s in 0 to {STEPS_MAX} steps")
        return self

    @property
    def rates(self) -> tuple[float, ...]:
        """The rates, in order; the last one is at most until_per_s."""
        steps = int((self.until_per_s - self.start_per_s) / self.step_per_s + 1e-9)
        return tuple(self.start_per_s + step * self.step_per_s for step in range(steps + 1))

    @property
    def lasts_s(self) -> float:
        return len(self.rates) * self.each_s

    @property
    def highest_per_s(self) -> float:
        return self.rates[-1]

    def instants(self, random: Chance) -> Iterator[float]:
        for number, rate in enumerate(self.rates):
            for at in Poisson(rate_per_s=rate, for_s=self.each_s).instants(random):
                yield number * self.each_s + at


ARRIVAL = Steps
