"""The inside of DE 48: a run of (2-digit id, 2-digit length, value), and what each id is.

Only the shape and the names. What a value means to a rule or an issuer is theirs;
which values no log and no journal may hold is said here, because both ends must agree.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from protocols.errors import FormatError, LocalProtocolError

NEW_KEY: Final = "11"
NEW_KEY_CHECK_VALUE: Final = "12"
PAYMENT_FACILITATOR: Final = "37"
ELECTRONIC_COMMERCE_INDICATOR: Final = "42"
AUTHENTICATION_VALUE: Final = "43"
PARTIAL_APPROVAL: Final = "61"
COMPLETION_PART: Final = "62"
THREE_D_SECURE: Final = "66"
ADDRESS: Final = "82"
ADDRESS_RESULT: Final = "83"
MERCHANT_ADVICE: Final = "84"
CARD_VERIFICATION_RESULT: Final = "87"
CARD_VERIFICATION_CODE: Final = "92"
NEW_PIN_BLOCK: Final = "93"

LONGEST_VALUE: Final = 99  # two digits of length

# Looked up, not converted: what is not two ASCII digits is simply not in the table, and it is quicker.
_TWO_DIGITS: Final = {f"{number:02d}": number for number in range(100)}

SUBELEMENTS: Final[Mapping[str, str]] = {
    NEW_KEY: "New key under the zone master key (0800, 161)",
    NEW_KEY_CHECK_VALUE: "Check value of the new key",
    PAYMENT_FACILITATOR: "Payment facilitator and sub-merchant",
    ELECTRONIC_COMMERCE_INDICATOR: "Electronic commerce indicator",
    AUTHENTICATION_VALUE: "Cardholder authentication value",
    PARTIAL_APPROVAL: "Takes an approval of a part (1)",
    COMPLETION_PART: "Which completion of how many (0103: the first of three)",
    THREE_D_SECURE: "3-D Secure version and directory server transaction id",
    ADDRESS: "Address verification request",
    ADDRESS_RESULT: "Address verification result",
    MERCHANT_ADVICE: "Merchant advice code",
    CARD_VERIFICATION_RESULT: "Card verification code result",
    CARD_VERIFICATION_CODE: "Card verification code",
    NEW_PIN_BLOCK: "PIN block of the PIN that is to be",
}

# Never shown, never journaled: gone after the authorization. An id that is not in the table is
# treated the same, because nobody here can say what a stranger put in it.
SECRET: Final = frozenset({CARD_VERIFICATION_CODE, NEW_KEY, NEW_PIN_BLOCK})


class SubelementError(FormatError):
    """DE 48 is not a run of subelements; `offset` counts from the start of the element."""

    def __init__(self, offset: int) -> None:
        super().__init__("format.de48", element=48, offset=offset)


def parse(text: str) -> dict[str, str]:
    """The subelements by id, in the order sent.

    >>> parse("420205" + "9203123")
    {'42': '05', '92': '123'}
    >>> parse("4209")
    Traceback (most recent call last):
    protocols.subelements.SubelementError: format.de48 at byte 0
    """
    values: dict[str, str] = {}
    at, size = 0, len(text)
    while at < size:
        number, length = text[at : at + 2], _TWO_DIGITS.get(text[at + 2 : at + 4])
        if length is None or number not in _TWO_DIGITS or number in values:
            raise SubelementError(at)
        start = at + 4
        end = start + length
        if end > size:
            raise SubelementError(at)
        values[number] = text[start:end]
        at = end
    return values


def is_run(text: str) -> bool:
    """Whether `parse` would read this; every request passes here, and the values are not asked for.

    >>> is_run("4202059203123"), is_run("4209"), is_run("420205420206"), is_run("")
    (True, False, False, True)
    """
    at, size = 0, len(text)
    lengths, seen = _TWO_DIGITS, set()
    while at < size:
        number, length = text[at : at + 2], lengths.get(text[at + 2 : at + 4])
        if length is None or number not in lengths or number in seen:
            return False
        seen.add(number)
        at += 4 + length
    return at == size


def shape(text: str) -> re.Pattern[str] | None:
    """A pattern for runs of these ids with these lengths, whatever the values; None where it is no run.

    Many requests of one sender have one shape, and one match costs a quarter of taking a run apart.

    >>> shape("4202059203123").pattern
    '4202.{2}9203.{3}'
    """
    if not is_run(text):
        return None
    return re.compile("".join(f"{n}{len(value):02d}.{{{len(value)}}}" for n, value in parse(text).items()), re.DOTALL)


def pack(values: Mapping[str, str]) -> str:
    """The run again, in the order of the mapping.

    >>> pack({"42": "05", "87": "M"})
    '4202058701M'
    """
    return "".join(_packed(number, value) for number, value in values.items())


def _packed(number: str, value: str) -> str:
    if number not in _TWO_DIGITS:
        raise LocalProtocolError("a subelement id is two digits")
    if len(value) > LONGEST_VALUE:
        raise LocalProtocolError(f"subelement {number} is longer than {LONGEST_VALUE}")
    return f"{number}{len(value):02d}{value}"


def without(text: str, *numbers: str) -> str:
    """DE 48 with some subelements taken out, the rest untouched and in order.

    >>> without("4202059203123", "92")
    '420205'
    """
    return pack({number: value for number, value in parse(text).items() if number not in numbers})


def without_secrets(text: str) -> str:
    """What a journal may keep of DE 48: known subelements that are not secret.

    >>> without_secrets("4202059203123" + "9902??")
    '420205'
    """
    return pack({number: value for number, value in parse(text).items() if is_open(number)})


def shown(text: str) -> str:
    """What a person may see of DE 48.

    >>> shown("4202059203123")
    '42=05 92=[secret]'
    >>> shown("anything else")
    '[secret]'
    """
    try:
        values = parse(text)
    except SubelementError:
        return "[secret]"
    return " ".join(f"{number}={value if is_open(number) else '[secret]'}" for number, value in values.items())


def is_open(number: str) -> bool:
    """Whether a person and a journal may see this subelement."""
    return number in SUBELEMENTS and number not in SECRET


def is_last_part(private_data: str | None) -> bool:
    """Whether a completion is the last of its authorization; one that says nothing (DE 48.62) is the only one.

    >>> is_last_part("62040103"), is_last_part("62040303"), is_last_part(None)
    (False, True, True)
    """
    try:
        part = parse(private_data or "").get(COMPLETION_PART, "")
    except SubelementError:
        return True
    return len(part) != 4 or part[:2] == part[2:]


def title(number: str) -> str:
    """
    >>> title("92"), title("99")
    ('Card verification code', 'not in the table of subelements')
    """
    return SUBELEMENTS.get(number, "not in the table of subelements")
