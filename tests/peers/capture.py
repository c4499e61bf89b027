"""A capture file (pcap) of messages on one TCP connection, for tools that nobody here wrote.

Standard library only, like the client beside it: a packet is an IPv4 and a TCP header and one message with its
2-byte length. Times are made up; checksums are left out, as they are on a loopback interface.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

PORT = 8583
GATEWAY, SWITCH = (b"\x7f\x00\x00\x02", 40000), (b"\x7f\x00\x00\x01", PORT)

MAGIC, LINK_IPV4, LONGEST = 0xA1B2C3D4, 228, 262_144  # IETF draft-ietf-opsawg-pcap; 228: bare IPv4
ACK_AND_PUSH = 0x18


def capture(messages: Iterable[tuple[bool, bytes]]) -> bytes:
    """The file. A message is (whether the gateway sends it, its bytes without a length)."""
    out = [struct.pack("<IHHiIII", MAGIC, 2, 4, 0, 0, LONGEST, LINK_IPV4)]
    sent = {True: 1, False: 1}
    for number, (from_gateway, message) in enumerate(messages):
        data = len(message).to_bytes(2, "big") + message
        source, target = (GATEWAY, SWITCH) if from_gateway else (SWITCH, GATEWAY)
        tcp = struct.pack(
            ">HHIIBBHHH",
            *(source[1], target[1], sent[from_gateway], sent[not from_gateway], 0x50, ACK_AND_PUSH, 0xFFFF, 0, 0),
        )
        ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp) + len(data), number, 0, 64, 6, 0, source[0], target[0])
        packet = ip + tcp + data
        out += [struct.pack("<IIII", 1_795_000_000 + number, 0, len(packet), len(packet)), packet]
        sent[from_gateway] += len(data)
    return b"".join(out)
