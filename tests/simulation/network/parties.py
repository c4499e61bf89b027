"""The parties as processes of the simulation: started as they are started in earnest, killed, started again from disk.

What is replaced is only what a simulation must own: sockets, dialling, the calendar, randomness, the journal's thread
and its file layer. Each replacement names what it replaces, and one whose name is gone fails loudly (`repeatable`).
"""

from __future__ import annotations

import argparse
import dataclasses
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import apsw
import msgpack
import structlog
import trio

import hsm_sim.server
import issuers.database
import issuers.process as issuer_process
import issuers.store
import protocols.runtime.hsm_client
import switch.shell.clock
import switch.shell.node as node
import switch.store.journal
import switch.store.pen
import switch.store.state
from hsm_sim.settings import load as load_hsm
from issuers.bank import Bank, load_bank
from issuers.database import Sqlite
from issuers.host import Host
from protocols import network as network_files
from protocols.participant import load_participants
from protocols.runtime import poll
from protocols.runtime.exits import fatal_in
from protocols.runtime.hsm_client import HsmClient
from switch import ends
from switch.configuration import Configuration, configure
from switch.records import read
from switch.shell import snapshots
from switch.store.journal import Journal
from switch.store.mark import Mark
from tests.simulation.network.disk import WAYS, Disk
from tests.simulation.network.repeatable import replaced

if TYPE_CHECKING:
    from tests.simulation.network.world import World

SWITCH, HSM, ISSUERS = "switch", "hsm", ("nbk", "nbd", "ebi", "sandbox")
TICK_S = 0.1  # of the switch: a fifth of its own, for a fifth of the work
SWEEP_S = 0.23  # of the banks' HSM clients, likewise
RESTART_S = 0.3

OWNER: ContextVar[str] = ContextVar("owner")  # whose process a task belongs to


@cache
def configured() -> Configuration:
    """The demonstration network without TLS ports and console: who is there is said on the laboratory port."""
    read = configure()
    plain = tuple(one for one in read.network.listeners if not one.tls)
    return dataclasses.replace(read, network=dataclasses.replace(read.network, listeners=plain, console=None))


bank_of = cache(load_bank)
agreements = cache(load_participants)
places = cache(network_files.load)
hsm_settings = cache(load_hsm)


class Process:
    """One party's process, life after life."""

    def __init__(self, world: World, name: str, main: Callable[[Process], Awaitable[object]], disk: Disk) -> None:
        self.world = world
        self.name = name
        self.disk = disk
        self.lives = 0
        self.is_up = False
        self.stop = trio.Event()
        self.down_until = 0.0
        self._main = main
        self._scope = trio.CancelScope()
        self._was_killed = False

    async def run(self) -> None:
        """Live, die, and be started again, for ever."""
        OWNER.set(self.name)
        while True:
            await trio.sleep_until(self.down_until)
            await self._live()
            self.down_until = max(self.down_until, trio.current_time() + RESTART_S)

    async def _live(self) -> None:
        self.lives += 1
        self.disk.power_on()
        self.stop, self._scope, self._was_killed, self.is_up = trio.Event(), trio.CancelScope(), False, True
        try:
            with self._scope:
                await self._main(self)
        except Exception as error:
            self._died_of(error)
        finally:
            self.is_up = False
            self.world.air.kill(self.name)
            self.disk.die()
            if self._was_killed:
                self.disk.lose(self.world.random.choice(WAYS))
            self.disk.power_off()

    def _died_of(self, error: Exception) -> None:
        fatal = fatal_in(error)
        if fatal is not None and self.disk.has_failed:
            self.world.tell(f"-- {self.name} ends: {fatal}")
            self._was_killed = True  # whatever was not synced when the disk failed is anybody's guess
        elif not self._was_killed:
            self.world.fault(f"{self.name} died: {type(error).__name__}: {fatal or error!r}")

    def kill(self, down_s: float) -> None:
        """Like a power cut."""
        if self.is_up:
            self.world.tell(f"-- {self.name} is killed")
            self._was_killed = True
            self.disk.die()
            self.world.air.kill(self.name)
            self.down_until = trio.current_time() + down_s
            self._scope.cancel()

    def end(self, down_s: float) -> None:
        """Like SIGTERM."""
        if self.is_up:
            self.world.tell(f"-- {self.name} is told to stop")
            self.down_until = trio.current_time() + down_s
            self.stop.set()


async def run_switch(process: Process) -> None:
    await node.run_switch(None, process.disk.folder, process.stop)


async def run_issuer(process: Process) -> None:
    bank = bank_of(None, process.name).model_copy(update={"banking": None})
    options = argparse.Namespace(network=None, state=process.disk.folder, dialect=None, tls=False, dial=None)
    await issuer_process.run_host(bank, options, process.stop)


