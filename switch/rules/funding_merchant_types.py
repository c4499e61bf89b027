"""Rule `funding_merchant_types`: kinds of merchant (DE 18) where the product's cards fund an account, and buy nothing.

A brokerage (6211) is one: securities are bought with what was put into an account before. DE 103 names the account.
"""

from __future__ import annotations

from pydantic import TypeAdapter

from protocols import elements as de
from protocols.codes import BALANCE, FUNDING, REFUND, VERIFICATION, type_refusal
from switch.request import Request
from switch.rule import Rule

#: What may be asked there besides.
TAKES_NOTHING = frozenset({BALANCE, VERIFICATION, REFUND})


def refusal(types: frozenset[str], request: Request) -> str | None:
    """The slug of the kind (`type.purchase`) where it is no funding, `missing.de103` where no account is named."""
    if request.merchant_type not in types or request.processing_type in TAKES_NOTHING:
        return None
    if request.processing_type != FUNDING:
        return type_refusal(request.processing_type)
    return None if request.message.get(de.TO_ACCOUNT) else "missing.de103"


RULE = Rule("funding_merchant_types", 31, TypeAdapter(frozenset[str]), refusal)
