"""The simulated HSM as a process: its files, its seed, its start and its end. What it answers is the desk's."""

import argparse
import gc
import random
import secrets
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import structlog
import trio

from hsm_sim import device, own_lmks
from hsm_sim.ceremony import read_passphrase
from hsm_sim.command import Randomness
from hsm_sim.keys import KeyStore
from hsm_sim.lmk import Lmk
from hsm_sim.own_lmks import CeremonyError
from hsm_sim.server import Bound, Server, Wires, utc_now
from hsm_sim.settings import Settings, load
from protocols import network, pki
from protocols.network import NetworkError
from protocols.runtime.exits import DONE, MISCONFIGURED
from protocols.runtime.party import ConfigurationError, announce, run
from protocols.runtime.tls import Credentials, keep_current

NAME = "hsm"

log = structlog.get_logger()


def main(given: Sequence[str], tools: Iterable[str]) -> int:
    """Run until told to stop; the exit code. `tools`: what else may be asked of `python -m hsm_sim`."""
    asked = _arguments(given, tools)
    return _check(asked.network) if asked.check else run(NAME, lambda stop: _party(asked, stop))


async def _party(asked: argparse.Namespace, stop: trio.Event) -> int:
    settings, wires = _configured(asked.network, asked.state)
    randomness, draw = _randomness(asked.seed)
    remembered = _remembered(asked.state)

    def note_tampers(count: int) -> None:
        if asked.state is not None:
            device.remember(asked.state, device.Device(remembered.reboots, count))

    server = Server(
        settings,
        randomness,
        draw=draw,
        store=KeyStore(settings, _own_lmks(settings, asked), utc_now),
        reboots=remembered.reboots,
        on_tamper=note_tampers,
    )
    server.figures.tampers = remembered.tampers
    async with trio.open_nursery() as background:
        if wires.credentials is not None:
            background.start_soon(keep_current, wires.credentials)
        async with trio.open_nursery() as serving:
            bound = await serving.start(server.run, wires, stop)
            gc.freeze()  # what is there now stays: the collector need not walk it in the middle of a batch
            _announce(wires, bound)
        background.cancel_scope.cancel()
    return DONE


def _announce(wires: Wires, bound: Bound) -> None:
    announce("listening", NAME, f"{wires.host}:{bound.tcp}")
    if bound.tls is not None and wires.tls is not None:
        announce("listening", NAME, f"{wires.tls[0]}:{bound.tls}")
    for lmk_id, port in bound.lmks.items():
        log.info("a port of its own", lmk=lmk_id, port=port)
    if bound.control is not None:
        log.info("faults can be switched on here", control_port=bound.control)
    announce("ready", NAME)


def _check(directory: Path | None) -> int:
    """What is wrong with the HSM's files, one problem a line on standard error."""
    try:
        _wires(load(directory), network.load(directory), None, checking=True)
    except NetworkError as error:
        print(*error.problems, sep="\n", file=sys.stderr)
        return MISCONFIGURED
    return DONE


def _configured(directory: Path | None, state: Path | None) -> tuple[Settings, Wires]:
    try:
        settings = load(directory)
        return settings, _wires(settings, network.load(directory), state)
    except NetworkError as error:
        for problem in error.problems:
            log.error("configuration", problem=problem)
        raise ConfigurationError(f"{len(error.problems)} problem(s) in the configuration") from None


def _wires(settings: Settings, places: network.Network, state: Path | None, *, checking: bool = False) -> Wires:
    """Where to listen. TLS needs certificates, which lie in the state folder; without one there is no TLS."""
    host, port = places.address(settings.port)
    tls = places.address(settings.tls_port) if settings.tls_port else None
    control = places.address(settings.control_port)[1] if settings.control_port else None
    credentials = None
    if tls is not None and state is not None:
        credentials = Credentials.of(pki.HSM, state / pki.FOLDER)
    elif tls is not None and not checking:
        log.warning("no TLS: certificates lie in a state folder, and none was given (--state)", port=tls[1])
    return Wires(host, port, settings.udp, tls, credentials, control)


def _remembered(state: Path | None) -> device.Device:
    if state is None:
        return device.Device()
    remembered, readable = device.started(state)
    if not readable:
        log.warning("what the HSM remembered of its starts could not be read; it begins anew")
    return remembered


def _own_lmks(settings: Settings, asked: argparse.Namespace) -> list[Lmk]:
    """The LMKs of a key ceremony, where there are any and their passphrase was given."""
    own: list[Lmk] = []
    try:
        if asked.state is not None and asked.lmk_passphrase is not None:
            own = own_lmks.opened(asked.state, read_passphrase(asked.lmk_passphrase))
        elif asked.state is not None and own_lmks.listed(asked.state):
            log.warning("own LMKs stay closed: no passphrase was given (--lmk-passphrase)")
    except CeremonyError as error:
        raise ConfigurationError(str(error)) from None
    published = {lmk.id for lmk in settings.lmk}
    if twice := published.intersection(lmk.id for lmk in own):
        raise ConfigurationError(f"LMK {min(twice)} stands in the settings and among the own LMKs")
    if missing := set(settings.own_lmks).difference(lmk.id for lmk in own):
        raise ConfigurationError(f"LMK {min(missing)} is among the settings' own LMKs and was not opened")
    return own


def _randomness(seed: int | None) -> tuple[Randomness, Callable[[], float]]:
    """What keys and PIN blocks are made from, and what decides whether a fault strikes."""
    if seed is None:
        return secrets.token_bytes, random.random
    log.warning("randomness comes from a seed: keys and PIN blocks made now can be foretold")
    return random.Random(seed).randbytes, random.Random(seed).random


def _arguments(given: Sequence[str], tools: Iterable[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m hsm_sim",
        description=f"The simulated HSM. Its tools, each with its own --help: {', '.join(tools)}.",
    )
    parser.add_argument("--network", type=Path, metavar="DIR", help="the network's files (default: the demonstration)")
    parser.add_argument("--state", type=Path, metavar="DIR", help="where certificates and what it remembers lie")
    parser.add_argument("--lmk-passphrase", type=Path, metavar="FILE", help="opens the LMKs of a key ceremony")
    parser.add_argument("--check", action="store_true", help="read the files, list what is wrong with them, and end")
    parser.add_argument("--seed", type=int, metavar="N", help="predictable randomness, for tests only")
    return parser.parse_args(given)
