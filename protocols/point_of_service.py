"""How and where a card was taken: three digits and a condition in ISO 8583:1987, twelve positions in 1993.

The 1987 standard says it in DE 22 (entry mode, PIN capability), DE 25 (circumstances) and DE 26 (PIN
digits); 1993 in the twelve positions of its DE 22, which say more about the terminal. One table by
entry mode, one by condition, read both ways. What the channel is, is decided elsewhere
(`channel_of`), from the 1987 form; what matters here is that it decides the same afterwards.

Positions as ISO 8583:1993 counts them: 1 input capability, 2 holder authentication capability,
3 card capture, 4 operating environment, 5 cardholder present, 6 card present, 7 input mode,
8 authentication method, 9 authentication entity, 10 card output, 11 terminal output, 12 PIN capture.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from protocols.errors import FormatError

LENGTH: Final = 12


class Entry(NamedTuple):
    """How the number came in: its place in 1993, and what the terminal must be able to do for it."""

    mode: str  # position 7
    capability: str  # position 1
    by_reading: bool  # the card itself was read


# By the first two digits of the 1987 DE 22. Modes 0 to 6 are the standard's; it knows no contactless
# card, stored credential, internet or fallback. The letters and the 7 are this network's, after the
# schemes' clearing formats where those have one (7, A, B, M, S).
ENTRIES: Final[Mapping[str, Entry]] = {
    "00": Entry("0", "0", by_reading=False),
    "01": Entry("6", "6", by_reading=False),
    "02": Entry("2", "2", by_reading=True),
    "03": Entry("3", "3", by_reading=True),
    "04": Entry("4", "4", by_reading=True),
    "05": Entry("5", "5", by_reading=True),
    "07": Entry("M", "5", by_reading=True),
    "10": Entry("7", "0", by_reading=False),
    "80": Entry("Z", "5", by_reading=True),
    "81": Entry("S", "0", by_reading=False),
    "90": Entry("B", "2", by_reading=True),
    "91": Entry("A", "2", by_reading=True),
    "95": Entry("Y", "5", by_reading=True),
}
UNSPECIFIED: Final = "00"
KEYED: Final = "01"
STORED_CREDENTIAL: Final = "10"
INTERNET: Final = "81"

_ENTRY_BY_MODE: Final[Mapping[str, str]] = {
    **{entry.mode: digits for digits, entry in ENTRIES.items()},
    "1": KEYED,  # manual, no terminal: read from the card by a person
}


class Circumstances(NamedTuple):
    """Operating environment (position 4), cardholder present (5), card present (6)."""

    environment: str
    holder: str
    card: str


ORDINARY: Final = "00"
NOT_PRESENT: Final = "01"
UNATTENDED: Final = "02"
CARD_NOT_PRESENT: Final = "05"
MAIL_OR_TELEPHONE: Final = "08"
E_COMMERCE: Final = "59"

# By the 1987 DE 25. Cardholder 5, "electronic order", is the schemes' and the 2003 standard's.
CONDITIONS: Final[Mapping[str, Circumstances]] = {
    ORDINARY: Circumstances("1", "0", "1"),
    NOT_PRESENT: Circumstances("0", "1", "0"),
    UNATTENDED: Circumstances("2", "0", "1"),
    CARD_NOT_PRESENT: Circumstances("1", "0", "0"),
    MAIL_OR_TELEPHONE: Circumstances("0", "2", "0"),
    E_COMMERCE: Circumstances("5", "5", "0"),
}

# Where the condition says nothing, and the entry mode says that nobody was there.
_REMOTE: Final[Mapping[str, Circumstances]] = {
    STORED_CREDENTIAL: Circumstances("0", "4", "0"),  # standing authorization
    INTERNET: CONDITIONS[E_COMMERCE],
}

STANDING_AUTHORIZATION: Final = "4"
_CONDITION_BY_HOLDER: Final[Mapping[str, str]] = {
    "1": NOT_PRESENT,
    "2": MAIL_OR_TELEPHONE,
    "3": MAIL_OR_TELEPHONE,
    STANDING_AUTHORIZATION: ORDINARY,  # 1987 has no condition for it: the entry mode says it
    "5": E_COMMERCE,
}
_UNATTENDED_ENVIRONMENTS: Final = frozenset("24")

# Third digit of the 1987 DE 22: positions 2 and 12. The 8 is a PIN pad that is out of order.
_PIN_CAPABILITY: Final[Mapping[str, tuple[str, str]]] = {"1": ("1", "1"), "2": ("0", "0"), "8": ("5", "1")}
_PIN_UNSPECIFIED: Final = ("0", "1")
# DE 26 of 1987, the most digits a PIN pad takes: position 12.
_PIN_DIGITS: Final[Mapping[str, str]] = {f"{number:02d}": "456789ABC"[number - 4] for number in range(4, 13)}
_PIN_DIGITS_BACK: Final = {position: digits for digits, position in _PIN_DIGITS.items()}


def positions(
    entry_mode: str | None, condition: str | None, pin_digits: str | None = None, *, has_pin: bool = False
) -> str | None:
    """The twelve positions for DE 22, 25 and 26 of a 1987 message; None where it says nothing of the kind.

    >>> positions("812", "59"), positions("051", "00", "12", has_pin=True), positions(None, None)
    ('000550S00000', '51010151300C', None)
    """
    if entry_mode is None and condition is None and pin_digits is None:
        return None
    digits, pin = (entry_mode or "000")[:2], (entry_mode or "000")[2:]
    entry = ENTRIES.get(digits, ENTRIES[UNSPECIFIED])
    around = _circumstances(digits, condition)
    authentication, capture = _PIN_CAPABILITY.get(pin, _PIN_UNSPECIFIED)
    if capture == "1":
        capture = _PIN_DIGITS.get(pin_digits or "", capture)
    by_pin = "13" if has_pin else "00"  # by PIN, and the one who authorizes verifies it
    return f"{entry.capability}{authentication}0{''.join(around)}{entry.mode}{by_pin}00{capture}"


def _circumstances(entry: str, condition: str | None) -> Circumstances:
    if condition in (None, ORDINARY) and entry in _REMOTE:
        return _REMOTE[entry]
    return CONDITIONS.get(condition or ORDINARY, CONDITIONS[ORDINARY])


class Taken(NamedTuple):
    """DE 22, 25 and 26 of a 1987 message."""

    entry_mode: str
    condition: str
    pin_digits: str | None


def taken(code: str) -> Taken:
    """What twelve positions say, in the words of 1987; FormatError where they are not twelve.

    >>> taken("000550S00000")
    Taken(entry_mode='812', condition='59', pin_digits=None)
    """
    if len(code) != LENGTH:
        raise FormatError.in_element(22)
    entry = _ENTRY_BY_MODE.get(code[6], UNSPECIFIED)
    if code[4] == STANDING_AUTHORIZATION and not ENTRIES[entry].by_reading:
        entry = STORED_CREDENTIAL
    return Taken(entry + _pin_digit(code), _condition(code), _PIN_DIGITS_BACK.get(code[11]))


def _condition(code: str) -> str:
    """The holder's absence says most, then the terminal that stands alone, then the card's absence."""
    environment, holder, card = code[3], code[4], code[5]
    if holder in _CONDITION_BY_HOLDER:
        return _CONDITION_BY_HOLDER[holder]
    if environment in _UNATTENDED_ENVIRONMENTS:
        return UNATTENDED
    return CARD_NOT_PRESENT if card == "0" else ORDINARY


def _pin_digit(code: str) -> str:
    if code[1] == "1":
        return "1"
    if code[1] == "5":
        return "8"
    return "2" if code[11] == "0" else "0"
