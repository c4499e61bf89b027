"""What a shape of arrivals is: when messages are due, decided from a seed before any is sent.

One file each in `arrivals/`, declaring `ARRIVAL`, a model whose `shape` names it in a scenario. Pure: the
randomness comes in as an argument and nothing depends on an answer. Which flow an arrival begins is `plan`'s.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from loadtest.chance import Chance

Rate = Annotated[float, Field(gt=0, le=1_000_000)]  # arrivals a second
Seconds = Annotated[float, Field(gt=0, le=7 * 86_400)]  # a week: longer is a mistyped nought


class Arrivals(BaseModel):
    """One stretch of a plan. `instants` are seconds from its own beginning, ascending, below `lasts_s`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    shape: str

    @property
    @abstractmethod
    def lasts_s(self) -> float:
        """How long the stretch takes."""

    @property
    @abstractmethod
    def highest_per_s(self) -> float:
        """The highest rate that it asks for, on average: what the rails look at."""

    @abstractmethod
    def instants(self, random: Chance) -> Iterator[float]:
        """When messages are due."""


class Steady(Arrivals):
    """One rate all along."""

    rate_per_s: Rate
    for_s: Seconds

    @property
    def lasts_s(self) -> float:
        return self.for_s

    @property
    def highest_per_s(self) -> float:
        return self.rate_per_s


def thinned(random: Chance, highest_per_s: float, lasts_s: float, rate_at: Callable[[float], float]) -> Iterator[float]:
    """A Poisson process whose rate changes: of one at the highest rate, each arrival stays with a share's chance.

    (Lewis and Shedler, 1979.)
    """
    at = random.expovariate(highest_per_s)
    while at < lasts_s:
        if random.random() * highest_per_s < rate_at(at):
            yield at
        at += random.expovariate(highest_per_s)


def evenly(rate_per_s: float, lasts_s: float) -> Iterator[float]:
    """One every 1/rate seconds, the first at once; as many as belong in there, counted and not summed up."""
    for number in range(int(rate_per_s * lasts_s + 0.5)):
        yield min(number / rate_per_s, lasts_s)
