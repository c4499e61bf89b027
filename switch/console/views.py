"""What the overview shows: the network as a drawing, its headline figures, its state in one sentence.

Pure: figures and rates in, values for a template out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from switch.circuit import State
from switch.console.figures import Figures, Health, Hsm, Kind, Peer
from switch.console.history import KEPT, History
from switch.ends import Side

BUSY: Final = (0.0, 1.0, 10.0, 100.0, 1000.0)  # a second: each step draws a thicker line

WORDS: Final = {
    Health.UP: "connected",
    Health.PART: "partly connected",
    Health.SICK: "not answering",
    Health.DOWN: "not connected",
    Health.AWAY: "not here",
}


@dataclass(frozen=True, slots=True)
class Box:
    """A peer in the drawing."""

    id: str
    name: str
    kind: str
    health: str
    words: str
    rate: str
    took: str
    in_flight: int
    owed: int
    parked: int
    links: str


@dataclass(frozen=True, slots=True)
class Wire:
    """From a box to the switch, in percents of the space between."""

    path: str
    health: str
    weight: int  # 0 nothing flows, up to 5
    is_owed: bool


@dataclass(frozen=True, slots=True)
class Drawing:
    """The network."""

    askers: tuple[Box, ...]
    asked: tuple[Box, ...]
    wires_in: tuple[Wire, ...]
    wires_out: tuple[Wire, ...]
    hsm: Hsm
    hsm_words: str


@dataclass(frozen=True, slots=True)
class Headline:
    """The figures on top."""

    per_second: str
    ended: str
    approved: str
    took: str
    in_flight: int
    owed: int
    parked: int
    curve: str  # of an SVG 120 wide and 32 high
    lane: str
    trouble: tuple[str, ...]


def drawing(now: Figures, history: History) -> Drawing:
    """Askers on the left, those who are asked on the right."""
    askers, asked = now.of_kind(Kind.GATEWAY), (*now.of_kind(Kind.ISSUER), *now.of_kind(Kind.HOST))
    return Drawing(
        tuple(box(one, history) for one in askers),
        tuple(box(one, history) for one in asked),
        wires(askers, history, towards_switch=True),
        wires(asked, history, towards_switch=False),
        now.hsm,
        WORDS[now.hsm.health],
    )


def side_of(peer: Peer) -> Side:
    return Side.GATEWAY if peer.kind is Kind.GATEWAY else Side.ISSUER


def box(peer: Peer, history: History) -> Box:
    """A peer with its figures in words."""
    took = history.took_s(peer.id) if peer.times is not None else None
    links = f"{peer.signed_on} of {peer.wanted} links" if peer.wanted else f"{peer.links} {plural(peer.links, 'link')}"
    words = WORDS[peer.health]
    if peer.health is Health.SICK:
        words = "on probation" if peer.circuits.get(State.HALF_OPEN.value) else "not fed: circuit open"
    return Box(
        peer.id,
        peer.name,
        peer.kind.value,
        peer.health.value,
        words,
        rate(history.rate(side_of(peer), peer.id)),
        duration(took),
        peer.in_flight,
        peer.owed,
        peer.parked,
        links,
    )


def wires(peers: Sequence[Peer], history: History, *, towards_switch: bool) -> tuple[Wire, ...]:
    """One line a peer, each from the middle of its box to the middle of the switch."""
    found = []
    for place, peer in enumerate(peers):
        y = round((place + 0.5) / len(peers) * 100, 2)
        path = f"M0 {y}C55 {y} 45 50 100 50" if towards_switch else f"M0 50C55 50 45 {y} 100 {y}"
        found.append(Wire(path, peer.health.value, weight(history.rate(side_of(peer), peer.id)), bool(peer.owed)))
    return tuple(found)


def weight(per_second: float) -> int:
    """How thick a line is.

    >>> weight(0.0), weight(0.4), weight(12.0), weight(5000.0)
    (0, 1, 3, 5)
    """
    return sum(per_second > step for step in BUSY)


def headline(now: Figures, history: History) -> Headline:
    """What one wants to know first."""
    answered = [took for peer in now.peers if peer.times is not None and (took := history.took_s(peer.id)) is not None]
    return Headline(
        per_second=rate(history.per_second),
        ended=f"{now.ended:,}",
        approved=f"{now.approved / now.ended:.1%}" if now.ended else "–",
        took=duration(max(answered, default=None)),
        in_flight=now.in_flight,
        owed=sum(peer.owed for peer in now.peers),
        parked=sum(peer.parked for peer in now.peers),
        curve=curve(history.curve()),
        lane=f"{now.in_lane / now.ended:.0%}" if now.ended else "–",
        trouble=tuple(trouble(now)),
    )


def trouble(now: Figures) -> list[str]:
    """What somebody should look at."""
    found = []
    for peer in now.peers:
        if peer.health is Health.DOWN:
            found.append(f"{peer.id} is not connected.")
        elif peer.health is Health.SICK:
            found.append(f"{peer.id} is connected and does not answer: its circuit is open.")
        if peer.parked:
            found.append(f"{peer.parked} {plural(peer.parked, 'message')} to {peer.id} wait for you.")
    if now.hsm.health is Health.DOWN:
        found.append("The HSM is not connected: PINs cannot be translated.")
    if now.journal.is_short_of_room:
        found.append("The journal's disk is nearly full: new requests are refused.")
    return found


def curve(rates: Sequence[float]) -> str:
    """The points of a line that fills its box from the right.

    >>> curve([0.0, 10.0, 5.0])
    '118,31 119,1 120,16'
    """
    if len(rates) < 2:
        return ""
    top = max(*rates, 1e-9)
    first = KEPT - len(rates)
    return " ".join(f"{first + place + 1},{round(31 - one / top * 30, 1):g}" for place, one in enumerate(rates))


def rate(per_second: float) -> str:
    """
    >>> rate(0.0), rate(0.25), rate(12.34), rate(4321.0)
    ('0', '0.2', '12', '4,321')
    """
    if per_second == 0:
        return "0"
    return f"{per_second:.1f}" if per_second < 10 else f"{per_second:,.0f}"


def duration(seconds: float | None) -> str:
    """
    >>> duration(None), duration(0.00052), duration(0.0123), duration(2.5)
    ('–', '0.5 ms', '12 ms', '2.5 s')
    """
    if seconds is None:
        return "–"
    if seconds >= 1:
        return f"{seconds:.1f} s"
    return f"{seconds * 1000:.1f} ms" if seconds < 0.01 else f"{seconds * 1000:.0f} ms"


def plural(count: int, word: str) -> str:
    return word if count == 1 else f"{word}s"


def size(count: float) -> str:
    """Bytes for people.

    >>> size(512), size(3 * 1024**3)
    ('512 bytes', '3.0 GiB')
    """
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


def age(seconds: float) -> str:
    """
    >>> age(4.2), age(200), age(7300), age(200_000)
    ('4 s', '3 min', '2 h', '2 d')
    """
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length or (unit == "h" and seconds >= length):
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"
