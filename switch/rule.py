"""What a rule is: a question about a request that a product answers with "no", and why.

A rule is one file in `rules/`. It declares RULE: the name that a product's TOML uses, the
type of the setting found there, and a pure function from setting and request to a reason's
slug, or None to let the request pass. Rules keep no state and read no clock: limits that
count belong to the issuer, and time comes with the request.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from protocols.catalog import declared
from switch import rules
from switch.request import Request


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of restriction that a product may place on its cards."""

    name: str  # the key in a product's [rules]
    order: int  # refusals are asked in this order; the first that applies is the answer
    setting: TypeAdapter[Any]
    refusal: Callable[[Any, Request], str | None]


def all_rules() -> Mapping[str, Rule]:
    """Every rule by name, in the order in which they are asked."""
    found: list[Rule] = declared(rules, "RULE")
    return {rule.name: rule for rule in sorted(found, key=lambda rule: rule.order)}
