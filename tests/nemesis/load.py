"""Clients that ask at a steady pace whatever happens, and write down what they asked and heard.

Open loop: when a payment is sent does not depend on whether the last was answered. Several connections, many payments
in flight on each. Of the payments some are sent two to five times, some are taken back, some are followed by a copy
that differs. What was not told is asked for again or taken back until it is told, as a gateway must.

The history is JSON lines as `tests.oracle` reads them; no card number is in it. The faults are not known here.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import time
from collections import Counter, defaultdict, deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any, Final

import trio

from tests.peers.client import Fields, framed, pack, unpack

PARTICIPANT, ACQUIRER = "lab", "999002"
REPEATED, REVERSED, DIFFERING = 0.10, 0.05, 0.01  # of payments
SENT_AT_MOST = 5
GAP_MAX_S: Final = 10.0  # between the sendings of one payment
TOLD: Final = frozenset({2, 14, 35, 43, 52, 55})  # elements that stay out of the history
ASK_AGAIN_S: Final = 1.0
BAD_AMOUNTS: Final = (3000, 3001, 3002, 3003)  # the sandbox: never, twice, under a wrong STAN, garbage
CODES: Final = {"414": "KWD", "784": "AED"}

APPROVED, CONFLICT = "00", ("94", "duplicate.differs")
CURRENCY: Final = {"nbk": "414"}  # of the others: dirhams


@dataclass(frozen=True, slots=True)
class Card:
    pan: str
    expiry: str
    issuer: str

    @property
    def currency(self) -> str:
        return CURRENCY.get(self.issuer, "784")


@dataclass
class Payment:
    """One purchase, and all that was heard about it."""

    number: int
    card: Card
    fields: Fields
    plan: str  # once, repeated, reversed, differing
    told: list[Fields] = field(default_factory=list)  # answers to the purchase and its repeats
    reversal: Fields | None = None
    reversal_told: list[Fields] = field(default_factory=list)
    conflicts: list[Fields] = field(default_factory=list)
    sendings: int = 0
    first_at: float = 0.0

    @property
    def rrn(self) -> str:
        return self.fields[37]

    @property
    def amount(self) -> int:
        return int(self.fields[4])

    @property
    def approved(self) -> bool:
        return bool(self.told) and self.told[0].get(39) == APPROVED

    @property
    def settled(self) -> bool:
        """Whether its client knows what became of it."""
        if self.reversal is not None:
            return any(answer.get(39) == APPROVED for answer in self.reversal_told)
        return bool(self.told)


@dataclass
class Sending:
    """One message on one connection, waiting for its answer."""

    id: int
    payment: Payment
    what: str  # purchase, reversal, conflict
    at: float
    heard: trio.Event = field(default_factory=trio.Event)
    answer: Fields | None = None


class History:
    """What the clients did and heard, as JSON lines."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("w", encoding="ascii")
        self._salt = Random().randbytes(16)

    def write(self, event: str, id_: int, **more: object) -> None:
        line = {"book": "history", "event": event, "id": id_, "at": time.time(), **more}
        self._file.write(json.dumps(line) + "\n")

    def invoke(self, id_: int, mti: str, fields: Fields) -> None:
        card = hashlib.blake2s(fields[2].encode(), key=self._salt, digest_size=8).hexdigest()
        self.write("invoke", id_, participant=PARTICIPANT, mti=mti, card=card, elements=_shown(fields))

    def close(self) -> None:
        """Whole now: an empty file `.closed` beside it says so to other threads."""
        self._file.close()
        self._path.with_suffix(".closed").touch()


def _shown(fields: Fields) -> Mapping[str, str]:
    return {str(number): value for number, value in fields.items() if number not in TOLD}


