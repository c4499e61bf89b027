"""The doctor's two ways of meeting a patient: going to a host, and waiting for a client.

It connects, carries bytes and keeps the time. What to say next, and what the bytes mean, is for
`switch.examination`. Every connection is closed before the next is opened, and nothing outlives
the time that was given.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import trio

from protocols.runtime.exits import UnavailableError
from protocols.runtime.tls import Credentials, HandshakeError, tls_dial
from protocols.runtime.tls_words import in_words, is_about_certificates
from switch.examination import HTTP_QUESTION, Attempt, Examination, Visit

CONNECT_WITHIN_S: Final = 5.0
READ_SIZE: Final = 16 * 1024
QUICK_WINDOW_S: Final = 0.4  # for one connection, the first time: a host in the same house answers within
WINDOW_LEAST_S: Final = 0.05
OTHERS_WINDOW_S: Final = 0.5  # whoever speaks TLS or HTTP does so at once
AFTERWARDS: Final = 3  # of the questions' time: so long again for an answer that is slow
SILENCE_S: Final = 2.0  # a client that was recognised, and then says no more

Dial = Callable[[str, int], Awaitable[Any]]


class CannotConnectError(Exception):
    """Nobody listens there, or nobody lets us in."""


def examine(
    address: tuple[str, int],
    examination: Examination,
    within_s: float,
    credentials: Credentials | None = None,
    peer: str = "",
) -> None:
    """Ask the host until something is found or the time is up. CannotConnectError if nobody ever let us in.

    With credentials by mutual TLS, with whom the certificate names.
    """
    dial: Dial = trio.open_tcp_stream if credentials is None else tls_dial(credentials, peer)
    trio.run(consult, address, examination, within_s, dial)


async def consult(address: tuple[str, int], examination: Examination, within_s: float, dial: Dial) -> None:
    """The same, on connections that `dial` makes."""
    began = trio.current_time()
    asking_s = max(within_s - 2 * OTHERS_WINDOW_S, 0.1)  # the rest is for those who speak something else altogether
    is_first = True
    with trio.move_on_at(began + within_s):
        while attempt := examination.attempt((trio.current_time() - began) / asking_s):
            try:
                stream = await _connected(address, dial)
            except CannotConnectError as error:
                if is_first:
                    raise
                examination.ended(attempt, f"could not connect again: {error}", hung_up=False)
                continue
            is_first = False
            async with stream:
                left_s = began + asking_s - trio.current_time()
                await _converse(stream, attempt, examination, _window(attempt, left_s, examination.attempts_left + 1))


def _window(attempt: Attempt, left_s: float, attempts: int) -> float:
    """How long the connection may take: its share of what is left, and at first no more than a quick host needs."""
    if attempt.is_other:
        return OTHERS_WINDOW_S
    share_s = max(left_s / attempts, WINDOW_LEAST_S)
    return share_s if attempt.is_patient else min(share_s, QUICK_WINDOW_S)


async def _connected(address: tuple[str, int], dial: Dial) -> trio.abc.Stream:
    try:
        with trio.fail_after(CONNECT_WITHIN_S):
            stream: trio.abc.Stream = await dial(*address)
            return stream
    except trio.TooSlowError:
        raise CannotConnectError(f"no answer within {CONNECT_WITHIN_S:g} s") from None
    except HandshakeError as error:
        raise CannotConnectError(f"TLS: {error.reason}") from None
    except OSError as error:
        raise CannotConnectError(_why(error)) from None


async def _converse(stream: trio.abc.Stream, attempt: Attempt, examination: Examination, window_s: float) -> None:
    """Ask what is to be asked, one after the other while nothing is heard; then wait a little."""
    pause_s = window_s / (len(attempt.questions) + AFTERWARDS)
    ending = "silence"
    try:
        while (question := attempt.next_question()) is not None:
            await stream.send_all(question)
            if not await _listen(stream, attempt, examination, pause_s):
                return
        if not await _listen(stream, attempt, examination, pause_s * AFTERWARDS):
            return
    except trio.BrokenResourceError as broken:
        if is_about_certificates(broken.__cause__):  # in TLS 1.3 we hear so late that our certificate is refused
            raise CannotConnectError(f"TLS: {in_words(broken.__cause__)}") from None
        ending = "hung up"
    except _HungUpError:
        ending = "hung up"
    finally:
        if attempt.heard:
            ending = f"{len(attempt.heard)} bytes, then {ending}"
        examination.ended(attempt, ending, hung_up="hung up" in ending)


class _HungUpError(Exception):
    pass


async def _listen(stream: trio.abc.Stream, attempt: Attempt, examination: Examination, for_s: float) -> bool:
    """Hear what comes, and answer it, for a while; False when there is nothing more to find out."""
    with trio.move_on_after(for_s):
        while examination.finding is None:
            data = await stream.receive_some(READ_SIZE)
            if not data:
                raise _HungUpError
            for reply in examination.heard(attempt, bytes(data)):
                await stream.send_all(reply)
    return examination.finding is None


def other_questions() -> list[tuple[str, bytes]]:
    """What makes a host that speaks no ISO 8583 show what it speaks."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context()
    with suppress(ssl.SSLWantReadError):  # the hello is written; it shall go no further
        context.wrap_bio(incoming, outgoing, server_hostname="payswitch").do_handshake()
    return [("a TLS hello", outgoing.read()), ("an HTTP request", HTTP_QUESTION)]


