"""`load doctor HOST:PORT`: why nothing matches, before a run says so ten thousand times.

It connects, sends an echo (0800, or 1804) in every framing and dialect until one is answered, shows both messages
with their elements named, and says in a sentence whether a run would take the answer, and if not, what to write under
`[match]`. Nothing else is sent, one echo a connection.

Exit codes: 0 an answer that matches, 1 an answer that would not be matched, or none that reads, 3 nobody is there.
"""

from __future__ import annotations

import argparse
import secrets
import socket
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

from loadtest.diagnosis import (
    Attempt,
    Heard,
    Way,
    attempted,
    elements_of,
    question,
    suggested_key,
    target_table,
    verdict,
    ways,
)
from loadtest.explain import DEFAULT, Match, key_for
from loadtest.rails import check_target
from loadtest.result import Exit
from loadtest.scenario import load_scenario
from loadtest.usage import UsageError
from protocols import elements
from protocols.errors import LocalProtocolError
from protocols.message import Message

HELP = "find out why a host's answers do not match"
ANSWER_WITHIN_S = 1.0  # for each way
ALL_WITHIN_S = 60.0
CONNECT_WITHIN_S = 5.0
READ_MOST = 64 * 1024
NOT_MATCHED = 1


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", nargs="?", metavar="HOST:PORT", help="the host; without it the scenario's")
    parser.add_argument("--scenario", type=Path, default=None, metavar="FILE", help="take target and match key of it")
    parser.add_argument("--match", default=None, metavar="N,N", help="the match key (11,41, or the scenario's)")
    parser.add_argument("--framing", default=None, metavar="NAME", help="if it is known: the others are not tried")
    parser.add_argument("--dialect", default=None, metavar="NAME", help="if it is known")
    parser.add_argument(
        "--set", action="append", default=[], metavar="N=VALUE", help="an element of the echo; again for more"
    )
    parser.add_argument("--wait", type=float, default=ANSWER_WITHIN_S, metavar="S", help="for each answer (1)")
    parser.add_argument("--allow-remote", action="append", default=[], metavar="HOST", help="a public address is meant")


def main(options: argparse.Namespace) -> int:
    scenario = load_scenario(options.scenario) if options.scenario else None
    host, port = address_of(options.target or (f"{scenario.target.host}:{scenario.target.port}" if scenario else ""))
    refuse_remote(host, options.allow_remote)
    match: Match = scenario.match if scenario else {DEFAULT: (11, 41)}
    if options.match:
        match = {DEFAULT: key_of(options.match)}
    framing, dialect = options.framing, options.dialect
    if scenario:
        dialect = dialect or scenario.target.dialect
        framing = framing or scenario.target.framing
    try:
        tried = list(try_all((host, port), framing, dialect, values_of(options.set), options.wait))
    except ConnectionError as error:
        print(f"nobody is there: {host}:{port}: {error}")
        return Exit.UNREACHABLE
    return told(tried, match, host, port)


def told(tried: list[Attempt], match: Match, host: str, port: int) -> int:
    """What was found, for a person; the exit code."""
    found = tried[-1] if tried else None
    if found is None or found.answer is None or found.asked is None:
        return _tell_nothing(tried, host, port)
    print(f"{host}:{port} answers in {found.way}.\n")
    _tell_message("asked", found.asked)
    _tell_message("answered", found.answer)
    fits, sentence = verdict(found, match)
    print(sentence)
    if fits:
        print(f"\n{target_table(found.way, host, port)}\n\n[match]\ndefault = {list(key_for(match, DEFAULT))}")
        return Exit.PASSED
    if key := suggested_key(found.asked, found.answer):
        print(f'\nThis would match:\n\n[match]\n"{found.asked.mti}" = {list(key)}')
    return NOT_MATCHED


def _tell_message(word: str, message: Message) -> None:
    print(f"{word}: {message.mti}")
    for name, value in elements_of(message):
        print(f"  {name:<44} {value}")
    print()


