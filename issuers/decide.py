"""What the bank answers to a request, decided in one synchronous stretch.

`authorize` looks at a fetched snapshot (`Book`) and returns a `Decision`: the response code, the
reason where it is not a plain approval, and the effects that make it true. Nothing is changed
here; the caller applies the effects at once, so nothing can come between looking and acting.
Pure: the moment comes in as an argument.

The checks stand in a fixed order, and the first that fails is the answer:

    card known 14 · lost 41 · stolen 43 · blocked, frozen 62 · expired or another expiry date 54 ·
    transaction type 12, 57 · channel 57 · virtual number 57, 62 · amount 13 · currency 12 · accounts of a
    transfer 14 · what an increase increases 25, 12 · velocity 65 · PIN missing 57, tries 75 · proofs missing 63 ·
    PIN 55, 75, 96 · proofs 63, N7 · authentication of another payment 63 · one payment 61 · card limit 61 ·
    day 61, 65 · cash of the day 61, 65 · funds 51

PIN and proofs stand before the limits, so that nobody learns about an account without them. A try is
counted, and on disk, before the HSM is asked; when the HSM cannot say, the try is given back.

Where a limit or the account bears only a part, and product and gateway take parts, the part is approved (10).

An authorization (0100) sets money aside, a financial request (0200) moves it; a refund moves it in
either. An authorization that names another (DE 90) increases it. Advices, completions and reversals
have files of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from issuers import chip_rules, proofs
from issuers.ask import Ask, Pin
from issuers.bank import Bank, Moment, Proof
from issuers.book import Authentication, Book, Booking, BookingState, Card, CardState, Effect, VirtualState, Way
from issuers.decision import (
    AVAILABLE_BALANCE,
    LEDGER_BALANCE,
    ORIGINAL_AMOUNT,
    Case,
    Decision,
    Kind,
    additional_amount,
    approval,
    case_of,
    charged,
    decline,
    exceeds_limit,
    fee_of,
    money,
    refused,
    spent_of,
    use_of,
)
from protocols import codes

PIN_TRIES: Final = 3  # the third wrong one is the last

Check = Callable[[Case], str | None]


def authorize(ask: Ask, book: Book, bank: Bank, moment: Moment) -> Decision:
    """A 0100 or 0200; on its second time round with what the HSM said about its PIN and its proofs."""
    earlier = book.bookings.get(ask.booking_key)
    if earlier is not None:
        return already_booked(ask, earlier)
    case = case_of(ask, book, bank, moment)
    refusal = _first(BEFORE_PIN, case) or _transfer_refusal(case, book)
    if refusal is None and not ask.all_asked and must_ask(case):
        return _ask(case)
    refusal = refusal or _first(FROM_PIN_ON, case)
    if refusal is None:
        return _approved(case)
    return _in_part(case, refusal) or _declined(case, refusal)


def already_booked(ask: Ask, earlier: Booking) -> Decision:
    """Its reversal, or its stand-in advice, was faster than the request; or its answer is no longer kept."""
    if earlier.is_tombstone:
        return refused("reversed.first")
    if earlier.advised and earlier.state is BookingState.APPROVED:
        return Decision(approval_code=earlier.approval_code)
    return refused("duplicate.old" if earlier.terminal_id == ask.terminal_id else "duplicate.differs")


def must_ask(case: Case) -> bool:
    """Whether there is anything that only the HSM can say."""
    return case.ask.pin is Pin.UNVERIFIED or bool(proofs.to_verify(case.ask, case.known_limits.product))


def _first(checks: tuple[Check, ...], case: Case) -> str | None:
    for check in checks:
        refusal = check(case)
        if refusal is not None:
            return refusal
    return None


# The checks: each says why not, or None


def card_refusal(case: Case) -> str | None:
    return "card.unknown" if case.card is None else _STATE_REFUSALS.get(case.card.state)


_STATE_REFUSALS: Final[Mapping[CardState, str]] = {
    CardState.LOST: "card.lost",
    CardState.STOLEN: "card.stolen",
    CardState.BLOCKED: "card.blocked",
    CardState.FROZEN: "card.frozen",
}


def expiry_refusal(case: Case) -> str | None:
    """A card is good to the last day of its month. What DE 14 says must be what is on the card."""
    expiry = case.virtual.expiry if case.virtual else case.known_card.expiry
    said = case.ask.expiry
    if expiry < case.moment.yymm:
        return "card.expired"
    return "expiry.differs" if said and said != expiry else None


def type_refusal(case: Case) -> str | None:
    if case.kind is None:
        return "type.unknown"
    types = case.known_limits.product.types
    word = codes.TRANSACTION_TYPES[case.ask.type]
    return None if types is None or word in types else f"type.{word}"


def channel_refusal(case: Case) -> str | None:
    """The bank's own opinion of the channel, where its product has one. A refund is no use of the card."""
    channels = case.known_limits.product.channels
    if channels is None or case.kind is not Kind.SPEND or case.ask.channel in channels:
        return None
    return case.ask.channel.refusal_slug


