"""`python -m acquirers.terminals TERMINAL [WORD …] [--script FILE]`: a terminal or a cash machine, for testers.

With words it does that one thing; with `--script` the steps of a file; else a line of words each from standard input.
`list` in the terminal's place names terminals and cards, `atm` is the first cash machine. Exit code 0 where everything
came as expected (`expect=`), and where nothing was expected, every step was answered.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import trio

from acquirers.gateway import Gateway
from acquirers.house import House, load_house
from acquirers.session import Session
from acquirers.terminals.key_room import KeyRoom
from acquirers.terminals.service import NO_ANSWER, Done, Service
from acquirers.terminals.settings import Equipment, TerminalFile, load_equipment
from acquirers.terminals.step import Deck, Step, StepError, load_script, of_words
from acquirers.terminals.store import COUNTERS, Counters
from protocols.border import spoken_with
from protocols.framing import framing_named
from protocols.network import HSM, Network, NetworkError, load
from protocols.pki import FOLDER, SWITCH
from protocols.runtime.dialer import dial_tcp, keep_dialled
from protocols.runtime.exits import DONE, FAILED, MISCONFIGURED, ConfigurationError, UnavailableError
from protocols.runtime.hsm_client import HsmClient
from protocols.runtime.party import run
from protocols.runtime.tls import Credentials, tls_dial

LIST = "list"
CASH_MACHINE = "atm"  # whichever comes first
READY_WITHIN_S = 10.0
FAREWELL_S = 2.0
READ_SIZE = 65536


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code."""
    options = _options(arguments)
    try:
        if options.terminal == LIST:
            return _list(options)
        steps = _steps(options)
    except (NetworkError, StepError) as error:
        print(error, file=sys.stderr)
        return MISCONFIGURED
    except BrokenPipeError:  # whoever read the list has seen enough
        sys.stderr.close()
        return FAILED
    return run(f"terminal {options.terminal}", partial(_work, options, steps), log_level="WARNING")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m acquirers.terminals", description=__doc__.splitlines()[0])
    parser.add_argument("terminal", help=f"its id in terminals.toml, such as GULF0001; or {LIST}")
    parser.add_argument("words", nargs="*", help="one thing to do: insert CARD purchase 25.00 [pin=… expect=…]")
    parser.add_argument("--script", type=Path, metavar="FILE", help="the steps of a file instead")
    parser.add_argument("--dial", metavar="HOST:PORT", help="another host than the network's switch; plain TCP")
    parser.add_argument("--network", type=Path, metavar="DIR", help="the network's files (the demonstration's)")
    parser.add_argument("--state", type=Path, default=Path("var"), metavar="DIR", help="where counters are kept (var)")
    return parser.parse_intermixed_args(arguments)


def _steps(options: argparse.Namespace) -> list[Step] | None:
    """What is to be done; None: it comes by standard input."""
    if options.script is not None:
        return load_script(options.script)
    return [of_words(" ".join(options.words))] if options.words else None


def _cards(options: argparse.Namespace) -> Deck:
    """The banks' own list of their test cards, as they print it for anybody."""
    network = [] if options.network is None else ["--network", str(options.network)]
    command = [sys.executable, "-m", "issuers", "cards", "--json", *network]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    try:
        return Deck.of(json.loads(done.stdout))
    except ValueError:
        return Deck(())  # a network without banks of ours: cards go by their numbers


def _list(options: argparse.Namespace) -> int:
    for one in load_equipment(options.network).terminals.values():
        print(f"{one.id}  {one.kind:<4}  {one.pin:<9}  {one.merchant} by {one.gateway}")
    print(*_cards(options).names(), sep="\n")
    return DONE


