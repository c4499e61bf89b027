"""DE 48 as each dialect spells it: how wide the id and the length of a subelement are.

The network's own dialects write two digits of each (`subelements`), in their own character set,
which is the codec's. A bank of another house may count in threes. What stands in DE 48 is not
known here, and what is no run of subelements passes as it is: it may be another network's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from protocols.pan import is_digits


class Form(NamedTuple):
    """How many digits the id of a subelement has, and how many its length."""

    number: int = 2
    length: int = 2

    @property
    def longest(self) -> int:
        """The longest value, in characters."""
        return int(10**self.length) - 1


OURS: Final = Form()

#: A dialect that is not named here writes DE 48 as the network does.
FORMS: Final[Mapping[str, Form]] = {
    "iso87_ascii": OURS,
    "iso87_ascii_binmap": OURS,
    "iso87_binary": OURS,
    "iso93_ascii": OURS,
    "iso93_binary": OURS,
    "ebcdic_cis": OURS,
    "ebcdic_base1": OURS,
}


def form_of(dialect: str) -> Form:
    """
    >>> form_of("iso93_binary")
    Form(number=2, length=2)
    """
    return FORMS.get(dialect, OURS)


def respelled(text: str, source: Form, target: Form) -> str:
    """DE 48 in another form. A subelement whose id or value the other form cannot hold is left out.

    >>> respelled("420205" + "9203123", Form(2, 2), Form(3, 3))
    '04200205092003123'
    >>> respelled(_, Form(3, 3), Form(2, 2))
    '4202059203123'
    >>> respelled("another network's", Form(2, 2), Form(3, 3))
    "another network's"
    """
    if source == target:
        return text
    parts = list(_parts(text, source))
    if None in parts:
        return text
    return "".join(_written(*part, target) for part in parts if part is not None)


def _parts(text: str, form: Form) -> Iterator[tuple[str, str] | None]:
    """Id and value, one by one; a None is where the text stops being a run."""
    at = 0
    while at < len(text):
        start = at + form.number + form.length
        number, length = text[at : at + form.number], text[at + form.number : start]
        if len(length) != form.length or not is_digits(number + length) or start + int(length) > len(text):
            yield None
            return
        at = start + int(length)
        yield number, text[start:at]


def _written(number: str, value: str, form: Form) -> str:
    narrow = number.lstrip("0").rjust(form.number, "0")
    if len(narrow) > form.number or len(value) > form.longest:
        return ""
    return f"{narrow}{len(value):0{form.length}d}{value}"
