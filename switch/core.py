"""The switch without its clothes: frames, ticks and "this is on disk" in; frames and records out.

Deterministic. No clock, no socket, no task: moments, bytes and randomness come in as arguments,
and whoever calls carries out what lies ready afterwards. Any number of cores can live in one
process. What a transaction means is told in `stories`; here is only what all of them share:

- *Record, then send.* Whatever must not leave before its record is durable is held in the
  current epoch. `take_batch` closes the epoch; `durable` releases what it held.
- *Matching.* A request out to an issuer waits in that issuer's table under the STAN the switch
  gave it. One sweep over the oldest entries serves all deadlines.
- *Repeats.* A transaction is known by its key, in flight or remembered, and happens once.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, date, datetime
from itertools import repeat
from typing import NamedTuple

from protocols import codes, mti
from protocols import elements as de
from protocols.errors import FormatError
from protocols.fitting import fitting
from protocols.hsm import HsmAnswer
from protocols.message import Message
from protocols.participant import Participant, Role
from protocols.session import CARRIES_TRAFFIC, LinkState, Signal
from protocols.values import fault, is_anything, is_run, is_run_or_foreign
from switch import debts, records, replies
from switch.configuration import Configuration
from switch.ends import STAN_LAST, IssuerEnd, LinkEnd, Side
from switch.express import Express, Read
from switch.hsm_end import Asker, Errand, HsmEnd
from switch.instant import Instant
from switch.issuer_answer import makes_sense
from switch.key_changes import KeyChanges
from switch.macs import Macs
from switch.mandatory import is_complete, missing_element
from switch.memory import BURIED, REVERSED, TOLD, UNDELIVERED, Memory, Past
from switch.outbox import Batch, Outbox, Sends
from switch.records import Debt, Kind
from switch.recovery import Found, Recovery
from switch.request import FACTS, Request
from switch.saf import Entry, Randomness
from switch.stood_in import StoodIn
from switch.stories import FROM_ISSUERS, STORIES
from switch.stories.administrative import ADMINISTRATIVE, administrative
from switch.stories.network_management import management_code, network_management, too_often
from switch.story import Ask, AskHsm, AskSpent, Command, Recall, Silence, Total, Verdict, declined
from switch.tally import Tally
from switch.totals import Count, Figures
from switch.transaction import Told, Transaction

VERSION = "1"
REJECTS_A_MINUTE_MAX = 10  # a peer that we cannot read more often than this is not speaking our language
INTEGRITY = frozenset({"pan.differs", "mac.invalid"})  # not a slip of the pen: somebody may be trying something
UNDOABLE = frozenset({"0100", "0200"})  # what an advice or a reversal tells has happened, whether or not it was heard
KEPT_S = 24 * 3600.0  # an answer is repeated so long; after that its key is known as used, and no more
HALF_A_YEAR_S = 183 * 24 * 3600.0  # DE 7 has no year: a key that is this old belongs to another one
EVENTS_MAX = 1000  # the shell logs them each wake-up; a flood is counted, not kept


class Seeker(NamedTuple):
    """Who waits for the archive: a story, or a repeat that has not begun one."""

    transaction: Transaction | None
    link: int
    message: Message


class Event(NamedTuple):
    """Something rare that a person may want to read in a log. Never holds content of a message."""

    name: str
    facts: Mapping[str, object]


class Core:
    """One switch. Call an input, then carry out `take_sends`, `take_batch`, `take_closures`, `take_events`."""

    def __init__(self, network: Configuration, random: Randomness, memory: Memory | None = None) -> None:
        self.network = network
        self.counts: Counter[str] = Counter()
        self.tally = Tally()
        self.unasked: Counter[tuple[str, str]] = Counter()  # answers nobody waited for, by participant and kind
        self.memory = Memory() if memory is None else memory
        self.issuers = {
            participant.id: IssuerEnd(participant, random)
            for participant in network.participants.values()
            if participant.has(Role.ISSUER) or participant.has(Role.HOST)
        }
        self.last_number = 0
        self.draining = False
        self.is_short_of_room = False  # on the journal's disk: what is left is for reversals and answers owed
        self.stood_in = StoodIn()
        self._links: dict[int, LinkEnd] = {}
        self._hsm = HsmEnd()
        self.in_flight: dict[str, Transaction] = {}
        self.unsaid: dict[str, Transaction] = {}  # ended, and the answer is held back until it is on disk
        self.outbox = Outbox()
        self._sought: dict[str, list[Seeker]] = {}  # in the archive, by key
        self._unasked: list[tuple[str, int]] = []  # of these, those that nobody has gone to look for yet
        self._to_count: list[Count] = []
        self._closures: list[tuple[int, str]] = []
        self._events: deque[Event] = deque(maxlen=EVENTS_MAX)
        self._express = Express(self, self._one)
        self._macs = Macs(self)
        self.keys = KeyChanges(self)
        self._sealed: set[int] = set()  # connections on which messages are sealed
        self._clock = Instant(0.0, 0.0)  # at the last tick
        self._probed_at = 0.0
        self._wall = 0.0  # the calendar at the last tick

    # ---- Inputs: connections ----

    def opened(
        self, number: int, side: Side, participant: Participant, now: Instant, identifiable: tuple[str, ...] = ()
    ) -> None:
        """A connection is there. An issuer that we dialled is asked to sign on; the HSM needs no greeting."""
        self._wall = now.wall
        link = LinkEnd(number, side, participant, identifiable, self._today)
        link.heard_at = now.elapsed
        self._clock = now
        self._links[number] = link
        if link.sealed:
            self._sealed.add(number)
        if side is Side.ISSUER:
            self.manage(link, codes.SIGN_ON, now)
        elif side is Side.HSM:
            self._hsm.links.append(link)

    def closed(self, number: int, now: Instant) -> None:
        """A connection is gone. What was out on it is in doubt at once: nobody can answer there any more."""
        link = self._links.pop(number, None)
        if link is None:
            return
        self._sealed.discard(number)
        self.undelivered(self.outbox.drop(number), now)
        if link.side is Side.HSM:
            self._hsm.links.remove(link)
            for question in self._hsm.moved_from(number):
                self.send(*question)
            if not self._hsm.links:
                self._without_hsm(self._hsm.give_up(), now)
        elif link.side is Side.ISSUER:
            issuer = self.issuers[link.participant.id]
            if link in issuer.links:
                issuer.links.remove(link)
            issuer.saf.link_lost(now.elapsed)
            for transaction in [one for one in issuer.pending.values() if one.outlink == number]:
                del issuer.pending[transaction.stan or ""]
                self._resume(transaction, Silence.LOST, now)

    def received(self, number: int, frames: Iterable[bytes], now: Instant) -> None:
        """Whole frames came in on a connection, in this order."""
        self.received_all(((number, list(frames)),), now)

    def received_all(self, reads: Iterable[tuple[int, list[bytes]]], now: Instant) -> None:
        """Whole frames came in on several connections at one moment, on each in this order.

        What connections of one participant sent goes together: each of them keeps its order, and all are quicker.
        """
        together: dict[tuple[bool, str, str], list[Read]] = {}
        for number, frames in reads:
            link = self._links.get(number)
            if link is None:
                continue
            link.heard_at = now.elapsed
            link.probed = False
            asks = link.side is not Side.ISSUER
            if link.side is Side.HSM:
                self._from_hsm(frames, now)
            elif link.sealed or (asks and (not link.may_ask or self.draining or self.is_short_of_room)):
                for frame in frames:
                    self._one(link, frame, now)
            else:
                whose = link.participant.id if asks else str(number)
                together.setdefault((asks, whose, link.dialect.name), []).append((link, frames))
        for (asks, *_), theirs in together.items():
            if asks:
                self._express.requests(theirs, now)
            else:
                self._express.answers(*theirs[0], now)

    def undelivered(self, tokens: Iterable[object], now: Instant) -> None:
        """Approvals of which not one whole frame left: nobody heard them, so they are undone."""
        for token in tokens:
            if isinstance(token, Transaction):
                token.listeners -= 1
                if token.listeners == 0:
                    self._undo_unheard(token, now)

    # ---- Inputs: time and disk ----

    def contracts_changed(self) -> None:
        """Merchants came, changed or went: the next request is judged anew, whatever was seen of its kind."""
        self._express.forget()

    def tick(self, now: Instant) -> None:
        """Look at every deadline that may have passed. Meant for fifty calls a second."""
        self._wall, self._clock = now.wall, now
        for issuer in self.issuers.values():
            self._sweep(issuer, now)
            issuer.saf.silent(now.elapsed)
            for entry in issuer.saf.alarms(now.elapsed):
                self.note("saf.alarm", participant=issuer.participant.id, mti=entry.debt.mti, tries=entry.tries)
            self._send_owed(issuer, now)
        if silent := self._hsm.late(now.elapsed):
            self.note("hsm.silent", commands=len(silent))
            self._closures += [(number, "the HSM does not answer") for number in self._hsm.take_silent()]
            self._without_hsm(silent, now)
        if now.elapsed - self._probed_at >= 1.0:
            self._probed_at = now.elapsed
            self._probe_idle_links(now)
            if self.keys.waits:
                self.keys.tick(now)

    def durable(self, epoch: int, now: Instant) -> None:
        """The batch of this epoch is on disk: what it held may go."""
        links, unsaid, sealed = self._links, self.unsaid, self._sealed
        sends = self.outbox.sends
        for number, frames, tokens in self.outbox.durable(epoch):
            link = links.get(number)
            if link is None:
                self.undelivered(tokens or (), now)
            elif number in sealed:
                for frame, token in zip(frames, tokens or repeat(None), strict=False):
                    self.send(number, frame, token)
            else:  # as `send` does it, for all of them at once
                if tokens is not None:
                    link.outstanding -= len(tokens)
                    for token in tokens:
                        unsaid.pop(token.key, None)
                try:
                    going, theirs = sends[number]
                except KeyError:
                    going, theirs = sends[number] = Sends([], [])
                going += frames
                theirs += tokens or [None] * len(frames)

    # ---- Outputs ----

    def take_batch(self) -> Batch | None:
        """Close the epoch: its records, to be committed together. One batch at a time; None: nothing to commit."""
        return self.outbox.take_batch()

    def take_sends(self) -> dict[int, Sends]:
        """What may leave now, by connection: one write each."""
        return self.outbox.take_sends()

    @property
    def seeks(self) -> bool:
        """Whether somebody must look into the archive."""
        return bool(self._unasked) and self.outbox.is_on_disk(self._unasked[0][1])

    def take_sought(self) -> list[str]:
        """Keys to look for in the archive; each is answered by one `found`."""
        sought = [key for key, epoch in self._unasked if self.outbox.is_on_disk(epoch)]
        del self._unasked[: len(sought)]  # they are in the order of their epochs
        return sought

    @property
    def counts_asked(self) -> bool:
        """Whether somebody must add up totals."""
        return bool(self._to_count)

    def take_to_count(self) -> list[Count]:
        """Totals that are asked for; each is answered by one `counted`."""
        asked, self._to_count = self._to_count, []
        return asked

    def counted(self, count: Count, figures: Figures, now: Instant) -> None:
        """The totals that a reconciliation waits for."""
        self._resume(count.transaction, figures, now)

    def take_closures(self) -> list[tuple[int, str]]:
        """Connections to close, and why."""
        closures, self._closures = self._closures, []
        return closures

    def take_events(self) -> list[Event]:
        """What happened that a log should tell."""
        events = list(self._events)
        self._events.clear()
        return events

    @property
    def has_records(self) -> bool:
        """Whether a batch could be taken, once none is being committed."""
        return self.outbox.has_records

    def outstanding(self, number: int) -> int:
        """How many answers a connection is still owed."""
        link = self._links.get(number)
        return 0 if link is None else link.outstanding

    @property
    def is_idle(self) -> bool:
        """Nothing in flight, nothing to commit, nothing to send."""
        return not self.in_flight and not self._sought and self.outbox.is_empty and self._hsm.is_idle

    @property
    def links(self) -> Collection[LinkEnd]:
        """The connections that are open."""
        return self._links.values()

    def link(self, number: int) -> LinkEnd | None:
        """The connection of this number, if it is open."""
        return self._links.get(number)

    @property
    def hsm(self) -> HsmEnd:
        """The HSM's end, to look at."""
        return self._hsm

    def unreachable(self) -> list[str]:
        """The issuers that nobody is signed on for."""
        return [name for name, issuer in self.issuers.items() if not issuer.links]

    # ---- Starting and stopping ----

    def begin(self, now: Instant) -> None:
        """The first record of a run."""
        self.outbox.record(records.Started(Kind.STARTED, self.last_number, now.wall, VERSION))

    def restore(self, recovery: Recovery, now: Instant) -> None:
        """Take up what the journal says was in our head, before anything else comes in."""
        self.memory = recovery.memory
        self.stood_in = recovery.stood_in
        self.last_number = recovery.last_number
        for key in recovery.keys:
            self.keys.restore(key)
        for issuer, stan in recovery.last_stans.items():
            if issuer in self.issuers:
                self.issuers[issuer].last_stan = stan
                self.issuers[issuer].used(recovery.used[issuer])
        for debt in recovery.debts.values():
            if debt.issuer in self.issuers:
                self.issuers[debt.issuer].saf.add(debt, now.elapsed)
                if debt.number in recovery.parked:
                    self.issuers[debt.issuer].saf.park(debt.stan)
            else:
                self.note("debt.without_issuer", issuer=debt.issuer, number=debt.number)

    def reverse_unanswered(self, sent: Iterable[records.Sent], now: Instant) -> None:
        """After a restart: what had been sent and not answered is undone, never sent again."""
        for record in sent:
            if record.issuer not in self.issuers:
                self.note("request.without_issuer", issuer=record.issuer, number=record.number)
                continue
            packed = records.pack(record)
            self.memory.keep(record.key, packed, None)
            self.memory.mark(record.key, UNDELIVERED)
            self._owe_reversal(Past(record.key, packed, None), "reversal.restart", now)

    def sign_off(self, now: Instant) -> None:
        """Say good-bye to the issuers."""
        for issuer in self.issuers.values():
            for link in issuer.links:
                self.manage(link, codes.SIGN_OFF, now)

    def give_up(self, now: Instant) -> None:
        """The time to stop has come: whoever still waits is told so, and what was sent is undone."""
        for issuer in self.issuers.values():
            waiting, issuer.pending = issuer.pending, {}
            for transaction in waiting.values():
                self._resume(transaction, Silence.LOST, now)
        self._without_hsm(self._hsm.give_up(), now)

    # ---- Dispatch ----

    def _one(self, link: LinkEnd, frame: bytes, now: Instant) -> None:
        """One frame, the long way."""
        try:
            message = link.dialect.decode(frame)
        except FormatError as error:
            self._unreadable(link, error, len(frame), now)
        else:
            if link.sealed:
                self._macs.check(link, message, now)
            else:
                self.dispatch(link, message, now)

    def dispatch(self, link: LinkEnd, message: Message, now: Instant) -> None:
        """A message that reads, whose seal was looked at where it needs one."""
        kind = message.mti
        if kind[1] == mti.NETWORK_MANAGEMENT and mti.is_known(kind):
            self._network_management(link, message, now)
        elif mti.is_answer(kind):
            if kind[1] == mti.ADMINISTRATIVE:
                self.counts["administrative.acknowledged"] += 1
            elif link.side is Side.ISSUER:
                self._match(link, message, now)
            else:
                self.unasked[link.participant.id, "unasked"] += 1
                self.note("answer.unasked", link=link.number, participant=link.participant.id, mti=kind)
        elif kind in ADMINISTRATIVE:
            facts, answer = administrative(message)
            self.note("administrative.received", participant=link.participant.id, mti=kind, **facts)
            self.send(link.number, answer)
        elif not mti.is_known(kind) or mti.first_of(kind) not in (
            STORIES if link.side is Side.GATEWAY else FROM_ISSUERS
        ):
            self.send(link.number, replies.unknown_type(link.dialect, message, now))
        else:
            self._begin(link, message, now)

    def _unreadable(self, link: LinkEnd, error: FormatError, length: int, now: Instant) -> None:
        """A frame that framed and did not read: say which element, where it can be said. Never what was in it."""
        where = {"slug": error.slug, "offset": error.offset, "length": length}
        self.note("message.unreadable", link=link.number, participant=link.participant.id, **where)
        if error.mti is not None and mti.is_answer(error.mti):
            return
        self.tally.refused[error.slug] += 1
        answer = replies.format_refusal(link.dialect, error)
        if answer is not None:
            self.send(link.number, answer)
            return
        self.send(link.number, replies.administrative(link.dialect, error.slug, now, header=error.header))
        link.rejects = [at for at in link.rejects if now.elapsed - at < 60.0] + [now.elapsed]
        if len(link.rejects) > REJECTS_A_MINUTE_MAX:
            self._closures.append((link.number, "too many messages that cannot be read"))

    def _refuse(self, link: LinkEnd, message: Message, slug: str) -> None:
        """An answer at once: nothing happened, so nothing is recorded."""
        self.tally.refused[slug] += 1
        self.send(link.number, replies.refusal(message, slug))

    def _unfit(self, link: LinkEnd, message: Message, error: FormatError, now: Instant) -> None:
        """A message that read, with something in it that cannot be; what came before it comes before the answer."""
        error.header = message.header
        self._unreadable(link, error, len(message.frame), now)

    # ---- Requests ----

    def _begin(self, link: LinkEnd, message: Message, now: Instant, *, sought: bool = False) -> None:
        """A request that reads: refuse it, answer it again, let it wait for its first, or begin its story."""
        kind = mti.first_of(message.mti)
        facts = message.pick(FACTS)
        if not is_complete(kind, facts) and (missing := missing_element(kind, message)) is not None:
            absent = FormatError.missing(missing, mti=message.mti, readable=dict(message.items()))
            self._unfit(link, message, absent, now)
            return
        private_data = is_run_or_foreign if link.participant.laboratory else is_run
        if (broken := fault(message, now.wall, private_data)) is not None:
            self._unfit(link, message, broken, now)
            return
        if not link.may_ask or self.draining:
            slug = "switch.stopping" if self.draining else "link.not_signed_on"
            self._refuse(link, message, slug)
            return
        request = Request(
            message, facts, kind, link.participant, self.network.merchants, now.wall, by_local_time=link.by_local_time
        )
        key = request.key
        if (first := self.in_flight.get(key)) is not None:
            self._join(first, link, message)
        elif key in self.memory and not self._of_another_year(key, now):
            self._again(link, message, key, now)
        elif not sought and self.memory.has_forgotten and self.memory.may_have_forgotten(key):
            self._seek(key, Seeker(None, link.number, message))
        elif self.memory.is_buried(key):
            self._start(link, key, request, now, declined("reversed.first"))
        elif self.is_short_of_room and kind[1] in (mti.AUTHORIZATION, mti.FINANCIAL):
            self.counts["refused.no_room"] += 1
            self._refuse(link, message, "switch.error")  # without effect, so without a record
        else:
            self._start(link, key, request, now)

    def _start(self, link: LinkEnd, key: str, request: Request, now: Instant, verdict: Verdict | None = None) -> None:
        self.last_number += 1
        link.outstanding += 1
        transaction = Told(self.last_number, key, request, link.number)
        self.in_flight[key] = transaction
        if verdict is not None:
            self._conclude(transaction, verdict, now)
            return
        told = STORIES[request.mti](request, self.network)
        if isinstance(told, Verdict):
            self._conclude(transaction, told, now)
        else:
            transaction.story = told
            self._resume(transaction, None, now)

    def _join(self, first: Transaction, link: LinkEnd, message: Message) -> None:
        """The first is still in flight: the repeat waits for the same answer, and the issuer sees one request."""
        if replies.same_request(first.request.message, message):
            first.waiting.append((link.number, message))
            link.outstanding += 1
            self.counts["repeat.joined"] += 1
        else:
            self._refuse(link, message, "duplicate.differs")
            self.note("duplicate.differs", participant=link.participant.id)

    def _of_another_year(self, key: str, now: Instant) -> bool:
        """Whether what is remembered under this key is not the same DE 7, but that of a year ago."""
        past = self.memory.recall(key)
        return past is not None and past.at < now.wall - HALF_A_YEAR_S

    def _is_old(self, past: Past, now: Instant) -> bool:
        """Whether a request's answer is no longer kept: a day has passed, and nothing is owed because of it."""
        if past.at >= now.wall - KEPT_S or mti.is_advice(past.mti):
            return False
        owed = past.answered.debts if past.answered else ()
        return not any(debt.stan in self.issuers[debt.issuer].saf for debt in owed if debt.issuer in self.issuers)

    def _again(self, link: LinkEnd, message: Message, key: str, now: Instant) -> None:
        """The first was answered: the repeat gets the same answer, for the same question only."""
        past = self.memory.recall(key)
        assert past is not None
        if self._is_old(past, now):
            self._refuse(link, message, "duplicate.old")
            self.note("duplicate.old", participant=link.participant.id)
            return
        if not replies.same_request(past.message, message):
            self._refuse(link, message, "duplicate.differs")
            self.note("duplicate.differs", participant=link.participant.id)
            return
        self.counts["repeat.answered"] += 1
        if past.reversed_by == UNDELIVERED or past.answered is None:
            self.hold(link.number, replies.refusal(message, "reversed.undelivered"), None)
        else:
            unsaid = self.unsaid.get(key)
            if unsaid is None:
                self.memory.mark(key, past.reversed_by or TOLD)
            else:
                unsaid.listeners += 1
                link.outstanding += 1
            self.hold(link.number, replies.first_answer(message, past.answered), unsaid)

    # ---- Stories ----

    def _resume(self, transaction: Transaction, reply: object, now: Instant) -> None:
        """Tell the story on, until it waits or ends."""
        while True:
            try:
                command = transaction.story.send(reply)
            except StopIteration as end:
                self._conclude(transaction, end.value, now)
                return
            except Exception as error:
                self._last_resort(transaction, error, now)
                return
            try:
                waits, reply = self._obey(transaction, command, now)
            except Exception as error:
                self._last_resort(transaction, error, now)
                return
            if waits:
                return

    def _last_resort(self, transaction: Transaction, error: Exception, now: Instant) -> None:
        """A mistake of ours: never fail open, and undo what may have happened at the issuer."""
        self.note("story.failed", error=type(error).__name__, mti=transaction.request.mti)
        debt = debts.REVERSAL if transaction.sent is not None else None
        self._conclude(transaction, declined("switch.error", debt), now)

    def _obey(self, transaction: Transaction, command: Command, now: Instant) -> tuple[bool, object]:
        """Do what a story asks for; (True, _) when it must wait, else the reply."""
        if isinstance(command, Ask):
            return self._ask_issuer(transaction, command, now)
        if isinstance(command, AskHsm):
            return self._ask_hsm(transaction, command, now)
        if isinstance(command, AskSpent):
            return False, self.stood_in.today(transaction.request.card_number, now.wall)
        if isinstance(command, Total):
            self._to_count.append(Count(transaction, self._links.get(transaction.link), command))
            return True, None
        assert isinstance(command, Recall)
        if command.key in self.in_flight and not command.takes_back:
            return False, None
        past = self._recall(command.key, now)
        if past is None and self.memory.has_forgotten and self.memory.may_have_forgotten(command.key):
            self._seek(command.key, Seeker(transaction, transaction.link, transaction.request.message))
            return True, None
        return False, past

    # ---- The archive ----

    def _seek(self, key: str, seeker: Seeker) -> None:
        """It may be older than the memory: have somebody look, and go on when the answer is there."""
        if key not in self._sought:
            self._unasked.append((key, self.outbox.epoch))  # what is not on disk yet, the archive does not know
        self._sought.setdefault(key, []).append(seeker)

    def found(self, key: str, found: Found | None, now: Instant) -> None:
        """What the archive knows of a key that was sought; None: nothing, it was never seen."""
        if found is not None and found.mark == BURIED:
            self.memory.bury(key)
        elif found is not None and key not in self.memory and key not in self.in_flight:
            self.memory.keep(key, found.sent, found.answered)
            if found.mark is not None:
                self.memory.mark(key, found.mark)
        for transaction, number, message in self._sought.pop(key, ()):
            link = self._links.get(number)
            if transaction is not None:
                self._resume(transaction, self._recall(key, now), now)
            elif link is not None:
                self._begin(link, message, now, sought=True)

    def _ask_issuer(self, transaction: Transaction, ask: Ask, now: Instant) -> tuple[bool, object]:
        """Record and send the request under a STAN of our own."""
        request = transaction.request
        name = ask.to or (request.issued.issuer if request.issued is not None else "")
        issuer = self.issuers[name]
        stan = issuer.take_stan(request.message.transmitted_at or "")
        if stan is None:
            return False, Silence.EXHAUSTED
        changes = ask.changes
        changes[de.STAN] = stan
        if isinstance(transaction, Told) and de.RRN not in request.message:
            transaction.rrn = changes[de.RRN] = now.rrn(transaction.number)
        transaction.issuer, transaction.stan = name, stan
        transaction.kept_frame = replies.kept(request.message, changes)
        link = issuer.next_link()
        if link is None:
            return False, Silence.DOWN
        frame = request.message.translated(link.dialect, changes, request.mti)
        transaction.sent = self.outbox.record(
            records.Sent(
                Kind.SENT,
                transaction.number,
                now.wall,
                transaction.key,
                request.participant.id,
                request.mti,
                name,
                stan,
                transaction.kept_frame,
                request.message.dialect.name,
            )
        )
        transaction.outlink = link.number
        transaction.deadline = now.elapsed + issuer.patience_s
        issuer.pending[stan] = transaction
        self.outbox.hold(link.number, frame)
        return True, None

    def _ask_hsm(self, transaction: Transaction, ask: AskHsm, now: Instant) -> tuple[bool, object]:
        """Send a command; the four characters of the header bring its answer back to us."""
        deadline = now.elapsed + transaction.request.participant.deadlines.hsm_s
        question = self._hsm.ask(transaction, ask, deadline)
        if question is None:
            return False, None
        self.send(*question)
        return True, None

    # ---- Seals: what `macs` asks of us ----

    def ask_hsm(self, errand: Errand, ask: AskHsm, participant: Participant, now: Instant) -> bool:
        """Send a command that is no story's; False where nobody is there."""
        question = self._hsm.ask(errand, ask, now.elapsed + participant.deadlines.hsm_s)
        if question is None:
            return False
        self.send(*question)
        return True

    def is_open(self, link: LinkEnd) -> bool:
        """Whether the connection is still there."""
        return self._links.get(link.number) is link

    def distrust(self, link: LinkEnd, answer: Message, why: Silence, now: Instant) -> None:
        """An answer that cannot be believed: the request that it is to is in doubt at once."""
        transaction = self.issuers[link.participant.id].pending.get(answer.get(de.STAN) or "")
        if transaction is not None and answer.mti == mti.answer_to(transaction.request.mti):
            del self.issuers[link.participant.id].pending[transaction.stan or ""]
            self._resume(transaction, why, now)

    def not_sent(self, link: LinkEnd, stan: str | None, now: Instant) -> None:
        """A request that could not be sealed never left."""
        transaction = self.issuers[link.participant.id].pending.pop(stan or "", None)
        if transaction is not None:
            self._resume(transaction, Silence.UNSEALED, now)

    def _recall(self, key: str, now: Instant) -> Past | None:
        """An earlier transaction. One still in flight is ended first: its answer will be that it was reversed."""
        first = self.in_flight.get(key)
        if first is not None:
            self._end_early(first, now)
        return self.memory.recall(key)

    def _end_early(self, transaction: Transaction, now: Instant) -> None:
        """Its own gateway takes it back before it was answered: whatever the issuer says now comes too late."""
        if transaction.issuer is not None and transaction.stan is not None:
            self.issuers[transaction.issuer].pending.pop(transaction.stan, None)
        self._hsm.forget(transaction)
        for seekers in self._sought.values():
            seekers[:] = [one for one in seekers if one.transaction is not transaction]
        transaction.story.close()
        debt = debts.REVERSAL if transaction.sent is not None else None
        self._conclude(transaction, declined("reversed.first", debt), now)

    # ---- Answers ----

    def _match(self, link: LinkEnd, answer: Message, now: Instant) -> None:
        """An issuer's answer: to a request in flight, to something owed, or to nothing."""
        issuer = self.issuers[link.participant.id]
        stan = answer.get(de.STAN) or ""
        transaction = issuer.pending.get(stan)
        if transaction is not None:
            message = transaction.request.message
            matched = link.participant.match
            if answer.mti == mti.answer_to(transaction.request.mti) and replies.agrees(message, answer, matched):
                del issuer.pending[stan]
                sense = makes_sense(transaction.request, answer)
                if sense:
                    self.answered_in_time(link, transaction, now)
                else:
                    self.note("answer.senseless", participant=link.participant.id, stan=stan)
                self._resume(transaction, answer if sense else Silence.LOST, now)
                return
        else:
            entry = issuer.saf.entry(stan)
            if entry is not None and answer.mti == mti.answer_to(entry.debt.mti):
                self._settle(issuer, entry, answer.get(de.RESPONSE_CODE) or "", now)
                return
        if transaction is None and self._is_late(issuer, answer):
            return
        asked = transaction.request.message if transaction is not None else None
        self.unasked[link.participant.id, _unasked(issuer, transaction, answer)] += 1
        self.note("answer.unmatched", participant=link.participant.id, **replies.both_keys(asked, answer))

    def answered_in_time(self, link: LinkEnd, transaction: Transaction, now: Instant, times: int = 1) -> None:
        """A link is judged by how long its answers take. `times`: of how many this one speaks."""
        issuer = self.issuers[link.participant.id]
        closed = link.circuit.closed
        took_s = now.elapsed - (transaction.deadline - issuer.patience_s)
        issuer.times.add(took_s, times)
        link.circuit.answered(took_s, now.elapsed)
        if link.circuit.closed is not closed:
            self._circuit_turned(issuer, link, now)

    def _not_answered(self, issuer: IssuerEnd, transaction: Transaction, now: Instant) -> None:
        """So is a link that does not answer."""
        link = self._links.get(transaction.outlink or 0)
        if link is not None:
            closed = link.circuit.closed
            link.circuit.failed(now.elapsed)
            if link.circuit.closed is not closed:
                self._circuit_turned(issuer, link, now)

    def _circuit_turned(self, issuer: IssuerEnd, link: LinkEnd, now: Instant) -> None:
        state = link.circuit.state.value
        self.note("circuit.turned", participant=issuer.participant.id, link=link.number, state=state)
        if link.circuit.closed:
            issuer.saf.hurry(now.elapsed)
            self._send_owed(issuer, now)

    def _is_late(self, issuer: IssuerEnd, answer: Message) -> bool:
        """Whether an answer is to a request that nobody waits for any more: counted as late, it changes nothing."""
        overdue = issuer.overdue.get(answer.get(de.STAN) or "")
        if overdue is None or answer.mti != mti.answer_to(overdue.mti):
            return False
        del issuer.overdue[answer.get(de.STAN) or ""]
        approved = codes.is_approval(answer.get(de.RESPONSE_CODE) or "")
        self.unasked[issuer.participant.id, "late"] += 1
        self.note("answer.late", participant=issuer.participant.id, approved=approved)
        if overdue.stood_in and not approved:
            self.note("stand_in.disputed", participant=issuer.participant.id, response_code=answer.response_code)
        return True

    def _conclude(self, transaction: Transaction, verdict: Verdict, now: Instant) -> None:
        """The end of a story: record the answer and what it owes, remember it, hold the answer until it is durable."""
        request = transaction.request
        del self.in_flight[transaction.key]
        self.counts[f"answer.{verdict.response_code}"] += 1
        self.tally.add(request.participant.id, transaction.issuer, request.mti, verdict.response_code, verdict.reason)
        if verdict.reason in INTEGRITY:
            self.note(verdict.reason, participant=request.participant.id, mti=request.mti)
        if verdict.trouble is not None:
            self.note("advice.contradicts", slug=verdict.trouble, participant=request.participant.id, mti=request.mti)
        if verdict.stand_in:
            verdict.approval_code = f"{transaction.number % 1_000_000:06d}"
            billed = (verdict.elements or {}).get(de.BILLING_AMOUNT)
            self.stood_in.add(request.card_number, now.wall, int(billed or request.amount))
        owed = self._debts_of(transaction, verdict, now)
        if transaction.sent is not None and owed and owed[0].transaction == transaction.number:
            self.issuers[owed[0].issuer].give_up_on(transaction, stood_in=verdict.stand_in)
        record = records.Answered(
            Kind.ANSWERED,
            transaction.number,
            now.wall,
            transaction.key,
            request.participant.id,
            request.mti,
            transaction.issuer,
            transaction.stan,
            self._kept(transaction, verdict),
            request.message.dialect.name,
            verdict.response_code,
            verdict.reason,
            verdict.approval_code,
            transaction.rrn,
            verdict.elements or {},
            verdict.stand_in,
            verdict.reverses.number if verdict.reverses else None,
            verdict.reverses.key if verdict.reverses else None,
            verdict.left,
            verdict.tombstone,
            owed,
        )
        packed = self.outbox.record(record)
        self.memory.keep(transaction.key, transaction.sent, packed)
        for debt in owed:
            self._send_owed(self.issuers[debt.issuer], now)
        if verdict.reverses is not None and verdict.left is None:
            self.memory.mark(verdict.reverses.key, REVERSED)
            for increase in verdict.reverses.increases:  # with what they raised they are one
                self._owe_reversal(increase, debts.WITH_ITS_ORIGINAL, now)
                self.memory.mark(increase.key, REVERSED)
        self.memory.follow(record)
        if verdict.tombstone is not None:
            self.memory.bury(verdict.tombstone)
        transaction.listeners = 1 + len(transaction.waiting)
        self.unsaid[transaction.key] = transaction
        self.hold(transaction.link, replies.first_answer(request.message, record), transaction)
        for number, message in transaction.waiting:
            self.hold(number, replies.first_answer(message, record), transaction)

    # ---- Debts ----

    def _debts_of(self, transaction: Transaction, verdict: Verdict, now: Instant) -> list[Debt]:
        """What the verdict owes the issuer, as messages with a STAN each; owed from this moment."""
        values = debts.values(transaction, verdict, now)
        if values is None:
            return []
        issuer = debts.creditor(transaction, verdict)
        earlier = verdict.reverses or verdict.about
        undone = earlier.number if earlier else transaction.number
        debt = self._owe(issuer, undone, values, now)
        # An advice that came in: the issuer knows it so. One about an earlier transaction is part of that.
        if verdict.debt is debts.ADVICE and transaction.stan is None and earlier is None:
            transaction.issuer, transaction.stan = issuer, debt.stan
        return [debt]

    def _kept(self, transaction: Transaction, verdict: Verdict) -> bytes | None:
        """What an Answered record keeps of the request; nothing where its Sent record has it."""
        if transaction.sent is not None:
            return None
        return transaction.kept_frame or replies.kept(transaction.request.message, verdict.elements or {})

    def _owe(self, issuer: str, transaction: int, values: debts.Owing, now: Instant) -> Debt:
        """A debt under a STAN of its own, which it keeps however often it is sent."""
        end = self.issuers[issuer]
        stan = end.take_stan(values.elements.get(de.TRANSMITTED_AT) or "")
        assert stan is not None, "a million debts to one issuer"
        self.last_number += 1
        debt = Debt(self.last_number, transaction, issuer, values.mti, stan, {**values.elements, de.STAN: stan})
        end.saf.add(debt, now.elapsed)
        return debt

    def _owe_reversal(self, past: Past, why: str, now: Instant) -> None:
        """Undo a transaction that was answered already, or never will be."""
        debt = self._owe(debts.issuer_of(past), past.number, debts.reversal_of(past, why, now), now)
        self.outbox.record(records.Owed(Kind.OWED, past.number, now.wall, past.key, why, [debt]))
        self._send_owed(self.issuers[debt.issuer], now)

    def _undo_unheard(self, transaction: Transaction, now: Instant) -> None:
        self.unsaid.pop(transaction.key, None)
        past = self.memory.recall(transaction.key)
        if past is None or past.was_told or past.reversed_by or not past.was_sent or past.declined:
            return
        if transaction.request.mti not in UNDOABLE:
            return
        self.memory.mark(past.key, UNDELIVERED)
        self.counts["approval.undelivered"] += 1
        self._owe_reversal(past, "reversal.undelivered", now)

    def _send_owed(self, issuer: IssuerEnd, now: Instant) -> None:
        """Send what is due, once its record is durable."""
        if not issuer.links:
            return
        for entry in issuer.saf.due(now.elapsed):
            link = issuer.any_link()
            assert link is not None
            self.hold(link.number, fitting(link.dialect, entry.mti, entry.debt.values), None)
            self.counts[f"saf.sent.{entry.mti}"] += 1

    def _settle(self, issuer: IssuerEnd, entry: Entry, response_code: str, now: Instant) -> None:
        """An acknowledgement; a refusal is asked again, until it is plain that asking does not help."""
        if response_code == codes.APPROVED:
            issuer.saf.settle(entry, now.elapsed)
            debt = entry.debt
            self.outbox.record(records.Settled(Kind.SETTLED, debt.number, now.wall, debt.transaction, response_code))
            self._send_owed(issuer, now)
            return
        if entry.refusals == 0 and entry.debt.mti == "0120":
            self.note("stand_in.disputed", participant=issuer.participant.id, response_code=response_code)
        if codes.plain_reason(response_code).retry:
            issuer.saf.not_now(entry, now.elapsed)
        elif issuer.saf.refuse(entry, now.elapsed):
            self.outbox.record(records.Parked(Kind.PARKED, entry.debt.number, now.wall, True))
            self.note("saf.parked", participant=issuer.participant.id, mti=entry.debt.mti, response_code=response_code)

    def park(self, issuer: IssuerEnd, stan: str, now: Instant) -> bool:
        """People want an entry left alone, also after a restart. False: nothing is owed under this STAN."""
        entry = issuer.saf.entry(stan)
        if entry is None:
            return False
        issuer.saf.park(stan)
        self.outbox.record(records.Parked(Kind.PARKED, entry.debt.number, now.wall, True))
        return True

    def retry(self, issuer: IssuerEnd, stan: str, now: Instant) -> bool:
        """People want it sent now, parked or not. False: nothing is owed under this STAN."""
        entry = issuer.saf.entry(stan)
        if entry is None:
            return False
        if entry.parked:
            self.outbox.record(records.Parked(Kind.PARKED, entry.debt.number, now.wall, False))
        issuer.saf.retry(stan, now.elapsed)
        self._send_owed(issuer, now)
        return True

    # ---- Deadlines ----

    def _sweep(self, issuer: IssuerEnd, now: Instant) -> None:
        """All of one issuer's requests wait alike, so the oldest is first; stop at the first that has time left."""
        late: list[Transaction] = []
        for transaction in issuer.pending.values():
            if transaction.deadline > now.elapsed:
                break
            late.append(transaction)
        for transaction in late:
            del issuer.pending[transaction.stan or ""]
            self.counts["issuer.timeout"] += 1
            self._not_answered(issuer, transaction, now)
            self._resume(transaction, Silence.TIMEOUT, now)

    def _probe_idle_links(self, now: Instant) -> None:
        """Ask an issuer's idle link whether it is there; one that said nothing since the last time is not."""
        for link in list(self._links.values()):
            idle = now.elapsed - link.heard_at
            if link.side is Side.ISSUER and link.circuit.wants_echo(now.elapsed):
                self.manage(link, codes.ECHO, now)
            if link.side is not Side.ISSUER or idle < link.participant.echo_s:
                continue
            if link.probed and idle >= link.participant.echo_s + link.participant.deadlines.issuer_s:
                self._closures.append((link.number, "the peer does not answer"))
            elif not link.probed:
                link.probed = True
                self.manage(link, codes.ECHO, now)

    # ---- Network management ----

    def manage(self, link: LinkEnd, code: str, now: Instant, more: Mapping[int, str] = {}) -> str:
        """Send a 0800 of our own; its DE 11."""
        end = self.issuers.get(link.participant.id)
        stan = (end.take_stan() if end is not None else None) or f"{int(now.elapsed * 1000) % STAN_LAST + 1:06d}"
        elements = {de.TRANSMITTED_AT: now.transmitted_at(), de.STAN: stan, de.NETWORK_MANAGEMENT_CODE: code}
        self.send(link.number, link.dialect.encode("0800", elements | dict(more)))
        return stan

    # ---- Keys: what `key_changes` asks of us ----

    def link_to(self, participant: str) -> LinkEnd | None:
        """A signed-on connection with a participant."""
        links = (link for link in self._links.values() if link.participant.id == participant)
        return next((link for link in links if link.state in CARRIES_TRAFFIC), None)

    def agree(self, network: Configuration) -> None:
        """From now on the agreements are these."""
        self.network = network
        for link in self._links.values():
            link.participant = network.participants.get(link.participant.id, link.participant)
        for name, issuer in self.issuers.items():
            issuer.participant = network.participants[name]

    def _network_management(self, link: LinkEnd, message: Message, now: Instant) -> None:
        """The link's own messages: a peer's 0800, or the answer to one of ours."""
        if message.mti == "0800":
            self._answer_management(link, message, now)
        elif message.mti == "0820":
            self.note("management.advice", participant=link.participant.id, code=management_code(message))
        elif message.mti == "0810" and message.get(de.NETWORK_MANAGEMENT_CODE) == codes.KEY_CHANGE:
            self.keys.answered(link, message, now)
        elif message.mti == "0810" and link.side is Side.ISSUER:
            signed_on = message.get(de.NETWORK_MANAGEMENT_CODE) == codes.SIGN_ON
            if not signed_on:
                link.circuit.echoed()
            if signed_on and message.get(de.RESPONSE_CODE) == codes.APPROVED:
                self._issuer_signed_on(link, now)

    def _answer_management(self, link: LinkEnd, message: Message, now: Instant) -> None:
        if (missing := missing_element("0800", message)) is not None:
            absent = FormatError.missing(missing, mti="0800", readable=dict(message.items()))
            self._unfit(link, message, absent, now)
            return
        if (broken := fault(message, now.wall, is_anything)) is not None:
            self._unfit(link, message, broken, now)
            return
        if too_often(link, now.elapsed):
            self.note("management.too_often", link=link.number, participant=link.participant.id)
            self._refuse(link, message, "switch.busy")
            return
        refusal, signal, state = network_management(message, link.state)
        if link.side is Side.CALLER and refusal is None and not self._is_let_in(link, message, signal):
            refusal = "link.not_signed_on"
        if refusal is not None:
            self._refuse(link, message, refusal)
            return
        if signal is Signal.KEY_CHANGE:
            self.keys.take(link, message, now)
            return
        link.state = state
        if signal is Signal.SIGN_ON and link.identifiable:
            self._identify(link, message)
        self.send(link.number, message.answered({de.RESPONSE_CODE: codes.APPROVED}))
        if link.side is Side.ISSUER:
            self._issuer_said(link, signal, now)

    def _identify(self, link: LinkEnd, message: Message) -> None:
        """On a shared listener the sign-on says who is there: DE 33 of a gateway, DE 32 of an acquirer."""
        named = {message.get(de.FORWARDER_ID), message.get(de.ACQUIRER_ID)}
        for name in link.identifiable:
            participant = self.network.participants[name]
            if participant.institution_id in named:
                link.participant = participant
                return

    def _is_let_in(self, link: LinkEnd, message: Message, signal: Signal | None) -> bool:
        """An issuer that dialled in: before all else it says who it is."""
        named = {message.get(de.FORWARDER_ID), message.get(de.ACQUIRER_ID)}
        for name in link.identifiable if signal is Signal.SIGN_ON else ():
            if self.network.participants[name].institution_id in named and name in self.issuers:
                link.participant, link.side, link.identifiable = self.network.participants[name], Side.ISSUER, ()
                return True
        return False

    def _issuer_said(self, link: LinkEnd, signal: Signal | None, now: Instant) -> None:
        issuer = self.issuers[link.participant.id]
        if signal is Signal.SIGN_ON:
            self._issuer_signed_on(link, now)
        elif signal is Signal.SIGN_OFF and link in issuer.links:
            issuer.links.remove(link)

    def _issuer_signed_on(self, link: LinkEnd, now: Instant) -> None:
        issuer = self.issuers[link.participant.id]
        link.state = LinkState.SIGNED_ON
        if link not in issuer.links:
            issuer.links.append(link)
            self.note("issuer.signed_on", participant=link.participant.id, link=link.number)
        issuer.saf.hurry(now.elapsed)
        self._send_owed(issuer, now)

    # ---- The HSM ----

    def _from_hsm(self, frames: Iterable[bytes], now: Instant) -> None:
        for frame in frames:
            found = self._hsm.answered(frame)
            if found is None:
                self.counts["hsm.unmatched"] += 1
                continue
            asker, answer = found
            if answer is None:
                self.note("hsm.unreadable")
            self._from_the_hsm_to(asker, answer, now)

    def _from_the_hsm_to(self, asker: Asker, answer: HsmAnswer | None, now: Instant) -> None:
        if isinstance(asker, Errand):
            asker.heard(answer, now)
        else:
            self._resume(asker, answer, now)

    def _without_hsm(self, askers: Iterable[Asker], now: Instant) -> None:
        for asker in askers:
            self._from_the_hsm_to(asker, None, now)

    # ---- Holding and sending ----

    def hold(self, link: int, frame: bytes, token: object) -> None:
        """Send once everything recorded so far is durable: at once, when it is."""
        if self.outbox.must_wait:
            self.outbox.hold(link, frame, token)
        else:
            self.send(link, frame, token)

    def send(self, link: int, frame: bytes, token: object = None) -> None:
        """Send now, or as soon as its seal is made."""
        if link in self._sealed and self._macs.seal(self._links[link], frame, token, self._clock):
            return
        self.send_now(link, frame, token)

    def send_now(self, link: int, frame: bytes, token: object = None) -> None:
        """It has its seal, or needs none."""
        if isinstance(token, Transaction):
            self._links[link].outstanding -= 1
            self.unsaid.pop(token.key, None)
        self.outbox.send(link, frame, token)

    def _today(self) -> date:
        """For dialects whose dates have years."""
        return datetime.fromtimestamp(self._wall, UTC).date()

    def note(self, name: str, **facts: object) -> None:
        """Something that is counted and that people may want to read."""
        self.counts[name] += 1
        self._events.append(Event(name, facts))


def _unasked(issuer: IssuerEnd, transaction: Transaction | None, answer: Message) -> str:
    """What kind of answer nobody waits for: it says another amount or type than was asked, or it came before, or nobody
    ever asked."""
    if transaction is not None:
        return "differs"
    return "double" if issuer.has_used(answer.get(de.STAN) or "", answer.transmitted_at or "") else "stray"
