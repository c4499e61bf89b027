"""A request as rules and stories see it: who asks, through which channel, for what.

Facts are read from the message once, and the network's own knowledge laid over them (a known
card acceptor keeps its merchant type, whatever the message claims). Nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from protocols import elements as de
from protocols.channel import CONTACTLESS, Channel, channel_of
from protocols.subelements import ELECTRONIC_COMMERCE_INDICATOR, SubelementError
from protocols.subelements import parse as parse_subelements

if TYPE_CHECKING:
    from protocols.message import Message
    from protocols.original import Original
    from protocols.participant import Participant
    from switch.merchants import Merchant
    from switch.product import Issued


#: What a request is judged by, read from the frame in one go. The first seven are mandatory.
FACTS = (
    *(de.PAN, de.PROCESSING_CODE, de.AMOUNT, de.TRANSMITTED_AT, de.STAN, de.TERMINAL_ID, de.CURRENCY),
    *(de.MERCHANT_TYPE, de.POS_ENTRY_MODE, de.POS_CONDITION_CODE, de.CARD_ACCEPTOR_ID),
)

Facts = tuple[str | None, ...]


class Request:
    """What one request asks. A plain slotted class: one is made for every request (0.2 µs; frozen, it would be 0.7)."""

    __slots__ = (
        "amount",
        "card_number",
        "channel",
        "currency",
        "issued",
        "key",
        "merchant",
        "merchant_type",
        "message",
        "mti",
        "participant",
        "processing_type",
        "received_at",
    )

    def __init__(
        self,
        message: Message,
        facts: Facts,
        mti: str,
        participant: Participant,
        merchants: Mapping[str, Merchant],
        received_at: float,
        *,
        by_local_time: bool = False,
    ) -> None:
        card_number, processing_code, amount, transmitted_at, stan, terminal, currency, *place = facts
        merchant_type, entry_mode, condition, card_acceptor = place
        self.message = message
        self.mti = mti  # of the first of its kind: a repeat's is its original's
        self.participant = participant
        self.received_at = received_at  # seconds since 1970, for dates and records; never for a deadline
        self.card_number = card_number or ""  # clear: it must not leave this object but in a message
        self.processing_type = (processing_code or "")[:2]
        self.amount = int(amount or 0)
        self.currency = currency or ""
        self.merchant = merchant = merchants.get(card_acceptor or "")
        self.merchant_type = merchant.merchant_type if merchant is not None else merchant_type or ""
        # By what a request and its repeats are known: who asks, message class, DE 7, DE 11, DE 41. In 1993, where
        # originals are named by their local time and repeats may be transmitted anew, that takes the place of DE 7.
        moment = local_moment(message) or transmitted_at if by_local_time else transmitted_at
        self.key = f"{participant.id}/{mti[1]}/{moment}{stan}{terminal}"
        self.channel: Channel = channel_of(
            processing_code,
            self.merchant_type,
            entry_mode,
            condition,
            # Only a stored card number needs the indicator to tell; the others do not pay for reading DE 48.
            electronic_commerce_indicator(message) if entry_mode is not None and entry_mode[:2] == "10" else None,
            card_was_read=de.TRACK_2 in message or de.ICC_DATA in message or de.TRACK_1 in message,
        )
        self.issued: Issued | None = None  # the product, once routing found it

    def key_of(self, original: Original) -> str:
        """The key of the request that this reversal is about: of the same participant, from the same terminal."""
        terminal = self.message.get(de.TERMINAL_ID)
        kind = original.mti[1]
        return f"{self.participant.id}/{kind}/{original.transmitted_at}{original.stan}{terminal}"

    @property
    def is_tapped(self) -> bool:
        """Whether the card was read without contact."""
        return (self.message.get(de.POS_ENTRY_MODE) or "")[:2] in CONTACTLESS

    @property
    def has_pin(self) -> bool:
        """Whether a PIN block came along."""
        return de.PIN_BLOCK in self.message


def local_moment(message: Message) -> str | None:
    """DE 13 and 12 as MMDDhhmmss, or None where one is missing."""
    day, time = message.get(de.LOCAL_DATE), message.get(de.LOCAL_TIME)
    return None if day is None or time is None else day + time


def electronic_commerce_indicator(message: Message) -> str | None:
    """DE 48.42, or None where there is none that can be read."""
    private_data = message.get(de.PRIVATE_DATA)
    if private_data is None:
        return None
    try:
        return parse_subelements(private_data).get(ELECTRONIC_COMMERCE_INDICATOR)
    except SubelementError:
        return None
