"""What one frame may cost, counted and not timed: lines of Python run, bytes held, entries kept.

A peer writes the frame, so the worst frame counts. Work may grow with the length of the input
and no faster; what is remembered of strangers has a number.
"""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import pairwise
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols import dialects, framings, subelements, tlv
from protocols.dialects import dialect_named
from protocols.elements import ELEMENTS
from protocols.errors import ProtocolError
from protocols.framing import FRAME_MAX, framing_named
from protocols.hsm import read_request
from protocols.mti import MESSAGE_TYPES
from protocols.tlv import Tlv
from switch.inspection import inspect_given, meant

LINES_A_FRAME = 6_000  # 128 elements, read carefully element by element, each some tens of lines
LINES_A_BYTE = 40
MEMORY_AT_REST = 64 * 1024  # a layout of 128 elements
MEMORY_A_BYTE = 4
STRANGERS = 8 * 1024 * 1024  # all layouts on trial that a codec keeps, and what making them takes

Parse = Callable[[bytes], object]


def lines_run(work: Callable[[], object]) -> int:
    """How many lines of our own code run."""
    count = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        if "/protocols/" not in frame.f_code.co_filename and not frame.f_code.co_filename.startswith("<"):
            return None
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        with suppress(ProtocolError):
            work()
    finally:
        sys.settrace(before)
    return count


def peak(work: Callable[[], object]) -> int:
    """The most memory held on the way, beyond what was held before."""
    tracemalloc.start()
    try:
        with suppress(ProtocolError):
            work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def hostile(dialect: str) -> Iterator[bytes]:
    """Long frames that promise everything: every element, the longest lengths, one kind of byte."""
    spoken = dialect_named(dialect)
    head = spoken.encode(f"{spoken.version}100", {11: "000001"})[:-6]
    for filling in (b"0", b"9", b"\x00", b"\xff", b"\xf0", b"\xf9", b"\x99", b"F"):
        for bitmap in (b"\xff" * 16, b"F" * 32, b"\x7f" + b"\xff" * 7, b"7" + b"F" * 15):
            yield (head[:4] + bitmap + filling * FRAME_MAX)[:FRAME_MAX]
            yield (head[:2] + bitmap + filling * FRAME_MAX)[:FRAME_MAX]
            yield (head + filling * FRAME_MAX)[:FRAME_MAX]


@pytest.mark.parametrize("dialect", dialects.names())
def test_no_frame_costs_more_than_its_elements(dialect: str) -> None:
    decode = dialect_named(dialect).decode
    for frame in hostile(dialect):
        assert lines_run(lambda frame=frame: decode(frame)) < LINES_A_FRAME  # type: ignore[misc]


@pytest.mark.parametrize("dialect", dialects.names())
def test_no_frame_takes_more_memory_than_a_few_times_its_length(dialect: str) -> None:
    decode = dialect_named(dialect).decode
    for frame in hostile(dialect):
        assert peak(lambda frame=frame: decode(frame)) < MEMORY_AT_REST + MEMORY_A_BYTE * len(frame)  # type: ignore[misc]


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(dialects.names()), st.sampled_from(sorted(MESSAGE_TYPES)), st.binary(max_size=400))
def test_no_bytes_behind_a_good_type_cost_more_either(dialect: str, mti: str, data: bytes) -> None:
    spoken = dialect_named(dialect)
    head = spoken.encode(spoken.version + mti[1:], {11: "000001"})[:4]
    assert lines_run(lambda: spoken.decode(head + data)) < LINES_A_FRAME


@pytest.mark.parametrize("dialect", dialects.names())
def test_a_stranger_with_ever_new_bitmaps_fills_no_table(dialect: str) -> None:
    """A layout is kept per message type and bitmap; the bound holds whatever is sent, and our own stay quick."""
    spoken = dialect_named(dialect)
    spoken.decode(ours := spoken.encode(f"{spoken.version}800", {7: "1123205144", 11: "000001", 70: "301"}))
    read: set[bytes] = set()

    def strange() -> None:
        for number in range(600):
            chosen = [element for at, element in enumerate((3, 11, 41, 49)) if (number % 15 + 1) >> at & 1]
            values = {element: "0" * ELEMENTS[element].length for element in chosen}
            with suppress(ProtocolError):
                message = spoken.decode(spoken.encode(f"{spoken.version}{number:03d}", values))
                read.add(message.frame[:4] + message.bitmap_key)

    strange()
    assert len(read) > 500
    assert peak(strange) < STRANGERS
    assert spoken.decode(ours).get(70) == "301"


