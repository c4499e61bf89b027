"""What a buyer typed: a card, or which fields are wrong. Pure; what was typed is never repeated."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from acquirers.store_api.desk import Card
from protocols.pan import LONGEST, SHORTEST, Pan, is_digits, luhn_valid

_EXPIRY: Final = re.compile(r"(0[1-9]|1[0-2])\s*/?\s*(?:20)?([0-9]{2})", re.ASCII)
#: A telephone in Arabic types Arabic digits, of either kind.
_DIGITS: Final = {ord(char): str(at % 10) for at, char in enumerate("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹")}
TYPED_MAX: Final = 40  # characters of a field; more is nobody's card


def read_card(form: Mapping[str, str], *, code_needed: bool) -> Card | list[str]:
    """The card, or the names of the fields that are wrong.

    >>> read_card({"number": "9414 1000 0000 0017", "expiry": "12/29", "code": "123"}, code_needed=True)
    <Card 941410******0017>
    >>> read_card({"number": "9414 1000 0000 0018", "expiry": "13/29", "code": ""}, code_needed=True)
    ['number', 'expiry', 'code']
    """
    typed = {name: form.get(name, "")[:TYPED_MAX].translate(_DIGITS).strip() for name in ("number", "expiry", "code")}
    number = re.sub(r"[\s-]", "", typed["number"])
    expiry = _EXPIRY.fullmatch(typed["expiry"])
    code = typed["code"]
    wrong = []
    if not (is_digits(number) and SHORTEST <= len(number) <= LONGEST and luhn_valid(number)):
        wrong.append("number")
    if expiry is None:
        wrong.append("expiry")
    if (code or code_needed) and not (is_digits(code) and len(code) in (3, 4)):
        wrong.append("code")
    if wrong or expiry is None:
        return wrong
    return Card(Pan(number), expiry[2] + expiry[1], code or None)
