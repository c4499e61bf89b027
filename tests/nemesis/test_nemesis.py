"""Who tests the tester: the proxy does the harm it says, and the recount finds every fault that is planted."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from random import Random
from typing import Any

import pytest

from tests.nemesis.load import Card, Payment
from tests.nemesis.proxy import CUT, FAULTS, TO_SWITCH, Spoiler, stan_at, with_wrong_stan
from tests.nemesis.recount import recount
from tests.peers.client import pack, unpack

CARD = Card("4111111111111111", "2912", "sandbox")
MESSAGE = pack("0110", {2: CARD.pan, 3: "000000", 4: "000000000500", 7: "1118110640", 11: "000042", 39: "00"})
World = tuple[list[Payment], list[dict[str, Any]]]


def clean() -> World:
    """Ten payments, told and booked as they should be: approved, declined, repeated, taken back."""
    payments, books = [], []
    for number in range(10):
        fields = {2: CARD.pan, 4: f"{500 + number:012d}", 37: f"{number:012d}", 49: "784"}
        payment = Payment(number, CARD, fields, "once")
        code = "51" if number == 3 else "00"
        payment.told = [
            {4: fields[4], 37: fields[37], 39: code, **({38: f"A{number:05d}"} if code == "00" else {})}
        ] * 2
        if number == 5:
            payment.reversal, payment.reversal_told = {39: ""}, [{39: "00"}]
        state = {3: "declined", 5: "reversed"}.get(number, "approved")
        payments.append(payment)
        books.append(
            {"rrn": fields[37], "state": state, "amount": 500 + number, "currency": "AED", "key": f"k{number}"}
        )
    return payments, books


def lost(payments: list[Payment], books: list[dict[str, Any]]) -> None:
    del books[2]


def doubled(payments: list[Payment], books: list[dict[str, Any]]) -> None:
    books.append(dict(books[2]))


def declined_and_taken(payments: list[Payment], books: list[dict[str, Any]]) -> None:
    books[3]["state"] = "approved"


def taken_back_and_stands(payments: list[Payment], books: list[dict[str, Any]]) -> None:
    books[5]["state"] = "approved"


def off_by_one(payments: list[Payment], books: list[dict[str, Any]]) -> None:
    books[1]["amount"] += 1


def still_waiting(payments: list[Payment], books: list[dict[str, Any]]) -> None:
    books[1]["state"] = "waiting"


def another_answer(payments: list[Payment], books: list[dict[str, Any]]) -> None:
    payments[1].told.append({**payments[1].told[0], 38: "OTHER1"})


def never_told(payments: list[Payment], books: list[dict[str, Any]]) -> None:
    payments[1].told.clear()


def somebody_elses_answer(payments: list[Payment], books: list[dict[str, Any]]) -> None:
    payments[1].told = [{**payments[1].told[0], 37: "000000000007"}]


def conflict_approved(payments: list[Payment], books: list[dict[str, Any]]) -> None:
    payments[1].conflicts.append({39: "00"})


def nobody_asked(payments: list[Payment], books: list[dict[str, Any]]) -> None:
    books.append({**books[1], "rrn": "999999999999"})


PLANTED = (
    lost, doubled, declined_and_taken, taken_back_and_stands, off_by_one, still_waiting, another_answer, never_told,
    somebody_elses_answer, conflict_approved, nobody_asked,
)  # fmt: skip


def test_clean_books_have_no_finding() -> None:
    assert recount(*clean()) == []


@pytest.mark.parametrize("plant", PLANTED, ids=lambda one: one.__name__)
def test_every_planted_fault_is_found(plant: Callable[..., None]) -> None:
    payments, books = deepcopy(clean())
    plant(payments, books)
    assert recount(payments, books)


def test_a_wrong_stan_is_all_that_is_wrong() -> None:
    _, before = unpack(MESSAGE)
    _, after = unpack(with_wrong_stan(MESSAGE))
    assert MESSAGE[stan_at(MESSAGE) or 0 :].startswith(b"000042")
    assert after.pop(11) != before.pop(11)
    assert after == before


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_gives_whole_messages_pauses_or_an_end(name: str) -> None:
    on = Spoiler(TO_SWITCH, Random(1))
    whole = on.whole(MESSAGE)
    passed = [happening for _ in range(200) for happening in FAULTS[name](on, MESSAGE)]
    stream = b"".join(one for one in passed if isinstance(one, bytes))
    if name == "half_open":
        assert passed == []
    elif name == "cut":
        assert CUT in passed
    elif name == "drop":
        assert 0 < len(stream) < 200 * len(whole)
    elif name == "duplicate":
        assert len(stream) > 200 * len(whole)
    elif name == "wrong_stan":
        assert set(map(bytes, filter(lambda one: isinstance(one, bytes), passed))) == {
            whole,
            on.whole(with_wrong_stan(MESSAGE)),
        }
    else:  # everything arrives, some of it late or in another order
        assert len(stream) >= 199 * len(whole)
        assert len(stream) % len(whole) == 0
