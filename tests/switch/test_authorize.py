"""Conversations about authorizations: gateway, switch, issuer; bytes and numbers only."""

from __future__ import annotations

import subprocess
import sys

import pytest

from protocols import elements as de
from tests.switch.desk import CREDIT_CARD, DEBIT_CARD, INTERNET_CARD, PURCHASE, SANDBOX_CARD, Desk


def test_a_purchase_is_forwarded_answered_and_recorded() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    asked = desk.asks(shop)

    request = desk.hears(issuer)
    assert request.mti == "0100"
    assert request.stan != asked["stan"]  # a number of the switch's own
    assert (request.get(de.PAN), request.amount) == (SANDBOX_CARD, 10000)
    desk.answers(issuer, request)

    answer = desk.hears(shop)
    assert answer.mti == "0110"
    assert (answer.response_code, answer.approval_code) == ("00", "A1B2C3")
    for name in (
        "pan",
        "processing_code",
        "amount",
        "transmitted_at",
        "stan",
        "rrn",
        "terminal_id",
        "card_acceptor_id",
    ):
        assert answer.get(de.element_named(name).number) == asked[name]
    assert [type(record).__name__ for record in desk.records()] == ["Started", "Sent", "Answered"]
    assert desk.core.is_idle


def test_nothing_is_sent_before_its_record_is_durable() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    desk.commits = False
    desk.asks(shop)
    assert desk.silent(issuer)
    batch = desk.core.take_batch()
    assert batch is not None
    assert desk.core.take_batch() is None  # one at a time
    desk.core.durable(batch.epoch, desk.now)
    desk.settle()
    request = desk.hears(issuer)

    desk.answers(issuer, request)
    assert desk.silent(shop)
    batch = desk.core.take_batch()
    assert batch is not None
    desk.core.durable(batch.epoch, desk.now)
    desk.settle()
    assert desk.hears(shop).response_code == "00"


def test_the_issuers_decline_travels_with_its_reason() -> None:
    desk = Desk()
    issuer, shop = desk.issuer("nbk"), desk.gateway()
    desk.asks(shop, pan=INTERNET_CARD, currency="414")
    desk.answers(issuer, desk.hears(issuer), "61", reason="overlimit.used")
    answer = desk.hears(shop)
    assert (answer.response_code, answer.reason, answer.approval_code) == ("61", "overlimit.used", None)


def test_a_foreign_purchase_is_billed_in_the_cards_currency() -> None:
    desk = Desk()
    issuer, shop = desk.issuer("nbk"), desk.gateway()
    desk.asks(shop, pan=INTERNET_CARD, amount="000000012000", currency="784")  # AED 120.00 at 0.0832
    request = desk.hears(issuer)
    assert (request.get(de.BILLING_AMOUNT), request.get(de.BILLING_CURRENCY)) == ("000000009984", "414")
    assert (request.get(de.BILLING_RATE), request.get(de.CONVERSION_DATE)) == ("60083200", "1118")
    desk.answers(issuer, request)
    answer = desk.hears(shop)
    assert (answer.response_code, answer.get(de.BILLING_AMOUNT), answer.get(de.BILLING_CURRENCY)) == (
        "00",
        "000000009984",
        "414",
    )


