"""One life of the whole network: trouble first, then none; and what must be true, throughout and afterwards.

While it runs: nothing leaves the switch before its record is on disk, every request is answered once and in time,
no bank's ledger is out of balance, what was acknowledged is found again after a crash. After the last trouble the
network has 60 virtual seconds to come to rest. Then the oracle reads what was left: the clients' history, the
journal's export, the banks' own books and all that passed on the wire.
"""

from __future__ import annotations

import hashlib
import itertools
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import trio

from issuers.host import Host
from issuers.script import Script
from issuers.store import bank_path
from protocols.errors import FormatError
from protocols.framing import framing_named
from protocols.message import Message
from protocols.mti import is_answer
from switch.records import Answered, Owed, Record, Sent
from switch.shell.journal_lines import journal_lines
from switch.shell.node import Node
from switch.store.journal import open_reader
from tests.oracle.bank_book import bank_lines
from tests.oracle.books import Books
from tests.oracle.rules import judge
from tests.simulation.network.air import Air, End
from tests.simulation.network.clients import NO_OUTCOME, Client, said
from tests.simulation.network.disk import Disk, disks_folder
from tests.simulation.network.parties import (
    HSM,
    ISSUERS,
    SWITCH,
    TICK_S,
    Process,
    configured,
    run_hsm,
    run_issuer,
    run_switch,
    staged,
)
from tests.simulation.network.plan import CLIENTS, HEALED_AT, Plan, Trouble
from tests.simulation.network.repeatable import run_repeatably
from tests.switch.desk import DIALECT, START

SETTLED_WITHIN_S = 60.0
PATIENCE_S = 8.0  # of the switch with an issuer
SLACK_S = 2 * TICK_S + 0.1
LOOK_EVERY_S = 5.0  # at the banks' ledgers
SLOW_DISK_S = 0.5

#: Refusals that leave nothing behind.
UNRECORDED = NO_OUTCOME | {"duplicate.differs", "duplicate.old", "reversed.undelivered"}

Line = dict[str, Any]


