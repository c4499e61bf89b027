"""The whole network in one process: the real core of the switch, and everybody around it, in virtual time.

One heap of events; nothing waits, nothing is random that the plan has not drawn, so the same plan is the same
run to the last byte (`World.trace` is its hash). Wires keep their order and take their time, a disk takes its
time too, and a crash keeps what reached the disk and nothing else. What may never happen is noted in `faults`
the moment it happens; what must be true in the end is `judge`'s.
"""

from __future__ import annotations

import hashlib
import heapq
import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any

import msgpack

from protocols import elements as de
from protocols.codec import layout as layouts
from protocols.elements import element_named
from protocols.errors import FormatError
from protocols.hsm import build_answer, read_request
from protocols.message import Message
from protocols.mti import answer_to, is_answer, repeat_of
from protocols.original import Original
from protocols.participant import Keys, Participant
from protocols.seal import Unsealed, seal_of
from switch import ends, express
from switch.core import Core
from switch.ends import Side
from switch.instant import Instant
from switch.memory import Memory
from switch.outbox import Batch
from switch.records import Answered, Kind, Owed, Record, Sent, read
from switch.recovery import Found, Recovery, gather
from tests.simulation.bank import Bank, approval_code
from tests.simulation.network.repeatable import replaced
from tests.simulation.plan import GATEWAYS, HEALED_AT, ODD, Mishap, Payment, Plan, Reversal
from tests.switch.desk import DIALECT, NETWORK, PURCHASE, START

TICK_S = 0.2  # a tenth of the switch's own pace: what it costs, and what may be missed by it
SETTLED_WITHIN_S = 30.0  # after the last fault
PATIENCE_S = 8.0 + TICK_S  # of the switch with an issuer
COMMIT_S, SLOW_COMMIT_S = 0.004, 0.3
WIRE_S = 0.003
REDIAL_S = 0.4
CONFLICTS = 50_000  # the retrieval number of a conflicting copy is so much higher

#: Answers that are no outcome: nothing was recorded, and asking again may end otherwise.
NO_OUTCOME = frozenset({"switch.stopping", "link.not_signed_on", "switch.busy", "mac.invalid", "hsm.down"})

#: Refusals that leave no record.
UNRECORDED = frozenset({"duplicate.differs", "duplicate.old", "reversed.undelivered"})

#: The key of the one gateway whose messages are sealed, and of a forger.
MAC_KEY, WRONG_KEY = "U" + "1" * 32, "U" + "2" * 32

_NUMBERS = {name: element_named(name).number for name in PURCHASE}


@dataclass
class Wire:
    """One connection. `open` is the switch's end of it; what was sent before it broke may still arrive."""

    number: int
    side: Side
    participant: Participant
    who: str
    life: int  # of the switch
    open: bool = True
    cut: bool = False  # what is under way on it is lost
    deaf: bool = False  # nobody reads there
    stuck: list[object] = field(default_factory=list)
    to_switch_at: float = 0.0
    from_switch_at: float = 0.0
    asks: Counter[tuple[str, str]] = field(default_factory=Counter)
    asked_at: dict[tuple[str, str], list[float]] = field(default_factory=dict)


@dataclass
class Asked:
    """What a gateway knows of one message of its own."""

    mti: str
    values: dict[str, str | None]
    first_at: float
    heard: list[tuple[float, str, str | None, str | None]] = field(default_factory=list)  # when, DE 39, 44, 38
    answered: bool = False  # has an outcome
    asked_rightly: bool = False  # at least one sending had the right MAC, or needed none


