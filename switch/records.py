"""What the journal holds: seven kinds of record, each a msgpack array.

Only what may be kept: elements that the data dictionary marks so, never track data, PIN blocks
or codes. The card number is among them, for reversals need it; the journal seals every batch.
Frames stay frames (a slice, not a table of elements): that is what makes a record cheap.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from enum import IntEnum
from itertools import repeat
from typing import Any, Final, NamedTuple

import msgpack

from protocols.codec.mould import sewn
from protocols.codes import APPROVED
from protocols.runtime.exits import ConfigurationError


class Kind(IntEnum):
    """The first value of every record."""

    STARTED = 1  # the switch started, and will give no number below this one
    SENT = 2  # a request is about to go out to its issuer
    ANSWERED = 3  # an answer is about to go out, and what is owed because of it
    OWED = 4  # a debt that no answer made: after a restart, or an approval nobody heard
    SETTLED = 5  # a debt was acknowledged
    NEW_KEY = 6  # another key is agreed with a participant
    PARKED = 7  # a debt is left alone until people free it, or was freed


class Started(NamedTuple):
    """The switch started."""

    kind: int
    number: int
    at: float  # seconds since 1970
    version: str


class Sent(NamedTuple):
    """A request as its issuer is about to see it."""

    kind: int
    number: int  # of the transaction
    at: float
    key: str
    participant: str  # who asks
    mti: str
    issuer: str
    stan: str  # the switch's own, on the issuer's link
    frame: bytes  # in the asker's dialect, less what may not be kept
    dialect: str


class Debt(NamedTuple):
    """A message owed to an issuer."""

    number: int  # of the debt
    transaction: int
    issuer: str
    mti: str
    stan: str
    values: dict[int, str]


class Answered(NamedTuple):
    """How a transaction ended."""

    kind: int
    number: int
    at: float
    key: str
    participant: str
    mti: str
    issuer: str | None
    stan: str | None
    frame: bytes | None  # None: the Sent record of this number has it
    dialect: str
    response_code: str
    reason: str | None
    approval_code: str | None
    rrn: str | None  # made by the switch, because the asker sent none
    elements: dict[int, str]
    stand_in: bool
    reverses: int | None  # the number of the transaction that this one undoes
    reverses_key: str | None
    left: int | None  # what of that one stands, in its holder's currency; None: it is undone in full
    tombstone: str | None  # the key of a request to be refused should it still come
    debts: list[Debt]


class Owed(NamedTuple):
    """A debt of a transaction that was answered, or never will be."""

    kind: int
    number: int
    at: float
    key: str
    why: str  # a reversal reason's slug
    debts: list[Debt]


class Settled(NamedTuple):
    """A debt was acknowledged; with another response code than 00 it was refused for good."""

    kind: int
    number: int  # of the debt
    at: float
    transaction: int
    response_code: str


class NewKey(NamedTuple):
    """Another key is agreed with a participant."""

    kind: int
    number: int  # of the last transaction before it
    at: float
    participant: str
    use: str  # its name among the agreement's keys
    key: str  # under the HSM's LMK
    check_value: str


class Parked(NamedTuple):
    """A debt is left alone until people free it, or was freed: by hand, or refused for good."""

    kind: int
    number: int  # of the debt
    at: float
    parked: bool


Record = Started | Sent | Answered | Owed | Settled | NewKey | Parked

_SHAPES: dict[int, Any] = {
    Kind.STARTED: Started,
    Kind.SENT: Sent,
    Kind.ANSWERED: Answered,
    Kind.OWED: Owed,
    Kind.SETTLED: Settled,
    Kind.NEW_KEY: NewKey,
    Kind.PARKED: Parked,
}

pack = msgpack.Packer(autoreset=True).pack

#: Frames in columns, and the length that all of them have.
Kept = tuple[int, Sequence[Iterable[bytes]]]

_NUMBER: Final = b"\xcf"  # msgpack: an unsigned number of eight bytes follows,
_MOMENT: Final = b"\xcb"  # a float of eight,
_TEXT: Final = b"\xd9"  # a text, its length in one byte,
_BYTES: Final = b"\xc5"  # bytes, their length in two
_AN_APPROVAL_CODE: Final = b"\xa6"  # a text of six
_A_STAN: Final = b"\xa6"


def moment(at: float) -> bytes:
    """The moment of a record, as it is written."""
    return _MOMENT + struct.pack(">d", at)


class SentForm:
    """Sent records that differ in number, moment, key, STAN and frame only: the rest is written once.

    Joining a few slices costs a fifth of packing ten values. What is read back is the same.
    """

    __slots__ = ("_after", "_who")

    def __init__(self, participant: str, mti: str, issuer: str, dialect: str) -> None:
        self._who = b"".join(map(pack, (participant, mti, issuer))) + _A_STAN
        self._after = pack(dialect)

    def fill(self, number: int, at: bytes, known: bytes, stan: bytes, frame: bytes) -> bytes:
        """The record. `at` as `moment` wrote it; `known`, the key, of less than 256 bytes, a STAN of six."""
        return b"".join(
            (
                *(_SENT_HEAD, number.to_bytes(8, "big"), at, _LENGTH_OF_TEXT[len(known)], known),
                *(self._who, stan, _BYTES, len(frame).to_bytes(2, "big"), frame, self._after),
            )
        )

    def fill_all(
        self, numbers: Sequence[int], at: bytes, keys: Sequence[bytes], stans: Iterable[bytes], kept: Kept
    ) -> list[bytes]:
        """As many records. All keys are of one length, and so are all frames, which come in columns."""
        size, parts = kept
        constants = at + _LENGTH_OF_TEXT[len(keys[0])], _BYTES + size.to_bytes(2, "big")
        ordinals = [number.to_bytes(8, "big") for number in numbers]
        known = repeat(_SENT_HEAD), ordinals, repeat(constants[0]), keys
        return sewn([*known, repeat(self._who), stans, repeat(constants[1]), *parts, repeat(self._after)])


class AnsweredForm:
    """Answered records of plain approvals of requests that were sent."""

    __slots__ = ("_after_code", "_after_stan", "_who")

    def __init__(self, participant: str, mti: str, issuer: str, dialect: str) -> None:
        self._who = b"".join(map(pack, (participant, mti, issuer))) + _A_STAN
        self._after_stan = b"".join(map(pack, (None, dialect, APPROVED, None))) + _AN_APPROVAL_CODE
        self._after_code = b"".join(map(pack, (None, {}, False, None, None, None, None, [])))

    def fill(self, number: int, at: bytes, known: bytes, stan: bytes, approval_code: bytes) -> bytes:
        """The record."""
        return b"".join(
            (
                *(_ANSWERED_HEAD, number.to_bytes(8, "big"), at, _LENGTH_OF_TEXT[len(known)], known),
                *(self._who, stan, self._after_stan, approval_code, self._after_code),
            )
        )

    def fill_all(
        self, numbers: Sequence[int], at: bytes, keys: Sequence[bytes], stans: Iterable[bytes], codes: Iterable[bytes]
    ) -> list[bytes]:
        """As many records; the keys are of one length."""
        ordinals = [number.to_bytes(8, "big") for number in numbers]
        before = repeat(_ANSWERED_HEAD), ordinals, repeat(at + _LENGTH_OF_TEXT[len(keys[0])]), keys, repeat(self._who)
        return sewn([*before, stans, repeat(self._after_stan), codes, repeat(self._after_code)])


_PACK_HEAD = msgpack.Packer().pack_array_header
_SENT_HEAD: Final = _PACK_HEAD(len(Sent._fields)) + pack(int(Kind.SENT)) + _NUMBER
_ANSWERED_HEAD: Final = _PACK_HEAD(len(Answered._fields)) + pack(int(Kind.ANSWERED)) + _NUMBER
_LENGTH_OF_TEXT: Final = tuple(_TEXT + bytes((size,)) for size in range(256))


def read(record: Sequence[Any]) -> Record:
    """A record as the journal hands it back; ConfigurationError where another version wrote it."""
    shape = _SHAPES.get(record[0])
    if shape is None or len(record) != len(shape._fields):
        raise ConfigurationError(
            "the journal was written by another version of payswitch: keep it with that version, or begin new books"
        )
    found: Record = shape(*record)
    if isinstance(found, Answered | Owed) and found.debts:
        written: list[Any] = found.debts  # lists, until they are made debts
        return found._replace(debts=[Debt(*debt) for debt in written])
    return found


def unpack(packed: bytes) -> Record:
    """A packed record, as the core keeps it in memory."""
    return read(msgpack.unpackb(packed, strict_map_key=False))
