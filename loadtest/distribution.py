"""A number, or how to draw one: `1.5`, `{ uniform = [1, 2] }`, `{ lognormal = [2.0, 1.0] }`, `{ steps = [[0.9, 5]] }`.

Used for amounts, delays and pauses. Pure: the randomness comes in as an argument.
"""

from __future__ import annotations

from math import log
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from loadtest.chance import Chance

Share = Annotated[float, Field(ge=0, le=1)]


class Lognormal(BaseModel):
    """By its median, which people know, instead of the mean of the logarithm."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    median: Annotated[float, Field(gt=0)]
    sigma: Annotated[float, Field(ge=0, le=10)]


class Distribution(BaseModel):
    """Exactly one of the kinds; `min` and `max` cut off what lies beyond."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fixed: float | None = None
    uniform: tuple[float, float] | None = None
    exponential: Annotated[float, Field(gt=0)] | None = None  # its mean
    normal: tuple[float, float] | None = None  # mean and standard deviation
    lognormal: Lognormal | tuple[float, float] | None = None  # or mean and deviation of the logarithm
    steps: tuple[tuple[Share, float], ...] | None = None  # values with their shares, which add up to 1
    min: float = 0.0
    max: float = float("inf")

    @model_validator(mode="before")
    @classmethod
    def _number(cls, given: Any) -> Any:
        return {"fixed": given} if isinstance(given, int | float) and not isinstance(given, bool) else given

    @model_validator(mode="after")
    def _one(self) -> Self:
        kinds = ("fixed", "uniform", "exponential", "normal", "lognormal", "steps")
        if sum(getattr(self, kind) is not None for kind in kinds) != 1:
            raise ValueError(f"exactly one of {', '.join(kinds)}")
        if self.steps is not None and abs(sum(share for share, _ in self.steps) - 1) > 1e-6:
            raise ValueError("the shares of steps add up to 1")
        return self

    def draw(self, random: Chance) -> float:
        """
        >>> Distribution.model_validate(1.5).draw(Random(7))
        1.5
        """
        return min(max(self._drawn(random), self.min), self.max)

    def _drawn(self, random: Chance) -> float:
        if self.fixed is not None:
            return self.fixed
        if self.uniform is not None:
            return random.uniform(*self.uniform)
        if self.exponential is not None:
            return random.expovariate(1 / self.exponential)
        if self.normal is not None:
            return random.gauss(*self.normal)
        if self.steps is not None:
            return self._step(random.random())
        if isinstance(self.lognormal, Lognormal):
            return random.lognormvariate(log(self.lognormal.median), self.lognormal.sigma)
        assert self.lognormal is not None
        return random.lognormvariate(*self.lognormal)

    def _step(self, draw: float) -> float:
        assert self.steps is not None
        for share, value in self.steps:
            draw -= share
            if draw < 0:
                return value
        return self.steps[-1][1]