class Connection:
    """One connection to the switch, made again whenever it ends."""

    def __init__(self, load: Load, number: int) -> None:
        self.load, self.number = load, number
        self.stream: trio.SocketStream | None = None
        self._waiting: dict[tuple[str, str, str], deque[Sending]] = defaultdict(deque)
        self._sending = trio.Lock()

    async def keep(self) -> None:
        while True:
            with suppress(OSError):
                self.stream = await trio.open_tcp_stream(self.load.host, self.load.port)
                try:
                    await self._listen(self.stream)
                except (trio.BrokenResourceError, trio.ClosedResourceError):
                    pass
                finally:
                    self._lost()
            await trio.sleep(0.1)

    def _lost(self) -> None:
        if self.stream is not None:
            self.stream.socket.close()
        self.stream = None
        for sending in itertools.chain(*self._waiting.values()):
            self.load.history.write("unknown", sending.id)
            sending.heard.set()
        self._waiting.clear()

    async def _listen(self, stream: trio.SocketStream) -> None:
        rest = b""
        while data := await stream.receive_some(65536):
            rest += data
            while len(rest) >= 2 and len(rest) >= (end := 2 + int.from_bytes(rest[:2], "big")):
                self._take(*unpack(rest[2:end]))
                rest = rest[end:]

    def _take(self, mti: str, answer: Fields) -> None:
        waiting = self._waiting.get((mti[1], answer.get(7, ""), answer.get(11, "")))
        if mti[2] not in "13" or not waiting:
            self.load.strays.append(f"{mti} {answer.get(11)} {answer.get(39)}")
            return
        sending = waiting.popleft()
        sending.answer = answer
        self.load.heard(sending, mti, answer)
        sending.heard.set()

    async def ask(self, payment: Payment, what: str, mti: str, fields: Fields) -> Fields | None:
        """Send it here; what is answered, or None where nobody knows."""
        if self.stream is None:
            return None
        sending = Sending(next(self.load.ids), payment, what, time.monotonic())
        waiting = self._waiting[mti[1], fields[7], fields[11]]
        waiting.append(sending)
        self.load.history.invoke(sending.id, mti, fields)
        try:
            async with self._sending:
                await self.stream.send_all(framed(pack(mti, fields)))
        except (AttributeError, trio.BrokenResourceError, trio.ClosedResourceError):
            return None  # the reader sees the end too, and tells all that wait
        with trio.move_on_after(self.load.patience_s):
            await sending.heard.wait()
            return sending.answer
        if sending in waiting:
            waiting.remove(sending)
            self.load.history.write("unknown", sending.id)
        return None


