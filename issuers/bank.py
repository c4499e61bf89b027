"""What a bank is: one TOML file each in `banks/`, read whole, every problem of it told at once.

A bank has a port, keys under the HSM's LMK, products with their limits, and (to begin with)
accounts and cards. The sandbox is a bank too: it keeps no accounts and goes by a table of
amounts. What a bank knows once it is running is `book`; how it decides is `decide`.

Amounts in the file are text with the currency's decimals ("100.000" of KWD); from here on they
are minor units.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from issuers.amounts import AmountRule
from issuers.book import Calendar, CardState
from issuers.script import Script
from protocols import codes, network
from protocols.channel import Channel
from protocols.money import Amount
from protocols.network import NetworkError, called, explained, read_toml
from protocols.pan import Pan
from protocols.participant import SignOn

_NOT_AHEAD = Calendar()


class Proof(StrEnum):
    """What shows that card and holder are genuine, and the HSM can verify."""

    CVV = "cvv"  # of the magnetic stripe
    ICVV = "icvv"  # of the chip's copy of it
    CVV2 = "cvv2"  # from the back of the card
    CAVV = "cavv"  # of the holder's authentication on the internet
    ARQC = "arqc"  # the chip's cryptogram


class _Read(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _card_number(digits: str) -> str:
    """The message never repeats the digits: not every mistyped number is a test card."""
    try:
        pan = Pan(digits)
    except ValueError as error:
        raise ValueError(str(error)) from None
    if not pan.passes_luhn:
        raise ValueError(f"{pan.masked}: the check digit is wrong")
    return digits


Money = Annotated[str, Field(pattern=r"^[0-9]{1,12}(\.[0-9]{1,4})?$")]
CardNumber = Annotated[str, AfterValidator(_card_number), Field(repr=False)]
CurrencyCode = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
LmkKey = Annotated[str, Field(pattern=r"^(U[0-9A-F]{32}|[0-9A-F]{32})$")]


class AuthenticationRule(_Read):
    """How a product's holders are authenticated on the internet (3-D Secure)."""

    challenge_from: Mapping[CurrencyCode, Money] = {}  # by the shop's currency; in any other always
    challenge_at_new_shops: bool = True  # where the card has not paid with the holder authenticated


class AccessControlFile(_Read):
    """The bank's access control server, on the port of online banking."""

    requestors: Mapping[str, Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]]  # gateway to SHA-256 of its key


class Product(_Read):
    """What all cards of one kind have in common."""

    title: str
    prefix: Annotated[str, Field(pattern=r"^[0-9]{1,11}$")]
    cycle: Literal["day", "month", "year"] = "month"  # how long a card's limit lasts before it starts anew
    limits_offered: tuple[Money, ...] = ()  # which limits the holder may choose
    overlimit_allowance: Annotated[int, Field(ge=0)] = 0  # how often the limit may be exceeded
    overlimit_per: Literal["card", "cycle"] = "card"  # whether that is in the card's life or in each cycle
    overlimit_cap: Money | None = None  # how far above the limit even then; none: as far as the account goes
    cash_per_day: Money | None = None
    withdrawals_per_day: Annotated[int, Field(gt=0)] | None = None
    cash_needs_pin: bool = False
    channels: frozenset[Channel] | None = None  # none: as the network's product rules say
    types: frozenset[str] | None = None  # words of the table of transaction types; none: all that there are
    per_transaction: Money | None = None  # the most that one payment may be
    spend_per_day: Money | None = None
    payments_per_day: Annotated[int, Field(gt=0)] | None = None
    payments_per_cycle: Annotated[int, Field(gt=0)] | None = None
    velocity_attempts: Annotated[int, Field(gt=0, le=50)] | None = None  # so many tries, approved or not ...
    velocity_minutes: Annotated[int, Field(gt=0, le=1440)] = 10  # ... in so many minutes
    partial_approval: bool = False  # whether a part is approved where the whole cannot be, to who takes parts
    hold_days: Annotated[int, Field(gt=0, le=365)] = 7  # an authorization nobody completes
    preauthorization_days: Annotated[int, Field(gt=0, le=365)] = 30  # the same where DE 25 says pre-authorization
    capture_tolerance_percent: Annotated[int, Field(ge=0, le=100)] = 0  # above what was authorized
    cash_fee: Money | None = None
    foreign_fee_percent: Annotated[str, Field(pattern=r"^[0-9]{1,2}(\.[0-9]{1,2})?$")] | None = None
    fallback: bool = True  # whether the stripe of a card may be read whose chip was not
    tap_without_pin: Money | None = None  # a tap above it must bring a PIN; none: as the network's product rules say
    #: Terminal verification results that are refused, bit by bit: offline authentication failed, card on a list of
    #: exceptions (first byte); holder verification failed (third).
    refused_results: Annotated[str, Field(pattern=r"^[0-9A-F]{10}$")] = "5C00800000"
    chip: Literal["vis", "mchip"] = "vis"  # how its chips make cryptograms (VIS: version 10)
    pin: Literal["pvv", "offset", "none"] = "pvv"  # how a PIN is verified; none: it is not looked at
    verify: frozenset[Proof] = frozenset()  # what else the HSM verifies, where a request carries it
    demands: frozenset[Proof] = frozenset()  # and what an e-commerce or chip payment must carry
    authentication: AuthenticationRule | None = None  # none: its cards do not take part in 3-D Secure


