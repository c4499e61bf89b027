"""The banks' command line.

    python -m issuers NAME                 run the host of one bank: nbk, nbd, ebi, sandbox
    python -m issuers cards [--json]       the test cards of all banks, and what each is for
    python -m issuers books NAME [--json]  one bank's bookings, while its host runs and when it does not

    python -m issuers NAME close-day | close-cycle | sweep          the running bank's own time
    python -m issuers NAME script DO [--card …] [--amount …] …      answer as a tester wants: decline, delay,
                                                                    silence, double, wrong, garbage, close
    python -m issuers NAME scripts | script remove N | script clear
    python -m issuers NAME do WORD [NAME=VALUE …]                   any other order at its counter

`--network DIR` reads the banks' files from DIR/banks instead of those that come with the program;
`--state DIR` (var) is where each bank keeps its books, in issuers/NAME.db. With `--tls`, or where the
agreement says `tls = true`, the host takes mutual TLS, from the switch only; its certificate is in pki/ there.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import trio

from issuers import admin
from issuers.bank import Bank, load_bank, load_banks
from issuers.banking.serve import serve_banking, shops_on_the_internet
from issuers.cards import card_list
from issuers.host import Host
from issuers.links import keep_links
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
from protocols.runtime.dialer import Dial, dial_tcp
from protocols.runtime.exits import DONE, MISCONFIGURED, ConfigurationError, FatalError
from protocols.runtime.hsm_client import HsmClient, HsmGroup
from protocols.runtime.listener import Entrance, Guest, NotWelcomeError, PlainEntrance, TlsEntrance, serve
from protocols.runtime.party import announce, run
from protocols.runtime.tls import Credentials, keep_current, tls_dial

READY_WAITS_S = 0.3  # for the HSM to make the PVVs of a new bank; without one only PINs are declined
DATABASE_VARIABLE = "PAYSWITCH_ISSUERS_DATABASE"  # a URL of PostgreSQL, for all banks started with it
SCRIPT_OPTIONS = ("card", "amount", "merchant", "type", "mti", "code", "reason")
DRAIN_S = 1.5  # at the end, for PINs that are at the HSM (which has 1 s)


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code."""
    options = _parser().parse_args(arguments)
    try:
        return _COMMANDS.get(options.what, _order if options.words else _run_host)(options)
    except NetworkError as error:
        print(*error.problems, sep="\n", file=sys.stderr)
        return MISCONFIGURED
    except FatalError as error:
        print(error, file=sys.stderr)
        return error.exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m issuers", description="The banks that issue cards.")
    parser.add_argument("what", metavar="NAME", help="a bank, or: cards, books")
    parser.add_argument("words", nargs="*", metavar="WORD", help="with books: whose; with a bank: an order to it")
    parser.add_argument("--network", type=Path, default=None, metavar="DIR", help="files of another network")
    parser.add_argument("--state", type=Path, default=Path("var"), metavar="DIR", help="where the books are (var)")
    parser.add_argument("--dial", default=None, metavar="PLACE", help="dial the switch there: a port's name, host:port")
    parser.add_argument("--links", type=int, default=None, metavar="N", help="how many links to dial")
    for name in SCRIPT_OPTIONS:
        parser.add_argument(f"--{name}", default=None, help=argparse.SUPPRESS)
    parser.add_argument("--after", type=float, default=None, metavar="S", help=argparse.SUPPRESS)
    parser.add_argument("--times", type=int, default=None, metavar="N", help=argparse.SUPPRESS)
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
    bank = load_bank(options.network, "".join(options.words[:1]))
    entries = read_books(bank_path(options.state, bank.id), _database(bank), bank.id)
    if options.json:
        print(json.dumps(entries))
        return DONE
    for entry in entries:
        print(f"{entry['key']:<44} {entry['state']:<9} {entry['amount']:>12} {entry['currency']}")
    return DONE


def _run_host(options: argparse.Namespace) -> int:
    bank = load_bank(options.network, options.what)
    said = {"dial": options.dial, "links": options.links}
    bank = bank.model_copy(update={name: value for name, value in said.items() if value is not None})
    return run(bank.id, lambda stop: _host(bank, options, stop), log_level=options.log_level)


