"""Reading captures: pcap and pcapng files into packets, packets into what each side of each connection said.

Pure: bytes in, values out; nothing is trusted and every length is checked. Understood are Ethernet (with VLAN tags),
Linux cooked captures of both kinds, raw IP and BSD loopback; IPv4 and IPv6; TCP. Anything else in a capture is passed
over. Fragments of IP are passed over too: card messages are shorter than a packet, and half of one is no message.

Sources: pcap and pcapng by draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng, link types by tcpdump.org's list.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from ipaddress import ip_address
from struct import Struct, error
from typing import Final

PACKET_MOST: Final = 1 << 20  # of a packet: no interface has a longer one
GAP_MOST: Final = 1 << 20  # bytes that are waited for before a hole in a stream is given up

PCAP_MAGICS: Final = {  # as the first four bytes are -> byte order, fractions of a second
    bytes.fromhex("a1b2c3d4"): (">", 1e-6),
    bytes.fromhex("d4c3b2a1"): ("<", 1e-6),
    bytes.fromhex("a1b23c4d"): (">", 1e-9),
    bytes.fromhex("4d3cb2a1"): ("<", 1e-9),
}
SECTION, INTERFACE, SIMPLE, ENHANCED = 0x0A0D0D0A, 1, 3, 6  # blocks of pcapng
BYTE_ORDER: Final = {b"\x1a\x2b\x3c\x4d": ">", b"\x4d\x3c\x2b\x1a": "<"}
NULL, ETHERNET, RAW, LOOP, COOKED, COOKED_2 = 0, 1, 101, 108, 113, 276
RAW_TOO: Final = (12, 14, RAW, 228, 229)  # raw IP has had several numbers
IPV4, IPV6, VLANS = 0x0800, 0x86DD, (0x8100, 0x88A8)
TCP: Final = 6
EXTENSIONS: Final = (0, 43, 60)  # of IPv6: hop by hop, routing, destination


class CaptureError(ValueError):
    """Not a capture, or one that is damaged. The text has an offset and never a byte of the content."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One captured packet: when (seconds since 1970), on what kind of link, and its bytes."""

    at_s: float
    link_type: int
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Segment:
    """One TCP segment with something in it, or a beginning or end."""

    at_s: float
    source: tuple[str, int]
    destination: tuple[str, int]
    sequence: int
    data: bytes = field(repr=False)
    begins: bool = False


@dataclass(frozen=True, slots=True)
class Said:
    """Bytes that one side said, in order, and when the last of them was seen. `broken`: something before is missing."""

    at_s: float
    source: tuple[str, int]
    destination: tuple[str, int]
    data: bytes = field(repr=False)
    broken: bool = False


def packets(data: bytes) -> Iterator[Packet]:
    """The packets of a capture of either format. CaptureError where it is none, or where it breaks."""
    if data[:4] in PCAP_MAGICS:
        yield from _pcap(data)
    elif len(data) >= 4 and int.from_bytes(data[:4], "big") == SECTION:
        yield from _pcapng(data)
    else:
        raise CaptureError("neither a pcap nor a pcapng file")


def conversations(captured: Iterable[Packet], port: int | None = None) -> Iterator[Said]:
    """What each side said, in the order of its sequence numbers; of one port only, where one is named."""
    streams: dict[tuple[tuple[str, int], tuple[str, int]], _Stream] = {}
    for packet in captured:
        segment = segment_of(packet)
        if segment is None or port not in (None, segment.source[1], segment.destination[1]):
            continue
        way = segment.source, segment.destination
        if segment.begins or way not in streams:
            streams[way] = _Stream(segment.sequence + segment.begins)
        yield from streams[way].take(segment)


# --- files


