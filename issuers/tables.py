"""The tables of a bank's books: one dataclass, one table, the same in every database.

A column per field, the first is the key. A field that a later version adds stands last and has a
default, so a file of an earlier version gains the column when it is opened (`added`). Pure: text of
SQL and rows of values; who runs it is `database`'s.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from functools import cached_property
from operator import attrgetter
from typing import Any, Final, Generic, TypeVar

from issuers.accounts import Account, Ended, Held, Hold, HoldState, Posted, Reduced
from issuers.book import (
    Authentication,
    Booking,
    BookingState,
    Calendar,
    Card,
    CardState,
    Effect,
    Event,
    Given,
    Virtual,
    VirtualState,
    Way,
)

SCHEMA_VERSION: Final = 3
KINDS: Final = {"int": "BIGINT", "int | None": "BIGINT", "bool": "BOOLEAN"}  # anything else is text

Value = TypeVar("Value")


@dataclass(frozen=True)
class Table(Generic[Value]):
    """One of them. `read` and `write` turn columns into fields and back where they differ."""

    name: str
    of: Callable[..., Value]
    read: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    write: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)

    @cached_property
    def columns(self) -> dict[str, str]:
        """Name to kind."""
        return {one.name: KINDS.get(str(one.type), "TEXT") for one in fields(self.of)}  # type: ignore[arg-type]

    @property
    def definition(self) -> str:
        (key, kind), *rest = self.columns.items()
        return f'CREATE TABLE {self.name} ("{key}" {kind} PRIMARY KEY NOT NULL{"".join(map(_column, rest))})'

    def added(self, present: Iterable[str]) -> list[str]:
        """The statements that give a table of an earlier version what it lacks."""
        known = set(present)
        defaults = {one.name: one.default for one in fields(self.of)}  # type: ignore[arg-type]
        return [
            f'ALTER TABLE {self.name} ADD COLUMN "{name}" {kind}{_default(defaults[name])}'
            for name, kind in self.columns.items()
            if name not in known
        ]

    @cached_property
    def upsert(self) -> str:
        names = [f'"{name}"' for name in self.columns]
        setting = ", ".join(f"{name} = excluded.{name}" for name in names[1:])
        marks = ", ".join("?" * len(names))
        insert = f"INSERT INTO {self.name} ({', '.join(names)}) VALUES ({marks})"
        return f"{insert} ON CONFLICT ({names[0]}) DO UPDATE SET {setting}"

    @cached_property
    def select(self) -> str:
        return "SELECT " + ", ".join(f'{self.name}."{name}"' for name in self.columns) + f" FROM {self.name}"

    @cached_property
    def key(self) -> str:
        return f'{self.name}."{next(iter(self.columns))}"'

    def row(self, value: Value) -> Sequence[Any]:
        return self._with(self._fields(value), self._writers)

    def value(self, row: Sequence[Any]) -> Value:
        return self.of(*self._with(row, self._readers))

    @cached_property
    def _fields(self) -> Callable[[Value], Sequence[Any]]:
        return attrgetter(*self.columns)

    @cached_property
    def _readers(self) -> list[tuple[int, Callable[[Any], Any]]]:
        return self._at(self.read)

    @cached_property
    def _writers(self) -> list[tuple[int, Callable[[Any], Any]]]:
        return self._at(self.write)

    def _at(self, turns: Mapping[str, Callable[[Any], Any]]) -> list[tuple[int, Callable[[Any], Any]]]:
        names = list(self.columns)
        return [(names.index(name), turn) for name, turn in turns.items()]

    @staticmethod
    def _with(row: Sequence[Any], turns: list[tuple[int, Callable[[Any], Any]]]) -> Sequence[Any]:
        if not turns:
            return row
        turned = list(row)
        for index, turn in turns:
            turned[index] = turn(turned[index])
        return turned


def _column(column: tuple[str, str]) -> str:
    return f', "{column[0]}" {column[1]}'


def _default(value: object) -> str:
    if value is None or value is MISSING:
        return ""
    if isinstance(value, bool):
        return f" DEFAULT {str(value).upper()}"
    return f" DEFAULT {value}" if isinstance(value, int) else f" DEFAULT '{value}'"


def _answer(text: str) -> dict[int, str]:
    return {int(number): value for number, value in json.loads(text).items()}


ACCOUNTS: Final = Table("accounts", Account, {"own": bool})
CARDS: Final = Table("cards", Card, {"state": CardState}, {"state": str})
HOLDS: Final = Table("holds", Hold, {"state": HoldState}, {"state": str})
BOOKINGS: Final = Table(
    "bookings",
    Booking,
    {
        "state": BookingState,
        "way": Way,
        **dict.fromkeys(("overlimit", "advised", "is_tombstone", "completed"), bool),
    },
    {"state": str, "way": str},
)
GIVEN: Final = Table("given", Given, {"answer": _answer}, {"answer": json.dumps})
VIRTUALS: Final = Table("virtuals", Virtual, {"state": VirtualState}, {"state": str})
CALENDAR: Final = Table("calendar", Calendar)
AUTHENTICATIONS: Final = Table("authentications", Authentication)
TABLES: Final[tuple[Table[Any], ...]] = (
    ACCOUNTS,
    CARDS,
    HOLDS,
    BOOKINGS,
    GIVEN,
    VIRTUALS,
    CALENDAR,
    AUTHENTICATIONS,
)

# Lines in the order in which they were written, never changed: what was posted, and what happened.
ENTRY_COLUMNS: Final = {"key": "TEXT", "account": "TEXT", "amount": "BIGINT", "text": "TEXT", "at": "TEXT DEFAULT ''"}
EVENT_COLUMNS: Final = dict.fromkeys(("at", "kind", "subject", "text", "actor"), "TEXT")
LINES: Final = {"entries": ENTRY_COLUMNS, "events": EVENT_COLUMNS}
INSERT_ENTRY: Final = 'INSERT INTO entries ("key", account, amount, text, at) VALUES (?, ?, ?, ?, ?)'
INSERT_EVENT: Final = "INSERT INTO events (at, kind, subject, text, actor) VALUES (?, ?, ?, ?, ?)"

# Who asks: a completion for the family of its authorization; an original named by its approval code; a statement;
# the sweep of holds; the ledger's lines of one account; whether a card has paid at a shop before.
INDEXES: Final = (
    "CREATE INDEX IF NOT EXISTS bookings_by_original ON bookings (original) WHERE original <> ''",
    "CREATE INDEX IF NOT EXISTS bookings_by_card ON bookings (card, at)",
    "CREATE INDEX IF NOT EXISTS holds_active ON holds (account) WHERE state = 'active'",
    "CREATE INDEX IF NOT EXISTS entries_by_account ON entries (account, number)",
    "CREATE INDEX IF NOT EXISTS authentications_by_card ON authentications (card, merchant) WHERE used_by <> ''",
    "CREATE INDEX IF NOT EXISTS events_by_subject ON events (subject, number)",
)


class Changed:
    """Which rows the effects of a batch touch; each is written once, as it stands in the end."""

    def __init__(self, effects: Iterable[Effect], at: str) -> None:
        self.at = at
        self.entries: list[tuple[str, str, int, str, str]] = []
        self.events: list[tuple[str, ...]] = []
        self.accounts: set[str] = set()
        self.holds: set[str] = set()
        self.cards: set[str] = set()
        self.bookings: set[str] = set()
        self.given: set[str] = set()
        self.virtuals: set[str] = set()
        self.authentications: set[str] = set()
        self.calendar = False
        for effect in effects:
            self._note(effect)

    def _note(self, effect: Effect) -> None:
        match effect:
            case Posted():
                lines = ((effect.key, entry.account, entry.amount, effect.text, self.at) for entry in effect.entries)
                self.entries += lines
                self.accounts |= {entry.account for entry in effect.entries}
            case Held() | Reduced() | Ended():
                self.holds.add(effect.key)
            case Card() | Virtual():
                (self.cards if isinstance(effect, Card) else self.virtuals).add(effect.token)
            case Booking():
                self.bookings.add(effect.key)
            case Given():
                self.given.add(effect.key)
            case Authentication():
                self.authentications.add(effect.key)
            case Account():
                self.accounts.add(effect.id)
            case Event():
                self.events.append((effect.at, effect.kind, effect.subject, effect.text, effect.actor))
            case Calendar():
                self.calendar = True
