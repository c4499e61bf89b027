"""The bank's host: the switch dials in, frames come in, answers go out.

All frames of one wake-up are decided together, recorded in one commit, and only then answered, in one
write. A PIN goes to the HSM without holding up anybody: its request comes back with the verdict
and is decided among those of its own wake-up. A repeat that comes meanwhile waits for the same answer.

The commit happens here, in the loop: while it runs nothing could be answered anyway, and the next
batch grows in the meantime. What is said is `desk`'s, what is remembered `store`'s.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final, Protocol

import structlog
import trio

from issuers import keys, proofs
from issuers.accounts import LedgerError
from issuers.ask import Ask
from issuers.bank import Bank, Moment
from issuers.book import Book, Effect, Event
from issuers.desk import Desk, Heard, Noted, Reply
from issuers.expire import expired
from issuers.seed import seeds
from issuers.store import Store
from protocols import codes
from protocols.dialect import Dialect
from protocols.errors import LocalProtocolError
from protocols.hsm import HsmAnswer
from protocols.message import Message
from protocols.pan import Pan
from protocols.runtime.exits import FatalError
from protocols.runtime.hsm_client import HsmDown, OnAnswer
from protocols.runtime.link import Link
from protocols.runtime.log import LogBudget
from protocols.session import LinkState

SEEDING_RETRY_S: Final = 0.1  # after a question that the HSM has not answered; only PINs wait for that
NOISE_PER_MINUTE: Final = 10  # messages that nothing can be said to; then the link is closed
MINUTE_S: Final = 60.0
ANSWERS_MAX: Final = 100  # that nobody has fetched: more is noise
ANSWER_WITHIN_S: Final = 5.0  # to a 0800 of ours
SWEEP_EVERY_S: Final = 60.0  # holds end by the day; a minute late is early
ANSWERS_KEPT: Final = timedelta(hours=24)  # and until their money is settled

log = structlog.get_logger()


class BooksBrokenError(FatalError):
    """The books and a decision contradict each other. Going on would make it worse."""


class Hsm(Protocol):
    """What the host asks of an HSM client."""

    def submit(self, command: str, fields: dict[str, str | bytes], on_answer: OnAnswer) -> None: ...

    async def ask(self, command: str, **fields: str | bytes) -> HsmAnswer: ...

    async def wait_up(self) -> None: ...


def utc_now() -> datetime:
    return datetime.now(UTC)


class Connection:
    """A link of the switch's, whether it has signed on, and how much noise it has made."""

    __slots__ = ("answered", "answers", "link", "noise", "state")

    def __init__(self, link: Link) -> None:
        self.link = link
        self.state = LinkState.CONNECTED
        self.noise: list[float] = []
        self.answers: dict[str, str] = {}  # to what we have asked: STAN to response code
        self.answered = trio.Event()

    def heard(self, answer: Heard) -> None:
        """An answer to somebody's `Host.ask_link`; one that nobody waits for is forgotten with the link."""
        if len(self.answers) < ANSWERS_MAX:
            self.answers[answer.stan] = answer.response_code
        self.answered.set()
        self.answered = trio.Event()


@dataclass(slots=True)
class Turn:
    """What one wake-up has come to: to be recorded, then said, then asked."""

    moment: Moment
    effects: list[Effect] = field(default_factory=list)
    replies: list[tuple[Connection, Reply]] = field(default_factory=list)
    to_verify: list[Ask] = field(default_factory=list)


