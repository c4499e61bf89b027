"""A party's line to its HSM: questions go out side by side, answers find their way back by the header.

One link, dialled again for as long as the client lives. All questions of one
scheduler turn share one write, and one sweeper watches all deadlines: a question
costs no task and no timer of its own. What is asked, and what an error code
means, is the caller's business.

`dial` is how the link is made: TCP unless `tls_dial(…)` or `dial_udp` is given. `HsmGroup` is several HSMs
that ask as one.

When the HSM cannot answer in time, or at all, the question ends with `HsmDown`
and is not asked again: the caller decides, for only it knows what waits behind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final, Protocol

import trio

from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.framing import framing_named
from protocols.hsm import FRAME_MAX, HEADER_LENGTH, HsmAnswer, pack_request, read_answer
from protocols.runtime.dialer import Dial, dial_tcp, keep_dialled
from protocols.runtime.link import Link

TIMEOUT_S: Final = 1.0  # the innermost deadline of the network: a switch that waits longer has lost the issuer's time
SWEEP_S: Final = 0.02  # a deadline is noticed this late at worst
IN_FLIGHT_MAX: Final = 10_000  # and no more numbers than this in a header of four digits


class HsmDown(Exception):  # noqa: N818 - what happened, in the words of a decline (`hsm.down`)
    """No answer: no link, the link ended, or the deadline passed. The HSM may still have done the work."""


Outcome = HsmAnswer | HsmDown
OnAnswer = Callable[[Outcome], None]


@dataclass(slots=True, eq=False)
class _Question:
    """One request on its way. Not frozen and not compared: a hot path makes one per PIN."""

    command: str
    fields: Mapping[str, str | bytes]
    deadline: float
    on_answer: OnAnswer


class Hsm(Protocol):
    """Whoever may be asked: one HSM, or several as one."""

    @property
    def is_up(self) -> bool:
        """There is a link."""

    async def ask(self, command: str, **fields: str | bytes) -> HsmAnswer:
        """The answer, or HsmDown."""

    def submit(self, command: str, fields: Mapping[str, str | bytes], on_answer: OnAnswer) -> None:
        """Ask without waiting."""


class HsmClient:
    """The client of one HSM at `address`, living in the caller's nursery.

    `ask` waits for the answer; `submit` calls back, for a core that never waits.
    """

    def __init__(
        self,
        address: tuple[str, int],
        nursery: trio.Nursery,
        header_length: int = HEADER_LENGTH,
        timeout_s: float = TIMEOUT_S,
        *,
        random: Random | None = None,
        dial: Dial = dial_tcp,
        lmk_id: str | None = None,
    ) -> None:
        """`lmk_id`: which LMK the keys of its questions are under; None: the HSM's default one."""
        if header_length < 1:
            raise LocalProtocolError("without a header nobody can tell the answers apart")
        self.address = address
        self.timeout_s = timeout_s
        self._dial = dial
        self._lmk_id = lmk_id
        self._header_length = header_length
        self._numbers = min(10**header_length, IN_FLIGHT_MAX)
        self._next = 0
        self._waiting: dict[bytes, _Question] = {}  # by header, oldest first: all deadlines are equally far
        self._abandoned: set[bytes] = set()  # numbers whose answer may still come, and must answer nobody else
        self._outbox: list[bytes] = []
        self._link: Link | None = None
        self._linked = trio.Event()
        self._something_to_send = trio.Event()
        self._closed = False
        self._scope = trio.CancelScope()
        nursery.start_soon(self._live, random or Random(), name=f"hsm client {address[0]}:{address[1]}")

    def __repr__(self) -> str:
        return f"<HsmClient {self.address[0]}:{self.address[1]} {'up' if self.is_up else 'down'}>"

    @property
    def is_up(self) -> bool:
        """There is a link; whether the HSM answers is known by asking."""
        return self._link is not None and not self._link.closed

    async def wait_up(self) -> None:
        """Until there is a link."""
        while not self.is_up:
            await self._linked.wait()

    async def ask(self, command: str, **fields: str | bytes) -> HsmAnswer:
        """The HSM's answer, whatever its error code. Raises HsmDown when there is none."""
        return await _asked(self, command, fields)

    def submit(self, command: str, fields: Mapping[str, str | bytes], on_answer: OnAnswer) -> None:
        """Ask without waiting: `on_answer` is called exactly once, at once where there is no link.

        Raises LocalProtocolError when the fields do not fit the command.
        """
        header = self._free_header()
        frame = pack_request(command, header or b"", fields, lmk_id=self._lmk_id)
        if header is None or not self.is_up:
            on_answer(HsmDown("the HSM cannot be reached" if not self.is_up else "too many questions wait"))
            return
        self._waiting[header] = _Question(command, fields, trio.current_time() + self.timeout_s, on_answer)
        self._outbox.append(frame)
        self._something_to_send.set()

    async def aclose(self) -> None:
        """End the link and every open question; ask nothing afterwards."""
        self._closed = True
        self._scope.cancel()
        await trio.lowlevel.checkpoint()

    def _free_header(self) -> bytes | None:
        """The next number that no answer is expected for, or None when all are taken. Nearly always the very next."""
        for _ in range(self._numbers):
            header = f"{self._next:0{self._header_length}d}".encode()
            self._next = (self._next + 1) % self._numbers
            if header not in self._waiting and header not in self._abandoned:
                return header
        return None

    # Living

    async def _live(self, random: Random) -> None:
        name = f"hsm {self.address[0]}:{self.address[1]}"
        try:
            with self._scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._send_together)
                    nursery.start_soon(self._sweep)
                    await keep_dialled(
                        self.address,
                        framing_named("len2", longest=FRAME_MAX),
                        self._converse,
                        name=name,
                        random=random,
                        dial=self._dial,
                    )
        finally:
            self._closed = True
            self._end_all("the client was closed")

    async def _converse(self, link: Link) -> None:
        self._link = link
        self._linked.set()
        self._linked = trio.Event()
        try:
            while frames := await link.receive():
                for frame in frames:
                    self._hear(frame)
        finally:
            self._link = None
            self._outbox.clear()
            self._abandoned.clear()
            self._end_all("the link ended")

    async def _send_together(self) -> None:
        """What several tasks asked in one turn of the scheduler goes out in one write."""
        while True:
            await self._something_to_send.wait()
            self._something_to_send = trio.Event()
            frames, self._outbox = self._outbox, []
            if self._link is not None:
                self._link.send(frames)

    async def _sweep(self) -> None:
        while True:
            await trio.sleep(SWEEP_S)
            now = trio.current_time()
            while self._waiting:
                header, question = next(iter(self._waiting.items()))
                if question.deadline > now:
                    break
                del self._waiting[header]
                self._abandoned.add(header)
                question.on_answer(HsmDown("the deadline passed"))

    # Answers

    def _hear(self, frame: bytes) -> None:
        """An answer to its question. One that nobody waits for came after its deadline and is dropped."""
        header = frame[: self._header_length]
        question = self._waiting.pop(header, None)
        if question is None:
            self._abandoned.discard(header)
            return
        try:
            answer = read_answer(question.command, frame, self._header_length, question.fields)
        except RemoteProtocolError:
            question.on_answer(HsmDown("the answer cannot be read"))
            raise
        question.on_answer(answer)

    def _end_all(self, why: str) -> None:
        waiting, self._waiting = self._waiting, {}
        for question in waiting.values():
            question.on_answer(HsmDown(why))


