"""A transfer waits until two officers have approved it; then it is sent once."""

from __future__ import annotations

import json

import pytest

from acquirers.till import Line, Till, TillError
from protocols import elements as de
from tests.acquirers.making import house, stamp

TRANSFER = Line.read(
    '{"id": 1, "do": "transfer", "pan": "9784300000000015", "expiry": "2912", "amount": "1500.00", "currency": "AED",'
    ' "from_account": "nbd-3001", "to_account": "nbd-3002"}'
)


def approves(officer: str, id_: int) -> Line:
    return Line.read(json.dumps({"id": id_, "do": "approve", "of": 1, "officer": officer}))


@pytest.fixture
def till() -> Till:
    return Till(house("comtrust"), stamp)


def test_two_officers_approve_and_then_it_is_sent(till: Till) -> None:
    assert json.loads(till.deliberation(TRANSFER) or "")["approvals_missing"] == 2
    assert json.loads(till.deliberation(approves("amal", 2)) or "")["approvals_missing"] == 1
    second = approves("badr", 3)
    assert till.deliberation(second) is None
    sent = till.request(second)
    assert sent.mti == "0200"
    assert (sent.values[de.PROCESSING_CODE], sent.values[de.AMOUNT]) == ("400000", "000000150000")
    assert (sent.values[de.FROM_ACCOUNT], sent.values[de.TO_ACCOUNT]) == ("nbd-3001", "nbd-3002")


@pytest.mark.parametrize(
    ("officers", "why"),
    [
        (("amal", "amal"), "another officer"),
        (("mallory",), "nobody of that name"),
        (("amal", "badr", "dana"), "nothing"),
    ],
)
def test_nobody_approves_twice_or_uninvited_or_what_was_sent(till: Till, officers: tuple[str, ...], why: str) -> None:
    till.deliberation(TRANSFER)
    with pytest.raises(TillError, match=why):
        for id_, officer in enumerate(officers, 2):
            till.deliberation(approves(officer, id_))


def test_what_was_refused_is_not_sent(till: Till) -> None:
    till.deliberation(TRANSFER)
    assert json.loads(till.deliberation(Line.read('{"id": 2, "do": "refuse", "of": 1}')) or "")["outcome"] == "refused"
    with pytest.raises(TillError, match="nothing"):
        till.deliberation(approves("amal", 3))


def test_what_cannot_be_sent_is_told_before_anybody_approves_it(till: Till) -> None:
    line = TRANSFER.model_copy(update={"to_account": None})
    with pytest.raises(TillError, match="to_account"):
        till.deliberation(line)
