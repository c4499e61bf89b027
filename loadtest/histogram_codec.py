"""HdrHistogram's V2 compressed form, read and written from sparse counts: what stands in an .hlog, in base 64.

Pure. The library takes 4 ms for a histogram of our range, because it walks all 23 552 buckets; a run of ten minutes has
thirty thousand histograms. This walks the buckets in use, and HdrHistogram's own readers take what it writes
(tests hold both against the library). Layout (HdrHistogram, V2 encoding): a cookie and a length; compressed by zlib,
a header of 40 bytes; then counts as ZigZag LEB128 numbers, a negative one standing for so many empty buckets.
"""

from __future__ import annotations

import binascii
import zlib
from base64 import b64decode, b64encode
from collections.abc import Mapping
from struct import Struct
from typing import Final

COMPRESSED_COOKIE: Final = 0x1C849304 | 0x10
COOKIE: Final = 0x1C849303 | 0x10
OUTER: Final = Struct(">II")  # cookie, length of what follows
INNER: Final = Struct(">IIIIQQd")  # cookie, length, index offset, digits, lowest, highest, conversion ratio
DECOMPRESSED_MOST: Final = 1 << 20  # five times all buckets with the longest numbers: beyond it somebody plays tricks
LEB_BYTES_MOST: Final = 9  # of a 64-bit number in HdrHistogram's variant: the ninth byte has eight bits
FAST: Final = 1  # of zlib: a histogram is small either way


def encoded(counts: Mapping[int, int], digits: int, lowest: int, highest: int) -> str:
    """Counts by bucket index, in HdrHistogram's form."""
    payload = bytearray()
    expected = 0
    for index in sorted(counts):
        if not counts[index]:
            continue
        if index > expected:
            _put(payload, expected - index)
        _put(payload, counts[index])
        expected = index + 1
    whole = INNER.pack(COOKIE, len(payload), 0, digits, lowest, highest, 1.0) + payload
    squeezed = zlib.compress(whole, FAST)
    return b64encode(OUTER.pack(COMPRESSED_COOKIE, len(squeezed)) + squeezed).decode("ascii")


def decoded(text: str, digits: int, lowest: int, highest: int, buckets: int) -> dict[int, int]:
    """The inverse. ValueError where it is something else, or a histogram of another range or precision."""
    payload = _payload(text, digits, lowest, highest)
    counts: dict[int, int] = {}
    at = index = 0
    while at < len(payload):
        number, at = _take(payload, at)
        if number > 0:
            counts[index] = number
            index += 1
        else:
            index += -number if number else 1
        if index > buckets:
            raise ValueError("more buckets than the range has")
    return counts


def _payload(text: str, digits: int, lowest: int, highest: int) -> bytes:
    try:
        data = b64decode(text, validate=True)
        cookie, length = OUTER.unpack_from(data)
        squeezed = data[OUTER.size :]
        opened = zlib.decompressobj()
        whole = opened.decompress(squeezed, DECOMPRESSED_MOST)
        inner = INNER.unpack_from(whole)
    except (binascii.Error, zlib.error, OverflowError) as error:
        raise ValueError(f"not an encoded histogram: {type(error).__name__}") from None
    except Exception as error:  # struct.error is no subclass of anything narrower
        raise ValueError(f"not an encoded histogram: {type(error).__name__}") from None
    if cookie != COMPRESSED_COOKIE or length != len(squeezed) or not opened.eof or inner[0] != COOKIE:
        raise ValueError("not an encoded histogram: its header says something else")
    if inner[3:6] != (digits, lowest, highest):
        raise ValueError("a histogram of another range or precision")
    payload = whole[INNER.size :]
    if inner[1] != len(payload) or inner[2] != 0:
        raise ValueError("not an encoded histogram: its length is another")
    return payload


def _put(payload: bytearray, number: int) -> None:
    """A number as ZigZag LEB128.

    >>> payload = bytearray()
    >>> _put(payload, 1), _put(payload, -3), _put(payload, 300), payload.hex()
    (None, None, None, '0205d804')
    """
    zigzag = (number << 1) ^ (number >> 63)
    for _ in range(LEB_BYTES_MOST - 1):
        if zigzag < 0x80:
            break
        payload.append(zigzag & 0x7F | 0x80)
        zigzag >>= 7
    payload.append(zigzag)


def _take(payload: bytes, at: int) -> tuple[int, int]:
    """The number at an offset, and the offset behind it."""
    zigzag = shift = 0
    for number in range(LEB_BYTES_MOST):
        if at >= len(payload):
            raise ValueError("an encoded histogram that is cut short")
        byte = payload[at]
        at += 1
        if number == LEB_BYTES_MOST - 1:
            zigzag |= byte << shift
            break
        zigzag |= (byte & 0x7F) << shift
        if byte < 0x80:
            break
        shift += 7
    return (zigzag >> 1) ^ -(zigzag & 1), at
