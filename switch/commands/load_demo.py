"""`payswitch load-demo`: a minute of load on a throw-away network, and a report worth showing.

The load tester is a party of its own and is started as one: cards for a bank, the run, the report. In the middle
the bank stands still for a second, so that the report has something to show; the audit of the books ends it.
"""

import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from functools import partial
from importlib.resources import files
from pathlib import Path
from tempfile import mkdtemp
from typing import Annotated

import trio
from cyclopts import Parameter

from protocols.network import load
from protocols.runtime.exits import DONE, FAILED, FatalError
from protocols.runtime.party import run
from switch.commands._failing import tell_failure
from switch.commands._terminal import complain, say
from switch.commands.demo import SETTLES_WITHIN_S, throw_away
from switch.place import Part, Party, Place, parties_of
from switch.shell import ask_party
from switch.shell.running import charges
from switch.shell.supervisor import PartyFailedError, Supervisor, supervise

BANK, PREFIX, CARDS = "nbd", "978410:16", 2000
STANDS_STILL_AT_S, STANDS_STILL_FOR_S = 30.0, 1.0
BEGINS_AFTER_S = 2.0  # of starting an interpreter, connecting and signing on: no more than roughly
REPORT = "report.html"


def load_demo(
    *,
    out: Annotated[Path | None, Parameter(help="Where the run and its report go. Without it: a new folder.")] = None,
    seconds: Annotated[float, Parameter(help="Stop after so many seconds of load instead of 60.")] = 60.0,
    browser: Annotated[bool, Parameter(negative="--no-browser", help="Open the report; only on a terminal.")] = True,
    network: Annotated[Path | None, Parameter(help="Load a copy of this network instead.")] = None,
) -> int:
    """Start a throw-away network on free ports, load it for a minute, audit its books, show the report.

    The ports and the state of `payswitch up` are left alone. Exit code 0 if every threshold held and
    every message and minor unit is accounted for, on the tester's side and in the books.
    """
    folder = Path(mkdtemp(prefix="payswitch-load-"))
    target = (out or Path(mkdtemp(prefix="payswitch-load-report-"))).resolve()
    code = FAILED
    try:
        place = throw_away(network, folder)
        cards = deal_cards(place, folder)
        scenario = write_scenario(place, folder, cards, seconds)
        code = run("load-demo", partial(give_load, place, scenario, target), log_level="WARNING")
    except FatalError as error:
        complain(f"load-demo: {error}")
        code = error.exit_code
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    page = target / REPORT
    if page.exists():
        say(f"\nthe report: {page}")
        if browser and sys.stdout.isatty():
            import webbrowser

            webbrowser.open(page.as_uri())
    return code


def tester(*arguments: str) -> list[str]:
    """The command line of the load tester."""
    return [sys.executable, "-m", "loadtest", *arguments]


def deal_cards(place: Place, folder: Path) -> Path:
    """Cards for the tester, and the same cards for the bank that issues them."""
    assert place.network is not None
    cards, bank = folder / "cards.bin", place.network / "banks" / f"{BANK}.toml"
    seeded = folder / bank.name
    wanted = ("--count", str(CARDS), "--prefix", PREFIX, "--out", str(cards))
    command = tester("cards", *wanted, "--bank", str(bank), "--bank-out", str(seeded))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != DONE:
        raise FatalError(f"the cards could not be made: {done.stderr.strip()}")
    shutil.move(seeded, bank)
    return cards


def write_scenario(place: Place, folder: Path, cards: Path, seconds: float) -> Path:
    """The scenario, with this network's port and these cards."""
    places = load(place.network)
    template = files("switch").joinpath("load_demo.toml").read_text(encoding="utf-8")
    path = folder / "load-demo.toml"
    ports = places.ports
    text = template.format(host=places.host, port=ports["lab"], hsm=ports["hsm"], zpk=agree_on_pins(place), cards=cards)
    path.write_text(shortened(text, seconds), encoding="utf-8")
    return path


def agree_on_pins(place: Place) -> str:
    """The key under which the tester's PINs travel to the switch: this network's laboratory gets one."""
    assert place.network is not None
    folder = place.network / "participants"
    known = tomllib.loads((folder / f"{BANK}.toml").read_text(encoding="utf-8"))
    zpk = str(known["keys"]["terminal_zpk"])
    with (folder / "lab.toml").open("a", encoding="utf-8") as file:
        file.write(f'\n[keys]\nterminal_zpk = "{zpk}"\n')
    return zpk


def shortened(text: str, seconds: float) -> str:
    """The plan as one even stretch, where less than the whole minute is wanted: for trying it out."""
    if seconds >= 60:
        return text
    before, _, rest = text.partition("arrivals = [")
    _, _, after = rest.partition("\n]\n")
    before = before.replace("warm_up_s = 5", "warm_up_s = 0")
    return f'{before}arrivals = [{{ shape = "poisson", rate_per_s = 40, for_s = {seconds} }}]\n{after}'


async def give_load(place: Place, scenario: Path, target: Path, stop: trio.Event) -> int:
    """Start the parties, load them, audit."""
    stages = parties_of(place.network, [])
    work = partial(perform, place, tester("run", str(scenario), "--out", str(target)))
    try:
        return await supervise(charges(place, stages, with_tills=False), say, work, stop)
    except PartyFailedError as failed:
        return tell_failure(failed)


async def perform(place: Place, command: Sequence[str], parties: Supervisor) -> int:
    """The load, the bank that stands still, and the audit of the books."""
    say("")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stand_still, parties)
        done = await trio.run_process(list(command), check=False)
        nursery.cancel_scope.cancel()
    audit = await ask_party.settled_audit(place, SETTLES_WITHIN_S)
    waiting = f"; {audit.waiting} transactions are not settled yet" if audit.waiting else ""
    say(f"\nthe books agree{waiting}" if audit.agrees else "\nthe books do not agree: payswitch audit says in what")
    return done.returncode or (DONE if audit.agrees else FAILED)


async def stand_still(parties: Supervisor) -> None:
    """The bank's host is stopped and goes on a second later, as if it had swapped, collected or failed over."""
    await trio.sleep(BEGINS_AFTER_S + STANDS_STILL_AT_S)
    bank = str(Party(Part.ISSUER, BANK))
    parties.signal_party(bank, signal.SIGSTOP)
    try:
        await trio.sleep(STANDS_STILL_FOR_S)
    finally:
        parties.signal_party(bank, signal.SIGCONT)
