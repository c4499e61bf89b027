"""Attacks by message: what is played again, forged, changed or redirected has no effect, and tells nothing."""

from __future__ import annotations

import re
from pathlib import Path

from protocols import elements as de
from protocols.participant import Keys
from switch.audit import Entry, State, audit
from switch.instant import Instant
from tests.switch.desk import Desk
from tests.switch.test_macs import BANKS, Sealed

ROOT = Path(__file__).parents[2]
DAY_S = 86_400.0
GENERATED = "protocols/codec/quick.py"  # readers of a layout, made from its own numbers and lengths, never from a text


def approved(desk: Desk, issuer: int, shop: int, **changes: str) -> dict[str, str | None]:
    asked = desk.asks(shop, **changes)
    desk.answers(issuer, desk.hears(issuer))
    assert desk.hears(shop).response_code == "00"
    return asked


def test_a5_who_undoes_anothers_payment_hears_what_he_hears_of_none() -> None:
    desk = Desk()
    issuer, shop, thief = desk.issuer(), desk.gateway(), desk.gateway("comtrust")
    asked = approved(desk, issuer, shop)
    told = []
    for stan in (asked["stan"], "999999"):  # somebody's, and nobody's
        desk.reverses(thief, {**asked, "stan": stan}, "0400", stan=f"7{(stan or '')[1:]}")
        answer = desk.hears(thief)
        told.append({number: answer.get(number) for number in (38, 39, 44)})
    assert told[0] == told[1] == {38: None, 39: "25", 44: "original.unknown"}
    assert desk.silent(issuer)


def test_a6_a_purchase_played_again_has_no_second_effect() -> None:
    desk = Sealed()
    issuer = desk.issuer()
    frame = desk.sealed(desk.shop)
    desk.frames(desk.shop, frame)
    desk.answers(issuer, desk.hears(issuer))
    first = desk.hears(desk.shop)
    for _ in range(3):
        desk.frames(desk.shop, frame)
        again = desk.hears(desk.shop)
        assert (again.response_code, again.approval_code) == (first.response_code, first.approval_code)
    after = desk.restarted()
    issuer, shop = after.issuer(), after.gateway()
    after.asks(shop)
    assert after.hears(shop).approval_code == first.approval_code
    after.now = Instant(after.now.elapsed + 2 * DAY_S, after.now.wall + 2 * DAY_S)
    after.asks(shop)
    answer = after.hears(shop)
    assert (answer.response_code, answer.reason) == ("94", "duplicate.old")
    assert after.silent(issuer)


def test_a7_a_new_number_under_the_old_seal_is_refused() -> None:
    desk = Sealed()
    issuer = desk.issuer()
    message = desk.tongue(desk.shop).decode(desk.sealed(desk.shop))
    desk.frames(desk.shop, message.patched({de.STAN: "000555"}))
    assert desk.hears(desk.shop).reason == "mac.invalid"
    assert desk.silent(issuer)


def test_a8_what_we_said_ourselves_goes_nowhere() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    desk.asks(shop)
    request = desk.hears(issuer)
    desk.frames(issuer, request.frame)  # our request, from whom it was for
    assert desk.hears(issuer).reason == "type.unknown"
    desk.answers(issuer, request)
    answer = desk.hears(shop)
    desk.frames(shop, answer.frame)  # our answer
    assert desk.silent(shop)
    assert desk.silent(issuer)
    assert "answer.unasked" in [event.name for event in desk.events]


def test_a9_a_changed_request_is_refused() -> None:
    for element, value in ((de.AMOUNT, "000000000001"), (de.CURRENCY, "840"), (de.PROCESSING_CODE, "200000")):
        desk = Sealed()
        issuer = desk.issuer()
        message = desk.tongue(desk.shop).decode(desk.sealed(desk.shop))
        desk.frames(desk.shop, message.patched({element: value}))
        assert desk.hears(desk.shop).reason == "mac.invalid"
        assert desk.silent(issuer)


def test_a12_a_decline_made_an_approval_is_no_approval() -> None:
    """The bank seals its decline; on the way DE 39 becomes 00, and an approval code is put in."""
    desk = Sealed()
    bank = desk.issuer(keys=Keys(mac_key=BANKS))
    desk.frames(desk.shop, desk.sealed(desk.shop))
    request = desk.hears(bank)
    frames: list[bytes] = []
    passes, desk.frames = desk.frames, lambda _, *sent: frames.extend(sent)  # type: ignore[method-assign, misc]
    desk.answers_sealed(bank, request, response_code="51")
    desk.frames = passes  # type: ignore[method-assign]
    declined = desk.tongue(bank).decode(frames[0])
    desk.frames(bank, declined.patched({de.RESPONSE_CODE: "00", de.APPROVAL_CODE: "A1B2C3"}))
    answer = desk.hears(desk.shop)
    assert (answer.response_code, answer.reason, answer.approval_code) == ("63", "mac.invalid", None)
    assert desk.hears(bank).mti == "0420"


def test_a12_where_nothing_is_sealed_the_books_tell() -> None:
    ours = Entry("0100/000001/1123205144/999002", State.APPROVED, 10_000, "AED", "632211000001", "00")
    theirs = Entry(ours.key, State.DECLINED, 0, "AED", ours.rrn, "51")
    found = audit({"sandbox": [ours]}, {"sandbox": [theirs]})
    assert [one.key for one in found.disagreements] == [ours.key]


def test_a13_an_answer_counts_only_from_whom_was_asked() -> None:
    desk = Desk()
    issuer, other, shop = desk.issuer(), desk.issuer("nbk"), desk.gateway()
    desk.asks(shop)
    request = desk.hears(issuer)
    desk.frames(other, request.answered({de.RESPONSE_CODE: "00", de.APPROVAL_CODE: "FORGED"}))
    desk.frames(shop, request.answered({de.RESPONSE_CODE: "00", de.APPROVAL_CODE: "FORGED"}))
    assert desk.silent(shop)
    desk.answers(issuer, request, "51")
    assert desk.hears(shop).response_code == "51"


def test_a28_nothing_here_runs_what_it_reads() -> None:
    runs = re.compile(r"\b(pickle|marshal|shelve)\b|(?<![\w.])(eval|exec)\(|yaml\.load\(")
    parties = ("protocols", "switch", "hsm_sim", "issuers", "acquirers", "loadtest")
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for party in parties
        for path in (ROOT / party).rglob("*.py")
        if runs.search(text := path.read_text())
        for line in text.splitlines()
        if runs.search(line) and not line.lstrip().startswith("#")
    ]
    assert found == [f"{GENERATED}: exec(source, names)"]
