"""Lend this machine to a coordinator: it runs shares of plans, over mutual TLS and for whoever has the token.

`--tls DIR` holds `authority.crt`, `worker.crt` and `worker.key`; the coordinator's certificate must be of the same
authority and name `coordinator`. It takes data that is checked and never code.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
from pathlib import Path

import trio

from loadtest.result import Exit
from loadtest.shell.coordinate import COORDINATOR, WORKER_NAME
from loadtest.shell.talk import Talk, TalkError
from loadtest.shell.work import attend
from loadtest.usage import UsageError
from protocols.runtime.exits import ConfigurationError
from protocols.runtime.tls import Credentials, HandshakeError, accept_tls

HELP = "run shares of plans for a coordinator"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--listen", metavar="HOST:PORT", help="port 0 takes a free one, which is announced")
    parser.add_argument("--tls", type=Path, metavar="DIR", help="authority.crt, worker.crt, worker.key")
    parser.add_argument("--token", type=Path, metavar="FILE", help="what a coordinator must know")
    parser.add_argument("--parent", action="store_true", help=argparse.SUPPRESS)  # standard input and output


def main(options: argparse.Namespace) -> int:
    if options.parent:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the coordinator tells us
        trio.run(_for_parent)
        return Exit.PASSED
    if not (options.listen and options.tls and options.token):
        raise UsageError("a worker needs --listen HOST:PORT, --tls DIR and --token FILE")
    host, _, port = options.listen.rpartition(":")
    if not host or not port.isdigit():
        raise UsageError(f"--listen {options.listen}: HOST:PORT")
    try:
        credentials = Credentials.of(WORKER_NAME, options.tls)
        token = options.token.read_text().strip()
    except ConfigurationError as error:
        raise UsageError(str(error)) from None
    except OSError as error:
        raise UsageError(f"{options.token}: {error.strerror}") from None
    if not token:
        raise UsageError(f"{options.token}: an empty token lets everybody in")
    try:
        trio.run(_listen, host, int(port), credentials, token)
    except OSError as error:
        print(f"cannot listen: {error.strerror or error}", file=sys.stderr)
        return Exit.UNREACHABLE
    return Exit.PASSED


async def _for_parent() -> None:
    reading, writing = trio.lowlevel.FdStream(os.dup(0)), trio.lowlevel.FdStream(os.dup(1))
    os.dup2(2, 1)  # nothing that somebody prints may stand between our messages
    try:
        await attend(Talk(trio.StapledStream(writing, reading)), None)
    except TalkError:
        return


async def _listen(host: str, port: int, credentials: Credentials, token: str) -> None:
    async with trio.open_nursery() as nursery:
        listeners = await trio.open_tcp_listeners(port, host=host)
        print(f"ready worker {host}:{listeners[0].socket.getsockname()[1]}", flush=True)
        one_at_a_time = trio.Lock()  # two plans on one machine would be late for each other

        async def come(stream: trio.SocketStream) -> None:
            await _attend(stream, credentials, token, one_at_a_time)

        nursery.start_soon(trio.serve_listeners, come, listeners)
        with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async for _ in signals:
                nursery.cancel_scope.cancel()


async def _attend(stream: trio.SocketStream, credentials: Credentials, token: str, turn: trio.Lock) -> None:
    try:
        secured, name = await accept_tls(socket.socket(fileno=stream.socket.detach()), credentials)
    except HandshakeError as error:
        print(f"no handshake: {error.reason}", file=sys.stderr)
        return
    talk = Talk(secured)
    try:
        if name != COORDINATOR:
            print(f"{name} is no coordinator", file=sys.stderr)
        elif turn.locked():
            await talk.say(refused="busy with another plan")
        else:
            async with turn:
                await attend(talk, token)
    except TalkError as error:
        print(f"coordinator: {error}", file=sys.stderr)
    finally:
        await talk.aclose()
