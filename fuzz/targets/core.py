"""The switch itself: one frame of any bytes to a fresh core, from a gateway or from an issuer, in every dialect.

A fresh core each time, so that a crash is replayed by its bytes alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from fuzz.seeds import messages, spoiled
from fuzz.target import Target
from protocols import dialects
from tests.switch.desk import Desk


def from_a_gateway(dialect: str, data: bytes) -> None:
    desk = Desk()
    desk.issuer()
    gateway = desk.gateway(dialect=dialect)
    desk.core.received(gateway, [data], desk.now)
    finish(desk)


def from_an_issuer(dialect: str, data: bytes) -> None:
    """An answer nobody can have written, while a request is out."""
    desk = Desk()
    issuer, gateway = desk.issuer(dialect=dialect), desk.gateway()
    desk.asks(gateway)
    desk.core.received(issuer, [data], desk.now)
    finish(desk)


def finish(desk: Desk) -> None:
    """Carry everything out, as far as it goes: the other ends are not there to hear."""
    desk.core.take_events()
    for _ in range(3):
        desk.core.take_sends()
        if (batch := desk.core.take_batch()) is not None:
            desk.core.durable(batch.epoch, desk.now)


def seeds(dialect: str) -> Iterator[bytes]:
    good = messages(dialect)
    yield from good
    yield from spoiled(good[0])


TARGETS = tuple(
    Target(f"core-{side}-{name}", partial(one, name), partial(seeds, name))
    for name in dialects.names()
    for side, one in (("gateway", from_a_gateway), ("issuer", from_an_issuer))
)
