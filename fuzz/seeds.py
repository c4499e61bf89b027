"""What the fuzzer begins with: good messages of every type, and the bad ones of the catalogue of bad input."""

from __future__ import annotations

from collections.abc import Iterator

from protocols.dialects import dialect_named
from protocols.elements import element_named
from protocols.errors import LocalProtocolError
from protocols.mti import MESSAGE_TYPES
from tests.builders import AUTHORIZATION, AUTHORIZATION_ANSWER, NETWORK_MANAGEMENT, REVERSAL

CHIP = "9F26080102030405060708E1069F270180950180820238009F3602001257109414100000000018D29121010000000000"
RICH = {48: "4202059203123", 55: CHIP, 60: "private", 64: "0011223344556677", 102: "12345678", 128: "8899AABBCCDDEEFF"}


def messages(dialect: str) -> list[bytes]:
    """Frames of every message type, with what the dialect can say of them."""
    return list(_messages(dialect))


def _messages(dialect: str) -> Iterator[bytes]:
    spoken = dialect_named(dialect)
    for mti in MESSAGE_TYPES:
        values = {element_named(name).number: value for name, value in _named(mti).items()}
        for more in ({}, RICH):
            yield spoken.encode(spoken.version + mti[1:], _sayable(dialect, {**values, **more}))


def _named(mti: str) -> dict[str, str]:
    if mti[1] == "8":
        return dict(NETWORK_MANAGEMENT)
    if mti[1] == "4":
        return dict(REVERSAL)
    return dict(AUTHORIZATION_ANSWER if mti[2] in "13" else AUTHORIZATION)


def _sayable(dialect: str, values: dict[int, str]) -> dict[int, str]:
    spoken = dialect_named(dialect)
    found = {}
    for number, value in values.items():
        try:
            spoken.encode(f"{spoken.version}100", {number: value})
        except LocalProtocolError:  # it has another form there, or none
            continue
        found[number] = value
    return found


def spoiled(frame: bytes) -> list[bytes]:
    """The catalogue's ways of breaking a message, as far as they are about bytes."""
    return [
        *(frame[:at] for at in (1, 4, 12, 20, len(frame) // 2, len(frame) - 1)),
        frame + b"X",
        frame[:4] + b"\xff" * 16 + frame[20:],
        frame[:4] + b"\x00" * 16 + frame[20:],
        b"9999" + frame[4:],
        b"\x00\x00" + frame[2:],
        frame.replace(b"16", b"99", 1),
        frame.replace(b"0", b" ", 1),
    ]