def _tell_nothing(tried: list[Attempt], host: str, port: int) -> int:
    print(f"{host}:{port} answered in no way that was tried. What happened:")
    for (heard, note), times in Counter((one.heard, one.note) for one in tried).most_common():
        ways_ = [str(one.way) for one in tried if (one.heard, one.note) == (heard, note)]
        detail = f" ({note})" if note else ""
        print(f"  {times:>3} ×  {heard.value}{detail}: {ways_[0]}{' …' if len(ways_) > 1 else ''}")
    if any(one.heard is Heard.UNREADABLE for one in tried):
        print("It does speak: the nearest way is the one that broke in an element. Its dialect may be one of its own;")
        print("`load import-jpos` makes one of a packager's XML file.")
    return NOT_MATCHED


# --- connecting


def try_all(
    address: tuple[str, int], framing: str | None, dialect: str | None, values: dict[int, str], wait_s: float
) -> list[Attempt]:
    """Every way until one is answered. ConnectionError where nobody listens at all."""
    until, tried = monotonic() + ALL_WITHIN_S, []
    for way in ways(framing, dialect):
        if monotonic() > until:
            break
        attempt = try_one(address, way, values, wait_s)
        tried.append(attempt)
        if attempt.heard in (Heard.ANSWERED, Heard.STRANGER):
            break
    return tried


def try_one(address: tuple[str, int], way: Way, values: dict[int, str], wait_s: float) -> Attempt:
    """One connection, one echo, whatever comes back."""
    try:
        data, asked = question(way, values)
    except LocalProtocolError as error:
        raise UsageError(f"{way}: the echo cannot be written: {error}") from None
    try:
        connection = socket.create_connection(address, CONNECT_WITHIN_S)
    except OSError as error:
        raise ConnectionError(error.strerror or str(error)) from None
    with connection:
        heard, closed = _exchange(connection, data, way, wait_s)
    return attempted(way, asked, heard, closed=closed)


def _exchange(connection: socket.socket, data: bytes, way: Way, wait_s: float) -> tuple[bytes, bool]:
    """All that is said until a frame is whole, the time is up or the connection ends."""
    heard, until = b"", monotonic() + wait_s
    try:
        connection.sendall(data)
        while (left := until - monotonic()) > 0 and len(heard) < READ_MOST:
            connection.settimeout(left)
            more = connection.recv(READ_MOST)
            if not more:
                return heard, True
            heard += more
            if _is_whole(heard, way):
                break
    except TimeoutError:
        return heard, False
    except OSError:
        return heard, True
    return heard, False


def _is_whole(heard: bytes, way: Way) -> bool:
    try:
        return bool(way.framed().framer().feed(heard))
    except Exception as error:
        return type(error).__name__ == "RemoteProtocolError"


# --- what was asked for


def address_of(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise UsageError("which host? HOST:PORT, or --scenario FILE")
    return host.strip("[]"), int(port)


def refuse_remote(host: str, allowed: list[str]) -> None:
    """UsageError where an address is public, unless it was allowed by name."""
    try:
        found = {str(entry[4][0]) for entry in socket.getaddrinfo(host, None)}
    except OSError as error:
        raise UsageError(f"{host}: {error.strerror}") from None
    check_target(host, found, allowed)


def key_of(text: str) -> tuple[int, ...]:
    try:
        key = tuple(int(part) for part in text.split(","))
    except ValueError:
        key = ()
    if not key or not all(2 <= number <= 128 for number in key):
        raise UsageError("--match: elements by number, as 11,41")
    return key


def values_of(settings: list[str]) -> dict[int, str]:
    """The echo's elements: DE 7, 11, 41 and 70, and what was set."""
    now = datetime.now(UTC)
    values = {
        elements.TRANSMITTED_AT: now.strftime("%m%d%H%M%S"),
        elements.STAN: f"{secrets.randbelow(999_999) + 1:06d}",
        elements.NETWORK_MANAGEMENT_CODE: "301",
    }
    for setting in settings:
        number, separator, value = setting.partition("=")
        if not separator or not number.isdecimal() or not 2 <= int(number) <= 128:
            raise UsageError(f"--set {number}: N=VALUE, with the number of an element")
        values[int(number)] = value
    return values
