"""A gateway at work: one link to the switch, kept dialled, with any number of requests in flight.

The Trio shell around `session`, which decides everything: this file owns the link, the clock
and the tasks, carries out what a step says, and wakes whoever waits for an outcome.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, datetime

import structlog
import trio

from acquirers.house import House
from acquirers.session import Heard, Session, Step
from acquirers.transaction import Request, Stamp
from protocols.codes import SIGN_OFF
from protocols.runtime.link import Link

log = structlog.get_logger()


def utc_now() -> datetime:
    return datetime.now(UTC)


class Gateway:
    """Sends requests and tells what became of them."""

    def __init__(self, house: House, session: Session, *, utc: Callable[[], datetime] = utc_now) -> None:
        self._session = session
        self._utc = utc
        self._log = log.bind(gateway=house.name)
        self._link: Link | None = None
        self._tickets = itertools.count(1)
        self._waiting: dict[int, _Waiter] = {}
        self._changed = trio.Event()
        self.on_paid: Callable[[Request, bool], None] | None = None  # an advice, and whether the switch took it
        self.signed_on = trio.Event()  # set once, when the switch first accepts us

    async def ask(self, request: Request) -> Heard:
        """Send a request and wait for its end: an answer, the deadline, or the loss of the link."""
        ticket = next(self._tickets)
        waiter = self._waiting[ticket] = _Waiter()
        try:
            self._carry_out(self._session.ask(request, ticket, trio.current_time()))
            return await waiter.wait()
        finally:
            del self._waiting[ticket]
            self._changed.set()

    def stamp(self) -> Stamp:
        """A number and the moment, for a message that is about to be made."""
        return self._session.stamp(self._utc())

    def network_management(self, code: str) -> Request:
        """A 0800 in this gateway's name."""
        return self._session.network_management(code, self._utc())

    @property
    def is_signed_on(self) -> bool:
        """Whether the switch takes transactions from us now."""
        return self._session.signed_on

    @property
    def owed(self) -> tuple[Request, ...]:
        """Advices that the switch has not acknowledged yet."""
        return self._session.owed

    def owe(self, advice: Request) -> None:
        """Take on an advice that an earlier life of this gateway still owed."""
        self._carry_out(self._session.owe(advice, trio.current_time()))

    async def take_leave(self) -> None:
        """Wait until nothing is in flight or owed, then sign off. The caller bounds it: the switch may be silent."""
        while self._waiting or (self._session.signed_on and self._session.owed):
            await self._changed.wait()
        if self._session.signed_on:
            await self.ask(self.network_management(SIGN_OFF))

    async def converse(self, link: Link) -> None:
        """Live on one link until it ends; whatever is in flight then is in doubt."""
        self._link = link
        self._log.info("connected", link=link.name)
        try:
            self._carry_out(self._session.connected(trio.current_time(), self._utc()))
            while frames := await link.receive():
                self._carry_out(self._session.received(frames, trio.current_time()))
        finally:
            self._link = None
            self._log.info("disconnected", link=link.name, reason=link.close_reason)
            self._carry_out(self._session.disconnected(trio.current_time(), self._utc()))

    async def watch_the_clock(self) -> None:
        """Tick the session whenever it has something due. Runs beside `converse`, over all links."""
        while True:
            self._changed = trio.Event()
            due = self._session.due()
            with trio.move_on_at(due if due is not None else float("inf")) as patience:
                await self._changed.wait()
            if patience.cancelled_caught:
                self._carry_out(self._session.tick(trio.current_time(), self._utc()))

    def _carry_out(self, step: Step) -> None:
        for note in step.notes:
            self._log.info(note)
        if self._session.signed_on:
            self.signed_on.set()
        if self._link is not None and step.frames:
            self._link.send(step.frames)
        if self.on_paid is not None:
            for advice in step.paid:
                self.on_paid(advice, True)
            for advice in step.parked:
                self.on_paid(advice, False)
        for heard in step.heard:
            if waiter := self._waiting.get(heard.ticket):
                waiter.tell(heard)
        if self._link is not None and step.hang_up:
            self._log.warning("hanging up", reason=step.hang_up)
            self._link.abort(step.hang_up)
        self._changed.set()  # what is due next may have moved


class _Waiter:
    """Somebody who waits for one outcome."""

    __slots__ = ("_event", "_heard")

    def __init__(self) -> None:
        self._event = trio.Event()
        self._heard: Heard | None = None

    def tell(self, heard: Heard) -> None:
        self._heard = heard
        self._event.set()

    async def wait(self) -> Heard:
        await self._event.wait()
        assert self._heard is not None  # the event is set after it
        return self._heard
