"""`constant`: one message every 1/rate seconds."""

from collections.abc import Iterator
from typing import Literal

from loadtest.arrival import Steady, evenly
from loadtest.chance import Chance


class Constant(Steady):
    shape: Literal["constant"] = "constant"

    def instants(self, random: Chance) -> Iterator[float]:
        return evenly(self.rate_per_s, self.for_s)


ARRIVAL = Constant