async def run_hsm(process: Process) -> None:
    random = Random(process.world.random.randrange(1 << 30))
    server = hsm_sim.server.Server(hsm_settings(None), random.randbytes, draw=random.random)
    await server.run(hsm_sim.server.Wires("127.0.0.1", places(None).ports["hsm"]), process.stop)


# The journal in one thread


class _Empty(Exception):  # noqa: N818  nothing is wrong
    """The pen has written what there was."""


class Rows:
    """The queue to the pen's thread, which is no thread here: the pen writes when the disk has taken its time."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._waiting: list[Any] = []
        self.write: Callable[[], None] = lambda: None

    def put(self, values: Any) -> None:
        self._waiting.append(values)
        if values is None:
            self.turn()
        else:
            self._world.air.after(self._world.disk_of(SWITCH).commit_s(), self.turn)

    def get(self) -> Any:
        if not self._waiting:
            raise _Empty
        return self._waiting.pop(0)

    def turn(self) -> None:
        with suppress(_Empty):
            self.write()


class NoThread:
    """What the pen takes for its thread."""

    def __init__(self, target: Callable[[], None], **_: Any) -> None:
        target.__self__._rows.write = target  # type: ignore[attr-defined]

    def start(self) -> None:
        """It runs when there is something to write."""

    def join(self) -> None:
        """It has ended."""


class InlineConnection:
    """An apsw connection that pretends to have a thread of its own."""

    def __init__(self, raw: apsw.Connection) -> None:
        self._raw = raw
        self.set_busy_timeout = raw.set_busy_timeout

    async def async_run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return function(*(self._raw if one is self else one for one in arguments))

    async def pragma(self, name: str) -> Any:
        return self._raw.pragma(name)

    async def aclose(self, *, force: bool = False) -> None:
        self._raw.close(force)


async def _inline(function: Callable[..., Any], *arguments: Any, **_: Any) -> Any:
    return function(*arguments)


async def _forever(*_: Any, task_status: trio.TaskStatus[Any] = trio.TASK_STATUS_IGNORED, **__: Any) -> None:
    task_status.started(None)
    await trio.sleep_forever()


def _nothing(*_: object, **__: object) -> None:
    pass


UNTOLD = frozenset({"audit", "answered in all", "link down", "issuer.signed_on"})  # of no interest to a story


class Silent:
    """A log that goes into the transcript."""

    def __init__(self, world: World) -> None:
        self._world = world

    def __call__(self, _: Any, method: str, event: dict[str, Any]) -> str:
        if self._world.tells and event["event"] not in UNTOLD:
            error = event.pop("exc_info", None)
            facts = " ".join(f"{name}={value}" for name, value in event.items() if name != "event")
            self._world.tell(f"   log: {event['event']} {facts}{f' {error!r}' if error else ''}")
        raise structlog.DropEvent


@contextmanager
def staged(world: World) -> Iterator[None]:
    """Everything that the simulation owns, in place of the machine's."""
    seeds = Random(world.random.randrange(1 << 30))

    def generator(*_: object) -> Random:
        return Random(seeds.randrange(1 << 30))

    def wall() -> float:
        return world.wall()

    async def open_the_journal(folder: Path) -> Journal:
        with replaced_folder(world, folder):
            journal = await switch.store.journal.open_journal(
                folder, random=seeds.randbytes, vfs=world.disk_of(SWITCH).vfs
            )
        return watched(world, journal)

    async def snapshot_inline(what: str, folder: Path, number: int) -> int:
        if what == "take":
            await snapshots.take(folder, 0, world.plan.remembers)
        else:
            await snapshots.verify(folder, number)
        return 0

    async def connected(folder: Path, flags: int, vfs: str | None = None) -> InlineConnection:
        with switch.store.journal._damage(1):
            raw = apsw.Connection(
                str(folder / switch.store.journal.FILE),
                flags=flags | apsw.SQLITE_OPEN_NOFOLLOW,
                vfs=None if flags & apsw.SQLITE_OPEN_READONLY else world.disk_of(SWITCH).vfs,
            )
        raw.set_busy_timeout(switch.store.pen.BUSY_TIMEOUT_MS)
        return InlineConnection(raw)

    def bank_file(path: Path, flags: int) -> apsw.Connection:
        return apsw.Connection(str(path), flags=flags, vfs=world.disk_of(path.stem).vfs)

    def client(address: tuple[str, int], nursery: trio.Nursery, **_: Any) -> HsmClient:
        return HsmClient(address, nursery, random=generator(), dial=partial(world.air.dial, OWNER.get()))

    async def serve_of_bank(*arguments: Any, **named: Any) -> None:
        await world.air.server(OWNER.get())(*arguments, **named)

    def make_mark(kind: type[Mark], folder: Path, data_key: bytes) -> None:
        made(folder, data_key)
        world.disk_of(SWITCH).wrote("journal.mark", (folder / "journal.mark").read_bytes(), synced=True)

    def write_mark(mark: Mark, seq: int, chain: bytes) -> None:
        disk = world.disk_of(SWITCH)
        if world.processes[SWITCH].is_up and not disk.is_dead:
            write(mark, seq, chain)
            disk.wrote("journal.mark", mark._path.read_bytes())

    def host(bank: Bank, *arguments: Any, **named: Any) -> Host:
        made = Host(bank, *arguments, now=lambda: datetime.fromtimestamp(world.true_wall(), UTC), **named)
        world.hosts[bank.id] = made
        return made

    @contextmanager
    def committing(database: Sqlite) -> Iterator[None]:
        with transaction(database):
            yield
        world.disk_of(Path(database._connection.filename).stem).committed()

    made, write, transaction = Mark.make, Mark.write, Sqlite.transaction
    tokens = SimpleNamespace(token_bytes=seeds.randbytes)
    with ExitStack() as stack:
        own = stack.enter_context
        own(
            replaced(
                node, configure=lambda _: world.configuration, SystemRandom=generator, open_journal=open_the_journal
            )
        )
        own(replaced(node, serve=world.air.server(SWITCH), dial_tcp=partial(world.air.dial, SWITCH), announce=_nothing))
        own(replaced(node, serve_orders=world.take_orders, TICK_S=TICK_S, LOOK_AT_DISK_S=1.0))
        own(replaced(protocols.runtime.hsm_client, SWEEP_S=SWEEP_S))
        own(replaced(poll, is_possible=lambda: False))
        own(replaced(switch.shell.clock, time=SimpleNamespace(time=wall)))
        own(replaced(switch.store.journal, _connected=connected, CHECKPOINT_PAGES=world.plan.checkpoint_pages))
        own(replaced(switch.store.pen, Thread=NoThread, SimpleQueue=lambda: Rows(world)))
        threads = SimpleNamespace(run_sync=_inline)
        own(replaced(switch.store.pen, trio=SimpleNamespace(lowlevel=trio.lowlevel, to_thread=threads)))
        own(replaced(switch.store.state, secrets=tokens, free_bytes=lambda _: world.disk_of(SWITCH).free_bytes))
        own(replaced(Mark, make=classmethod(make_mark), write=write_mark))
        own(replaced(ends, STAN_LAST=world.plan.stans))
        own(replaced(node, recovered=partial(snapshots.recovered, bound=world.plan.remembers)))
        own(replaced(node, own_credentials=lambda *_: None))
        own(replaced(snapshots, EVERY_RECORDS=world.plan.snapshot_every, in_a_process=snapshot_inline))
        own(replaced(issuers.database, _connected=bank_file))
        own(replaced(Sqlite, transaction=committing))
        own(replaced(issuers.store, secrets=tokens))
        own(replaced(issuer_process, serve=serve_of_bank, HsmClient=client, Host=host, announce=_nothing))
        own(replaced(issuer_process, load_participants=agreements))
        own(replaced(issuer_process.admin, serve_admin=_forever))
        own(replaced(network_files, load=places))
        own(replaced(hsm_sim.server, listen=world.air.server(HSM)))
        structlog.configure(processors=[Silent(world)])
        try:
            yield
        finally:
            structlog.reset_defaults()


@contextmanager
def replaced_folder(world: World, folder: Path) -> Iterator[None]:
    """A folder made by the party itself belongs to its owner alone."""
    os.makedirs(folder, mode=0o700, exist_ok=True)
    folder.chmod(0o700)
    yield


def watched(world: World, journal: Journal) -> Journal:
    """The journal, with somebody who knows what is on disk."""
    append, replay = journal.append, journal.replay

    async def appended(records: Any) -> int:
        disk = world.disk_of(SWITCH)
        seq = await append(records)
        if not disk.is_dead:
            disk.committed()
            world.is_durable(seq, [read(msgpack.unpackb(one, strict_map_key=False)) for one in records])
        return seq

    async def replayed(after: int = 0) -> AsyncIterator[tuple[int, list[Any]]]:
        last = after
        async for seq, batch in replay(after):
            last = seq
            world.was_found([read(one) for one in batch])
            yield seq, batch
        world.recovered(last)

    journal.append, journal.replay = appended, replayed  # type: ignore[method-assign, assignment]
    return journal
