"""What a bank reads from a message: an `Ask`, with the card number already turned into a token.

The books, the store and the decisions see tokens only; the number itself stays in the message
that came in and goes back out in its answer. Pure; deciding is not done here.
"""

from __future__ import annotations

import hmac
from enum import Enum

from protocols import elements as de
from protocols import mti as types
from protocols import subelements
from protocols.errors import FormatError
from protocols.message import Message
from protocols.money import currency_numbered
from protocols.original import NOT_STATED, booking_key
from protocols.pan import Pan

NEEDED = (de.PAN, de.PROCESSING_CODE, de.AMOUNT, de.TRANSMITTED_AT, de.STAN, de.CURRENCY)
NEEDED_OF_REVERSAL = (de.TRANSMITTED_AT, de.STAN, de.ORIGINAL)


class Pin(Enum):
    """What is known about the PIN of a request."""

    NONE = "none"  # the request carries no PIN block
    UNVERIFIED = "unverified"  # carries one; the HSM has not been asked
    RIGHT = "right"
    WRONG = "wrong"
    UNKNOWN = "unknown"  # the HSM was asked and could not say


class Tokens:
    """Turns card numbers into tokens under a key of the bank's own (HMAC-SHA-256, cut to 16 bytes).

    >>> tokens = Tokens(b"0" * 32)
    >>> tokens.of(Pan("9414100000000017"))
    '2dc55b8f16839dfddb96f4f22ffa5d9e'
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def __repr__(self) -> str:
        return "Tokens([secret])"

    def of(self, pan: Pan) -> str:
        return hmac.digest(self._key, pan.clear().encode(), "sha256")[:16].hex()


# A plain slotted class: one per request, in the hot path.
class Ask:
    """One request or advice as a bank reads it. Amounts in minor units; `currency` is the cardholder's."""

    __slots__ = (
        "accepts_partial",
        "account_type",
        "amount",
        "approval_code",
        "booking_key",
        "currency",
        "expiry",
        "fingerprint",
        "key",
        "masked",
        "merchant",
        "message",
        "mti",
        "original_key",
        "original_prefix",
        "pin",
        "rate",
        "replacement",
        "response_code",
        "rrn",
        "terminal_id",
        "token",
        "transaction_amount",
        "transaction_currency",
        "type",
    )

    def __init__(self, message: Message, tokens: Tokens) -> None:
        """Raises FormatError when an element that this message type must have is missing."""
        mti = types.first_of(message.mti)
        is_reversal = types.mti_class(mti) == types.REVERSAL
        _require(message, NEEDED_OF_REVERSAL if is_reversal else NEEDED)
        get = message.get
        stan, transmitted_at = get(de.STAN) or "", get(de.TRANSMITTED_AT) or ""
        acquirer_id = get(de.ACQUIRER_ID) or ""
        self.message = message
        self.mti = mti
        self.terminal_id = get(de.TERMINAL_ID) or ""
        # The function digit counts: some hosts number a stand-in advice like the request it stands for.
        self.key = f"{mti}/{stan}/{transmitted_at}/{acquirer_id}/{self.terminal_id}"
        self.booking_key = booking_key(mti, stan, transmitted_at, acquirer_id)
        self._read_card(message, tokens)
        self._read_amounts(message)
        self._read_original(message)
        self.pin = Pin.UNVERIFIED if get(de.PIN_BLOCK) and mti in ("0100", "0200") else Pin.NONE
        self.approval_code = get(de.APPROVAL_CODE) or ""
        self.response_code = get(de.RESPONSE_CODE) or ""
        self.rrn = get(de.RRN) or ""
        self.merchant = (get(de.CARD_ACCEPTOR_NAME) or get(de.CARD_ACCEPTOR_ID) or "").strip()
        self.accepts_partial = _accepts_partial(get(de.PRIVATE_DATA))
        self.fingerprint = "/".join(
            (
                self.token,
                get(de.PROCESSING_CODE) or "",
                str(self.transaction_amount),
                self.transaction_currency,
                self.original_key or "",
            )
        )

    def __repr__(self) -> str:
        return f"<Ask {self.booking_key} {self.masked}>"

    def _read_card(self, message: Message, tokens: Tokens) -> None:
        pan = message.pan
        self.token = tokens.of(pan) if pan else ""
        self.masked = pan.masked if pan else ""
        self.expiry = message.get(de.EXPIRY)
        processing_code = message.get(de.PROCESSING_CODE) or ""
        self.type, self.account_type = processing_code[:2], processing_code[2:4]

    def _read_amounts(self, message: Message) -> None:
        """DE 6 and 51 where the switch has converted for the cardholder, else DE 4 and 49."""
        get = message.get
        self.transaction_amount = int(get(de.AMOUNT) or "0")
        self.transaction_currency = _letters(get(de.CURRENCY))
        billing = get(de.BILLING_AMOUNT)
        self.amount = self.transaction_amount if billing is None else int(billing)
        self.currency = self.transaction_currency if billing is None else _letters(get(de.BILLING_CURRENCY))
        self.rate = "" if billing is None else get(de.BILLING_RATE) or ""
        replacement = get(de.REPLACEMENT_AMOUNTS)
        self.replacement = None if replacement is None else int(replacement[:12])  # its first part: the transaction's

    def _read_original(self, message: Message) -> None:
        """DE 90; where it states no institutions, the rest of it must do (`original_prefix`)."""
        original = message.original
        self.original_key = original.key if original else None
        stated = original is not None and original.acquirer_id != NOT_STATED
        self.original_prefix = None if stated or original is None else original.key[:-1]


def _require(message: Message, needed: tuple[int, ...]) -> None:
    for element in needed:
        if element not in message:
            raise FormatError.missing(element, mti=message.mti, readable=dict(message.items()))


def _letters(numeric: str | None) -> str:
    """ISO 4217 letters for DE 49 or 51; empty for what ISO 4217 does not know."""
    try:
        return currency_numbered(numeric or "").code
    except ValueError:
        return ""


def _accepts_partial(private_data: str | None) -> bool:
    if not private_data:
        return False
    try:
        return subelements.parse(private_data).get(subelements.PARTIAL_APPROVAL) == "1"
    except FormatError:
        return False  # another network's private data: it does not say so
