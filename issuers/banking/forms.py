"""What a browser sends, read with bounds. Nothing is decided here."""

from __future__ import annotations

from contextlib import aclosing
from urllib.parse import parse_qs, urlsplit

from starlette.requests import Request

FORM_MAX = 8 * 1024  # the longest of ours is a password and a line of text
FIELDS_MAX = 20


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


def is_from_elsewhere(request: Request) -> bool:
    """Whether the browser says that another site's page sent this."""
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != request.headers.get("host")


def inside(path: str | None) -> str:
    """A path of ours to go back to, whatever was asked for.

    >>> inside("/cards/x?y=1"), inside("https://elsewhere/"), inside("//elsewhere/"), inside(None)
    ('/cards/x?y=1', '/', '/', '/')
    """
    if path and path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable():
        return path
    return "/"
