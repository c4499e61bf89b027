"""Whatever a switch says, in whatever order and however often: one effect per transaction, and books that add up.

The model is the sum of the bookings. Held against it after every step: each account, each card's use
of its limit, and the answers, which for the same request are the same.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from datetime import timedelta
from itertools import count
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from issuers import teller
from issuers.accounts import HoldState, Posted, sums_by_currency
from issuers.ask import Ask, Tokens
from issuers.bank import load_bank
from issuers.book import Book, BookingState, Way
from issuers.desk import Desk
from issuers.expire import expired
from issuers.seed import seeds
from protocols import codes
from protocols import elements as de
from protocols.message import Message
from tests.issuers.branch import CREDIT, DIALECT, INTERNET_100, NOBODYS, NOON, Fields, Switch, frame_of, repeated

BANK = load_bank(None, "nbk")
TOKENS = Tokens(b"t" * 32)
amounts = st.sampled_from([1, 30_000, 60_000, 120_000, 700_000])
cards = st.sampled_from([INTERNET_100, CREDIT, CREDIT, NOBODYS])


class Conversation(RuleBasedStateMachine):
    """A switch that does everything a switch may do, and some things it may not."""

    requests = Bundle("requests")
    sent = Bundle("sent")

    @initialize()
    def begin(self) -> None:
        self.now = NOON
        self.switch = Switch(None, count(1))  # type: ignore[arg-type]
        self.desk = Desk(BANK, DIALECT, TOKENS)
        self.book = Book({}, {})
        self.book.apply(seeds(BANK, self.book, TOKENS, BANK.moment(self.now)))
        self.opened = {account.id: account.posted for account in self.book.ledger.accounts.values()}
        self.answers: dict[str, bytes] = {}
        self.credited: dict[str, int] = defaultdict(int)  # by the bank, for what is disputed

    def say(self, message: Fields) -> Message:
        ask = self.desk.read(frame_of(message))
        assert isinstance(ask, Ask)
        outcome = self.desk.answer(ask, self.book, BANK.moment(self.now))
        self.book.apply(outcome.effects)
        assert outcome.reply is not None
        assert self.answers.setdefault(ask.key, outcome.reply.frame) == outcome.reply.frame
        return DIALECT.decode(outcome.reply.frame)

    @rule(target=requests, card=cards, amount=amounts, mti=st.sampled_from(["0100", "0200"]))
    def purchase_is_made_up(self, card: str, amount: int, mti: str) -> Fields:
        """Not sent yet: its reversal or its advice may come first."""
        return self.switch.request(mti, card, amount)

    @rule(target=requests, card=cards, amount=amounts, mti=st.sampled_from(["0100", "0200"]))
    def refund_is_made_up(self, card: str, amount: int, mti: str) -> Fields:
        return self.switch.request(mti, card, amount, type="20")

    @rule(target=requests, card=cards, amount=amounts, mti=st.sampled_from(["0100", "0200"]))
    def purchase(self, card: str, amount: int, mti: str) -> Fields:
        request = self.switch.request(mti, card, amount)
        self.say(request)
        return request

    @rule(target=sent, request=requests)
    def send(self, request: Fields) -> Fields:
        self.say(request)
        return request

    @rule(message=sent)
    def repeat(self, message: Fields) -> None:
        self.say(repeated(message))

    @rule(target=sent, request=requests, mti=st.sampled_from(["0400", "0420"]))
    def reverse(self, request: Fields, mti: str) -> Fields:
        reversal = self.switch.reversal(request, mti)
        self.say(reversal)
        return reversal

    @rule(target=sent, request=requests, remaining=amounts)
    def reverse_in_part(self, request: Fields, remaining: int) -> Fields:
        reversal = self.switch.reversal(request, "0420", de95=f"{remaining:012d}".ljust(42, "0"))
        assert self.say(reversal).response_code == codes.APPROVED
        return reversal

    @rule(target=sent, request=requests, code=st.sampled_from(["00", "61"]))
    def advise(self, request: Fields, code: str) -> Fields:
        advice = self.switch.advice(request, "0120" if request["mti"] == "0100" else "0220", de39=code)
        assert self.say(advice).response_code == codes.APPROVED
        return advice

    @rule(target=sent, request=requests, amount=amounts)
    def complete(self, request: Fields, amount: int) -> Fields:
        completion = self.switch.reversal(request, "0220", de4=f"{amount:012d}")
        assert self.say(completion).response_code == codes.APPROVED
        return completion

    @rule(target=requests, request=requests, amount=amounts)
    def increase(self, request: Fields, amount: int) -> Fields:
        more = self.switch.request("0100", request[de.PAN], amount, de90=self.switch.reversal(request)[de.ORIGINAL])
        self.say(more)
        return more

    @rule(target=sent, request=requests, amount=amounts, part=st.sampled_from(["0102", "0202"]))
    def complete_in_parts(self, request: Fields, amount: int, part: str) -> Fields:
        told = self.switch.reversal(request, "0220", de4=f"{amount:012d}", de48=f"6204{part}")
        assert self.say(told).response_code == codes.APPROVED
        return told

    @rule(target=sent, completion=sent, mti=st.sampled_from(["0400", "0420"]))
    def take_a_message_back(self, completion: Fields, mti: str) -> Fields:
        """Whatever it was; a reversal of a reversal finds nothing to give back."""
        if completion["mti"] not in ("0220", "0120"):
            return completion
        reversal = self.switch.reversal(completion, mti)
        self.say(reversal)
        return reversal

    @rule(target=sent, card=cards, amount=amounts)
    def transfer(self, card: str, amount: int) -> Fields:
        request = self.switch.request("0200", card, amount, type="40", de103="nbk-3001")
        self.say(request)
        return request

    @rule(days=st.sampled_from([8, 31]))
    def holds_expire(self, days: int) -> None:
        """The store chooses which: those whose last day is past and that still hold something."""
        self.now += timedelta(days=days)
        today = BANK.moment(self.now).day
        late = [one for one in self.book.bookings.values() if one.held and one.expires < today]
        snapshot = Book(self.book.cards, self.book.ledger.accounts, late)
        self.book.apply(expired(snapshot))

    @rule(data=st.data())
    def the_holder_acts(self, data: st.DataObject) -> None:
        """Cancels a hold, disputes a payment, freezes and thaws; or is refused, and nothing has happened."""
        keys = [one.key for one in self.book.bookings.values() if one.card in self.book.cards]
        if not keys:
            return
        key, moment = data.draw(st.sampled_from(sorted(keys))), BANK.moment(self.now)
        act = data.draw(st.sampled_from(["cancel", "dispute", "freeze", "unfreeze"]))
        token = self.book.bookings[key].card
        with suppress(teller.TellerRefusedError):
            if act == "cancel":
                self.book.apply(teller.cancel_hold(self.book, moment, teller.BANK, key))
            elif act == "dispute":
                effects = teller.dispute(self.book, moment, teller.BANK, key, "not mine")
                self.book.apply(effects)
                for effect in effects:
                    if isinstance(effect, Posted):
                        self.credited[effect.entries[1].account] += effect.entries[1].amount
            else:
                self.book.apply(getattr(teller, act)(self.book, moment, teller.BANK, token))

    @rule(target=sent)
    def a_month_passes(self) -> Any:
        self.now += timedelta(days=31)
        return multiple()

    @invariant()
    def every_account_is_the_sum_of_its_bookings(self) -> None:
        expected = dict(self.opened)
        for booking in self.book.bookings.values():
            if booking.account and booking.way is not Way.NOTHING:
                expected[booking.account] += booking.sign * (booking.amount - booking.excess)
                if booking.target:
                    expected[booking.target] -= booking.sign * booking.amount
        for account, amount in self.credited.items():
            expected[account] += amount
        customers = [account for account in self.book.ledger.accounts.values() if account.id in BANK_ACCOUNTS]
        assert {one.id: one.balance for one in customers} == {one.id: expected[one.id] for one in customers}

    @invariant()
    def money_is_neither_made_nor_lost(self) -> None:
        posted = ((account.currency, account.posted) for account in self.book.ledger.accounts.values())
        assert not any(sums_by_currency(posted).values())

    @invariant()
    def a_hold_is_there_as_long_as_its_booking_needs_it(self) -> None:
        active = {hold.key: hold.amount for hold in self.book.ledger.holds.values() if hold.state is HoldState.ACTIVE}
        needed = {one.key: one.amount for one in self.book.bookings.values() if one.way is Way.HOLD and one.amount}
        assert active == needed

    @invariant()
    def a_card_has_used_what_its_bookings_use(self) -> None:
        for card in self.book.cards.values():
            if card.masked not in MASKED:
                continue
            mine = [booking for booking in self.book.bookings.values() if booking.card == card.token]
            assert card.spent == sum(booking.spent for booking in mine if booking.cycle == card.cycle)
            assert card.overlimits == sum(booking.overlimit for booking in mine) <= 1
            purchases = [one for one in mine if one.sign < 0 and one.way is not Way.NOTHING and not one.target]
            assert all(one.spent == one.amount - one.excess for one in purchases)

    @invariant()
    def what_was_reversed_costs_the_holder_nothing_with_all_that_completed_it(self) -> None:
        for booking in self.book.bookings.values():
            original = self.book.bookings.get(booking.original)
            if original is not None and original.state is BookingState.REVERSED and booking.is_completion:
                assert booking.amount == booking.excess

    @invariant()
    def what_is_not_approved_costs_nothing(self) -> None:
        for booking in self.book.bookings.values():
            assert 0 <= booking.amount <= booking.approved
            assert booking.state is BookingState.APPROVED or not booking.amount


BANK_ACCOUNTS = {account.id for account in BANK.accounts}
MASKED = {"941410******0017", "941420******0015"}

Conversation.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestConversation = Conversation.TestCase
