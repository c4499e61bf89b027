"""Rule `processing_types`: which kinds of transaction (first two digits of DE 3) the product knows."""

from __future__ import annotations

from pydantic import TypeAdapter

from protocols.codes import type_refusal
from switch.request import Request
from switch.rule import Rule


def refusal(allowed: frozenset[str], request: Request) -> str | None:
    """The slug of the kind (`type.cash`) where it is not among those allowed."""
    return None if request.processing_type in allowed else type_refusal(request.processing_type)


RULE = Rule("processing_types", 20, TypeAdapter(frozenset[str]), refusal)
