"""A switch at the other end of a memory link, an HSM that knows its PINs, a clock that is told the time.

`switch` talks to a bank's host as the real one would: whole frames over a link, answers by STAN. Every
default of a message stands in `Switch.request`.
"""

from __future__ import annotations

import tomllib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import trio
from trio.testing import memory_stream_pair

from issuers import bank as bank_module
from issuers.bank import Bank, bank_of
from issuers.counter import Counter
from issuers.host import Host
from issuers.store import Store, bank_path
from protocols import elements as de
from protocols.dialects import dialect_named
from protocols.framing import Framer, framing_named
from protocols.hsm import HsmAnswer
from protocols.message import Message
from protocols.money import currency
from protocols.original import Original
from protocols.runtime.attend import attend
from protocols.runtime.hsm_client import HsmDown, OnAnswer
from protocols.runtime.log import LogBudget

Fields = dict[Any, str]  # data elements by number, and "mti"

DIALECT = dialect_named("iso87_ascii")
FRAMING = framing_named("len2")
NOON = datetime(2027, 3, 14, 9, 0, 0, tzinfo=UTC)  # noon in Kuwait

INTERNET_100 = "9414100000000017"
INTERNET_200 = "9414100000000025"
OVERLIMIT_USED = "9414100000000033"
BLOCKED = "9414100000000041"
EXPIRED = "9414100000000058"
LOST = "9414100000000066"
STOLEN = "9414100000000074"
CREDIT = "9414200000000015"
DEBIT = "9414300000000013"
POOR_DEBIT = "9414300000000039"
NOBODYS = "9414300000000997"
TESTERS = "4111111111111111"


class FakeHsm:
    """Verifies PINs that are written into the PIN block in clear, and can be away or slow."""

    def __init__(self) -> None:
        self.is_down = False
        self.is_slow = False
        self.asked: list[str] = []
        self.waiting: list[Callable[[], None]] = []

    def submit(self, command: str, fields: dict[str, str | bytes], on_answer: OnAnswer) -> None:
        self.asked.append(command)
        right = str(fields["pin_block"])[:4] == fields["pvv"]
        outcome = HsmDown("away") if self.is_down else HsmAnswer(b"0000", "00" if right else "01", {})
        if self.is_slow:
            self.waiting.append(lambda: on_answer(outcome))
        else:
            on_answer(outcome)

    def catch_up(self) -> None:
        waiting, self.waiting = self.waiting, []
        for answer in waiting:
            answer()

    async def wait_up(self) -> None:
        await trio.lowlevel.checkpoint()

    async def ask(self, command: str, **fields: str | bytes) -> HsmAnswer:
        await trio.lowlevel.checkpoint()
        self.asked.append(command)
        if self.is_down:
            raise HsmDown("away")
        if command == "BA":
            return HsmAnswer(b"0000", "00", {"pin_under_lmk": "0" + str(fields["pin"])})
        if command == "CW":
            return HsmAnswer(b"0000", "00", {"cvv": "731"})
        return HsmAnswer(b"0000", "00", {"pvv": str(fields["pin_under_lmk"])[1:5]})


@dataclass
class Clock:
    """What time the bank believes it is."""

    time: datetime = NOON

    def __call__(self) -> datetime:
        return self.time


