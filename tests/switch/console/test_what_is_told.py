"""What the console tells: figures that agree with what happened, stories leg by leg, and never a secret."""

from __future__ import annotations

import doctest
import html
from collections.abc import Iterator
from importlib import import_module

import pytest
from prometheus_client.parser import text_string_to_metric_families

from protocols.channel import Channel
from switch.console.matrix import cell, products
from switch.trail import RECORDS_MAX
from tests.canaries import Canary, found_in
from tests.switch.console.visitor import PAGES, Console
from tests.switch.desk import CREDIT_CARD, DEBIT_CARD, INTERNET_CARD, NETWORK, START, Desk

KEY = "lab/1/1118110640000001LAB00001"


def samples(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every figure, by its name and labels."""
    return {
        (one.name, frozenset(one.labels.items())): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


class Figures:
    """What `/metrics` says."""

    def __init__(self, text: str) -> None:
        self.text, self.all = text, samples(text)

    def of(self, name: str, **labels: str) -> float:
        """The sum of those with these labels; 0 where there is none."""
        wanted = set(labels.items())
        return sum(value for (called, has), value in self.all.items() if called == name and wanted <= has)


async def figures(console: Console) -> Figures:
    async with console.visitor(comes_in=False) as scraper:
        answer = await scraper.visit("/metrics")
        assert answer.status_code == 200
        return Figures(answer.text)


def shopping(desk: Desk, count: int, bank: int, shop: int) -> Iterator[None]:
    """So many approved purchases, one after another."""
    for number in range(count):
        desk.asks(shop, stan=f"{number + 1:06d}", rrn=f"6322110{number:05d}")
        desk.answers(bank, desk.hears(bank), approval_code="123456")
        assert desk.hears(shop).response_code == "00"
        yield


async def test_transactions_are_counted_whichever_way_they_went() -> None:
    desk = Desk()
    bank, shop = desk.issuer(), desk.gateway()
    for _ in shopping(desk, 40, bank, shop):
        desk.passes(0.01)
    desk.asks(shop, stan="000090")
    desk.answers(bank, desk.hears(bank), response_code="51")
    desk.asks(shop, stan="000091", pan="4111111111111112")
    told = await figures(Console(desk))
    who = {"participant": "lab", "issuer": "sandbox", "mti": "0100"}
    assert told.of("payswitch_transactions_total", **who, response_code="00") == 40
    assert told.of("payswitch_transactions_total", **who, response_code="51", reason="funds") == 1
    assert told.of("payswitch_transactions_total", issuer="", reason="pan.luhn") == 1
    assert told.of("payswitch_answers_total", way="lane") > 20
    assert told.of("payswitch_answers_total") == 42
    assert told.of("payswitch_issuer_answer_seconds_count", participant="sandbox") == 41


async def test_answers_nobody_waited_for_are_counted_by_their_kind() -> None:
    """P6: late, double and stray answers, each as often as it was injected."""
    desk = Desk()
    bank, shop = desk.issuer(), desk.gateway()
    for number in range(1, 6):  # answered, and then once more
        desk.asks(shop, stan=f"{number:06d}")
        request = desk.hears(bank)
        desk.answers(bank, request, approval_code="123456")
        desk.answers(bank, request, approval_code="123456")
    desk.asks(shop, stan="000009")
    desk.answers(bank, desk.hears(bank), amount="000000000001")
    late = []
    for number in range(6, 9):
        desk.asks(shop, stan=f"{number:06d}")
        late.append(desk.hears(bank))
    desk.passes(9.0)
    for request in late:
        desk.answers(bank, request, approval_code="123456")
    desk.says(bank, "0110", pan="4111111111111111", stan="777777", response_code="00", transmitted_at="1118110640")
    told = await figures(Console(desk))
    kinds = {
        kind: told.of("payswitch_unasked_answers_total", kind=kind) for kind in ("late", "double", "stray", "differs")
    }
    assert kinds == {"late": 3, "double": 5, "stray": 1, "differs": 1}


async def test_refusals_are_counted_by_reason_and_a_bank_s_own_words_are_not() -> None:
    desk = Desk()
    bank, shop = desk.issuer(), desk.gateway()
    asked = desk.asks(shop)
    desk.answers(bank, desk.hears(bank), response_code="05", reason="CALL 4111111111111111")
    desk.says(shop, "0100", **{**asked, "amount": "000000000099"})  # the same key, another amount
    desk.says(shop, "0100", **{**asked, "stan": "000002", "amount": None})
    told = await figures(Console(desk))
    assert told.of("payswitch_refusals_total", reason="duplicate.differs") == 1
    assert told.of("payswitch_refusals_total", reason="missing.de4") == 1
    assert told.of("payswitch_transactions_total", response_code="05", reason="other") == 1
    assert "CALL" not in told.text and "4111" not in told.text


async def test_what_is_owed_and_who_is_not_there_shows() -> None:
    desk = Desk()
    bank, shop = desk.issuer("nbk"), desk.gateway()
    desk.hangs_up(bank)
    desk.asks(shop, pan=CREDIT_CARD, amount="000000001000")
    assert desk.hears(shop).response_code == "00"
    console = Console(desk)
    told = await figures(console)
    assert told.of("payswitch_owed", participant="nbk") == 1
    assert told.of("payswitch_links", participant="nbk", kind="issuer", state="signed_on") == 0
    async with console.visitor() as visitor:
        assert "nbk is not connected" in visitor.words
        await visitor.visit("/owed")
        assert "0120 authorization advice" in visitor.words and "941420******0015" in visitor.words
        await visitor.visit("/stand-in")
        assert "941420******0015" in visitor.words and "1 of 8" in visitor.words
        await visitor.visit("/transactions?outcome=stood in")
        assert "stood in" in visitor.words and "10.00 AED" in visitor.words
        await visitor.visit("/transactions?outcome=approved")
        assert "10.00 AED" not in visitor.words


async def test_a_purchase_is_told_leg_by_leg() -> None:
    desk = Desk()
    bank, shop = desk.issuer(), desk.gateway()
    desk.asks(shop)
    console = Console(desk)
    async with console.visitor() as visitor:
        await visitor.visit(f"/transactions/{KEY}")
        assert "no answer yet" in visitor.words
        desk.answers(bank, desk.hears(bank), approval_code="123456")
        asked = desk.asks(shop, stan="000001")  # its repeat
        console.follows()
        await visitor.visit(f"/transactions/{KEY}")
        words = visitor.words
        legs = ["as its asker sent it", "on its way to sandbox", "0110 00", "0110 00"]
        places = [words.index(legs[0]), words.index(legs[1]), words.index(legs[2]), words.rindex(legs[3])]
        assert places == sorted(places)
        assert "123456" in words and "411111******1111" in words
        desk.hears(shop)
        desk.reverses(shop, asked)
        desk.answers(bank, desk.hears(bank))
        console.node.trail.add(desk.disk[:])
        await visitor.visit(f"/transactions/{KEY}")
        assert "taken back by its asker" in visitor.words and "0430 00" in visitor.words
        assert '<span class="chip reversed">' in visitor.page


async def test_what_is_not_remembered_is_said_so_and_nothing_else_happens() -> None:
    console = Console(Desk())
    async with console.visitor() as visitor:
        for key in ("lab/1/1118110640000009LAB00001", "nonsense", "a/b", "<script>alert(1)</script>"):
            assert (await visitor.visit(f"/transactions/{key}")).status_code == 404
            assert "<script>alert" not in visitor.page


async def test_what_peers_write_is_shown_and_never_obeyed() -> None:
    """Rows 48 and 49 of the catalogue, A20: markup and control characters in elements."""
    desk = Desk()
    bank, shop = desk.issuer(), desk.gateway()
    named = "Gulf <script>alert(1)</script>".ljust(40)
    desk.asks(shop, terminal_id="<i>x</i>", card_acceptor_name=named)
    desk.answers(bank, desk.hears(bank), response_code="05", reason="<b onclick=alert(1)>")
    console = Console(desk)
    async with console.visitor() as visitor:
        for path in ("/", "/transactions", "/transactions/lab/1/1118110640000001%3Ci%3Ex%3C%2Fi%3E"):
            assert (await visitor.visit(path)).status_code == 200, path
            assert (
                "<i>x" not in visitor.page and "<b onclick" not in visitor.page and "<script>alert" not in visitor.page
            )
        assert html.escape("<script>alert(1)</script>") in visitor.page
        assert html.escape("<i>x</i>") in visitor.page


CANARIES = (
    Canary("card", "4739152863048178"),
    Canary("track", "4739152863048178=29121015837261940"),
    Canary("code", "7K4Q9ZV2"),
    Canary("PIN block", "3F7AC1905E2D84B6", is_binary=True),
)


async def test_no_secret_of_a_payment_stands_on_a_page_or_among_the_figures() -> None:
    desk = Desk()
    bank, shop = desk.issuer(), desk.gateway()
    secret = {
        "pan": "4739152863048178",
        "track_2": "4739152863048178=29121015837261940",
        "pin_block": "3F7AC1905E2D84B6",
    }
    desk.asks(shop, **secret, private_data="92087K4Q9ZV2", pos_entry_mode="901", pos_condition_code="00")
    desk.answers(bank, desk.hears(bank), approval_code="123456")
    desk.asks(shop, **secret, stan="000002", private_data="92087K4Q9ZV2")
    desk.passes(9.0)
    console = Console(desk)
    console.follows()
    seen = b""
    async with console.visitor() as visitor:
        key = "lab/1/1118110640000002LAB00001"
        for path in (
            *PAGES,
            "/metrics",
            f"/transactions/{KEY}",
            f"/transactions/{key}",
            "/transactions?words=4739152863048178",
        ):
            answer = await visitor.visit(path)
            assert answer.status_code == 200
            seen += answer.content
    assert b"473915******8178" in seen
    assert found_in(seen, CANARIES) == []
    assert found_in(seen + b"4739152863048178", CANARIES)  # the search finds what is there


def test_the_matrix_says_what_the_products_say() -> None:
    cards = {card.id: card for card in products(NETWORK, START)}
    assert set(cards) == {"classic-credit", "credit", "debit", "internet-shopping", "sandbox"}
    internet = NETWORK.routes.find(INTERNET_CARD)
    debit = NETWORK.routes.find(DEBIT_CARD)
    assert internet is not None and debit is not None
    assert cell(internet, "00", Channel.ECOMMERCE, START).allowed
    assert cell(internet, "01", Channel.ATM, START).slug == "channel.atm"
    assert cell(internet, "40", Channel.ECOMMERCE, START).slug == "type.transfer"
    assert cell(debit, "00", Channel.POS, START).with_pin
    assert not cell(debit, "00", Channel.ECOMMERCE, START).with_pin
    assert cell(debit, "01", Channel.ECOMMERCE, START).why == "Counts as: cash machine"


async def test_looking_at_a_payment_in_the_lane_leaves_it_there() -> None:
    desk = Desk()
    bank, shop = desk.issuer(), desk.gateway()
    for _ in shopping(desk, 30, bank, shop):
        desk.passes(0.01)
    desk.asks(shop, stan="000099")
    console = Console(desk)
    before = (await figures(console)).of("payswitch_answers_total", way="lane")
    async with console.visitor() as visitor:
        await visitor.visit("/transactions")
        assert '<span class="chip open">' in visitor.page
        await visitor.visit("/transactions/lab/1/1118110640000099LAB00001")
        assert "no answer yet" in visitor.words
    desk.answers(bank, desk.hears(bank), approval_code="123456")
    assert (await figures(console)).of("payswitch_answers_total", way="lane") == before + 1


def test_the_trail_has_an_end() -> None:
    console = Console(Desk())
    for _ in range(RECORDS_MAX + 10):
        console.node.trail.add([b"\xc0"])
    assert len(console.node.trail) == RECORDS_MAX


SHOWN = ("forms", "history", "lines", "pages", "serve", "sessions", "telling", "views")


@pytest.mark.parametrize("module", [*(f"console.{name}" for name in SHOWN), "tally", "trail", "ends"])
def test_every_doctest_holds(module: str) -> None:
    assert doctest.testmod(import_module(f"switch.{module}")).failed == 0
