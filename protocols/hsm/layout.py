"""A layout: which fields a host command carries there and back, as a table.

Pure data and two walks over it. What a command does with its fields is the
HSM's business (`hsm_sim/commands/`); what a field looks like is in `fields.py`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from protocols.hsm.codes import DONE, INPUT_DATA
from protocols.hsm.fields import Part, UnreadableError

NO_FIELDS: Mapping[str, str] = {}
TRAILER = "\x19"
AFTER_FIELDS = "~%" + TRAILER  # what may follow the fields of a request


@dataclass(frozen=True, slots=True)
class Layout:
    """One command: its code, its title, its request fields and its answer fields, in wire order.

    `data_after` names the error codes other than 00 after which the answer's
    fields still follow: warnings, such as "parity corrected". `told_after` gives
    what else may follow an error code, where the HSM chooses to tell.
    """

    command: str
    title: str
    request: tuple[Part, ...] = ()
    answer: tuple[Part, ...] = ()
    data_after: frozenset[str] = frozenset()
    told_after: Mapping[str, tuple[Part, ...]] = field(default_factory=dict, hash=False)

    # Worked out from the parts: their field names, and one expression for all of them where each has one.
    request_names: tuple[str, ...] = field(init=False)
    answer_names: tuple[str, ...] = field(init=False)
    _quick_request: re.Pattern[str] | None = field(init=False, repr=False, compare=False)
    _quick_answer: re.Pattern[str] | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "request_names", _names(self.request))
        object.__setattr__(self, "answer_names", _names(self.answer))
        object.__setattr__(self, "_quick_request", _quick(self.request))
        object.__setattr__(self, "_quick_answer", _quick(self.answer))

    def has_data(self, error: str) -> bool:
        """Whether an answer with this error code carries its fields."""
        return error == DONE or error in self.data_after or error in self.told_after

    def read_request(self, text: str, at: int, found: dict[str, str]) -> int:
        """Fill `found` from the text; the offset behind the last field. Raises UnreadableError."""
        match = self._quick_request.match(text, at) if self._quick_request else None
        if match and (match.end() == len(text) or text[match.end()] in AFTER_FIELDS):
            found.update(match.groupdict())
            return match.end()
        return self.read_request_slowly(text, at, found)

    def read_request_slowly(self, text: str, at: int, found: dict[str, str]) -> int:
        """The same, part by part: what the quick way did not recognise, and the error code of what is wrong."""
        for part in self.request:
            at = part.read(text, at, found, found)
        return at

    def write_request(self, values: Mapping[str, str]) -> str:
        """The fields as text. Raises UnreadableError for a value missing, unfit, or of no field here."""
        unknown = sorted(set(values) - set(self.request_names))
        if unknown:
            raise UnreadableError(unknown[0], INPUT_DATA)
        return "".join([part.write(values, values) for part in self.request])

    def read_answer(
        self, text: str, at: int, found: dict[str, str], asked: Mapping[str, str] = NO_FIELDS, error: str = DONE
    ) -> int:
        """Fill `found` from the text; the offset behind the last field. Raises UnreadableError."""
        if error in self.told_after:
            return self._read_told(self.told_after[error], text, at, found, asked)
        for part in self.answer:
            at = part.read(text, at, found, asked)
        return at

    @staticmethod
    def _read_told(parts: tuple[Part, ...], text: str, at: int, found: dict[str, str], asked: Mapping[str, str]) -> int:
        """What may follow an error code, or not: it is there when behind it the answer ends or the trailer begins."""
        told: dict[str, str] = {}
        end = at
        try:
            for part in parts:
                end = part.read(text, end, told, asked)
        except UnreadableError:
            return at
        if text[end : end + 1] not in ("", TRAILER):
            return at
        found.update(told)
        return end

    def write_answer(self, values: Mapping[str, str], asked: Mapping[str, str] = NO_FIELDS, error: str = DONE) -> str:
        """The fields as text. Raises UnreadableError for a value missing or unfit."""
        if error in self.told_after:
            return "".join([part.write(values, asked) for part in self.told_after[error]]) if values else ""
        if self._quick_answer:
            try:
                text = "".join([values[name] for name in self.answer_names])
            except KeyError:  # one is missing, or has a default
                text = ""
            if self._quick_answer.fullmatch(text):
                return text
        return "".join([part.write(values, asked) for part in self.answer])


def _names(parts: tuple[Part, ...]) -> tuple[str, ...]:
    """Each name once: parts of which only one is ever there may share one."""
    return tuple(dict.fromkeys(name for part in parts for name in part.names()))


def _quick(parts: tuple[Part, ...]) -> re.Pattern[str] | None:
    """One group for each part, by its name. Part by part, reading is 6 of the 15 µs of a PIN translation; so it is 2.

    None where a part has no expression of its own."""
    groups = []
    for part in parts:
        pattern, (name, *others) = part.pattern(), part.names() or ("",)
        if pattern is None or others:
            return None
        groups.append(f"(?P<{name}>{pattern[1:]}")
    return re.compile("".join(groups)) if groups else None
