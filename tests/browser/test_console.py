"""The switch's console in a real browser, on a whole network: what passes on the wire shows by itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from switch.console.token import address
from tests.network import RunningNetwork, Till, issuer, running_network

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.timeout(180)  # ten processes and a browser

CREDIT = "9414200000000015"
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
PAGES = ("/", "/transactions", "/owed", "/stand-in", "/participants", "/products", "/journal")


@pytest.fixture(scope="module")
def network() -> Iterator[RunningNetwork]:
    with running_network() as running:
        yield running


@pytest.fixture(scope="module")
def till(network: RunningNetwork) -> Iterator[Till]:
    with network.till("nbk") as till:
        yield till


def buys(till: Till, amount: str) -> str:
    """In Souk Al-Watani, over the whole network."""
    shop = {"merchant": "SOUKWATANI00001", "channel": "ecommerce", "currency": "KWD"}
    code: str = till.ask("purchase", pan=CREDIT, expiry="2912", amount=amount, **shop)["response_code"]
    return code


@contextmanager
def inside(browser: Browser, network: RunningNetwork, **look: Any) -> Iterator[Page]:
    """A fresh browser that opened the address printed at the start; whatever a page complains about fails the test."""
    opened = address(network.place.state, "127.0.0.1", network.ports["console"])
    assert opened is not None
    base = f"http://127.0.0.1:{network.ports['console']}"
    with browser.new_context(base_url=base, **{"viewport": DESKTOP, **look}) as context:
        page = context.new_page()
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        page.goto(opened)
        yield page
        assert complaints == []


def test_a_payment_appears_by_itself_and_is_told_leg_by_leg(
    browser: Browser, network: RunningNetwork, till: Till
) -> None:
    with inside(browser, network) as page:
        page.wait_for_selector("#issuer-nbk.up")
        assert "3.141 KWD" not in page.inner_text("main")
        assert buys(till, "3.141") == "00"
        page.wait_for_selector(".lines :text('3.141 KWD')", timeout=15_000)
        page.click(".lines a:has-text('3.141 KWD')")
        assert page.inner_text("h1") == "Purchase of 3.141 KWD"
        assert page.locator(".leg").count() == 4
        page.click(".leg summary >> nth=0")
        assert "941420******0015" in page.inner_text(".elements >> nth=0")
        assert "token" not in page.url


def test_a_bank_that_is_lost_is_seen_and_what_it_is_owed_can_be_parked(
    browser: Browser, network: RunningNetwork, till: Till
) -> None:
    with inside(browser, network) as page:
        network.kill(issuer("nbk"))
        page.wait_for_selector("#issuer-nbk.down", timeout=15_000)
        assert buys(till, "2.718") == "00"  # stood in for
        page.wait_for_selector("#issuer-nbk .due", timeout=15_000)
        page.goto("/owed")
        page.click("button:has-text('Park')")
        page.wait_for_selector(".notice.good:has-text('left alone')")
        page.click("button:has-text('Send now')")
        page.wait_for_selector(".notice.good:has-text('sent again')")
        network.start(issuer("nbk"))
        page.goto("/")
        page.wait_for_selector("#issuer-nbk.up", timeout=30_000)


def test_everything_can_be_read_without_a_script(browser: Browser, network: RunningNetwork, till: Till) -> None:
    assert buys(till, "1.618") == "00"
    with inside(browser, network, java_script_enabled=False) as page:
        for path in PAGES:
            page.goto(path)
            assert page.locator("main").inner_text().strip()
        page.goto("/transactions")
        page.click(".lines a:has-text('1.618 KWD')")
        assert page.locator(".leg").count() == 4


@pytest.mark.parametrize("look", [{"viewport": PHONE}, {"color_scheme": "dark"}], ids=["phone", "dark"])
def test_pages_fit_the_screen_and_keep_their_contrast(
    browser: Browser, network: RunningNetwork, look: dict[str, Any]
) -> None:
    with inside(browser, network, **look) as page:
        for path in PAGES:
            page.goto(path)
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
            colours = page.evaluate(
                "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
            )
            ink, ground = (brightness(colour) for colour in colours)
            assert abs(ink - ground) > 150


def brightness(colour: str) -> float:
    """Of `rgb(r, g, b)`."""
    return sum(map(int, re.findall(r"\d+", colour)[:3])) / 3
