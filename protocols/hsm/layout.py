"""A layout: which fields a host command carries there and back, as a table.

Pure data and two walks over it. What a command does with its fields is the
HSM's business (`hsm_sim/commands/`); what a field looks like is in `fields.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from protocols.hsm.codes import DONE, INPUT_DATA
from protocols.hsm.fields import Part, UnreadableError

NO_FIELDS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Layout:
    """One command: its code, its title, its request fields and its answer fields, in wire order.

    `data_after` names the error codes other than 00 after which the answer's
    fields still follow: warnings, such as "parity corrected".
    """

    command: str
    title: str
    request: tuple[Part, ...] = ()
    answer: tuple[Part, ...] = ()
    data_after: frozenset[str] = frozenset()

    @property
    def request_names(self) -> tuple[str, ...]:
        return tuple(name for part in self.request for name in part.names())

    def has_data(self, error: str) -> bool:
        """Whether an answer with this error code carries its fields."""
        return error == DONE or error in self.data_after

    def read_request(self, text: str, at: int, found: dict[str, str]) -> int:
        """Fill `found` from the text; the offset behind the last field. Raises UnreadableError."""
        for part in self.request:
            at = part.read(text, at, found, found)
        return at

    def write_request(self, values: Mapping[str, str]) -> str:
        """The fields as text. Raises UnreadableError for a value missing, unfit, or of no field here."""
        unknown = sorted(set(values) - set(self.request_names))
        if unknown:
            raise UnreadableError(unknown[0], INPUT_DATA)
        return "".join([part.write(values, values) for part in self.request])

    def read_answer(self, text: str, at: int, found: dict[str, str], asked: Mapping[str, str] = NO_FIELDS) -> int:
        for part in self.answer:
            at = part.read(text, at, found, asked)
        return at

    def write_answer(self, values: Mapping[str, str], asked: Mapping[str, str] = NO_FIELDS) -> str:
        return "".join([part.write(values, asked) for part in self.answer])