class AccountFile(_Read):
    """A customer's account as it is opened."""

    id: str
    holder: str
    opening: Money = "0"
    credit_limit: Money = "0"
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None  # none: the bank's


class HolderFile(_Read):
    """How a holder of accounts signs in to online banking. `python -m issuers.banking.sign_in` makes the hash."""

    user: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,39}$")]
    holder: str  # as on the accounts
    password: Annotated[str, Field(pattern=r"^\$argon2id\$", repr=False)]  # its hash


class CardFile(_Read):
    """A card as it is first issued. The PIN stands here because these cards are nobody's; no book keeps it."""

    pan: CardNumber
    product: str
    account: str
    note: str  # what it is for, told by `payswitch cards`
    expiry: Annotated[str, Field(pattern=r"^[0-9]{2}(0[1-9]|1[0-2])$")] = "2912"
    pin: Annotated[str | None, Field(pattern=r"^[0-9]{4,12}$", repr=False)] = "1234"
    state: CardState = CardState.ACTIVE
    enrolled: bool = True  # in 3-D Secure, where its product takes part; otherwise only an attempt is proved
    limit: Money | None = None
    spent: Money = "0"
    overlimits: Annotated[int, Field(ge=0)] = 0


class Sample(_Read):
    """A number that testers may use at a bank that knows no cards."""

    pan: CardNumber
    note: str
    expiry: str = "2912"


class BankKeys(_Read):
    """Keys as the HSM gave them out, under its LMK."""

    zpk: LmkKey | None = None  # PIN blocks arrive under it; none: as the participant's agreement says
    zmk: LmkKey | None = None  # under which new ZPKs are sent
    pvk: LmkKey | None = None  # PIN verification values are made with it
    pvki: Annotated[str, Field(pattern=r"^[0-9]$")] = "1"
    pin_verification: LmkKey | None = None  # natural PINs are made with it, where a product goes by offsets
    cvk: LmkKey | None = None  # CVV, iCVV, CVV2
    cavk: LmkKey | None = None  # CAVV; none: the CVK
    mk_ac: LmkKey | None = None  # the issuer master key of the chips' cryptograms

    @property
    def needs_hsm(self) -> bool:
        """Whether there is anything to ask an HSM about."""
        return any((self.zmk, self.pvk, self.pin_verification, self.cvk, self.cavk, self.mk_ac))


class Bank(_Read):
    """One bank's file."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]
    name: str
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None  # none: any
    utc_offset: Annotated[str, Field(pattern=r"^[+-][0-9]{2}:[0-9]{2}$")] = "+00:00"  # where its days begin
    listen: str | None = None  # a port of network.toml, or host:port; none: the bank's own name
    dialect: str | None = None  # none: as the agreement says, and so for framing
    framing: str | None = None
    sign_on: SignOn = SignOn.OPTIONAL  # whether a link that has not signed on is declined
    books: Literal["accounts", "amounts"] = "accounts"
    dial: str | None = None  # the switch's port that the bank dials, by name or host:port; none: the switch dials
    links: Annotated[int, Field(ge=1, le=64)] = 1  # how many links it dials
    database: str | None = None  # "postgresql://…"; none: a file of its own
    scripts: tuple[Script, ...] = ()  # answers that testers want
    hsm: str = "hsm"  # a port of network.toml, or host:port
    keys: BankKeys = BankKeys()
    products: Mapping[str, Product] = {}
    accounts: tuple[AccountFile, ...] = ()
    holders: tuple[HolderFile, ...] = ()
    acs: AccessControlFile | None = None  # none: nobody is authenticated
    banking: str | None = None  # where online banking is: a port of network.toml, or host:port; none: nowhere
    cards: tuple[CardFile, ...] = ()
    amounts: tuple[AmountRule, ...] = ()
    samples: tuple[Sample, ...] = ()
    balance: Money = "1000"  # what a bank without accounts says when asked

    def minor(self, text: str, code: str | None = None) -> int:
        """An amount of the file in minor units of the bank's currency, or another."""
        return Amount.parse(text, code or self.currency or "").minor

    @cached_property
    def limits(self) -> Mapping[str, Limits]:
        """The amounts of every product in minor units."""
        return {name: Limits.of(self, product) for name, product in self.products.items()}

    @cached_property
    def zone(self) -> timezone:
        sign = -1 if self.utc_offset[0] == "-" else 1
        hours, minutes = map(int, self.utc_offset[1:].split(":"))
        return timezone(sign * timedelta(hours=hours, minutes=minutes))

    def moment(self, now: datetime, calendar: Calendar = _NOT_AHEAD) -> Moment:
        """The bank's day at an instant (UTC), so many days later as were closed by hand."""
        local = now.astimezone(self.zone) + timedelta(days=calendar.days)
        day = local.strftime("%Y-%m-%d")
        second = int(now.timestamp()) + 86_400 * calendar.days
        at = now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return Moment(at, day, local.strftime("%y%m"), second, calendar.cycles, local.date())


