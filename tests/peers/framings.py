"""The client with another length in front: each as a stranger would write it from the specification.

Like `client.py` it imports nothing of the project.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.peers.client import Client, Fields, unpack


@dataclass(frozen=True)
class Spelling:
    """How a length is written and read back, what else stands before a message, and what stands there in the answer."""

    width: int
    write: Callable[[int], bytes]
    read: Callable[[bytes], int]
    header: bytes = b""
    header_of_answer: bytes = b""


def _big_endian(width: int, own: int = 0) -> Spelling:
    return Spelling(
        width, lambda length: (length + own).to_bytes(width, "big"), lambda data: int.from_bytes(data, "big") - own
    )


def _digits(own: int = 0) -> Spelling:
    return Spelling(4, lambda length: b"%04d" % (length + own), lambda data: int(data) - own)


def _bcd(own: int = 0) -> Spelling:
    return Spelling(2, lambda length: bytes.fromhex(f"{length + own:04d}"), lambda data: int(data.hex()) - own)


def _with_header(header: str, header_of_answer: str) -> Spelling:
    len2 = _big_endian(2)
    return Spelling(2, len2.write, len2.read, bytes.fromhex(header), bytes.fromhex(header_of_answer))


SPELLINGS = {
    "len2": _big_endian(2),
    "len2_incl": _big_endian(2, own=2),
    "len4": _big_endian(4),
    "len4_incl": _big_endian(4, own=4),
    "len4_ascii": _digits(),
    "len4_ascii_incl": _digits(own=4),
    "len2_bcd": _bcd(),
    "len2_bcd_incl": _bcd(own=2),
    "hex4": Spelling(4, lambda length: b"%04X" % length, lambda data: int(data, 16)),
    "tpdu": _with_header("6000010002", "6000020001"),
    "header(12)": _with_header("0102030405060708090A0B0C", "0102030405060708090A0B0C"),
    "header(22)": _with_header(
        "16010200000000000000000000000000000000000099", "16010200000000000000000000000000000000000099"
    ),
}


class FramedClient(Client):
    """A client that spells its lengths so."""

    def __init__(self, host: str, port: int, spelling: Spelling) -> None:
        super().__init__(host, port)
        self.spelling = spelling

    def send(self, *messages: bytes) -> None:
        header, write = self.spelling.header, self.spelling.write
        self.socket.sendall(b"".join(write(len(header + message)) + header + message for message in messages))

    def receive(self) -> tuple[str, Fields]:
        frame = self._exactly(self.spelling.read(self._exactly(self.spelling.width)))
        header = self.spelling.header_of_answer
        assert frame.startswith(header), f"{frame[: len(header)].hex()} before the answer, not {header.hex()}"
        return unpack(frame[len(header) :])
