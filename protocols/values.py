"""Values that are of the right form and still cannot be: 30 February, month 13, number 000000.

A codec reads characters; whether they name a day, a month or a message is told here, of requests
only, before anything else is made of them. What a value means (expired, unknown, too much) is for
rules and issuers. Local time and date (DE 12, 13) are the terminal's: held against the clock face
and the calendar, and never against a time zone, for they may lie in an hour that never was.
"""

from __future__ import annotations

import re
from calendar import isleap, monthrange
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from protocols import elements as de
from protocols.errors import FormatError
from protocols.mti import MESSAGE_TYPES
from protocols.subelements import is_run as is_run_of_subelements
from protocols.tlv import TlvError
from protocols.tlv import parse as parse_tlv

if TYPE_CHECKING:
    from protocols.message import Message

Can = Callable[[str], bool]  # whether a text can be a value of its element

# Sets of text, because a look into a set costs a tenth of turning digits into a date.
LEAP_DAY: Final = "0229"
MONTHS: Final = frozenset(f"{month:02d}" for month in range(1, 13))
DAYS: Final = frozenset(  # of a leap year
    f"{month:02d}{day:02d}" for month in range(1, 13) for day in range(1, monthrange(2000, month)[1] + 1)
)
DAYS_OF_EVERY_YEAR: Final = DAYS - {LEAP_DAY}
MINUTES: Final = frozenset(f"{hour:02d}{minute:02d}" for hour in range(24) for minute in range(60))
REPLACEMENT: Final = re.compile(r"[0-9]{24}([CD0-9][0-9]{8}){2}")  # two amounts, two fees; many fill up with zeros
TENS_OF_SECONDS: Final = frozenset("012345")
NO_NUMBER: Final = "000000"  # a system trace audit number counts from one

#: What is looked at, in the order of the elements: the first that cannot be is the one that is named.
CHECKED: Final = (
    *(de.TRANSMITTED_AT, de.STAN, de.LOCAL_TIME, de.LOCAL_DATE, de.EXPIRY),
    *(de.PRIVATE_DATA, de.ICC_DATA, de.ORIGINAL, de.REPLACEMENT_AMOUNTS),
)


def is_run(text: str) -> bool:
    """DE 48 in the network's own dialects: a run of subelements.

    >>> is_run("4202059203123"), is_run("4209"), is_run("T")
    (True, False, False)
    """
    return is_run_of_subelements(text)


def is_run_or_foreign(text: str) -> bool:
    """DE 48 of a sender without an agreement, who may write what another network writes there.

    What begins like a subelement, with four digits, must be one even so: such a run has a mistake
    in it, and to pass it on in silence would hide that.

    >>> [is_run_or_foreign(text) for text in ("T", "MC SPECIAL", "42", "4202059203123", "42050", "420509")]
    [True, True, True, True, False, False]
    """
    head = text[:4]
    return not (len(head) == 4 and head.isascii() and head.isdigit()) or is_run(text)


def is_anything(_text: str) -> bool:
    """DE 48 of a message that is not about a transaction: a key block, say."""
    return True


def fault(message: Message, wall: float, private_data: Can = is_run) -> FormatError | None:
    """What cannot be in a request that reads, or None. `wall` is now, in seconds since 1970.

    `private_data` says what DE 48 may be: it is the one element whose inside depends on the sender.
    """
    transmitted_at, stan, time, date, expiry, private, chip, original, replacement = message.pick(CHECKED)
    # One expression and no loop: every request passes here (half a microsecond, and one more for the pick).
    if (
        (transmitted_at is None or is_moment(transmitted_at, wall))
        and stan != NO_NUMBER
        and (time is None or is_time(time))
        and (date is None or date in DAYS)
        and (expiry is None or expiry[2:] in MONTHS)
        and (private is None or private_data(private))
        and (chip is None or is_chip_data(chip))
        and (original is None or is_original(original, wall))
        and (replacement is None or is_replacement(replacement))
    ):
        return None
    return _first_fault(message, wall, private_data)


