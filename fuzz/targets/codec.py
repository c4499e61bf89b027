"""One target per dialect: any frame is a message that can be written again, or a FormatError that says where."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from fuzz.seeds import messages, spoiled
from fuzz.target import Target
from protocols import dialects
from protocols.dialect import Dialect
from protocols.dialects import dialect_named
from protocols.errors import FormatError
from switch.inspection import inspect_frame, message_document
from switch.replies import format_refusal


def one(dialect: Dialect, data: bytes) -> None:
    message_document(inspect_frame(dialect.name, data))
    try:
        message = dialect.decode(data)
    except FormatError as error:
        assert 0 <= error.offset <= max(len(data), 4)
        format_refusal(dialect, error)
        return
    values = dict(message.items())
    repr(message)
    for again in (message.patched({}), dialect.encode(message.mti, values)):
        assert dict(dialect.decode(again).items()) == values
    for _ in range(2):  # the third reading of a layout is a compiled one
        assert dict(dialect.decode(data).items()) == values


def seeds(dialect: Dialect) -> Iterator[bytes]:
    good = messages(dialect.name)
    yield from good
    for frame in good[:2]:
        yield from spoiled(frame)


TARGETS = tuple(
    Target(f"codec-{name}", partial(one, dialect_named(name)), partial(seeds, dialect_named(name)))
    for name in dialects.names()
)
