"""`python -m loadtest COMMAND …`: the load tester as a program of its own.

Every file in `commands/` is a command: `HELP` in a line, `configure(parser)` for its arguments, `main(options)` for its
work and exit code. The exit codes are those of `loadtest.result.Exit`.
"""

from __future__ import annotations

import argparse
import sys

from loadtest import commands
from loadtest.result import Exit
from loadtest.usage import UsageError
from protocols.catalog import modules_of
from protocols.errors import LocalProtocolError
from protocols.network import NetworkError


def main(arguments: list[str] | None = None) -> int:
    """Run one command; its exit code."""
    options = _parser().parse_args(arguments)
    try:
        code: int = options.main(options)
    except NetworkError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        return Exit.USAGE
    except (UsageError, LocalProtocolError) as error:
        print(error, file=sys.stderr)
        return Exit.USAGE
    return int(code)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="loadtest", description="Load that tells the truth, and an audit of the money.", allow_abbrev=False
    )
    chosen = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in modules_of(commands):
        name = module.__name__.rpartition(".")[2].replace("_", "-")
        its = chosen.add_parser(name, help=module.HELP, description=module.__doc__, allow_abbrev=False)
        module.configure(its)
        its.set_defaults(main=module.main)
    return parser


if __name__ == "__main__":
    sys.exit(main())
