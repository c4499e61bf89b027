"""The command line: which commands there are, and how a mistake ends.

Thin: a command's file is imported when the command is used, so that `payswitch version` does
not wait for what `payswitch demo` needs. What a command does stands in `commands/`.

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | failed |
| 2 | wrong use, or something is wrong with the network's files |
| 3 | cannot connect, or a port is taken |
| 5 | the audit found books that do not agree |
| 78 | the journal is damaged |
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

from cyclopts import App, Parameter

from protocols.network import NetworkError
from protocols.runtime.exits import FAILED, FatalError

COMMANDS = (
    "up", "demo", "switch", "hsm", "hsm-console", "hsm-explain", "hsm-fault", "hsm-ceremony", "issuer", "gateway",
    "acquirer", "souk", "terminal", "atm", "send", "inspect", "doctor", "cards", "books", "audit", "check", "init",
    "pki", "key-change", "saf", "journal", "load", "load-demo", "version",
)  # fmt: skip

HELP = """A card network on your own machine: an ISO 8583 switch, issuers, gateways and an HSM simulator.

Begin with `payswitch demo`. Exit codes: 0 done, 1 failed, 2 wrong use or configuration,
3 cannot connect, 5 books disagree, 78 damaged journal."""


#: Commands of another program: their options, --help among them, are that program's.
PASSED_ON = ("load",)


def app(wanted: str | None = None) -> App:
    """All commands. None is imported if it is known which one is wanted; else all, to tell what they are."""
    made = App(name="payswitch", help=HELP, version=_version, default_parameter=Parameter(negative=()))
    for name in COMMANDS:
        word = name.replace("-", "_")  # as Python spells it
        path = f"switch.commands.{word}"
        target = f"{path}:{word}" if wanted in COMMANDS else getattr(import_module(path), word)
        if name in PASSED_ON:
            made.command(target, name=name, help_flags=[], version_flags=[])
        else:
            made.command(target, name=name)
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    try:
        given = sys.argv[1:] if arguments is None else list(arguments)
        code = app(next(iter(given), None))(given, result_action="return_value")
    except NetworkError as error:
        return _told(error.problems, 2)
    except FatalError as error:
        return _told([str(error)], error.exit_code)
    except KeyboardInterrupt:
        return FAILED
    except BrokenPipeError:  # `payswitch cards | head`
        sys.stderr.close()  # or the interpreter complains once more at its end
        return FAILED
    return code if isinstance(code, int) else 0


def _told(problems: Sequence[str], code: int) -> int:
    for problem in problems:
        print(problem, file=sys.stderr)
    return code


def _version() -> str:
    from importlib.metadata import version

    return version("payswitch")
