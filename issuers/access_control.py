"""The access control server: the bank's side of 3-D Secure, in the run of its host.

It answers authentication requests of gateways, keeps challenges for ten minutes in memory, and has the HSM make the
CAVV; that one was made is on disk before anybody is told, so that it is good once. A one-time code is shown in the
holder's online banking and nowhere else: no log, no repr, no file has it. The rule is `authentication`'s, the
pages are `banking.challenge`'s.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from issuers import cavv
from issuers.authentication import REASON_LOW_CONFIDENCE, Situation, first_step
from issuers.book import Authentication, Card
from issuers.host import Host
from protocols.money import currency_numbered
from protocols.pan import Pan
from protocols.runtime.hsm_client import HsmDown
from protocols.three_d_secure import AReq, ARes, RReq, RRes, Status, indicator

LIFE_S: Final = 600.0  # as long as EMV lets a challenge take
TRIES: Final = 3
CODE_DIGITS: Final = 6
WAITING_MAX: Final = 1000  # challenges at once; the oldest goes
PER_CARD_MAX: Final = 5  # that wait at once: more is somebody who plays with a number
SEARCHES: Final = 20  # for an unpredictable number that the card has not had


@dataclass(slots=True, eq=False)
class Challenge:
    """One authentication, from its request until its result is fetched. Prints no secret."""

    areq: AReq = field(repr=False)
    acs_id: str
    directory_id: str
    requestor: str
    token: str  # of the number that was typed
    holder: str
    ending: str
    amount: int  # minor units of `currency`
    currency: str
    began: float
    at: str  # when it began, as the bank writes instants
    code: str = field(default="", repr=False)
    tries: int = 0
    status: Status = Status.CHALLENGE
    reason: str | None = None
    value: str | None = field(default=None, repr=False)

    @property
    def is_open(self) -> bool:
        return self.status is Status.CHALLENGE

    @property
    def tries_left(self) -> int:
        return TRIES - self.tries


class AccessControl:
    """One bank's. `draw` gives a number below its argument, `new_id` a name that nobody guesses."""

    def __init__(
        self, host: Host, now: Callable[[], float], draw: Callable[[int], int], new_id: Callable[[], str]
    ) -> None:
        self.host = host
        self._now, self._draw, self._new_id = now, draw, new_id
        self._challenges: OrderedDict[str, Challenge] = OrderedDict()
        self._asked = {one.holder for one in host.bank.holders}
        of = host.store.tokens.of
        self._not_enrolled = {of(Pan(card.pan)) for card in host.bank.cards if not card.enrolled}

    def requestor(self, authorization: str) -> str | None:
        """Which gateway this is, by its bearer key; None: nobody that we know."""
        if self.host.bank.acs is None:
            return None
        scheme, _, key = authorization.partition(" ")
        digest = hashlib.sha256(key.strip().encode()).hexdigest()
        known = self.host.bank.acs.requestors.items()
        found = [name for name, kept in known if hmac.compare_digest(kept, digest)]
        return found[0] if found and scheme.lower() == "bearer" else None

    # What gateways ask

    async def authenticate(self, areq: AReq, requestor: str, challenge_url: str) -> ARes:
        """Answer at once, or send the buyer to us."""
        challenge, card = self._begun(areq, requestor)
        step = first_step(self.host.bank, self._situation(challenge, card), self.host.moment().yymm)
        if step.status is Status.CHALLENGE and self._waiting_on(challenge.token) >= PER_CARD_MAX:
            challenge.status, challenge.reason = Status.REJECTED, REASON_LOW_CONFIDENCE
        elif step.status is Status.CHALLENGE:
            self._ask_holder(challenge)
        else:
            await self._conclude(challenge, step.status, step.reason, cavv.NO_FACTOR)
        return ARes(**_said(challenge), acs_url=challenge_url if challenge.is_open else None)

    def result(self, rreq: RReq, requestor: str) -> RRes | None:
        """What came of a challenge, once; a gateway learns of its own only. None: there is none, or not yet."""
        challenge = self.find(rreq.acs_id)
        if challenge is None or challenge.requestor != requestor or challenge.areq.server_id != rreq.server_id:
            return None
        del self._challenges[rreq.acs_id]
        if challenge.is_open:  # the buyer came back without an answer
            challenge.status = Status.NOT_AUTHENTICATED
            self.host.changed()
        return RRes(**_said(challenge))

    # What holders do

    def find(self, acs_id: str) -> Challenge | None:
        """A challenge that is not over yet, or whose result nobody has fetched."""
        self._forget_old()
        return self._challenges.get(acs_id)

    def codes_for(self, holder: str) -> list[Challenge]:
        """The codes that wait for a holder, the newest first."""
        self._forget_old()
        waiting = [one for one in self._challenges.values() if one.holder == holder and one.is_open]
        return waiting[::-1]

    async def entered(self, challenge: Challenge, code: str) -> bool:
        """A code was typed; whether it was right. The third wrong one ends the challenge."""
        if not challenge.is_open:
            return False
        challenge.tries += 1  # before it is looked at: many at once count, too
        if hmac.compare_digest(challenge.code.encode(), code.encode()):
            challenge.code = ""
            await self._conclude(challenge, Status.AUTHENTICATED, None, cavv.ONE_TIME_CODE)
            return True
        if challenge.tries >= TRIES:
            self.give_up(challenge)
        return False

    def give_up(self, challenge: Challenge) -> None:
        """The holder does not want to, or did not know the code."""
        challenge.status, challenge.code = Status.NOT_AUTHENTICATED, ""
        self.host.changed()

    # How

    def _begun(self, areq: AReq, requestor: str) -> tuple[Challenge, Card | None]:
        store = self.host.store
        pan = Pan(areq.pan)
        token = store.tokens.of(pan)
        virtual = store.virtuals.get(token)
        card = store.cards.get(virtual.card if virtual else token)
        account = store.accounts.get(card.account) if card else None
        challenge = Challenge(
            areq=areq,
            acs_id=self._new_id(),
            directory_id=self._new_id(),
            requestor=requestor,
            token=token,
            holder=account.holder if account else "",
            ending=pan.masked[-4:],
            amount=int(areq.amount),
            currency=currency_numbered(areq.currency).code,
            began=self._now(),
            at=self.host.moment().at,
        )
        return challenge, card

    def _situation(self, challenge: Challenge, card: Card | None) -> Situation:
        shop = challenge.areq.card_acceptor_id
        return Situation(
            card=card,
            expiry=challenge.areq.expiry,
            is_enrolled=challenge.token not in self._not_enrolled,
            can_be_asked=challenge.holder in self._asked,
            amount=challenge.amount,
            currency=challenge.currency,
            is_new_shop=not self.host.store.has_paid_authenticated(challenge.token, shop),
        )

    def _ask_holder(self, challenge: Challenge) -> None:
        challenge.code = f"{self._draw(10**CODE_DIGITS):0{CODE_DIGITS}d}"
        self._challenges[challenge.acs_id] = challenge
        while len(self._challenges) > WAITING_MAX:
            self._challenges.popitem(last=False)
        self.host.changed()  # the inbox shows it

    async def _conclude(self, challenge: Challenge, status: Status, reason: str | None, factor: str) -> None:
        """The status, with a CAVV where it proves something. Without an HSM nothing can be proved."""
        challenge.reason = reason
        result = {Status.AUTHENTICATED: cavv.AUTHENTICATED, Status.ATTEMPTED: cavv.ATTEMPTED}.get(status)
        if result is not None:
            challenge.value = await self._made(challenge, result + factor)
            status = status if challenge.value else Status.UNAVAILABLE
        challenge.status = status
        self.host.changed()

    async def _made(self, challenge: Challenge, results: str) -> str | None:
        """A CAVV that the card has not had; in the books before it is given away."""
        key, hsm = self.host.bank.keys.cavk or self.host.bank.keys.cvk, self.host.hsm
        if key is None or hsm is None:
            return None
        for _ in range(SEARCHES):
            number = f"{self._draw(10_000):04d}"
            fields = {"cvk": key, "pan": challenge.areq.pan, "expiry": number, "service_code": results}
            try:
                answer = await hsm.ask("CW", **fields)
            except HsmDown:
                return None
            if not answer.done:
                return None
            parts = cavv.Parts(number, results, answer.fields["cvv"])
            name = cavv.name(challenge.token, parts)
            if not self.host.store.authentications([name]):
                self._write_down(challenge, name)
                return cavv.write(parts)
        return None

    def _write_down(self, challenge: Challenge, name: str) -> None:
        shop, amount = challenge.areq.card_acceptor_id, challenge.amount
        made = Authentication(name, challenge.token, shop, amount, challenge.currency, self.host.moment().at)
        self.host.act(None, lambda book, moment: (made,))

    def _waiting_on(self, token: str) -> int:
        self._forget_old()
        return sum(one.token == token and one.is_open for one in self._challenges.values())

    def _forget_old(self) -> None:
        """They are in the order in which they began."""
        while self._challenges and next(iter(self._challenges.values())).began + LIFE_S <= self._now():
            self._challenges.popitem(last=False)


def _said(challenge: Challenge) -> dict[str, Any]:
    """What ARes and RRes share."""
    return {
        "server_id": challenge.areq.server_id,
        "acs_id": challenge.acs_id,
        "directory_id": challenge.directory_id,
        "status": challenge.status,
        "reason": challenge.reason,
        "indicator": indicator(challenge.status),
        "value": challenge.value,
    }
