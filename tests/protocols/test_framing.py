"""Any cut of the stream gives the same frames, and what is no frame is refused by name."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.framing import FRAME_MAX, Framing, framing_named
from protocols.framings import names

framings = st.sampled_from([framing_named(name) for name in names()])
frames_lists = st.lists(st.binary(min_size=1, max_size=300), max_size=8)
LEN2 = framing_named("len2")


def slices(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[begin:end] for begin, end in pairwise(edges)]


def outcome(framing: Framing, pieces: list[bytes]) -> tuple[list[bytes], bool]:
    """All the frames of a stream, and whether it broke."""
    framer, frames = framing.framer(), list[bytes]()
    for piece in pieces:
        try:
            frames += framer.feed(piece)
        except RemoteProtocolError:
            break
    return frames, framer.broken is not None


@given(framings, frames_lists, st.lists(st.integers(0, 5000)))
def test_any_cut_gives_the_same_frames(framing: Framing, frames: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(map(framing.pack, frames))
    assert outcome(framing, slices(stream, cuts)) == (frames, False)


@given(framings, st.binary(max_size=200), st.lists(st.integers(0, 200)), st.booleans())
def test_any_cut_of_garbage_gives_the_same_frames_and_the_same_end(
    framing: Framing, garbage: bytes, cuts: list[int], keep_alive: bool
) -> None:
    framing = framing_named(framing.name, keep_alive=keep_alive)
    assert outcome(framing, slices(garbage, cuts)) == outcome(framing, [garbage])


def test_fifty_frames_in_one_segment_are_fifty_frames() -> None:
    frames = [b"0800%d" % number for number in range(50)]
    assert LEN2.framer().feed(b"".join(map(LEN2.pack, frames))) == frames


def test_one_byte_at_a_time() -> None:
    framer = LEN2.framer()
    stream = LEN2.pack(b"0800") + LEN2.pack(b"0810")
    assert [framer.feed(bytes([byte])) for byte in stream][5] == [b"0800"]
    assert framer.waiting == 0


def test_what_waits_for_its_rest_is_counted() -> None:
    framer = LEN2.framer()
    framer.feed(LEN2.pack(b"0800") + b"\x00\x04081")
    assert framer.waiting == 5


def test_a_length_of_zero_breaks_the_stream() -> None:
    framer = LEN2.framer()
    with pytest.raises(RemoteProtocolError, match="a length of 0"):
        framer.feed(b"\x00\x00")


def test_a_length_of_zero_is_a_sign_of_life_where_agreed() -> None:
    framer = framing_named("len2", keep_alive=True).framer()
    assert framer.feed(b"\x00\x00" + LEN2.pack(b"0800") + b"\x00\x00\x00") == [b"0800"]
    assert framer.feed(b"\x00") == []
    assert framer.waiting == 0


def test_the_longest_frame_passes_and_the_next_longer_does_not() -> None:
    longest = b"0" * FRAME_MAX
    assert LEN2.framer().feed(LEN2.pack(longest)) == [longest]
    with pytest.raises(RemoteProtocolError, match="8193"):
        LEN2.framer().feed((FRAME_MAX + 1).to_bytes(2, "big"))


def test_other_messages_than_card_messages_may_be_longer() -> None:
    framing = framing_named("len2", longest=FRAME_MAX + 1)
    frame = b"0" * (FRAME_MAX + 1)
    assert framing.framer().feed(framing.pack(frame)) == [frame]
    with pytest.raises(RemoteProtocolError, match="8194"):
        framing.framer().feed((FRAME_MAX + 2).to_bytes(2, "big"))


@pytest.mark.parametrize("frame", [b"", b"0" * (FRAME_MAX + 1)])
def test_we_send_no_frame_that_nobody_may_read(frame: bytes) -> None:
    with pytest.raises(LocalProtocolError):
        LEN2.pack(frame)


def test_whole_frames_before_the_break_are_given_out_and_then_it_stays_broken() -> None:
    framer = LEN2.framer()
    assert framer.feed(LEN2.pack(b"0800") + b"\x00\x00") == [b"0800"]
    assert framer.broken is not None
    for _ in range(2):
        with pytest.raises(RemoteProtocolError):
            framer.feed(LEN2.pack(b"0800"))


STRANGERS = {
    "TLS": bytes.fromhex("16030100c8010000c40303"),
    "HTTP": b"GET / HTTP/1.1\r\nHost: switch\r\n\r\n",
    "SSH": b"SSH-2.0-OpenSSH_9.7\r\n",
}


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize(("stranger", "opening"), STRANGERS.items())
def test_a_stranger_is_called_by_name(name: str, stranger: str, opening: bytes) -> None:
    with pytest.raises(RemoteProtocolError) as raised:
        framing_named(name).framer().feed(opening)
    assert raised.value.reason == f"not ISO 8583: {stranger}"


def test_a_stranger_is_recognised_byte_by_byte() -> None:
    framer = LEN2.framer()
    framer.feed(b"\x16")
    framer.feed(b"\x03")
    with pytest.raises(RemoteProtocolError, match="TLS"):
        framer.feed(b"\x01")


def test_a_frame_as_long_as_a_tls_record_looks_passes_later_in_the_stream() -> None:
    framer = LEN2.framer()
    framer.feed(LEN2.pack(b"0800"))
    frame = b"\x01" + b"0" * (0x1603 - 1)
    assert framer.feed(LEN2.pack(frame)) == [frame]


def test_a_framing_nobody_made_is_our_mistake() -> None:
    with pytest.raises(LocalProtocolError):
        framing_named("len3")