def _order(options: argparse.Namespace) -> int:
    """Something for a bank that is running."""
    bank = load_bank(options.network, options.what)
    path = admin.socket_path(bank_path(options.state, bank.id))
    print(json.dumps(admin.ask(path, **_request(options)), indent=1))
    return DONE


def _request(options: argparse.Namespace) -> dict[str, Any]:
    """The words of the command line as a line of the admin socket."""
    word, *rest = options.words
    if word == "do" and rest:
        named = (one.partition("=") for one in rest[1:])
        return {"do": rest[0].replace("-", "_"), **{name: value for name, _, value in named}}
    if word == "script" and rest[:1] == ["clear"]:
        return {"do": "script_clear"}
    if word == "script" and rest[:1] == ["remove"] and len(rest) == 2 and rest[1].isdigit():
        return {"do": "script_remove", "number": int(rest[1])}
    if word == "script" and len(rest) == 1:
        given = {
            name: getattr(options, name) for name in ("card", "amount", "merchant", "type", "mti", "code", "reason")
        }
        given |= {"after_s": options.after, "times": options.times}
        return {"do": "script", "doing": rest[0], **{name: value for name, value in given.items() if value is not None}}
    if not rest:
        return {"do": word.replace("-", "_")}
    raise ConfigurationError(f"{' '.join(options.words)}: there is no such order")


_COMMANDS = {"cards": _cards, "books": _books}


async def _host(bank: Bank, options: argparse.Namespace, stop: trio.Event) -> int:
    """From the books on disk to the last answer."""
    places = network.load(options.network)
    agreement = load_participants(options.network).get(bank.id)
    host, port = places.address(bank.listen or bank.id)
    path = bank_path(options.state, bank.id)
    store = Store(path, _database(bank), bank.id)
    try:
        async with trio.open_nursery() as background, trio.open_nursery() as links:
            hsm = _hsm(bank, places, background) if bank.keys.needs_hsm else None
            dialect = _dialect(bank, agreement, options.dialect)
            bank_host = Host(bank, dialect, store, hsm, background, zpk=_zpk(agreement), zmk=_zmk(bank, agreement))
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
            await background.start(admin.serve_admin, bank_host, admin.socket_path(path))
            if bank.dial is not None:
                name = agreement.institution_id if agreement else ""
                dial = _dial(bank, places, options)
                background.start_soon(keep_links, bank_host, places.address(bank.dial), framing, name, dial)
            if bank.banking is not None:
                pages = places.address(bank.banking), shops_on_the_internet(options.network)
                announce("listening", bank.id, await background.start(serve_banking, bank_host, *pages))
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


def _hsm(bank: Bank, places: network.Network, background: trio.Nursery) -> HsmClient | HsmGroup:
    """The bank's own HSM, or those of the network, one in place of another, where its own is among them."""
    names = dict.fromkeys((bank.hsm, *places.hsms)) if bank.hsm in places.hsms else (bank.hsm,)
    one, *others = [HsmClient(places.address(name), background) for name in names]
    return HsmGroup([one, *others], background) if others else one


def _dial(bank: Bank, places: network.Network, options: argparse.Namespace) -> Dial:
    """Plain, or mutual TLS where the switch's port takes nothing else."""
    if not options.tls and bank.dial not in places.tls_ports:
        return dial_tcp
    return tls_dial(Credentials.of(bank.id, options.state / FOLDER), SWITCH)


def _database(bank: Bank) -> str | None:
    """Where the books are, if not in a file: the bank's file says so, or the environment."""
    return os.environ.get(DATABASE_VARIABLE) or bank.database


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


def _zmk(bank: Bank, agreement: Participant | None) -> str | None:
    return bank.keys.zmk or (agreement.keys.zmk if agreement else None)


def _zpk(agreement: Participant | None) -> str | None:
    return agreement.keys.zpk if agreement else None


if __name__ == "__main__":
    sys.exit(main())
