"""Online banking as a browser meets it: signing in, looking, acting, and what the next payment hears."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import trio
from starlette.requests import Request

from issuers.bank import load_bank
from issuers.banking.attempts import TRIES_PER_HOLDER, WITHIN_S
from issuers.banking.forms import FORM_MAX, FormError, read_form
from issuers.banking.live import _changes
from issuers.banking.sessions import LIFE_S, QUIET_S
from issuers.banking.sign_in import is_right
from protocols.pan import luhn_valid
from switch.shell.browser import forms
from tests.issuers.banking.visitor import PASSWORDS, Office, card_path, payment_path
from tests.issuers.branch import INTERNET_100, Switch

DOCUMENT = Path(__file__).parents[3] / "docs" / "banking.md"
FATMA = "Fatma Al-Sabah"
PAGES = ("/", "/statement", "/transfers", "/activity", "/accounts/nbk-1001")
WHOLE_NUMBER = re.compile(r"\b94141[0-9]{11}\b")


def test_the_documented_passwords_open_the_doors() -> None:
    bank = load_bank(None, "nbk")
    assert {one.holder for one in bank.holders} == {one.holder for one in bank.accounts}
    hashes = {one.user: one.password for one in bank.holders}
    documented = dict(re.findall(r"^\| `(\w+)` \| `([\w-]+)` \|", DOCUMENT.read_text(), re.MULTILINE))
    assert documented.keys() == hashes.keys() and documented.items() >= PASSWORDS.items()
    assert all(is_right(hashes[user], password) for user, password in documented.items())
    assert not is_right(hashes["fatma"], PASSWORDS["yousef"])


# Signing in


async def test_whoever_is_not_signed_in_is_asked_to_and_comes_back(office: Office) -> None:
    async with office.visitor() as browser:
        for path in (*PAGES, card_path(office.card(0)), "/payments/x"):
            assert (await browser.visit(path)).url.path == "/sign-in"
        await browser.visit("/statement")
        assert FATMA not in browser.page
        await browser.send("/sign-in", user="Fatma", password=PASSWORDS["fatma"])
        assert browser.last.url.path == "/statement"


async def test_a_wrong_password_and_a_wrong_name_hear_the_same(office: Office) -> None:
    async with office.visitor() as browser:
        heard = set()
        for user, password in (("fatma", "qwertz-88"), ("nobody", PASSWORDS["fatma"])):
            await browser.visit("/sign-in")
            await browser.send("/sign-in", user=user, password=password)
            heard.add((browser.last.status_code, re.findall(r'class="notice refusal"[^>]*>([^<]+)', browser.page)[0]))
            assert password not in browser.page
        assert heard == {(401, "User name or password is not right.")}


async def test_after_five_tries_even_the_right_password_waits(office: Office) -> None:
    async with office.visitor() as browser:
        for _ in range(TRIES_PER_HOLDER):
            assert (await browser.sign_in(password="wrong")).status_code == 401
        refused = await browser.sign_in()
        assert refused.status_code == 429 and refused.headers["retry-after"] == "900"
        assert (await browser.sign_in("yousef")).status_code == 200  # who is not tried may enter
        office.clock.time += WITHIN_S
        async with office.visitor() as later:
            assert FATMA in (await later.sign_in()).text


async def test_the_cookie_is_for_us_alone_and_new_at_every_sign_in(office: Office) -> None:
    async with office.visitor() as browser:
        await browser.sign_in()
        set_cookie = browser.last.history[0].headers.get_list("set-cookie")[0]
        assert "HttpOnly" in set_cookie and "SameSite=strict" in set_cookie
        first = browser.client.cookies["watani_session"]
    async with office.visitor() as other:
        await other.sign_in()
        assert other.client.cookies["watani_session"] != first


async def test_signing_out_ends_the_session_and_not_only_the_cookie(office: Office) -> None:
    async with office.visitor() as browser:
        await browser.sign_in()
        name = browser.client.cookies["watani_session"]
        await browser.send("/sign-out")
        assert browser.last.url.path == "/sign-in"
        browser.client.cookies.set("watani_session", name)
        assert (await browser.visit("/")).url.path == "/sign-in"


@pytest.mark.parametrize("quiet_s", [QUIET_S, LIFE_S])
async def test_a_session_ends_by_itself(office: Office, quiet_s: float) -> None:
    async with office.visitor() as browser:
        await browser.sign_in()
        office.clock.time += QUIET_S - 1
        assert (await browser.visit("/")).url.path == "/"
        office.clock.time += quiet_s
        assert (await browser.visit("/")).url.path == "/sign-in"


# Who may send what


async def test_a_form_of_another_session_another_site_or_none_is_not_taken(office: Office) -> None:
    freeze = f"{card_path(office.card(0))}/freeze"
    async with office.visitor() as browser, office.visitor() as thief:
        await browser.sign_in()
        await thief.sign_in("yousef")
        await thief.visit("/transfers")
        stolen = forms(thief.page)["/sign-out"]
        for fields in ({}, {"csrf": ""}, dict(stolen), {"csrf": "\u0663"}):
            assert (await browser.post(freeze, **fields)).status_code == 403
        await browser.visit(card_path(office.card(0)))
        elsewhere = await browser.send(freeze, headers={"origin": "http://evil.example"})
        assert elsewhere.status_code == 403
        assert office.branch.counter(FATMA).cards()[0]["state"] == "active"


async def test_what_is_not_the_holders_does_not_exist(office: Office) -> None:
    async with office.visitor() as browser:
        await browser.sign_in("yousef")
        fatmas = card_path(office.card(0))
        for path in (fatmas, "/accounts/nbk-1001", "/payments/nothing", "/live/card?of=" + office.card(0), "/nowhere"):
            assert (await browser.visit(path)).status_code == 404
        csrf = forms((await browser.visit("/")).text)["/sign-out"]
        await browser.post(f"{fatmas}/freeze", **csrf)
        assert office.branch.counter(FATMA).cards()[0]["state"] == "active"


async def test_nonsense_is_answered_and_changes_nothing(office: Office) -> None:
    async with office.visitor() as browser:
        await browser.sign_in()
        csrf = forms(browser.page)["/sign-out"]["csrf"]
        assert (await browser.post(f"{card_path(office.card(0))}/explode", csrf=csrf)).status_code == 404
        for amount in ("", "-1", "1.2345", "nan", "9" * 40, "1e3"):
            await browser.visit("/transfers")
            await browser.send("/transfers", source="nbk-1101", target="nbk-1001", amount=amount)
            assert "notice refusal" in browser.page
        assert [one["posted"] for one in office.branch.counter(FATMA).accounts()] == [2_000_000, 750_000]
    assert office.failures == []


async def test_a_form_longer_than_any_of_ours_is_not_read_to_its_end() -> None:
    chunks = iter(range(FORM_MAX))

    async def receive() -> dict[str, object]:
        await trio.lowlevel.checkpoint()
        next(chunks)
        return {"type": "http.request", "body": b"x" * 1024, "more_body": True}

    with pytest.raises(FormError):
        await read_form(Request({"type": "http", "method": "POST", "headers": []}, receive))
    assert next(chunks) <= FORM_MAX // 1024 + 1


async def test_every_page_is_strict_about_what_a_browser_may_do_with_it(office: Office) -> None:
    async with office.visitor() as browser:
        await browser.visit("/sign-in")
        outside = browser.last
        await browser.sign_in()
        for answer in (outside, *[await browser.visit(path) for path in PAGES], await browser.visit("/nowhere")):
            assert answer.headers["content-security-policy"].startswith("default-src 'self'")
            assert "unsafe" not in answer.headers["content-security-policy"]
            assert answer.headers["cache-control"] == "no-store"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["x-frame-options"] == "DENY"
        assert (await browser.visit("/static/style.css")).headers["cache-control"].startswith("public")
        assert (await browser.visit("/", host="evil.example")).status_code == 400


# Looking


async def test_the_statement_has_holds_postings_and_why_something_was_declined(office: Office, switch: Switch) -> None:
    await switch.purchase(amount=9_984)
    await switch.ask(switch.request("0200", amount=24_500))
    await switch.purchase(amount=120_000)
    assert await switch.purchase(amount=5_000) == "61 overlimit.used"
    async with office.visitor() as browser:
        await browser.sign_in()
        await browser.visit("/statement")
        for shown in ("−9.984", "−24.500", "−120.000", "5.000", "set aside", "booked", "allowed only once"):
            assert shown in browser.page, shown
        await browser.visit(card_path(office.card(0)))
        assert "You have gone over the limit" in browser.page
        await browser.visit(f"/statement?card={office.card(1)}")
        assert "9.984" not in browser.page


async def test_no_page_shows_a_card_number(office: Office, switch: Switch) -> None:
    await switch.purchase()
    async with office.visitor() as browser:
        await browser.sign_in()
        key = office.branch.counter(FATMA).statement()[0]["key"]
        for path in (*PAGES, card_path(office.card(0)), payment_path(key)):
            assert (await browser.visit(path)).status_code == 200
            assert (not WHOLE_NUMBER.search(browser.page.replace(" ", "")) and "0017" in browser.page) or path in PAGES


async def test_arabic_runs_from_right_to_left_with_amounts_that_do_not(office: Office, switch: Switch) -> None:
    await switch.purchase(amount=9_984)
    async with office.visitor(**{"accept-language": "ar-KW,ar;q=0.9"}) as browser:
        await browser.sign_in()
        assert '<html lang="ar" dir="rtl">' in browser.page
        assert '<bdi dir="ltr">−9.984</bdi>' in browser.page and "د.ك" in browser.page
        await browser.visit("/language/en?back=/statement")
        assert browser.last.url.path == "/statement" and 'dir="ltr"' in browser.page
        assert (await browser.visit("/language/en?back=//evil.example")).url.host == "127.0.0.1"


# Acting


async def test_the_limit_is_chosen_and_the_next_purchase_knows(office: Office, switch: Switch) -> None:
    assert await switch.purchase(amount=120_000) == "00"
    assert await switch.purchase(amount=40_000) == "61 overlimit.used"
    path = card_path(office.card(0))
    async with office.visitor() as browser:
        await browser.sign_in()
        await browser.visit(path)
        await browser.send(f"{path}/limit", limit="200.000")
        assert "The limit is now 200.000" in browser.page
        assert forms(browser.page)[f"{path}/limit"]["limit"] == "200.000"
        await browser.send(f"{path}/limit", limit="500.000")
        assert "This limit is not offered" in browser.page
        await browser.visit("/activity")
        assert "Limit changed" in browser.page and "100.000 → 200.000 KWD" in browser.page
    assert await switch.purchase(amount=40_000) == "00"


async def test_a_frozen_card_pays_nothing_until_it_is_thawed(office: Office, switch: Switch) -> None:
    path = card_path(office.card(0))
    async with office.visitor() as browser:
        await browser.sign_in()
        await browser.visit(path)
        await browser.send(f"{path}/freeze")
        assert await switch.purchase() == "62 card.frozen"
        await browser.send(f"{path}/unfreeze")
        assert await switch.purchase() == "00"


async def test_a_form_that_is_sent_twice_is_done_once(office: Office) -> None:
    async with office.visitor() as browser:
        await browser.sign_in()
        await browser.visit("/transfers")
        form = {**forms(browser.page)["/transfers"], "source": "nbk-1101", "target": "nbk-1001", "amount": "50.000"}
        await browser.post("/transfers", **form)
        assert "50.000 were transferred" in browser.page
        await browser.post("/transfers", **form)
        assert "once is enough" in browser.page
        assert [one["posted"] for one in office.branch.counter(FATMA).accounts()] == [2_050_000, 700_000]


async def test_paying_the_card_makes_room_in_its_limit(office: Office, switch: Switch) -> None:
    await switch.ask(switch.request("0200", amount=60_000))
    path = card_path(office.card(0))
    async with office.visitor() as browser:
        await browser.sign_in()
        await browser.visit(path)
        await browser.send(f"{path}/pay", source="nbk-1101", amount="60.000")
        assert "60.000 were paid on the card" in browser.page
        assert office.branch.counter(FATMA).cards()[0]["spent"] == 0


async def test_a_hold_is_freed_and_a_posting_disputed(office: Office, switch: Switch) -> None:
    await switch.purchase(amount=9_984)
    await switch.ask(switch.request("0200", amount=24_500))
    by_state = {one["state"]: one for one in office.branch.counter(FATMA).statement()}
    held, posted = by_state["held"], by_state["posted"]
    async with office.visitor() as browser:
        await browser.sign_in()
        path = payment_path(held["key"])
        await browser.visit(path)
        await browser.send(f"{path}/cancel")
        assert "The amount is free again" in browser.page and f"{path}/cancel" not in forms(browser.page)
        path = payment_path(posted["key"])
        await browser.visit(path)
        await browser.send(f"{path}/dispute", reason="<b>never came</b>")
        assert "&lt;b&gt;never came" in browser.page and "<b>never" not in browser.page
    assert office.branch.counter(FATMA).accounts()[0]["available"] == 2_000_000


async def test_a_one_time_number_is_shown_once_and_pays_once(office: Office, switch: Switch) -> None:
    path = card_path(office.card(0))
    async with office.visitor() as browser:
        await browser.sign_in()
        await browser.visit(path)
        form = {**forms(browser.page)[f"{path}/number"], "amount": "12.000"}
        made = await browser.post(f"{path}/number", **form)
        number = re.search(r'class="whole"><bdi dir="ltr">([0-9 ]+)<', made.text)
        assert number is not None
        pan = number[1].replace(" ", "")
        assert luhn_valid(pan) and pan != INTERNET_100 and made.headers["cache-control"] == "no-store"
        await browser.post(f"{path}/number", **form)
        assert "once is enough" in browser.page
        for page in (path, "/", "/activity", "/statement"):
            await browser.visit(page)
            assert pan not in browser.page.replace(" ", "")
    assert await switch.purchase(pan, amount=12_000) == "00"
    assert await switch.purchase(pan, amount=1_000) == "62 virtual.used"


# Following


async def test_a_page_hears_of_a_payment_when_it_arrives_and_of_nobody_elses(office: Office, switch: Switch) -> None:
    from issuers.banking.languages import FIRST
    from issuers.banking.pages import overview

    session = office.site.sessions.begin("name", "csrf", FATMA, office.clock())
    looks = 0

    def look() -> str:
        nonlocal looks
        looks += 1
        return office.site.fragment("_overview.html", FIRST, **overview(office.site, session, FIRST))

    stream = _changes(office.site, session, look)
    first = await anext(stream)
    assert "9.984" not in str(first.data)
    async with trio.open_nursery() as nursery:

        async def pay() -> None:
            await switch.purchase("9414100000000033", amount=100)  # Yousef's: declined, and not Fatma's business
            await trio.sleep(0.3)
            await switch.purchase(amount=9_984)

        nursery.start_soon(pay)
        with trio.fail_after(60):
            second = await anext(stream)
    assert "9.984" in str(second.data) and looks >= 2
    office.site.sessions.end("name")
    office.branch.host.changed()
    with pytest.raises(StopAsyncIteration):
        await anext(stream)
    assert session.streams == 0
