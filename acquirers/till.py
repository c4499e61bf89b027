"""The till: what a person or a script asks of a gateway, one JSON line each, and the line that comes back.

Pure: a line in, a message to send out; an outcome in, a line out. It remembers what was sent
under which id, so that a later line may reverse, repeat or complete it. A line that makes no
sense is answered with what is wrong with it, and never repeats what it said.

>>> Line.read('{"id": 1, "do": "purchase", "pan": "9414100000000017", "amount": "120.00", "currency": "AED"}')
<Line 1 purchase>
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from acquirers.approvals import OFFICERS_NEEDED, Approvals
from acquirers.house import House
from acquirers.merchant import Merchant
from acquirers.points_of_sale import POINTS_OF_SALE
from acquirers.session import Heard
from acquirers.terminals.reader import Reader
from acquirers.transaction import (
    KINDS,
    Order,
    Place,
    Request,
    Stamp,
    make_completion,
    make_increase,
    make_network_management,
    make_repeat,
    make_request,
    make_reversal,
    read_answer,
)
from protocols import codes
from protocols import elements as de
from protocols.errors import LocalProtocolError
from protocols.message import Message
from protocols.money import Amount, Currency, currency, currency_numbered
from protocols.network import explained
from protocols.pan import Pan

REMEMBERED = 100_000  # transactions a later line may point at; a tour has fifty

NETWORK_MANAGEMENT: Mapping[str, str] = {"echo": codes.ECHO, "sign_on": codes.SIGN_ON, "sign_off": codes.SIGN_OFF}


class TillError(ValueError):
    """The line asks for what cannot be; the text is for whoever wrote it, without card data."""

    def __init__(self, text: str, id_: int | str | None = None) -> None:
        super().__init__(text)
        self.id = id_


Account = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,28}$")]


class Line(BaseModel):
    """One line from the till."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: int | str
    do: Literal[
        "purchase", "preauth", "cash", "refund", "balance", "verify",
        "transfer", "approve", "refuse", "funding",
        "reverse", "repeat", "capture", "increase", "echo", "sign_on", "sign_off",
    ]  # fmt: skip
    merchant: str | None = None  # None: the gateway's first
    terminal: str | None = None  # None: the merchant's first
    channel: str = "ecommerce"
    how: Literal["insert", "tap", "swipe", "fallback"] | None = None  # its chip or stripe is read
    pan: SecretStr | None = None
    expiry: Annotated[str, Field(pattern=r"^[0-9]{4}$")] | None = None
    amount: str | None = None
    currency: str | None = None  # None: what the merchant settles in
    pin: SecretStr | None = None
    cvv2: Annotated[SecretStr, Field(min_length=3, max_length=4)] | None = None
    sub_merchant: str | None = None
    message: Literal["0100", "0200", "0400", "0420"] | None = None
    of: int | str | None = None  # id of the earlier line that this one is about
    repeat: bool = False  # of a reversal: the same one again, as 0401 or 0421
    left: str | None = None  # of a reversal: what remains of the amount, when only a part is taken back
    part: Annotated[str, Field(pattern=r"^[0-9]{4}$")] | None = None  # of a capture: 0103 is the first of three
    from_account: Account | None = None  # of a transfer
    to_account: Account | None = None  # the same, and of a funding
    officer: str | None = None  # who approves a transfer, or refuses it

    @classmethod
    def read(cls, text: str) -> Line:
        """A line as it was typed; TillError says what is wrong with it."""
        try:
            document = json.loads(text)
        except ValueError:
            raise TillError("not a line of JSON") from None
        try:
            return cls.model_validate(document)
        except ValidationError as error:
            id_ = document.get("id") if isinstance(document, dict) else None
            raise TillError("; ".join(explained("line", error)), id_ if isinstance(id_, int | str) else None) from None

    def __repr__(self) -> str:
        return f"<Line {self.id} {self.do}>"

    __str__ = __repr__


