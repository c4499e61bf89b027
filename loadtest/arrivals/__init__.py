"""The shapes of arrivals, one file each; a scenario names one: `{ shape = "constant", rate_per_s = 9, for_s = 60 }`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final, Union

from pydantic import Field

from loadtest.arrival import Arrivals
from protocols.catalog import declared

SHAPES: Final[Mapping[str, type[Arrivals]]] = {
    shape.model_fields["shape"].default: shape for shape in declared(__name__, "ARRIVAL")
}

if TYPE_CHECKING:
    AnyArrivals = Arrivals
else:  # the union of what was found
    AnyArrivals: Any = Annotated[Union[tuple(SHAPES.values())], Field(discriminator="shape")]  # noqa: UP007
