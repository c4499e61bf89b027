"""Any cut of the stream gives the same frames, and what is no frame is refused by name."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.framing import FRAME_MAX, Framing, framing_named
from protocols.framings import names
from protocols.recognition import bitmap_behind_type, framing_that_fits

EVERY = [framing_named(name) for name in names()]
every_framing = pytest.mark.parametrize("framing", EVERY, ids=names())
framings = st.sampled_from(EVERY)
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


@given(framings, frames_lists)
def test_frames_packed_together_are_frames_packed_one_by_one(framing: Framing, frames: list[bytes]) -> None:
    assert framing.pack_all(frames) == b"".join(map(framing.pack, frames))


@every_framing
def test_fifty_frames_in_one_segment_are_fifty_frames(framing: Framing) -> None:
    frames = [b"0800%d" % number for number in range(50)]
    assert framing.framer().feed(framing.pack_all(frames)) == frames


@every_framing
def test_one_byte_at_a_time(framing: Framing) -> None:
    framer = framing.framer()
    first = framing.pack(b"0800")
    stream = first + framing.pack(b"0810")
    assert [framer.feed(bytes([byte])) for byte in stream][len(first) - 1] == [b"0800"]
    assert framer.waiting == 0


def test_what_waits_for_its_rest_is_counted() -> None:
    framer = LEN2.framer()
    framer.feed(LEN2.pack(b"0800") + b"\x00\x04081")
    assert framer.waiting == 5


ON_THE_WIRE = {
    "len2": bytes.fromhex("0004"),
    "len2_incl": bytes.fromhex("0006"),
    "len4": bytes.fromhex("00000004"),
    "len4_incl": bytes.fromhex("00000008"),
    "len4_ascii": b"0004",
    "len4_ascii_incl": b"0008",
    "len2_bcd": bytes.fromhex("0004"),
    "len2_bcd_incl": bytes.fromhex("0006"),
    "hex4": b"0004",
    "tpdu": bytes.fromhex("0004"),
    "header(12)": bytes.fromhex("0004"),
    "header(22)": bytes.fromhex("0004"),
}
TWO_HUNDRED_AND_SIXTY_ONE = {
    "len2": bytes.fromhex("0105"),
    "len4": bytes.fromhex("00000105"),
    "len4_ascii": b"0261",
    "len4_ascii_incl": b"0265",
    "len2_bcd": bytes.fromhex("0261"),
    "len2_bcd_incl": bytes.fromhex("0263"),
    "hex4": b"0105",
}


def test_every_framing_has_its_line_here() -> None:
    assert set(names()) == set(ON_THE_WIRE)


@pytest.mark.parametrize(("name", "header"), ON_THE_WIRE.items())
def test_four_bytes_look_like_this(name: str, header: bytes) -> None:
    assert framing_named(name).pack(b"0800") == header + b"0800"


@pytest.mark.parametrize(("name", "header"), TWO_HUNDRED_AND_SIXTY_ONE.items())
def test_a_longer_length_looks_like_this(name: str, header: bytes) -> None:
    assert framing_named(name).pack(b"0" * 261) == header + b"0" * 261


@every_framing
def test_a_length_of_zero_breaks_the_stream(framing: Framing) -> None:
    with pytest.raises(RemoteProtocolError, match="a length of 0"):
        framing.framer().feed(framing.write(0))


@pytest.mark.parametrize("name", names())
def test_a_length_of_zero_is_a_sign_of_life_where_agreed(name: str) -> None:
    framing = framing_named(name, keep_alive=True)
    framer, nothing = framing.framer(), framing.write(0)
    assert framer.feed(nothing + framing.pack(b"0800") + nothing + nothing[:1]) == [b"0800"]
    assert framer.feed(nothing[1:]) == []
    assert (framer.waiting, framer.signs_of_life) == (0, 3)


@pytest.mark.parametrize(("name", "zero"), [("len2_incl", bytes(2)), ("len4_ascii_incl", b"0000")])
def test_a_plain_zero_is_a_sign_of_life_too_where_lengths_count_themselves(name: str, zero: bytes) -> None:
    assert framing_named(name, keep_alive=True).framer().feed(zero) == []
    with pytest.raises(RemoteProtocolError, match="a length of 0"):
        framing_named(name).framer().feed(zero)


@pytest.mark.parametrize(("name", "header"), [("len2_incl", b"\x00\x01"), ("len4_ascii_incl", b"0003")])
def test_a_length_that_does_not_even_count_itself_breaks_the_stream(name: str, header: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match="a length of -1"):
        framing_named(name, keep_alive=True).framer().feed(header)


NO_NUMBERS = {
    "len4_ascii": (
        b"00A0",
        b"+100",
        b" 100",
        b"1_00",
        b"-001",
        b"100 ",
        b"0x10",
        "１２".encode("utf-16-le"),
        b"\xb2\xb2\xb2\xb2",
    ),
    "len4_ascii_incl": (b"00A0", b"+100", b" 100", b"1_00", b"-001"),
    "hex4": (b"00G0", b"+100", b" 100", b"1_00", b"-001", b"0x10", b"10\n "),
    "len2_bcd": (b"\x0a\x00", b"\xa0\x00", b"\x00\xf1", b"\x00\x1f", b"\xff\xff"),
    "len2_bcd_incl": (b"\x0a\x00", b"\x00\xf1"),
}


@pytest.mark.parametrize(("name", "header"), [(name, header) for name, many in NO_NUMBERS.items() for header in many])
def test_a_length_that_is_not_a_number_breaks_the_stream(name: str, header: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match=f"a length of {name} that is not a number"):
        framing_named(name).framer().feed(header + b"0" * 300)


def test_hexadecimal_digits_may_be_of_either_case() -> None:
    assert framing_named("hex4").framer().feed(b"000a0123456789" + b"000A9876543210") == [b"0123456789", b"9876543210"]


@every_framing
def test_the_longest_frame_passes_and_the_next_longer_does_not(framing: Framing) -> None:
    longest = b"0" * FRAME_MAX
    assert framing.framer().feed(framing.pack(longest)) == [longest]
    with pytest.raises(RemoteProtocolError, match="8193"):
        framing.framer().feed(framing.write(FRAME_MAX + 1))


@pytest.mark.parametrize(("name", "longest"), [("len2", 0xFFFF), ("len4_ascii_incl", 9995), ("len2_bcd", 9999)])
def test_a_framing_is_not_asked_for_more_than_it_has_digits_for(name: str, longest: int) -> None:
    framing = framing_named(name, longest=longest)
    assert framing.framer().feed(framing.pack(bytes(longest))) == [bytes(longest)]
    with pytest.raises(LocalProtocolError, match="cannot say"):
        framing_named(name, longest=longest + 1)


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
    with pytest.raises(LocalProtocolError):
        LEN2.pack_all([b"0800", frame])


@pytest.mark.parametrize(
    ("name", "length"), [("len2", 0), ("hex4", 0), ("tpdu", 5), ("header(7)", 7), ("header(22)", 22)]
)
def test_what_comes_before_the_message_type_stays_in_the_frame(name: str, length: int) -> None:
    framing = framing_named(name)
    assert framing.header_length == length
    frame = bytes(range(1, length + 1)) + b"0800"
    assert framing.framer().feed(framing.pack(frame)) == [frame]


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


@every_framing
@pytest.mark.parametrize(("stranger", "opening"), STRANGERS.items())
def test_a_stranger_is_called_by_name(framing: Framing, stranger: str, opening: bytes) -> None:
    with pytest.raises(RemoteProtocolError) as raised:
        framing.framer().feed(opening)
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


@pytest.mark.parametrize(
    "name", ["len3", "LEN2", "header", "header()", "header(0)", "header(022)", "header(100)", "len2(2)"]
)
def test_a_framing_nobody_made_is_our_mistake(name: str) -> None:
    with pytest.raises(LocalProtocolError, match=r"there are .*header\(n\)"):
        framing_named(name)


# --- what would have fitted


ECHO = b"0800822000000000000004000000000000001123205144000001301"
SPELLED = {
    "ASCII, hex bitmap": ECHO,
    "ASCII, binary bitmap": b"0800" + bytes.fromhex("82200000000000000400000000000000") + b"1123205144000001301",
    "BCD": bytes.fromhex("0800822000000000000004000000000000001123205144000001") + b"\x03\x01",
    "EBCDIC": "0800".encode("cp500")
    + bytes.fromhex("82200000000000000400000000000000")
    + "1123205144000001301".encode("cp500"),
}
spelled = pytest.mark.parametrize("message", SPELLED.values(), ids=SPELLED)


def header_of(framing: Framing) -> bytes:
    """What may come in front of a message: a TPDU, a scheme's header, or nothing."""
    opening = b"\x60\x00\x01\x00\x02" if framing.name == "tpdu" else bytes((framing.header_length, 1, 2, 0))
    return opening.ljust(framing.header_length, b"\x00")[: framing.header_length]


