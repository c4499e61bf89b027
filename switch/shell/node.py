"""One switch at work: a core, its links, its journal, one timer.

A task a connection, never one a transaction. Each wake-up reads what is there, lets the core
decide it all, and writes once to every link that has something to say. It keeps out what is
decided (the core's) and how bytes travel (the links').
"""

from __future__ import annotations

import gc
import itertools
import sys
from collections import Counter, deque
from collections.abc import Hashable, Mapping
from enum import StrEnum
from functools import partial
from pathlib import Path
from random import SystemRandom
from typing import Final

import structlog
import trio

from protocols import compiled, pki
from protocols.errors import RemoteProtocolError
from protocols.network import Listener, NetworkError
from protocols.participant import Participant, Role, framing_of
from protocols.runtime import poll as polling
from protocols.runtime.dialer import dial_tcp, keep_dialled
from protocols.runtime.exits import ConfigurationError
from protocols.runtime.link import Link, SocketLink
from protocols.runtime.listener import Entrance, Guest, NotWelcomeError, PlainEntrance, TlsEntrance, serve
from protocols.runtime.log import LogBudget
from protocols.runtime.party import announce
from protocols.runtime.poll import Poll
from protocols.runtime.tls import Credentials, keep_current, tls_dial
from switch.certificates import keep_up
from switch.configuration import Configuration, configure
from switch.core import Core
from switch.ends import Side
from switch.home import SWITCH, certificate_folder
from switch.shell.archive import look_up
from switch.shell.clock import now, today
from switch.shell.counting import catch_up
from switch.shell.merchant_orders import restore_boarded
from switch.shell.notify import tell_supervisor
from switch.shell.orders import serve_orders
from switch.shell.snapshots import keep_snapshots, recovered
from switch.store.journal import Journal, open_journal
from switch.tally import Times, Traffic
from switch.totals import Totals
from switch.trail import Trail

#: Of the garbage collector: requests under way are none, and looking for some among them is a tenth of the work.
COLLECT_AFTER: Final = (50_000, 20, 100)
HANDOVER_S: Final = 5e-5  # the journal's thread gets the interpreter so soon; the usual 5 ms would be every commit's
MIB: Final = 1024 * 1024
SHARED_FROM: Final = 8  # records in a commit: fewer are of hardly more than one connection
LOOK_AT_DISK_S: Final = 0.25  # at 10 000 transactions a second that is some megabytes, out of a reserve of 64
TICK_S: Final = 0.02  # fifty a second: a deadline is met to within a fiftieth
READY_PATIENCE_S: Final = 3.0  # then we say that we are ready without the issuers that are not there
IN_FLIGHT_MAX: Final = 4096  # of one connection: beyond it we stop reading, and TCP makes the peer wait
IN_FLIGHT_ALL: Final = 8192  # of all together: a third of a second; who asks more waits with it at home, not here
ONE_READ: Final = 200  # requests that one read may bring, about: so many connections are read again at a time
UNREAD_MAX: Final = 128 * 1024  # bytes the system takes in for a gateway we do not read: more would be old when read
LATELY_MAX: Final = 100
LAST_WORDS_S: Final = 2.0  # for the last commit and the last answers, once the drain is over

Reads = list[tuple[int, list[bytes]]]  # what came on each connection

log = structlog.get_logger()


class Phase(StrEnum):
    """Of a node's life."""

    STARTING = "starting"  # the journal is read, doors are opened, issuers sign on
    READY = "ready"
    DRAINING = "draining"  # nothing new is taken


