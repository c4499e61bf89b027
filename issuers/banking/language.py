"""A language of the pages: its words, its direction, and how it says amounts, days and refusals. Pure.

The words are in `languages/`, one table each; a test compares the tables. Digits are the same in
all of them, so that an amount on a page and one on a bill can be compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Final, Literal

from markupsafe import Markup

from protocols.money import currency


@dataclass(frozen=True, slots=True)
class Language:
    """One language. `words` may hold `{places}`, filled and escaped when they are said."""

    code: str
    name: str  # in itself
    direction: Literal["ltr", "rtl"]
    months: tuple[str, ...]
    words: Mapping[str, str]
    reasons: Mapping[str, str]  # of declines, by slug; what is not here is said as `decline.other`
    refusals: Mapping[str, str]  # of the counter, by slug
    currencies: Mapping[str, str]  # ISO code to what people write

    def say(self, key: str, **places: object) -> Markup:
        """The words, safe on a page; KeyError when there are none, which is our mistake."""
        return Markup(self.words[key]).format(**places)

    def named(self, family: str, member: str, otherwise: str = "") -> str:
        """A word for one of ours that may be new: `state.held`; or, failing that, something else."""
        return self.words.get(f"{family}.{member}", otherwise or member)

    def reason(self, slug: str, title: str) -> str:
        """Why a payment was declined."""
        return self.reasons.get(slug) or (title if self.speaks_as_the_code_does else self.words["decline.other"])

    def refusal(self, slug: str, text: str) -> str:
        """Why the counter does not do something."""
        return self.refusals.get(slug) or (text if self.speaks_as_the_code_does else self.words["refused.other"])

    @property
    def speaks_as_the_code_does(self) -> bool:
        """The network's own words (`protocols.codes`, the counter's refusals) are English."""
        return self.code == "en"

    def moment(self, at: str, zone: tzinfo) -> str:
        """An instant (ISO 8601, UTC) as the clock on the bank's wall shows it; nothing for no instant."""
        if not at:
            return ""
        local = datetime.fromisoformat(at).astimezone(zone)
        return f"{self._day(local)} {local:%H:%M}"

    def day(self, day: str) -> str:
        """A day (YYYY-MM-DD)."""
        return self._day(datetime.fromisoformat(day)) if day else ""

    def _day(self, day: datetime) -> str:
        return f"{day.day} {self.months[day.month - 1]} {day.year}"

    def currency(self, code: str) -> str:
        return self.currencies.get(code, code)


MINUS: Final = "\u2212"  # as wide as a plus


def figures(minor: int, code: str, *, signed: bool = False) -> str:
    """An amount in figures, with all decimals of its currency.

    >>> figures(1234500, "KWD"), figures(-9984, "KWD", signed=True), figures(5, "AED", signed=True)
    ('1,234.500', '−9.984', '+0.05')
    """
    exponent = currency(code).exponent
    whole, part = divmod(abs(minor), 10**exponent)
    sign = MINUS if minor < 0 else "+" if signed and minor > 0 else ""
    return f"{sign}{whole:,}" + (f".{part:0{exponent}d}" if exponent else "")
