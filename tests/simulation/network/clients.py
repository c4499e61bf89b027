"""Gateways that keep a history: they ask, repeat, take back, and do not rest before they know how everything ended.

A gateway never resends on its own account what it does not know the end of but as a repeat, or takes it back
(0420) until that is acknowledged. It writes down what it asked and heard, for the oracle.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING, Any

import trio

from protocols.elements import element_named
from protocols.errors import FormatError
from protocols.framing import framing_named
from protocols.message import Message
from protocols.mti import answer_to, repeat_of
from protocols.original import Original
from tests.simulation.network.plan import HEALED_AT, Deep
from tests.simulation.plan import Reversal
from tests.switch.desk import DIALECT, PURCHASE, START

if TYPE_CHECKING:
    from tests.simulation.network.air import End
    from tests.simulation.network.world import World

CONNECTIONS = 2
PATIENCE_S = 13.0  # of a client; the switch has answered long before
CONFLICTS = 50_000

#: Answers after which nothing has happened, and asking again may end otherwise.
NO_OUTCOME = frozenset({"switch.stopping", "link.not_signed_on", "switch.busy", "switch.error"})

Values = dict[str, str | None]


def encoded(mti: str, values: Values) -> bytes:
    return DIALECT.encode(mti, {element_named(name).number: value for name, value in values.items() if value})


class Waiting:
    """One question on one connection."""

    def __init__(self, amount: str | None) -> None:
        self.amount = amount  # tells a conflicting copy from what it copies
        self.done = trio.Event()
        self.answer: Message | None = None


class Connection:
    """One of a client's."""

    def __init__(self, client: Client, number: int) -> None:
        self.client = client
        self.number = number
        self.end: End | None = None
        self.waiting: dict[tuple[str, str, str], list[Waiting]] = {}
        self.asked: Counter[tuple[str, str, str]] = Counter()

    async def live(self) -> None:
        """Be connected, for ever."""
        world = self.client.world
        host, port = world.configuration.network.address("lab")
        while True:
            try:
                end = await world.air.dial(self.client.name, host, port)
            except OSError:
                await trio.sleep(0.3 + world.air.lag(self.client.name))
                continue
            self.end = end
            try:
                await self._hear(end)
            finally:
                self.end = None
                for several in self.waiting.values():
                    for one in several:
                        one.done.set()
                self.waiting.clear()
                self.asked.clear()
            await end.aclose()
            await trio.sleep(0.2 + world.air.lag(self.client.name))

    async def _hear(self, end: End) -> None:
        framer = framing_named("len2").framer()
        while True:
            try:
                data = await end.receive_some(65536)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                return
            if not data:
                return
            for frame in framer.feed(data):
                try:
                    self._heard(DIALECT.decode(frame))
                except FormatError:
                    self.client.world.fault(f"{self.client.name} heard something that it cannot read")

    def _heard(self, message: Message) -> None:
        world = self.client.world
        key = (message.mti, message.transmitted_at or "", message.stan or "")
        if message.mti[1] == "6":
            return
        self.asked[key] -= 1
        if self.asked[key] < 0:
            world.fault(f"{self.client.name} heard {said(message)}, which it had not asked for on that connection")
            return
        several = self.waiting.get(key)
        if several:
            one = next((one for one in several if one.amount == message.get(4)), several[0])
            several.remove(one)
            one.answer = message
            one.done.set()

    async def ask(self, mti: str, values: Values) -> Message | None:
        """The answer, or None: the connection is gone, or the patience."""
        end = self.end
        if end is None:
            return None
        key = (answer_to(mti), values["transmitted_at"] or "", values["stan"] or "")
        one = Waiting(values["amount"])
        self.waiting.setdefault(key, []).append(one)
        self.asked[key] += 1
        frame = encoded(mti, values)
        try:
            await end.send_all(len(frame).to_bytes(2, "big") + frame)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return None
        with trio.move_on_after(PATIENCE_S):
            await one.done.wait()
        if one.answer is None and one in self.waiting.get(key, ()):
            self.waiting[key].remove(one)
        return one.answer


