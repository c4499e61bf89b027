"""What an issuer's answer means, and which of its elements the asker gets to see.

Pure. Whether an answer belongs to a request was settled before (the core matches); here only
whether it makes sense, and how it is passed on.
"""

from __future__ import annotations

from collections.abc import Mapping

from protocols import codes
from protocols import elements as de
from protocols.codes import APPROVED, PARTIALLY_APPROVED, SLUG_MAX, plain_reason
from protocols.message import Message
from switch.request import Request
from switch.story import Debt, Verdict, declined

#: What the switch fills in where the card's currency is not the merchant's.
BILLING = (de.BILLING_AMOUNT, de.BILLING_RATE, de.CONVERSION_DATE, de.BILLING_CURRENCY)

#: What an outcome is made of, and what of an answer travels on to the asker; each read from the frame in one go.
OUTCOME = (de.RESPONSE_CODE, de.APPROVAL_CODE, de.AMOUNT)
TOLD = (de.RESPONSE_CODE, de.APPROVAL_CODE, de.REASON, de.ADDITIONAL_AMOUNTS, de.ICC_DATA)


def makes_sense(request: Request, answer: Message) -> bool:
    """Whether the answer can be acted on; one that cannot is no answer at all, and its request is in doubt."""
    code, approval_code, amount = answer.pick(OUTCOME)
    if not codes.is_approval(code):
        return codes.is_decline(code)
    return approval_code is not None and (amount is None or int(amount) <= request.amount)


def relayed(request: Request, answer: Message, changes: Mapping[int, str | None]) -> Verdict:
    """The verdict that passes the issuer's answer on; `changes` is what the issuer was told differently."""
    code, approval_code, said, additional_amounts, chip = answer.pick(TOLD)
    assert code is not None  # or it would make no sense
    elements = billed(changes)
    if additional_amounts is not None:
        elements[de.ADDITIONAL_AMOUNTS] = additional_amounts
    if chip is not None:
        elements[de.ICC_DATA] = chip
    if code == APPROVED:
        return Verdict(code, approval_code=approval_code, elements=elements)
    if code == PARTIALLY_APPROVED:
        return partly(request, answer, elements)
    reason = (said or "")[:SLUG_MAX].strip() or plain_reason(code).slug
    return Verdict(code, reason=reason, elements=elements)


def billed(changes: Mapping[int, str | None]) -> dict[int, str]:
    """What the holder is billed in another currency, for the asker to know: DE 6, 10, 16 and 51 as we filled them."""
    return {number: value for number in BILLING if (value := changes.get(number)) is not None}


def partly(request: Request, answer: Message, elements: dict[int, str]) -> Verdict:
    """A part was approved: passed on where the asker takes parts, else undone."""
    amount = answer.get(de.AMOUNT)
    if not request.participant.partial_approval or amount is None:
        return declined("funds", Debt.REVERSAL)
    elements[de.AMOUNT] = amount
    return Verdict(PARTIALLY_APPROVED, reason="partial", approval_code=answer.get(de.APPROVAL_CODE), elements=elements)
