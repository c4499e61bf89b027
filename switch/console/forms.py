"""What a browser sends, read with bounds. Nothing is decided here."""

from __future__ import annotations

from contextlib import aclosing
from typing import Final
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request

FORM_MAX: Final = 4096
FIELDS_MAX: Final = 10


class FormError(Exception):
    """This is no form of ours."""


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form, each once; FormError for what is too long, or not text."""
    body = bytearray()
    async with aclosing(request.stream()) as chunks:
        async for chunk in chunks:
            body += chunk
            if len(body) > FORM_MAX:
                raise FormError
    try:
        fields = parse_qs(body.decode("ascii"), keep_blank_values=True, max_num_fields=FIELDS_MAX, errors="strict")
    except ValueError:
        raise FormError from None
    return {name: values[-1].strip() for name, values in fields.items()}


def is_from_elsewhere(headers: Headers, method: str) -> bool:
    """Whether the browser says that another page than ours asks for this. A link that is followed is no such thing.

    Another port of this machine is another origin, although cookies know no ports.

    >>> is_from_elsewhere(Headers({"host": "127.0.0.1:8580", "origin": "http://127.0.0.1:8591"}), "GET")
    True
    >>> is_from_elsewhere(Headers({"host": "127.0.0.1:8580", "sec-fetch-site": "same-site"}), "GET")
    True
    >>> followed = {"host": "127.0.0.1:8580", "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    >>> is_from_elsewhere(Headers(followed), "GET"), is_from_elsewhere(Headers(followed), "POST")
    (False, True)
    """
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != headers.get("host"):
        return True
    if headers.get("sec-fetch-site", "none") in ("none", "same-origin"):
        return False
    return method not in ("GET", "HEAD") or headers.get("sec-fetch-mode") != "navigate"
