"""Completions and refund advices: 0220 in, 0230 out, and the issuer hears of it through store and forward."""

from __future__ import annotations

from switch.records import Answered
from tests.switch.desk import PURCHASE, Desk


def reserved(desk: Desk, issuer: int, shop: int) -> tuple[dict[str, str | None], str]:
    """A purchase that the issuer approved; what was asked, and the number its issuer knows it by."""
    asked = desk.asks(shop)
    request = desk.hears(issuer)
    desk.answers(issuer, request)
    assert desk.hears(shop).response_code == "00"
    return asked, request.stan or ""


def completes(desk: Desk, shop: int, asked: dict[str, str | None], mti: str = "0220", **changes: str | None) -> str:
    """A completion of what was asked; the response code it gets."""
    original = f"0100{asked['stan']}{asked['transmitted_at']}{'0' * 22}"
    kept = {name: asked[name] for name in PURCHASE if name not in ("expiry", "stan", "transmitted_at")}
    values = {**kept, "stan": "000555", "transmitted_at": "1118110800", "original": original, **changes}
    desk.says(shop, mti, **values)
    answer = desk.hears(shop)
    assert answer.mti == "0230"
    return answer.response_code or ""


def troubles(desk: Desk) -> list[object]:
    return [event.facts["slug"] for event in desk.events if event.name == "advice.contradicts"]


def test_a_completion_is_acknowledged_and_reaches_the_issuer_about_its_own_original() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    asked, stan = reserved(desk, issuer, shop)
    assert completes(desk, shop, asked, amount="000000008000") == "00"
    told = desk.hears(issuer)
    assert (told.mti, told.amount) == ("0220", 8000)
    assert told.original is not None
    assert (told.original.mti, told.original.stan) == ("0100", stan)
    assert told.stan not in ("000555", stan)
    desk.answers(issuer, told)
    assert desk.core.is_idle
    assert not len(desk.core.issuers["sandbox"].saf)
    assert not troubles(desk)


def test_a_completion_nobody_acknowledged_is_repeated_as_0221_also_after_a_restart() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    asked, _ = reserved(desk, issuer, shop)
    completes(desk, shop, asked)
    first = desk.hears(issuer)
    desk.passes(10)
    repeat = desk.hears(issuer)
    assert (repeat.mti, dict(repeat.items())) == ("0221", dict(first.items()))
    after = desk.restarted()
    back = after.issuer()
    assert after.hears(back).original == first.original


def test_a_repeated_completion_is_one_completion() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    asked, _ = reserved(desk, issuer, shop)
    assert completes(desk, shop, asked) == "00"
    desk.answers(issuer, desk.hears(issuer))
    assert completes(desk, shop, asked, "0221") == "00"
    assert desk.silent(issuer)


def test_contradictions_are_acknowledged_passed_on_and_told_to_people() -> None:
    """Rule T12, row 55 of the catalogue: it has happened, so nobody is refused."""
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    asked, _ = reserved(desk, issuer, shop)
    assert completes(desk, shop, asked, amount="000000010001") == "00"
    desk.answers(issuer, desk.hears(issuer))
    assert completes(desk, shop, asked, stan="000556") == "00"
    desk.answers(issuer, desk.hears(issuer))
    assert troubles(desk) == ["capture.above_hold", "original.completed"]

    again = desk.asks(shop, stan="000600")
    desk.answers(issuer, desk.hears(issuer))
    desk.hears(shop)
    desk.reverses(shop, again, stan="000601")
    desk.hears(shop)
    desk.answers(issuer, desk.hears(issuer))
    assert completes(desk, shop, again, stan="000602") == "00"
    assert desk.hears(issuer).mti == "0220"
    assert troubles(desk)[2:] == ["original.reversed"]


def test_a_completion_of_nothing_we_know_is_passed_on_without_an_original() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    assert completes(desk, shop, {**PURCHASE, "stan": "000999"}) == "00"
    told = desk.hears(issuer)
    assert (told.mti, told.original) == ("0220", None)
    assert troubles(desk) == ["original.unknown"]


def test_a_refund_advice_needs_no_original() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    desk.asks(shop, "0220", processing_code="200000")
    assert desk.hears(shop).response_code == "00"
    told = desk.hears(issuer)
    assert (told.mti, told.processing_code, told.amount) == ("0220", "200000", 10000)


def test_the_journal_says_how_much_of_the_reservation_stands() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    asked, _ = reserved(desk, issuer, shop)
    completes(desk, shop, asked, amount="000000008000")
    [done] = [one for one in desk.records() if isinstance(one, Answered) and one.mti == "0220"]
    assert (done.left, done.reverses) == (8000, 1)
    assert (done.issuer, done.stan) == (None, None)


def test_what_took_a_reservation_is_undone_with_it() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    asked, stan = reserved(desk, issuer, shop)
    completes(desk, shop, asked)
    desk.answers(issuer, desk.hears(issuer))
    original = f"02200005551118110800{'0' * 22}"
    desk.reverses(shop, asked, original=original)
    assert desk.hears(shop).response_code == "00"
    told = desk.hears(issuer)
    assert told.mti == "0420"
    assert told.original is not None
    assert (told.original.mti, told.original.stan) == ("0100", stan)


def test_a_refund_advice_can_be_taken_back() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    asked = desk.asks(shop, "0220", processing_code="200000")
    desk.hears(shop)
    told = desk.hears(issuer)
    desk.answers(issuer, told)
    desk.reverses(shop, asked, original=f"0220{asked['stan']}{asked['transmitted_at']}{'0' * 22}")
    assert desk.hears(shop).response_code == "00"
    undone = desk.hears(issuer)
    assert undone.original is not None
    assert (undone.mti, undone.original.mti, undone.original.stan) == ("0420", "0220", told.stan)


def test_after_a_restart_a_second_completion_is_still_the_second() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    asked, _ = reserved(desk, issuer, shop)
    completes(desk, shop, asked)
    desk.answers(issuer, desk.hears(issuer))
    after = desk.restarted()
    assert completes(after, after.gateway(), asked, stan="000556") == "00"
    assert troubles(after) == ["original.completed"]
