"""`python -m acquirers NAME [--till] [--tls] [--network DIR] [--state DIR]`: one gateway as a process.

`python -m acquirers check` reads the files of all gateways and lists what is wrong with them.

Standard output: `ready NAME` once the switch has accepted the sign-on; with `--till` also one
JSON line for each JSON line on standard input. A till keeps nothing on disk: a terminal that forgets
is what the switch's own store and forward is for. The store API does (`acquirers.store_api`).
"""

from __future__ import annotations

import argparse
import os
import random
import secrets
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import trio

from acquirers.gateway import Gateway
from acquirers.house import House, load_house
from acquirers.session import Session
from acquirers.terminals.reader import Reader
from acquirers.terminals.settings import load_equipment
from acquirers.terminals.store import COUNTERS, Counters
from acquirers.till import Line, Till, TillError, mistaken
from acquirers.turns import Turns
from protocols.border import spoken_with
from protocols.errors import LocalProtocolError
from protocols.framing import framing_named
from protocols.network import Network, NetworkError, load, toml_files
from protocols.pki import FOLDER, SWITCH
from protocols.runtime.dialer import Dial, dial_tcp, keep_dialled
from protocols.runtime.exits import DONE, MISCONFIGURED, ConfigurationError
from protocols.runtime.party import announce, run
from protocols.runtime.tls import Credentials, tls_dial

READ_SIZE = 65536
CHECK = "check"
SHOPS_WAIT_S = 10.0  # the store API needs the HSM, which may be started after us
FAREWELL_S = 5.0  # to settle what is in flight and sign off; longer is for the switch to find out


def main(arguments: list[str] | None = None) -> int:
    """Run one gateway until it is told to stop, or until its till closes."""
    options = _options(arguments)
    if options.name == CHECK:
        return _check(options.network)
    return run(options.name, partial(_work, options))


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m acquirers", description=__doc__.splitlines()[0])
    parser.add_argument("name", help=f"which gateway: the name of a file in gateways/; or {CHECK}: read them all")
    parser.add_argument("--till", action="store_true", help="read requests as JSON lines from standard input")
    parser.add_argument(
        "--network", type=Path, metavar="DIR", help="the network's files (default: the demonstration's)"
    )
    parser.add_argument("--tls", action="store_true", help="mutual TLS, also where the files do not say so")
    parser.add_argument(
        "--state", type=Path, default=Path("var"), metavar="DIR", help="where its certificate is, in pki/ (var)"
    )
    return parser.parse_args(arguments)


def _check(network: Path | None) -> int:
    """Every problem of every gateway's files, one a line on standard error; once, however many gateways share it."""
    problems: list[str] = []
    try:
        for path in toml_files(network, "gateways"):
            problems += _problems_of(path.stem, network)
    except NetworkError as error:  # there is no such folder
        problems += error.problems
    for problem in dict.fromkeys(problems):
        print(problem, file=sys.stderr)
    return MISCONFIGURED if problems else DONE


def _problems_of(name: str, network: Path | None) -> list[str]:
    try:
        house = load_house(name, network)
    except NetworkError as error:
        return error.problems
    try:
        load(network).address(house.dials)
    except NetworkError as error:
        return [f"{name}.toml: dials: {problem}" for problem in error.problems]
    return []


def _way_to_switch(house: House, network: Network, options: argparse.Namespace) -> tuple[tuple[str, int], Dial]:
    """Where to dial, and how. Told to use TLS where our port is a plain one, we dial the switch's TLS port instead."""
    port, is_tls = house.dials, house.tls or house.dials in network.tls_ports
    if options.tls and not is_tls and port in network.ports:
        port = next(iter(network.tls_ports), port)
    if not is_tls and not options.tls:
        return network.address(port), dial_tcp
    credentials = Credentials.of(house.participant.id, options.state / FOLDER)
    return network.address(port), tls_dial(credentials, SWITCH)