@dataclass(slots=True)
class _Entry:
    """What was sent for one line, and what came of it."""

    request: Request
    answer: Message | None = None
    reversal: Request | None = None


class Till:
    """Turns lines into messages for one gateway, and outcomes into lines."""

    def __init__(self, house: House, stamp: Callable[[], Stamp], reader: Reader | None = None) -> None:
        """`stamp`: gives the next message its number and moment. `reader`: reads the cards that are there."""
        self._house = house
        self._stamp = stamp
        self._reader = reader
        self._book: OrderedDict[int | str, _Entry] = OrderedDict()
        self._approvals = Approvals(house.officers)
        self._proposed: dict[int | str, Line] = {}

    def deliberation(self, line: Line) -> str | None:
        """The line that goes back where nothing is sent yet, because officers must approve it first; else None."""
        if line.do not in ("transfer", "approve", "refuse"):
            return None
        try:
            missing = self._deliberated(line)
        except ValueError as error:
            raise TillError(str(error), line.id) from None
        if missing is None:
            return json.dumps({"id": line.id, "outcome": "refused"})
        return json.dumps({"id": line.id, "outcome": "waiting", "approvals_missing": missing}) if missing else None

    def _deliberated(self, line: Line) -> int | None:
        """How many approvals are missing; None: it is refused."""
        if line.do == "transfer":
            self._order(line)  # what cannot be sent is told at once, not after two have approved it
            self._approvals.propose(line.id)
            self._proposed[line.id] = line
            return OFFICERS_NEEDED
        of = _of(line)
        if line.do == "refuse":
            self._approvals.refuse(of)
            self._proposed.pop(of, None)
            return None
        return self._approvals.approve(of, _needed(line.officer, "officer"))

    def request(self, line: Line) -> Request:
        """The message that the line asks for; TillError when it asks for what cannot be."""
        try:
            request = self._made(line)
        except (ValueError, LocalProtocolError) as error:
            raise TillError(str(error), line.id) from None
        self._book[line.id] = _Entry(request)
        if len(self._book) > REMEMBERED:
            self._book.popitem(last=False)
        return request

    def answered(self, line: Line, heard: Heard, elapsed_s: float) -> str:
        """The line that goes back, once the outcome is known."""
        if (entry := self._book.get(line.id)) and heard.answer is not None:
            entry.answer = heard.answer
        return json.dumps(self._told(line, heard) | {"elapsed_ms": round(elapsed_s * 1000, 3)})

    def _told(self, line: Line, heard: Heard) -> dict[str, Any]:
        told: dict[str, Any] = {"id": line.id, "outcome": str(heard.outcome)}
        if heard.answer is None:
            sent = self._book.get(line.id)
            return told | {"mti": None, "response_code": None, "stan": sent.request.stan if sent else None}
        verdict = read_answer(heard.answer)
        return told | {
            "mti": verdict.mti,
            "response_code": verdict.response_code,
            "reason": verdict.reason,
            "approval_code": verdict.approval_code,
            "rrn": verdict.rrn,
            "stan": verdict.stan,
            "amount": _text(verdict.amount),
            "billed": _text(verdict.billed),
            "balances": [str(balance) for balance in verdict.balances],
        }

    # --- one method for each kind of line

    def _made(self, line: Line) -> Request:
        if line.do in NETWORK_MANAGEMENT:
            return make_network_management(NETWORK_MANAGEMENT[line.do], self._house, self._stamp())
        about = {
            "reverse": self._reversal,
            "repeat": self._repeat,
            "capture": self._completion,
            "increase": self._increase,
            "approve": self._approved,
        }
        return about.get(line.do, self._order)(line)

    def _order(self, line: Line) -> Request:
        place, stamp = self._place(line), self._stamp()
        request = make_request(_order_of(line, place.merchant), place, self._house, stamp)
        if line.how is None:
            return request
        if self._reader is None:
            raise TillError(f"{self._house.name} has nothing here to read a card with")
        return self._reader.read(line.how, _secret(line.pin), request, place, stamp)

    def _place(self, line: Line) -> Place:
        merchant_id = line.merchant or next(iter(self._house.merchants))
        merchant = self._house.merchants.get(merchant_id)
        if merchant is None:
            raise TillError(f"{self._house.name} sends for no merchant {merchant_id!r}")
        terminal = line.terminal or merchant.terminals[0]
        if terminal not in merchant.terminals:
            raise TillError(f"{merchant.id} has no terminal {terminal!r}")
        if line.channel not in POINTS_OF_SALE:
            raise TillError(f"no channel {line.channel!r}; there are {', '.join(POINTS_OF_SALE)}")
        return Place(merchant, terminal, POINTS_OF_SALE[line.channel])

    def _earlier(self, line: Line) -> _Entry:
        entry = self._book.get(line.of) if line.of is not None else None
        if entry is None:
            raise TillError("`of` must be the id of an earlier line")
        return entry

    def _reversal(self, line: Line) -> Request:
        """A repeat is the very reversal that was sent before; without one before, the first is sent as a repeat."""
        entry = self._earlier(line)
        if not (line.repeat and entry.reversal):
            mti = line.message if line.message in ("0400", "0420") else "0400"
            left = Amount.parse(line.left, _currency_of(entry.request).code) if line.left is not None else None
            reason = "reversal.customer" if left is None else "reversal.partial"
            entry.reversal = make_reversal(
                entry.request, self._stamp(), mti=mti, reason=reason, answer=entry.answer, left=left
            )
        return make_repeat(entry.reversal) if line.repeat else entry.reversal

    def _repeat(self, line: Line) -> Request:
        return make_repeat(self._earlier(line).request)

    def _completion(self, line: Line) -> Request:
        entry = self._earlier(line)
        amount = Amount.parse(_needed(line.amount, "amount"), _currency_of(entry.request).code)
        mti = "0200" if line.message == "0200" else "0220"
        return make_completion(entry.request, self._stamp(), amount, entry.answer, mti=mti, part=line.part)

    def _increase(self, line: Line) -> Request:
        entry = self._earlier(line)
        amount = Amount.parse(_needed(line.amount, "amount"), _currency_of(entry.request).code)
        return make_increase(entry.request, self._stamp(), amount)

    def _approved(self, line: Line) -> Request:
        """What two officers have approved, as it was typed in."""
        return self._order(self._proposed.pop(_of(line)))


