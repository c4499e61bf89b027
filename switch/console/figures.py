"""What stands in a running node, read at one moment: the figures that pages and metrics are made of.

Nothing is counted here and nothing is changed. Names of participants, states and numbers only: no card number and no
element of a message is among them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from protocols.participant import Participant, Role
from switch.circuit import State
from switch.core import Core
from switch.ends import LinkEnd, Side
from switch.tally import Ended, Times

if TYPE_CHECKING:
    from switch.shell.node import Node

SIGNED_ON: Final = "signed on"


class Kind(StrEnum):
    """What a peer is to the switch."""

    GATEWAY = "gateway"  # asks
    ISSUER = "issuer"  # is asked
    HOST = "host"  # an acquirer's own, which is asked first


class Health(StrEnum):
    """How a peer is, in one word."""

    UP = "up"
    PART = "part"  # some of its links are missing, or not signed on
    SICK = "sick"  # connected, and a circuit is not closed
    DOWN = "down"  # nobody there whom we need
    AWAY = "away"  # nobody there, and nobody has to be: a gateway comes and goes


@dataclass(frozen=True, slots=True)
class Peer:
    """A participant, as seen from the switch."""

    id: str
    name: str
    kind: Kind
    health: Health
    links: int  # connections that are open
    signed_on: int
    wanted: int  # connections that we dial; 0: it comes to us
    heard: int  # frames that it sent
    told: int  # frames that we sent it
    in_flight: int
    owed: int
    parked: int
    circuits: Mapping[str, int]  # how many links are in each state
    times: Times | None  # from a question to its answer


@dataclass(frozen=True, slots=True)
class Hsm:
    """The HSM, or several that take turns."""

    links: int
    wanted: int
    silent: int
    in_flight: int
    asked: int
    answers: int

    @property
    def health(self) -> Health:
        if not self.wanted:
            return Health.AWAY
        if not self.links:
            return Health.DOWN
        return Health.SICK if self.silent else Health.UP if self.links >= self.wanted else Health.PART


@dataclass(frozen=True, slots=True)
class Journal:
    """What was committed, and what room is left."""

    batches: int  # over its whole life
    records: int
    commits: Times  # in this run
    free_bytes: int
    reserve_bytes: int
    is_short_of_room: bool


@dataclass(frozen=True, slots=True)
class Figures:
    """All of it."""

    peers: tuple[Peer, ...]
    hsm: Hsm
    journal: Journal
    ends: Mapping[Ended, int]
    in_lane: int
    as_stories: int
    in_flight: int
    remembered: int
    remembered_at_most: int
    frames: Mapping[tuple[str, str, str], int]

    @property
    def ended(self) -> int:
        return self.in_lane + self.as_stories

    @property
    def approved(self) -> int:
        return sum(count for end, count in self.ends.items() if end.response_code == "00")

    def of_kind(self, kind: Kind) -> tuple[Peer, ...]:
        return tuple(peer for peer in self.peers if peer.kind is kind)


def read(node: Node) -> Figures:
    """The figures of this moment."""
    core = node.core
    told = dict(core.tally.ends())
    ends = Counter(told)
    lane = 0
    for name, issuer in core.issuers.items():
        for (participant, mti), (count,) in issuer.approved.items():
            ends[Ended(participant, name, mti, "00", "")] += count
            lane += count
    frames = node.traffic.by_participant((link.number, link.side, link.participant.id) for link in core.links)
    return Figures(
        peers=tuple(peers(core, frames)),
        hsm=Hsm(
            links=len(core.hsm.links),
            wanted=len(core.network.network.hsms),
            silent=len(core.hsm.silent),
            in_flight=core.hsm.in_flight,
            asked=core.hsm.asked,
            answers=core.hsm.answers,
        ),
        journal=Journal(
            batches=node.journal.next_seq - 1,
            records=node.journal.next_record - 1,
            commits=node.commits,
            free_bytes=node.journal.free_bytes(),
            reserve_bytes=core.network.network.journal_reserve_mib * 1024 * 1024,
            is_short_of_room=core.is_short_of_room,
        ),
        ends=ends,
        in_lane=lane,
        as_stories=sum(told.values()),
        in_flight=len(core.in_flight),
        remembered=len(core.memory),
        remembered_at_most=core.memory.bound,
        frames=frames,
    )


def peers(core: Core, frames: Mapping[tuple[str, str, str], int]) -> list[Peer]:
    """Gateways first, then acquirers' hosts, then issuers; one that is both appears as both."""
    by_name: dict[tuple[Side, str], list[LinkEnd]] = {}
    for link in core.links:
        by_name.setdefault((link.side, link.participant.id), []).append(link)
    everybody = core.network.participants.values()
    asking = [one for one in everybody if one.has(Role.GATEWAY) or one.has(Role.ACQUIRER)]
    found = [_gateway(one, by_name.get((Side.GATEWAY, one.id), []), frames) for one in asking]
    asked = sorted(core.issuers, key=lambda name: core.issuers[name].participant.has(Role.ISSUER))
    return found + [_asked(core, name, by_name.get((Side.ISSUER, name), []), frames) for name in asked]


def _gateway(one: Participant, links: list[LinkEnd], frames: Mapping[tuple[str, str, str], int]) -> Peer:
    able = sum(link.may_ask for link in links)
    health = Health.AWAY if not links else Health.UP if able == len(links) else Health.PART
    return Peer(
        one.id,
        one.name,
        Kind.GATEWAY,
        health,
        links=len(links),
        signed_on=able,
        wanted=0,
        heard=frames.get((Side.GATEWAY, one.id, "in"), 0),
        told=frames.get((Side.GATEWAY, one.id, "out"), 0),
        in_flight=sum(link.outstanding for link in links),
        owed=0,
        parked=0,
        circuits={},
        times=None,
    )


def _asked(core: Core, name: str, links: list[LinkEnd], frames: Mapping[tuple[str, str, str], int]) -> Peer:
    issuer = core.issuers[name]
    one = issuer.participant
    wanted = len(one.dialled) * one.links
    signed_on = len(issuer.links)
    circuits = Counter({state.value: 0 for state in State})
    circuits.update(link.circuit.state.value for link in links)
    return Peer(
        name,
        one.name,
        Kind.ISSUER if one.has(Role.ISSUER) else Kind.HOST,
        _health(signed_on, max(wanted, 1), circuits[State.CLOSED.value] == len(links)),
        links=len(links),
        signed_on=signed_on,
        wanted=wanted,
        heard=frames.get((Side.ISSUER, name, "in"), 0),
        told=frames.get((Side.ISSUER, name, "out"), 0),
        in_flight=len(issuer.pending),
        owed=len(issuer.saf),
        parked=sum(entry.parked for entry in issuer.saf.entries()),
        circuits=circuits,
        times=issuer.times,
    )


def _health(signed_on: int, wanted: int, is_well: bool) -> Health:
    if not signed_on:
        return Health.DOWN
    if not is_well:
        return Health.SICK
    return Health.UP if signed_on >= wanted else Health.PART