class Node:
    """The core and what carries out its wishes."""

    def __init__(self, core: Core, journal: Journal, credentials: Credentials | None = None) -> None:
        self.core = core
        self.journal = journal
        self._budget = LogBudget()
        self.credentials = credentials  # None: nothing of this network is TLS
        self.refusals: Counter[str] = Counter()  # of TLS, by reason
        self.phase = Phase.STARTING
        self.folder: Path | None = None  # of the journal, for whoever looks into the archive
        self.traffic = Traffic()
        self.commits = Times()  # of the journal, from a batch that is closed to one that is on disk
        self.trail = Trail()
        self.lately: deque[tuple[float, str, Mapping[str, object]]] = deque(maxlen=LATELY_MAX)  # as in the log
        self._links: dict[int, Link] = {}
        self._numbers = itertools.count(1)
        self._work_for_journal = trio.Event()
        self._work_for_archive = trio.Event()
        self._work_to_count = trio.Event()
        self._moved = trio.Event()
        self._poll: Poll | None = None  # there while it runs
        self._paused: dict[int, SocketLink] = {}  # connections with too much in flight
        self._asking: set[int] = set()  # connections of gateways
        self._read_too_much: dict[int, list[bytes]] = {}  # of paused ones: one read, for which there was no room
        self._reads: Reads = []  # of one wake-up

    async def attend_gateway(self, link: Link, participant: Participant, identifiable: tuple[str, ...]) -> None:
        """A connection that asks, from its first frame to the last answer it is owed."""
        if isinstance(link, SocketLink):
            link.bound_unread(UNREAD_MAX)
        number = self._join(link, Side.GATEWAY, participant, identifiable)
        self._asking.add(number)
        try:
            await self._listen(number, link)
            await self._last_answers(number, link)
        finally:
            self._leave(number, link)

    async def attend_peer(
        self, link: Link, side: Side, participant: Participant, identifiable: tuple[str, ...] = ()
    ) -> None:
        """A connection that answers: an issuer, whoever of us dialled, or the HSM."""
        number = self._join(link, side, participant, identifiable)
        try:
            await self._listen(number, link)
        finally:
            self._leave(number, link)

    async def keep_journal(self) -> None:
        """Commit batch after batch; what came while one was being written is the next.

        With a gap (`journal_gap_ms`) it waits after one that many shared: then the next is shared by more. Who is
        alone never waits.
        """
        gap_s = self.core.network.network.journal_gap_ms / 1000
        while True:
            batch = self.core.take_batch()
            if batch is None:
                self._work_for_journal = trio.Event()
                await self._work_for_journal.wait()
                continue
            began = now().elapsed
            await self.journal.append(batch.records)
            moment = now()
            self.commits.add(moment.elapsed - began)
            self.trail.add(batch.records)
            self.core.durable(batch.epoch, moment)
            self.act()
            if gap_s and len(batch.records) >= SHARED_FROM:
                await trio.sleep(gap_s)

    async def keep_archive(self, folder: Path) -> None:
        """Look for what is older than the memory, all that is sought at one time together."""
        while True:
            await self._work_for_archive.wait()
            self._work_for_archive = trio.Event()
            sought = self.core.take_sought()
            found = await look_up(folder, sought)
            for key in sought:
                self.core.found(key, found.get(key), now())
            self.act()

    async def keep_count(self, folder: Path) -> None:
        """Add up totals, all that are asked for at one time together."""
        totals = Totals()
        while True:
            await self._work_to_count.wait()
            self._work_to_count = trio.Event()
            asked = self.core.take_to_count()
            await catch_up(totals, folder)
            for count in asked:
                self.core.counted(count, totals.of(count.account), now())
            self.act()

    async def keep_room(self) -> None:
        """Ask the disk how much is left: below the reserve new requests are refused, until there is room again."""
        core = self.core
        reserve = core.network.network.journal_reserve_mib * MIB
        while True:
            free = self.journal.free_bytes()
            if core.is_short_of_room is not (free < reserve):
                core.is_short_of_room = free < reserve
                log.warning("journal.no_room" if core.is_short_of_room else "journal.room_again", free_bytes=free)
            await trio.sleep(LOOK_AT_DISK_S)

    async def keep_time(self) -> None:
        """One timer for everybody."""
        while True:
            await trio.sleep(TICK_S)
            self.core.tick(now())
            self.act()

    def act(self) -> None:
        """Carry out what the core wants: one write a link, then the journal, then the log."""
        core = self.core
        if self._paused and self._poll is not None:
            self._go_on(self._poll)
        for number, (frames, tokens) in core.take_sends().items():
            self.traffic.told[number] += len(frames)
            self._links[number].send(frames, tokens)
        for number, reason in core.take_closures():
            if (link := self._links.get(number)) is not None:
                link.abort(reason)
                self._tell("link.closed", (_host(link), reason), link=link.name, reason=reason)
        if core.has_records:
            self._work_for_journal.set()
        if core.seeks:
            self._work_for_archive.set()
        if core.counts_asked:
            self._work_to_count.set()
        for name, facts in core.take_events():
            self._tell(name, (name, facts.get("participant"), facts.get("slug")), **facts)
        self._moved.set()

    def _tell(self, name: str, key: Hashable, **facts: object) -> None:
        """One line of the log, within the budget of its key: a peer's flood of mistakes must not become ours."""
        moment = now()
        left_out = self._budget.spend(key, moment.elapsed)
        if left_out is None:
            return
        self.lately.append((moment.wall, name, facts))
        log.info(name, **facts, **({"left_out": left_out} if left_out else {}))

    @property
    def link_count(self) -> int:
        """Connections that are open."""
        return len(self._links)

    async def moved(self) -> None:
        """Wait until the core has done something."""
        if self._moved.is_set():
            self._moved = trio.Event()
        await self._moved.wait()

    def _join(self, link: Link, side: Side, participant: Participant, identifiable: tuple[str, ...]) -> int:
        number = next(self._numbers)
        self._links[number] = link
        self.core.opened(number, side, participant, now(), identifiable)
        self.act()
        return number

    def _leave(self, number: int, link: Link) -> None:
        """The link is done for: the core hears it, and hears of approvals that never left."""
        link.abort("the switch is done with it")
        del self._links[number]
        self._asking.discard(number)
        self._paused.pop(number, None)
        self._read_too_much.pop(number, None)
        moment = now()
        if (end := self.core.link(number)) is not None:
            self.traffic.closed(number, end.side, end.participant.id)
        self.core.closed(number, moment)
        self.core.undelivered(link.unsent(), moment)
        self.act()

    async def _listen(self, number: int, link: Link) -> None:
        try:
            if isinstance(link, SocketLink) and self._poll is not None:
                await self._poll.read(link, partial(self._take, number))
                return
            while frames := await link.receive():
                self.traffic.heard[number] += len(frames)
                self.core.received(number, frames, now())
                self.act()
                while self._has_enough(number) and not link.closed:
                    await self.moved()
        except RemoteProtocolError as error:
            self._tell("link.broken", (_host(link), error.reason), link=link.name, reason=error.reason)

    def _take(self, number: int, frames: list[bytes]) -> None:
        """What the poll read from one connection."""
        self.traffic.heard[number] += len(frames)
        self._reads.append((number, frames))

    def _awake(self) -> None:
        """The poll has read from all that had something. One with too much in flight is not read until answered."""
        if self._reads:
            reads, self._reads = self._reads, []
            self.core.received_all(self._with_room(reads), now())
            for number, _ in reads:
                if self._has_enough(number):
                    self._pause(number)
        self.act()

    def _with_room(self, reads: Reads) -> Reads:
        """The reads that there is room for: all of what answers, and of what asks as much as may be under way."""
        room = IN_FLIGHT_ALL - len(self.core.in_flight)
        if sum(len(frames) for _, frames in reads) <= room:
            return reads
        fitting: Reads = []
        for number, frames in reads:
            if number not in self._asking:
                fitting.append((number, frames))
            elif len(frames) <= room or room == IN_FLIGHT_ALL:
                fitting.append((number, frames))
                room -= len(frames)
            else:
                self._read_too_much[number] = frames
                self._pause(number)
        return fitting

    def _pause(self, number: int) -> None:
        link = self._links[number]
        assert isinstance(link, SocketLink)
        assert self._poll is not None
        self._poll.pause(link)
        self._paused[number] = link

    def _has_enough(self, number: int) -> bool:
        """Whether so many answers are owed, here or everywhere, that it is not read; who is owed none always is."""
        owed = self.core.outstanding(number)
        return owed >= IN_FLIGHT_MAX or (owed > 0 and len(self.core.in_flight) >= IN_FLIGHT_ALL)

    def _go_on(self, poll: Poll) -> None:
        """Read again what was answered meanwhile: who has waited longest first, as many as there is room for."""
        room = IN_FLIGHT_ALL - len(self.core.in_flight)
        reads: Reads = []
        for number in [one for one in self._paused if self.core.outstanding(one) < IN_FLIGHT_MAX]:
            frames = self._read_too_much.get(number, [])
            room -= len(frames) or ONE_READ
            if room < 0 and (reads or self.core.in_flight):
                break
            if frames:
                reads.append((number, self._read_too_much.pop(number)))
            poll.go_on(self._paused.pop(number))
        if reads:
            self.core.received_all(reads, now())

    async def keep_polling(self) -> None:
        """Read for all links that are plain sockets."""
        poll = Poll(self._awake)
        self._poll = poll
        try:
            await poll.run()
        finally:
            self._poll = None

    async def _last_answers(self, number: int, link: Link) -> None:
        """A peer that half-closed after its last request still hears the answer."""
        while self.core.outstanding(number) and not link.closed:
            await self.moved()
        with trio.move_on_after(LAST_WORDS_S):
            await link.aclose()