class Load:
    """All clients. Runs until `stop`, then goes on until everything it asked is told, or `give_up`."""

    def __init__(
        self, host: str, port: int, cards: Sequence[Card], rate: float, seed: int, history: Path, connections: int = 4
    ) -> None:
        self.host, self.port, self.rate = host, port, rate
        self.random = Random(f"load {seed}")
        self.cards = cards
        self.history = History(history)
        self.ids = itertools.count(1)
        self.connections = [Connection(self, number) for number in range(connections)]
        self.payments: list[Payment] = []
        self.patience_s = 16.0  # of a gateway: 15 s, and a second of a busy machine
        self.strays: list[str] = []
        self.answered: Counter[str] = Counter()
        self.latencies: list[tuple[float, float, str, str]] = []  # when asked, seconds, issuer, DE 39
        self.stop, self.give_up = False, False
        self.faulty = 0.0  # of payments: their bank answers badly or never
        self.asked = 0
        self._stans = itertools.count(self.random.randrange(900_000))
        self._rrns = itertools.count(self.random.randrange(10**11))

    def heard(self, sending: Sending, mti: str, answer: Fields) -> None:
        """Write it down, and to its payment."""
        self.history.write("ok", sending.id, mti=mti, elements=_shown(answer))
        payment = sending.payment
        lists = {"purchase": payment.told, "reversal": payment.reversal_told, "conflict": payment.conflicts}
        lists[sending.what].append(answer)
        if sending.what == "purchase":
            self.answered[answer.get(39, "?")] += 1
            took = time.monotonic() - sending.at
            self.latencies.append((sending.at, took, payment.card.issuer, answer.get(39, "?")))

    @property
    def unsettled(self) -> list[Payment]:
        return [one for one in self.payments if not one.settled]

    def forget_settled(self) -> None:
        """For runs of hours, which are not recounted."""
        self.payments = [one for one in self.payments if not one.settled]
        self.latencies.clear()

    async def run(self) -> None:
        """Ask until told to stop, then find out what is not known yet."""
        try:
            async with trio.open_nursery() as links:
                for connection in self.connections:
                    links.start_soon(connection.keep)
                await self._ask()
                links.cancel_scope.cancel()
        finally:
            self.history.close()

    async def _ask(self) -> None:
        async with trio.open_nursery() as payments:
            planned = trio.current_time()
            while not self.stop:
                payments.start_soon(self._pay, self._payment())
                planned += self.random.expovariate(self.rate)
                await trio.sleep_until(planned)
            while not self.give_up and len(payments.child_tasks):  # noqa: ASYNC110 (another thread says so)
                await trio.sleep(0.1)
            payments.cancel_scope.cancel()

    # --- one payment

    def _payment(self) -> Payment:
        card = self.random.choice(self.cards)
        amount = self.random.randrange(100, 1000)
        if self.random.random() < self.faulty and (
            bad := next((one for one in self.cards if one.issuer == "sandbox"), None)
        ):
            card, amount = bad, self.random.choice(BAD_AMOUNTS)
        elif card.issuer == "sandbox":  # its last four digits say what it does: 0… approves, 1051 declines, 2100 waits
            amount = self.random.choices((amount, 1051, 2100), (90, 7, 3))[0]
        plan = self.random.choices(
            ("once", "repeated", "reversed", "differing"),
            (1 - REPEATED - REVERSED - DIFFERING, REPEATED, REVERSED, DIFFERING),
        )[0]
        fields = self._stamped() | {
            2: card.pan, 3: "000000", 4: f"{amount:012d}", 12: "120000", 13: "1123", 14: card.expiry, 18: "5732",
            22: "812", 25: "59", 32: ACQUIRER, 37: f"{next(self._rrns) % 10**12:012d}", 41: "NEMESIS1",
            42: "STRANGER0000001", 43: f"{'A stranger':25}{'Elsewhere':13}XX", 49: card.currency,
        }  # fmt: skip
        self.asked += 1
        payment = Payment(self.asked, card, fields, plan, first_at=time.monotonic())
        self.payments.append(payment)
        return payment

    def _stamped(self) -> Fields:
        return {7: f"{datetime.now(UTC):%m%d%H%M%S}", 11: f"{next(self._stans) % 999_999 + 1:06d}"}

    async def _pay(self, payment: Payment) -> None:
        await self._purchase(payment)
        if payment.plan == "repeated":
            for _ in range(self.random.randrange(1, SENT_AT_MOST)):
                await trio.sleep(self.random.random() * self.random.random() * GAP_MAX_S)
                await self._purchase(payment)
        if payment.plan == "reversed" or (not payment.told and self.random.random() < 0.5):
            await self._take_back(payment)
        while not payment.settled:
            await trio.sleep(ASK_AGAIN_S)
            await (self._purchase(payment) if payment.reversal is None else self._take_back(payment))
        if payment.plan == "differing" and payment.approved:
            await self._differ(payment)

    def _any(self) -> Connection:
        open_ = [one for one in self.connections if one.stream is not None]
        return self.random.choice(open_ or self.connections)

    async def _purchase(self, payment: Payment) -> None:
        """The first sending is a 0100, every other a 0101."""
        connection = self._any()
        if connection.stream is None and not payment.sendings:
            await trio.sleep(ASK_AGAIN_S)
            return
        mti = "0101" if payment.sendings else "0100"
        payment.sendings += 1
        await connection.ask(payment, "purchase", mti, payment.fields)

    async def _take_back(self, payment: Payment) -> None:
        mti = "0421"
        if payment.reversal is None:
            fields, mti = payment.fields, "0420"
            kept = {number: fields[number] for number in (2, 3, 4, 32, 37, 41, 42, 49)}
            original = f"0100{fields[11]}{fields[7]}{ACQUIRER.rjust(11, '0')}{'0' * 11}"
            payment.reversal = kept | self._stamped() | {90: original}
        await self._any().ask(payment, "reversal", mti, payment.reversal)

    async def _differ(self, payment: Payment) -> None:
        other = payment.fields | {4: f"{payment.amount + 1:012d}"}
        await self._any().ask(payment, "conflict", "0101", other)


def cards_of(listed: Sequence[Mapping[str, Any]], banks: Sequence[str]) -> list[Card]:
    """A card of each of these banks that buys without a PIN, wherever it likes."""
    good = {"classic-credit", "credit", "sandbox"}
    found: dict[str, Card] = {}
    for one in listed:
        if one["issuer"] in banks and one["product"] in good and one["state"] == "active":
            found.setdefault(one["issuer"], Card(one["pan"], one["expiry"] or "2912", one["issuer"]))
    return list(found.values())
