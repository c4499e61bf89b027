"""What the switch changes in a request before its issuer sees it.

Pure: elements in, elements out. The STAN is the core's to give; everything here depends on the
request and the network's files alone.
"""

from __future__ import annotations

from protocols import elements as de
from protocols.participant import Role
from protocols.subelements import PARTIAL_APPROVAL, SubelementError, pack, parse
from switch.configuration import Configuration
from switch.request import Request


def changes(request: Request, network: Configuration) -> dict[int, str | None] | None:
    """The elements to add or replace; None where no rate leads to the card's currency."""
    found: dict[int, str | None] = {}
    try:
        billing = network.billing(request)
    except LookupError:
        return None
    if billing is not None:
        found[de.BILLING_AMOUNT] = f"{billing.amount.minor:012d}"
        found[de.BILLING_RATE] = billing.quote.rate.de10()
        found[de.CONVERSION_DATE] = f"{billing.day.month:02d}{billing.day.day:02d}"
        found[de.BILLING_CURRENCY] = billing.amount.currency.number
    if request.merchant is not None and request.message.get(de.MERCHANT_TYPE) != request.merchant_type:
        found[de.MERCHANT_TYPE] = request.merchant_type
    if not request.participant.laboratory:
        stamp(found, request, network)
    if request.participant.mac_key is not None:  # it was for this link, and was looked at
        found[de.MAC] = found[de.MAC_2] = None
    say_whether_a_part_will_do(found, request)
    return found


def say_whether_a_part_will_do(found: dict[int, str | None], request: Request) -> None:
    """DE 48.61: the agreement says whether the gateway takes partial approvals, whatever the message claims."""
    private = request.message.get(de.PRIVATE_DATA)
    if not request.participant.partial_approval and (private is None or PARTIAL_APPROVAL not in private):
        return  # the common case does not pay for taking DE 48 apart
    try:
        subelements = parse(private or "")
    except SubelementError:
        return  # another network's private data; we do not know where to write
    subelements.pop(PARTIAL_APPROVAL, None)
    if request.participant.partial_approval:
        subelements[PARTIAL_APPROVAL] = "1"
    found[de.PRIVATE_DATA] = pack(subelements) or None


def stamp(found: dict[int, str | None], request: Request, network: Configuration) -> None:
    """Name the acquirer and the forwarder from the agreements: identity comes from the link, not from the message."""
    participant = request.participant
    acquirer = network.participants[request.merchant.acquirer] if request.merchant else participant
    if acquirer.has(Role.ACQUIRER):
        found[de.ACQUIRER_ID] = acquirer.institution_id
    if participant.has(Role.GATEWAY):
        found[de.FORWARDER_ID] = participant.institution_id
