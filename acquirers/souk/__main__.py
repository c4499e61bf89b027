"""`python -m acquirers.souk [--network DIR] [--state DIR]`: the store as a process. `check` in front reads its file."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path

import trio

from acquirers.souk.serve import serve_souk
from acquirers.souk.settings import load_souk
from protocols.network import NetworkError, load
from protocols.runtime.exits import DONE, MISCONFIGURED, ConfigurationError
from protocols.runtime.party import run


def main(arguments: list[str] | None = None) -> int:
    """Run the store until it is told to stop."""
    parser = argparse.ArgumentParser(prog="python -m acquirers.souk", description="The demonstration's store.")
    parser.add_argument("what", nargs="?", choices=["check"], help="only read the file, and tell its problems")
    parser.add_argument("--network", type=Path, default=None, metavar="DIR", help="files of another network")
    parser.add_argument("--state", type=Path, default=Path("var"), metavar="DIR", help="where the books are (var)")
    options = parser.parse_args(arguments)
    if options.what == "check":
        return _check(options.network)
    return run("souk", partial(_work, options))


def _check(network: Path | None) -> int:
    try:
        load_souk(network)
    except NetworkError as error:
        print(*error.problems, sep="\n", file=sys.stderr)
        return MISCONFIGURED
    return DONE


async def _work(options: argparse.Namespace, stop: trio.Event) -> int:
    try:
        file, network = load_souk(options.network), load(options.network)
        network.address(file.listens)
    except NetworkError as error:
        raise ConfigurationError("; ".join(error.problems)) from None
    return await serve_souk(file, network, options.state, stop)


if __name__ == "__main__":
    sys.exit(main())
