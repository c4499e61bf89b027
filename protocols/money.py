"""Money: a whole number of minor units and the currency it is in; ISO 4217; conversion.

Integers only. A float has never been near an amount here, and rounding happens in
one place, once, half to even. Which rate applies, and on which day, is the switch's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Final

import iso4217

from protocols.errors import LocalProtocolError
from protocols.pan import is_digits

AMOUNT_DIGITS: Final = 12  # DE 4, 5, 6: n 12
RATE_DIGITS: Final = 7  # DE 9, 10: n 8, of which the first says where the decimal point is
RATE_SHIFT_MAX: Final = 9


class UnknownCurrencyError(ValueError):
    """Not a currency of ISO 4217 that amounts can be counted in; on the wire 12 `currency.unknown`."""


@dataclass(frozen=True, slots=True)
class Currency:
    """A currency of ISO 4217: `code` for people, `number` (three digits) for the wire.

    `exponent` is the number of decimals: one unit is 10**exponent minor units.
    """

    code: str
    number: str
    exponent: int

    def __str__(self) -> str:
        return self.code


def currency(code: str) -> Currency:
    """
    >>> currency("KWD")
    Currency(code='KWD', number='414', exponent=3)
    >>> currency("JPY").exponent, currency("AED").number
    (0, '784')
    """
    try:
        return _by_code()[code]
    except KeyError:
        raise UnknownCurrencyError("no such currency code") from None


def currency_numbered(number: str) -> Currency:
    """The currency of DE 49, 50 or 51.

    >>> currency_numbered("784").code
    'AED'
    """
    try:
        return _by_number()[number]
    except KeyError:
        raise UnknownCurrencyError("no such currency number") from None


@cache
def _by_code() -> Mapping[str, Currency]:
    """ISO 4217 without what has no minor units at all: gold, bond units, the code for testing."""
    found = [Currency(code, f"{int(number):03d}", int(exponent)) for code, number, exponent in _rows()]
    return MappingProxyType({one.code: one for one in found})


def _rows() -> Iterator[tuple[str, str, str]]:
    """Code, number and exponent as the published list writes them."""
    for row in iso4217.raw_table.values():
        exponent = str(row["CcyMnrUnts"])
        if is_digits(exponent):
            yield str(row["Ccy"]), str(row["CcyNbr"]), exponent


@cache
def _by_number() -> Mapping[str, Currency]:
    return MappingProxyType({one.number: one for one in _by_code().values()})


@dataclass(frozen=True, slots=True)
class Amount:
    """So many minor units of a currency. Amounts of different currencies never meet by accident.

    >>> price = Amount.parse("120.00", "AED")
    >>> price, price.minor, str(price + price)
    (Amount('120.00 AED'), 12000, '240.00 AED')
    >>> str(Amount.parse("100", "KWD"))
    '100.000 KWD'
    """

    minor: int
    currency: Currency

    def __post_init__(self) -> None:
        if type(self.minor) is not int:  # a float or a bool would be silently wrong for a long time
            raise TypeError("an amount is a whole number of minor units")

    @classmethod
    def zero(cls, code: str) -> Amount:
        return cls(0, currency(code))

    @classmethod
    def parse(cls, text: str, code: str) -> Amount:
        """From major units as people write them: "120.00", "-3.5". ValueError on anything finer or stranger."""
        of = currency(code)
        sign, unsigned = (-1, text[1:]) if text.startswith("-") else (1, text)
        whole, point, decimals = unsigned.partition(".")
        if not is_digits(whole) or (point and not is_digits(decimals)) or len(decimals) > of.exponent:
            raise ValueError(f"not an amount in {of.code}: digits, and at most {of.exponent} decimals")
        return cls(sign * int(whole + decimals.ljust(of.exponent, "0")), of)

    @property
    def text(self) -> str:
        """In major units, without the currency.

        >>> Amount.parse("-0.5", "KWD").text, Amount.parse("1000", "JPY").text
        ('-0.500', '1000')
        """
        exponent = self.currency.exponent
        digits = str(abs(self.minor)).rjust(exponent + 1, "0")
        sign = "-" if self.minor < 0 else ""
        return f"{sign}{digits[:-exponent]}.{digits[-exponent:]}" if exponent else sign + digits

    def digits(self, length: int = AMOUNT_DIGITS) -> str:
        """As an amount element writes it: minor units, zeros in front.

        >>> Amount.parse("120.00", "AED").digits()
        '000000012000'
        """
        if not 0 <= self.minor < 10**length:
            raise LocalProtocolError(f"this amount does not fit {length} digits")
        return str(self.minor).rjust(length, "0")

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.minor + self._alike(other).minor, self.currency)

    def __sub__(self, other: Amount) -> Amount:
        return Amount(self.minor - self._alike(other).minor, self.currency)

    def __neg__(self) -> Amount:
        return Amount(-self.minor, self.currency)

    def __bool__(self) -> bool:
        return self.minor != 0

    def __lt__(self, other: Amount) -> bool:
        return self.minor < self._alike(other).minor

    def __le__(self, other: Amount) -> bool:
        return self.minor <= self._alike(other).minor

    def __gt__(self, other: Amount) -> bool:
        return self.minor > self._alike(other).minor

    def __ge__(self, other: Amount) -> bool:
        return self.minor >= self._alike(other).minor

    def __str__(self) -> str:
        return f"{self.text} {self.currency.code}"

    def __repr__(self) -> str:
        return f"Amount({str(self)!r})"

    def _alike(self, other: Amount) -> Amount:
        if other.currency != self.currency:
            raise LocalProtocolError(f"{self.currency} and {other.currency} do not add up or compare")
        return other


@dataclass(frozen=True, slots=True)
class Rate:
    """How many major units of one currency a major unit of another is worth: digits / 10**shift.

    >>> rate = Rate.from_text("0.0832")
    >>> rate, rate.de10(), Rate.from_de10("40000832") == rate, str(rate)
    (Rate(digits=832, shift=4), '40000832', True, '0.0832')
    """

    digits: int
    shift: int

    def __post_init__(self) -> None:
        if type(self.digits) is not int or self.digits <= 0 or self.shift < 0:
            raise ValueError("a rate is a positive whole number and a decimal point within or before it")

    @classmethod
    def from_text(cls, text: str) -> Rate:
        """From "0.0832": as many decimals as are written."""
        whole, point, decimals = text.partition(".")
        if not is_digits(whole) or (point and not is_digits(decimals)):
            raise ValueError("a rate is written in digits with at most one decimal point")
        return cls(int(whole + decimals), len(decimals))

    @classmethod
    def from_de10(cls, text: str) -> Rate:
        """From DE 9 or 10 (n 8): the first digit counts the decimals of the seven that follow."""
        if len(text) != 1 + RATE_DIGITS or not is_digits(text):
            raise ValueError("a conversion rate element has eight digits")
        return cls(int(text[1:]), int(text[0]))

    def de10(self) -> str:
        """As DE 9 or 10 writes it; a rate too fine or too large for that is a mistake in the rate table."""
        if self.digits >= 10**RATE_DIGITS or self.shift > RATE_SHIFT_MAX:
            raise LocalProtocolError("this rate does not fit a conversion rate element")
        return f"{self.shift}{self.digits:0{RATE_DIGITS}d}"

    def __str__(self) -> str:
        digits = str(self.digits).rjust(self.shift + 1, "0")
        return f"{digits[: -self.shift]}.{digits[-self.shift :]}" if self.shift else digits


def convert(amount: Amount, to: Currency, rate: Rate) -> Amount:
    """The amount in another currency, rounded half to even, once.

    >>> str(convert(Amount.parse("120.00", "AED"), currency("KWD"), Rate.from_text("0.0832")))
    '9.984 KWD'
    """
    numerator = amount.minor * rate.digits * 10**to.exponent
    denominator = 10 ** (rate.shift + amount.currency.exponent)
    return Amount(_half_even(numerator, denominator), to)


def _half_even(numerator: int, denominator: int) -> int:
    """
    >>> [_half_even(n, 10) for n in (5, 15, 25, -5, -15, 14, 16)]
    [0, 2, 2, 0, -2, 1, 2]
    """
    quotient, rest = divmod(numerator, denominator)
    twice = 2 * rest
    round_up = twice > denominator or (twice == denominator and quotient % 2 == 1)
    return quotient + round_up
