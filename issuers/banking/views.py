"""What the counter tells, as the pages show it. Pure: lines in, small values with words and figures out.

No page looks at a line of the counter itself, so this is the one place that decides what a holder sees.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any, Final

from issuers.access_control import Challenge
from issuers.banking.language import Language, figures

Line = Mapping[str, Any]

LATEST: Final = 5  # payments on the overview
NAME_WIDTH: Final = 25  # of DE 43: name 25, city 13, country 2
ACCEPTOR_WIDTH: Final = 38  # less than this and it is no DE 43 but an id


@dataclass(frozen=True, slots=True)
class Money:
    """An amount: its figures, the currency as people write it, and whether it comes or goes."""

    figures: str
    currency: str
    sign: int = 0

    def __str__(self) -> str:
        return f"{self.figures} {self.currency}"


@dataclass(frozen=True, slots=True)
class Account:
    id: str
    title: str
    currency: str
    balance: Money
    posted: Money
    held: Money
    available: Money
    is_blocked_by_holds: bool


@dataclass(frozen=True, slots=True)
class Number:
    """A one-time number, masked."""

    token: str
    ending: str
    merchant: str
    amount: Money | None
    state: str
    state_words: str
    made: str


@dataclass(frozen=True, slots=True)
class CardView:
    token: str
    ending: str
    title: str
    product: str
    account: str
    currency: str
    expiry: str
    state: str
    state_words: str
    limit_title: str
    limit: Money | None
    used: Money
    left: Money | None
    used_share: int  # percent of the limit, at most 100
    limits: tuple[tuple[str, Money, bool], ...]  # (as the form sends it, as people read it, whether it is this one)
    overlimit: str  # "", "free" or "used"
    numbers: tuple[Number, ...]

    @property
    def can_be_frozen(self) -> bool:
        return self.state == "active"


@dataclass(frozen=True, slots=True)
class Payment:
    key: str
    when: str
    shop: str
    place: str
    kind: str
    ending: str
    card: str
    state: str
    state_words: str
    amount: Money
    shop_amount: Money | None
    fee: Money | None
    approval_code: str
    rrn: str
    until: str
    reason: str
    overlimit: bool
    virtual: bool
    disputed: str
    can_cancel: bool
    can_dispute: bool


@dataclass(frozen=True, slots=True)
class Booked:
    """A line of the ledger."""

    when: str
    text: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Code:
    """A one-time code, and what it would confirm."""

    shop: str
    amount: Money
    ending: str
    when: str
    code: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Happening:
    when: str
    what: str
    about: str
    detail: str
    actor: str


@dataclass(frozen=True, slots=True)
class Eyes:
    """Through which a page is seen: a language, the bank's clock, the shops that the bank knows by name."""

    language: Language
    zone: tzinfo
    today: str  # YYMM
    shops: Mapping[str, str]

    def money(self, minor: int, code: str, *, signed: bool = False) -> Money:
        sign = (minor > 0) - (minor < 0)
        return Money(figures(minor, code, signed=signed), self.language.currency(code), sign)

    def accounts(self, lines: Iterable[Line], cards: Iterable[Line]) -> list[Account]:
        behind = {card["account"] for card in cards}
        return [self._account(line, line["id"] in behind) for line in lines]

    def _account(self, line: Line, has_card: bool) -> Account:
        kind = "credit_account" if line["credit_limit"] else "card_account" if has_card else "plain_account"

        def money(name: str) -> Money:
            return self.money(line[name], line["currency"])

        return Account(
            line["id"],
            self.language.words[f"account.{kind}"],
            line["currency"],
            money("balance"),
            money("posted"),
            money("held"),
            money("available"),
            bool(line["held"]),
        )

    def cards(self, lines: Iterable[Line]) -> list[CardView]:
        return [self.card(line) for line in lines]

    def card(self, line: Line) -> CardView:
        code, limit, spent = line["currency"], line["limit"], line["spent"]
        state = "expired" if line["expiry"] < self.today and line["state"] == "active" else line["state"]
        words = self.language.words
        return CardView(
            token=line["token"],
            ending=ending(line["masked"]),
            title=self.language.named("product", line["product"], line["title"]),
            product=line["product"],
            account=line["account"],
            currency=code,
            expiry=f"{line['expiry'][2:]}/{line['expiry'][:2]}",
            state=state,
            state_words=self.language.named("card_state", state),
            limit_title=words.get(f"card.limit.{line['cycle']}", words["card.limit"]),
            limit=None if limit is None else self.money(limit, code),
            used=self.money(spent, code),
            left=None if limit is None else self.money(line["left"], code),
            used_share=min(100, 100 * spent // limit) if limit else 0,
            limits=tuple(
                (figures(one, code).replace(",", ""), self.money(one, code), one == limit)
                for one in line["limits_offered"]
            ),
            overlimit="" if not line["overlimit_allowed"] else self._overlimit(line),
            numbers=tuple(self._number(one, code) for one in reversed(line["virtual_numbers"])),
        )

    @staticmethod
    def _overlimit(line: Line) -> str:
        return "used" if line["overlimit_used"] >= line["overlimit_allowed"] else "free"

    def _number(self, line: Line, code: str) -> Number:
        state = str(line["state"])
        words = self.language.words
        return Number(
            line["token"],
            ending(line["masked"]),
            self.shops.get(line["merchant"], line["merchant"]) or words["number.any_merchant"],
            None if line["amount"] is None else self.money(line["amount"], code),
            state,
            words["number.over"] if state == "ended" else words[f"number.{state}"],
            self.language.moment(line["at"], self.zone),
        )

    def payments(self, lines: Iterable[Line], card: str = "") -> list[Payment]:
        """All of them, or those of one card."""
        return [self.payment(line) for line in lines if card in ("", line["card"])]

    def payment(self, line: Line) -> Payment:
        code, state, shop = line["currency"], line["state"], line["merchant"]
        declined = state == "declined"
        name, place = acceptor(shop)
        asked, asked_in = line["transaction_amount"], line["transaction_currency"]
        # What was declined moved nothing; what was asked for says more than a zero.
        amount = self._asked(asked, asked_in) if declined else None
        return Payment(
            key=line["key"],
            when=self.language.moment(line["at"], self.zone),
            shop=self.shops.get(name, name),
            place=place,
            kind=self.language.named("type", line["type"]),
            ending=ending(line["masked"]),
            card=line["card"],
            state=state,
            state_words=self.language.named("state", state),
            amount=amount or self.money(line["amount"], code, signed=True),
            shop_amount=self._asked(asked, asked_in) if asked_in not in ("", code) and not declined else None,
            fee=self.money(line["fee"], code) if line["fee"] else None,
            approval_code=line["approval_code"],
            rrn=line["rrn"],
            until=self.language.day(line["expires"]),
            reason=self.language.reason(line["reason"], line["reason_text"]) if declined else "",
            overlimit=line["overlimit"],
            virtual=line["virtual"],
            disputed=line["disputed"],
            can_cancel=bool(line["held"]),
            can_dispute=state in ("held", "posted") and line["amount"] < 0 and not line["disputed"],
        )

    def _asked(self, amount: int, code: str) -> Money | None:
        return self.money(amount, code) if amount and code else None

    def entries(self, lines: Iterable[Line], code: str) -> list[Booked]:
        return [
            Booked(
                self.language.moment(line["at"], self.zone),
                self._entry(line["key"], line["text"]),
                self.money(line["amount"], code, signed=True),
            )
            for line in lines
        ]

    def _entry(self, key: str, text: str) -> str:
        """Our own bookings in the reader's language; a shop by its name."""
        words = self.language.words
        if key.startswith("own/") and text.startswith("payment of card"):
            return f"{words['entry.card_paid']} {text[-4:]}"
        if key.startswith("own/"):
            return words["entry.transfer"] if text == "own transfer" else text
        family = "entry." + key.partition("/")[0]
        return words.get(family) or (words["entry.opening"] if "opening" in text else acceptor(text)[0])

    def codes(self, challenges: Iterable[Challenge]) -> list[Code]:
        return [
            Code(
                one.areq.merchant_name,
                self.money(one.amount, one.currency),
                one.ending,
                self.language.moment(one.at, self.zone),
                one.code,
            )
            for one in challenges
        ]

    def happenings(self, lines: Iterable[Line], cards: Iterable[Line]) -> list[Happening]:
        """What was done to cards and accounts; kinds that we have no words for are the bank's own business."""
        masked = {card["token"]: ending(card["masked"]) for card in cards}
        code = next((card["currency"] for card in cards), "KWD")
        words = self.language.words
        return [
            Happening(
                self.language.moment(line["at"], self.zone),
                words[f"event.{line['kind']}"],
                f"•••• {masked[line['subject']]}" if line["subject"] in masked else line["subject"],
                self._detail(line["kind"], line["text"], code),
                words[f"actor.{'holder' if line['actor'] == 'holder' else 'bank'}"],
            )
            for line in lines
            if f"event.{line['kind']}" in words
        ]

    def _detail(self, kind: str, text: str, code: str) -> str:
        shown = _DETAILS.get(kind)
        return shown(self, text, code) if shown else ""

    def amounts(self, text: str, code: str) -> str:
        """`100000 to 200000` as `100.000 → 200.000 KWD`."""
        found = re.findall(r"\b[0-9]+\b", text)
        if not found:
            return ""
        return " → ".join(figures(int(one), code) for one in found) + f" {self.language.currency(code)}"

    def moved(self, text: str, code: str) -> str:
        """`12000 KWD to nbk-1002` as `12.000 KWD → nbk-1002`."""
        match = re.fullmatch(r"([0-9]+) ([A-Z]{3}) to (.+)", text)
        return f"{self.money(int(match[1]), match[2])} → {match[3]}" if match else ""


_DETAILS: Mapping[str, Callable[[Eyes, str, str], str]] = {
    "limit.set": Eyes.amounts,
    "card.paid": Eyes.amounts,
    "transfer": Eyes.moved,
}


def ending(masked: str) -> str:
    """What is shown of a card number.

    >>> ending("941410******0017")
    '0017'
    """
    return masked[-4:]


def acceptor(text: str) -> tuple[str, str]:
    """Name and place out of DE 43; of anything else, the whole.

    >>> acceptor("uaemall.com              Dubai        AE"), acceptor("UAEMALL00000001")
    (('uaemall.com', 'Dubai AE'), ('UAEMALL00000001', ''))
    """
    if len(text) < ACCEPTOR_WIDTH:
        return text, ""
    return text[:NAME_WIDTH].strip(), " ".join(text[NAME_WIDTH:].split())
