"""A browser without a screen: cookies, pages, and forms filled in as they stand on the page.

Enough to do in online banking what a holder does, on the wire. It waits; run it in a thread. What it may meet is in
`BrowsingError`, without what was typed.
"""

from __future__ import annotations

from collections.abc import Mapping
from html.parser import HTMLParser
from http.client import HTTPException
from http.cookiejar import CookieJar
from urllib.error import URLError
from urllib.parse import urlencode, urljoin
from urllib.request import HTTPCookieProcessor, ProxyHandler, build_opener

ANSWER_WITHIN_S = 10.0
PAGE_MAX = 1024 * 1024  # our longest is a statement of 200 payments, a tenth of this


class BrowsingError(Exception):
    """The page is not there, or not as expected."""


class Browser:
    """One visitor of one site."""

    def __init__(self, address: str) -> None:
        self._opener = build_opener(HTTPCookieProcessor(CookieJar()), ProxyHandler({}))
        self._opener.addheaders = [("Accept-Language", "en")]
        self.at = address
        self.page = ""

    def visit(self, path: str) -> None:
        """Go to a page, and where it leads."""
        self._ask(urljoin(self.at, path), None)

    def send(self, action: str, **typed: str) -> None:
        """Fill in the form that goes to `action`, hidden fields as they are, and send it."""
        found = forms(self.page).get(action)
        if found is None:
            raise BrowsingError(f"there is no form {action} on {self.at}")
        self._ask(urljoin(self.at, action), urlencode({**found, **typed}).encode())

    def link(self, text: str) -> str:
        """Where the link leads that has this text in it."""
        found = next((to for to, shown in _read(self.page).links if text in shown), None)
        if found is None:
            raise BrowsingError(f"there is no link {text} on {self.at}")
        return found

    def _ask(self, url: str, body: bytes | None) -> None:
        try:
            with self._opener.open(url, body, timeout=ANSWER_WITHIN_S) as answer:
                self.at, self.page = answer.url, answer.read(PAGE_MAX).decode()
        except (URLError, HTTPException, OSError, UnicodeDecodeError) as error:
            raise BrowsingError(f"{url}: {getattr(error, 'reason', error)}") from None


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: dict[str, dict[str, str]] = {}
        self.links: list[tuple[str, str]] = []
        self._form: dict[str, str] | None = None
        self._to: str | None = None
        self._shown: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = self.forms.setdefault(said.get("action", ""), {})
        elif tag == "input" and self._form is not None and _is_sent(said):
            self._form[said["name"]] = said.get("value", "")
        elif tag == "a":
            self._to, self._shown = said.get("href"), []

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "a" and self._to is not None:
            self.links.append((self._to, " ".join(self._shown)))
            self._to = None

    def handle_data(self, data: str) -> None:
        self._shown.append(data.strip())


def _is_sent(field: Mapping[str, str]) -> bool:
    return "name" in field and (field.get("type") != "radio" or "checked" in field)


def _read(page: str) -> _Reader:
    reader = _Reader()
    reader.feed(page)
    return reader


def forms(page: str) -> Mapping[str, Mapping[str, str]]:
    """The forms of a page: where each goes, and what it says before anybody has typed.

    >>> forms('<form action="/a"><input name="x" value="1"><input type="radio" name="y" value="2"></form>')
    {'/a': {'x': '1'}}
    """
    return _read(page).forms
