"""`python -m hsm_sim`: the simulated HSM as a process."""

import argparse
import random
import secrets
import sys
from functools import partial
from pathlib import Path

import structlog
import trio

from hsm_sim.command import Randomness
from hsm_sim.server import serve
from hsm_sim.settings import Settings, load
from protocols import network
from protocols.network import NetworkError
from protocols.runtime.exits import DONE, MISCONFIGURED
from protocols.runtime.party import ConfigurationError, announce, run

NAME = "hsm"

log = structlog.get_logger()


def main() -> int:
    """Run until told to stop; the exit code."""
    asked = _arguments(sys.argv[1:])
    if asked.check:
        return _check(asked.network)

    async def party(stop: trio.Event) -> int:
        settings, host, port = _configured(asked.network)
        randomness = _randomness(asked.seed)
        async with trio.open_nursery() as nursery:
            bound = await nursery.start(partial(serve, settings, host=host, port=port, randomness=randomness))
            announce("listening", NAME, f"{host}:{bound}")
            announce("ready", NAME)
            await stop.wait()
            nursery.cancel_scope.cancel()
        return 0

    return run(NAME, party)


def _check(directory: Path | None) -> int:
    """What is wrong with the HSM's files, one problem a line on standard error."""
    try:
        network.load(directory).address(load(directory).port)
    except NetworkError as error:
        print(*error.problems, sep="\n", file=sys.stderr)
        return MISCONFIGURED
    return DONE


def _configured(directory: Path | None) -> tuple[Settings, str, int]:
    try:
        settings = load(directory)
        return settings, *network.load(directory).address(settings.port)
    except NetworkError as error:
        for problem in error.problems:
            log.error("configuration", problem=problem)
        raise ConfigurationError(f"{len(error.problems)} problem(s) in the configuration") from None


def _randomness(seed: int | None) -> Randomness:
    if seed is None:
        return secrets.token_bytes
    log.warning("randomness comes from a seed: keys and PIN blocks made now can be foretold")
    return random.Random(seed).randbytes


def _arguments(given: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m hsm_sim", description="The simulated HSM.")
    parser.add_argument("--network", type=Path, metavar="DIR", help="the network's files (default: the demonstration)")
    parser.add_argument("--state", type=Path, metavar="DIR", help="taken as every party takes it; nothing is kept yet")
    parser.add_argument("--check", action="store_true", help="read the files, list what is wrong with them, and end")
    parser.add_argument("--seed", type=int, metavar="N", help="predictable randomness, for tests only")
    return parser.parse_args(given)


if __name__ == "__main__":
    sys.exit(main())
