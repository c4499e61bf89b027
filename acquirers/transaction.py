"""A transaction on the acquiring side: the request, its repeat, its reversal, and what the answer says.

Pure: values in, values out; time, STAN and keys come in as arguments. Elements are named,
not spelled: the dialect turns them into bytes. When something is sent, and what happens when
nothing comes back, is decided in `session`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from acquirers.house import House
from acquirers.merchant import Merchant
from acquirers.point_of_sale import PointOfSale
from protocols import codes, subelements
from protocols import elements as de
from protocols import mti as message_types
from protocols.message import Message
from protocols.money import Amount, currency_numbered
from protocols.original import Original
from protocols.pan import Pan


@dataclass(frozen=True, slots=True)
class Kind:
    """What is asked for: the first two digits of DE 3, and what else follows from it."""

    name: str
    transaction_type: str
    only: str | None = None  # the one message it goes by, whatever the place usually sends
    has_amount: bool = True


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("purchase", codes.PURCHASE),
        Kind("cash_back", codes.CASH_BACK),  # a purchase of which a part is handed out: DE 54
        Kind("preauth", codes.PURCHASE, only="0100"),  # an authorization that a 0220 will complete
        Kind("cash", codes.CASH),
        Kind("refund", codes.REFUND),
        Kind("balance", codes.BALANCE, has_amount=False),
        Kind("verify", codes.VERIFICATION, only="0100", has_amount=False),
        Kind("pin_change", codes.PIN_CHANGE, only="0200", has_amount=False),  # the new one: DE 48.93
        Kind("transfer", codes.TRANSFER, only="0200"),  # between accounts: DE 102, 103
        Kind("funding", codes.FUNDING, only="0200"),  # of an account held at the bank: DE 103
    )
}


@dataclass(frozen=True, slots=True, repr=False)
class Order:
    """What the holder and the shop agreed on. Prints without the card's secrets."""

    kind: Kind
    pan: Pan
    amount: Amount
    expiry: str | None = None  # DE 14, YYMM
    pin: str | None = None
    card_verification_code: str | None = None
    sub_merchant: str | None = None
    message: str | None = None  # 0100 or 0200; None: as the place usually does
    private_data: Mapping[str, str] = field(default_factory=dict)  # DE 48 of this order: it outdoes the place's
    source: str | None = None  # DE 102: the account that pays
    target: str | None = None  # DE 103: the account that is paid

    def __repr__(self) -> str:
        return f"<Order {self.kind.name} {self.amount} on {self.pan}>"


