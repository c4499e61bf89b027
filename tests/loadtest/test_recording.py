"""What was recorded elsewhere: captures of every kind, JSON lines, and nothing secret left of either."""

import json
from contextlib import suppress
from ipaddress import ip_address
from itertools import pairwise
from random import Random
from struct import pack
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtest.capture import CaptureError, Packet, conversations, packets, segment_of
from loadtest.recording import RecordingError, from_capture, from_lines
from protocols.dialects import dialect_named
from protocols.framing import framing_named

CLIENT, SERVER = ("10.0.0.1", 40001), ("10.0.0.2", 8583)


def tcp(data: bytes, sequence: int, *, back: bool = False, syn: bool = False) -> bytes:
    """A TCP segment in an IPv4 packet."""
    (source, from_port), (destination, to_port) = (SERVER, CLIENT) if back else (CLIENT, SERVER)
    segment = (
        pack(">HHIIHHHH", from_port, to_port, sequence % 2**32, 0, 0x5000 | (2 if syn else 0x18), 1000, 0, 0) + data
    )
    addresses = ip_address(source).packed + ip_address(destination).packed
    return pack(">BBHHHBBH", 0x45, 0, 20 + len(segment), 0, 0, 64, 6, 0) + addresses + segment


def pcap(parts: list[tuple[float, bytes]], *, order: str = "<", nano: bool = False, link_type: int = 101) -> bytes:
    magic = 0xA1B23C4D if nano else 0xA1B2C3D4
    whole = pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, link_type)
    for at_s, data in parts:
        fraction = round((at_s % 1) * (1e9 if nano else 1e6))
        whole += pack(order + "IIII", int(at_s), fraction, len(data), len(data)) + data
    return whole


def pcapng(parts: list[tuple[float, bytes]], *, order: str = "<", link_type: int = 101) -> bytes:
    def block(kind: int, body: bytes) -> bytes:
        body += b"\0" * (-len(body) % 4)
        return pack(order + "II", kind, len(body) + 12) + body + pack(order + "I", len(body) + 12)

    whole = block(0x0A0D0D0A, pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))
    whole += block(1, pack(order + "HHI", link_type, 0, 0) + pack(order + "HHBxxxHH", 9, 1, 9, 0, 0))
    for at_s, data in parts:
        ticks = round(at_s * 1e9)
        whole += block(6, pack(order + "IIIII", 0, ticks >> 32, ticks & 0xFFFFFFFF, len(data), len(data)) + data)
    return whole


def link(kind: int, packet: bytes) -> bytes:
    """The packet as a capture of that kind of link has it."""
    return {
        1: b"\0" * 12 + b"\x81\x00\0\x05" + b"\x08\x00" + packet,  # Ethernet with a VLAN tag
        113: b"\0" * 14 + b"\x08\x00" + packet,
        276: b"\x08\x00" + b"\0" * 18 + packet,
        0: b"\x02\0\0\0" + packet,
        101: packet,
    }[kind]


ASCII, LEN2 = dialect_named("iso87_ascii"), framing_named("len2")
REQUEST = {
    2: "5555444433332222",
    3: "000000",
    4: "000000001000",
    7: "1124081530",
    11: "000001",
    35: "5555444433332222=2912",
}


def framed(stan: int, mti: str = "0100") -> bytes:
    return LEN2.pack(ASCII.encode(mti, {**REQUEST, 11: f"{stan:06d}", 41: "TERM0001", 52: "0123456789ABCDEF"}))


@pytest.mark.parametrize("kind", [0, 1, 101, 113, 276])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("write", [pcap, pcapng])
def test_a_capture_of_any_kind_gives_the_messages_and_their_times(write: object, order: str, kind: int) -> None:
    parts = [
        (1000.25, link(kind, tcp(b"", 99, syn=True))),
        (1000.5, link(kind, tcp(framed(1), 100))),
        (1001.5, link(kind, tcp(framed(2), 100 + len(framed(1))))),
    ]
    recording = from_capture(write(parts, order=order, link_type=kind), ASCII, LEN2, 8583)  # type: ignore[operator]
    assert [(one.mti, one.elements[11]) for one in recording.messages] == [("0100", "000001"), ("0100", "000002")]
    assert [one.at_s for one in recording.messages] == pytest.approx([1000.5, 1001.5])


