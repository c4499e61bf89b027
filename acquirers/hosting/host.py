"""An acquirer's host at work: the switch's links on one side, the acquirer's gateway into the network on the other.

The Trio shell: a task for each request. Written down, then sent on; heard, written down, then answered. Where the
network's answer stays away nothing is answered either: whoever asked has less patience than that, and takes it back.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import structlog
import trio

from acquirers.gateway import Gateway
from acquirers.hosting import legs
from acquirers.hosting.contracts import Acquirer
from acquirers.hosting.ledger import APPROVED, DECLINED, REVERSED, SENT, Ledger, Leg
from acquirers.transaction import Stamp
from protocols import elements as de
from protocols import mti as types
from protocols.codes import APPROVED as YES
from protocols.codes import is_approval, reason
from protocols.dialect import Dialect
from protocols.errors import FormatError
from protocols.message import Message
from protocols.runtime.link import Link

log = structlog.get_logger()

#: Of the network's answer, what the asker hears; the rest of an answer is what was asked.
PASSED_ON = (
    *(de.APPROVAL_CODE, de.RESPONSE_CODE, de.REASON, de.ADDITIONAL_AMOUNTS, de.ICC_DATA),
    *(de.BILLING_AMOUNT, de.BILLING_RATE, de.CONVERSION_DATE, de.BILLING_CURRENCY, de.AMOUNT),
)
REVERSED_FIRST = "reversed.first"


class Host:
    """One acquirer's host, living in the caller's nursery."""

    def __init__(
        self,
        acquirer: Acquirer,
        ledger: Ledger,
        gateway: Gateway,
        dialect: Dialect,
        institution: str,
        nursery: trio.Nursery,
        *,
        utc: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._acquirer = acquirer
        self._ledger = ledger
        self._gateway = gateway
        self._dialect = dialect
        self._institution = institution
        self._nursery = nursery
        self._utc = utc
        self._busy: set[str] = set()  # keys of what is being asked now
        self._log = log.bind(acquirer=acquirer.name)

    async def serve(self, link: Link) -> None:
        """A link of the switch's, until it ends."""
        while frames := await link.receive():
            for frame in frames:
                try:
                    message = self._dialect.decode(frame)
                except FormatError as error:
                    self._log.warning("unreadable", slug=error.slug)
                    continue
                self._take(link, message)

    def _take(self, link: Link, message: Message) -> None:
        if types.is_answer(message.mti):
            return
        if message.mti[1] == types.NETWORK_MANAGEMENT:
            self._say(link, message, {de.RESPONSE_CODE: YES})
        elif (key := legs.key_of(message)) not in self._busy:  # a repeat of what is on its way waits with it
            self._busy.add(key)
            self._nursery.start_soon(self._attend, link, message, key)

    async def _attend(self, link: Link, message: Message, key: str) -> None:
        try:
            told = await (self._undo(message) if message.mti[1] == types.REVERSAL else self._bring(message, key))
        finally:
            self._busy.discard(key)
        if told is not None:
            self._say(link, message, told)

    # ---- Requests, and what has happened ----

    async def _bring(self, message: Message, key: str) -> dict[int, str | None] | None:
        """Decide, and bring it into the network; what to answer, or None: nobody knows what came of it."""
        known, is_advice = self._ledger.leg(key), types.is_advice(message.mti)
        if known is not None and known.state != SENT:
            return _said(known)
        slug = None if is_advice else self._refusal(message)
        if known is None and slug is not None:
            refused = Leg(key, "", DECLINED, reason(slug).response_code, slug)
            self._ledger.put(refused)
            return _said(refused)
        original = message.original
        about = self._ledger.leg(legs.key_named(original)) if original is not None else None
        stamp = self._gateway.stamp() if known is None else _stamp_of(known, self._utc())
        request = legs.onward(message, stamp, self._institution, about)
        leg = known or legs.leg_of(message, request, about, f"{self._utc():%Y-%m-%d}")
        self._ledger.put(leg)
        answer = (await self._gateway.ask(request)).answer
        if answer is None:
            return None
        ended = self._ended(leg, answer)
        self._ledger.put(ended)
        if ended.about and ended.state == APPROVED and (taken := self._ledger.leg(ended.about)) and taken.is_sale:
            self._ledger.put(taken._replace(is_sale=0))  # what was taken of it counts, not what was reserved
        return {number: value for number in PASSED_ON if (value := answer.get(number)) is not None}

    def _refusal(self, message: Message) -> str | None:
        return self._acquirer.refusal(message, self._ledger.boarded(message.get(de.CARD_ACCEPTOR_ID) or ""))

    def _ended(self, leg: Leg, answer: Message) -> Leg:
        """What is now known of it; what was taken back meanwhile stays so."""
        now = self._ledger.leg(leg.key) or leg
        code = answer.get(de.RESPONSE_CODE) or ""
        if now.state == REVERSED:
            return now
        return leg._replace(
            state=APPROVED if is_approval(code) else DECLINED,
            response_code=code,
            reason=answer.get(de.REASON) or "",
            approval_code=answer.get(de.APPROVAL_CODE) or "",
            amount=int(answer.get(de.AMOUNT) or leg.amount),
            rrn=answer.rrn or leg.rrn,
        )

    # ---- Reversals ----

    async def _undo(self, message: Message) -> dict[int, str | None] | None:
        """Take back what we made of the original. Acknowledged once the network has; asked again until then."""
        original = message.original
        if original is None:
            return {de.RESPONSE_CODE: YES}
        key = legs.key_named(original)
        leg = self._ledger.leg(key)
        if leg is None or not leg.upstream:  # it never went on; should it still come, it will not
            self._ledger.put(Leg(key, "", DECLINED, reason(REVERSED_FIRST).response_code, REVERSED_FIRST))
            return {de.RESPONSE_CODE: YES}
        answer = (await self._gateway.ask(legs.onward(message, self._gateway.stamp(), self._institution, leg))).answer
        if answer is None:
            return None
        left = message.get(de.REPLACEMENT_AMOUNTS)
        code = answer.get(de.RESPONSE_CODE)
        if code == YES:
            now = self._ledger.leg(key) or leg
            if left is None or not int(left[:12]):
                self._ledger.put(now._replace(state=REVERSED, response_code="94", reason=REVERSED_FIRST))
                self._ledger.forget_completions(key)
            else:
                self._ledger.put(now._replace(amount=int(left[:12])))
        return {de.RESPONSE_CODE: code, de.REASON: answer.get(de.REASON)}

    def _say(self, link: Link, message: Message, told: dict[int, str | None]) -> None:
        link.send([message.answered(told)])


def _said(leg: Leg) -> dict[int, str | None]:
    """The first answer again."""
    return {
        de.RESPONSE_CODE: leg.response_code,
        de.REASON: leg.reason or None,
        de.APPROVAL_CODE: leg.approval_code or None,
    }


def _stamp_of(leg: Leg, now: datetime) -> Stamp:
    """The number and moment that it has already."""
    stan, moment = leg.upstream[4:10], leg.upstream[10:20]
    at = now.replace(
        month=int(moment[:2]),
        day=int(moment[2:4]),
        hour=int(moment[4:6]),
        minute=int(moment[6:8]),
        second=int(moment[8:]),
    )
    return Stamp(stan, at)
