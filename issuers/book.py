"""What a bank knows: its cards, its bookings, the answers it has given, and the ledger under them.

A `Book` is a snapshot, fetched for one batch of requests. Decisions look at it and return
effects; `apply` carries them out on the snapshot, so that the next request of the batch sees
them, and `store` writes the same effects down. Between looking and acting nobody waits.

The card number itself is in none of these: a card is known by a token (`ask.Tokens`).
Pure; no decision is made here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from issuers.accounts import Account, Hold, Ledger, LedgerEffect, LedgerError


class CardState(StrEnum):
    """Whether the bank lets a card be used, and if not, why."""

    ACTIVE = "active"
    BLOCKED = "blocked"
    FROZEN = "frozen"  # by the holder, who may thaw it
    LOST = "lost"
    STOLEN = "stolen"


@dataclass(frozen=True, slots=True)
class Card:
    """A card as it stands. Amounts in minor units of its account's currency."""

    token: str
    masked: str
    product: str
    account: str
    expiry: str  # YYMM, as on the card and in DE 14
    state: CardState = CardState.ACTIVE
    limit: int | None = None  # what may be spent in a cycle; None: what the account can bear
    cycle: str = ""  # the cycle that `spent` belongs to
    spent: int = 0
    overlimits: int = 0  # how often the limit has been exceeded by permission
    day: str = ""  # the day that `cash` and `withdrawals` belong to
    cash: int = 0
    withdrawals: int = 0
    pin_tries: int = 0  # counted before the HSM is asked
    pvv: str | None = field(default=None, repr=False)  # PIN verification value; the PIN itself is nowhere
    offset: str | None = field(default=None, repr=False)  # the IBM offset, where the product goes by that
    day_spent: int = 0  # purchases of the day, of all kinds
    day_count: int = 0
    cycle_count: int = 0
    attempts: str = ""  # when it was last tried, seconds, the newest last; as many as the velocity rule looks at
    chip_counter: int = -1  # the last ATC of a right cryptogram; none is accepted twice


class BookingState(StrEnum):
    """How an original transaction stands."""

    APPROVED = "approved"
    REVERSED = "reversed"
    DECLINED = "declined"


class Way(StrEnum):
    """What an approval did to the account."""

    NOTHING = "nothing"  # an inquiry, a verification, or a bank that keeps no accounts
    HOLD = "hold"  # dual message: money set aside
    POST = "post"  # single message: money moved


@dataclass(frozen=True, slots=True)
class Booking:
    """One original transaction in the bank's books, under the key that switch and bank share.

    `amount` is its net effect now: nothing once it is declined or wholly reversed. What else it
    has used up (limit, allowance, cash of the day) stands beside it, because a reversal gives it back.
    """

    key: str
    state: BookingState
    currency: str = ""  # the cardholder's
    amount: int = 0
    approved: int = 0  # the net effect at first
    type: str = ""  # first two digits of the processing code
    way: Way = Way.NOTHING
    sign: int = -1  # of the effect on the account: a refund has +1
    card: str = ""  # token
    account: str = ""
    transaction_amount: int = 0  # DE 4
    transaction_currency: str = ""
    rate: str = ""  # DE 10, when the transaction was converted
    cycle: str = ""
    spent: int = 0  # of the card's limit in that cycle; negative for a refund
    overlimit: bool = False
    day: str = ""
    cash: int = 0
    withdrawals: int = 0
    response_code: str = ""
    reason: str = ""
    approval_code: str = ""
    advised: bool = False  # a stand-in advice has been posted for it
    terminal_id: str = ""
    merchant: str = ""
    rrn: str = ""
    at: str = ""  # when it was decided, UTC
    is_tombstone: bool = False  # a reversal came and its original has not: it never may
    agreed: int = 0  # what it is worth to switch and bank alike; expiry is the bank's own business
    authorized: int = 0  # what may be completed of it
    original: str = ""  # the authorization that this completes or increases
    captured: int = 0  # of an authorization: what completions have posted
    completed: bool = False  # the last completion has come
    excess: int = 0  # of a completion: what was never authorized; the bank has paid, the holder has not
    fee: int = 0  # beside the amount, for the bank
    target: str = ""  # the account that a transfer arrives on
    count: int = 0  # of the card's payments of the day and the cycle
    expires: str = ""  # the day after which its hold ends
    virtual: str = ""  # token of the virtual number it was paid with
    disputed: str = ""  # the holder's reason for disputing it

    @property
    def is_completion(self) -> bool:
        """Whether it is a part of an authorization's life; to the network the two are one transaction."""
        return bool(self.original) and self.way is not Way.HOLD

    @property
    def held(self) -> int:
        """What its hold holds: the amount, and the fee that will come with it."""
        return self.amount + self.fee if self.way is Way.HOLD and self.amount else 0


