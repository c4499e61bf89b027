"""P5 as a machine: any order of purchases, declines and reversals, against a model that only counts what is left.

The bank of this test believes whatever the switch tells it; what it then has must be what the model says, at every
step. `PROMISES=full` makes it five thousand examples of fifty steps.
"""

from __future__ import annotations

import itertools
import os

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule

from protocols import elements as de
from tests.switch.desk import PURCHASE, Desk

FULL = os.environ.get("PROMISES") == "full"
EXAMPLES, STEPS = (5000, 50) if FULL else (15, 20)

AMOUNTS = st.integers(100, 999)
TYPES = st.sampled_from(["0400", "0420"])


class Reversals(RuleBasedStateMachine):
    """A shop, the switch, a bank."""

    payments = Bundle("payments")
    unborn = Bundle("unborn")

    def __init__(self) -> None:
        super().__init__()
        self.numbers = itertools.count(1)
        self.left: dict[str, int] = {}  # the model: by DE 37, what stays taken
        self.bank: dict[str, int] = {}  # the bank: what it was told

    @initialize()
    def open(self) -> None:
        self.desk = Desk()
        self.issuer, self.shop = self.desk.issuer(), self.desk.gateway()

    # --- moves

    @rule(target=payments, amount=AMOUNTS, code=st.sampled_from(["00", "00", "00", "51"]))
    def buys(self, amount: int, code: str) -> dict[str, str | None]:
        asked = self._new(amount)
        self.desk.says(self.shop, "0100", **asked)
        self._bank_answers(code)
        assert self.desk.hears(self.shop).response_code == code
        self.left[asked["rrn"] or ""] = amount if code == "00" else 0
        return asked

    @rule(asked=payments)
    def repeats(self, asked: dict[str, str | None]) -> None:
        self.desk.says(self.shop, "0101", **asked)
        assert self.desk.silent(self.issuer)
        self.desk.hears(self.shop)

    @rule(asked=payments, mti=TYPES)
    def takes_all_back(self, asked: dict[str, str | None], mti: str) -> None:
        self._reverses(asked, mti)
        self.left[asked["rrn"] or ""] = 0

    @rule(asked=payments, mti=TYPES, share=st.floats(0.1, 0.9))
    def takes_some_back(self, asked: dict[str, str | None], mti: str, share: float) -> None:
        left = self.left[asked["rrn"] or ""]
        remains = max(1, int(left * share))
        if remains < left:
            self._reverses(asked, mti, remains)
            self.left[asked["rrn"] or ""] = remains

    @rule(asked=payments, mti=TYPES, share=st.floats(0.0, 1.0))
    def takes_back_less_than_was_taken_back_before(self, asked: dict[str, str | None], mti: str, share: float) -> None:
        left, whole = self.left[asked["rrn"] or ""], int(asked["amount"] or 0)
        if left:
            self._reverses(asked, mti, left + int((whole - left) * share))  # it stays as it is

    @rule(asked=payments, mti=TYPES)
    def takes_back_more_than_there_was(self, asked: dict[str, str | None], mti: str) -> None:
        self._reverses(asked, mti, int(asked["amount"] or 0) + 1)

    @rule(asked=payments, mti=TYPES)
    def says_the_same_reversal_twice(self, asked: dict[str, str | None], mti: str) -> None:
        stan = f"{next(self.numbers):06d}"
        first = self._reverses(asked, mti, stan=stan)
        assert self._reverses(asked, mti[:3] + "1", stan=stan) == first
        self.left[asked["rrn"] or ""] = 0

    @rule(target=unborn, amount=AMOUNTS)
    def takes_back_what_has_not_arrived(self, amount: int) -> dict[str, str | None]:
        asked = self._new(amount)
        self._reverses(asked, "0420")
        self.left[asked["rrn"] or ""] = 0
        return asked

    @rule(target=payments, asked=consumes(unborn))
    def what_was_taken_back_arrives(self, asked: dict[str, str | None]) -> object:
        self.desk.says(self.shop, "0100", **asked)
        assert self.desk.hears(self.shop).reason == "reversed.first"
        return multiple(asked)

    @rule()
    def the_switch_starts_anew(self) -> None:
        self.desk = self.desk.restarted()
        self.issuer, self.shop = self.desk.issuer(), self.desk.gateway()
        self._bank_answers()

    # --- what must be true

    @invariant()
    def the_bank_has_what_the_model_has(self) -> None:
        assert {rrn: amount for rrn, amount in self.bank.items() if amount} == {
            rrn: amount for rrn, amount in self.left.items() if amount
        }

    # --- hands

    def _new(self, amount: int) -> dict[str, str | None]:
        number = next(self.numbers)
        return {**PURCHASE, "stan": f"{number:06d}", "rrn": f"{number:012d}", "amount": f"{amount:012d}"}

    def _reverses(
        self, asked: dict[str, str | None], mti: str, remains: int | None = None, stan: str = ""
    ) -> str | None:
        changes: dict[str, str | None] = {"stan": stan or f"{next(self.numbers):06d}"}
        if remains is not None:
            changes["replacement_amounts"] = f"{remains:012d}" + "0" * 30
        self.desk.reverses(self.shop, asked, mti, **changes)
        self._bank_answers()
        return self.desk.hears(self.shop).response_code

    def _bank_answers(self, code: str = "00") -> None:
        while not self.desk.silent(self.issuer):
            message = self.desk.hears(self.issuer)
            if message.mti[1] == "4":
                told = message.get(de.REPLACEMENT_AMOUNTS)
                self.bank[message.rrn or ""] = int(told[:12]) if told else 0
                self.desk.answers(self.issuer, message, approval_code=None)
            else:
                self.bank[message.rrn or ""] = (message.amount or 0) if code == "00" else 0
                self.desk.answers(self.issuer, message, code)


TestP05ReversalsAreExact = Reversals.TestCase
TestP05ReversalsAreExact.settings = settings(max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None)