@pytest.mark.parametrize(
    ("changes", "code", "reason"),
    [
        ({"pan": "4111111111111112"}, "14", "pan.luhn"),
        ({"pan": "9999999999999995"}, "15", "issuer.unknown"),
        (
            {"pan": INTERNET_CARD, "processing_code": "010000", "merchant_type": "6011", "pos_entry_mode": "051"},
            "57",
            "channel.atm",
        ),
        ({"pan": INTERNET_CARD, "pos_entry_mode": "051", "pos_condition_code": "00"}, "57", "channel.pos"),
        ({"pan": INTERNET_CARD, "pos_entry_mode": "012", "pos_condition_code": "08"}, "57", "channel.moto"),
        ({"pan": INTERNET_CARD, "pos_entry_mode": "011", "pos_condition_code": "00"}, "57", "channel.pos"),
        ({"pan": INTERNET_CARD, "merchant_type": "6012"}, "57", "merchant_type.6012"),
        ({"pan": INTERNET_CARD, "processing_code": "400000"}, "57", "type.transfer"),
        ({"pan": INTERNET_CARD, "expiry": "2610"}, "54", "card.expired"),
        ({"pan": INTERNET_CARD, "card_acceptor_id": "NBKATM000000001"}, "57", "channel.atm"),  # it keeps its type
        ({"pan": DEBIT_CARD, "pos_entry_mode": "051", "pos_condition_code": "00"}, "57", "pin.missing"),
        ({"amount": "000000000000"}, "13", "amount.zero"),
        ({"currency": "999"}, "12", "currency.unknown"),
        ({"processing_code": "990000"}, "12", "type.unknown"),
        ({"pan": INTERNET_CARD, "currency": "352"}, "12", "rate.none"),
    ],
)
def test_what_the_network_refuses_never_reaches_the_issuer(changes: dict[str, str], code: str, reason: str) -> None:
    desk = Desk()
    issuers, shop = (desk.issuer("nbk"), desk.issuer("sandbox")), desk.gateway()
    desk.asks(shop, **changes)
    answer = desk.hears(shop)
    assert (answer.response_code, answer.reason) == (code, reason)
    assert all(map(desk.silent, issuers))
    assert desk.core.is_idle


def test_a_broken_element_is_named_and_the_link_stays() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    desk.frames(shop, _frame().replace(b"000000010000", b"0000000100X0", 1))
    answer = desk.hears(shop)
    assert (answer.mti, answer.response_code, answer.reason, answer.stan) == ("0110", "30", "format.de4", "000001")
    desk.asks(shop, stan="000002")
    assert desk.hears(issuer).mti == "0100"


@pytest.mark.parametrize("name", ["pan", "processing_code", "amount", "transmitted_at", "terminal_id", "currency"])
def test_a_missing_element_is_named(name: str) -> None:
    desk = Desk()
    shop = desk.gateway()
    desk.asks(shop, **{name: None})
    answer = desk.hears(shop)
    assert (answer.mti, answer.response_code) == ("0110", "30")
    assert answer.reason == f"missing.de{de.element_named(name).number}"


def test_without_a_stan_there_is_only_a_reject() -> None:
    desk = Desk()
    shop = desk.gateway()
    for _ in range(10):
        desk.asks(shop, stan=None)
        reject = desk.hears(shop)
        assert (reject.mti, reject.response_code, reject.reason) == ("0620", "30", "missing.de11")
    assert desk.closures == []
    desk.asks(shop, stan=None)
    assert desk.closures == [(shop, "too many messages that cannot be read")]


def test_an_unknown_message_type_is_rejected_with_its_stan() -> None:
    desk = Desk()
    shop = desk.gateway()
    desk.frames(shop, b"0700" + _frame()[4:])
    reject = desk.hears(shop)
    assert (reject.mti, reject.response_code, reject.stan) == ("0620", "12", "000001")


def test_an_answer_that_nobody_asked_for_changes_nothing() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    desk.says(shop, "0110", **PURCHASE, response_code="00")
    assert desk.silent(shop)
    desk.asks(shop)
    request = desk.hears(issuer)
    stray = request.patched({de.STAN: "999999", de.RESPONSE_CODE: "00", de.APPROVAL_CODE: "XXXXXX"}, "0110")
    desk.frames(issuer, stray)
    desk.frames(
        issuer, request.patched({de.RESPONSE_CODE: "00", de.APPROVAL_CODE: "XXXXXX", de.AMOUNT: "000000000001"}, "0110")
    )
    desk.frames(issuer, request.patched({de.RESPONSE_CODE: "00"}, "0130"))
    assert desk.silent(shop)
    desk.answers(issuer, request)
    assert desk.hears(shop).approval_code == "A1B2C3"
    assert desk.core.counts["answer.unmatched"] == 3


def test_two_gateways_with_one_stan_do_not_cross() -> None:
    desk = Desk()
    issuer, one, other = desk.issuer(), desk.gateway(), desk.gateway()
    desk.asks(one, terminal_id="LAB00001", amount="000000000100")
    desk.asks(other, terminal_id="LAB00002", amount="000000000200")
    first, second = desk.hears(issuer), desk.hears(issuer)
    assert first.stan != second.stan
    desk.answers(issuer, second, approval_code="SECOND")
    desk.answers(issuer, first, approval_code="FIRST1")
    assert (desk.hears(one).approval_code, desk.hears(other).approval_code) == ("FIRST1", "SECOND")