def _host(link: Link) -> str:
    """Whose link it is: a peer may come back from another port."""
    return link.name.rpartition(":")[0] or link.name


async def run_switch(directory: Path | None, state: Path, stop: trio.Event) -> int:
    """Run until told to stop; then drain: everything asked is answered or reversed."""
    try:
        configuration = configure(directory)
    except NetworkError as error:
        raise ConfigurationError("\n".join(error.problems)) from None
    restore_boarded(configuration, state / SWITCH)
    log.info("starting", build=compiled.build())
    sys.setswitchinterval(HANDOVER_S)
    gc.set_threshold(*COLLECT_AFTER)
    journal = await open_journal(state / SWITCH)
    try:
        core = Core(configuration, SystemRandom())
        node = Node(core, journal, own_credentials(configuration, directory, state))
        node.folder = state / SWITCH
        async with trio.open_nursery() as nursery:
            if (console := configuration.network.console) is not None:
                from switch.console.serve import serve_console  # a tenth of a second: for those that serve it

                await nursery.start(serve_console, node, state, console)
            snapshot_at = await recover(core, journal, state / SWITCH)
            gc.freeze()  # what was read stays
            if node.credentials is not None:
                nursery.start_soon(keep_current, node.credentials)
            if polling.is_possible():
                nursery.start_soon(node.keep_polling)
            nursery.start_soon(node.keep_journal)
            nursery.start_soon(node.keep_time)
            nursery.start_soon(node.keep_room)
            nursery.start_soon(node.keep_archive, state / SWITCH)
            nursery.start_soon(node.keep_count, state / SWITCH)
            reserve = configuration.network.journal_reserve_mib * MIB
            nursery.start_soon(keep_snapshots, journal, state / SWITCH, snapshot_at, reserve)
            nursery.start_soon(serve_orders, node, state / SWITCH)
            doors: list[trio.CancelScope] = []
            await open_doors(node, configuration, nursery, doors)
            nursery.start_soon(say_ready, node)
            await stop.wait()
            for door in doors:
                door.cancel()
            await drain(node, configuration)
            nursery.cancel_scope.cancel()
        if (batch := core.take_batch()) is not None:  # approvals that turned out undelivered when the links closed
            await journal.append(batch.records)
    finally:
        with trio.CancelScope(shield=True):
            await journal.aclose()
    return 0


