"""Rule `refused_merchant_types`: kinds of merchant (DE 18) where the product's cards do not work."""

from __future__ import annotations

from pydantic import TypeAdapter

from switch.request import Request
from switch.rule import Rule


def refusal(refused: frozenset[str], request: Request) -> str | None:
    """`merchant_type.NNNN` where the merchant is of a kind that is refused."""
    return f"merchant_type.{request.merchant_type}" if request.merchant_type in refused else None


RULE = Rule("refused_merchant_types", 30, TypeAdapter(frozenset[str]), refusal)