def _first_fault(message: Message, wall: float, private_data: Can) -> FormatError:
    """The same questions one by one, for the name of the element. The answer may echo it: it can be read."""
    tests: dict[int, Can] = {
        de.TRANSMITTED_AT: lambda value: is_moment(value, wall),
        de.STAN: lambda value: value != NO_NUMBER,
        de.LOCAL_TIME: is_time,
        de.LOCAL_DATE: lambda value: value in DAYS,
        de.EXPIRY: lambda value: value[2:] in MONTHS,
        de.PRIVATE_DATA: private_data,
        de.ICC_DATA: is_chip_data,
        de.ORIGINAL: lambda value: is_original(value, wall),
        de.REPLACEMENT_AMOUNTS: is_replacement,
    }
    values = {number: message.get(number) for number in CHECKED}
    broken = next(number for number, value in values.items() if value is not None and not tests[number](value))
    return FormatError.in_element(broken, mti=message.mti, readable=dict(message.items()))


def is_moment(text: str, wall: float) -> bool:
    """DE 7, MMDDhhmmss: a day of the calendar and a time of day.

    It has no year. 29 February is a day where last year, this or the next one has it; which of them
    is meant is the nearest. It is never taken for the first of March.

    >>> [is_moment(text, 1_795_000_000.0) for text in ("1118110640", "0230110640", "1118240000", "0229120000")]
    [True, False, False, False]
    >>> is_moment("0229120000", 1_830_297_600.0)  # 1 January 2028
    True
    """
    day = text[:4]
    if day not in DAYS_OF_EVERY_YEAR and not (day == LEAP_DAY and _leap_day_is_near(wall)):
        return False
    return text[4:8] in MINUTES and text[8] in TENS_OF_SECONDS


def is_time(text: str) -> bool:
    """hhmmss. A leap second has no place in it, as terminals and banks have none.

    >>> [is_time(text) for text in ("000000", "235959", "240000", "126000", "125960")]
    [True, True, False, False, False]
    """
    return text[:4] in MINUTES and text[4] in TENS_OF_SECONDS


def nearest(text: str, wall: float) -> float:
    """The moment that a DE 7 without fault means, in seconds since 1970: that of the year nearest to now.

    >>> new_year = 1_798_761_600.0  # 1 January 2027
    >>> nearest("1231235959", new_year) - new_year, nearest("0101000005", new_year) - new_year
    (-1.0, 5.0)
    """
    year = datetime.fromtimestamp(wall, UTC).year
    month, day, hour, minute, second = (int(text[at : at + 2]) for at in range(0, 10, 2))
    found = (
        datetime(near, month, day, hour, minute, second, tzinfo=UTC).timestamp()
        for near in (year - 1, year, year + 1)
        if (month, day) != (2, 29) or isleap(near)
    )
    return min(found, key=lambda moment: abs(moment - wall))


def _leap_day_is_near(wall: float) -> bool:
    year = datetime.fromtimestamp(wall, UTC).year
    return any(map(isleap, (year - 1, year, year + 1)))


def is_chip_data(text: str) -> bool:
    """DE 55, as hex, is BER-TLV within the bounds of `tlv`.

    >>> is_chip_data("9F2701809A03261118"), is_chip_data("9F2780"), is_chip_data("")
    (True, False, True)
    """
    try:
        parse_tlv(bytes.fromhex(text))
    except TlvError:
        return False
    return True


def is_original(text: str, wall: float) -> bool:
    """DE 90 names a message of this network with its number and moment; the institutions are anybody's.

    >>> is_original("0100" + "000123" + "1118110640" + "0" * 22, 1_795_000_000.0)
    True
    >>> is_original("0" * 42, 1_795_000_000.0)
    False
    """
    return text[:4] in MESSAGE_TYPES and text[4:10] != NO_NUMBER and is_moment(text[10:20], wall)


def is_replacement(text: str) -> bool:
    """DE 95 begins with amounts in digits; `int` would also take signs, spaces and underscores.

    >>> is_replacement("000000004000" + "0" * 12 + "C00000000" * 2), is_replacement("1_0000000000" + "0" * 30)
    (True, False)
    """
    return REPLACEMENT.fullmatch(text) is not None
