"""Asks the card's bank whether its holder is there (3-D Secure), before it is asked for money.

The directory, a table of the gateway's file, says which bank answers for which numbers, as a scheme's directory server
would. A bank that does not answer stops nobody: the payment goes out as not authenticated (07), and whether that is
enough is the bank's business. A card that waits for its holder waits in memory: its security code must not be
written down, so after a restart the buyer types it again.

What is sent and heard is `protocols.three_d_secure`'s; no part of it is logged.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar
from urllib.parse import urlencode

from pydantic import ValidationError

from acquirers.house import House
from acquirers.merchant import Merchant
from acquirers.store_api.desk import Card
from acquirers.store_api.models import Payment
from acquirers.web_client import NoAnswerError, WebAnswer
from protocols import subelements
from protocols.money import Amount
from protocols.three_d_secure import (
    REFUSED,
    VERSION,
    AReq,
    ARes,
    CReq,
    Result,
    RReq,
    RRes,
    Status,
    indicator,
    packed,
)

PATIENCE_S: Final = 5.0  # a buyer waits; a bank's rule is a look into its books, and one question to its HSM
WAITING_S: Final = 600.0  # as long as a bank keeps a challenge
WAITING_MAX: Final = 1000  # buyers at their banks at once; the oldest types the card again
SHOP_WIDTH: Final = 40  # of merchantName

_R = TypeVar("_R", bound=Result)
Post = Callable[[str, bytes, Mapping[str, str]], Awaitable[WebAnswer]]


@dataclass(frozen=True, slots=True)
class Server:
    """A bank's access control server, and the numbers that it answers for."""

    prefixes: tuple[str, ...]
    base_url: str  # without a slash at the end
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the bank has said, as DE 48 carries it."""

    status: Status
    value: str | None = field(default=None, repr=False)
    transaction: str | None = None  # of the directory

    @property
    def may_pay(self) -> bool:
        return self.status not in REFUSED

    @property
    def private_data(self) -> dict[str, str]:
        """DE 48.42, and 43 and 66 where there is something to prove it with."""
        said = {subelements.ELECTRONIC_COMMERCE_INDICATOR: indicator(self.status)}
        if self.value:
            said[subelements.AUTHENTICATION_VALUE] = self.value
            said[subelements.THREE_D_SECURE] = f"{VERSION}{self.transaction or ''}"
        return said


NOBODY_SAID: Final = Outcome(Status.UNAVAILABLE)


@dataclass(frozen=True, slots=True)
class Challenged:
    """A card whose holder the bank wants to ask first. Prints nothing of it."""

    card: Card = field(repr=False)
    store: bool
    server: Server = field(repr=False)
    server_id: str
    acs_id: str
    acs_url: str
    until: float

    @property
    def address(self) -> str:
        """Where the browser goes."""
        creq = CReq(server_id=self.server_id, acs_id=self.acs_id)
        return f"{self.acs_url}?{urlencode({'creq': packed(creq)})}"


class Authenticator:
    """One gateway's. `now` counts seconds, `new_id` gives a name that nobody guesses."""

    def __init__(
        self,
        house: House,
        servers: Iterable[Server],
        post: Post,
        now: Callable[[], float],
        new_id: Callable[[], str],
    ) -> None:
        self._house, self._servers = house, tuple(servers)
        self._post, self._now, self._new_id = post, now, new_id
        self._waiting: OrderedDict[str, Challenged] = OrderedDict()  # by payment
        self._asking: set[str] = set()

    @property
    def origins(self) -> tuple[str, ...]:
        """Where a form of the page may lead."""
        return tuple(dict.fromkeys(one.base_url for one in self._servers))

    def waits_for(self, payment: str) -> Challenged | None:
        """The card of a payment whose buyer is at the bank."""
        while self._waiting and next(iter(self._waiting.values())).until <= self._now():
            self._waiting.popitem(last=False)
        return self._waiting.get(payment)

    def is_asking(self, payment: str) -> bool:
        """Whether a bank is being asked just now, so that a second click asks nobody."""
        return payment in self._asking

    def forget(self, payment: str) -> None:
        self._waiting.pop(payment, None)

    async def begin(
        self, payment: Payment, merchant: Merchant, card: Card, *, store: bool, locale: str, back_url: str
    ) -> Outcome | Challenged:
        """Ask; an outcome at once, or the bank wants to see the holder."""
        server = self._server_of(card)
        if server is None:
            return NOBODY_SAID
        areq = self._areq(payment, merchant, card, locale, back_url)
        self._asking.add(payment.id)
        try:
            ares = await self._asked(server, "/acs/areq", areq.json_text, ARes)
        finally:
            self._asking.discard(payment.id)
        if ares is None or ares.server_id != areq.server_id:
            return NOBODY_SAID
        if ares.status is not Status.CHALLENGE:
            return _outcome(ares)
        if ares.acs_url is None or not ares.acs_url.startswith(f"{server.base_url}/"):
            return NOBODY_SAID  # the buyer is sent to the bank, and nowhere else
        until = self._now() + WAITING_S
        waiting = Challenged(card, store, server, ares.server_id, ares.acs_id, ares.acs_url, until)
        self._waiting.pop(payment.id, None)
        self._waiting[payment.id] = waiting
        if len(self._waiting) > WAITING_MAX:
            self._waiting.popitem(last=False)
        return waiting

    async def end(self, payment: str) -> tuple[Challenged, Outcome] | None:
        """The buyer is back: what the bank says, asked without the browser. None: nobody waits here any more."""
        waiting = self.waits_for(payment)
        if waiting is None:
            return None
        self.forget(payment)  # before anybody waits: once is once
        rreq = RReq(server_id=waiting.server_id, acs_id=waiting.acs_id)
        self._asking.add(payment)
        try:
            rres = await self._asked(waiting.server, "/acs/rreq", rreq.json_text, RRes)
        finally:
            self._asking.discard(payment)
        said_so = rres is not None and rres.server_id == waiting.server_id and rres.status is not Status.CHALLENGE
        return waiting, _outcome(rres) if rres is not None and said_so else NOBODY_SAID

    def _server_of(self, card: Card) -> Server | None:
        """Of the longest prefix."""
        digits = card.pan.clear()
        fitting = [(len(one), server) for server in self._servers for one in server.prefixes if digits.startswith(one)]
        return max(fitting, key=lambda found: found[0])[1] if fitting else None

    def _areq(self, payment: Payment, merchant: Merchant, card: Card, locale: str, back_url: str) -> AReq:
        amount = Amount.parse(payment.amount, payment.currency)
        seller = next((one.name for one in merchant.sub_merchant if one.id == payment.sub_merchant), None)
        return AReq(
            server_id=self._new_id(),
            pan=card.pan.clear(),
            expiry=card.expiry,
            amount=str(amount.minor),
            currency=amount.currency.number,
            acquirer_id=self._house.acquirer_of(merchant),
            card_acceptor_id=merchant.id,
            merchant_type=merchant.merchant_type,
            merchant_name=" · ".join(filter(None, (merchant.name, seller)))[:SHOP_WIDTH],
            language=locale,
            notification_url=back_url,
        )

    async def _asked(self, server: Server, path: str, body: str, answer: type[_R]) -> _R | None:
        headers = {"Authorization": f"Bearer {server.key}", "Content-Type": "application/json"}
        try:
            heard = await self._post(server.base_url + path, body.encode(), headers)
            return answer.model_validate_json(heard.body) if heard.status == 200 else None
        except (NoAnswerError, ValidationError):
            return None


def _outcome(result: Result) -> Outcome:
    return Outcome(result.status, result.value, result.directory_id)
