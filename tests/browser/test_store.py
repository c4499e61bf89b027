"""Bought in the store with the Internet Shopping Card, confirmed at the bank, seen in online banking, settled."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from switch.place import Part, Party
from tests.network import RunningNetwork, running_network

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.timeout(240)  # twelve processes and a browser

STORE, NBK_HOST = Party(Part.STORE), Party(Part.ACQUIRER, "nbk")
FATMAS_100, FATMAS_200, MARIAMS = "9414100000000017", "9414100000000025", "9414100000000082"
DESKTOP, PHONE = {"width": 1180, "height": 820}, {"width": 390, "height": 844}


def with_a_host_of_its_own(network: Path) -> None:
    """The bank's own host decides about its market's sales, so there are settlement lines."""
    agreement = network / "participants" / "nbk.toml"
    agreement.write_text('host = "nbk_host"\n' + agreement.read_text())


@pytest.fixture(scope="module")
def network() -> Iterator[RunningNetwork]:
    with running_network(edit=with_a_host_of_its_own) as running:
        running.start(Party(Part.GATEWAY, "comtrust"), NBK_HOST)
        running.start(STORE)
        yield running


@contextmanager
def visiting(browser: Browser, network: RunningNetwork, port: str, **look: Any) -> Iterator[Page]:
    """A fresh browser; a page that complains of itself fails the test."""
    address = f"http://127.0.0.1:{network.ports[port]}"
    look = {"viewport": DESKTOP, "locale": "en", "ignore_https_errors": True, **look}
    with browser.new_context(base_url=address, **look) as context:
        page = context.new_page()
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if is_complaint(said) else None)
        yield page
        assert complaints == []


def is_complaint(said: Any) -> bool:
    """An answer 4xx stands in the console too, and the page explains it."""
    return said.type in ("error", "warning") and "Failed to load resource" not in said.text


def signed_in(page: Page) -> None:
    page.goto("/sign-in")
    page.fill("#user", "fatma")
    page.fill("#password", "watani-1001")
    page.click("main button")
    page.wait_for_selector(".faces")


def buys(page: Page, good: str, quantity: str = "1") -> None:
    """As far as the gateway's page."""
    page.goto("/")
    page.click(f".good:has-text({good!r})")
    page.fill("#quantity", quantity)
    page.click("form.buy button")
    page.wait_for_selector("#number")


def types_card(page: Page, number: str, code: str = "123") -> None:
    page.fill("#number", number)
    page.fill("#expiry", "12/29")
    page.fill("#code", code)
    page.click("button[value=pay]")


def code_of(browser: Browser, network: RunningNetwork) -> str:
    """What the holder reads in online banking, in another window."""
    with visiting(browser, network, "banking") as bank:
        signed_in(bank)
        bank.click("nav a[href='/inbox']")
        return bank.inner_text(".payments .whole").strip()


def confirms(page: Page, code: str) -> None:
    page.wait_for_selector("form[action^='/acs/challenge'] #code")
    page.fill("#code", code)
    page.click("form:has(#code) button")


def state(page: Page) -> str | None:
    return page.get_attribute("#order", "data-state")


