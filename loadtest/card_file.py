"""The file of test cards: fixed-width records behind one header, mapped into memory, found by number.

A million cards take 48 MB and open at once, because nothing is read before it is asked for. The
file says in its first line what it is; it is made for its owner alone, since a PIN may stand in it.
How a population is made up is `population`'s business; which card comes next is `picks`'.

Layout: a header of 128 bytes (a line of text, padded with spaces; then record size, count and
seed, little-endian), then the records in the order of the population.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from struct import Struct
from typing import Final

from protocols.pan import Pan, masked

SAYS: Final = b"payswitch test cards, version 1: nobody's cards, for tests only\n"
HEAD: Final = Struct("<100sIQQ8x")  # what it says, bytes a record, cards, seed
#: PAN and its length, expiry (YYMM), expected DE 39, kind, currency, service code, PIN, PVV, CVV.
RECORD: Final = Struct("<19sB4s2sB3s3s4s4s3s4x")
WRITE_AT_ONCE: Final = 16_384  # records a write: under a megabyte, and far fewer system calls than cards
OWNER_ONLY: Final = 0o600


class CardFileError(ValueError):
    """The file is not one of ours, or not whole."""


class Kind(IntEnum):
    """What is the matter with a card; the number is what stands in the file."""

    ACTIVE = 0
    EXPIRED = 1
    LOST = 2
    STOLEN = 3
    BLOCKED = 4
    POOR = 5


#: What an issuer answers to a purchase (ISO 8583:1987, table of response codes).
EXPECTED: Final = {
    Kind.ACTIVE: "00",
    Kind.EXPIRED: "54",
    Kind.LOST: "41",
    Kind.STOLEN: "43",
    Kind.BLOCKED: "62",
    Kind.POOR: "51",
}


@dataclass(frozen=True, slots=True)
class TestCard:
    """One card of a population. Its number and its secrets are not printed."""

    pan: str = field(repr=False)
    expiry: str = field(repr=False)  # YYMM, as DE 14
    kind: Kind
    currency: str  # ISO 4217, three digits
    service_code: str = field(default="201", repr=False)
    pin: str | None = field(default=None, repr=False)
    pvv: str | None = field(default=None, repr=False)
    cvv: str | None = field(default=None, repr=False)

    __test__ = False  # not a test, whatever pytest thinks of the name

    @property
    def expected(self) -> str:
        """The response code (DE 39) that a purchase with this card is to get."""
        return EXPECTED[self.kind]

    @property
    def masked(self) -> str:
        """What a person may see of the number."""
        return masked(self.pan)

    def __str__(self) -> str:
        return self.masked


def packed(card: TestCard) -> bytes:
    """The card's record, 48 bytes.

    >>> card = TestCard("9784100000000019", "2912", Kind.LOST, "784")
    >>> len(packed(card)), unpacked(packed(card)) == card, card.expected
    (48, True, '41')
    """
    return RECORD.pack(
        card.pan.encode(),
        len(card.pan),
        card.expiry.encode(),
        card.expected.encode(),
        card.kind,
        card.currency.encode(),
        card.service_code.encode(),
        (card.pin or "").encode(),
        (card.pvv or "").encode(),
        (card.cvv or "").encode(),
    )


def unpacked(record: bytes) -> TestCard:
    """The card in a record; CardFileError where it is none, without its bytes."""
    pan, length, expiry, _, kind, currency, service_code, pin, pvv, cvv = RECORD.unpack(record)
    try:
        return TestCard(
            Pan(pan[:length].decode("ascii")).clear(),
            expiry.decode("ascii"),
            Kind(kind),
            currency.decode("ascii"),
            service_code.decode("ascii"),
            *((text.rstrip(b"\0").decode("ascii") or None) for text in (pin, pvv, cvv)),
        )
    except ValueError:
        raise CardFileError("a record that is no card") from None


def write_cards(path: Path, cards: Iterable[TestCard], count: int, seed: int) -> None:
    """Write the file whole or not at all: it gets its name when it is complete. OSError as the system says."""
    draft = path.with_name(f".{path.name}.new")
    descriptor = os.open(draft, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_NOFOLLOW, OWNER_ONLY)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(HEAD.pack(SAYS.ljust(100), RECORD.size, count, seed))
            batch: list[bytes] = []
            for card in cards:
                batch.append(packed(card))
                if len(batch) == WRITE_AT_ONCE:
                    file.write(b"".join(batch))
                    batch.clear()
            file.write(b"".join(batch))
        draft.rename(path)
    finally:
        draft.unlink(missing_ok=True)


class CardFile:
    """An open file of cards: `len(cards)`, `cards[i]`, iteration. Close it, or use it as a context."""

    def __init__(self, path: Path) -> None:
        """Map the file. OSError where it cannot be opened, CardFileError where it is not ours or not whole."""
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size < HEAD.size:
                raise CardFileError(f"{path}: not a file of test cards")
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        says, record, self._count, self.seed = HEAD.unpack_from(self._map)
        problem = _problem(says, record, self._count, size)
        if problem:
            self._map.close()
            raise CardFileError(f"{path}: {problem}")

    def __len__(self) -> int:
        return int(self._count)

    def __getitem__(self, index: int) -> TestCard:
        """The card at an index from 0; IndexError beyond the last."""
        if not 0 <= index < self._count:
            raise IndexError(index)
        at = HEAD.size + index * RECORD.size
        return unpacked(self._map[at : at + RECORD.size])

    def __iter__(self) -> Iterator[TestCard]:
        return (self[index] for index in range(len(self)))

    def close(self) -> None:
        """Idempotent."""
        self._map.close()

    def __enter__(self) -> CardFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _problem(says: bytes, record: int, count: int, size: int) -> str | None:
    if not says.startswith(SAYS):
        return "not a file of test cards of this version"
    if record != RECORD.size:
        return f"records of {record} bytes; this version has {RECORD.size}"
    if size != HEAD.size + count * record:
        return f"{count} cards announced, and the file is not of that size"
    return None
