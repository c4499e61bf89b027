"""Traffic played through a core, so that the codec writes the functions it would write when real traffic came.

A purchase of every usual shape, in every dialect of the 1987 edition, asked and approved often enough for
its layouts to be kept, then once more at another second. What the codec wrote is collected; nothing is sent or stored.
A shape that is not here costs nothing but speed: its functions are written and interpreted as ever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from random import Random
from typing import Any, Final

from protocols import elements as de
from protocols.border import spoken_with
from protocols.codec import quick
from protocols.dialects import dialect_named, names
from protocols.elements import element_named
from protocols.participant import Participant
from protocols.translation import V1987
from switch.configuration import Configuration, configure
from switch.core import Core
from switch.ends import Side
from switch.instant import Instant

Source = tuple[str, frozenset[str]]  # of a function, and the names that it uses

NOW: Final = Instant(1000.0, 1_795_000_000.0)  # 18 November 2026
HOT: Final = frozenset(
    {"enter", "fill"}
)  # the functions of the lane; compiling all others takes minutes and buys little
TIMES: Final = 8  # more than the codec wants to see of a layout, and a few by the lane

#: What all purchases carry; `None` below takes an element away.
PURCHASE: Final[Mapping[str, str | None]] = {
    "pan": "4111111111111111",
    "processing_code": "000000",
    "amount": "000000010000",
    "transmitted_at": "1118110640",
    "stan": "000001",
    "local_time": "140640",
    "local_date": "1118",
    "expiry": "2912",
    "merchant_type": "5732",
    "acquirer_country": "784",
    "pos_entry_mode": "812",
    "pos_condition_code": "59",
    "acquirer_id": "784001",
    "rrn": "632211000001",
    "terminal_id": "LAB00001",
    "card_acceptor_id": "LABORATORY00001",
    "card_acceptor_name": "EXAMPLE BOOKS            DUBAI        AE",
    "currency": "784",
}
INTERNET: Final = {"private_data": "4202059203123"}
CHIP: Final = {
    "pos_entry_mode": "051",
    "pos_condition_code": "00",
    "icc_data": "9F2608A1B2C3D4E5F607189F2701809F3602004195050000008000",
}
TRACK: Final = {"track_2": "4111111111111111=29122010000000000000", "pos_entry_mode": "051", "pos_condition_code": "00"}
PIN: Final = {"pin_block": "3B7F01A29C55D8E4"}
SPARE: Final = {"acquirer_country": None, "card_acceptor_name": None}

#: The shapes in which purchases come: on the internet, with a chip, with a chip and its track, at one's simplest.
SHAPES: Final[tuple[Mapping[str, str | None], ...]] = (
    *(INTERNET, {}, SPARE, {**SPARE, **INTERNET}, CHIP, {**CHIP, **INTERNET}, {**CHIP, **PIN}),
    *({**CHIP, **INTERNET, **PIN}, {**CHIP, **TRACK}, {**CHIP, **TRACK, **PIN}, {**CHIP, **SPARE}),
)


def rehearsed() -> set[Source]:
    """The functions that these purchases made the codec write."""
    network = configure()
    with collected() as written:
        for name in (name for name in names() if dialect_named(name).version == V1987):
            for shape in SHAPES:
                for mti in ("0100", "0200"):
                    play(network, name, mti, {**PURCHASE, **shape})
    return written


def play(network: Configuration, dialect: str, mti: str, purchase: Mapping[str, str | None]) -> None:
    """Some purchases of this shape, each approved."""
    lab = network.participants["lab"].model_copy(update={"dialect": dialect})
    bank = network.participants["sandbox"].model_copy(update={"dialect": dialect})
    core = Core(network, Random(1))
    spoken = spoken_with(lab, lambda: date(2026, 11, 18), trusted=True)
    open_link(core, 1, Side.ISSUER, bank)
    greeting = spoken.decode(core.take_sends()[1].frames[0])
    core.received(1, [greeting.answered({de.RESPONSE_CODE: "00"})], NOW)
    open_link(core, 2, Side.GATEWAY, lab)
    values = {element_named(name).number: value for name, value in purchase.items() if value is not None}
    for number in range(1, TIMES + 1):
        core.received(2, [spoken.encode(mti, values | {de.STAN: f"{number:06d}"})], NOW)
        for request in committed(core).get(1, ()):
            answer = spoken.decode(request).answered({de.APPROVAL_CODE: "A1B2C3", de.RESPONSE_CODE: "00"})
            core.received(1, [answer], NOW)
        committed(core)


def open_link(core: Core, number: int, side: Side, participant: Participant) -> None:
    core.opened(number, side, participant, NOW)


def committed(core: Core) -> dict[int, list[bytes]]:
    """What leaves once everything is on disk, by connection."""
    while (batch := core.take_batch()) is not None:
        core.durable(batch.epoch, NOW)
    core.take_events()
    return {number: sends.frames for number, sends in core.take_sends().items()}


@contextmanager
def collected() -> Iterator[set[Source]]:
    """The sources that the codec writes meanwhile."""
    written: set[Source] = set()
    write = quick._compiled

    def noted(name: str, lines: list[str], names: dict[str, Any]) -> Callable[..., Any]:
        if name in HOT:
            written.add(("\n".join(lines), frozenset(names)))
        return write(name, lines, names)

    quick._compiled = noted
    try:
        yield written
    finally:
        quick._compiled = write