def virtual_refusal(case: Case) -> str | None:
    virtual = case.virtual
    if virtual is None or case.kind is not Kind.SPEND:
        return None
    if virtual.merchant and virtual.merchant != case.ask.card_acceptor_id:
        return "virtual.merchant"
    if case.is_increase:
        return "limit.exceeded" if virtual.amount is not None else None
    if virtual.state is not VirtualState.ACTIVE:
        return "virtual.used"
    return "limit.exceeded" if virtual.amount is not None and case.ask.amount > virtual.amount else None


def amount_refusal(case: Case) -> str | None:
    if case.moves_money and not case.ask.amount:
        return "amount.zero"
    return "cash_back.above_amount" if case.cash > case.ask.amount else None


def currency_refusal(case: Case) -> str | None:
    if not case.ask.currency:
        return "currency.unknown"
    differs = case.moves_money and case.ask.currency != case.known_account.currency
    return "currency.differs" if differs else None


def increase_refusal(case: Case) -> str | None:
    """DE 90 of an authorization names what it increases: one of this card's, still holding, in the same currency."""
    original = case.original
    if not case.is_increase:
        return None
    if original is None or original.card != case.known_card.token or original.way is not Way.HOLD:
        return "original.unknown"
    if original.state is not BookingState.APPROVED:
        return "original.reversed"
    if original.completed or original.captured:
        return "original.completed"
    if not original.amount:
        return "original.expired"
    return "currency.differs" if original.currency != case.ask.currency else None


def velocity_refusal(case: Case) -> str | None:
    """Too many tries in too short a time, whatever became of them; a refusal for this is no try."""
    product = case.known_limits.product
    if product.velocity_attempts is None or not case.moves_money:
        return None
    return "velocity.exceeded" if len(_recent(case)) >= product.velocity_attempts else None


def _recent(case: Case) -> list[str]:
    since = case.moment.second - 60 * case.known_limits.product.velocity_minutes
    return [at for at in case.known_card.attempts.split() if int(at) > since]


def pin_needed_refusal(case: Case) -> str | None:
    if case.kind is Kind.PIN_CHANGE:
        return None if case.ask.pin is not Pin.NONE and proofs.new_pin_block(case.ask) else "pin.missing"
    needs_pin = case.cash and case.known_limits.cash_needs_pin
    return "pin.missing" if needs_pin and case.ask.pin is Pin.NONE else None


def pin_tries_refusal(case: Case) -> str | None:
    """Before a try is counted. Tries that are at the HSM now have been counted, so no four are ever there."""
    if case.ask.pin is not Pin.UNVERIFIED:
        return None
    if case.known_card.pin_tries >= PIN_TRIES:
        return "pin.tries"
    by_offset = case.known_limits.product.pin == "offset"
    made = case.known_card.offset if by_offset else case.known_card.pvv
    return "hsm.down" if made is None else None  # the HSM has not been there to make one


def proof_missing_refusal(case: Case) -> str | None:
    return proofs.missing(case.ask, case.known_limits.product) if case.kind is Kind.SPEND else None


def pin_refusal(case: Case) -> str | None:
    if case.ask.pin is Pin.WRONG:
        return "pin.tries" if case.known_card.pin_tries >= PIN_TRIES else "pin.wrong"
    if case.kind is Kind.PIN_CHANGE and case.ask.made is None:
        return "hsm.down"  # it is right, and there is no new one
    return "hsm.down" if case.ask.pin is Pin.UNKNOWN else None


def proof_refusal(case: Case) -> str | None:
    return proofs.refusal(case.ask, case.known_card)


def chip_refusal(case: Case) -> str | None:
    """How the card was read and the holder verified. A refund is no use of the card."""
    return chip_rules.refusal(case.ask, case.known_limits) if case.kind is Kind.SPEND else None


def authentication_refusal(case: Case) -> str | None:
    """A CAVV that the HSM found right is good once, and for the payment that it was made for."""
    known, ask = case.authentication, case.ask
    if known is None or case.kind is not Kind.SPEND or ask.proved.get(Proof.CAVV) is not Pin.RIGHT or case.is_increase:
        return None
    if known.used_by:
        return "cavv.replayed"
    is_for_this = known.merchant == ask.card_acceptor_id and known.currency == ask.transaction_currency
    return None if is_for_this and ask.transaction_amount <= known.amount else "cavv.differs"