@dataclass(frozen=True, slots=True)
class Given:
    """An answer as it was given, for whoever asks the same again.

    `fingerprint` tells the same request from another one under the same key.
    `answer` holds the elements that the bank added to what it echoed.
    """

    key: str
    fingerprint: str
    answer: dict[int, str]
    at: str = ""
    booking: str = ""  # of the transaction it is about


class VirtualState(StrEnum):
    ACTIVE = "active"
    USED = "used"
    ENDED = "ended"  # by the holder


@dataclass(frozen=True, slots=True)
class Virtual:
    """A number that stands for a card once: for one shop, or up to an amount, or both."""

    token: str
    masked: str
    card: str  # token of the card it stands for
    expiry: str
    merchant: str = ""  # card acceptor id; empty: any
    amount: int | None = None  # the most it may be charged
    state: VirtualState = VirtualState.ACTIVE
    at: str = ""


@dataclass(frozen=True, slots=True)
class Authentication:
    """The holder was authenticated for a payment on the internet; its CAVV is good once. Amounts as the shop has them.

    One that another access control server made under the bank's key is known only from its use, and bound to nothing.
    """

    key: str  # of the card and the digits that the CAVV proves, so that changing the others gains nothing
    card: str  # token
    merchant: str = ""  # card acceptor id
    amount: int = 0
    currency: str = ""
    at: str = ""
    used_by: str = ""  # key of the booking that was approved with it


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened and moved no money: who did what to which card or account, and when."""

    at: str
    kind: str  # `card.frozen`, `limit.set`, `capture.above_hold` …
    subject: str  # a card's token, an account, or a booking's key
    text: str = ""
    actor: str = "bank"


@dataclass(frozen=True, slots=True)
class Calendar:
    """How far the bank's own time is ahead: days and cycles that were closed by hand."""

    id: str = "bank"
    days: int = 0
    cycles: int = 0


Effect = LedgerEffect | Account | Card | Booking | Given | Virtual | Authentication | Event | Calendar


class Book:
    """A snapshot of all that a batch of requests touches. Cards and accounts are shared, the rest is its own."""

    def __init__(
        self,
        cards: dict[str, Card],
        accounts: dict[str, Account],
        bookings: Iterable[Booking] = (),
        holds: Iterable[Hold] = (),
        given: Iterable[Given] = (),
        virtuals: dict[str, Virtual] | None = None,
        calendar: Calendar | None = None,
        authentications: Iterable[Authentication] = (),
    ) -> None:
        self.cards = cards
        self.ledger = Ledger(accounts, holds)
        self.bookings = {booking.key: booking for booking in bookings}
        self.given = {answer.key: answer for answer in given}
        self.virtuals = {} if virtuals is None else virtuals
        self.calendar = calendar or Calendar()
        self.authentications = {one.key: one for one in authentications}

    def apply(self, effects: Iterable[Effect]) -> None:
        """Carry out what was decided; each effect wholly or not at all."""
        for effect in effects:
            match effect:
                case Booking():
                    self.bookings[effect.key] = effect
                case Card():
                    self._replace_card(effect)
                case Given():
                    self.given[effect.key] = effect
                case Account():
                    self.ledger.open(effect)
                case Virtual():
                    self.virtuals[effect.token] = effect
                case Calendar():
                    self.calendar = effect
                case Authentication():
                    self.authentications[effect.key] = effect
                case Event():
                    pass  # nothing is decided by it
                case _:
                    self.ledger.apply(effect)

    def family(self, original: Booking) -> list[Booking]:
        """An authorization and its increases, the oldest first; each has a hold of its own."""
        return [original, *(one for one in self.bookings.values() if self._increases(one, original))]

    def completions(self, original: Booking) -> list[Booking]:
        """What was posted from it."""
        return [one for one in self.bookings.values() if one.original == original.key and one.is_completion]

    @staticmethod
    def _increases(booking: Booking, original: Booking) -> bool:
        return booking.original == original.key and booking.way is Way.HOLD

    def original_of(self, key: str | None) -> Booking | None:
        """What DE 90 names; an increase leads to the authorization that it increases."""
        found = self.bookings.get(key or "")
        if found is not None and found.original and found.way is Way.HOLD:
            return self.bookings.get(found.original, found)
        return found

    def _replace_card(self, card: Card) -> None:
        if card.account and card.account not in self.ledger.accounts:
            raise LedgerError(f"card {card.masked} has no account {card.account}")
        self.cards[card.token] = card


def without_usage(card: Card, *, cycle: str, day: str, per_cycle: bool) -> Card:
    """The card with counters of a past cycle or day put back to nothing.

    `per_cycle`: the allowance to exceed the limit also starts anew with the cycle.
    """
    if card.cycle != cycle:
        kept = 0 if per_cycle else card.overlimits
        card = replace(card, cycle=cycle, spent=0, cycle_count=0, overlimits=kept)
    if card.day != day:
        card = replace(card, day=day, cash=0, withdrawals=0, day_spent=0, day_count=0)
    return card