class Client:
    """One gateway on the laboratory port."""

    def __init__(self, world: World, number: int) -> None:
        self.world = world
        self.name = f"client{number}"
        self.number = number
        self.connections = [Connection(self, n) for n in range(CONNECTIONS)]
        self._turn = 0

    def connected(self) -> Connection | None:
        for _ in self.connections:
            self._turn += 1
            one = self.connections[self._turn % len(self.connections)]
            if one.end is not None:
                return one
        return None

    # One payment, from its first word to the last

    async def pay(self, deep: Deep) -> None:
        payment, world = deep.payment, self.world
        await trio.sleep_until(payment.at)
        values: Values = PURCHASE | {
            "pan": payment.card,
            "amount": f"{payment.amount:012d}",
            "currency": payment.currency,
            "stan": f"{payment.number:06d}",
            "rrn": f"{payment.number:012d}",
            "transmitted_at": world.transmitted_at(),
            "terminal_id": f"LAB{self.number:05d}",
        }
        async with trio.open_nursery() as nursery:
            for after in payment.repeats:
                nursery.start_soon(self._repeats, payment.mti, values, after)
            if payment.conflict_after is not None:
                other = {**values, "amount": f"{payment.amount + 1:012d}"}
                nursery.start_soon(self._conflicts, payment.mti, other, payment.conflict_after)
            for turn, reversal in enumerate(payment.reversals):
                nursery.start_soon(self._takes_back, payment.mti, values, reversal, turn)
            code = await self._until_known(payment.mti, values, gives_up=deep.gives_up)
            if payment.completion_after is not None and payment.mti == "0100" and code == "00":
                await trio.sleep(payment.completion_after)
                await self._completes(values, payment.amount)

    async def _repeats(self, mti: str, values: Values, after: float) -> None:
        await trio.sleep(after)
        await self.say(repeat_of(mti), values)

    async def _conflicts(self, mti: str, values: Values, after: float) -> None:
        await trio.sleep(after)
        await self.say(mti, values)

    async def _takes_back(self, mti: str, values: Values, reversal: Reversal, turn: int) -> None:
        await trio.sleep(reversal.after_s)
        left = None if reversal.left is None else f"{reversal.left:012d}{'0' * 30}"
        await self._reverses(reversal.mti, mti, values, turn, left)

    async def _reverses(self, how: str, mti: str, values: Values, turn: int, left: str | None) -> None:
        original = Original(mti, values["stan"] or "", values["transmitted_at"] or "", "784001")
        told = values | {
            "stan": f"{200_000 + int(values['stan'] or 0) * 8 + turn:06d}",
            "transmitted_at": self.world.transmitted_at(),
            "original": original.text,
            "replacement_amounts": left,
        }
        await self._until_known(how, told)

    async def _completes(self, values: Values, amount: int) -> None:
        original = Original("0100", values["stan"] or "", values["transmitted_at"] or "", "784001")
        told = values | {
            "stan": f"{100_000 + int(values['stan'] or 0):06d}",
            "transmitted_at": self.world.transmitted_at(),
            "original": original.text,
            "amount": f"{amount - 100:012d}",
        }
        await self._until_known("0220", told)

    async def _until_known(self, mti: str, values: Values, *, gives_up: bool = False) -> str:
        """Ask, and ask again until it is known how it ended; or take it back. The response code."""
        tries = 0
        while True:
            answer = await self.say(mti if not tries else repeat_of(mti), values)
            if answer is not None and answer.reason not in NO_OUTCOME:
                return answer.response_code or ""
            was_asked = answer is None
            tries += was_asked or bool(tries)
            if gives_up and was_asked and self.connected() is not None:
                await self._reverses("0420", mti, values, 7, None)
                return ""
            await trio.sleep(1.0 + self.world.air.lag(self.name) if trio.current_time() > HEALED_AT else 3.0)

    async def say(self, mti: str, values: Values) -> Message | None:
        """One question, written down; its answer, or None where there is none."""
        connection = self.connected()
        if connection is None:
            await trio.sleep(0.5 + self.world.air.lag(self.name))
            connection = self.connected()
            if connection is None:
                return None
        id_ = self.world.history_id()
        self.note("invoke", id_, mti, values)
        answer = await connection.ask(mti, values)
        if answer is None:
            self.world.history.append({"book": "history", "event": "unknown", "id": id_, "at": self.world.true_wall()})
            return None
        if answer.get(37) != values["rrn"]:
            self.world.fault(f"{said(answer)} carries another payment's DE 37: {answer.get(37)}")
        event = "fail" if answer.reason in NO_OUTCOME else "ok"
        heard = {"mti": answer.mti, "elements": {str(n): v for n, v in answer.items() if n not in (2, 14)}}
        self.world.history.append(
            {"book": "history", "event": event, "id": id_, "at": self.world.true_wall(), "participant": "lab"} | heard
        )
        return answer

    def note(self, event: str, id_: int, mti: str, values: Values) -> None:
        card = hashlib.sha256((values["pan"] or "").encode()).hexdigest()[:16]
        told = {str(element_named(n).number): v for n, v in values.items() if v and n not in ("pan", "expiry")}
        line: dict[str, Any] = {"book": "history", "event": event, "id": id_, "at": self.world.true_wall()}
        self.world.history.append(line | {"participant": "lab", "mti": mti, "card": card, "elements": told})


def said(message: Message) -> str:
    """A message for a transcript."""
    line = f"{message.mti} {message.stan} rrn {int(message.rrn or 0)}"
    if message.response_code:
        line += f" {message.response_code} {message.reason or message.approval_code or ''}"
    if message.mti[1] == "8":
        line += f" {message.network_management_code}"
    return line


__all__ = ["CONFLICTS", "START", "Client", "said"]