@dataclass(frozen=True, slots=True)
class Limits:
    """A product's limits in minor units; None where there is none. What is no amount is its product's."""

    cycle: str
    overlimit_allowance: int
    overlimit_per_cycle: bool
    overlimit_cap: int | None
    cash_per_day: int | None
    withdrawals_per_day: int | None
    cash_needs_pin: bool
    product: Product
    per_transaction: int | None
    spend_per_day: int | None
    cash_fee: int
    foreign_fee_bp: int  # hundredths of a percent
    tap_without_pin: int | None = None

    @classmethod
    def of(cls, bank: Bank, product: Product) -> Limits:
        def minor(text: str | None) -> int | None:
            return None if text is None else bank.minor(text)

        return cls(
            product.cycle,
            product.overlimit_allowance,
            product.overlimit_per == "cycle",
            minor(product.overlimit_cap),
            minor(product.cash_per_day),
            product.withdrawals_per_day,
            product.cash_needs_pin,
            product,
            minor(product.per_transaction),
            minor(product.spend_per_day),
            minor(product.cash_fee) or 0,
            round(Decimal(product.foreign_fee_percent or "0") * 100),
            minor(product.tap_without_pin),
        )


_KEYS = {Proof.CVV: "cvk", Proof.ICVV: "cvk", Proof.CVV2: "cvk", Proof.CAVV: "cvk", Proof.ARQC: "mk_ac"}
_CYCLE_LENGTHS = {"day": 10, "month": 7, "year": 4}  # characters of YYYY-MM-DD that name the cycle


@dataclass(frozen=True, slots=True)
class Moment:
    """When a batch is decided: the instant in UTC, the bank's day, the month as a card's expiry spells it."""

    at: str
    day: str
    yymm: str
    second: int = 0  # since 1970, as the bank counts
    cycles: int = 0  # that were closed by hand
    date: date = date(1970, 1, 1)

    def cycle(self, length: str) -> str:
        """
        >>> Moment("", "2003-05-17", "0305").cycle("month")
        '2003-05'
        """
        named = self.day[: _CYCLE_LENGTHS[length]]
        return f"{named}+{self.cycles}" if self.cycles else named

    def day_after(self, days: int) -> str:
        """
        >>> Moment("", "2003-05-17", "0305", date=date(2003, 5, 17)).day_after(30)
        '2003-06-16'
        """
        return (self.date + timedelta(days=days)).isoformat()


def load_bank(directory: Path | None, name: str) -> Bank:
    """The bank of that name; NetworkError lists everything that is wrong with its file."""
    path = network.source(directory, "banks") / f"{name}.toml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in path.parent.glob("*.toml"))) or "none"
        raise NetworkError([f"{path}: no such bank; there are: {known}"])
    return read_bank(path)


def load_banks(directory: Path | None = None) -> list[Bank]:
    """Every bank of the network, in order of name, all problems at once."""
    problems: list[str] = []
    found: list[Bank] = []
    for path in network.toml_files(directory, "banks"):
        try:
            found.append(read_bank(path))
        except NetworkError as error:
            problems += error.problems
    if problems:
        raise NetworkError(problems)
    return found


def read_bank(path: Path) -> Bank:
    """One bank's file."""
    return bank_of(read_toml(path), called(path))


def bank_of(content: Mapping[str, Any], name: str = "bank") -> Bank:
    """A bank from what its file says; NetworkError has all problems, each as `file: path: message`."""
    try:
        bank = Bank.model_validate(content)
    except ValidationError as error:
        raise NetworkError(explained(name, error)) from None
    problems = [f"{name}: {problem}" for problem in disagreements(bank)]
    if problems:
        raise NetworkError(problems)
    return bank


