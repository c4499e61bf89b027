"""`payswitch demo`: a throw-away network, the tour on its wires, the audit of its books."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from time import monotonic
from typing import Annotated

import trio
from cyclopts import Parameter

from protocols.network import load
from protocols.runtime.exits import DONE, FAILED, FatalError
from protocols.runtime.party import run
from switch.commands._failing import tell_failure
from switch.commands._terminal import complain, say, show_table, tick
from switch.network_copy import copy_network, renumber
from switch.place import Place, parties_of
from switch.shell import ask_party
from switch.shell.free_ports import free_ports
from switch.shell.play import Player, play_tour
from switch.shell.running import charges, console_address, provide_certificates
from switch.shell.supervisor import PartyFailedError, Supervisor, supervise
from switch.tour.cards import deal, read_cards
from switch.tour.steps import gateways_needed
from switch.tour.verdict import Verdict, all_agree

SETTLES_WITHIN_S = 15.0


def demo(
    *,
    network: Annotated[Path | None, Parameter(help="Play on a copy of this network instead.")] = None,
    keep: Annotated[bool, Parameter(help="Keep the throw-away folder, with logs and books.")] = False,
    stay: Annotated[bool, Parameter(help="Leave the network up after the tour, until Ctrl-C: look at it.")] = False,
) -> int:
    """Start a throw-away network on free ports, play the tour on it, and audit the books.

    Every line says what happens, what must come of it and what came of it. Exit code 0 only if
    all agree. The ports and the state of `payswitch up` are left alone.
    """
    folder = Path(mkdtemp(prefix="payswitch-demo-"))
    code = FAILED
    try:
        code = run("demo", partial(give_tour, throw_away(network, folder), stay), log_level="WARNING")
    finally:
        if code == DONE and not keep:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            say(f"kept: {folder} (logs in state/logs)")
    return code


def throw_away(network: Path | None, folder: Path) -> Place:
    """A copy of the network on free ports, with new books."""
    place = Place(folder / "network", folder / "state")
    assert place.network is not None
    copy_network(network, place.network)
    copied = load(place.network)
    renumber(place.network, free_ports(copied.ports, copied.host))
    provide_certificates(place)
    return place


@dataclass(slots=True)
class Show:
    """What the audience sees: each verdict as it falls, then all of them side by side."""

    began: float = field(default_factory=monotonic)
    code: int | None = None  # what came of it, once the tour is over

    def verdict(self, verdict: Verdict) -> None:
        """One line that a person understands."""
        mark = "" if verdict.agrees else f"  <-- expected {verdict.expected}"
        say(f"{verdict.number:>5}  {verdict.says}: {verdict.actual}{mark}")

    def curtain(self, verdicts: Sequence[Verdict]) -> None:
        """The table at the end."""
        say("")
        rows = [(one.number, one.says, one.expected, one.actual, tick(one.agrees)) for one in verdicts]
        show_table(("step", "what happens", "expected", "actual", ""), rows)
        wrong = sum(not one.agrees for one in verdicts)
        lasted = f"{monotonic() - self.began:.1f} s"
        say(f"\nAll {len(verdicts)} agree ({lasted})." if not wrong else f"\n{wrong} do not agree ({lasted}).")


async def give_tour(place: Place, stay: bool, stop: trio.Event) -> int:
    """Start the parties, play, audit; 0 only if everything agrees."""
    stages, show = parties_of(place.network, gateways_needed()), Show()
    try:
        code = await supervise(charges(place, stages, with_tills=True), say, partial(perform, place, show, stay), stop)
        return code if show.code is None else show.code
    except PartyFailedError as failed:
        return tell_failure(failed)
    except FatalError as error:
        complain(f"demo: {error}")
        return error.exit_code


async def perform(place: Place, show: Show, stay: bool, parties: Supervisor) -> int:
    """The tour itself."""
    address = console_address(place) if stay else None
    if address is not None:
        say(f"console: {address}")
    player = Player(place, parties, deal(read_cards(await ask_party.cards(place))))
    verdicts = await play_tour(player, show.verdict, SETTLES_WITHIN_S)
    show.curtain(verdicts)
    show.code = DONE if all_agree(verdicts) else FAILED
    if stay:
        say(f"\nThe network stays up{f', its console on {address}' if address else ''}. Ctrl-C ends it.")
        await trio.sleep_forever()
    return show.code
