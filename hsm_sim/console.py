"""`python -m hsm_sim console`: a person asks an HSM, ours or anybody's, and reads both ways field by field.

    hsm> NC
    hsm> CW cvk=U21A6… pan=4111111111111111 expiry=2512 service_code=101
    hsm> CC                 asks for each field that it needs
    hsm> ? CC               what the command is made of
    hsm> = NC%01            the characters as they stand, behind the header

Values are text; `name=hex:0A0B` gives bytes. A question at a time over TCP, TLS or UDP. Secrets are masked
unless --clear says that they are of a test.
"""

from __future__ import annotations

import argparse
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from hsm_sim.settings import load
from hsm_sim.table import table
from protocols import network, pki
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.hsm import FRAME_MAX, LAYOUTS, HsmAnswer, pack_request, read_answer
from protocols.hsm.envelope import HEADER_LENGTH
from protocols.hsm.fields import UnreadableError
from protocols.hsm.layout import Layout
from protocols.hsm.shown import UnexplainableError, answer_lines, layout_lines, request_lines
from protocols.network import NetworkError
from protocols.runtime.exits import DONE, FAILED, MISCONFIGURED, UNAVAILABLE, FatalError
from protocols.runtime.tls import Credentials, HandshakeError, wrapped

TIMEOUT_S: Final = 30.0  # an RSA key may take a while
LENGTH: Final = 2
PROMPT: Final = "hsm> "
HEX: Final = "hex:"
LEAVE: Final = frozenset({"quit", "exit", "q"})


class NotAskedError(Exception):
    """The line is no question; the text says why."""


def main(given: Sequence[str]) -> int:
    """Ask what the arguments say, or what is typed; the exit code."""
    asked = _arguments(given)
    try:
        with _line_to(asked) as wire:
            console = Console(wire, asked.header, asked.lmk, clear=asked.clear, may_ask=sys.stdin.isatty())
            return console.once(asked.question) if asked.question else console.talk()
    except NetworkError as error:
        print(*error.problems, sep="\n", file=sys.stderr)
        return MISCONFIGURED
    except FatalError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except HandshakeError as error:
        print(f"no TLS: {error.reason}", file=sys.stderr)
        return UNAVAILABLE
    except OSError as error:
        print(f"the HSM does not answer: {error.strerror or error}", file=sys.stderr)
        return UNAVAILABLE


class Wire:
    """A frame there, a frame back."""

    def __init__(self, sock: socket.socket, *, datagrams: bool) -> None:
        self._sock = sock
        self._datagrams = datagrams

    def ask(self, frame: bytes) -> bytes:
        """The answer's frame, without its length. Raises OSError."""
        self._sock.sendall(len(frame).to_bytes(LENGTH, "big") + frame)
        if self._datagrams:
            return self._sock.recv(FRAME_MAX + LENGTH)[LENGTH:]
        return self._exactly(int.from_bytes(self._exactly(LENGTH), "big"))

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            more = self._sock.recv(count - len(data))
            if not more:
                raise ConnectionError("it hung up")
            data += more
        return data


class Console:
    """Reads questions, prints both ways."""

    def __init__(self, wire: Wire, header_length: int, lmk_id: str | None, *, clear: bool, may_ask: bool) -> None:
        self._wire = wire
        self._header_length = header_length
        self._lmk_id = lmk_id
        self._clear = clear
        self._may_ask = may_ask
        self._number = 0

    def talk(self) -> int:
        """Until the input ends."""
        code = DONE
        while (line := self._typed(PROMPT)) is not None and line.strip() not in LEAVE:
            if line.strip():
                code = self.once(line.split())
        return code

    def once(self, words: Sequence[str]) -> int:
        """One line; 0 where the HSM said 00."""
        try:
            return self._carried_out(words)
        except (NotAskedError, UnexplainableError) as error:
            print(error, file=sys.stderr)
        except RemoteProtocolError as error:
            print(f"the answer cannot be read: {error.reason}", file=sys.stderr)
        return FAILED

    def _carried_out(self, words: Sequence[str]) -> int:
        first, *rest = words
        if first in ("?", "help"):
            print(*_help(rest), sep="\n")
            return DONE
        if first == "=":
            return self._raw(" ".join(rest))
        layout = LAYOUTS.get(first.upper())
        if layout is None:
            raise NotAskedError(f"no layout for {first}; ? lists the commands, = sends anything")
        return self._ask(layout, _values(rest))

    def _ask(self, layout: Layout, values: dict[str, str]) -> int:
        lmk_id = values.pop("lmk", self._lmk_id)
        header = self._header()
        frame = self._packed(layout, header, values, lmk_id)
        print(*table(request_lines(frame, self._header_length, clear=self._clear)), sep="\n")
        back = self._wire.ask(frame)
        print(*table(answer_lines(back, self._header_length, asked=values, clear=self._clear)), sep="\n")
        answer: HsmAnswer = read_answer(layout.command, back, self._header_length, values)
        return DONE if answer.done else FAILED

    def _raw(self, text: str) -> int:
        frame = self._header() + text.encode("latin-1", "replace")
        try:
            print(*table(request_lines(frame, self._header_length, clear=self._clear)), sep="\n")
        except UnexplainableError as error:
            print(error)
        back = self._wire.ask(frame)
        print(*table(answer_lines(back, self._header_length, clear=self._clear)), sep="\n")
        return DONE if back[self._header_length + 2 : self._header_length + 4] == b"00" else FAILED

    def _packed(self, layout: Layout, header: bytes, values: dict[str, str], lmk_id: str | None) -> bytes:
        """The request; what it lacks is asked for, as long as somebody is there to answer."""
        while True:
            try:
                layout.write_request(values)
                return pack_request(layout.command, header, values, lmk_id=lmk_id)
            except UnreadableError as refused:
                self._fill_in(refused.field, values)
            except LocalProtocolError as error:
                raise NotAskedError(str(error)) from None

    def _fill_in(self, name: str, values: dict[str, str]) -> None:
        problem = "does not fit" if name in values else "is missing"
        if not self._may_ask:
            raise NotAskedError(f"{name} {problem}")
        typed = self._typed(f"  {name} ({problem}): ")
        if typed is None:
            raise NotAskedError(f"{name} {problem}")
        values[name] = _value(typed.strip())

    def _header(self) -> bytes:
        self._number += 1
        return (
            f"{self._number:0{self._header_length}d}"[-self._header_length :].encode() if self._header_length else b""
        )

    def _typed(self, prompt: str) -> str | None:
        try:
            return input(prompt if self._may_ask else "")
        except EOFError:
            return None