def disagreements(bank: Bank) -> list[str]:
    """What no single value shows: parts that do not fit each other."""
    return [
        *_kind_problems(bank),
        *_money_problems(bank),
        *_twins("accounts", (account.id for account in bank.accounts)),
        *_twins("holders", (one.user for one in bank.holders)),
        *_holder_problems(bank),
        *_authentication_problems(bank),
        *_twin_cards(bank.cards),
        *(problem for number, card in enumerate(bank.cards) for problem in _card_problems(bank, number, card)),
    ]


def _holder_problems(bank: Bank) -> list[str]:
    known = {account.holder for account in bank.accounts}
    return [
        f"holders.{one.user}: nobody of that name has an account" for one in bank.holders if one.holder not in known
    ]


def _authentication_problems(bank: Bank) -> list[str]:
    parts = [f"products.{name}.authentication" for name, one in bank.products.items() if one.authentication]
    needed = {
        "acs": bank.acs,
        "banking (its web server)": bank.banking,
        "keys.cavk (or cvk)": bank.keys.cavk or bank.keys.cvk,
    }
    return [f"{part}: needs {what}" for part in parts for what, there in needed.items() if not there]


def _kind_problems(bank: Bank) -> list[str]:
    if bank.books == "amounts":
        return (
            ["books: a bank that goes by amounts has no accounts and no cards"] if bank.accounts or bank.cards else []
        )
    problems = []
    if bank.currency is None:
        problems.append("currency: a bank with accounts needs one")
    if bank.amounts:
        problems.append('amounts: only a bank with books = "amounts" goes by them')
    ways = {bank.products[card.product].pin for card in bank.cards if card.pin and card.product in bank.products}
    if bank.keys.pvk is None and "pvv" in ways:
        problems.append("keys.pvk: cards with a PIN need it")
    if bank.keys.pin_verification is None and "offset" in ways:
        problems.append("keys.pin_verification: cards whose PIN goes by an offset need it")
    problems += [
        f"products.{name}.verify: {proof} needs a key: keys.{_KEYS[proof]}"
        for name, product in bank.products.items()
        for proof in sorted(product.verify | product.demands)
        if getattr(bank.keys, _KEYS[proof]) is None and not (proof is Proof.CAVV and bank.keys.cavk)
    ]
    known = codes.TRANSACTION_TYPES.values()
    problems += [
        f"products.{name}.types: there is no type {word!r}"
        for name, product in bank.products.items()
        for word in sorted((product.types or frozenset()) - frozenset(known))
    ]
    return problems


def _money_problems(bank: Bank) -> list[str]:
    if bank.currency is None:
        return []
    texts = {
        **{f"products.{name}.overlimit_cap": product.overlimit_cap for name, product in bank.products.items()},
        **{
            f"products.{name}.{part}": getattr(product, part)
            for name, product in bank.products.items()
            for part in ("cash_per_day", "per_transaction", "spend_per_day", "cash_fee")
        },
        **{f"accounts.{n}.opening": one.opening for n, one in enumerate(bank.accounts) if one.currency is None},
        **{
            f"accounts.{n}.credit_limit": one.credit_limit
            for n, one in enumerate(bank.accounts)
            if one.currency is None
        },
        **{f"cards.{number}.limit": card.limit for number, card in enumerate(bank.cards)},
        **{f"cards.{number}.spent": card.spent for number, card in enumerate(bank.cards)},
    }
    return [
        f"{where}: not an amount of {bank.currency}"
        for where, text in texts.items()
        if text and not _is_money(bank, text)
    ]


def _is_money(bank: Bank, text: str) -> bool:
    try:
        bank.minor(text)
    except ValueError:
        return False
    return True


def _twins(where: str, names: Any) -> list[str]:
    return [f"{where}: {name} is there {count} times" for name, count in Counter(names).items() if count > 1]


def _twin_cards(cards: Iterable[CardFile]) -> list[str]:
    """By the whole number, told by the masked one: of a few hundred cards two look alike."""
    counted = Counter(card.pan for card in cards)
    return [f"cards: {Pan(pan).masked} is there {count} times" for pan, count in counted.items() if count > 1]


def _card_problems(bank: Bank, number: int, card: CardFile) -> list[str]:
    problems = []
    product = bank.products.get(card.product)
    if product is None:
        problems.append(f"cards.{number}.product: no product is called {card.product!r}")
    elif not card.pan.startswith(product.prefix):
        problems.append(f"cards.{number}.pan: cards of {card.product} begin with {product.prefix}")
    accounts = {account.id: account for account in bank.accounts}
    if card.account not in accounts:
        problems.append(f"cards.{number}.account: no account is called {card.account!r}")
    elif accounts[card.account].currency not in (None, bank.currency):
        problems.append(f"cards.{number}.account: {card.account!r} is not in {bank.currency}, as cards are")
    return problems