def mistaken(error: TillError) -> str:
    """The line that goes back when nothing was sent."""
    return json.dumps({"id": error.id, "outcome": "error", "error": str(error)})


def _order_of(line: Line, merchant: Merchant) -> Order:
    kind = KINDS[line.do]
    money = currency(line.currency or merchant.currencies[0])
    return Order(
        kind=kind,
        pan=Pan(_needed(_secret(line.pan), "pan")),
        amount=Amount.parse(_needed(line.amount, "amount"), money.code) if kind.has_amount else Amount(0, money),
        expiry=line.expiry,
        pin=_secret(line.pin),
        card_verification_code=_secret(line.cvv2),
        sub_merchant=line.sub_merchant,
        message=line.message if line.message in ("0100", "0200") else None,
        source=line.from_account,
        target=_needed(line.to_account, "to_account") if line.do in ("transfer", "funding") else None,
    )


def _currency_of(request: Request) -> Currency:
    number = request.values.get(de.CURRENCY)
    if number is None:
        raise TillError("the earlier line was about no amount")
    return currency_numbered(number)


def _secret(value: SecretStr | None) -> str | None:
    return None if value is None else value.get_secret_value()


def _needed(value: str | None, name: str) -> str:
    if value is None:
        raise TillError(f"`{name}` is missing")
    return value


def _of(line: Line) -> int | str:
    if line.of is None:
        raise TillError("`of` is missing")
    return line.of


def _text(amount: Amount | None) -> str | None:
    return None if amount is None else str(amount)
