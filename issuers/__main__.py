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
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from issuers.bank import load_bank, load_banks
from issuers.cards import card_list
from issuers.store import bank_path, database_of, read_books
from protocols.network import NetworkError
from protocols.runtime.exits import DONE, MISCONFIGURED, ConfigurationError, FatalError

SCRIPT_OPTIONS = ("card", "amount", "merchant", "type", "mti", "code", "reason")


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
    entries = read_books(bank_path(options.state, bank.id), database_of(bank), bank.id)
    if options.json:
        print(json.dumps(entries))
        return DONE
    for entry in entries:
        print(f"{entry['key']:<44} {entry['state']:<9} {entry['amount']:>12} {entry['currency']}")
    return DONE


def _run_host(options: argparse.Namespace) -> int:
    from issuers.process import run_host  # whoever only reads books or lists cards does without
    from protocols.runtime.party import run

    bank = load_bank(options.network, options.what)
    said = {"dial": options.dial, "links": options.links}
    bank = bank.model_copy(update={name: value for name, value in said.items() if value is not None})
    return run(bank.id, lambda stop: run_host(bank, options, stop), log_level=options.log_level)


def _order(options: argparse.Namespace) -> int:
    """Something for a bank that is running."""
    from issuers import admin

    bank = load_bank(options.network, options.what)
    path = admin.socket_path(bank_path(options.state, bank.id))
    print(json.dumps(admin.ask(path, **_request(options)), indent=1, ensure_ascii=False))
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


if __name__ == "__main__":
    sys.exit(main())
