"""A small HTTP client: one request on one connection, JSON or a form, an answer with a bound.

For webhooks and for our own shop, which talks to the store API as anybody's would. Built on h11, which
the HTTP server brings along. No redirects, no cookies, no pool: whoever needs those is a browser.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import h11
import trio

PATIENCE_S: Final = 20.0  # longer than the gateway's own patience with the switch
ANSWER_MAX: Final = 256 * 1024


class NoAnswerError(Exception):
    """Nobody there, or nothing that is HTTP. The text holds nothing that the peer wrote."""


@dataclass(frozen=True, slots=True)
class WebAnswer:
    """What came back."""

    status: int
    body: bytes


async def ask(
    method: str,
    url: str,
    *,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    trusting: ssl.SSLContext | None = None,
    patience_s: float = PATIENCE_S,
) -> WebAnswer:
    """One request; NoAnswerError where there is none in time. `trusting`: whose certificates count over https."""
    try:
        with trio.fail_after(patience_s):
            return await _asked(method, url, body, headers or {}, trusting)
    except trio.TooSlowError:
        raise NoAnswerError(f"no answer within {patience_s:g} s") from None
    except (OSError, trio.BrokenResourceError, h11.ProtocolError) as error:
        raise NoAnswerError(type(error).__name__) from None


async def _asked(
    method: str, url: str, body: bytes, headers: Mapping[str, str], trusting: ssl.SSLContext | None
) -> WebAnswer:
    where = urlsplit(url)
    is_tls = where.scheme == "https"
    host, port = where.hostname or "", where.port or (443 if is_tls else 80)
    stream: trio.abc.Stream = await trio.open_tcp_stream(host, port)
    if is_tls:
        context = trusting or ssl.create_default_context()
        stream = trio.SSLStream(stream, context, server_hostname=host, https_compatible=True)
    async with stream:
        talk = h11.Connection(h11.CLIENT)
        target = (where.path or "/") + (f"?{where.query}" if where.query else "")
        said = {"Host": where.netloc, "Content-Length": str(len(body)), "Connection": "close", **headers}
        out = talk.send(h11.Request(method=method, target=target, headers=list(said.items()))) or b""
        out += talk.send(h11.Data(data=body)) or b"" if body else b""
        await stream.send_all(out + (talk.send(h11.EndOfMessage()) or b""))
        return await _heard(talk, stream)


async def _heard(talk: h11.Connection, stream: trio.abc.Stream) -> WebAnswer:
    status, parts, size = 0, [], 0
    while True:
        event: Any = talk.next_event()
        if event is h11.NEED_DATA:
            talk.receive_data(bytes(await stream.receive_some(65536)))
        elif isinstance(event, h11.Response):
            status = event.status_code
        elif isinstance(event, h11.Data):
            parts.append(bytes(event.data))
            size += len(event.data)
            if size > ANSWER_MAX:
                raise NoAnswerError("the answer is larger than any answer needs to be")
        elif isinstance(event, h11.EndOfMessage):
            return WebAnswer(status, b"".join(parts))
        elif isinstance(event, h11.ConnectionClosed):
            raise NoAnswerError("the connection ended within the answer")
