"""A host whose answers are scripted, for people who test their own switch: it stands where an issuer would."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

import trio

from loadtest.result import Exit
from loadtest.script import load_script
from loadtest.shell.serve import Server
from protocols.runtime.exits import ConfigurationError
from protocols.runtime.tls import Credentials

HELP = "answer as a scripted host"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("script", type=Path, nargs="?", help="a TOML file (default: approve everything at once)")
    parser.add_argument("--host", help="where to listen (127.0.0.1)")
    parser.add_argument("--port", type=int, help="0 takes a free one, which is announced")
    parser.add_argument("--dialect", help="instead of the script's")
    parser.add_argument("--framing", help="instead of the script's")
    parser.add_argument("--tls", type=Path, nargs=3, metavar=("CA", "CERT", "KEY"), help="mutual TLS")


def main(options: argparse.Namespace) -> int:
    changes = {name: getattr(options, name) for name in ("host", "port", "dialect", "framing")}
    script = load_script(options.script, **changes)
    try:
        credentials = Credentials(options.tls[1], options.tls[2], options.tls[0]) if options.tls else None
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return Exit.USAGE
    server = Server(script, credentials)
    try:
        trio.run(_until_told, server)
    except OSError as error:
        print(f"cannot listen: {error.strerror or error}", file=sys.stderr)
        return Exit.UNREACHABLE
    for name, number in sorted(server.answerer.booked.items()):
        print(f"{name} {number}")
    return Exit.PASSED


async def _until_told(server: Server) -> None:
    async with trio.open_nursery() as nursery:
        with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            port = await nursery.start(server.run)
            print(f"ready serve {server.script.host}:{port}", flush=True)
            async for _ in signals:
                nursery.cancel_scope.cancel()
