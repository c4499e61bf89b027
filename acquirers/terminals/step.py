"""One thing that a tester does at a terminal, typed as words or written in a script (TOML). Pure.

    insert 9784300000000015 purchase 25.00 pin=right expect=00
    tap nbd/debit/1 purchase 30.00
    complete 20.00
    void

A card is its number, or bank/product/which of them. `pin` is what its holder does: right (as the bank's list has it),
wrong, none, or digits.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from protocols.network import NetworkError, explained, read_toml

WAYS: Final = ("insert", "tap", "swipe", "fallback", "type")
ASKED: Final = ("purchase", "cash", "balance", "refund", "preauth", "pin_change", "verify")
FOLLOWING: Final = ("complete", "void", "download")
WITHOUT_AMOUNT: Final = frozenset({"balance", "pin_change", "verify", "void", "download"})
RIGHT, WRONG, NONE = "right", "wrong", "none"
Decimal = Annotated[str, Field(pattern=r"^[0-9]{1,12}(\.[0-9]{1,4})?$")]
PinWord = Annotated[str, Field(pattern=r"^(right|wrong|none|[0-9]{4,12})$")]


class StepError(ValueError):
    """What was typed or written makes no sense; without what was typed."""


class Step(BaseModel):
    """What the tester wants."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    how: Literal["insert", "tap", "swipe", "fallback", "type"] | None = None
    card: str | None = Field(default=None, repr=False)
    do: Literal[
        "purchase", "cash", "balance", "refund", "preauth", "pin_change", "verify", "complete", "void", "download"
    ]
    amount: Decimal | None = None
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    pin: PinWord = Field(default=RIGHT, repr=False)
    new_pin: Annotated[str, Field(pattern=r"^[0-9]{4,12}$")] | None = Field(default=None, repr=False)
    cash: Decimal | None = None  # of a purchase: how much of the amount is handed out
    expect: str | None = None  # the response code, or a word of the outcome; a script that hears another fails

    def __str__(self) -> str:
        return " ".join(filter(None, (self.how, self.do, self.amount, self.currency)))


def of_words(line: str) -> Step:
    """A step as it is typed."""
    try:
        words = shlex.split(line)
    except ValueError:
        raise StepError("a quotation mark is missing") from None
    found: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if equals:
            found[name] = value
        elif word in WAYS:
            found["how"] = word
        elif word in ASKED or word in FOLLOWING:
            found["do"] = word
        elif "do" not in found:
            found["card"] = word
        elif word.isalpha():
            found["currency"] = word
        else:
            found["amount"] = word
    return _checked(found)


def _checked(found: dict[str, Any]) -> Step:
    try:
        step = Step.model_validate(found)
    except ValidationError as error:
        raise StepError("; ".join(explained("step", error))) from None
    if step.do in ASKED and (step.how is None or step.card is None):
        raise StepError(f"{step.do} needs a card and a way to read it: {', '.join(WAYS)}")
    if step.amount is None and step.do not in WITHOUT_AMOUNT:
        raise StepError(f"{step.do} needs an amount")
    if step.do == "pin_change" and step.new_pin is None:
        raise StepError("pin_change needs new_pin=DIGITS")
    return step


def load_script(path: Path) -> list[Step]:
    """The steps of a script; NetworkError lists every problem."""
    document = read_toml(path)
    entries = document.get("step", [])
    problems, steps = [], []
    for number, entry in enumerate(entries if isinstance(entries, list) else [], 1):
        try:
            steps.append(_checked(dict(entry)))
        except (StepError, TypeError, ValueError) as error:
            problems.append(f"{path.name}: step {number}: {error}")
    if problems or not steps:
        raise NetworkError(problems or [f"{path.name}: there is no [[step]]"])
    return steps


@dataclass(frozen=True, slots=True)
class KnownCard:
    """A test card as the banks list it."""

    issuer: str
    product: str
    pan: str = field(repr=False)
    expiry: str = field(repr=False)
    pin: str | None = field(default=None, repr=False)


class Deck:
    """The banks' test cards, found by number or by name."""

    def __init__(self, cards: Iterable[KnownCard]) -> None:
        self._cards = tuple(cards)

    @classmethod
    def of(cls, document: object) -> Deck:
        """From the list that `python -m issuers cards --json` prints."""
        rows = [row for row in document if isinstance(row, dict)] if isinstance(document, list) else []
        return cls(
            KnownCard(str(row["issuer"]), str(row["product"]), str(row["pan"]), str(row["expiry"]), row.get("pin"))
            for row in rows
        )

    def find(self, named: str) -> KnownCard:
        """`nbd/debit/2` is the second of them; StepError where there is none."""
        if "/" not in named:
            return next((one for one in self._cards if one.pan == named), KnownCard("", "", named, "2912"))
        issuer, product, number = (*named.split("/"), "1")[:3]
        fitting = [one for one in self._cards if (one.issuer, one.product) == (issuer, product)]
        if not number.isascii() or not number.isdigit() or not 0 < int(number) <= len(fitting):
            raise StepError(f"no bank lists a card {named}")
        return fitting[int(number) - 1]

    def names(self) -> Sequence[str]:
        """All names, in the order of the list."""
        counted: dict[str, int] = {}
        found = []
        for one in self._cards:
            name = f"{one.issuer}/{one.product}"
            counted[name] = counted.get(name, 0) + 1
            found.append(f"{name}/{counted[name]}")
        return found


def typed_pin(word: str, known: KnownCard) -> str | None:
    """What is typed at the pad: nothing, the holder's PIN, another, or these digits."""
    if word == NONE:
        return None
    if word == RIGHT:
        return known.pin
    if word == WRONG:
        return "9999" if known.pin != "9999" else "9998"
    return word