# ---- A client that dials in ----


@dataclass(slots=True)
class Reception:
    """Everybody who dialled in, until one is recognised."""

    visits: list[Visit] = field(default_factory=list)
    recognised: Visit | None = None


def receive(
    host: str, port: int, within_s: float, listening: Callable[[int], None], credentials: Credentials | None = None
) -> Reception:
    """Wait for a client that can be recognised. `listening` is told the port. UnavailableError if it is taken.

    With credentials only clients with a certificate of that authority come in.
    """
    reception = Reception()
    trio.run(_receive, host, port, within_s, listening, credentials, reception)
    return reception


async def _receive(
    host: str,
    port: int,
    within_s: float,
    listening: Callable[[int], None],
    credentials: Credentials | None,
    reception: Reception,
) -> None:
    try:
        plain = await trio.open_tcp_listeners(port, host=host)
    except OSError as error:
        raise UnavailableError(f"cannot listen on {host}:{port}: {_why(error)}") from None
    listening(plain[0].socket.getsockname()[1])
    listeners: list[Any] = [*plain]
    if credentials is not None:
        listeners = [trio.SSLListener(one, credentials.listening, https_compatible=True) for one in plain]
    with trio.move_on_after(within_s):
        async with trio.open_nursery() as nursery:

            async def attend(stream: trio.abc.Stream) -> None:
                visit = Visit(datetime.now().astimezone().date())
                reception.visits.append(visit)
                await _attend(stream, visit)
                if visit.best is not None and reception.recognised is None:
                    reception.recognised = visit
                    nursery.cancel_scope.cancel()

            nursery.start_soon(trio.serve_listeners, attend, listeners)


async def _attend(stream: trio.abc.Stream, visit: Visit) -> None:
    """Hear and answer until the client leaves, or is known and says no more."""
    async with stream:
        try:
            while data := await _received(stream, visit):
                for reply in visit.heard(data):
                    await stream.send_all(reply)
        except trio.BrokenResourceError as broken:  # it left without a word, or TLS failed
            visit.trouble = in_words(broken.__cause__) if isinstance(broken.__cause__, ssl.SSLError) else ""


async def _received(stream: trio.abc.Stream, visit: Visit) -> bytes:
    """What came; nothing when it left, or when a client that is known has fallen silent."""
    with trio.move_on_after(float("inf") if visit.best is None else SILENCE_S):
        return bytes(await stream.receive_some(READ_SIZE))
    return b""


def _why(error: BaseException) -> str:
    """What the system said. Trio wraps it, one for each address tried; the last one says enough."""
    inner = error.exceptions[-1] if isinstance(error, BaseExceptionGroup) else error.__cause__
    if inner is not None:
        return _why(inner)
    number = error.errno if isinstance(error, OSError) else None
    return os.strerror(number) if number else str(error)
