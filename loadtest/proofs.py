"""What customers prove themselves with: a PIN block for each card, chip data for each visit, made before the run.

The plan and its draws are known ahead, so what the n-th visit will say is known too: who comes is drawn once for this
and once more when it happens. The hot loop then only looks up what it puts into a template. In closed mode nobody
knows who comes; there every card's PIN block is made ahead, and chip data as they are wanted. Pure: PIN blocks come in
(`shell/pin_blocks` asks the HSM for them).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from loadtest.chance import Chance
from loadtest.chip import Chip
from loadtest.chip_counters import ChipCounters
from loadtest.customers import Card, Customers
from loadtest.flow import Program, Send
from loadtest.plan import Plan
from loadtest.scenario import Security
from loadtest.usage import UsageError
from protocols import elements as de

PIN_BLOCK, ICC_DATA, CARD_SEQUENCE = "pin_block", "icc_data", "card_sequence"
CARDS_MAX: Final = 100_000  # of closed mode, where all of them are asked for


@dataclass(frozen=True, slots=True)
class Wish:
    """What a flow asks for, and what the chip signs there."""

    pin: bool
    chip: bool
    kind: str  # the transaction type, DE 3
    amount: str | None  # where it is a constant


def wish_of(program: Program, security: Security) -> Wish | None:
    """What is to be made ahead for a flow, as far as the scenario can; None: nothing."""
    for step in program.steps:
        if not isinstance(step, Send):
            continue
        said = step.by_number
        pin = security.pin is not None and said.get(de.PIN_BLOCK) == f"${PIN_BLOCK}"
        chip = security.chip is not None and said.get(de.ICC_DATA) == f"${ICC_DATA}"
        if pin or chip:
            amount = said.get(de.AMOUNT, "0" * 12)
            return Wish(pin, chip, said.get(de.PROCESSING_CODE, "00")[:2], None if amount == "$amount" else amount)
    return None


class Proofs:
    """Made ahead with `foresee`; asked for each visit as it begins."""

    def __init__(
        self, security: Security, programs: Sequence[Program], counters: ChipCounters, chance: Chance, day: str
    ) -> None:
        """`programs` in the order of the plan's names; `day`: YYMMDD of the terminals."""
        self._wishes = [wish_of(program, security) for program in programs]
        self._by_name = {program.name: wish for program, wish in zip(programs, self._wishes, strict=True) if wish}
        chip = security.chip
        self._chip = Chip(chip.mk_ac, chip.sequence, chip.scheme, chip.country.rjust(4, "0")) if chip else None
        self._usual = security.pin.usual if security.pin else ""
        self._counters, self._chance, self._day = counters, chance, day
        self._visit = 0
        self._chip_data: dict[int, str] = {}
        self._blocks: Mapping[str, str] = {}

    @property
    def is_wanted(self) -> bool:
        """Whether any flow asks for anything."""
        return bool(self._by_name)

    def foresee(self, plan: Plan, customers: Customers) -> dict[str, str]:
        """Make all chip data of a plan; PAN -> PIN of whoever will enter one. `customers`: as they will be drawn."""
        pins: dict[str, str] = {}
        for number, flow in enumerate(plan.flows):
            values, card = customers.visit()
            wish = self._wishes[flow]
            if wish is None:
                continue
            if wish.pin:
                pins[card.pan] = card.pin or self._usual
            if wish.chip:
                self._chip_data[number] = self._icc_data(wish, values, card)
        if not len(plan) and any(wish is not None and wish.pin for wish in self._wishes):
            if customers.cards > CARDS_MAX:
                raise UsageError(f"closed load with PINs may have {CARDS_MAX} cards: all are asked for before the run")
            pins = {card.pan: card.pin or self._usual for card in customers.mine()}
        return pins

    def learn(self, blocks: Mapping[str, str]) -> None:
        """PAN -> PIN block, from the HSM."""
        self._blocks = blocks

    def add(self, program: str, values: dict[str, str], card: Card) -> None:
        """To the values of the visit that begins now."""
        number, wish = self._visit, self._by_name.get(program)
        self._visit += 1
        if wish is None:
            return
        if wish.pin:
            values[PIN_BLOCK] = self._blocks[card.pan]
        if wish.chip and self._chip is not None:
            values[CARD_SEQUENCE] = f"0{self._chip.sequence}"
            values[ICC_DATA] = self._chip_data.pop(number, "") or self._icc_data(wish, values, card)

    def _icc_data(self, wish: Wish, values: Mapping[str, str], card: Card) -> str:
        assert self._chip is not None
        unpredictable = self._chance.randrange(0, 1 << 32).to_bytes(4, "big")
        asked = (wish.amount or values["amount"], values["currency"], wish.kind)
        counter = self._counters.next(card.number)
        return self._chip.data(card.pan, counter, unpredictable, self._day, asked, has_pin=wish.pin)
