"""Parts of health answers that repeat: connections, bands of load, commands, LMKs; and text up to a mark.

What repeats has the fields `name.1.field`, `name.2.field` and so on, in wire order. It keeps out which
answers have rows (the layouts) and what they mean.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count

from protocols.hsm.codes import INPUT_DATA
from protocols.hsm.fields import Part, UnreadableError

TRAILER_MARK = "\x19"
ROWS_MAX = 9999  # what four digits can count

_VISIBLE = re.compile(r"[ -~]*")


def row_name(name: str, number: int, field: str) -> str:
    """What a field of a row is called.

    >>> row_name("lmk", 1, "id")
    'lmk.1.id'
    """
    return f"{name}.{number}.{field}"


@dataclass(frozen=True, slots=True)
class TextTo:
    """Printable text up to a mark, which is read too. It may be empty."""

    name: str
    mark: str
    longest: int

    def read(self, text: str, at: int, found: dict[str, str], asked: Mapping[str, str]) -> int:
        end = text.find(self.mark, at, at + self.longest + 1)
        if end < 0:
            raise UnreadableError(self.name, INPUT_DATA)
        found[self.name] = self._checked(text[at:end])
        return end + 1

    def write(self, values: Mapping[str, str], asked: Mapping[str, str]) -> str:
        return self._checked(values.get(self.name, "")) + self.mark

    def names(self) -> tuple[str, ...]:
        return (self.name,)

    def pattern(self) -> str | None:
        return None

    def _checked(self, value: str) -> str:
        if len(value) > self.longest or _VISIBLE.fullmatch(value) is None or self.mark in value:
            raise UnreadableError(self.name, INPUT_DATA)
        return value


@dataclass(frozen=True, slots=True)
class Rows:
    """Parts that repeat: as often as the field `counted_by` says, up to the mark `closed_by`, or to the end.

    Where neither is given the rows reach to the end of the answer's own fields: to its trailer, or to the last byte.
    """

    name: str
    parts: tuple[Part, ...]
    counted_by: str | None = None
    closed_by: str | None = None

    def read(self, text: str, at: int, found: dict[str, str], asked: Mapping[str, str]) -> int:
        number = 0
        while not self._is_over(text, at, number, found):
            number += 1
            row: dict[str, str] = {}
            for part in self.parts:
                at = part.read(text, at, row, row)
            found.update({row_name(self.name, number, field): value for field, value in row.items()})
        return at + len(self.closed_by or "")

    def write(self, values: Mapping[str, str], asked: Mapping[str, str]) -> str:
        rows = self.rows_in(values)
        if self.counted_by is not None and values.get(self.counted_by, "").lstrip("0") != str(len(rows) or ""):
            raise UnreadableError(self.counted_by, INPUT_DATA)
        return "".join(part.write(row, row) for row in rows for part in self.parts) + (self.closed_by or "")

    def rows_in(self, values: Mapping[str, str]) -> list[dict[str, str]]:
        """The rows among these fields, each with its own names."""
        rows: list[dict[str, str]] = []
        for number in count(1):
            row = {
                field: values[full]
                for part in self.parts
                for field in part.names()
                if (full := row_name(self.name, number, field)) in values
            }
            if not row:
                break
            rows.append(row)
        return rows

    def names(self) -> tuple[str, ...]:
        """Of the first row: how many there are is known only from an answer."""
        return tuple(row_name(self.name, 1, field) for part in self.parts for field in part.names())

    def pattern(self) -> str | None:
        return None

    def _is_over(self, text: str, at: int, number: int, found: Mapping[str, str]) -> bool:
        if number >= ROWS_MAX:
            raise UnreadableError(self.name, INPUT_DATA)
        if self.counted_by is not None:
            return number >= int(found[self.counted_by])
        if self.closed_by is not None:
            return text.startswith(self.closed_by, at)
        return at >= len(text) or text[at] == TRAILER_MARK


@dataclass(frozen=True, slots=True)
class WhenSaid:
    """Parts that are there when a field of the same message, read before, has this value."""

    field: str
    value: str
    parts: tuple[Part, ...]

    def read(self, text: str, at: int, found: dict[str, str], asked: Mapping[str, str]) -> int:
        if found.get(self.field) == self.value:
            for part in self.parts:
                at = part.read(text, at, found, asked)
        return at

    def write(self, values: Mapping[str, str], asked: Mapping[str, str]) -> str:
        if values.get(self.field) != self.value:
            return ""
        return "".join(part.write(values, asked) for part in self.parts)

    def names(self) -> tuple[str, ...]:
        return tuple(name for part in self.parts for name in part.names())

    def pattern(self) -> str | None:
        return None
