"""An endpoint: one thing that a shop may ask for, as data. The application serves the table, the OpenAPI shows it.

Pure. What an endpoint does is a function of the `Call` in `endpoints`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from acquirers.store_api.scope import Scope

if TYPE_CHECKING:
    from acquirers.merchant import Merchant
    from acquirers.store_api.office import Office


@dataclass(frozen=True, slots=True)
class Call:
    """One request that has been let in: who asks, for what."""

    office: Office
    merchant: Merchant
    scopes: frozenset[Scope]
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Any  # of the endpoint's request model; None where it has none
    key: str | None  # the Idempotency-Key


@dataclass(frozen=True, slots=True)
class Query:
    """A parameter behind the question mark."""

    name: str
    schema: Mapping[str, Any]
    description: str


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One row of the table."""

    method: str
    path: str
    scope: Scope
    summary: str
    answer: Callable[[Call], Awaitable[BaseModel | None]]
    response: type[BaseModel] | None  # None: no body, 204
    request: type[BaseModel] | None = None
    status: int = 200
    problems: tuple[str, ...] = ()  # slugs, beyond what every endpoint may say
    query: tuple[Query, ...] = field(default_factory=tuple)

    @property
    def keyed(self) -> bool:
        """Whether it needs an Idempotency-Key: whatever makes or moves something."""
        return self.method == "POST"

    @property
    def name(self) -> str:
        return self.answer.__name__
