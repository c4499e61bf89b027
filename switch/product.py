"""A card product: which numbers carry it, what it allows, how far the switch may stand in for its issuer.

One TOML file each in `products/`. All problems of all files are reported at once. The limits
of a single card and what has been spent on it are the issuer's, not the product's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from protocols.channel import Channel
from protocols.money import Amount, Currency, UnknownCurrencyError, currency
from protocols.network import NetworkError, called, explained, read_toml
from switch.request import Request
from switch.rule import Rule, all_rules


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


CardNumber = Annotated[str, Field(pattern=r"^[0-9]{8,19}$")]


class IssuedFile(_File):
    """Numbers that begin with `prefix` carry the product, issued by `issuer`, billed in `currency`."""

    prefix: Annotated[str, Field(pattern=r"^[0-9]{1,11}$")]
    issuer: str
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None  # None: whatever the merchant sells in
    stand_in_limit: str | None = None  # per transaction, in major units of `currency`; None: never
    stand_in_per_day: str | None = None  # of one card on one business date, in all; None: no more than its count
    stand_in_count_per_day: Annotated[int, Field(ge=1)] | None = None  # and how often; None: any number


class ProductFile(_File):
    """A product as its TOML spells it."""

    id: str
    title: str
    issued: list[IssuedFile]
    rules: dict[str, Any] = {}
    stand_in_types: frozenset[str] = frozenset({"00"})  # cash is never stood in for
    stand_in_channels: frozenset[Channel] | None = None  # None: wherever the product works
    stand_in_negative: frozenset[CardNumber] = Field(default=frozenset(), repr=False)  # cards not stood in for
    pin_untouched: bool = False  # DE 52 passes through as it came: no keys are agreed
    capture_days: Annotated[int, Field(gt=0, le=365)] | None = None  # how long a reservation can be taken; None: always


@dataclass(frozen=True, slots=True)
class Product:
    """What every card of the product has in common."""

    id: str
    title: str
    checks: tuple[Callable[[Request], str | None], ...]
    stand_in_types: frozenset[str]
    pin_untouched: bool
    capture_days: int | None = None
    stand_in_channels: frozenset[Channel] | None = None
    stand_in_negative: frozenset[str] = field(default=frozenset(), repr=False)

    def refusal(self, request: Request) -> str | None:
        """The slug of the first rule that refuses the request, or None to let it pass."""
        for check in self.checks:
            if (slug := check(request)) is not None:
                return slug
        return None


@dataclass(frozen=True, slots=True)
class Issued:
    """A product as one issuer issues it under one prefix."""

    prefix: str
    product: Product
    issuer: str
    currency: Currency | None
    stand_in_limit: Amount | None
    stand_in_per_day: Amount | None = None
    stand_in_count_per_day: int | None = None


def load_products(paths: Iterable[Path]) -> list[Issued]:
    """Every prefix of every product; NetworkError lists all problems of all files."""
    rules = all_rules()
    problems: list[str] = []
    issued: list[Issued] = []
    for path in paths:
        try:
            file = ProductFile.model_validate(read_toml(path))
        except NetworkError as error:
            problems += error.problems
        except ValidationError as error:
            problems += explained(called(path), error)
        else:
            checks, wrong = compiled(file, rules)
            problems += [f"{called(path)}: {problem}" for problem in wrong]
            product = Product(
                file.id,
                file.title,
                checks,
                file.stand_in_types,
                file.pin_untouched,
                file.capture_days,
                file.stand_in_channels,
                file.stand_in_negative,
            )
            for one in file.issued:
                try:
                    issued.append(issue(one, product))
                except (UnknownCurrencyError, ValueError) as error:
                    problems.append(f"{called(path)}: issued.{one.prefix}: {error}")
    twice = [prefix for prefix, times in Counter(one.prefix for one in issued).items() if times > 1]
    problems += [f"products: prefix {prefix} is issued twice" for prefix in sorted(twice)]
    if problems:
        raise NetworkError(problems)
    return issued


def compiled(
    file: ProductFile, rules: Mapping[str, Rule]
) -> tuple[tuple[Callable[[Request], str | None], ...], list[str]]:
    """The product's rules in their order, each bound to its setting; and what is wrong with the settings."""
    checks: list[Callable[[Request], str | None]] = []
    problems = [f"rules.{name}: there is no such rule" for name in file.rules if name not in rules]
    for name, rule in rules.items():
        if name not in file.rules:
            continue
        try:
            checks.append(bound(rule, rule.setting.validate_python(file.rules[name])))
        except ValidationError as error:
            problems += explained(f"rules.{name}", error)
    return tuple(checks), problems


def bound(rule: Rule, setting: object) -> Callable[[Request], str | None]:
    """The rule's question with its setting filled in."""
    ask = rule.refusal
    return lambda request: ask(setting, request)


def issue(file: IssuedFile, product: Product) -> Issued:
    """The product under one prefix; ValueError where a limit has no currency to be in."""
    billed = currency(file.currency) if file.currency else None
    if file.stand_in_limit is None:
        if file.stand_in_per_day is not None or file.stand_in_count_per_day is not None:
            raise ValueError("a limit a day needs a stand_in_limit")
        return Issued(file.prefix, product, file.issuer, billed, None)
    if billed is None:
        raise ValueError("stand_in_limit needs a currency")
    limit = Amount.parse(file.stand_in_limit, billed.code)
    a_day = None if file.stand_in_per_day is None else Amount.parse(file.stand_in_per_day, billed.code)
    return Issued(file.prefix, product, file.issuer, billed, limit, a_day, file.stand_in_count_per_day)