class Answered(Protocol):
    """As much of an answer as later messages repeat: DE 37 and DE 38."""

    @property
    def rrn(self) -> str | None: ...

    @property
    def approval_code(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Place:
    """Where the card was taken."""

    merchant: Merchant
    terminal_id: str
    point_of_sale: PointOfSale


@dataclass(frozen=True, slots=True)
class Stamp:
    """What makes a message this message: its number and its moment."""

    stan: str  # DE 11
    at: datetime  # aware; DE 7 is its UTC

    @property
    def transmitted_at(self) -> str:
        return f"{self.at:%m%d%H%M%S}"


@dataclass(frozen=True, slots=True, repr=False)
class Request:
    """A message as it will be sent: the type, and every element's value. Prints what a person may see."""

    mti: str
    values: Mapping[int, str]

    @property
    def stan(self) -> str:
        return self.values[de.STAN]

    @property
    def original(self) -> Original:
        """How a later message names this one (DE 90)."""
        return Original(
            message_types.first_of(self.mti),
            self.stan,
            self.values[de.TRANSMITTED_AT],
            self.values.get(de.ACQUIRER_ID, ""),
            self.values.get(de.FORWARDER_ID, ""),
        )

    def __repr__(self) -> str:
        shown = (f"{de.ELEMENTS[number].name}={de.shown(number, value)}" for number, value in self.values.items())
        return f"<{self.mti} {' '.join(shown)}>"


def make_request(order: Order, place: Place, house: House, stamp: Stamp) -> Request:
    """The 0100 or 0200 for an order."""
    mti = order.kind.only or order.message or place.point_of_sale.message
    values = (
        _card(order)
        | {de.PROCESSING_CODE: f"{order.kind.transaction_type}0000"}
        | {de.AMOUNT: order.amount.digits(), de.CURRENCY: order.amount.currency.number}
        | _trace(place, house, stamp)
        | _taken_at(place)
        | _private_data(order, place)
        | {de.FROM_ACCOUNT: order.source, de.TO_ACCOUNT: order.target}
    )
    if order.pin is not None:
        if house.pin_pad is None:
            raise ValueError(f"{house.name} has agreed no PIN key, so nobody can enter a PIN there")
        values[de.PIN_BLOCK] = house.pin_pad.pin_block(order.pin, order.pan)
    return _sorted(mti, values)


def make_repeat(request: Request) -> Request:
    """The same message again: the same number, the same moment, every element; only the type says so."""
    return Request(message_types.repeat_of(request.mti), request.values)


#: What a reversal or a completion says of the request it is about, as it was.
CARRIED_ON = (
    de.PAN,
    de.PROCESSING_CODE,
    de.AMOUNT,
    de.MERCHANT_TYPE,
    de.POS_ENTRY_MODE,
    de.POS_CONDITION_CODE,
    de.ACQUIRER_ID,
    de.FORWARDER_ID,
    de.RRN,
    de.TERMINAL_ID,
    de.CARD_ACCEPTOR_ID,
    de.CARD_ACCEPTOR_NAME,
    de.CURRENCY,
)


def make_reversal(
    request: Request,
    stamp: Stamp,
    *,
    mti: str = "0420",
    reason: str = "reversal.customer",
    answer: Answered | None = None,
    left: Amount | None = None,
) -> Request:
    """A 0400 (asks) or 0420 (tells) that undoes a request; DE 90 names it, DE 39 says why.

    `reason` is a slug of `codes.REVERSAL_REASONS`. `answer`, where one came, gives DE 37 and
    38; `left` is what remains of the amount when only a part is taken back (DE 95).
    """
    values = _about(request, stamp, answer) | {de.RESPONSE_CODE: codes.REVERSAL_REASONS[reason].response_code}
    if left is not None:
        # ISO 8583:1987: transaction amount n12, settlement amount n12, two fees x+n8.
        values[de.REPLACEMENT_AMOUNTS] = f"{left.digits()}{0:012d}C{0:08d}C{0:08d}"
    return _sorted(mti, values)


def make_completion(
    request: Request,
    stamp: Stamp,
    amount: Amount,
    answer: Answered | None = None,
    *,
    mti: str = "0220",
    part: str | None = None,
) -> Request:
    """A 0220 (tells) or 0200 (asks): the shop takes what a pre-authorization held.

    `part` says which of several completions it is: `0103` is the first of three. Whose stall it is travels along.
    """
    values = _about(request, stamp, answer) | {de.AMOUNT: amount.digits()}
    private = {n: v for n, v in _parts_of(request).items() if n == subelements.PAYMENT_FACILITATOR}
    if part is not None:
        private[subelements.COMPLETION_PART] = part
    return _sorted(mti, values | {de.PRIVATE_DATA: subelements.pack(private) or None})


def make_increase(request: Request, stamp: Stamp, amount: Amount) -> Request:
    """A 0100 that reserves more for the same sale; DE 90 names what it increases."""
    values = {**request.values, **_about(request, stamp, None), de.AMOUNT: amount.digits()}
    return _sorted("0100", {n: value for n, value in values.items() if n not in (de.PIN_BLOCK, de.RRN)})


def _parts_of(request: Request) -> dict[str, str]:
    return subelements.parse(request.values.get(de.PRIVATE_DATA) or "")


def make_network_management(code: str, house: House, stamp: Stamp) -> Request:
    """A 0800: sign-on, sign-off, echo. DE 32 or 33 says who is speaking."""
    return _sorted(
        "0800",
        {
            de.TRANSMITTED_AT: stamp.transmitted_at,
            de.STAN: stamp.stan,
            (de.ACQUIRER_ID if house.is_acquirer else de.FORWARDER_ID): house.participant.institution_id,
            de.NETWORK_MANAGEMENT_CODE: code,
        },
    )


def _sorted(mti: str, values: Mapping[int, str | None]) -> Request:
    return Request(mti, {number: value for number, value in sorted(values.items()) if value is not None})


def _card(order: Order) -> dict[int, str | None]:
    return {de.PAN: order.pan.clear(), de.EXPIRY: order.expiry}


def _trace(place: Place, house: House, stamp: Stamp) -> dict[int, str | None]:
    local = place.merchant.local(stamp.at)
    return {
        de.TRANSMITTED_AT: stamp.transmitted_at,
        de.STAN: stamp.stan,
        de.LOCAL_TIME: f"{local:%H%M%S}",
        de.LOCAL_DATE: f"{local:%m%d}",
        de.ACQUIRER_ID: house.acquirer_of(place.merchant),
        de.FORWARDER_ID: house.forwarder_id,
        de.RRN: retrieval_reference(stamp) if house.makes_rrn else None,
    }


def retrieval_reference(stamp: Stamp) -> str:
    """DE 37 as YDDDHHNNNNNN: last digit of the year, day of the year, hour, number.

    >>> from datetime import UTC
    >>> retrieval_reference(Stamp("000123", datetime(2026, 11, 23, 20, 51, tzinfo=UTC)))
    '632720000123'
    """
    return f"{stamp.at.year % 10}{stamp.at:%j%H}{stamp.stan}"


def _taken_at(place: Place) -> dict[int, str | None]:
    sale, merchant = place.point_of_sale, place.merchant
    return {
        de.MERCHANT_TYPE: sale.merchant_type or merchant.merchant_type,
        de.POS_ENTRY_MODE: sale.pos_entry_mode,
        de.POS_CONDITION_CODE: sale.pos_condition_code,
        de.TERMINAL_ID: place.terminal_id,
        de.CARD_ACCEPTOR_ID: merchant.id,
        de.CARD_ACCEPTOR_NAME: merchant.card_acceptor_name,
    }


def _private_data(order: Order, place: Place) -> dict[int, str | None]:
    """DE 48: whose stall in the mall, what the place says of itself, the code on the back of the card."""
    parts: dict[str, str] = {}
    if order.sub_merchant is not None:
        parts[subelements.PAYMENT_FACILITATOR] = f"{place.merchant.id}{order.sub_merchant}"
    parts |= {**place.point_of_sale.private_data, **order.private_data}
    if order.card_verification_code is not None:
        parts[subelements.CARD_VERIFICATION_CODE] = order.card_verification_code
    return {de.PRIVATE_DATA: subelements.pack(parts) or None}


def _about(request: Request, stamp: Stamp, answer: Answered | None) -> dict[int, str | None]:
    """What every later message says of the request it is about."""
    values: dict[int, str | None] = {number: request.values.get(number) for number in CARRIED_ON}
    values |= {
        de.TRANSMITTED_AT: stamp.transmitted_at,
        de.STAN: stamp.stan,
        de.LOCAL_TIME: request.values.get(de.LOCAL_TIME),
        de.LOCAL_DATE: request.values.get(de.LOCAL_DATE),
        de.ORIGINAL: request.original.text,
    }
    if answer is not None:
        values[de.RRN] = answer.rrn or values[de.RRN]
        values[de.APPROVAL_CODE] = answer.approval_code
    return values


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer says, in the words of the till."""

    mti: str
    response_code: str
    reason: str | None
    approval_code: str | None
    rrn: str | None
    stan: str
    amount: Amount | None
    billed: Amount | None
    balances: tuple[Amount, ...] = ()
    icc_data: str | None = field(default=None, repr=False)  # DE 55: the issuer's word to the chip

    @property
    def is_approval(self) -> bool:
        return codes.is_approval(self.response_code)


def read_answer(answer: Message) -> Verdict:
    """The answer's say; amounts in their own currencies."""
    return Verdict(
        mti=answer.mti,
        response_code=answer.response_code or "",
        reason=answer.reason,
        approval_code=answer.approval_code,
        rrn=answer.rrn,
        stan=answer.stan or "",
        amount=_amount(answer, de.AMOUNT, de.CURRENCY),
        billed=_amount(answer, de.BILLING_AMOUNT, de.BILLING_CURRENCY),
        balances=balances(answer.get(de.ADDITIONAL_AMOUNTS) or ""),
        icc_data=answer.get(de.ICC_DATA),
    )


def _amount(message: Message, amount: int, currency: int) -> Amount | None:
    minor, number = message.get(amount), message.get(currency)
    if minor is None or number is None:
        return None
    return Amount(int(minor), currency_numbered(number))


AVAILABLE = "02"  # amount type within DE 54
ADDITIONAL_AMOUNT_LENGTH = 20  # account type 2, amount type 2, currency 3, sign 1, amount 12


def balances(text: str) -> tuple[Amount, ...]:
    """The available balances in DE 54, in the order sent; what is not of that form is left out.

    >>> [str(amount) for amount in balances("3002414C000000100000")]
    ['100.000 KWD']
    """
    pieces = (text[at : at + ADDITIONAL_AMOUNT_LENGTH] for at in range(0, len(text), ADDITIONAL_AMOUNT_LENGTH))
    return tuple(_balance(piece) for piece in pieces if _is_balance(piece))


def _is_balance(piece: str) -> bool:
    digits = piece[:7] + piece[8:]
    return (
        len(piece) == ADDITIONAL_AMOUNT_LENGTH
        and digits.isascii()
        and digits.isdigit()
        and piece[7] in "CD"
        and piece[2:4] == AVAILABLE
    )


def _balance(piece: str) -> Amount:
    minor = int(piece[8:])
    return Amount(minor if piece[7] == "C" else -minor, currency_numbered(piece[4:7]))