@given(st.integers(1, 12), st.integers(0, 2**32 - 1), st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_segments_in_any_order_repeated_and_cut_anywhere_give_the_same_bytes(
    pieces: int, first: int, random: Random
) -> None:
    stream = b"".join(framed(number) for number in range(1, 5))
    cuts = sorted({0, len(stream), *(random.randrange(len(stream)) for _ in range(pieces))})
    segments = [(first + 1 + a, stream[a:b]) for a, b in pairwise(cuts)]
    shuffled = segments + random.sample(segments, len(segments) // 2)
    random.shuffle(shuffled)
    captured = [Packet(0.0, 101, tcp(b"", first, syn=True)), *(Packet(1.0, 101, tcp(d, s)) for s, d in shuffled)]
    assert b"".join(said.data for said in conversations(captured)) == stream


def test_other_ports_and_other_protocols_are_passed_over() -> None:
    udp = bytearray(tcp(framed(1), 1))
    udp[9] = 17
    parts = [(1.0, bytes(udp)), (1.0, b""), (1.0, b"\x45"), (2.0, tcp(framed(2), 1))]
    assert len(from_capture(pcap(parts), ASCII, LEN2, 8583).messages) == 1
    assert not from_capture(pcap(parts), ASCII, LEN2, 9999).messages


def test_fragments_are_not_taken_for_messages() -> None:
    fragment = bytearray(tcp(framed(1), 1))
    fragment[6] = 0x20  # more fragments
    assert segment_of(Packet(0.0, 101, bytes(fragment))) is None


@given(st.binary(max_size=300), st.sampled_from([b"", pcap([]), pcapng([]), pcapng([])[:28]]))
def test_any_bytes_are_a_capture_or_an_error_of_ours(noise: bytes, head: bytes) -> None:
    with suppress(CaptureError):
        for _ in conversations(packets(head + noise)):
            pass


@given(st.binary(max_size=120), st.sampled_from([0, 1, 101, 113, 276, 147]))
def test_any_packet_is_a_segment_or_nothing(noise: bytes, kind: int) -> None:
    segment_of(Packet(0.0, kind, noise))


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_damaged_capture_never_does_worse_than_an_error(place: int, change: int) -> None:
    for write in (pcap, pcapng):
        whole = bytearray(write([(1.0, tcp(framed(1), 1)), (2.0, tcp(framed(2), 1 + len(framed(1))))]))
        whole[place % len(whole)] ^= change
        with suppress(CaptureError):
            from_capture(bytes(whole), ASCII, LEN2, 8583)


def test_nothing_secret_is_left_of_a_capture() -> None:
    recording = from_capture(pcap([(1.0, tcp(framed(1), 1))]), ASCII, LEN2, 8583)
    (message,) = recording.messages
    assert message.card == 0
    assert 2 not in message.elements
    assert 35 not in message.elements
    assert 52 not in message.elements
    assert recording.dropped == {35: 1, 52: 1}
    assert "5555444433332222" not in repr(recording)


# --- JSON lines


def line(**changes: object) -> str:
    return json.dumps(
        {"at": 1000.5, "mti": "0100", "card": "tok-1", "elements": {"3": "000000", "11": "000001"}} | changes
    )


def test_lines_are_read_with_either_kind_of_time_and_put_in_order() -> None:
    recording = from_lines([line(at="1970-01-01T00:20:00Z"), "", line(at=1000.5, card="tok-2")])
    assert [one.at_s for one in recording.messages] == [1000.5, 1200.0]
    assert [one.card for one in recording.messages] == [1, 0]
    assert recording.cards == 2


@pytest.mark.parametrize(
    "text",
    [
        "not json",
        "[]",
        "{}",
        line(mti="9999"),
        line(mti=100),
        line(at="2026-11-24T00:00:00"),
        line(at=True),
        line(at=-1),
        line(card=7),
        line(elements={"4": "ten"}),
        line(elements={"1": "x"}),
        line(elements={"3": 0}),
        line(elements={"37": "x" * 13}),
        "9" * 70_000,
    ],
)
def test_a_line_that_is_none_is_named_by_its_number_and_not_shown(text: str) -> None:
    with pytest.raises(RecordingError) as raised:
        from_lines([line(), text])
    assert str(raised.value).startswith("line 2: ")
    assert "ten" not in str(raised.value).split()


@given(st.text(max_size=200))
def test_any_line_is_read_or_refused(text: str) -> None:
    with suppress(RecordingError):
        from_lines(text.splitlines())


def test_a_card_number_in_a_line_is_only_counted() -> None:
    pan = "9784100000000019"
    recording = from_lines([line(card=None, elements={"2": pan}), line(card=None, elements={"2": pan})])
    assert [one.card for one in recording.messages] == [0, 0]
    assert pan not in repr(recording)
    assert str(crc32(pan.encode())) not in repr(recording)
