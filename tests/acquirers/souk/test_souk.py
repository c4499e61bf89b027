"""The store: bought, paid, learned of, refunded; what nobody answered is told as unknown; nothing happens twice."""

from __future__ import annotations

import json
import string
import time
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from acquirers.souk import letters
from acquirers.souk.market import SECRET
from acquirers.souk.order import STATES, State
from acquirers.souk.settings import load_souk
from acquirers.souk.sign_in import TRIES, Door
from acquirers.souk.words import WORDS
from acquirers.store_api.models import PaymentStatus
from acquirers.store_api.signature import signature
from protocols import elements as de
from protocols import subelements
from tests.acquirers.souk.market_place import DATES, SOUK, souk
from tests.acquirers.store_api.bench import approves, declines, silent


async def test_a_buyer_pays_and_the_seller_has_the_order(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with souk(tmp_path) as place:
        order = await place.bought(quantity=2)
        assert (order.state, order.amount, order.currency, place.stock()) == (State.PAID, "12.500", "KWD", 98)
        page = (await place.client.get(f"/orders/{order.id}")).text
        assert "Thank you" in page and "•••• 0017" in page and "9414100000000017" not in page
        (sale,) = [one for one in place.bench.switch.heard if one.mti == "0200"]
        assert subelements.parse(sale.get(de.PRIVATE_DATA) or "")["37"] == "SOUKWATANI00001SOUK-DATES"
        assert sale.get(de.CARD_ACCEPTOR_ID) == "SOUKWATANI00001"
        await trio.sleep(3600)  # it was finalized, so nobody takes it back
        assert place.bench.switch.money() == ["0200"]


async def test_a_foreign_seller_is_paid_in_dollars(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with souk(tmp_path) as place:
        order = await place.bought(good=5)
        assert (order.amount, order.currency, place.bench.switch.heard[-1].get(de.CURRENCY)) == ("19.00", "USD", "840")


async def test_what_nobody_answered_is_unknown_and_then_not_paid(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with souk(tmp_path) as place:
        await place.market.subscribe()
        place.bench.switch.answers = lambda message: (
            None if message.mti == "0200" else _mute_to_reversals(place)(message)
        )
        sent = await place.buys()
        await place.pays(sent)
        order = place.order()
        assert order.state is State.UNKNOWN and place.stock() == 99
        page = (await place.client.get(f"/orders/{order.id}")).text
        assert "we do not know" in page and "Nothing will be sent" in page
        place.bench.switch.answers = silent  # now it takes reversals
        await trio.sleep(120)
        await place.client.get(f"/orders/{order.id}")
        assert (place.order().state, place.stock()) == (State.NOT_PAID, 100)
        await place.client.get(f"/orders/{order.id}")
        assert place.stock() == 100  # once


def _mute_to_reversals(place: object) -> object:
    return lambda message: approves(message) if message.mti == "0800" else None


async def test_a_declined_card_leaves_the_order_open_and_another_one_pays(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with souk(tmp_path, declines) as place:
        sent = await place.buys()
        page = sent.headers["location"].removeprefix("https://pay.test")
        await place.bench.client.post(page, data={"number": "9414100000000017", "expiry": "12/29", "code": "123"})
        told = await place.client.get(f"/orders/{place.order().id}")
        assert place.order().state is State.WAITING and "Continue to payment" in told.text
        place.bench.switch.answers = approves
        await place.pays(sent)
        assert place.order().state is State.PAID


async def test_a_buyer_who_comes_back_without_paying_has_not_paid(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with souk(tmp_path, declines) as place:
        await place.pays(await place.buys())
        assert (place.order().state, place.stock()) == (State.NOT_PAID, 100)
        assert "not paid" in (await place.client.get(f"/orders/{place.order().id}")).text


async def test_a_seller_refunds_a_part_and_the_rest_and_no_more(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with souk(tmp_path) as place:
        order = await place.bought(quantity=2)
        assert "partly refunded" in await place.refunds(order, "2.500")
        assert "cannot be sent back" in await place.refunds(place.order(), "10.001")
        assert "cannot be sent back" in await place.refunds(place.order(), "1.0005")
        assert (await place.refunds(place.order(), "10.000")).count("refunded") >= 1
        assert (place.order().state, place.order().refunded) == (State.REFUNDED, "12.500")
        assert place.bench.switch.money() == ["0200"] * 3


async def test_two_clicks_are_one_refund(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with souk(tmp_path) as place:
        await place.refunds(await place.bought(quantity=2), "2.500", times=3)
        assert (place.order().refunded, place.bench.switch.money()) == ("2.500", ["0200"] * 2)


async def test_an_unknown_refund_is_told_as_unknown(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with souk(tmp_path) as place:
        order = await place.bought()
        place.bench.switch.answers = lambda message: approves(message) if message.mti == "0800" else None
        told = await place.refunds(order, "6.250")
        assert "being reversed" in told and place.order().refund_unknown
        place.bench.switch.answers = approves
        await trio.sleep(120)
        await place.refunds(place.order(), "6.250")
        assert (place.order().state, place.order().refund_unknown) == (State.REFUNDED, False)


async def test_nobody_refunds_another_sellers_order(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with souk(tmp_path) as place:
        order = await place.bought()
        async with place.browser() as other:
            await other.post("/sell", data={"user": "books", "password": "souk-2001"})
            assert (await other.get(f"/stall/orders/{order.id}")).status_code == 404
            path = f"/stall/orders/{order.id}/refund"
            assert (await other.post(path, data={"amount": "1.000"})).status_code == 403  # no token
        assert (await place.client.post(path)).headers["location"] == "/sell"
        assert place.bench.switch.money() == ["0200"]


async def test_an_order_is_its_buyers_own(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with souk(tmp_path) as place:
        order = await place.bought()
        assert order.title in (await place.client.get("/orders")).text
        async with place.browser() as stranger:
            assert (await stranger.get(f"/orders/{order.id}")).status_code == 404
            assert order.title not in (await stranger.get("/orders")).text


async def test_there_is_never_less_than_nothing_on_the_shelf(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with souk(tmp_path) as place:
        told = []

        async def ask() -> None:
            told.append((await place.buys(good=4, quantity=3)).status_code)

        async with trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(ask)
        assert sorted(told) == [303, 303, 409, 409, 409] and place.stock(4) == 2
        for strange in ("0", "-1", "21", "x", "١"):
            sent = await place.client.post(f"/goods/{DATES}/buy", data={"quantity": strange})
            assert sent.status_code == 409


async def test_a_gateway_that_cannot_be_reached_takes_nothing_and_is_asked_again(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with souk(tmp_path) as place:
        place.is_cut = True
        sent = await place.buys()
        assert (
            place.order().state is State.NEW
            and "Nothing was taken" in (await place.client.get(sent.headers["location"])).text
        )
        place.is_cut, place.lost = False, ["/v1/payments"]
        assert (await place.client.post(f"/orders/{place.order().id}/pay")).headers["location"].startswith("/orders/")
        place.lost = []
        sent = await place.client.post(f"/orders/{place.order().id}/pay")
        await place.pays(sent)
        listed = (await place.bench.get("/v1/payments", "sk_test_souk_nobodys_key")).json()["payments"]
        assert len(listed) == 1 and place.order().state is State.PAID  # registered twice, and once


async def test_a_letter_tells_of_news_and_the_api_says_what(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with souk(tmp_path) as place:
        await place.market.subscribe()
        sent = await place.buys()
        await place.bench.client.post(
            sent.headers["location"].removeprefix("https://pay.test"),
            data={"number": "9414100000000017", "expiry": "12/29", "code": "123"},
        )  # and the buyer closes the browser
        order, secret = place.order(), place.market.books.fact(SECRET) or ""
        body = json.dumps({"payment": {"id": order.payment, "status": "refunded"}}).encode()  # it is not believed
        for key, status in (("whsec_wrong", 403), (secret, 200)):
            said = {"Payswitch-Signature": signature(key, body, int(time.time()))}
            assert (await place.client.post("/webhook", content=body, headers=said)).status_code == status
        assert place.order().state is State.PAID
        await trio.sleep(3600)
        assert place.bench.switch.money() == ["0200"]  # the store has told the gateway that it knows
        place.is_cut = True
        said = {"Payswitch-Signature": signature(secret, body, int(time.time()))}
        assert (await place.client.post("/webhook", content=body, headers=said)).status_code == 503  # come again


async def test_what_happened_while_the_store_was_away_is_learned(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with souk(tmp_path) as place:
        await place.market.subscribe()
        sent = await place.buys()
        await place.bench.client.post(
            sent.headers["location"].removeprefix("https://pay.test"),
            data={"number": "9414100000000017", "expiry": "12/29", "code": "123"},
        )
    async with souk(tmp_path) as place:
        await place.market.subscribe()
        await place.market.catch_up()
        assert place.order().state is State.PAID
        hooks = (await place.bench.get("/v1/webhooks", "sk_test_souk_nobodys_key")).json()["webhooks"]
        assert [one["url"] for one in hooks] == [f"{SOUK}/webhook"]  # not one a life


async def test_a_seller_lists_something_and_changes_it(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with souk(tmp_path) as place, place.browser() as seller:
        await seller.post("/sell", data={"user": "dates", "password": "souk-2002"})
        csrf = (await seller.get("/stall")).text.split('name="csrf" value="')[1].split('"')[0]
        wish = {"csrf": csrf, "title": "Fig <jam>", "price": "1.250", "stock": "3", "picture": "box"}
        assert (await seller.post("/stall/goods/new", data=wish)).headers["location"] == "/stall"
        assert "Fig &lt;jam&gt;" in (await place.client.get("/")).text
        for wrong in ({"price": "1.2505"}, {"price": "0"}, {"stock": "-1"}, {"title": ""}, {"picture": "x"}):
            sent = await seller.post("/stall/goods/7", data=wish | wrong)
            assert sent.headers["location"] == "/stall/goods/7"
        await seller.post("/stall/goods/7", data=wish | {"price": "1.750"})
        assert "1.750" in (await place.client.get("/goods/7")).text
        await seller.post("/stall/goods/1", data=wish)  # the bookshop's
        assert "Fig" not in (await place.client.get("/goods/1")).text


async def test_passwords_are_not_guessed() -> None:
    now = 0.0
    door = Door(load_souk().sellers, lambda: now)
    for user in ("dates", "nobody"):
        assert await door.admit(user, "wrong") is None
    name = await door.admit("dates", "souk-2002")
    assert name is not None and door.session(name) is not None
    assert await door.admit("dates", "x" * 300) is None
    for _ in range(TRIES):
        door._tries.setdefault("dates", []).append(now)
    assert await door.admit("dates", "souk-2002") is None
    now = 901.0
    assert await door.admit("dates", "souk-2002") is not None


@pytest.mark.parametrize("language", ["en", "ar"])
async def test_every_page_speaks_both_languages(tmp_path: Path, language: str, autojump_clock: MockClock) -> None:
    async with souk(tmp_path) as place:
        await place.client.get(f"/language/{language}")
        order = await place.bought()
        for path in ("/", "/orders", f"/orders/{order.id}", "/goods/1", "/sell", "/nowhere"):
            page = await place.client.get(path)
            assert f'lang="{language}" dir="{"rtl" if language == "ar" else "ltr"}"' in page.text
            assert "script" not in page.headers["content-security-policy"] and "<script" not in page.text


def test_both_languages_have_every_word_and_place() -> None:
    def places(text: str) -> set[str | None]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    english, arabic = WORDS["en"], WORDS["ar"]
    assert english.keys() == arabic.keys()
    assert all(places(english[key]) == places(arabic[key]) for key in english)
    assert {f"{family}.{state}" for family in ("state", "about") for state in State} <= english.keys()


def test_every_status_of_a_payment_means_something_for_an_order() -> None:
    assert set(STATES) == set(PaymentStatus)


def test_a_letter_of_somebody_else_says_nothing() -> None:
    for body in (b"", b"[]", b'{"payment": 1}', b"\xff"):
        assert letters.about(signature("key", body, 1_700_000_000), body, "key", 1_700_000_000) is None
    for header in ("", "t=1", "t=²,v1=x", "v1=ü,t=1"):
        assert letters.about(header, b"{}", "key", 1_700_000_000) is None
