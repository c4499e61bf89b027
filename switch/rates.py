"""The rate table: what one unit of a currency is worth in another, from which day on.

Pure: the day comes in as an argument. A rate that was set stays set: the table is dated, so a
transaction of yesterday converts as it did yesterday.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from protocols.money import Rate, UnknownCurrencyError, currency
from protocols.network import NetworkError, explained, read_toml


class _RateFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    day: date
    source: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    target: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    rate: str


class _RatesFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    rate: list[_RateFile] = []


@dataclass(frozen=True, slots=True)
class Quote:
    """A rate and the day from which it holds."""

    day: date
    rate: Rate


class Rates:
    """Quotes by currency pair (ISO 4217 numbers), newest first."""

    __slots__ = ("_quotes",)

    def __init__(self, quotes: Iterable[tuple[str, str, Quote]]) -> None:
        table: dict[tuple[str, str], list[Quote]] = {}
        for source, target, quote in quotes:
            table.setdefault((source, target), []).append(quote)
        self._quotes: Mapping[tuple[str, str], list[Quote]] = {
            pair: sorted(found, key=lambda quote: quote.day, reverse=True) for pair, found in table.items()
        }

    def on(self, day: date, source: str, target: str) -> Quote | None:
        """What holds on a day for a pair of currency numbers, or None: nobody quotes it."""
        for quote in self._quotes.get((source, target), ()):
            if quote.day <= day:
                return quote
        return None


def load_rates(path: Path) -> Rates:
    """Read rates.toml; NetworkError lists all problems."""
    try:
        file = _RatesFile.model_validate(read_toml(path))
    except ValidationError as error:
        raise NetworkError(explained(path.name, error)) from None
    problems, quotes = [], []
    for number, row in enumerate(file.rate):
        try:
            pair = currency(row.source).number, currency(row.target).number
            quotes.append((*pair, Quote(row.day, Rate.from_text(row.rate))))
        except (UnknownCurrencyError, ValueError) as error:
            problems.append(f"{path.name}: rate.{number}: {error}")
    if problems:
        raise NetworkError(problems)
    return Rates(quotes)
