"""What a host command of the HSM is: a layout, rules for its keys, and one pure function that answers.

`commands/` holds one file per command, each declaring COMMAND. The server knows
none of them by name.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from hsm_sim.faults import Faults
from hsm_sim.figures import Figures
from hsm_sim.keys import Keyring, KeyRule, KeyStore
from hsm_sim.settings import Settings
from protocols.hsm import HsmRequest, Layout, codes

Randomness = Callable[[int], bytes]  # so many bytes that nobody can foretell, unless a seed was asked for


class Answer(NamedTuple):
    """An error code and the answer's fields. A tuple, because one is made for every request."""

    error: str
    fields: Mapping[str, str]


def done(**fields: str) -> Answer:
    """Done, with these answer fields."""
    return Answer(codes.DONE, fields)


def checked(holds: bool) -> Answer:
    """The answer to a verification: 00 or 01."""
    return Answer(codes.DONE if holds else codes.NOT_VERIFIED, {})


@dataclass(frozen=True, slots=True)
class Station:
    """What the health commands look at: the HSM as a whole, not one LMK of it."""

    settings: Settings
    figures: Figures
    store: KeyStore
    faults: Faults
    desk: Callable[[bytes, str | None], bytes]  # asks once more (frame, LMK id), for a command that carries others


@dataclass(frozen=True, slots=True)
class Command:
    """One host command. `answer` raises RefusedError for what it will not do; anything else is our defect."""

    layout: Layout
    answer: Callable[[HsmRequest, Keyring, Randomness], Answer]
    keys: tuple[KeyRule, ...] = ()
    needs_authorised: bool = False
    slow: bool = False  # takes milliseconds or more: the server runs it in a thread, answers stay in order
    tells: Callable[[HsmRequest, Station], Answer] | None = None  # a health command: this instead of `answer`

    @property
    def code(self) -> str:
        return self.layout.command


def telling(layout: Layout, tells: Callable[[HsmRequest, Station], Answer]) -> Command:
    """A health command: it opens no key and needs no LMK."""
    return Command(layout, _without_a_station, tells=tells)


def _without_a_station(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    raise NotImplementedError("the desk asks `tells`")
