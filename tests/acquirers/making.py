"""What the tests of the acquiring side are made of: one house, one order, one moment, every default visible."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache

from acquirers.house import House, load_house
from acquirers.points_of_sale import POINTS_OF_SALE
from acquirers.session import Session, Step
from acquirers.transaction import KINDS, Order, Place, Request, Stamp, make_request
from protocols import elements as de
from protocols.dialects import dialect_named
from protocols.message import Message
from protocols.money import Amount
from protocols.pan import Pan

DIALECT = dialect_named("iso87_ascii")
AT = datetime(2026, 11, 23, 20, 51, 44, tzinfo=UTC)
CARD = Pan("9414100000000017")


@cache
def house(name: str = "comtrust") -> House:
    return load_house(name)


def order(kind: str = "purchase", amount: str = "120.00", currency: str = "AED", **more: str | None) -> Order:
    return Order(kind=KINDS[kind], pan=CARD, amount=Amount.parse(amount, currency), **({"expiry": "2912"} | more))


def place(of: House, channel: str = "ecommerce", merchant: str | None = None) -> Place:
    taken_by = of.merchants[merchant] if merchant else next(iter(of.merchants.values()))
    return Place(taken_by, taken_by.terminals[0], POINTS_OF_SALE[channel])


def stamp(stan: int = 1, at: datetime = AT) -> Stamp:
    return Stamp(f"{stan:06d}", at)


def purchase(stan: int = 1, of: House | None = None, **more: str) -> Request:
    of = of or house()
    return make_request(order(**more), place(of), of, stamp(stan))


def read(request: Request) -> Message:
    """What the switch reads."""
    return DIALECT.decode(DIALECT.encode(request.mti, request.values))


def approval(frame: bytes, approval_code: str = "A1B2C3", **more: str | None) -> bytes:
    return answer(frame, "00", {de.APPROVAL_CODE: approval_code, **{int(k[2:]): v for k, v in more.items()}})


def decline(frame: bytes, response_code: str = "51", reason: str = "funds") -> bytes:
    return answer(frame, response_code, {de.REASON: reason})


def answer(frame: bytes, response_code: str, changes: dict[int, str | None] | None = None) -> bytes:
    return DIALECT.decode(frame).answered({de.RESPONSE_CODE: response_code, **(changes or {})})


@dataclass(slots=True)
class Talk:
    """A session and the time, so that a test reads as a conversation."""

    session: Session = field(default_factory=lambda: Session(house(), DIALECT, stan=0))
    now: float = 0.0

    def connect(self) -> list[Message]:
        return self._sent(self.session.connected(self.now, AT))

    def sign_on(self) -> Talk:
        (sign_on,) = self.connect()
        self.hear(answer(sign_on.frame, "00"))
        return self

    def ask(self, request: Request, ticket: int = 1) -> Step:
        return self.session.ask(request, ticket, self.now)

    def purchase(self, ticket: int = 1) -> Message:
        request = make_request(order(), place(house()), house(), self.session.stamp(AT))
        (sent,) = self._sent(self.ask(request, ticket))
        return sent

    def hear(self, *frames: bytes) -> Step:
        return self.session.received(frames, self.now)

    def wait(self, seconds: float) -> Step:
        self.now += seconds
        return self.session.tick(self.now, AT)

    def lose(self) -> Step:
        return self.session.disconnected(self.now, AT)

    @staticmethod
    def _sent(step: Step) -> list[Message]:
        return sent(step)


def sent(step: Step) -> list[Message]:
    return [DIALECT.decode(frame) for frame in step.frames]
