"""What a bank reads from a message: an `Ask`, with the card number already turned into a token.

The books, the store and the decisions see tokens only; the number itself stays in the message
that came in and goes back out in its answer. Pure; deciding is not done here.
"""

from __future__ import annotations

import hmac
from enum import Enum

from issuers import cavv
from issuers.script import Script
from protocols import additional_amounts, codes, subelements
from protocols import elements as de
from protocols import mti as types
from protocols.channel import Channel, channel_of
from protocols.errors import FormatError
from protocols.message import Message
from protocols.money import currency_numbered
from protocols.original import NOT_STATED, booking_key
from protocols.pan import Pan

PREAUTHORIZED = "06"  # DE 25

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
        "all_asked",
        "amount",
        "approval_code",
        "arpc",
        "authentication",
        "booking_key",
        "card_acceptor_id",
        "cash_back",
        "currency",
        "expiry",
        "fingerprint",
        "key",
        "made",
        "masked",
        "merchant",
        "message",
        "mti",
        "original_key",
        "original_prefix",
        "pin",
        "proved",
        "rate",
        "replacement",
        "response_code",
        "rrn",
        "script",
        "source",
        "target",
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
        self.cash_back = self._read_cash_back()
        self.pin = Pin.UNVERIFIED if get(de.PIN_BLOCK) and mti in ("0100", "0200") else Pin.NONE
        self.approval_code = get(de.APPROVAL_CODE) or ""
        self.response_code = get(de.RESPONSE_CODE) or ""
        self.rrn = get(de.RRN) or ""
        self.card_acceptor_id = (get(de.CARD_ACCEPTOR_ID) or "").strip()
        self.merchant = (get(de.CARD_ACCEPTOR_NAME) or self.card_acceptor_id).strip()
        self.source, self.target = (get(number) or "" for number in (de.FROM_ACCOUNT, de.TO_ACCOUNT))
        self.made: str | None = None  # the PVV or offset of a new PIN
        self.proved: dict[str, Pin] = {}  # what the HSM has said of the card's and the holder's proofs
        self.script: Script | None = None  # what a tester wants done with it
        self.all_asked = False  # the HSM has been asked all that there is to ask
        self.arpc: dict[str, bytes] = {}  # by what it says to the chip: `approved`, `declined`
        self.accepts_partial = _accepts_partial(get(de.PRIVATE_DATA))
        self.authentication = _authentication(self.token, get(de.PRIVATE_DATA))
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

    # Read when somebody asks: most requests are decided without

    @property
    def channel(self) -> Channel:
        """Which way the card number reached the shop."""
        get = self.message.get
        eci = self.private.get(subelements.ELECTRONIC_COMMERCE_INDICATOR)
        was_read = de.TRACK_2 in self.message or de.ICC_DATA in self.message
        places = (de.PROCESSING_CODE, de.MERCHANT_TYPE, de.POS_ENTRY_MODE, de.POS_CONDITION_CODE)
        processing_code, merchant_type, entry, condition = map(get, places)
        return channel_of(processing_code, merchant_type, entry, condition, eci, card_was_read=was_read)

    @property
    def private(self) -> dict[str, str]:
        """DE 48 by subelement; another network's says nothing."""
        try:
            return subelements.parse(self.message.get(de.PRIVATE_DATA) or "")
        except FormatError:
            return {}

    @property
    def is_preauthorization(self) -> bool:
        return self.message.get(de.POS_CONDITION_CODE) == PREAUTHORIZED

    def _read_cash_back(self) -> int:
        """How much of a purchase with cash back is cash, in minor units of `currency`."""
        if self.type != codes.CASH_BACK:
            return 0
        amounts = additional_amounts.parse(self.message.get(de.ADDITIONAL_AMOUNTS) or "")
        paid = sum(abs(one.minor) for one in amounts if one.amount_type == additional_amounts.CASH_BACK)
        if not paid or self.amount == self.transaction_amount:
            return paid
        return -(-paid * self.amount // max(1, self.transaction_amount))  # upwards: a limit is not slipped under

    @property
    def is_last_part(self) -> bool:
        """Of a completion in parts, DE 48.62 says which (`0103`: the first of three); one that says nothing is all."""
        part = self.private.get(subelements.COMPLETION_PART, "")
        return len(part) != 4 or part[:2] == part[2:]

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


def _authentication(token: str, private_data: str | None) -> str:
    """Under which name the books know the authentication that a request carries; empty where it carries none."""
    if not private_data or subelements.AUTHENTICATION_VALUE not in private_data:
        return ""
    try:
        parts = cavv.read(subelements.parse(private_data).get(subelements.AUTHENTICATION_VALUE, ""))
    except FormatError:
        return ""
    return "" if parts is None else cavv.name(token, parts)