def _pcap(data: bytes) -> Iterator[Packet]:
    order, fraction = PCAP_MAGICS[data[:4]]
    head, record = Struct(order + "IHHiIII"), Struct(order + "IIII")
    if len(data) < head.size:
        raise CaptureError("a pcap file that ends in its header")
    link_type = head.unpack_from(data)[6] & 0x0FFFFFFF  # the highest bits are about checksums
    at = head.size
    while at < len(data):
        if at + record.size > len(data):
            raise CaptureError(f"the file ends in a packet's header, at {at}")
        seconds, parts, length, _ = record.unpack_from(data, at)
        at += record.size
        if length > PACKET_MOST or at + length > len(data):
            raise CaptureError(f"a packet of {length} bytes at {at}, and the file ends before")
        yield Packet(seconds + parts * fraction, link_type, data[at : at + length])
        at += length


def _pcapng(data: bytes) -> Iterator[Packet]:
    order, interfaces, at = "<", list[tuple[int, float, int]](), 0
    while at < len(data):
        if at + 12 > len(data):
            raise CaptureError(f"the file ends in a block's header, at {at}")
        if int.from_bytes(data[at : at + 4], "big") == SECTION:  # reads the same in both byte orders
            found = BYTE_ORDER.get(data[at + 8 : at + 12])
            if found is None:
                raise CaptureError(f"a section without a byte order, at {at}")
            order, interfaces = found, []
        kind, length = Struct(order + "II").unpack_from(data, at)
        if length < 12 or length % 4 or at + length > len(data):
            raise CaptureError(f"a block of {length} bytes at {at}")
        if Struct(order + "I").unpack_from(data, at + length - 4)[0] != length:
            raise CaptureError(f"a block whose two lengths differ, at {at}")
        body = data[at + 8 : at + length - 4]
        try:
            if kind == INTERFACE:
                interfaces.append(_interface(body, order))
            elif kind == ENHANCED:
                yield _enhanced(body, order, interfaces)
        except (error, IndexError):
            raise CaptureError(f"a block that is too short, at {at}") from None
        at += length


def _interface(body: bytes, order: str) -> tuple[int, float, int]:
    """Link type, seconds a tick, and an offset in seconds."""
    link_type, _, _ = Struct(order + "HHI").unpack_from(body)
    tick, offset, at = 1e-6, 0, 8
    while at + 4 <= len(body):
        code, length = Struct(order + "HH").unpack_from(body, at)
        value = body[at + 4 : at + 4 + length]
        if code == 0:
            break
        if code == 9 and length == 1:  # if_tsresol: a power of ten, or of two with the highest bit
            tick = 2.0 ** -(value[0] & 0x7F) if value[0] & 0x80 else 10.0 ** -value[0]
        elif code == 14 and length == 8:  # if_tsoffset
            offset = Struct(order + "q").unpack(value)[0]
        at += 4 + (length + 3) // 4 * 4
    return link_type, tick, offset


def _enhanced(body: bytes, order: str, interfaces: list[tuple[int, float, int]]) -> Packet:
    number, high, low, length, _ = Struct(order + "IIIII").unpack_from(body)
    link_type, tick, offset = interfaces[number]
    if length > PACKET_MOST or 20 + length > len(body):
        raise CaptureError(f"a packet of {length} bytes in a block of {len(body)}")
    return Packet(((high << 32) | low) * tick + offset, link_type, body[20 : 20 + length])


# --- packets


def segment_of(packet: Packet) -> Segment | None:
    """The TCP segment in a packet, if there is a whole one."""
    found = _network(packet.link_type, packet.data)
    if found is None:
        return None
    kind, data = found
    inner = _ipv4(data) if kind == IPV4 else _ipv6(data)
    if inner is None:
        return None
    source, destination, payload = inner
    if len(payload) < 20:
        return None
    from_port, to_port, sequence, _, flags = Struct(">HHIIH").unpack_from(payload)
    begin = (flags >> 12) * 4
    if not 20 <= begin <= len(payload):
        return None
    content = payload[begin:]
    begins = bool(flags & 0x02)
    if not content and not begins:
        return None
    return Segment(packet.at_s, (source, from_port), (destination, to_port), sequence, content, begins)