class World:
    """One run of a plan."""

    def __init__(self, plan: Plan, *, tells: bool = False) -> None:
        self.plan = plan
        self.now = START
        self.faults: list[str] = []
        self.story: list[str] = []
        self._tells = tells
        self._hash = hashlib.blake2b(digest_size=12)
        self._events: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._ties = itertools.count()
        self._numbers = itertools.count(1)
        self.payments = {one.number: one for one in plan.payments}
        self.banks = {name: Bank(name) for name in plan.links}
        self.frozen: dict[str, float] = dict.fromkeys(plan.links, 0.0)
        self.signed_off: dict[str, float] = dict.fromkeys(plan.links, 0.0)
        self.tries: Counter[tuple[str, str, str]] = Counter()
        self.disk: list[bytes] = []
        self.records: list[Record] = []
        self._on_disk: set[tuple[str, ...]] = set()
        self.slow_until = self.skew_s = 0.0
        self.was_slow = False
        self.healed = False
        self.asked: dict[tuple[str, int], Asked] = {}  # by kind and payment
        self.wires: dict[int, Wire] = {}
        self.messages = 0
        self.lives = 0
        self.core: Core | None = None
        self._writing: Batch | None = None
        self._inbox: dict[int, list[bytes]] = {}  # what lies there until the switch wakes up, by connection
        self._start()
        for payment in plan.payments:
            self._foresee(payment)
        for mishap in plan.mishaps:
            self.at(mishap.at, self._strike, mishap)
        self.at(0.0, self._tick)

    # ---- Time ----

    @property
    def elapsed(self) -> float:
        """Virtual seconds since the beginning."""
        return self.now.elapsed - START.elapsed

    def at(self, moment: float, what: Callable[..., None], *facts: Any) -> None:
        """Let something happen then."""
        heapq.heappush(self._events, (max(moment, self.elapsed), next(self._ties), what, facts))

    def after(self, seconds: float, what: Callable[..., None], *facts: Any) -> None:
        """Let something happen in a while."""
        self.at(self.elapsed + seconds, what, *facts)

    def run_until(self, moment: float, stop: Callable[[], bool] = lambda: False) -> None:
        """Let happen what is due until then, or until `stop`."""
        while self._events and self._events[0][0] <= moment and not stop():
            at, _, what, facts = heapq.heappop(self._events)
            self.now = Instant(START.elapsed + at, START.wall + at + self.skew_s)
            what(*facts)

    def run(self) -> None:
        """Misfortune first; then everything heals, and the network must come to rest."""
        plan = self.plan
        with (
            replaced(ends, STAN_LAST=plan.stans),
            replaced(express, FEWEST=plan.fewest),
            replaced(layouts, WORTH_COMPILING=1),  # or a life would depend on those lived before it
        ):
            self.run_until(HEALED_AT)
            self._heal()
            self.run_until(HEALED_AT + SETTLED_WITHIN_S, self._at_rest)

    @property
    def trace(self) -> str:
        """The hash of all that was said, by whom and when."""
        return self._hash.hexdigest()

    def _tell(self, line: str) -> None:
        if self._tells:
            self.story.append(f"{self.elapsed:8.3f} {line}")

    def fault(self, what: str) -> None:
        """Something that may never happen."""
        self.faults.append(what)
        self._tell(f"!!! {what}")

    # ---- The switch and its machine ----

    def _start(self) -> None:
        """A process of the switch, with what the disk has."""
        self.lives += 1
        core = Core(NETWORK, Random(self.plan.seed * 1000 + self.lives), Memory(self.plan.remembers))
        self._writing = None
        self._inbox.clear()
        if self.lives > 1:
            recovery = Recovery(Memory(self.plan.remembers))
            for record in self.records:
                recovery.take(record)
            core.restore(recovery, self.now)
            core.begin(self.now)
            core.reverse_unanswered(recovery.open.values(), self.now)
        else:
            core.begin(self.now)
        self.core = core
        self._act()
        if self.plan.sealed:
            self._open(Side.HSM, NETWORK.participants["lab"], "hsm")
        for name, count in self.plan.links.items():
            for _ in range(count):
                self._dial_issuer(name)
        for gateway in range(GATEWAYS):
            for _ in range(2):
                self._dial_gateway(gateway)

    def _dial_issuer(self, name: str) -> None:
        self._open(Side.ISSUER, NETWORK.participants[name], name)

    def _dial_gateway(self, gateway: int) -> None:
        keys = Keys(mac_key=MAC_KEY if self._is_sealed(gateway) else None)
        lab = NETWORK.participants["lab"].model_copy(update={"id": f"lab{gateway}", "keys": keys})
        self._open(Side.GATEWAY, lab, lab.id)

    def _is_sealed(self, gateway: int) -> bool:
        return self.plan.sealed and gateway == GATEWAYS - 1

    def _open(self, side: Side, participant: Participant, who: str) -> None:
        if self.core is None:
            return
        wire = Wire(next(self._numbers), side, participant, who, self.lives)
        self.wires[wire.number] = wire
        self.core.opened(wire.number, side, participant, self.now)
        self._act()

    def _tick(self) -> None:
        if self.core is not None:
            self.core.tick(self.now)
            self._act()
        self.after(TICK_S, self._tick)

    def _act(self) -> None:
        """What the shell does after every input."""
        core = self.core
        if core is None:
            return
        for number, (frames, tokens) in sorted(core.take_sends().items()):
            wire = self.wires[number]
            if wire.deaf:
                wire.stuck += [token for token in tokens if token is not None]
                continue
            if wire.side is Side.HSM:
                for frame in frames:
                    self.after(WIRE_S, self._hsm_hears, wire, frame)
                continue
            for frame in frames:
                message = DIALECT.decode(frame)
                self._look_at(wire, message)
                at = max(self.elapsed + WIRE_S, wire.from_switch_at)
                wire.from_switch_at = at + 1e-6
                self.at(at, self._arrive, wire, message)
        for number, _ in core.take_closures():
            self._hang_up(self.wires[number])
        if self._writing is None and (batch := core.take_batch()) is not None:
            self._writing = batch
            slow = self.elapsed < self.slow_until
            self.after(SLOW_COMMIT_S if slow else COMMIT_S, self._committed, batch, self.lives)
        if core.seeks:
            self.after(0.05, self._look_up, core.take_sought(), self.lives)
        core.take_events()

    def _hsm_hears(self, wire: Wire, frame: bytes) -> None:
        """Seals made and checked as an HSM does it: another key or another byte is another MAC."""
        if not wire.open or self.core is None:
            return
        request = read_request(frame, 4)
        made = mac_of(request.fields["key"], bytes.fromhex(request.fields["message"]))
        made = made[: 16 if request.fields["mac_size"] == "1" else 8]
        if request.command == "M6":
            answer = build_answer(request, "00", mac=made)
        else:
            answer = build_answer(request, "00" if request.fields["mac"] == made else "01")
        self.core.received(wire.number, (answer,), self.now)
        self._act()

    def _committed(self, batch: Batch, life: int) -> None:
        if life != self.lives or self.core is None:
            return
        self._write(batch)
        self._writing = None
        self.core.durable(batch.epoch, self.now)
        self._act()

    def _write(self, batch: Batch) -> None:
        """It is on disk; note what may leave because of it."""
        for packed in batch.records:
            self.disk.append(packed)
            self._hash.update(packed)
            record = read(msgpack.unpackb(packed, strict_map_key=False))
            self.records.append(record)
            if isinstance(record, Sent):
                self._on_disk.add(("sent", record.issuer, record.stan, _moment_of(record.key)))
            elif isinstance(record, Answered):
                self._on_disk.add(("answered", record.key))
            if isinstance(record, Answered | Owed):
                self._on_disk.update(("owed", debt.issuer, debt.stan) for debt in record.debts)

    def _look_at(self, wire: Wire, message: Message) -> None:
        """Record, then send: what leaves must be on disk."""
        self.messages += 1
        mti, stan = message.mti, message.stan or ""
        if mti[1] == "8":
            return
        if wire.side is Side.ISSUER:
            needs = (
                ("owed", wire.who, stan)
                if mti[2] == "2" or mti[1] == "4"
                else (
                    "sent",
                    wire.who,
                    stan,
                    message.transmitted_at or "",
                )
            )
        else:
            if message.reason in NO_OUTCOME | UNRECORDED or (message.reason or "").startswith("format."):
                return
            key = f"{wire.participant.id}/{mti[1]}/{message.transmitted_at}{stan}{message.terminal_id}"
            needs = ("answered", key)
        if needs not in self._on_disk:
            self.fault(f"{mti} {stan} left before its record was on disk")

    def _look_up(self, keys: list[str], life: int) -> None:
        if life != self.lives or self.core is None:
            return
        found: dict[str, Found] = {}
        gather(self.records, frozenset(keys), found)
        for key in keys:
            self.core.found(key, found.get(key), self.now)
        self._act()

    def _hang_up(self, wire: Wire, *, redial: bool = True) -> None:
        """A connection ends: the switch hears of it, and of what nobody took off its hands."""
        if not wire.open:
            return
        if not wire.cut and wire.number in self._inbox:
            self._wake(self.lives)
        self._inbox.pop(wire.number, None)
        wire.open = False
        self._tell(f"-- wire {wire.number} ({wire.who}) is gone")
        if self.core is not None:
            self.core.closed(wire.number, self.now)
            self.core.undelivered(wire.stuck, self.now)
            self._act()
        if redial:
            if wire.side is Side.ISSUER:
                self.after(REDIAL_S, self._dial_issuer, wire.who)
            else:
                self.after(REDIAL_S, self._dial_gateway, int(wire.who[3:]))

    def open_wires(self, who: str) -> list[Wire]:
        """Somebody's connections."""
        return [wire for wire in self.wires.values() if wire.open and wire.who == who]

    # ---- Mishaps ----

    def _strike(self, mishap: Mishap) -> None:
        if self.healed:
            return
        self._tell(f"-- {mishap.kind} {mishap.issuer} gateway {mishap.gateway} {mishap.lasts_s} s")
        getattr(self, f"_{mishap.kind}")(mishap)

    def _cut_issuer(self, mishap: Mishap) -> None:
        self._cut(self.open_wires(mishap.issuer)[:1])

    def _cut_all_links(self, mishap: Mishap) -> None:
        self._cut(self.open_wires(mishap.issuer))

    def _cut_gateway(self, mishap: Mishap) -> None:
        self._cut(self.open_wires(f"lab{mishap.gateway}"))

    def _cut(self, wires: list[Wire]) -> None:
        for wire in wires:
            wire.cut = wire.number % 2 == 0  # or else what was sent still arrives
            self._hang_up(wire)

    def _deaf_gateway(self, mishap: Mishap) -> None:
        alone = round(mishap.at * 1000) % 2  # or all of its connections
        for wire in self.open_wires(f"lab{mishap.gateway}")[: 1 if alone else None]:
            wire.deaf = True
            self.after(mishap.lasts_s, self._hang_up, wire)

    def _crash(self, mishap: Mishap, *, loses: bool = False) -> None:
        if self.core is None:
            return
        if self._writing is not None and not loses:
            self._write(self._writing)
        self.core = None
        for wire in self.wires.values():
            wire.open = False
        self.after(mishap.lasts_s / 2, self._start)

    def _crash_losing_epoch(self, mishap: Mishap) -> None:
        self._crash(mishap, loses=True)

    def _freeze_issuer(self, mishap: Mishap) -> None:
        self.frozen[mishap.issuer] = self.elapsed + mishap.lasts_s

    def _sign_off(self, mishap: Mishap) -> None:
        self._management(mishap.issuer, "002")
        self.signed_off[mishap.issuer] = self.elapsed + mishap.lasts_s
        self.after(mishap.lasts_s, self._management, mishap.issuer, "001")

    def _management(self, issuer: str, code: str) -> None:
        for wire in self.open_wires(issuer):
            values = {de.TRANSMITTED_AT: self.now.transmitted_at(), de.STAN: "000001", de.NETWORK_MANAGEMENT_CODE: code}
            self._send(wire, DIALECT.encode("0800", values))

    def _clock_steps(self, mishap: Mishap) -> None:
        """The calendar of the switch's machine jumps, and comes back."""
        self.skew_s = (3600.0, -3600.0, -1.0)[mishap.gateway]
        self.after(mishap.lasts_s, self._clock_is_right)

    def _clock_is_right(self) -> None:
        self.skew_s = 0.0

    def _slow_disk(self, mishap: Mishap) -> None:
        self.slow_until, self.was_slow = self.elapsed + mishap.lasts_s, True

    def _drain(self, mishap: Mishap) -> None:
        if self.core is None or self.core.draining:
            return
        self.core.draining = True
        self.after(min(8.0, mishap.lasts_s), self._give_up, self.lives, mishap)

    def _give_up(self, life: int, mishap: Mishap) -> None:
        if life == self.lives and self.core is not None:
            self.core.give_up(self.now)
            self.core.sign_off(self.now)
            self._act()
            self.after(2.0, self._stopped, life, mishap)

    def _stopped(self, life: int, mishap: Mishap) -> None:
        if life != self.lives or self.core is None:
            return
        for wire in list(self.wires.values()):
            self._hang_up(wire, redial=False)
        self.run_dry()
        self.core = None
        self.after(0.2, self._start)

    def run_dry(self) -> None:
        """The last batches of a switch that stops in order."""
        assert self.core is not None
        if self._writing is not None:
            self._committed(self._writing, self.lives)
        while (batch := self._writing or self.core.take_batch()) is not None:
            self._committed(batch, self.lives)

    # ---- Issuers ----

    def _arrive(self, wire: Wire, message: Message) -> None:
        """A message of the switch reaches the other end."""
        self._hash.update(f"{self.elapsed:.6f} {wire.who}<".encode() + message.frame)
        if wire.cut and not wire.open:
            return
        if self._tells:
            self._tell(f"{wire.who:8} <- {_said(message)}")
        if wire.side is Side.GATEWAY:
            self._gateway_hears(wire, message)
        elif self.frozen[wire.who] > self.elapsed:
            self.at(self.frozen[wire.who], self._issuer_hears, wire, message)
        else:
            self._issuer_hears(wire, message)

    def _issuer_hears(self, wire: Wire, message: Message) -> None:
        if is_answer(message.mti):
            return
        if message.mti == "0800":
            if message.network_management_code != "001" or self.signed_off[wire.who] <= self.elapsed:
                self._send(wire, message.answered({de.RESPONSE_CODE: "00"}))
            return
        payment = self._payment(message)
        if message.mti[2] == "2":
            self._owed(wire, message, payment)
        else:
            self._request(wire, message, payment)

    def _payment(self, message: Message) -> Payment:
        return self.payments[int(message.rrn or 0) % CONFLICTS]

    def _request(self, wire: Wire, message: Message, payment: Payment) -> None:
        well = self.healed
        if payment.silent and payment.number % 2 and not well:
            return  # it never got there
        code = self.banks[wire.who].asked(message, declines=payment.declined)
        if payment.silent and not well:
            return  # the answer never got back
        thinks = 0.0 if well else payment.thinks_s
        good: dict[int, str | None] = (
            {de.RESPONSE_CODE: "00", de.APPROVAL_CODE: code} if code else {de.RESPONSE_CODE: "51"}
        )
        if not code and payment.number % 2:
            good[de.APPROVAL_CODE] = "NOTHIS"  # there are hosts that fill DE 38 whatever they say
        if payment.stray and not well:  # the contrary: to somebody else's terminal, of another amount or type
            contrary = self._contrary(code)
            others = ({de.TERMINAL_ID: "NOBODYS1"}, {de.AMOUNT: f"{payment.amount + 100:012d}"}, {})
            frame = message.answered(contrary | others[payment.number % 3])
            self._send(wire, frame if payment.number % 3 < 2 else _of_another_type(frame))
        if payment.senseless and not well:
            good = good | {de.RESPONSE_CODE: "zz"}
        self.after(thinks, self._send, wire, message.answered(good))
        if payment.double and not well:
            self.after(thinks + 0.01, self._send, wire, message.answered(good))
        if payment.contradictory and not well:
            self.after(thinks + 0.02, self._send, wire, message.answered(self._contrary(code)))

    def _contrary(self, code: str | None) -> dict[int, str | None]:
        """What the bank did not decide."""
        return {de.RESPONSE_CODE: "51"} if code else {de.RESPONSE_CODE: "00", de.APPROVAL_CODE: "WRONG1"}

    def _owed(self, wire: Wire, message: Message, payment: Payment) -> None:
        which = (wire.who, message.stan or "", message.transmitted_at or "")
        self.tries[which] += 1
        tries = self.tries[which]
        if not self.healed and tries <= payment.advices_refused:
            self._send(wire, message.answered({de.RESPONSE_CODE: "05"}))
            return
        if not self.healed and payment.impostor and tries == 1:  # lost; and an answer of another type comes back
            answer = message.answered({de.RESPONSE_CODE: "00"})
            wrong = "0110" if message.mti[1] != "1" else "0430"
            self._send(wire, wrong.encode() + answer[4:])
            return
        self.banks[wire.who].told(message, wire.life)
        if self.healed or tries > payment.advices_lost:
            self._send(wire, message.answered({de.RESPONSE_CODE: "00"}))

    # ---- Gateways ----

    def _foresee(self, payment: Payment) -> None:
        """What the payment's gateway is going to do."""
        self.at(payment.at, self._ask, payment, 0)
        for turn, seconds in enumerate(payment.repeats, 1):
            self.at(payment.at + seconds, self._ask, payment, turn)
        if payment.conflict_after is not None:
            self.at(payment.at + payment.conflict_after, self._ask, payment, 1, True)
        for turn, reversal in enumerate(payment.reversals):
            self.at(payment.at + reversal.after_s, self._reverse, payment, turn, reversal)
        if payment.completion_after is not None:
            self.at(payment.at + payment.completion_after, self._complete, payment)

    def _values(self, payment: Payment) -> dict[str, str | None]:
        moment = START.wall + (0 if self.plan.frozen_clock else payment.at)
        values: dict[str, str | None] = {
            **PURCHASE,
            "pan": payment.card,
            "amount": f"{payment.amount:012d}",
            "currency": payment.currency,
            "transmitted_at": datetime.fromtimestamp(moment, UTC).strftime("%m%d%H%M%S"),
            "stan": f"{payment.number // GATEWAYS + 1:06d}",  # the same numbers at every gateway
            "rrn": f"{payment.number:012d}",
            "terminal_id": f"LAB{payment.number // GATEWAYS % 3 + 1:05d}",
        }
        if payment.odd is not None:
            element, value, _ = ODD[payment.odd]
            values[element] = value
        return values

    def _ask(self, payment: Payment, turn: int, conflicts: bool = False) -> None:
        kind = "conflict" if conflicts else "payment"
        asked = self.asked.get((kind, payment.number))
        if asked is None:
            values = self._values(payment)
            if conflicts:
                values["amount"] = f"{payment.amount + 1:012d}"
                values["rrn"] = f"{payment.number + CONFLICTS:012d}"
            asked = self.asked[kind, payment.number] = Asked(payment.mti, values, self.elapsed)
        self._say(
            payment,
            asked,
            turn,
            repeats=turn > 0 and not conflicts and payment.number % 2 == 0,
            forged=payment.forged and not turn,
        )

    def _reverse(self, payment: Payment, turn: int, reversal: Reversal) -> None:
        key = (f"reversal{turn}", payment.number)
        if key not in self.asked:
            values = self._values(payment)
            original = Original(payment.mti, values["stan"] or "", values["transmitted_at"] or "", "784001")
            values |= {
                "stan": f"{200_000 + payment.number * 8 + turn:06d}",
                "transmitted_at": self.now.transmitted_at(),
                "original": original.text,
                "replacement_amounts": None if reversal.left is None else f"{reversal.left:012d}{'0' * 30}",
            }
            self.asked[key] = Asked(reversal.mti, values, self.elapsed)
        self._say(payment, self.asked[key], turn)

    def _complete(self, payment: Payment) -> None:
        first = self.asked.get(("payment", payment.number))
        if payment.mti != "0100" or first is None or not any(code == "00" for _, code, *_ in first.heard):
            return
        original = Original("0100", first.values["stan"] or "", first.values["transmitted_at"] or "", "784001")
        values = self._values(payment) | {
            "stan": f"{100_000 + payment.number:06d}",
            "transmitted_at": self.now.transmitted_at(),
            "original": original.text,
            "amount": f"{payment.amount - 100:012d}",
        }
        self.asked["completion", payment.number] = Asked("0220", values, self.elapsed)
        self._say(payment, self.asked["completion", payment.number], 0)

    def _say(self, payment: Payment, asked: Asked, turn: int, *, repeats: bool = False, forged: bool = False) -> None:
        wires = self.open_wires(f"lab{payment.gateway}")
        if not wires:
            return
        wire = wires[(payment.number + turn) % len(wires)]
        mti = repeat_of(asked.mti) if repeats else asked.mti
        elements = {_number(name): value for name, value in asked.values.items() if value is not None}
        which = (answer_to(asked.mti), asked.values["stan"] or "")
        wire.asks[which] += 1
        wire.asked_at.setdefault(which, []).append(self.elapsed)
        frame = DIALECT.encode(mti, elements)
        if self._is_sealed(payment.gateway):
            unsealed = Unsealed(DIALECT, frame)
            frame = unsealed.sealed(mac_of(WRONG_KEY if forged else MAC_KEY, unsealed.covered))
        if payment.odd == "a letter":
            amount = (asked.values["amount"] or "").encode()
            frame = frame.replace(amount, amount[:-1] + b"A", 1)
        asked.asked_rightly = asked.asked_rightly or not (forged and self._is_sealed(payment.gateway))
        self._send(wire, frame, payment.jitter_s)

    def _gateway_hears(self, wire: Wire, message: Message) -> None:
        if not is_answer(message.mti):
            return
        which = (message.mti, message.stan or "")
        wire.asks[which] -= 1
        if wire.asks[which] < 0:
            self.fault(f"{wire.who} heard {_said(message)}, which it had not asked for")
            return
        waited = self.elapsed - wire.asked_at[which].pop(0)
        slack = 0.3 + (4 * SLOW_COMMIT_S if self.was_slow else 0.0)
        if waited > PATIENCE_S + slack + 2 * self.plan.wakes_s:
            self.fault(f"{wire.who} waited {waited:.2f} s for {_said(message)}")
        asked = self._asked_by(message)
        if asked is None:
            self.fault(f"{wire.who} heard {_said(message)}, a payment it knows nothing of")
            return
        if int(message.rrn or 0) != int(asked.values["rrn"] or 0):
            self.fault(f"{_said(message)} carries another payment's DE 37: {message.rrn}")
        asked.heard.append((self.elapsed, message.response_code or "", message.reason, message.approval_code))
        if self._is_sealed(int(wire.who[3:])):
            seal = seal_of(message)
            if seal is None or seal.mac != mac_of(MAC_KEY, seal.covered)[: len(seal.mac)]:
                self.fault(f"{wire.who} heard {_said(message)} without the right seal")
        if message.reason not in NO_OUTCOME:
            asked.answered = True
            if not asked.asked_rightly:
                self.fault(f"{_said(message)} answers a request whose seal was wrong")

    def _asked_by(self, message: Message) -> Asked | None:
        number = int(message.rrn or 0)
        if number >= CONFLICTS:
            return self.asked.get(("conflict", number - CONFLICTS))
        for kind in self._kinds(message, number):
            asked = self.asked.get((kind, number))
            if asked is not None and asked.values["stan"] == message.stan and answer_to(asked.mti) == message.mti:
                return asked
        return None

    def _kinds(self, message: Message, number: int) -> Iterator[str]:
        yield "payment"
        yield "completion"
        payment = self.payments.get(number)
        for turn in range(len(payment.reversals) if payment else 0):
            yield f"reversal{turn}"

    def _send(self, wire: Wire, frame: bytes, jitter_s: float = 0.0) -> None:
        """Somebody says something to the switch."""
        if not wire.open:
            return
        at = max(self.elapsed + WIRE_S + jitter_s, wire.to_switch_at)
        wire.to_switch_at = at + 1e-6
        self.at(at, self._reach, wire, frame)

    def _reach(self, wire: Wire, frame: bytes) -> None:
        if not wire.open or self.core is None:
            return
        self.messages += 1
        self._hash.update(f"{self.elapsed:.6f} {wire.who}>".encode() + frame)
        said = _read(frame)  # also so that the codec knows such frames, whatever was lived in this process before
        if self._tells:
            self._tell(f"{wire.who:8} -> {said}")
        if not self.plan.wakes_s:
            self.core.received(wire.number, (frame,), self.now)
            self._act()
            return
        if not self._inbox:
            self.after(self.plan.wakes_s, self._wake, self.lives)
        self._inbox.setdefault(wire.number, []).append(frame)

    def _wake(self, life: int) -> None:
        """The switch wakes up for all that has come in."""
        if life != self.lives or self.core is None or not self._inbox:
            return
        reads, self._inbox = self._inbox, {}
        self.core.received_all(reads.items(), self.now)
        self._act()

    # ---- Healing ----

    def _heal(self) -> None:
        """No more faults. Whoever does not know how something ended asks again until told."""
        self.healed = True
        self.skew_s = 0.0
        self._tell("== healed")
        self.slow_until = 0.0
        for name in self.banks:
            self.frozen[name] = self.signed_off[name] = 0.0
            self._management(name, "001")
        for wire in list(self.wires.values()):
            if wire.deaf:
                self._hang_up(wire)
        self.after(0.5, self._free_what_is_parked)
        self._ask_again()

    def _free_what_is_parked(self) -> None:
        """An operator looks at what was refused too often, mends it, and lets it go."""
        if self.core is not None:
            for issuer in self.core.issuers.values():
                for entry in list(issuer.saf.entries()):
                    if entry.parked:
                        issuer.saf.retry(entry.debt.stan, self.now.elapsed)
        self.after(2.0, self._free_what_is_parked)

    def _ask_again(self) -> None:
        for (_, number), asked in list(self.asked.items()):
            if not asked.answered:
                self._say(self.payments[number], asked, int(self.elapsed), repeats=True)
        self.after(5.0, self._ask_again)

    def _at_rest(self) -> bool:
        core = self.core
        return (
            core is not None
            and self.elapsed > HEALED_AT + 1
            and core.is_idle
            and not core.in_flight
            and all(asked.answered for asked in self.asked.values())
            and not any(len(issuer.saf) for issuer in core.issuers.values())
            and self.quiet
        )

    @property
    def quiet(self) -> bool:
        """Nothing is under way any more, on no wire."""
        return not any(what in (self._arrive, self._reach, self._send, self._wake) for _, _, what, _ in self._events)


def _of_another_type(frame: bytes) -> bytes:
    """The answer as one to an authorization, where a purchase was asked; or the other way round."""
    return (b"0210" if frame.startswith(b"0110") else b"0110") + frame[4:]


def _read(frame: bytes) -> str:
    try:
        return _said(DIALECT.decode(frame))
    except FormatError as error:
        return error.slug


def mac_of(key: str, covered: bytes) -> str:
    """Sixteen hex digits."""
    return hashlib.sha256(key.encode() + covered).hexdigest()[:16].upper()


def _number(name: str) -> int:
    found = _NUMBERS.get(name)
    if found is None:
        found = _NUMBERS[name] = element_named(name).number
    return found


def _moment_of(key: str) -> str:
    return key.split("/", 2)[2][:10]


def _said(message: Message) -> str:
    said = f"{message.mti} {message.stan} rrn {int(message.rrn or 0)}"
    if message.response_code:
        said += f" {message.response_code} {message.reason or message.approval_code or ''}"
    if message.mti[1] == "8":
        said += f" {message.network_management_code}"
    return said


__all__ = ["CONFLICTS", "Asked", "Kind", "World", "approval_code"]
