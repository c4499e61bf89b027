"""BER-TLV, the inside of DE 55: chip data as tag, length, value, and what each tag is.

The coding is that of ISO/IEC 7816-4 and EMV Book 3, annex B, which is BER (ISO/IEC 8825-1) without
indefinite lengths. Names and formats of tags are from EMV Book 3, annex A, and the contactless
kernels' books. What is computed over them (cryptograms) belongs to the HSM.

Everything has a bound, because a peer writes these bytes: how deep, how long a tag, how long a
length. A tag comes once, at whatever depth, so nobody can mean one value and have another checked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple

from protocols.errors import FormatError, LocalProtocolError
from protocols.pan import masked

DEPTH_MAX: Final = 8  # EMV needs three
TAG_BYTES_MAX: Final = 4  # EMV has tags of up to three bytes; one more is somebody's own
LENGTH_BYTES_MAX: Final = 4  # after 0x84; a longer one names more bytes than any frame holds
SIZE_MAX: Final = 8 * 1024  # of all of it: what a frame can carry

TRACK_1: Final = "56"
TRACK_2: Final = "57"
CARD_NUMBER: Final = "5A"
CARDHOLDER_NAME: Final = "5F20"
CRYPTOGRAM: Final = "9F26"
SCRIPT_IDENTIFIER: Final = "9F18"
SCRIPT_COMMAND: Final = "86"

# Issuer scripts (EMV Book 3, 10.10): several of them, each with an identifier and several commands.
MAY_REPEAT: Final = frozenset({"71", "72", SCRIPT_COMMAND, SCRIPT_IDENTIFIER})

SECRET_MARK: Final = "[secret]"

_CONSTRUCTED, _LONG_TAG, _MORE_TAG, _LONG_LENGTH = 0x20, 0x1F, 0x80, 0x80


class TlvError(FormatError):
    """DE 55 is not BER-TLV; `offset` counts from the start of the element."""

    def __init__(self, offset: int) -> None:
        super().__init__("format.de55", element=55, offset=offset)


@dataclass(frozen=True, slots=True)
class Tlv:
    """One data object: a value of its own, or the objects it is made of. Prints without its content.

    >>> Tlv("9F26", bytes(8))
    <9F26, 8 bytes>
    """

    tag: str  # upper-case hex
    value: bytes = b""
    parts: tuple[Tlv, ...] = ()

    @property
    def is_constructed(self) -> bool:
        """Whether the tag says that its value is a run of data objects."""
        return bool(int(self.tag[:2], 16) & _CONSTRUCTED)

    def __repr__(self) -> str:
        inside = f"{len(self.parts)} objects" if self.is_constructed else f"{len(self.value)} bytes"
        return f"<{self.tag}, {inside}>"


def parse(data: bytes) -> tuple[Tlv, ...]:
    """The data objects, in the order sent; TlvError says at which byte they break.

    >>> parse(bytes.fromhex("9F2701809A03261118"))
    (<9F27, 1 bytes>, <9A, 3 bytes>)
    >>> parse(bytes.fromhex("9F2780"))
    Traceback (most recent call last):
    protocols.tlv.TlvError: format.de55 at byte 2
    """
    if len(data) > SIZE_MAX:
        raise TlvError(0)
    return _run(data, 0, len(data), DEPTH_MAX, set())


def _run(data: bytes, at: int, end: int, depth: int, seen: set[str]) -> tuple[Tlv, ...]:
    if not depth:
        raise TlvError(at)
    found = []
    while at < end:
        tag, length_at = _tag(data, at, end)
        length, start = _length(data, length_at, end)
        if start + length > end:
            raise TlvError(length_at)
        if tag in seen and tag not in MAY_REPEAT:
            raise TlvError(at)
        seen.add(tag)
        if data[at] & _CONSTRUCTED:
            found.append(Tlv(tag, parts=_run(data, start, start + length, depth - 1, seen)))
        else:
            found.append(Tlv(tag, data[start : start + length]))
        at = start + length
    return tuple(found)


def _tag(data: bytes, at: int, end: int) -> tuple[str, int]:
    """A tag, and where its length begins. The tag 00 is BER's end of contents, which needs an indefinite length."""
    stop = at + 1
    if not data[at]:
        raise TlvError(at)
    if data[at] & _LONG_TAG == _LONG_TAG:
        while stop < end and data[stop] & _MORE_TAG and stop < at + TAG_BYTES_MAX:
            stop += 1
        stop += 1
        if stop > end or stop > at + TAG_BYTES_MAX or data[at + 1] == _MORE_TAG:  # a number does not begin with zero
            raise TlvError(at)
    return data[at:stop].hex().upper(), stop


