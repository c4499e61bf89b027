"""What a restart knows, as plain values that can be kept, and back again: the content of a snapshot.

Pure: a `Recovery` in, a stream of small parts out, and the other way round. One table names every field of what is
remembered; a field that is new and not in it fails a test, because a start from a snapshot must know what a start
from the whole journal knows. Where the parts are kept, and what they are worth, is `switch.store.snapshot`'s.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from itertools import islice
from typing import Any, Final, NamedTuple

from switch.memory import Memory, Taken
from switch.records import Debt, NewKey, Sent, pack, unpack
from switch.recovery import Recovery
from switch.stood_in import Spent, StoodIn

FORMAT: Final = 1  # raise it whenever the same journal would be remembered otherwise: older snapshots are then ignored
AT_ONCE: Final = 2000  # values of a part: about a megabyte of remembered transactions

Part = list[Any]  # the number of a field in the table, and some of its values


class Field(NamedTuple):
    """One field: how its value becomes plain ones, and how some of them are added to it."""

    of: type
    name: str
    plain: Callable[[Any], Iterable[Any]]
    add: Callable[[Any, list[Any]], Any]  # the value so far, and a part's; gives the value


def _pairs(kept: Mapping[Any, Any]) -> Iterable[Any]:
    return ([key, value] for key, value in kept.items())


def _alone(value: Any) -> Iterable[Any]:
    return (value,)


def _nothing(_: Any) -> Iterable[Any]:
    return ()


def _first(_: Any, values: list[Any]) -> Any:
    return values[0]


def _into_dict(make: Callable[[Any], Any] = lambda value: value) -> Callable[[Any, list[Any]], Any]:
    def add(kept: dict[Any, Any], values: list[Any]) -> Any:
        kept.update((key, make(value)) for key, value in values)
        return kept

    return add


def _entries(kept: Mapping[str, tuple[Any, ...]]) -> Iterable[Any]:
    return ([key, *entry] for key, entry in kept.items())


def _add_entries(kept: dict[str, tuple[Any, ...]], values: list[Any]) -> Any:
    kept.update((key, (sent, answered, mark)) for key, sent, answered, mark in values)
    return kept


def _add_names(kept: dict[str, None], values: list[Any]) -> Any:
    kept.update(dict.fromkeys(values))
    return kept


def _add_to_set(kept: set[Any], values: list[Any]) -> Any:
    kept.update(values)
    return kept


def _days(stood_in: StoodIn) -> Iterable[Any]:
    return ([day.isoformat(), card, *spent] for day, cards in stood_in.days() for card, spent in cards.items())


def _add_days(stood_in: StoodIn, values: list[Any]) -> StoodIn:
    for day, card, times, amount in values:
        stood_in.put(date.fromisoformat(day), card, Spent(times, amount))
    return stood_in


def _sent(packed: bytes) -> Sent:
    record = unpack(packed)
    assert isinstance(record, Sent)
    return record


def _seconds(kept: Mapping[str, array[int]]) -> Iterable[Any]:
    return ([issuer, seconds.tobytes()] for issuer, seconds in kept.items())


def _array(content: bytes) -> array[int]:
    return array("I", content)


FIELDS: Final[tuple[Field, ...]] = (
    Field(Memory, "_entries", _entries, _add_entries),
    Field(Memory, "_order", _nothing, _first),  # that of the entries: `restored` makes it
    Field(Memory, "has_forgotten", _alone, _first),
    Field(Memory, "_forgotten", iter, _add_names),
    Field(Memory, "_forgotten_minutes", sorted, _add_to_set),
    Field(Memory, "_tombstones", iter, _add_names),
    Field(Memory, "_taken", _pairs, _into_dict(lambda value: Taken(*value))),
    Field(Memory, "_left", _pairs, _into_dict()),
    Field(Memory, "_increases", _pairs, _into_dict()),
    Field(Recovery, "last_number", _alone, _first),
    Field(Recovery, "last_stans", _pairs, _into_dict()),
    Field(Recovery, "used", _seconds, _into_dict(_array)),
    Field(Recovery, "keys", iter, lambda kept, values: [*kept, *(NewKey(*value) for value in values)]),
    Field(Recovery, "debts", _pairs, _into_dict(lambda value: Debt(*value))),
    Field(Recovery, "parked", sorted, _add_to_set),
    Field(Recovery, "stood_in", _days, _add_days),
    Field(
        Recovery,
        "open",
        lambda kept: ([number, pack(sent)] for number, sent in kept.items()),
        _into_dict(_sent),
    ),
)


def shape(bound: int) -> list[Any]:
    """What must be the same for a snapshot to be of use: fields, how numbers lie in memory, how much is remembered."""
    return [FORMAT, sys.byteorder, array("I").itemsize, bound, [f"{one.of.__name__}.{one.name}" for one in FIELDS]]


def parts(recovery: Recovery) -> Iterator[Part]:
    """All that is known, a few thousand values at a time."""
    for number, field in enumerate(FIELDS):
        values = iter(field.plain(getattr(_owner(recovery, field), field.name)))
        while some := list(islice(values, AT_ONCE)):
            yield [number, some]


def restored(found: Iterable[Part], bound: int) -> Recovery:
    """What a full reading up to the same place would know."""
    recovery = Recovery(Memory(bound))
    for number, values in found:
        field = FIELDS[number]
        owner = _owner(recovery, field)
        setattr(owner, field.name, field.add(getattr(owner, field.name), values))
    recovery.memory.put_in_order()
    return recovery


def _owner(recovery: Recovery, field: Field) -> Any:
    return recovery.memory if field.of is Memory else recovery
