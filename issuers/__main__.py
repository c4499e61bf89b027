"""The banks' command line.

    python -m issuers NAME                 run the host of one bank: nbk, nbd, ebi, sandbox
    python -m issuers cards [--json]       the test cards of all banks, and what each is for
    python -m issuers books NAME [--json]  one bank's bookings, while its host runs and when it does not

`--network DIR` reads the banks' files from DIR/banks instead of those that come with the program;
`--state DIR` (var) is where each bank keeps its books, in issuers/NAME.db. With `--tls`, or where the
agreement says `tls = true`, the host takes mutual TLS, from the switch only; its certificate is in pki/ there.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

import trio

from issuers.bank import Bank, load_bank, load_banks
from issuers.cards import card_list
from issuers.host import Host
from issuers.store import Store, bank_path, read_books
from protocols import network
from protocols.border import spoken, spoken_with
from protocols.dialect import Dialect
from protocols.dialects import dialect_named
from protocols.errors import LocalProtocolError
from protocols.framing import framing_named
from protocols.network import NetworkError
from protocols.participant import Participant, load_participants
from protocols.pki import FOLDER, SWITCH
from protocols.runtime.exits import DONE, MISCONFIGURED, ConfigurationError, FatalError
from protocols.runtime.hsm_client import HsmClient
from protocols.runtime.listener import Entrance, Guest, NotWelcomeError, PlainEntrance, TlsEntrance, serve
from protocols.runtime.party import announce, run
from protocols.runtime.tls import Credentials, keep_current

READY_WAITS_S = 0.3  # for the HSM to make the PVVs of a new bank; without one only PINs are declined
DRAIN_S = 1.5  # at the end, for PINs that are at the HSM (which has 1 s)


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code."""
    options = _parser().parse_args(arguments)
    try:
        return _COMMANDS.get(options.what, _run_host)(options)
    except NetworkError as error:
        print(*error.problems, sep="\n", file=sys.stderr)
        return MISCONFIGURED
    except FatalError as error:
        print(error, file=sys.stderr)
        return error.exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m issuers", description="The banks that issue cards.")
    parser.add_argument("what", metavar="NAME", help="a bank, or: cards, books")
    parser.add_argument("of", nargs="?", metavar="BANK", help="with books: whose")
    parser.add_argument("--network", type=Path, default=None, metavar="DIR", help="files of another network")
    parser.add_argument("--state", type=Path, default=Path("var"), metavar="DIR", help="where the books are (var)")
    parser.add_argument("--dialect", default=None, metavar="NAME", help="speak this one, whatever the files say")
    parser.add_argument("--tls", action="store_true", help="mutual TLS, also where the agreement does not say so")
    parser.add_argument("--json", action="store_true", help="for machines")
    parser.add_argument("--log-level", default="INFO", metavar="LEVEL")
    return parser


def _cards(options: argparse.Namespace) -> int:
    cards = card_list(load_banks(options.network))
    if options.json:
        print(json.dumps(cards, indent=1))
        return DONE
    for card in cards:
        print(f"{card['pan']:<19}  {card['expiry']}  {card['pin'] or '-':<4}  {card['issuer']:<8} {card['note']}")
    return DONE


def _books(options: argparse.Namespace) -> int:
    bank = load_bank(options.network, options.of or "")
    entries = read_books(bank_path(options.state, bank.id))
    if options.json:
        print(json.dumps(entries))
        return DONE
    for entry in entries:
        print(f"{entry['key']:<44} {entry['state']:<9} {entry['amount']:>12} {entry['currency']}")
    return DONE


def _run_host(options: argparse.Namespace) -> int:
    bank = load_bank(options.network, options.what)
    return run(bank.id, lambda stop: _host(bank, options, stop), log_level=options.log_level)


_COMMANDS = {"cards": _cards, "books": _books}


async def _host(bank: Bank, options: argparse.Namespace, stop: trio.Event) -> int:
    """From the books on disk to the last answer."""
    places = network.load(options.network)
    agreement = load_participants(options.network).get(bank.id)
    host, port = places.address(bank.listen or bank.id)
    store = Store(bank_path(options.state, bank.id))
    try:
        async with trio.open_nursery() as background, trio.open_nursery() as links:
            hsm = HsmClient(places.address(bank.hsm), background) if bank.keys.pvk else None
            dialect = _dialect(bank, agreement, options.dialect)
            bank_host = Host(bank, dialect, store, hsm, background, zpk=_zpk(agreement))
            bank_host.seed()
            framing = framing_named(_framing(bank, agreement), keep_alive=bool(agreement and agreement.keep_alive))
            guest = framing, bank_host.serve
            entrance: Entrance = PlainEntrance(*guest)
            if options.tls or (agreement is not None and agreement.tls):
                credentials = Credentials.of(bank.id, options.state / FOLDER)
                background.start_soon(keep_current, credentials)
                entrance = TlsEntrance(credentials, partial(_only_the_switch, guest))
            bound = await links.start(partial(serve, host, port, entrance))
            announce("listening", bank.id, f"{host}:{bound}")
            bank_host.start()
            with trio.move_on_after(READY_WAITS_S):
                await bank_host.pvvs_made.wait()
            announce("ready", bank.id)
            await stop.wait()
            with trio.move_on_after(DRAIN_S):
                await bank_host.drained()
            links.cancel_scope.cancel()
            background.cancel_scope.cancel()
    finally:
        store.close()
    return DONE


def _only_the_switch(guest: Guest, name: str) -> Guest:
    """Nobody else has business at a bank's host."""
    if name != SWITCH:
        raise NotWelcomeError("its certificate does not name the switch")
    return guest


def _dialect(bank: Bank, agreement: Participant | None, named: str | None) -> Dialect:
    """As the command line says, else the bank's file, else the agreement."""
    name = named or bank.dialect
    try:
        if agreement is None:
            return spoken(dialect_named(name or "iso87_ascii"), _today, trusted=True)
        agreed = {"dialect": name or agreement.dialect, "framing": _framing(bank, agreement)}
        return spoken_with(agreement.model_copy(update=agreed), _today, trusted=True)
    except LocalProtocolError as error:
        raise ConfigurationError(str(error)) from None


def _today() -> date:
    return datetime.now(UTC).date()


def _framing(bank: Bank, agreement: Participant | None) -> str:
    return bank.framing or (agreement.framing if agreement else "len2")


def _zpk(agreement: Participant | None) -> str | None:
    return agreement.keys.zpk if agreement else None


if __name__ == "__main__":
    sys.exit(main())