def payment_refusal(case: Case) -> str | None:
    """The most that one payment may be."""
    most = case.known_limits.per_transaction
    return "limit.exceeded" if case.kind is Kind.SPEND and most is not None and case.ask.amount > most else None


def limit_refusal(case: Case) -> str | None:
    """The card's limit, which some cards may exceed once."""
    card, limits = case.known_card, case.known_limits
    if not exceeds_limit(case):
        return None
    if card.overlimits < limits.overlimit_allowance:
        return None if _within_cap(case) else "limit.exceeded"
    return "overlimit.used" if limits.overlimit_allowance else "limit.exceeded"


def _within_cap(case: Case) -> bool:
    card, cap = case.known_card, case.known_limits.overlimit_cap
    return cap is None or spent_of(card) + case.ask.amount <= (card.limit or 0) + cap


def day_refusal(case: Case) -> str | None:
    """What may be spent in a day, and how often in a day and in a cycle."""
    card, limits = case.known_card, case.known_limits
    if case.kind is not Kind.SPEND:
        return None
    if limits.spend_per_day is not None and card.day_spent + case.ask.amount > limits.spend_per_day:
        return "limit.exceeded"
    if case.is_increase:
        return None
    counts = ((card.day_count, limits.product.payments_per_day), (card.cycle_count, limits.product.payments_per_cycle))
    return "count.exceeded" if any(most is not None and done >= most for done, most in counts) else None


def cash_refusal(case: Case) -> str | None:
    card, limits = case.known_card, case.known_limits
    if not case.cash:
        return None
    if limits.cash_per_day is not None and card.cash + case.cash > limits.cash_per_day:
        return "limit.exceeded"
    too_often = limits.withdrawals_per_day is not None and card.withdrawals >= limits.withdrawals_per_day
    return "count.exceeded" if case.is_cash and too_often else None


def funds_refusal(case: Case) -> str | None:
    if case.kind not in (Kind.SPEND, Kind.TRANSFER):
        return None
    needed = case.ask.amount + fee_of(case, case.ask.amount)
    return "funds" if needed > case.known_account.available else None


def _transfer_refusal(case: Case, book: Book) -> str | None:
    """DE 102 must be an account of the cardholder's, DE 103 one of this bank's in the same currency."""
    if case.kind is not Kind.TRANSFER or case.account is None:
        return None
    source, target = case.account, book.ledger.accounts.get(case.ask.target)
    if (case.ask.source and case.ask.source != source.id) or target is None or target.own or target.id == source.id:
        return "account.unknown"
    return "currency.differs" if target.currency != source.currency else None


BEFORE_PIN: Final[tuple[Check, ...]] = (
    card_refusal,
    expiry_refusal,
    type_refusal,
    channel_refusal,
    virtual_refusal,
    amount_refusal,
    currency_refusal,
    increase_refusal,
    velocity_refusal,
    pin_needed_refusal,
    pin_tries_refusal,
    proof_missing_refusal,
)
FROM_PIN_ON: Final[tuple[Check, ...]] = (
    pin_refusal,
    proof_refusal,
    chip_refusal,
    authentication_refusal,
    payment_refusal,
    limit_refusal,
    day_refusal,
    cash_refusal,
    funds_refusal,
)


# What follows from the checks


def _ask(case: Case) -> Decision:
    """The HSM is to be asked; a try of the PIN is counted before it is."""
    card = case.known_card
    counted = (replace(card, pin_tries=card.pin_tries + 1),) if case.ask.pin is Pin.UNVERIFIED else ()
    return Decision(effects=counted, ask_hsm=True)


def _declined(case: Case, slug: str) -> Decision:
    response_code = codes.reason(slug).response_code
    booking = decline(case, response_code, slug)
    card = () if case.card is None else (_tried(case, slug),)
    return Decision(response_code, slug, effects=(*card, booking))


def _approved(case: Case) -> Decision:
    if not case.moves_money:
        booking = approval(case)
        said = _balances(case) if case.kind is Kind.BALANCE else None
        effects: tuple[Effect, ...] = (_tried(case), booking)
        return Decision(approval_code=booking.approval_code, effects=effects, additional_amounts=said)
    sets_aside = case.ask.mti == "0100" and case.kind is Kind.SPEND
    booking = approval(case, Way.HOLD if sets_aside else Way.POST, use_of(case))
    return Decision(approval_code=booking.approval_code, effects=_booked(case, booking))


def _booked(case: Case, booking: Booking) -> tuple[Effect, ...]:
    card = charged(_tried(case), booking)
    return (*money(booking), card, *_used_up(case), *_authenticated(case, booking), *_prolonged(case, booking), booking)


