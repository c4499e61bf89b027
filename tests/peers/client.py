"""An ISO 8583 client as a stranger would write it from the interface specification.

Standard library and its own little encoder; it imports nothing of this project and must never
do so: what it shows is that the specification is enough. ASCII, hex bitmap, binary elements
as hex, a 2-byte length in front.
"""

from __future__ import annotations

import itertools
import secrets
import socket
from datetime import datetime, timezone

UTC = timezone.utc  # noqa: UP017 (a stranger's Python may be old)

# Element -> fixed length, or -2 / -3 for two or three digits of length in front. Only what this client uses.
FORMAT = {
    2: -2, 3: 6, 4: 12, 6: 12, 7: 10, 10: 8, 11: 6, 12: 6, 13: 4, 14: 4, 16: 4, 18: 4, 22: 3, 25: 2, 32: -2, 33: -2,
    35: -2, 37: 12, 38: 6, 39: 2, 41: 8, 42: 15, 43: 40, 44: -2, 48: -3, 49: 3, 51: 3, 52: 16, 54: -3, 55: -3,
    15: 4, 50: 3, 64: 16, 66: 1, 70: 3, 74: 10, 75: 10, 76: 10, 77: 10, 78: 10, 79: 10, 80: 10, 81: 10,
    86: 16, 87: 16, 88: 16, 89: 16, 90: 42, 95: 42, 97: 17, 102: -2, 128: 16,
}  # fmt: skip

Fields = dict[int, str]


def pack(mti: str, fields: Fields) -> bytes:
    """One message, without its length. Values go out as they are: a test may spell them wrong."""
    bits = 0
    for number in fields:
        bits |= 1 << (128 - number)
    if bits & (1 << 64) - 1:
        bits |= 1 << 127  # there is a second bitmap
        bitmap = f"{bits:032X}"
    else:
        bitmap = f"{bits >> 64:016X}"
    return (mti + bitmap + "".join(_element(number, fields[number]) for number in sorted(fields))).encode("latin-1")


def _element(number: int, value: str) -> str:
    length = FORMAT[number]
    return value if length > 0 else f"{len(value):0{-length}d}{value}"


def unpack(frame: bytes) -> tuple[str, Fields]:
    """Message type and elements."""
    text = frame.decode("latin-1")
    mti, bits, at = text[:4], int(text[4:20], 16) << 64, 20
    if bits >> 127:
        bits |= int(text[20:36], 16)
        at = 36
    fields = {}
    for number in (number for number in range(2, 129) if bits >> (128 - number) & 1):
        length = FORMAT[number]
        if length < 0:
            digits, at = -length, at - length
            length = int(text[at - digits : at])
        fields[number] = text[at : at + length]
        at += length
    if at != len(text):
        raise ValueError("bytes left over")
    return mti, fields


def framed(frame: bytes) -> bytes:
    return len(frame).to_bytes(2, "big") + frame


class Client:
    """One connection to the switch."""

    def __init__(self, host: str, port: int, timeout_s: float = 30.0) -> None:
        self.socket = socket.create_connection((host, port), timeout_s)
        self._stans = itertools.count(secrets.randbelow(900_000) + 1)
        self._received = b""

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    # --- bytes

    def send(self, *messages: bytes) -> None:
        """All in one write."""
        self.socket.sendall(b"".join(map(framed, messages)))

    def receive(self) -> tuple[str, Fields]:
        length = int.from_bytes(self._exactly(2), "big")
        return unpack(self._exactly(length))

    def is_closed_by_peer(self) -> bool:
        """Whether the other side ends the connection instead of answering."""
        try:
            return not self._received and self.socket.recv(1) == b""
        except ConnectionResetError:
            return True

    def last_words(self) -> bytes:
        """Everything that still comes until the other side ends the connection; time runs out if it does not."""
        words, self._received = self._received, b""
        try:
            while data := self.socket.recv(65536):
                words += data
        except (ConnectionResetError, BrokenPipeError):
            pass
        return words

    def hears_nothing_for(self, seconds: float) -> bool:
        """Whether it stays quiet that long, the connection being open."""
        patience, is_quiet = self.socket.gettimeout(), False
        self.socket.settimeout(seconds)
        try:
            self._received += self.socket.recv(1)
        except TimeoutError:
            is_quiet = True
        self.socket.settimeout(patience)
        return is_quiet

    def _exactly(self, count: int) -> bytes:
        while len(self._received) < count:
            data = self.socket.recv(65536)
            if not data:
                raise ConnectionError("closed by the other side")
            self._received += data
        taken, self._received = self._received[:count], self._received[count:]
        return taken

    def ask(self, mti: str, fields: Fields) -> tuple[str, Fields]:
        self.send(pack(mti, fields))
        return self.receive()

    # --- messages

    def stan(self) -> str:
        return f"{next(self._stans) % 999_999 + 1:06d}"

    def stamped(self) -> Fields:
        return {7: f"{datetime.now(UTC):%m%d%H%M%S}", 11: self.stan()}

    def echo(self) -> Fields:
        return {**self.stamped(), 70: "301"}

    def purchase(self, pan: str, amount: int, currency: str = "784", **more: str | None) -> Fields:
        """A purchase on the internet; `de25="00"` changes an element, `de41=None` leaves it out."""
        fields: dict[int, str | None] = {
            **self.stamped(),
            2: pan,
            3: "000000",
            4: f"{amount:012d}",
            12: "120000",
            13: "1123",
            14: "2912",
            18: "5732",
            22: "812",
            25: "59",
            32: "999002",
            37: f"{secrets.randbelow(10**12):012d}",
            41: "STRANGE1",
            42: "STRANGER0000001",
            43: f"{'A stranger':25}{'Elsewhere':13}XX",
            49: currency,
        }
        for name, value in more.items():
            fields[int(name[2:])] = value
        return {number: value for number, value in fields.items() if value is not None}


def reversal_of(client: Client, mti: str, fields: Fields) -> Fields:
    """The elements of a 0400 or 0420 about a message that was sent before."""
    original = mti + fields[11] + fields[7] + fields.get(32, "").rjust(11, "0") + fields.get(33, "").rjust(11, "0")
    kept: Fields = {number: fields[number] for number in (2, 3, 4, 32, 37, 41, 42, 49) if number in fields}
    return {**kept, **client.stamped(), 90: original}
