"""Host commands: what an HSM may be sent, and what it may answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from fuzz.target import Target
from protocols.errors import RemoteProtocolError
from protocols.hsm import LAYOUTS, build_answer, pack_request, read_answer, read_request
from protocols.hsm.codes import UNKNOWN_COMMAND
from tests.hsm_sim.known import GOOD

COMMANDS = sorted(LAYOUTS)


def request(data: bytes) -> None:
    """Whatever is long enough for header and command can be answered with an error code."""
    with suppress(RemoteProtocolError):
        read = read_request(data)
        repr(read)
        build_answer(read, read.error if read.error != "00" else UNKNOWN_COMMAND)


def answer(data: bytes) -> None:
    """The first byte chooses the command that was asked."""
    command = COMMANDS[data[0] % len(COMMANDS)] if data else COMMANDS[0]
    with suppress(RemoteProtocolError):
        repr(read_answer(command, data[1:], asked=GOOD.get(command, {})))


def requests() -> Iterator[bytes]:
    for command, fields in GOOD.items():
        yield pack_request(command, b"0001", fields)
        yield pack_request(command, b"0001", fields, lmk_id="00", trailer=b"trailer")


def answers() -> Iterator[bytes]:
    for number, command in enumerate(COMMANDS):
        reply = f"0001{command[0]}{chr(ord(command[1]) + 1)}".encode()
        yield bytes((number,)) + reply + b"00" + b"0123456789ABCDEF" * 4
        yield bytes((number,)) + reply + b"15"


TARGETS = (Target("hsm-request", request, requests), Target("hsm-answer", answer, answers))