def _used_up(case: Case) -> tuple[Effect, ...]:
    """A virtual number is for one payment; a refund to it, or an increase, is none."""
    if case.virtual is None or case.kind is not Kind.SPEND or case.is_increase:
        return ()
    return (replace(case.virtual, state=VirtualState.USED),)


def _authenticated(case: Case, booking: Booking) -> tuple[Effect, ...]:
    """The authentication has done its work. A decline leaves it good: the holder may try again."""
    ask = case.ask
    if case.kind is not Kind.SPEND or case.is_increase or ask.proved.get(Proof.CAVV) is not Pin.RIGHT:
        return ()
    known = case.authentication or Authentication(ask.authentication, ask.token, ask.card_acceptor_id, at=booking.at)
    return (replace(known, used_by=booking.key),)


def _prolonged(case: Case, booking: Booking) -> tuple[Effect, ...]:
    """What is increased holds as long as its increase."""
    if not case.is_increase or case.original is None or case.original.expires >= booking.expires:
        return ()
    return (replace(case.original, expires=booking.expires),)


# A part where the whole cannot be: for what has run out, not for what is forbidden
_RUN_OUT: Final = frozenset({"limit.exceeded", "overlimit.used", "funds"})


def _in_part(case: Case, slug: str) -> Decision | None:
    """DE 39 = 10: DE 4 says how much, DE 54 how much was asked for. None where no part can be approved."""
    ask = case.ask
    wanted = ask.accepts_partial and slug in _RUN_OUT and ask.type == codes.PURCHASE and not case.is_increase
    if not wanted or not case.known_limits.product.partial_approval or case.virtual is not None:
        return None
    transaction_amount = ask.transaction_amount * _room(case) // ask.amount
    amount = ask.amount * transaction_amount // ask.transaction_amount
    if amount <= 0 or day_refusal(case) == "count.exceeded":
        return None
    booking = approval(case, Way.HOLD if ask.mti == "0100" else Way.POST, use_of(case))
    part = replace(
        booking,
        amount=amount,
        approved=amount,
        agreed=amount,
        authorized=amount,
        spent=amount,
        overlimit=False,
        fee=fee_of(case, amount),
        response_code=codes.PARTIALLY_APPROVED,
    )
    asked = additional_amount(ask.account_type, ORIGINAL_AMOUNT, ask.transaction_currency, ask.transaction_amount)
    return Decision(
        codes.PARTIALLY_APPROVED,
        "partial",
        part.approval_code,
        _booked(case, part),
        amount=transaction_amount,
        billing_amount=amount if ask.rate else None,
        additional_amounts=asked,
    )


def _room(case: Case) -> int:
    """How much of the amount every limit and the account can bear."""
    card, limits, account = case.known_card, case.known_limits, case.known_account
    room = [case.ask.amount, account.available * 10_000 // (10_000 + (limits.foreign_fee_bp if case.ask.rate else 0))]
    if card.limit is not None:
        room.append(card.limit - spent_of(card))
    if limits.per_transaction is not None:
        room.append(limits.per_transaction)
    if limits.spend_per_day is not None:
        room.append(limits.spend_per_day - card.day_spent)
    return max(0, min(room))


def _tried(case: Case, slug: str = "") -> Card:
    """The card after this try: its PIN tries, and when it was tried."""
    card, tries = case.known_card, _tries_after(case.known_card, case.ask.pin)
    if tries != card.pin_tries:
        card = replace(card, pin_tries=tries)
    if case.kind is Kind.PIN_CHANGE and not slug and case.ask.made is not None:
        by_offset = case.known_limits.product.pin == "offset"
        card = replace(card, offset=case.ask.made) if by_offset else replace(card, pvv=case.ask.made)
    if (counter := proofs.chip_counter(case.ask)) is not None:
        card = replace(card, chip_counter=counter)
    product = case.known_limits.product
    if product.velocity_attempts is None or slug == "velocity.exceeded" or not case.moves_money:
        return card
    return replace(card, attempts=" ".join([*_recent(case), str(case.moment.second)][-product.velocity_attempts :]))


def _tries_after(card: Card, pin: Pin) -> int:
    """A right PIN clears the count of tries; when the HSM could not say, the try is given back."""
    if pin is Pin.RIGHT:
        return 0
    return max(0, card.pin_tries - 1) if pin is Pin.UNKNOWN else card.pin_tries


def _balances(case: Case) -> str:
    """DE 54: what is posted, and what may be spent, which a card's limit may make less."""
    card, account, account_type = case.known_card, case.known_account, case.ask.account_type
    available = account.available
    if card.limit is not None:
        available = min(available, max(0, card.limit - spent_of(card)))
    return "".join(
        (
            additional_amount(account_type, LEDGER_BALANCE, account.currency, account.posted),
            additional_amount(account_type, AVAILABLE_BALANCE, account.currency, available),
        )
    )