def _network(link_type: int, data: bytes) -> tuple[int, bytes] | None:
    """The kind of the network's packet and the packet."""
    if link_type in RAW_TOO:
        return _by_version(data)
    if link_type in (NULL, LOOP):
        return _by_version(data[4:])
    start = {ETHERNET: 12, COOKED: 14, COOKED_2: 0}.get(link_type)
    if start is None or len(data) < start + 2:
        return None
    kind = int.from_bytes(data[start : start + 2], "big")
    at = 20 if link_type == COOKED_2 else start + 2
    while kind in VLANS and len(data) >= at + 4:
        kind, at = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
    return (kind, data[at:]) if kind in (IPV4, IPV6) else None


def _by_version(data: bytes) -> tuple[int, bytes] | None:
    kind = {4: IPV4, 6: IPV6}.get(data[0] >> 4) if data else None
    return (kind, data) if kind else None


def _ipv4(data: bytes) -> tuple[str, str, bytes] | None:
    if len(data) < 20 or data[0] >> 4 != 4 or data[9] != TCP:
        return None
    begin, length = (data[0] & 15) * 4, int.from_bytes(data[2:4], "big")
    is_fragment = int.from_bytes(data[6:8], "big") & 0x3FFF
    if begin < 20 or is_fragment or length > len(data) or (length and length < begin):
        return None
    end = length or len(data)  # 0: left to the card that sent it, so the capture has none
    return str(ip_address(data[12:16])), str(ip_address(data[16:20])), data[begin:end]


def _ipv6(data: bytes) -> tuple[str, str, bytes] | None:
    if len(data) < 40 or data[0] >> 4 != 6:
        return None
    following, at = data[6], 40
    length = int.from_bytes(data[4:6], "big")
    if 40 + length > len(data):
        return None
    end = 40 + length if length else len(data)
    while following in EXTENSIONS:
        if at + 2 > end:
            return None
        following, at = data[at], at + 8 + data[at + 1] * 8
    if following != TCP or at > end:
        return None
    return str(ip_address(data[8:24])), str(ip_address(data[24:40])), data[at:end]


class _Stream:
    """One direction of one connection: segments in any order in, bytes in order out, each once."""

    def __init__(self, first: int) -> None:
        self._next = first % 2**32
        self._early: dict[int, bytes] = {}

    def take(self, segment: Segment) -> Iterator[Said]:
        if not segment.data:
            return
        at = (segment.sequence + segment.begins) % 2**32
        ahead = self._ahead(at)
        if ahead > 0:
            if len(segment.data) > len(self._early.get(at, b"")):
                self._early[at] = segment.data
            if sum(map(len, self._early.values())) > GAP_MOST:
                yield from self._skip(segment)
            return
        yield from self._now(segment, segment.data[-ahead:] if ahead else segment.data, broken=False)

    def _ahead(self, at: int) -> int:
        """How far a sequence number is ahead of what is expected; numbers go round."""
        return (at - self._next + 2**31) % 2**32 - 2**31

    def _now(self, segment: Segment, data: bytes, *, broken: bool) -> Iterator[Said]:
        """What is new of this, and of what came early and fits now."""
        whole = bytearray(data)
        self._next = (self._next + len(data)) % 2**32
        while fitting := [at for at in self._early if self._ahead(at) <= 0]:
            for at in sorted(fitting, key=self._ahead):
                early = self._early.pop(at)
                fresh = early[-self._ahead(at) :] if self._ahead(at) else early
                whole += fresh
                self._next = (self._next + len(fresh)) % 2**32
        if whole:
            yield Said(segment.at_s, segment.source, segment.destination, bytes(whole), broken)

    def _skip(self, segment: Segment) -> Iterator[Said]:
        """The hole will not be filled: go on behind it."""
        self._next = min(self._early, key=self._ahead)
        yield from self._now(segment, b"", broken=True)
