"""Online banking in a real browser, on a whole network: what is clicked is felt by the next payment on the wire."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.network import RunningNetwork, Till, running_network

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


FATMAS_100, FATMAS_200 = "9414100000000017", "9414100000000025"
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def network() -> Iterator[RunningNetwork]:
    with running_network() as running:
        yield running


@pytest.fixture(scope="module")
def till(network: RunningNetwork) -> Iterator[Till]:
    with network.till("nbk") as till:
        yield till


def buys(till: Till, pan: str, amount: str) -> tuple[str, str | None]:
    """In Souk Al-Watani, over the whole network: response code and reason."""
    shop = {"merchant": "SOUKWATANI00001", "channel": "ecommerce", "currency": "KWD"}
    answer = till.ask("purchase", pan=pan, expiry="2912", amount=amount, **shop)
    return answer["response_code"], answer.get("reason")


@contextmanager
def visiting(browser: Browser, network: RunningNetwork, **look: Any) -> Iterator[Page]:
    """A fresh browser at the bank's door; whatever a page complains about fails the test."""
    address = f"http://127.0.0.1:{network.ports['banking']}"
    with browser.new_context(base_url=address, **{"viewport": DESKTOP, "locale": "en", **look}) as context:
        page = context.new_page()
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        yield page
        assert complaints == []


def sign_in(page: Page) -> None:
    page.goto("/")
    page.fill("#user", "fatma")
    page.fill("#password", "watani-1001")
    page.click("main button")
    page.wait_for_selector(".faces")


def test_limit_and_freeze_are_felt_on_the_wire(browser: Browser, network: RunningNetwork, till: Till) -> None:
    assert buys(till, FATMAS_100, "120.000") == ("00", None)  # over the limit, this once
    assert buys(till, FATMAS_100, "40.000") == ("61", "overlimit.used")
    with visiting(browser, network) as page:
        sign_in(page)
        page.click(".cardlink:has-text('0017')")
        page.check("input[name=limit][value='200.000']")
        page.click("form[action$='/limit'] button")
        page.wait_for_selector(".notice:has-text('200.000')")
        assert buys(till, FATMAS_100, "40.000") == ("00", None)
        page.click("form[action$='/freeze'] button")
        page.wait_for_selector(".face .state.frozen")
        assert buys(till, FATMAS_100, "1.000") == ("62", "card.frozen")
        page.click("form[action$='/unfreeze'] button")
        page.wait_for_selector(".face .state.active")
        assert buys(till, FATMAS_100, "1.000") == ("00", None)


def test_a_payment_appears_on_the_open_page_by_itself(browser: Browser, network: RunningNetwork, till: Till) -> None:
    with visiting(browser, network) as page, page.expect_response(re.compile("/live/")) as stream:
        sign_in(page)
        assert stream.value.status == 200
        assert "7.891" not in page.inner_text("main")
        assert buys(till, FATMAS_200, "7.891") == ("00", None)
        page.wait_for_selector("main :text('7.891')", timeout=5000)


def test_everything_works_without_a_script(browser: Browser, network: RunningNetwork) -> None:
    with visiting(browser, network, java_script_enabled=False) as page:
        sign_in(page)
        page.goto("/transfers")
        page.select_option("#source", "nbk-1101")
        page.select_option("#target", "nbk-1001")
        page.fill("#amount", "25.000")
        page.click("main button")
        assert "25.000" in page.inner_text(".notice")


@pytest.mark.parametrize("locale", ["en", "ar"])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_no_page_is_wider_than_its_screen(
    browser: Browser, network: RunningNetwork, locale: str, viewport: dict[str, int]
) -> None:
    with visiting(browser, network, locale=locale, viewport=viewport, color_scheme="dark") as page:
        sign_in(page)
        assert page.get_attribute("html", "dir") == ("rtl" if locale == "ar" else "ltr")
        cards = page.get_attribute(".cardlink", "href")
        for path in ("/", "/statement", "/transfers", "/activity", "/accounts/nbk-1001", cards):
            assert path is not None
            page.goto(path)
            assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"], path