def _length(data: bytes, at: int, end: int) -> tuple[int, int]:
    """A length, and where the value begins."""
    if at >= end:
        raise TlvError(at)
    first = data[at]
    if first < _LONG_LENGTH:
        return first, at + 1
    count = first - _LONG_LENGTH
    start = at + 1 + count
    if not 0 < count <= LENGTH_BYTES_MAX or start > end:
        raise TlvError(at)
    return int.from_bytes(data[at + 1 : start], "big"), start


def pack(objects: Iterable[Tlv]) -> bytes:
    """The bytes again, every length as short as it can be.

    >>> pack([Tlv("9A", bytes.fromhex("261118")), Tlv("E1", parts=(Tlv("9F27", bytes(1)),))]).hex()
    '9a03261118e1049f270100'
    """
    return b"".join(map(_packed, objects))


def _packed(one: Tlv) -> bytes:
    try:
        tag = bytes.fromhex(one.tag)
        is_tag = _tag(tag, 0, len(tag)) == (one.tag, len(tag))
    except (ValueError, IndexError, TlvError):
        is_tag = False
    if not is_tag:
        raise LocalProtocolError("this is not a tag")
    value = pack(one.parts) if one.is_constructed else one.value
    size = len(value)
    if size < _LONG_LENGTH:
        return tag + bytes((size,)) + value
    count = (size.bit_length() + 7) // 8
    return tag + bytes((_LONG_LENGTH + count,)) + size.to_bytes(count, "big") + value


def flat(objects: Iterable[Tlv]) -> Iterator[Tlv]:
    """Every data object that has a value of its own, from left to right, however deep."""
    for one in objects:
        if one.is_constructed:
            yield from flat(one.parts)
        else:
            yield one


def by_tag(objects: Iterable[Tlv]) -> dict[str, bytes]:
    """The values by tag; of what may repeat, the first.

    >>> by_tag(parse(bytes.fromhex("E1049F270180")))
    {'9F27': b'\\x80'}
    """
    values: dict[str, bytes] = {}
    for one in flat(objects):
        values.setdefault(one.tag, one.value)
    return values


def card_numbers(objects: Iterable[Tlv]) -> list[str]:
    """Every card number that the chip names: tag 5A, and the one in tag 57. Clear digits: for comparing only."""
    values = by_tag(objects)
    found = []
    if CARD_NUMBER in values:
        found.append(values[CARD_NUMBER].hex().upper().rstrip("F"))
    if TRACK_2 in values:
        found.append(values[TRACK_2].hex().upper().partition("D")[0])
    return found


def shape(text: str) -> re.Pattern[str] | None:
    """A pattern, in upper-case hex, for chip data of these tags with these lengths, whatever the values.

    Its groups are what a card number is read from: `number` is tag 5A, `track` is tag 57. None for what is not
    BER-TLV, and for what has objects within objects: those are taken apart one by one.

    >>> shape("9F2701805A084111111111111111").pattern
    '9F2701.{2}5A08(?P<number>.{16})'
    """
    try:
        objects = parse(bytes.fromhex(text))
    except (TlvError, ValueError):
        return None
    if any(one.is_constructed for one in objects):
        return None
    groups = {CARD_NUMBER: "(?P<number>.{%d})", TRACK_2: "(?P<track>.{%d})"}
    parts = []
    for one in objects:
        size = len(one.value)
        head = pack([one]).hex().upper()[: -2 * size or None]
        parts.append(head + groups.get(one.tag, ".{%d}") % (2 * size))
    found = re.compile("".join(parts))
    return found if found.fullmatch(text) else None  # a length may be written longer than it must be


def names_only(card_number: str, found: re.Match[str]) -> bool:
    """Whether chip data of such a shape names no other card."""
    numbers = found.groupdict()
    own, track = numbers.get("number"), numbers.get("track")
    return (own is None or own.rstrip("F") == card_number) and (track is None or track.partition("D")[0] == card_number)


# --- What each tag is --------------------------------------------------------------------------


class Show(Enum):
    """How a person may see a value."""

    HEX = "hex"
    TEXT = "text"
    CARD = "masked"
    SECRET = "secret"  # not at all, like track 2 and the PIN


class Tag(NamedTuple):
    """One row of the dictionary of tags."""

    title: str
    show: Show = Show.HEX


UNKNOWN: Final = Tag("not in the dictionary of tags", Show.SECRET)  # nobody here can say what is in it