@dataclass
class Switch:
    """The other end of the bank's link."""

    stream: trio.abc.Stream
    stans: Iterator[int]
    framer: Framer = field(default_factory=FRAMING.framer)
    arrived: list[Message] = field(default_factory=list)

    def request(
        self,
        mti: str = "0100",
        pan: str = INTERNET_100,
        amount: int = 12_000,
        code: str = "KWD",
        *,
        type: str = "00",
        pin: str | None = None,
        expiry: str | None = "2912",
        stan: int | None = None,
        **others: str | None,
    ) -> Fields:
        """A request as the switch would send it. Others are `de48="…"`; None leaves an element out."""
        stan = stan or next(self.stans)
        values: dict[Any, str | None] = {
            "mti": mti,
            de.PAN: pan,
            de.PROCESSING_CODE: f"{type}0000",
            de.AMOUNT: f"{amount:012d}",
            de.TRANSMITTED_AT: "0314090000",
            de.STAN: f"{stan:06d}",
            de.LOCAL_TIME: "120000",
            de.LOCAL_DATE: "0314",
            de.EXPIRY: expiry,
            de.MERCHANT_TYPE: "5732",
            de.POS_ENTRY_MODE: "812",
            de.POS_CONDITION_CODE: "59",
            de.ACQUIRER_ID: "784001",
            de.FORWARDER_ID: "784900",
            de.RRN: f"708309{stan:06d}",
            de.TERMINAL_ID: "UAEM0001",
            de.CARD_ACCEPTOR_ID: "UAEMALL00000001",
            de.CURRENCY: currency(code).number,
            de.PIN_BLOCK: None if pin is None else pin.ljust(16, "F"),
            **{int(name.removeprefix("de")): value for name, value in others.items()},
        }
        return {number: value for number, value in values.items() if value is not None}

    def reversal(self, of: Fields, mti: str = "0420", **others: str | None) -> Fields:
        """The reversal of a request, with a STAN of its own and DE 90."""
        original = Original(of["mti"], of[de.STAN], of[de.TRANSMITTED_AT], of[de.ACQUIRER_ID], of[de.FORWARDER_ID])
        kept = {number: value for number, value in of.items() if number not in (de.PIN_BLOCK, de.EXPIRY)}
        changes: dict[Any, str | None] = {
            "mti": mti,
            de.STAN: f"{next(self.stans):06d}",
            de.ORIGINAL: original.text,
            **{int(name.removeprefix("de")): value for name, value in others.items()},
        }
        return {number: value for number, value in {**kept, **changes}.items() if value is not None}

    def advice(self, of: Fields, mti: str = "0120", **others: str | None) -> Fields:
        """The advice that stand-in has approved a request."""
        return self.reversal(of, mti, **{"de38": "STAND1", "de39": "00", **others})

    async def send(self, *messages: Fields | bytes) -> None:
        """All in one segment."""
        await self.stream.send_all(b"".join(FRAMING.pack(frame_of(message)) for message in messages))

    async def hear(self) -> Message:
        """The next message from the bank; EOF is an EndOfChannel."""
        while not self.arrived:
            data = await self.stream.receive_some()
            if not data:
                raise trio.EndOfChannel
            self.arrived += [DIALECT.decode(frame) for frame in self.framer.feed(bytes(data))]
        return self.arrived.pop(0)

    async def ask(self, message: Fields) -> Message:
        """Send one and hear its answer."""
        await self.send(message)
        answer = await self.hear()
        assert answer.stan == message[de.STAN]
        return answer

    async def purchase(self, pan: str = INTERNET_100, amount: int = 12_000, **others: Any) -> str:
        """Response code and reason, `61 limit.exceeded`."""
        return said(await self.ask(self.request(pan=pan, amount=amount, **others)))

    async def available(self, pan: str) -> int:
        """What DE 54 says may be spent."""
        answer = await self.ask(self.request(pan=pan, amount=0, type="31"))
        return int((answer.get(de.ADDITIONAL_AMOUNTS) or "0")[-12:])


def nbk_with(*, keys: dict[str, str] | None = None, bank: dict[str, Any] | None = None, **products: Any) -> Bank:
    """The National Bank of Kuwait with other rules: `nbk_with(debit={"payments_per_day": 2})`."""
    file = Path(bank_module.__file__).parent / "banks" / "nbk.toml"
    content = tomllib.loads(file.read_text()) | (bank or {})
    content["keys"] |= keys or {}
    for name, rules in products.items():
        content["products"][name.replace("_", "-")] |= rules
    return bank_of(content, "nbk")


def frame_of(message: Fields | bytes) -> bytes:
    if isinstance(message, bytes):
        return message
    values = {number: value for number, value in message.items() if number != "mti"}
    return DIALECT.encode(message["mti"], values)


def repeated(message: Fields) -> Fields:
    return {**message, "mti": message["mti"][:3] + "1"}


def said(answer: Message) -> str:
    """`00`, or the code and why."""
    return " ".join(filter(None, (answer.response_code, answer.reason)))


@dataclass
class Branch:
    """A bank on a state directory: opened, talked to, closed, opened again."""

    bank: Bank
    state: Path
    hsm: Any = field(default_factory=FakeHsm)
    clock: Clock = field(default_factory=Clock)
    stans: Iterator[int] = field(default_factory=lambda: count(1))  # a switch does not begin anew when a bank does
    host: Host = field(init=False)
    zpk: str = "U" + "0" * 32
    database: str | None = None

    def counter(self, holder: str | None = None) -> Counter:
        return Counter(self.host, holder)

    @asynccontextmanager
    async def open(self, *, wait_for_pvvs: bool = True) -> AsyncIterator[Switch]:
        """The host runs, and a switch is connected; at the end the ledger must be in order."""
        store = Store(bank_path(self.state, self.bank.id), self.database, self.bank.id)
        try:
            async with trio.open_nursery() as nursery:
                host = Host(self.bank, DIALECT, store, self.hsm, nursery, zpk=self.zpk, now=self.clock)
                self.host = host
                host.seed()
                host.start()
                if wait_for_pvvs:
                    await host.pvvs_made.wait()
                yield await self.connect(host, nursery)
                assert store.problems() == []
                nursery.cancel_scope.cancel()
        finally:
            store.close()

    async def connect(self, host: Host, nursery: trio.Nursery) -> Switch:
        ours, theirs = memory_stream_pair()

        async def attended() -> None:
            await attend(theirs, FRAMING, host.serve, name="switch", budget=LogBudget())

        nursery.start_soon(attended)
        await trio.lowlevel.checkpoint()
        return Switch(ours, self.stans)