@every_framing
@spelled
@pytest.mark.parametrize("count", [1, 3])
def test_the_framing_that_fits_is_found(framing: Framing, message: bytes, count: int) -> None:
    stream = framing.pack_all([header_of(framing) + message] * count)
    assert framing_that_fits(stream, EVERY)[0] == framing.name


@every_framing
@spelled
def test_half_of_the_next_message_does_not_hide_it(framing: Framing, message: bytes) -> None:
    packed = framing.pack(header_of(framing) + message)
    assert framing_that_fits(packed * 2 + packed[: len(packed) // 2], EVERY)[0] == framing.name


@given(st.binary(max_size=200))
def test_only_what_has_a_message_type_fits(garbage: bytes) -> None:
    for name in framing_that_fits(garbage, EVERY):
        framing = framing_named(name)
        assert bitmap_behind_type(garbage[framing.width + framing.header_length :])


@pytest.mark.parametrize(
    "data", [b"", b"\x00", ECHO, b"GET / HTTP/1.1\r\n\r\n", bytes(4000), b"\xff" * 4000, b"0" * 4000]
)
def test_where_nothing_fits_nothing_is_said(data: bytes) -> None:
    assert framing_that_fits(data, EVERY) == []


def reason_for(framing: Framing, stream: bytes) -> str:
    """What is said of a peer that sends this and then no more."""
    framer = framing.framer()
    try:
        framer.feed(stream)
    except RemoteProtocolError as error:
        return error.reason
    return framer.broken.reason if framer.broken else f"waiting for {framer.waiting}{framer.advice()}"


@every_framing
@pytest.mark.parametrize("spoken", EVERY, ids=names())
def test_a_peer_with_another_framing_is_told_which_it_seems_to_have(framing: Framing, spoken: Framing) -> None:
    """Where the lengths are alike there is no fault here: then it is the message that does not read."""
    stream = spoken.pack(header_of(spoken) + ECHO)
    is_cut_alike = framing.framer().feed(stream) if framing.read(stream, 0) == spoken.read(stream, 0) else None
    if not is_cut_alike:
        assert reason_for(framing, stream).endswith(f"; it looks like {spoken.name}")


@every_framing
def test_a_peer_with_the_right_framing_is_told_nothing(framing: Framing) -> None:
    stream = framing.pack(header_of(framing) + ECHO)
    assert "looks like" not in reason_for(framing, stream[:-1])
    assert "looks like" not in reason_for(framing, stream * 2 + framing.write(FRAME_MAX + 1))


def test_the_advice_repeats_no_byte() -> None:
    reason = reason_for(LEN2, framing_named("len4_ascii").pack(b"0100" + b"4111111111111111" * 4))
    assert reason == "a frame of 12336 bytes, more than 8192; it looks like len4_ascii"