def own_credentials(configuration: Configuration, directory: Path | None, state: Path) -> Credentials | None:
    """The switch's certificate; at the first start of a network everybody's are made."""
    if not configuration.uses_tls:
        return None
    folder = certificate_folder(state)
    if made := keep_up(folder, directory, today()):
        log.info("certificates made or renewed", names=made)
    return Credentials.of(pki.SWITCH, folder)


async def recover(core: Core, journal: Journal, folder: Path) -> int:
    """Take up what the journal in this folder says; undo what was sent and never answered. The batch of the snapshot
    that spared us most of the reading, or 0."""
    if journal.dropped is not None:
        log.warning("journal.torn_tail", offset=journal.dropped.offset, dropped_bytes=journal.dropped.length)
    recovery, snapshot_at = await recovered(journal, folder)
    moment = now()
    core.restore(recovery, moment)
    core.begin(moment)
    core.reverse_unanswered(recovery.open.values(), moment)
    if recovery.open or recovery.debts:
        log.info("recovered", reversed=len(recovery.open), owed=len(recovery.debts))
    return snapshot_at


async def open_doors(
    node: Node, configuration: Configuration, nursery: trio.Nursery, doors: list[trio.CancelScope]
) -> None:
    """Listen for gateways, dial the issuers and the HSM."""
    network = configuration.network
    for listener in network.listeners:
        await nursery.start(listen, node, configuration, listener, nursery, doors)
    for participant in configuration.participants.values():
        if participant.id in node.core.issuers:
            for turn, place in enumerate(participant.dialled * participant.links):
                address = network.address(place)
                nursery.start_soon(dial, node, participant, address, Side.ISSUER, f"{participant.id}-{turn + 1}")
    hsm = Participant(id="hsm", name="HSM", roles=frozenset(), institution_id="0")
    for turn, place in enumerate(network.hsms, 1):
        nursery.start_soon(dial, node, hsm, network.address(place), Side.HSM, f"hsm-{turn}")