class World:
    """One life."""

    def __init__(self, plan: Plan, folder: Path, *, tells: bool = False) -> None:
        self.plan = plan
        self.tells = tells
        self.random = Random(plan.seed ^ 0xA1B2C3)
        self.faults: list[str] = []
        self.story: list[str] = []
        self.history: list[Line] = []
        self.wire: list[Line] = []
        self.messages = 0
        self.configuration = configured()
        self.air = Air(Random(plan.seed ^ 0xD00D))
        self.air.on_bytes = self._passes
        self.node: Node | None = None
        self.hosts: dict[str, Host] = {}  # of the banks, those of their last lives
        self.skew_s = 0.0
        self.was_slow = False
        self.is_healed = False
        self._hash = hashlib.blake2b(digest_size=12)
        self._history_ids = itertools.count(1)
        self._on_disk: set[tuple[str, ...]] = set()
        self._durable = 0
        self._framers: dict[tuple[int, str], Any] = {}
        self._waiting: dict[tuple[int, str, str, str], list[float]] = defaultdict(list)
        self._paying = len(plan.payments)
        mains = {SWITCH: run_switch, HSM: run_hsm} | dict.fromkeys(ISSUERS, run_issuer)
        self.processes = {
            name: Process(self, name, main, Disk(folder / name, Random(plan.seed ^ number)))
            for number, (name, main) in enumerate(mains.items(), 77)
        }
        self.clients = [Client(self, number) for number in range(CLIENTS)]

    # Time

    def true_wall(self) -> float:
        """The calendar, as everybody but the switch has it."""
        return START.wall + trio.current_time()

    def wall(self) -> float:
        """The switch's calendar, which may step."""
        return self.true_wall() + self.skew_s

    def transmitted_at(self) -> str:
        return datetime.fromtimestamp(self.true_wall(), UTC).strftime("%m%d%H%M%S")

    def history_id(self) -> int:
        return next(self._history_ids)

    @property
    def transactions(self) -> int:
        """Distinct requests, reversals and advices that were asked."""
        asked = (one["elements"] | {"mti": one["mti"][1]} for one in self.history if one["event"] == "invoke")
        return len({(one["mti"], one["7"], one["11"], one["41"]) for one in asked})

    @property
    def trace(self) -> str:
        """The hash of all that the switch said and heard, and when."""
        return self._hash.hexdigest()

    def tell(self, line: str) -> None:
        if self.tells:
            self.story.append(f"{trio.current_time():8.3f} {line}")

    def fault(self, what: str) -> None:
        """Something that may never happen."""
        self.faults.append(what)
        self.tell(f"!!! {what}")

    def disk_of(self, name: str) -> Disk:
        return self.processes[name].disk

    # The switch's disk

    def is_durable(self, seq: int, records: Sequence[Record]) -> None:
        """A batch was told to be on disk."""
        self._durable = max(self._durable, seq)
        self.was_found(records)

    def was_found(self, records: Sequence[Record]) -> None:
        """These are on disk: what may leave because of them."""
        for record in records:
            if isinstance(record, Sent):
                self._on_disk.add(("sent", record.issuer, record.stan, record.key.split("/", 2)[2][:10]))
            elif isinstance(record, Answered):
                self._on_disk.add(("answered", record.key))
            if isinstance(record, Answered | Owed):
                self._on_disk.update(("owed", debt.issuer, debt.stan) for debt in record.debts)

    def recovered(self, last: int) -> None:
        """A restart read the journal as far as this batch."""
        if last < self._durable:
            self.fault(f"batch {self._durable} was acknowledged, and the restart found no more than batch {last}")
        self._durable = max(self._durable, last)

    async def take_orders(self, switch_node: Node, _: Path) -> None:
        """In place of the switch's admin socket: now we know who runs."""
        self.node = switch_node
        await trio.sleep_forever()

    # The wire

    def _passes(self, end: End, way: str, data: bytes) -> None:
        """What passes at the switch's end of a connection."""
        if end.owner != SWITCH:
            return
        side = "gateway" if end.port == self.configuration.network.ports["lab"] else "issuer"
        if end.peer.owner == HSM:
            return
        if way == "closed":
            self.wire.append({"book": "wire", "at": 1e12, "way": way, "side": side, "link": end.number})
            return
        framer = self._framers.get((end.number, way))
        if framer is None:
            framer = self._framers[end.number, way] = framing_named("len2").framer()
        for frame in framer.feed(data):
            self._hash.update(f"{trio.current_time():.6f} {end.peer.owner} {way}".encode() + frame)
            self.messages += 1
            try:
                message = DIALECT.decode(frame)
            except FormatError:
                continue
            self._passed(end, way, side, message)

    def _passed(self, end: End, way: str, side: str, message: Message) -> None:
        if self.tells and message.mti[1] != "8":
            self.tell(f"{end.peer.owner:8} {'<-' if way == 'out' else '->'} {said(message)}")
        if message.mti[1] == "8" or message.mti[1] == "6":
            return
        if way == "out":
            self._is_recorded(end, side, message)
        key = (end.number, message.mti[1], message.transmitted_at or "", message.stan or "")
        if side == "gateway" and way == "in":
            self._waiting[key].append(trio.current_time())
        elif side == "gateway" and self._waiting[key]:
            self._in_time(end, message, trio.current_time() - self._waiting[key].pop(0))
        elements = {str(number): value for number, value in message.items() if number not in (2, 14)}
        participant = "lab" if side == "gateway" else end.peer.owner
        line = {"book": "wire", "at": 1e12, "way": way, "side": side, "link": end.number, "participant": participant}
        self.wire.append(line | {"mti": message.mti, "elements": elements})

    def _in_time(self, end: End, message: Message, waited: float) -> None:
        allowed = PATIENCE_S + SLACK_S + (6 * SLOW_DISK_S if self.was_slow else 0.05)
        if waited > allowed and not end.was_deaf:
            self.fault(f"{end.peer.owner} was left waiting {waited:.2f} s for {said(message)}")

    def _is_recorded(self, end: End, side: str, message: Message) -> None:
        """Record, then send."""
        stan, mti = message.stan or "", message.mti
        if side == "issuer":
            if is_answer(mti):
                return
            owed = mti[2] == "2" or mti[1] == "4"
            needs = (
                ("owed", end.peer.owner, stan) if owed else ("sent", end.peer.owner, stan, message.transmitted_at or "")
            )
        elif message.reason in UNRECORDED or (message.reason or "").startswith(("format.", "missing.")):
            return
        else:
            needs = ("answered", f"lab/{mti[1]}/{message.transmitted_at}{stan}{message.terminal_id}")
        if needs not in self._on_disk:
            self.fault(f"{said(message)} left for {end.peer.owner} before its record was on disk")

    # Running

    async def run(self) -> None:
        """Trouble, then none, until everything is at rest."""
        with staged(self):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self.air.run)
                async with trio.open_nursery() as living:
                    for name in (HSM, *ISSUERS, SWITCH):
                        living.start_soon(self.processes[name].run)
                    for client in self.clients:
                        for connection in client.connections:
                            living.start_soon(connection.live)
                    for deep in self.plan.payments:
                        living.start_soon(self._pay, deep)
                    for trouble in self.plan.mishaps:
                        living.start_soon(self._strike, trouble)
                    living.start_soon(self._watch_the_ledgers)
                    await trio.sleep_until(HEALED_AT)
                    self._heal()
                    with trio.move_on_after(SETTLED_WITHIN_S):
                        await self._rest()
                    self._is_settled()
                    living.cancel_scope.cancel()
                if not self.faults:
                    await self._judge()
                nursery.cancel_scope.cancel()

    async def _pay(self, deep: Any) -> None:
        if deep.script is not None:
            await trio.sleep_until(max(0.0, deep.payment.at - 0.001))
            self._bank_will(deep)
        await self.clients[deep.payment.gateway].pay(deep)
        self._paying -= 1

    def _bank_will(self, deep: Any) -> None:
        """Its bank's host behaves as the plan says, once."""
        payment = deep.payment
        issued = self.configuration.routes.find(payment.card)
        host = self.hosts.get(issued.issuer if issued else "")
        if host is not None and not self.is_healed:
            host.playbook.add(Script(do=deep.script, card=payment.card, after_s=deep.after_s, times=1))

    def _heal(self) -> None:
        self.tell("== no more trouble")
        self.is_healed = True
        self.air.delay_s.clear()
        self.air.slices.clear()
        self.air.cannot_send.clear()
        for process in self.processes.values():
            process.disk.slow_s = 0.0
            process.disk.fill(full=False)
        for host in self.hosts.values():
            host.playbook.clear()
        self.skew_s = 0.0

    async def _rest(self) -> None:
        """Until nobody waits for anything."""
        while True:
            core = self.node.core if self.node is not None else None
            if core is not None and self.processes[SWITCH].is_up:
                for issuer in core.issuers.values():  # an operator frees what was refused too often
                    for entry in issuer.saf.entries():
                        if entry.parked:
                            issuer.saf.retry(entry.debt.stan, trio.current_time())
                owed = sum(len(issuer.saf) for issuer in core.issuers.values())
                if not self._paying and core.is_idle and not owed and not core.in_flight:
                    return
            await trio.sleep(0.5)

    def _is_settled(self) -> None:
        core = self.node.core if self.node is not None else None
        if self._paying:
            self.fault(f"{self._paying} payments have not come to an end")
        if core is None or not self.processes[SWITCH].is_up:
            self.fault("the switch is not there")
            return
        for key in core.in_flight:
            self.fault(f"{key} is still in flight")
        for name, issuer in core.issuers.items():
            for entry in issuer.saf.entries():
                self.fault(f"{name} is still owed {entry.debt.mti} {entry.debt.stan} ({entry.tries} tries)")
        if not core.is_idle and not self.faults:
            self.fault("the switch does not come to rest")

    async def _watch_the_ledgers(self) -> None:
        """Money is conserved at all times."""
        while True:
            await trio.sleep(LOOK_EVERY_S + 0.0001)
            for name in ISSUERS:
                if name != "sandbox" and self.processes[name].is_up and name in self.hosts:
                    for problem in self.hosts[name].store.problems():
                        self.fault(f"{name}: {problem}")

    # Trouble

    async def _strike(self, trouble: Trouble) -> None:
        await trio.sleep_until(trouble.at)
        self.tell(f"-- {trouble.kind}: {trouble.whom}, {trouble.lasts_s} s")
        getattr(self, f"_{trouble.kind}")(trouble, Random(trouble.dice))

    def _kill(self, trouble: Trouble, random: Random) -> None:
        self.processes[trouble.whom].kill(trouble.lasts_s)

    def _stop(self, trouble: Trouble, random: Random) -> None:
        self.processes[trouble.whom].end(trouble.lasts_s)

    def _reset(self, trouble: Trouble, random: Random) -> None:
        if ends := self.air.of(trouble.whom):
            self.air.reset(random.choice(ends))

    def _half_close(self, trouble: Trouble, random: Random) -> None:
        if ends := self.air.of(trouble.whom):
            self.air.carry_end(random.choice(ends))

    def _deaf(self, trouble: Trouble, random: Random) -> None:
        for end in self.air.of(trouble.whom):
            end.go_deaf(trouble.lasts_s)

    def _slow_network(self, trouble: Trouble, random: Random) -> None:
        self.air.delay_s[trouble.whom] = random.choice((0.05, 0.5, 2.0))
        self.air.after(trouble.lasts_s, self.air.delay_s.pop, trouble.whom, None)

    def _slices(self, trouble: Trouble, random: Random) -> None:
        self.air.slices[trouble.whom] = random.choice((1, 7, 100))
        self.air.after(trouble.lasts_s, self.air.slices.pop, trouble.whom, None)

    def _cannot_send(self, trouble: Trouble, random: Random) -> None:
        self.air.cannot_send[trouble.whom] = trio.current_time() + trouble.lasts_s

    def _slow_disk(self, trouble: Trouble, random: Random) -> None:
        disk = self.disk_of(trouble.whom)
        disk.slow_s, self.was_slow = SLOW_DISK_S, True
        self.air.after(trouble.lasts_s, setattr, disk, "slow_s", 0.0)

    def _disk_fails(self, trouble: Trouble, random: Random) -> None:
        self.disk_of(trouble.whom).fails_in(random.randint(0, 12))

    def _disk_full(self, trouble: Trouble, random: Random) -> None:
        disk = self.disk_of(trouble.whom)
        disk.fill(full=True)
        self.air.after(trouble.lasts_s, disk.fill, False)

    def _clock_steps(self, trouble: Trouble, random: Random) -> None:
        self.skew_s = random.choice((-3600.0, 3600.0, -1.0, 90.0))
        self.air.after(trouble.lasts_s, setattr, self, "skew_s", 0.0)

    # Afterwards

    async def _judge(self) -> None:
        """The oracle, over what was left."""
        disk = self.disk_of(SWITCH)
        folder = disk.folder / SWITCH
        disk.power_on()
        try:
            async with await open_reader(folder) as reader:
                lines = [line async for line in journal_lines(reader, folder)]
        finally:
            disk.power_off()
        for name in ISSUERS:
            path = bank_path(self.disk_of(name).folder, name)
            lines += list(bank_lines(path, name))
        found = judge(Books([*self.history, *lines, *self.wire]))
        # A link that is lost takes what waited in it along: then a repeat is the first that anybody sees.
        self.faults += [str(one) for one in found if " under STAN " not in one.what]


def innermost(error: BaseException) -> BaseException:
    """The first error inside all groups."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def lived(plan: Plan, *, tells: bool = False) -> tuple[World, list[str]]:
    """One life, and what was wrong with it."""
    with disks_folder() as folder:
        world = World(plan, folder, tells=tells)
        try:
            run_repeatably(plan.seed, world.run)
        except Exception as error:  # whatever it is, it is a finding
            world.fault(f"the network died: {innermost(error)!r}")
    return world, world.faults