async def _work(options: argparse.Namespace, stop: trio.Event) -> int:
    try:
        house = load_house(options.name, options.network)
        network = load(options.network)
        switch, dial = _way_to_switch(house, network, options)
    except NetworkError as error:
        raise ConfigurationError("; ".join(error.problems)) from None
    agreed = house.participant
    dialect = spoken_with(agreed, lambda: datetime.now(UTC).date(), trusted=True)
    framing = framing_named(agreed.framing, keep_alive=agreed.keep_alive)
    # A start at a random number: two lives of this process shall not share one within the same second.
    chance = random.SystemRandom()
    session = Session(house, dialect, stan=chance.randrange(1_000_000), chance=chance.random)
    gateway = Gateway(house, session)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(gateway.watch_the_clock)
        dialled = partial(keep_dialled, switch, framing, gateway.converse, name=house.name, random=chance, dial=dial)
        nursery.start_soon(dialled)
        listening = trio.Event()
        if house.store_api is not None and house.store_api.listens in network.ports:
            from acquirers.store_api.serve import serve_shops  # only then: it brings a web server along

            serving = (house, house.store_api, gateway, network, options.state, options.state / FOLDER, stop)
            nursery.start_soon(serve_shops, *serving, listening.set)
        else:
            listening.set()
        nursery.start_soon(_announce_ready, house, gateway, listening)
        if options.till:
            nursery.start_soon(_serve_till, house, gateway, stop, options)
        await stop.wait()
        with trio.move_on_after(FAREWELL_S):
            await gateway.take_leave()
        nursery.cancel_scope.cancel()
    return 0


async def _announce_ready(house: House, gateway: Gateway, listening: trio.Event) -> None:
    """Once the switch takes our requests, and shops can come in; a gateway whose HSM is away is ready all the same."""
    await gateway.signed_on.wait()
    with trio.move_on_after(SHOPS_WAIT_S):
        await listening.wait()
    announce("ready", house.name)


async def _serve_till(house: House, gateway: Gateway, stop: trio.Event, options: argparse.Namespace) -> None:
    """One task a line, so that a slow answer holds up nobody else; the end of input ends the gateway."""
    counters, turns = Counters(options.state / COUNTERS), Turns()
    try:
        till = Till(house, gateway.stamp, Reader(load_equipment(options.network), counters, secrets.token_bytes))
        async with trio.open_nursery() as customers:
            async for text in _lines_in():
                customers.start_soon(_serve_line, till, turns, gateway, text)
                await trio.lowlevel.checkpoint()
    finally:
        counters.close()
    stop.set()


async def _serve_line(till: Till, turns: Turns, gateway: Gateway, text: str) -> None:
    id_ = None
    try:
        line = Line.read(text)
        id_ = line.id
        with turns.line(line.id, line.do, line.of) as before:
            for earlier in before:
                await earlier.wait()
            _say(await _outcome(till, gateway, line))
    except TillError as error:
        _say(mistaken(error))
    except LocalProtocolError as error:  # what the line says cannot be spelled in our dialect
        _say(mistaken(TillError(str(error), id_)))


async def _outcome(till: Till, gateway: Gateway, line: Line) -> str:
    """What the till says to a line whose turn it is."""
    if (waits := till.deliberation(line)) is not None:
        return waits
    request, began = till.request(line), trio.current_time()
    heard = await gateway.ask(request)
    return till.answered(line, heard, trio.current_time() - began)


async def _lines_in() -> AsyncIterator[str]:
    """Standard input by lines.

    In a thread, because a terminal set to non-blocking stays so after us; and past `sys.stdin`,
    whose lock a thread that still waits would take with it into the interpreter's end.
    """
    rest = b""
    while data := await trio.to_thread.run_sync(os.read, sys.stdin.fileno(), READ_SIZE, abandon_on_cancel=True):
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            if line.strip():
                yield line.decode(errors="replace")
    if rest.strip():
        yield rest.decode(errors="replace")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