async def _asked(hsm: Hsm, command: str, fields: Mapping[str, str | bytes]) -> HsmAnswer:
    answered = trio.Event()
    outcome: list[Outcome] = []

    def on_answer(what: Outcome) -> None:
        outcome.append(what)
        answered.set()

    hsm.submit(command, fields, on_answer)
    await answered.wait()
    if isinstance(outcome[0], HsmDown):
        raise outcome[0]
    return outcome[0]


PROBE_S: Final = 1.0  # how often an HSM that did not answer is asked how it is


class HsmGroup:
    """Several HSMs with the same keys, asked as one: the first that answers, in the order given.

    A question that one of them leaves without an answer is asked of the next; each has its share of `timeout_s`,
    so that the caller's deadline stays what it is. Who let a question wait is not asked again until it has
    answered an NC. An error code is an answer: it is handed on, and nobody else is asked.
    """

    def __init__(self, hsms: Sequence[HsmClient], nursery: trio.Nursery, timeout_s: float = TIMEOUT_S) -> None:
        if not hsms:
            raise LocalProtocolError("a group of no HSM answers nothing")
        self.hsms = tuple(hsms)
        self.failovers = 0  # questions that another HSM answered than the one asked first
        for hsm in self.hsms:
            hsm.timeout_s = timeout_s / len(self.hsms)
        self._suspects: set[HsmClient] = set()
        self._suspected = trio.Event()
        self._scope = trio.CancelScope()
        nursery.start_soon(self._probe, name="hsm group")

    def __repr__(self) -> str:
        return f"<HsmGroup {', '.join(map(repr, self.hsms))}>"

    @property
    def is_up(self) -> bool:
        return any(hsm.is_up for hsm in self.hsms)

    @property
    def suspects(self) -> frozenset[HsmClient]:
        """Those that left a question without an answer and have not answered since."""
        return frozenset(self._suspects)

    async def wait_up(self) -> None:
        """Until there is a link to one of them."""
        async with trio.open_nursery() as nursery:

            async def wait_for(hsm: HsmClient) -> None:
                await hsm.wait_up()
                nursery.cancel_scope.cancel()

            for hsm in self.hsms:
                nursery.start_soon(wait_for, hsm)

    async def ask(self, command: str, **fields: str | bytes) -> HsmAnswer:
        """The first answer there is. Raises HsmDown when nobody answers."""
        return await _asked(self, command, fields)

    def submit(self, command: str, fields: Mapping[str, str | bytes], on_answer: OnAnswer) -> None:
        """Ask without waiting: `on_answer` is called exactly once. Raises LocalProtocolError as an HsmClient does."""
        self._ask_next(command, fields, on_answer, self._in_turn(), HsmDown("no HSM can be reached"))

    async def aclose(self) -> None:
        """End all of them."""
        self._scope.cancel()
        for hsm in self.hsms:
            await hsm.aclose()

    def _in_turn(self) -> list[HsmClient]:
        """Who is asked, in which order: those with a link, the trusted ones first."""
        up = [hsm for hsm in self.hsms if hsm.is_up]
        return sorted(up, key=self._suspects.__contains__)

    def _ask_next(
        self,
        command: str,
        fields: Mapping[str, str | bytes],
        on_answer: OnAnswer,
        others: list[HsmClient],
        down: HsmDown,
    ) -> None:
        if not others:
            on_answer(down)
            return
        hsm, *rest = others

        def heard(outcome: Outcome) -> None:
            if isinstance(outcome, HsmDown):
                self._suspect(hsm)
                self.failovers += bool(rest)
                self._ask_next(command, fields, on_answer, rest, outcome)
            else:
                on_answer(outcome)

        hsm.submit(command, fields, heard)

    def _suspect(self, hsm: HsmClient) -> None:
        self._suspects.add(hsm)
        self._suspected.set()

    async def _probe(self) -> None:
        with self._scope:
            while True:
                await self._suspected.wait()
                self._suspected = trio.Event()
                while self._suspects:
                    await trio.sleep(PROBE_S)
                    for hsm in tuple(self._suspects):
                        await self._ask_how_it_is(hsm)

    async def _ask_how_it_is(self, hsm: HsmClient) -> None:
        try:
            await hsm.ask("NC")
        except HsmDown:
            return  # still a suspect
        self._suspects.discard(hsm)