class Host:
    """One bank's host, living in the caller's nursery."""

    def __init__(
        self,
        bank: Bank,
        dialect: Dialect,
        store: Store,
        hsm: Hsm | None,
        nursery: trio.Nursery,
        *,
        zpk: str | None = None,
        zmk: str | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.bank = bank
        self._store = store
        self._desk = Desk(bank, dialect, store.tokens)
        self._hsm = hsm
        self.zpk = keys.last_changed(store) or bank.keys.zpk or zpk
        self.store = store
        self.hsm = hsm
        self.playbook = self._desk.playbook
        self.news = trio.Event()  # set, and replaced, whenever something is recorded
        self._nursery = nursery
        self._zmk = zmk or bank.keys.zmk
        self._now = now
        self._last_stan = 0
        self._at_the_hsm: dict[str, list[tuple[Connection, Ask]]] = {}  # by key: the request, then its repeats
        self._verified: list[Ask] = []
        self._some_verified = trio.Event()
        self._log_budget = LogBudget()
        self.pvvs_made = trio.Event()
        self._all_answered = trio.Event()

    # Beginning

    def seed(self) -> None:
        """Give the books what the bank's file has and they lack."""
        self._commit(seeds(self.bank, self._store.fetch(()), self._store.tokens, self.moment()))

    def start(self) -> None:
        """What runs beside the links: PINs that come back from the HSM, and the making of PVVs."""
        self._nursery.start_soon(self._take_verdicts)
        self._nursery.start_soon(self.keep_house)
        if self._hsm is None:
            self.pvvs_made.set()
        else:
            self._nursery.start_soon(self._make_pvvs, self._hsm)

    async def drained(self) -> None:
        """Until no request waits for the HSM."""
        while self._at_the_hsm:
            await self._all_answered.wait()

    # Links

    async def serve(self, link: Link) -> None:
        """One link, until the switch ends it."""
        await self.serve_on(Connection(link))

    async def ask_link(self, connection: Connection, code: str, institution_id: str = "") -> str | None:
        """Ask a 0800 of the other end; its response code, or None where it does not answer in time."""
        self._last_stan = self._last_stan % 999_999 + 1
        stan = f"{self._last_stan:06d}"
        transmitted_at = self._now().strftime("%m%d%H%M%S")
        connection.link.send([self._desk.asking(code, self._last_stan, transmitted_at, institution_id)])
        with trio.move_on_after(ANSWER_WITHIN_S):
            while stan not in connection.answers:
                await connection.answered.wait()
        return connection.answers.pop(stan, None)

    def signed_on(self, connection: Connection) -> None:
        """A sign-on of ours was answered: that is as good as one of theirs."""
        connection.state = LinkState.SIGNED_ON
        log.info("signed on", link=connection.link.name)

    async def serve_on(self, connection: Connection) -> None:
        """One link, until the other side ends it."""
        while frames := await connection.link.receive():
            self._take(connection, frames)

    async def _change_key(self, connection: Connection, message: Message) -> None:
        """A new key for PIN blocks: in use, and on disk, before it is acknowledged."""
        key = await keys.imported(message, self._zmk, self.hsm)
        if key is not None and key != self.zpk:
            at = self.moment().at
            self._commit((Event(at, keys.CHANGED, keys.ZPK, key),))
            self.zpk = key
            connection.link.send([self._desk.key_answer(message, True).frame])
        else:
            connection.link.send([self._desk.key_answer(message, False).frame])

    def _take(self, connection: Connection, frames: Iterable[bytes]) -> None:
        """Read them all, fetch once, decide each in its turn, record once, answer once."""
        readings = [self._desk.read(frame) for frame in frames]
        book = self._store.fetch(reading for reading in readings if isinstance(reading, Ask))
        turn = Turn(self.moment())
        for reading in readings:
            match reading:
                case Ask():
                    self._decide_first(connection, reading, book, turn)
                case Heard():
                    connection.heard(reading)
                case Message() if reading.network_management_code == codes.KEY_CHANGE:
                    self._nursery.start_soon(self._change_key, connection, reading)
                case Message():
                    connection.state, reply = self._desk.manage(reading, connection.state)
                    turn.replies.append((connection, reply))
                case Reply():
                    turn.replies.append((connection, reading))
                case Noted():
                    self._note(connection, reading)
        self._finish(book, turn)

    def _decide_first(self, connection: Connection, ask: Ask, book: Book, turn: Turn) -> None:
        refusal = self._desk.link_refusal(ask, connection.state)
        waiting = self._at_the_hsm.get(ask.key)
        if refusal is not None:
            turn.replies.append((connection, refusal))
        elif waiting is None:
            self._decide(connection, ask, book, turn)
        elif waiting[0][1].fingerprint == ask.fingerprint:
            waiting.append((connection, ask))
        else:
            turn.replies.append((connection, self._desk.differs(ask)))

    def _decide(self, connection: Connection, ask: Ask, book: Book, turn: Turn) -> None:
        reply = self._answer(ask, book, turn)
        if reply is not None:
            turn.replies.append((connection, reply))
        else:
            self._at_the_hsm[ask.key] = [(connection, ask)]
            turn.to_verify.append(ask)

    def _answer(self, ask: Ask, book: Book, turn: Turn) -> Reply | None:
        """Decide, and make it true in the snapshot. A mistake of ours declines; it never approves."""
        try:
            outcome = self._desk.answer(ask, book, turn.moment)
        except Exception as error:
            log.error("a request could not be decided", booking=ask.booking_key, exc_info=error)
            return self._desk.fault(ask)
        self._apply(book, outcome.effects, turn)
        return outcome.reply

    def _apply(self, book: Book, effects: tuple[Effect, ...], turn: Turn) -> None:
        """From here on there is no way back: books that do not take what was decided end the process."""
        try:
            book.apply(effects)
        except LedgerError as error:
            raise BooksBrokenError(f"a decision does not fit the books: {error}") from None
        turn.effects.extend(effects)

    def _finish(self, book: Book, turn: Turn) -> None:
        """Record, then say; and ask the HSM about a PIN only when the try is on disk."""
        self._store.record(book, turn.effects, turn.moment.at)
        self._say(turn.replies)
        if turn.effects:
            self.changed()
        for ask in turn.to_verify:
            self._verify(ask)

    def _note(self, connection: Connection, noted: Noted) -> None:
        """Count what nothing can be said to; too much of it closes the link."""
        now = trio.current_time()
        connection.noise = [at for at in connection.noise if now - at < MINUTE_S] + [now]
        left_out = self._log_budget.spend((connection.link.name, noted.reason), now)
        if left_out is not None:
            log.warning("not answered", link=connection.link.name, reason=noted.reason, left_out=left_out)
        if len(connection.noise) > NOISE_PER_MINUTE:
            connection.link.abort("too much that cannot be answered")

    # Saying

    def _say(self, replies: Iterable[tuple[Connection, Reply]]) -> None:
        """One write per link; what is to be said in a manner of its own goes its own way."""
        frames: dict[Connection, list[bytes]] = defaultdict(list)
        closing = set()
        for connection, reply in replies:
            if connection in closing:
                continue
            frames[connection] += self._now_or_later(connection, reply)
            if reply.manner.close:
                closing.add(connection)
        for connection, together in frames.items():
            if together:
                connection.link.send(together)
        for connection in closing:
            self._nursery.start_soon(connection.link.aclose)  # what was said before goes out first

    def _now_or_later(self, connection: Connection, reply: Reply) -> list[bytes]:
        if reply.manner.delay_s:
            self._nursery.start_soon(self._say_later, connection, reply)
            return []
        return [reply.frame] * reply.manner.copies

    async def _say_later(self, connection: Connection, reply: Reply) -> None:
        await trio.sleep(reply.manner.delay_s)
        connection.link.send([reply.frame])

    # PINs and proofs

    def _verify(self, ask: Ask) -> None:
        """Ask the HSM all there is to ask, and go on; `_take_verdicts` takes up the thread when all is answered."""
        virtual = self._store.virtuals.get(ask.token)
        card = self._store.cards[virtual.card if virtual else ask.token]
        asked = proofs.questions(ask, card, self.bank, self.zpk) if self._hsm is not None else []
        left = [len(asked)]
        if not asked:
            self._all_heard(ask, card.product)
        for question in asked:
            self._submit(question, partial(self._heard, ask, question, left, card.product))

    def _submit(self, question: proofs.Question, on_answer: OnAnswer) -> None:
        if not question.command or self._hsm is None:
            on_answer(HsmDown("not asked"))
            return
        try:
            self._hsm.submit(question.command, question.fields, on_answer)
        except LocalProtocolError as error:  # a question that the HSM has no words for
            log.warning("the HSM could not be asked", about=question.about, reason=str(error))
            on_answer(HsmDown(str(error)))

    def _heard(
        self, ask: Ask, question: proofs.Question, left: list[int], product: str, outcome: HsmAnswer | HsmDown
    ) -> None:
        answer = None if isinstance(outcome, HsmDown) else outcome
        if not proofs.hear(ask, question, answer) and answer is not None:
            log.error("the HSM refuses to verify", about=question.about, error=answer.error)
        left[0] -= 1
        if not left[0]:
            self._all_heard(ask, product)

    def _all_heard(self, ask: Ask, product: str) -> None:
        proofs.complete(ask, self.bank.products[product])
        self._verified.append(ask)
        self._some_verified.set()

    async def _take_verdicts(self) -> None:
        """All that the HSM said in one wake-up is decided together, like frames of one read."""
        while True:
            await self._some_verified.wait()
            self._some_verified = trio.Event()
            asks, self._verified = self._verified, []
            self._take_up_again(asks)

    def _take_up_again(self, asks: list[Ask]) -> None:
        book = self._store.fetch(asks)
        turn = Turn(self.moment())
        for ask in asks:
            for connection, waiting in self._at_the_hsm.pop(ask.key):
                waiting.pin, waiting.proved, waiting.arpc, waiting.all_asked = ask.pin, ask.proved, ask.arpc, True
                reply = self._answer(waiting, book, turn)  # a repeat gets the answer that the first has got just now
                if reply is not None:
                    turn.replies.append((connection, reply))
        self._finish(book, turn)
        if not self._at_the_hsm:
            self._all_answered.set()
            self._all_answered = trio.Event()

    async def _make_pvvs(self, hsm: Hsm) -> None:
        """Verification values or offsets for the cards that lack one, whenever the HSM can be reached."""
        for card in self.bank.cards:
            token, way = self._store.tokens.of(Pan(card.pan)), self.bank.products[card.product].pin
            held = self._store.cards[token]
            if card.pin is None or way == "none" or (held.offset if way == "offset" else held.pvv) is not None:
                continue
            made = await self._made(hsm, Pan(card.pan), card.pin, way)
            if made is not None:
                held = self._store.cards[token]
                self._commit((replace(held, offset=made) if way == "offset" else replace(held, pvv=made),))
        self.pvvs_made.set()

    async def _made(self, hsm: Hsm, pan: Pan, pin: str, way: str) -> str | None:
        """Made by the HSM from the PIN; None when it will not, which is the configuration's fault."""
        while True:
            await hsm.wait_up()
            try:
                return await self._asked_for(hsm, pan, pin, way)
            except HsmDown:
                await trio.sleep(SEEDING_RETRY_S)

    async def _asked_for(self, hsm: Hsm, pan: Pan, pin: str, way: str) -> str | None:
        under_lmk = await hsm.ask("BA", pin=pin, account=pan.account12)
        if under_lmk.done:
            question = proofs.making(self.bank.keys, pan, under_lmk.fields["pin_under_lmk"], way)
            made = await hsm.ask(question.command, **question.fields)
            if made.done or question.about in made.fields:  # 02 warns of a key longer than need be
                return made.fields[question.about]
            under_lmk = made
        log.error("the HSM refuses to make a verification value", card=pan.masked, error=under_lmk.error)
        return None

    # Of our own accord

    def moment(self) -> Moment:
        """Now, as the bank counts."""
        return self.bank.moment(self._now(), self._store.calendar)

    def act(self, key: str | None, decide: Callable[[Book, Moment], tuple[Effect, ...]]) -> None:
        """Something that no message asked for: decided on a fresh snapshot, made true and recorded in one stretch.

        With a booking's key, its family is in the snapshot. What `decide` raises has changed nothing.
        """
        book = self._store.fetch(()) if key is None else self._store.booking(key)
        moment = self.moment()
        turn = Turn(moment)
        self._apply(book, decide(book, moment), turn)
        self._finish(book, turn)

    def changed(self) -> None:
        """Tell whoever waits for news; they look for themselves."""
        self.news.set()
        self.news = trio.Event()

    async def keep_house(self) -> None:
        """Now and then: holds whose last day is past end, and answers that nobody can ask for again are let go."""
        while True:
            self.sweep()
            await trio.sleep(SWEEP_EVERY_S)

    def sweep(self) -> int:
        """End what has expired, all of it; how many holds that were."""
        ended = 0
        while True:
            moment = self.moment()
            book = self._store.expired(moment.day)
            effects = expired(book)
            if not effects:
                break
            turn = Turn(moment)
            self._apply(book, effects, turn)
            self._finish(book, turn)
            ended += len(book.bookings)
        before = self._now() + timedelta(days=self._store.calendar.days) - ANSWERS_KEPT
        self._store.forget_answers(self.bank.moment(before).at)
        return ended

    def _commit(self, effects: tuple[Effect, ...]) -> None:
        """Effects of our own, that nobody asked for."""
        self.act(None, lambda book, moment: effects)
