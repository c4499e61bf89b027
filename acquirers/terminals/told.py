"""A conversation at a terminal, told line by line: who said what, by name; what is secret stays so. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from protocols import elements as de
from protocols import tlv
from protocols.errors import FormatError

MARGIN = 10  # columns of who speaks


def spoken(who: str, text: str) -> str:
    """One line.

    >>> spoken("chip", "signs")
    '  chip      signs'
    """
    return f"  {who:<{MARGIN}}{text}".rstrip()


def message(direction: str, mti: str, values: Mapping[int, str]) -> list[str]:
    """A message: its elements by name, the chip's data tag by tag."""
    lines, first = [], f"{direction} {mti}"
    for number, value in values.items():
        element = de.ELEMENTS.get(number)
        name = element.name if element else f"de{number}"
        shown = "" if number == de.ICC_DATA else de.shown(number, value)
        lines.append(spoken(first, f"{number:>3} {name:<22} {shown}"))
        lines += [spoken("", one) for one in chip_lines(value)] if number == de.ICC_DATA else []
        first = ""
    return lines


def chip_lines(icc_data: str) -> Iterable[str]:
    """DE 55 as a person may see it."""
    try:
        objects = list(tlv.flat(tlv.parse(bytes.fromhex(icc_data))))
    except (FormatError, ValueError):
        return ["      unreadable"]
    return [f"      {one.tag:<5}{tlv.title(one.tag):<46} {tlv.shown(one)}" for one in objects]