async def listen(
    node: Node,
    configuration: Configuration,
    listener: Listener,
    nursery: trio.Nursery,
    doors: list[trio.CancelScope],
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """One port of the switch. Its connections outlive it, so that a drain can answer them."""
    host, port = configuration.network.address(listener.port)
    with trio.CancelScope() as door:
        doors.append(door)
        async with trio.open_nursery() as inner:
            bound = await inner.start(
                partial(serve, host, port, entrance(node, configuration, listener), nursery=nursery)
            )
            announce("listening", "switch", f"{host}:{bound}")
            task_status.started()


def entrance(node: Node, configuration: Configuration, listener: Listener) -> Entrance:
    """Who is at the other end: whom the certificate names, or whoever the port is for."""

    identifiable = (*listener.may_identify, *filter(None, (listener.participant,)))

    def guest(participant: Participant) -> Guest:
        framing = framing_of(participant)
        if listener.issuers:
            side = Side.ISSUER if listener.tls else Side.CALLER
            attend = partial(node.attend_peer, side=side, participant=participant, identifiable=identifiable)
        else:
            attend = partial(node.attend_gateway, participant=participant, identifiable=listener.may_identify)
        return framing, attend

    def named(name: str) -> Guest:
        participant = configuration.participants.get(name)
        if participant is None:
            raise NotWelcomeError("its certificate names nobody of this network")
        if listener.issuers:
            if not participant.has(Role.ISSUER):
                raise NotWelcomeError(f"its certificate names {name}, who issues no cards")
        elif not participant.has(Role.GATEWAY) and not participant.has(Role.ACQUIRER):
            raise NotWelcomeError(f"its certificate names {name}, who sends no requests")
        return guest(participant)

    if node.credentials is not None and listener.tls:
        return TlsEntrance(node.credentials, named, node.refusals)
    assert listener.participant is not None  # the file was read so
    return PlainEntrance(*guest(configuration.participants[listener.participant]))


async def dial(node: Node, participant: Participant, address: tuple[str, int], side: Side, name: str) -> None:
    """Keep one link to a peer, whenever it is there."""

    async def attend(link: Link) -> None:
        await node.attend_peer(link, side, participant)

    framing = framing_of(participant)
    secure = node.credentials if participant.tls else None
    connect = tls_dial(secure, participant.id) if secure is not None else dial_tcp
    await keep_dialled(address, framing, attend, name=name, random=SystemRandom(), dial=connect)


async def say_ready(node: Node) -> None:
    """Tell whoever started us: when every issuer is signed on, or when we will not wait longer for the rest."""
    with trio.move_on_after(READY_PATIENCE_S):
        while node.core.unreachable():
            await node.moved()
    if missing := node.core.unreachable():
        log.warning("ready without", issuers=missing)
    node.phase = Phase.READY
    tell_supervisor("READY=1")
    announce("ready", "switch", f"without {', '.join(missing)}" if missing else "")


async def drain(node: Node, configuration: Configuration) -> None:
    """Take nothing new, let what is in flight end, and give up on what does not."""
    core = node.core
    node.phase = Phase.DRAINING
    tell_supervisor("STOPPING=1")
    core.draining = True
    patience = max(participant.deadlines.issuer_s for participant in configuration.participants.values())
    with trio.move_on_after(patience):
        while not core.is_idle:
            await node.moved()
    core.give_up(now())
    core.sign_off(now())
    node.act()
    with trio.move_on_after(LAST_WORDS_S):
        while not core.is_idle:
            await node.moved()