@pytest.mark.parametrize("name", framings.names())
def test_a_stream_costs_by_its_frames_and_not_by_its_cuts(name: str) -> None:
    framing = framing_named(name)
    packed = framing.pack(b"0" * 200)

    def whole() -> None:
        framing.framer().feed(packed * 100)

    def byte_by_byte() -> None:
        framer = framing.framer()
        for at in range(len(packed) * 10):
            framer.feed((packed * 10)[at : at + 1])

    assert lines_run(whole) < 100 * 60 + 200
    assert lines_run(byte_by_byte) < len(packed) * 10 * LINES_A_BYTE


@pytest.mark.parametrize("name", framings.names())
def test_a_reader_of_frames_holds_no_more_than_one(name: str) -> None:
    framing = framing_named(name)
    for data in (
        b"\x1f\xff" * 2**15,
        b"8191" * 2**14,
        b"1FFF" * 2**14,
        b"\x81\x91" * 2**15,
        framing.pack(b"0" * 999) * 99,
    ):
        framer = framing.framer()
        with suppress(ProtocolError):
            for at in range(0, len(data), 1000):
                framer.feed(data[at : at + 1000])
                assert framer.waiting <= framing.longest + framing.width


# --- what grows with its input grows no faster

FAMILIES: dict[str, tuple[Parse, Callable[[int], bytes]]] = {
    "subelements": (
        lambda data: subelements.parse(data.decode()),
        lambda n: b"".join(b"%02d0100" % (at % 100) for at in range(n)),
    ),
    "subelements of one id": (lambda data: subelements.parse(data.decode()), lambda n: b"4200" * n),
    "subelements that are none": (lambda data: subelements.shown(data.decode()), lambda n: b"9" * 4 * n),
    "objects side by side": (tlv.parse, lambda n: b"\x71\x00" * n),
    "objects in objects": (tlv.parse, lambda n: tlv.pack(nested(n))),
    "a tag without an end": (tlv.parse, lambda n: b"\x9f" + b"\xff" * 4 * n),
    "a length without an end": (tlv.parse, lambda n: b"\x9f\x26\xff" + b"\xff" * 4 * n),
    "a host command": (read_request, lambda n: b"0001CA" + b"9" * 4 * n),
    "something pasted": (lambda data: inspect_given(meant(data)), lambda n: b"0100" * n),
}


def nested(count: int) -> list[Tlv]:
    """As deep as it may be, and as many of them."""
    one = Tlv("9F26", b"\x00" * 4)
    for _ in range(6):
        one = Tlv("71", parts=(one,))
    return [one] * (count // 8)


@pytest.mark.parametrize("family", FAMILIES)
def test_twice_as_much_costs_at_most_twice_as_much(family: str) -> None:
    parse, made = FAMILIES[family]
    costs = [lines_run(lambda n=n: parse(made(n))) for n in (64, 128, 256)]  # type: ignore[misc]
    for less, more in pairwise(costs):
        assert more < 2.2 * less + 200, costs


def test_a_quadratic_parser_would_be_noticed() -> None:
    """The count counts: a planted fault, in a file that looks like one of ours."""
    source = "def parse(data):\n    for at in range(len(data)):\n        for one in data[at:]:\n            pass\n"
    planted: dict[str, Any] = {}
    exec(compile(source, "/protocols/planted.py", "exec"), planted)
    costs = [lines_run(lambda n=n: planted["parse"](b"0" * n)) for n in (64, 128)]  # type: ignore[misc]
    assert costs[1] > 3 * costs[0]
