"""What a person pastes into `inspect`: hex, text, captures with headers, or none of these."""

from __future__ import annotations

from collections.abc import Iterator

from fuzz.seeds import messages, spoiled
from fuzz.target import Target
from protocols import dialects
from switch.inspection import document, inspect_given, meant


def one(data: bytes) -> None:
    document(inspect_given(meant(data)))


def seeds() -> Iterator[bytes]:
    for name in dialects.names():
        frame = messages(name)[0]
        yield frame
        yield frame.hex(" ").encode()
        yield len(frame).to_bytes(2, "big") + frame
        yield from spoiled(frame)[:4]


TARGETS = (Target("reading-inspection", one, seeds),)