async def _work(options: argparse.Namespace, steps: list[Step] | None, stop: trio.Event) -> int:
    try:
        equipment = load_equipment(options.network)
        terminal = _terminal(equipment, options.terminal)
        house, network = load_house(terminal.gateway, options.network), load(options.network)
        if terminal.merchant not in house.merchants:
            raise NetworkError([f"terminals.toml: {terminal.id}: {house.name} sends for no {terminal.merchant!r}"])
        address = network.address(options.dial or house.dials)
        hsm_at = network.address(HSM)
    except NetworkError as error:
        raise ConfigurationError("; ".join(error.problems)) from None
    deck = await trio.to_thread.run_sync(_cards, options)
    counters = Counters(options.state / COUNTERS)
    try:
        async with trio.open_nursery() as nursery:
            hsm = HsmClient(hsm_at, nursery, lmk_id=terminal.lmk)
            gateway = _gateway(house)
            keys = house.participant.keys
            zone = terminal.zpk or keys.terminal_zpk or keys.zpk or ""
            key_room = KeyRoom(hsm, terminal, zone)
            service = Service(
                terminal, house, gateway, key_room, equipment, deck, counters, secrets.token_bytes, _say
            )  # fmt: skip
            nursery.start_soon(gateway.watch_the_clock)
            nursery.start_soon(_dialled(house, network, options, address, gateway))
            nursery.start_soon(_ended_by, stop, nursery.cancel_scope)
            code = await _served(service, gateway, hsm, steps)
            with trio.move_on_after(FAREWELL_S):
                await gateway.take_leave()
            nursery.cancel_scope.cancel()
    finally:
        counters.close()
    return code


def _terminal(equipment: Equipment, id_: str) -> TerminalFile:
    if id_ == CASH_MACHINE:
        id_ = next((one.id for one in equipment.terminals.values() if one.kind == CASH_MACHINE), id_)
    try:
        return equipment.terminals[id_]
    except KeyError:
        known = ", ".join(equipment.terminals) or "none"
        raise NetworkError([f"terminals.toml: no terminal {id_!r}; there are {known}"]) from None


def _gateway(house: House) -> Gateway:
    chance = random.SystemRandom()
    dialect = spoken_with(house.participant, lambda: datetime.now(UTC).date(), trusted=True)
    return Gateway(house, Session(house, dialect, stan=chance.randrange(1_000_000), chance=chance.random))


def _dialled(
    house: House, network: Network, options: argparse.Namespace, address: tuple[str, int], gateway: Gateway
) -> Callable[[], Awaitable[object]]:
    agreed = house.participant
    framing = framing_named(agreed.framing, keep_alive=agreed.keep_alive)
    is_tls = options.dial is None and (house.tls or house.dials in network.tls_ports)
    dial = tls_dial(Credentials.of(agreed.id, options.state / FOLDER), SWITCH) if is_tls else dial_tcp
    chance = random.SystemRandom()
    return partial(keep_dialled, address, framing, gateway.converse, name=house.name, random=chance, dial=dial)


async def _ended_by(stop: trio.Event, scope: trio.CancelScope) -> None:
    await stop.wait()
    scope.cancel()


async def _served(service: Service, gateway: Gateway, hsm: HsmClient, steps: list[Step] | None) -> int:
    """All steps, one after another; the exit code."""
    with trio.move_on_after(READY_WITHIN_S) as patience:
        await gateway.signed_on.wait()
        await hsm.wait_up()
    if not gateway.signed_on.is_set():
        raise UnavailableError("nobody takes our sign-on: is the network up?")
    if patience.cancelled_caught:
        _say("the HSM is away: no PIN can be brought to the network")
    missed = 0
    async for step in _from(steps):
        done = await service.do(step)
        missed += _is_miss(step, done)
    return FAILED if missed else DONE


def _is_miss(step: Step, done: Done) -> bool:
    return not done.is_as_expected(step) or (step.expect is None and done.outcome == NO_ANSWER)


async def _from(steps: list[Step] | None) -> AsyncIterator[Step]:
    if steps is not None:
        for step in steps:
            yield step
        return
    async for line in _lines():
        try:
            yield of_words(line)
        except StepError as error:
            _say(f"  {error}")


async def _lines() -> AsyncIterator[str]:
    """Standard input by lines, read in a thread that nobody has to wait for."""
    rest = b""
    while data := await trio.to_thread.run_sync(os.read, sys.stdin.fileno(), READ_SIZE, abandon_on_cancel=True):
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            if line.strip():
                yield line.decode(errors="replace")
    if rest.strip():
        yield rest.decode(errors="replace")


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