TAGS: Final[Mapping[str, Tag]] = {
    "42": Tag("Issuer identification number"),
    "4F": Tag("Application identifier, card"),
    "50": Tag("Application label", Show.TEXT),
    TRACK_1: Tag("Track 1 data", Show.SECRET),
    TRACK_2: Tag("Track 2 equivalent data", Show.SECRET),
    CARD_NUMBER: Tag("Application primary account number", Show.CARD),
    CARDHOLDER_NAME: Tag("Cardholder name", Show.SECRET),
    "5F24": Tag("Application expiration date"),
    "5F25": Tag("Application effective date"),
    "5F28": Tag("Issuer country code"),
    "5F2A": Tag("Transaction currency code"),
    "5F2D": Tag("Language preference", Show.TEXT),
    "5F30": Tag("Service code", Show.SECRET),  # part of the track
    "5F34": Tag("Application primary account number sequence number"),
    "5F36": Tag("Transaction currency exponent"),
    "70": Tag("Record template"),
    "71": Tag("Issuer script template 1"),
    "72": Tag("Issuer script template 2"),
    "77": Tag("Response message template, format 2"),
    "81": Tag("Amount, authorized (binary)"),
    "82": Tag("Application interchange profile"),
    "84": Tag("Dedicated file name"),
    SCRIPT_COMMAND: Tag("Issuer script command"),
    "8A": Tag("Authorization response code", Show.TEXT),
    "8E": Tag("Cardholder verification method list"),
    "91": Tag("Issuer authentication data"),
    "95": Tag("Terminal verification results"),
    "99": Tag("PIN data", Show.SECRET),
    "9A": Tag("Transaction date"),
    "9B": Tag("Transaction status information"),
    "9C": Tag("Transaction type"),
    "9F01": Tag("Acquirer identifier"),
    "9F02": Tag("Amount, authorized"),
    "9F03": Tag("Amount, other"),
    "9F04": Tag("Amount, other (binary)"),
    "9F06": Tag("Application identifier, terminal"),
    "9F07": Tag("Application usage control"),
    "9F08": Tag("Application version number, card"),
    "9F09": Tag("Application version number, terminal"),
    "9F0D": Tag("Issuer action code, default"),
    "9F0E": Tag("Issuer action code, denial"),
    "9F0F": Tag("Issuer action code, online"),
    "9F10": Tag("Issuer application data"),
    "9F12": Tag("Application preferred name", Show.TEXT),
    "9F15": Tag("Merchant category code"),
    "9F16": Tag("Merchant identifier", Show.TEXT),
    SCRIPT_IDENTIFIER: Tag("Issuer script identifier"),
    "9F1A": Tag("Terminal country code"),
    "9F1C": Tag("Terminal identification", Show.TEXT),
    "9F1E": Tag("Interface device serial number", Show.TEXT),
    "9F1F": Tag("Track 1 discretionary data", Show.SECRET),
    "9F20": Tag("Track 2 discretionary data", Show.SECRET),
    "9F21": Tag("Transaction time"),
    CRYPTOGRAM: Tag("Application cryptogram"),
    "9F27": Tag("Cryptogram information data"),
    "9F33": Tag("Terminal capabilities"),
    "9F34": Tag("Cardholder verification method results"),
    "9F35": Tag("Terminal type"),
    "9F36": Tag("Application transaction counter"),
    "9F37": Tag("Unpredictable number"),
    "9F39": Tag("Point-of-service entry mode"),
    "9F40": Tag("Additional terminal capabilities"),
    "9F41": Tag("Transaction sequence counter"),
    "9F4C": Tag("ICC dynamic number"),
    "9F53": Tag("Transaction category code"),
    "9F5B": Tag("Issuer script results"),
    "9F66": Tag("Terminal transaction qualifiers"),
    "9F6B": Tag("Track 2 data, contactless", Show.SECRET),
    "9F6C": Tag("Card transaction qualifiers"),
    "9F6E": Tag("Form factor indicator"),
    "9F7C": Tag("Customer exclusive data", Show.SECRET),
}


def title(tag: str) -> str:
    return TAGS.get(tag, UNKNOWN).title


def shown(one: Tlv) -> str:
    """What a person may see of a value; of a tag that nobody knows, nothing.

    >>> shown(Tlv("5A", bytes.fromhex("9414100000000017"))), shown(Tlv("57", bytes(8))), shown(Tlv("9F27", bytes(1)))
    ('941410******0017', '[secret]', '00')
    """
    return _SHOWN[TAGS.get(one.tag, UNKNOWN).show](one.value)


_SHOWN: Final[Mapping[Show, Callable[[bytes], str]]] = {
    Show.HEX: lambda value: value.hex().upper(),
    Show.TEXT: lambda value: value.decode("latin-1"),
    Show.CARD: lambda value: masked(value.hex().upper().rstrip("F")),
    Show.SECRET: lambda _value: SECRET_MARK,
}
