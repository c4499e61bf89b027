"""Where answers of HTTP/1.1 end: bytes in, one record for each whole answer out.

A record is the three digits of the status, `K` where the connection is kept and `C` where it is closed after this, and
the body. Lengths are by Content-Length or by chunks (RFC 9112, 6); an answer that has neither ends with its connection
and is not taken. Everything has a bound, because a peer writes these bytes. Pure.
"""

from __future__ import annotations

import re
from typing import Final

from protocols.errors import RemoteProtocolError

HEAD_MAX: Final = 64 * 1024
BODY_MAX: Final = 4 * 1024 * 1024
KEPT, CLOSED = b"K", b"C"
_STATUS: Final = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: [^\r\n]*)?")
_SIZE: Final = re.compile(rb"[0-9A-Fa-f]{1,8}")
_WITHOUT_BODY: Final = (b"204", b"304")


class HttpFraming:
    """As much of a framing as a line needs: each connection cuts its own answers."""

    def framer(self) -> HttpFramer:
        return HttpFramer()


class HttpFramer:
    """One connection's answers, in the order of its requests.

    >>> framer = HttpFramer()
    >>> framer.feed(b"HTTP/1.1 201 Created" + bytes((13, 10)) + b"Content-Length: 2"), framer.feed(bytes((13, 10)) * 2)
    ([], [])
    >>> framer.feed(b"{}")
    [b'201K{}']
    """

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """The answers that are whole now. RemoteProtocolError where it is no HTTP."""
        self._data += data
        found = []
        while (record := self._one()) is not None:
            if record:
                found.append(record)
        return found

    def _one(self) -> bytes | None:
        """A record; empty for an interim answer (1xx); None: there is more to come."""
        data = self._data
        end = data.find(b"\r\n\r\n")
        if end < 0:
            if len(data) > HEAD_MAX:
                raise RemoteProtocolError("http.head")
            return None
        first, *lines = bytes(data[:end]).split(b"\r\n")
        status = _STATUS.fullmatch(first)
        if status is None:
            raise RemoteProtocolError("http.status")
        headers = dict(_header(line) for line in lines)
        taken = self._body(end + 4, status[1], headers)
        if taken is None:
            return None
        body, at = taken
        del data[:at]
        if status[1] < b"200":
            return b""
        is_closed = headers.get(b"connection", b"").lower() == b"close"
        return status[1] + (CLOSED if is_closed else KEPT) + body

    def _body(self, at: int, status: bytes, headers: dict[bytes, bytes]) -> tuple[bytes, int] | None:
        """The body, and where the next answer begins."""
        if status < b"200" or status in _WITHOUT_BODY:
            return b"", at
        if headers.get(b"transfer-encoding", b"").lower() == b"chunked":
            return self._chunks(at)
        length = headers.get(b"content-length", b"")
        if not length.isdigit() or int(length[:10]) > BODY_MAX:
            raise RemoteProtocolError("http.length")
        end = at + int(length)
        return (bytes(self._data[at:end]), end) if len(self._data) >= end else None

    def _chunks(self, at: int) -> tuple[bytes, int] | None:
        data, body = self._data, bytearray()
        while (end := data.find(b"\r\n", at)) >= 0:
            said = bytes(data[at:end]).partition(b";")[0].strip()
            if not _SIZE.fullmatch(said) or len(body) + int(said, 16) > BODY_MAX:
                raise RemoteProtocolError("http.chunk")
            size, begin = int(said, 16), end + 2
            if size == 0:  # trailers, if any, and an empty line
                last = (
                    data.find(b"\r\n", begin) if data[begin : begin + 2] == b"\r\n" else data.find(b"\r\n\r\n", begin)
                )
                width = 2 if last == begin else 4
                return (bytes(body), last + width) if last >= 0 else None
            if len(data) < begin + size + 2:
                return None
            if data[begin + size : begin + size + 2] != b"\r\n":
                raise RemoteProtocolError("http.chunk")
            body += data[begin : begin + size]
            at = begin + size + 2
        if len(data) - at > HEAD_MAX:
            raise RemoteProtocolError("http.chunk")
        return None


def _header(line: bytes) -> tuple[bytes, bytes]:
    name, colon, value = line.partition(b":")
    if not colon:
        raise RemoteProtocolError("http.header")
    return name.strip().lower(), value.strip()