def test_a_request_without_a_retrieval_number_gets_one() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    desk.asks(shop, rrn=None)
    request = desk.hears(issuer)
    assert request.rrn is not None
    assert request.rrn.startswith("632211")  # 2026, day 322, eleven o'clock
    desk.answers(issuer, request)
    assert desk.hears(shop).rrn == request.rrn


def test_a_participant_that_must_sign_on_is_refused_until_it_has() -> None:
    desk = Desk()
    issuer, shop = desk.issuer("nbk"), desk.gateway("comtrust")
    shop_terms = {
        "pan": INTERNET_CARD,
        "card_acceptor_id": "UAEMALL00000001",
        "terminal_id": "UAEM0001",
        "acquirer_id": None,
    }
    desk.asks(shop, **shop_terms)
    request = desk.hears(issuer)
    assert (request.acquirer_id, request.forwarder_id) == ("784001", "784900")  # stamped from the agreements
    desk.says(shop, "0800", network_management_code="002")
    assert desk.hears(shop).response_code == "00"
    desk.asks(shop, **shop_terms, stan="000002")
    answer = desk.hears(shop)
    assert (answer.response_code, answer.reason) == ("58", "link.not_signed_on")


@pytest.mark.parametrize(
    ("changes", "code", "reason"),
    [
        ({"card_acceptor_id": "NOBODY000000001"}, "03", "merchant.unknown"),
        ({"card_acceptor_id": None}, "03", "merchant.unknown"),
        ({"terminal_id": "STRANGER"}, "58", "terminal.not_allowed"),
        ({"currency": "392"}, "58", "terminal.not_allowed"),
    ],
)
def test_a_contract_binds_the_merchant(changes: dict[str, str | None], code: str, reason: str) -> None:
    desk = Desk()
    desk.issuer("nbk")
    shop = desk.gateway("comtrust")
    desk.asks(shop, **{"pan": CREDIT_CARD, "card_acceptor_id": "UAEMALL00000001", "terminal_id": "UAEM0001", **changes})
    answer = desk.hears(shop)
    assert (answer.response_code, answer.reason) == (code, reason)


def test_ten_requests_at_once_get_ten_answers_in_one_write_each() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    desk.frames(shop, *(_frame(f"{number:06d}") for number in range(1, 11)))
    requests = [desk.hears(issuer) for _ in range(10)]
    desk.frames(
        issuer, *(request.answered({de.RESPONSE_CODE: "00", de.APPROVAL_CODE: "A1B2C3"}) for request in requests)
    )
    assert [desk.hears(shop).stan for _ in range(10)] == [f"{number:06d}" for number in range(1, 11)]


def test_an_echo_is_answered_at_once() -> None:
    desk = Desk(commits=False)
    shop = desk.gateway()
    desk.says(shop, "0800", network_management_code="301", stan="000042")
    answer = desk.hears(shop)
    assert (answer.mti, answer.response_code, answer.stan, answer.network_management_code) == (
        "0810",
        "00",
        "000042",
        "301",
    )
    desk.says(shop, "0800", network_management_code="999")
    assert desk.hears(shop).response_code == "12"


def test_two_cores_live_in_one_process_and_share_nothing() -> None:
    one, other = Desk(), Desk()
    issuer, shop = one.issuer(), one.gateway()
    other_shop = other.gateway()
    one.asks(shop)
    other.asks(other_shop)
    assert other.hears(other_shop).reason == "issuer.down"
    one.answers(issuer, one.hears(issuer))
    assert one.hears(shop).response_code == "00"


def test_the_same_inputs_give_the_same_outputs() -> None:
    def run() -> list[bytes]:
        desk = Desk(seed=7)
        issuer, shop = desk.issuer("nbk"), desk.gateway()
        desk.asks(shop, pan=CREDIT_CARD, currency="414", amount="000000100000")
        desk.hears(issuer)
        desk.passes(9)
        return [message.frame for message in desk.heard[issuer]] + desk.disk

    assert run() == run()


def test_the_core_imports_no_trio() -> None:
    code = "import sys, switch.core; sys.exit('trio' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def _frame(stan: str = "000001") -> bytes:
    from tests.switch.desk import DIALECT, elements

    return DIALECT.encode("0100", elements({**PURCHASE, "stan": stan}))
