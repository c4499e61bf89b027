"""`python -m acquirers.hosting NAME [lines|board …] [--network DIR] [--state DIR]`: an acquirer's own host.

Standard output of the host: `listening NAME`, and `ready NAME` once the switch takes its requests. `lines` prints
settlement lines from its books, `board MERCHANT` gives a merchant a terminal or a tenant; both also while it runs.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import trio

from acquirers.gateway import Gateway
from acquirers.hosting.contracts import Acquirer, load_acquirer
from acquirers.hosting.host import Host
from acquirers.hosting.ledger import Ledger
from acquirers.hosting.lines import lines_of
from acquirers.house import load_house
from acquirers.session import Session
from protocols.border import spoken_with
from protocols.framing import framing_named
from protocols.network import NetworkError, load
from protocols.runtime.dialer import keep_dialled
from protocols.runtime.exits import DONE, MISCONFIGURED, ConfigurationError
from protocols.runtime.listener import serve_links
from protocols.runtime.party import announce, run

FAREWELL_S = 2.0


def main(arguments: list[str] | None = None) -> int:
    """Run a host until it is told to stop, or do one thing with its books."""
    options = _options(arguments)
    if options.what is None:
        return run(options.name, partial(_work, options))
    try:
        acquirer = load_acquirer(options.name, options.network)
    except NetworkError as error:
        print("\n".join(error.problems), file=sys.stderr)
        return MISCONFIGURED
    ledger = Ledger(_path(options))
    try:
        return _lines(options, acquirer, ledger) if options.what == "lines" else _board(options, acquirer, ledger)
    finally:
        ledger.close()


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m acquirers.hosting", description=__doc__.splitlines()[0])
    parser.add_argument("name", help="the acquirer: the name of a file in acquirers/")
    parser.add_argument("what", nargs="?", choices=("lines", "board"), help="without it: run the host")
    parser.add_argument("merchant", nargs="?", help="of board: the card acceptor id")
    parser.add_argument("--date", help="of lines: one business date, YYYY-MM-DD (UTC); without it, all")
    parser.add_argument("--json", action="store_true", help="of lines: for machines")
    parser.add_argument("--terminal", help="of board: a terminal (DE 41)")
    parser.add_argument("--tenant", metavar="ID=NAME", help="of board: a sub-merchant (DE 48.37)")
    parser.add_argument("--network", type=Path, metavar="DIR", help="the network's files (the demonstration's)")
    parser.add_argument("--state", type=Path, default=Path("var"), metavar="DIR", help="where its books are (var)")
    return parser.parse_args(arguments)


def _path(options: argparse.Namespace) -> Path:
    path: Path = options.state / "acquirers" / f"{options.name}.db"
    return path


def _lines(options: argparse.Namespace, acquirer: Acquirer, ledger: Ledger) -> int:
    found = [line.document() for line in lines_of(ledger.legs(options.date), acquirer, ledger.boarded)]
    if options.json:
        print(json.dumps(found, indent=1))
        return DONE
    if not found:
        asked = f" on {options.date}" if options.date else ""
        print(f"{acquirer.name} owes nobody anything{asked}: its host has taken no sale", file=sys.stderr)
    for line in found:
        who = f"{line['merchant']} {line['sub_merchant'] or ''}"
        paid = f"{line['sales']} sold {line['sold']}, {line['refunds']} refunded {line['refunded']}"
        print(f"{who:<32}{line['title']:<26}{paid}, charge {line['service_charge']}, net {line['net']}")
    return DONE


def _board(options: argparse.Namespace, acquirer: Acquirer, ledger: Ledger) -> int:
    if options.merchant not in acquirer.merchants:
        print(f"{acquirer.name} has no merchant {options.merchant!r}", file=sys.stderr)
        return MISCONFIGURED
    id_, _, name = (options.tenant or "").partition("=")
    if options.terminal:
        ledger.board(options.merchant, "terminal", options.terminal)
    if id_:
        ledger.board(options.merchant, "tenant", id_, name or id_)
    return DONE


async def _work(options: argparse.Namespace, stop: trio.Event) -> int:
    try:
        acquirer = load_acquirer(options.name, options.network)
        house = load_house(acquirer.file.gateway, options.network)
        network = load(options.network)
        agreed = house.participant
        if agreed.host is None:
            raise NetworkError([f"{options.name}: its agreement says no `host`, so nobody would come"])
        here, switch = network.address(agreed.host), network.address(house.dials)
    except NetworkError as error:
        raise ConfigurationError("; ".join(error.problems)) from None
    dialect = spoken_with(agreed, lambda: datetime.now(UTC).date(), trusted=True)
    framing = framing_named(agreed.framing, keep_alive=agreed.keep_alive)
    chance = random.SystemRandom()
    session = Session(house, dialect, stan=chance.randrange(1_000_000), chance=chance.random)
    gateway, ledger = Gateway(house, session), Ledger(_path(options))
    try:
        async with trio.open_nursery() as nursery:
            host = Host(acquirer, ledger, gateway, dialect, agreed.institution_id, nursery)
            bound = await nursery.start(partial(serve_links, *here, framing, host.serve))
            announce("listening", options.name, f"{here[0]}:{bound}")
            nursery.start_soon(gateway.watch_the_clock)
            nursery.start_soon(partial(keep_dialled, switch, framing, gateway.converse, name=house.name, random=chance))
            nursery.start_soon(_announce_ready, options.name, gateway)
            await stop.wait()
            with trio.move_on_after(FAREWELL_S):
                await gateway.take_leave()
            nursery.cancel_scope.cancel()
    finally:
        ledger.close()
    return DONE


async def _announce_ready(name: str, gateway: Gateway) -> None:
    await gateway.signed_on.wait()
    announce("ready", name)


if __name__ == "__main__":
    sys.exit(main())
