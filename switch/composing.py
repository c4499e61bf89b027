"""A message put together by hand: what `payswitch send` says, before it is spelled in a dialect.

Pure: the settings, the moment and a random number in, canonical values out. A tester names what
matters to the case; what every message of that type must carry is filled in, unless it was set.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from protocols import elements as de
from protocols.elements import ELEMENTS, Element, Kind, element_named
from protocols.errors import LocalProtocolError
from protocols.mti import AUTHORIZATION, FINANCIAL, NETWORK_MANAGEMENT, REVERSAL, mti_class

AUTO = "auto"  # `--set 11=auto`: as if it had not been set, also where it would not have been filled in

TERMINAL = "LAB00001"
CARD_ACCEPTOR = "LABORATORY00001"

_DATED = (de.TRANSMITTED_AT, de.STAN)
_FROM_A_TERMINAL = (*_DATED, de.LOCAL_TIME, de.LOCAL_DATE, de.TERMINAL_ID, de.CARD_ACCEPTOR_ID)

#: MTI class -> the elements that are filled in when they are not set.
FILLED_IN: Mapping[str, tuple[int, ...]] = {
    AUTHORIZATION: _FROM_A_TERMINAL,
    FINANCIAL: _FROM_A_TERMINAL,
    REVERSAL: _FROM_A_TERMINAL,
    NETWORK_MANAGEMENT: _DATED,
}


class SettingError(ValueError):
    """A `--set` that cannot be; the text is for whoever typed it and does not repeat the value."""


def composed(mti: str, settings: Iterable[str], now: datetime, number: int, *, bare: bool = False) -> dict[int, str]:
    """The values of the message. `now` is aware and in the sender's zone; `number` becomes the STAN.

    >>> from datetime import UTC
    >>> noon = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
    >>> composed("0800", ["70=301"], noon, 123)
    {7: '1123120000', 11: '000123', 70: '301'}
    >>> composed("0800", ["network_management_code=301"], noon, 123, bare=True)
    {70: '301'}
    """
    given = read_settings(settings)
    made = automatic(now, number)
    wanted = () if bare else FILLED_IN.get(mti_class(mti), ())
    values = {number: made[number] for number in wanted}
    for number, value in given.items():
        values[number] = made_up(number, made) if value == AUTO else value
    return dict(sorted(values.items()))


def read_settings(settings: Iterable[str]) -> dict[int, str]:
    """`N=value` each, N being an element's number or its name; fixed numeric values are filled with zeros.

    >>> read_settings(["4=12000", "stan=7", "41=T1"])
    {4: '000000012000', 11: '000007', 41: 'T1      '}
    """
    values: dict[int, str] = {}
    for setting in settings:
        place, equals, value = setting.partition("=")
        if not equals:
            raise SettingError("--set takes N=value, N being the number or the name of an element")
        element = element_at(place.strip())
        if element.number in values:
            raise SettingError(f"element {element.number} is set twice")
        values[element.number] = value if value == AUTO else filled(element, value)
    return values


def element_at(place: str) -> Element:
    """The element of that number or name."""
    if place.isascii() and place.isdigit() and int(place) in ELEMENTS:
        return ELEMENTS[int(place)]
    if not place.isidentifier():  # a value that lost its number: it may be a card's, so it is not repeated
        raise SettingError("--set takes N=value, N being the number or the name of an element")
    try:
        return element_named(place.lower())
    except LocalProtocolError as error:
        raise SettingError(str(error)) from None


def filled(element: Element, value: str) -> str:
    """A value of fixed length as the wire wants it: digits behind zeros, text before spaces."""
    if not element.is_fixed or element.kind is Kind.B:
        return value
    return value.zfill(element.length) if element.kind is Kind.N else value.ljust(element.length)


def automatic(now: datetime, number: int) -> dict[int, str]:
    """Every element that can be made up."""
    return {
        de.TRANSMITTED_AT: f"{now.astimezone(UTC):%m%d%H%M%S}",
        de.STAN: f"{number % 1_000_000:06d}",
        de.LOCAL_TIME: f"{now:%H%M%S}",
        de.LOCAL_DATE: f"{now:%m%d}",
        de.TERMINAL_ID: TERMINAL,
        de.CARD_ACCEPTOR_ID: CARD_ACCEPTOR,
    }


def made_up(number: int, made: Mapping[int, str]) -> str:
    """The automatic value of an element that asks for one."""
    if number not in made:
        raise SettingError(f"element {number} cannot be made up; {', '.join(map(str, made))} can")
    return made[number]
