"""The insides of elements: DE 43, 48, 54, 55 and 90, as a peer may spell them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress

from fuzz.seeds import CHIP
from fuzz.target import Target
from protocols import additional_amounts, parts, subelements, tlv
from protocols.card_acceptor import CardAcceptor
from protocols.errors import FormatError
from protocols.original import Original


def of_text(parse: Callable[[str], object]) -> Callable[[bytes], None]:
    """A parser of text, for bytes: a codec hands over Latin-1."""

    def one(data: bytes) -> None:
        with suppress(FormatError):
            parse(data.decode("latin-1"))

    return one


def private_data(text: str) -> None:
    subelements.shown(text)
    assert subelements.pack(subelements.parse(text)) == text


def original(text: str) -> None:
    assert Original.parse(text).text == text


def chip_data(data: bytes) -> None:
    with suppress(FormatError):
        found = tlv.parse(data)
        assert tlv.parse(tlv.pack(found)) == found
        tlv.by_tag(found)
        tlv.card_numbers(found)
        repr(found)


def taken_apart(data: bytes) -> None:
    """What `inspect` shows of any element; it never fails, it shows nothing."""
    for number in range(2, 129):
        parts.parts_of(number, data.decode("latin-1"))


def chip_seeds() -> Iterator[bytes]:
    good = bytes.fromhex(CHIP)
    yield good
    yield bytes.fromhex("9F26880102030405060708")
    yield b"\xe1\x80" + good + b"\x00\x00"
    yield bytes.fromhex("9F2684FFFFFFFF00")
    yield b"\xbf" + b"\xff" * 30
    for depth in (7, 8, 9, 200):
        nested = b""
        for _ in range(depth):
            nested = (b"\xe1\x82" + len(nested).to_bytes(2, "big")) + nested
        yield nested


TARGETS = (
    Target("inside-private-data", of_text(private_data), lambda: [b"4202059203123", b"42", b"4299", b"420205420206"]),
    Target("inside-chip-data", chip_data, chip_seeds),
    Target("inside-original", of_text(original), lambda: [b"010000012311232051440000078400100000000000", b"X" * 42]),
    Target(
        "inside-additional-amounts", of_text(additional_amounts.parse), lambda: [b"0002414C000000001500" * 6, b"00024"]
    ),
    Target("inside-card-acceptor", of_text(CardAcceptor.parse), lambda: [b"UAE Mall Trading         Dubai        AE"]),
    Target("inside-parts", taken_apart, lambda: [CHIP.encode(), b"4202059203123", b"0002414C000000001500"]),
)