def test_bought_confirmed_seen_at_the_bank_and_settled(browser: Browser, network: RunningNetwork) -> None:
    with visiting(browser, network, "souk") as page:
        buys(page, "Barhi dates", "2")
        assert "12.500" in page.inner_text(".amount") and "Dates of Jahra" in page.inner_text(".order")
        assert page.get_attribute("#number", "autocomplete") == "cc-number"
        assert page.get_attribute("#number", "inputmode") == "numeric"
        types_card(page, "9414 1000 0000 0018")  # one digit wrong
        assert page.get_attribute("#number", "aria-invalid") == "true"
        types_card(page, FATMAS_100)
        page.wait_for_url("**/acs/challenge**")
        assert FATMAS_100 not in page.content()
        confirms(page, "not it")
        page.wait_for_selector(".notice.refusal")
        confirms(page, code_of(browser, network))
        page.wait_for_selector("#state[data-status=captured]")
        page.click("#back")
        page.wait_for_selector("#order")
        assert state(page) == "paid"
        approval = page.inner_text(".details .code").strip()
        with visiting(browser, network, "banking") as bank:
            signed_in(bank)
            bank.goto("/statement")
            bank.click(".payments li:has-text('Souk Al-Watani') a")
            assert "12.500" in bank.inner_text("main") and approval in bank.inner_text("main")
        buys(page, "Pearl Diver")  # a shop that the card knows, and a small amount: nobody asks
        types_card(page, FATMAS_100)
        page.wait_for_selector("#state[data-status=captured]")

    def line() -> list[dict[str, Any]]:
        told = network.run("acquirers.hosting", "nbk", "lines", "--json")
        return [one for one in json.loads(told.stdout or "[]") if "SOUK-DATES" in json.dumps(one)]

    (dates,) = network.until(line, 10.0, "the tenant's settlement line")
    assert "12.500" in json.dumps(dates) or "12500" in json.dumps(dates)
    network.settled()
    audit = network.audit()
    assert audit.returncode == 0, audit.stdout + audit.stderr


def test_a_seller_sends_a_part_back_and_the_buyer_sees_it(browser: Browser, network: RunningNetwork) -> None:
    with visiting(browser, network, "souk") as page:
        buys(page, "Brass coffee pot")
        types_card(page, FATMAS_200)
        confirms(page, code_of(browser, network))
        page.click("#back")
        page.wait_for_selector("#order")
        with visiting(browser, network, "souk") as seller:
            seller.goto("/sell")
            seller.fill("#user", "dates")
            seller.fill("#password", "souk-2002")
            seller.click("main button")
            seller.click(".rows a:has-text('Brass coffee pot')")
            seller.fill("#amount", "6.000")
            seller.click("form[action$='/refund'] button")
            seller.wait_for_selector("#order[data-state=part_refunded]")
        network.until(lambda: page.reload() and state(page) == "part_refunded", 10.0, "the letter to arrive")
        assert "6.000" in page.inner_text(".details")


def test_a_holder_who_does_not_know_the_code_has_not_paid(browser: Browser, network: RunningNetwork) -> None:
    with visiting(browser, network, "souk") as page:
        buys(page, "Storm lantern")
        types_card(page, MARIAMS)
        for _ in range(2):
            confirms(page, "000000")
            page.wait_for_selector(".notice.refusal")
        page.click("button[value=cancel]")
        page.wait_for_selector("#state[data-status=declined]")
        page.click("button[value=cancel]")
        page.click("#back")
        page.wait_for_selector("#order")
        assert state(page) == "not_paid"


def test_the_sandbox_pays_without_being_asked_and_declines_by_amount(browser: Browser, network: RunningNetwork) -> None:
    with visiting(browser, network, "souk", java_script_enabled=False) as page:
        buys(page, "Desert garden seeds")
        types_card(page, "4111111111111111")
        page.wait_for_selector("#state[data-status=captured]")


@pytest.mark.parametrize("locale", ["en", "ar"])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_no_page_is_wider_than_its_screen(
    browser: Browser, network: RunningNetwork, locale: str, viewport: dict[str, int]
) -> None:
    with visiting(browser, network, "souk", locale=locale, viewport=viewport, color_scheme="dark") as page:

        def fits() -> None:
            assert page.get_attribute("html", "dir") == ("rtl" if locale == "ar" else "ltr")
            assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"], page.url

        for path in ("/", "/goods/2", "/orders", "/sell"):
            page.goto(path)
            fits()
        page.goto("/goods/2")
        page.click("form.buy button")
        page.wait_for_selector("#number")
        fits()
        types_card(page, FATMAS_200)
        page.wait_for_selector("form[action^='/acs/challenge']")
        fits()
        page.click("button[value=cancel]")
        page.wait_for_selector("#state")
        fits()