def _values(words: Sequence[str]) -> dict[str, str]:
    values: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise NotAskedError(f"{name}: fields are given as name=value")
        values[name] = _value(value)
    return values


def _value(text: str) -> str:
    if not text.startswith(HEX):
        return text
    try:
        return bytes.fromhex(text[len(HEX) :]).decode("latin-1")
    except ValueError:
        raise NotAskedError("hex: is followed by pairs of hex digits") from None


def _help(commands: Sequence[str]) -> Iterator[str]:
    if not commands:
        yield from (
            f"{layout.command}  {layout.title}" for layout in sorted(LAYOUTS.values(), key=lambda one: one.command)
        )
        return
    for command in commands:
        layout = LAYOUTS.get(command.upper())
        yield from layout_lines(layout) if layout else (f"{command}: no such layout",)


@contextmanager
def _line_to(asked: argparse.Namespace) -> Iterator[Wire]:
    host, port = _address(asked)
    kind = socket.SOCK_DGRAM if asked.udp else socket.SOCK_STREAM
    family, kind_, protocol, _, address = socket.getaddrinfo(host, port, type=kind)[0]
    sock = socket.socket(family, kind_, protocol)
    try:
        sock.settimeout(asked.timeout)
        sock.connect(address)
        if asked.tls:
            credentials = Credentials.of(asked.as_, (asked.state or Path("var")) / pki.FOLDER)
            sock = wrapped(sock, credentials, asked.peer)
        yield Wire(sock, datagrams=asked.udp)
    finally:
        sock.close()


def _address(asked: argparse.Namespace) -> tuple[str, int]:
    places = network.load(asked.network)
    if asked.hsm is not None:
        return places.address(asked.hsm)
    settings = load(asked.network)
    if asked.tls and settings.tls_port is None:
        raise NetworkError(["hsm.toml: tls_port: there is none"])
    return places.address(settings.tls_port if asked.tls and settings.tls_port else settings.port)


def _arguments(given: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m hsm_sim console",
        description="Ask an HSM and read both ways field by field.",
        epilog="Without a question: a prompt. ? lists the commands, ? CC tells what CC is made of, quit leaves.",
    )
    parser.add_argument("question", nargs="*", help="a command and name=value …; default: what is typed")
    parser.add_argument("--hsm", metavar="HOST:PORT", help="instead of the network's; a port's name does too")
    parser.add_argument("--header", type=int, default=HEADER_LENGTH, metavar="N", help="length of the header (4)")
    parser.add_argument("--lmk", metavar="NN", help="the LMK to ask for, where a question names none")
    parser.add_argument("--clear", action="store_true", help="show keys, PINs and cards: for those of a test only")
    parser.add_argument("--udp", action="store_true", help="over UDP")
    parser.add_argument("--tls", action="store_true", help="by mutual TLS")
    parser.add_argument(
        "--as", dest="as_", default=pki.SWITCH, metavar="NAME", help="with --tls: whose certificate to show"
    )
    parser.add_argument("--peer", default=pki.HSM, metavar="NAME", help="with --tls: whom its certificate must name")
    parser.add_argument("--timeout", type=float, default=TIMEOUT_S, metavar="S", help="how long to wait for an answer")
    parser.add_argument("--network", type=Path, metavar="DIR", help="the network's files (default: the demonstration)")
    parser.add_argument("--state", type=Path, metavar="DIR", help="with --tls: where the certificates lie, under pki/")
    return parser.parse_args(given)
