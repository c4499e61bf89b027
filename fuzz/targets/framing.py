"""One target per framing: a stream of any bytes, cut anywhere, gives the same frames and keeps no more than one."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

from fuzz.seeds import messages
from fuzz.target import Target
from protocols import framings
from protocols.errors import RemoteProtocolError
from protocols.framing import Framer, Framing, framing_named

CUTS = 7  # the stream is cut into so many pieces and must not be told apart from the whole


def one(framing: Framing, data: bytes) -> None:
    whole, cut = framing.framer(), framing.framer()
    at = sorted({len(data) * part // CUTS for part in range(CUTS + 1)})
    frames = fed(whole, data)
    assert frames == [frame for begin, end in pairwise(at) for frame in fed(cut, data[begin:end])]
    assert (whole.broken is None) == (cut.broken is None)
    assert all(0 < len(frame) <= framing.longest for frame in frames)
    assert whole.waiting <= framing.longest + framing.width
    for frame in frames:
        framing.pack(frame)


def fed(framer: Framer, data: bytes) -> list[bytes]:
    try:
        return framer.feed(data)
    except RemoteProtocolError:
        return []


def seeds(framing: Framing) -> list[bytes]:
    frames = [frame for frame in messages("iso87_ascii") if len(frame) > framing.header_length]
    return [framing.pack(frames[0]), b"".join(map(framing.pack, frames)), framing.pack(frames[0])[:-1]]


TARGETS = tuple(
    Target(f"framing-{name}", partial(one, framing_named(name)), partial(seeds, framing_named(name)))
    for name in (*framings.names(),)
)
