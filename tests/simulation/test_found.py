"""What the simulation has found in the product, each as a conversation of its own."""

from __future__ import annotations

from random import Random

import pytest

from switch import ends
from switch.ends import IssuerEnd
from switch.transaction import Told
from tests.simulation.network.repeatable import NotRepeatableError, replaced
from tests.switch.desk import NETWORK, Desk


def test_a_number_that_a_late_answer_may_come_under_is_taken_last() -> None:
    """Else that answer, of the same amount and terminal, would be another payment's (fast tier, 12 numbers, seed 8)."""
    with replaced(ends, STAN_LAST=3):
        issuer = IssuerEnd(NETWORK.participants["nbk"], Random(1))
        assert issuer.take_stan("1118110640") == "000001"
        late = Told(1, "lab/1/1118110640000001LAB00001", _request(), 1)
        late.stan = "000001"
        issuer.give_up_on(late, stood_in=False)
        taken = [issuer.take_stan(f"11181106{second}") for second in range(41, 44)]
        assert taken == ["000002", "000003", "000002"]
        issuer.pending = dict.fromkeys(("000002", "000003"), late)
        assert issuer.take_stan("1118110645") == "000001"  # there is no other


def test_numbers_of_a_convoy_that_does_not_set_out_are_not_used_up() -> None:
    """Else the next with the same DE 7 would find none free (fast tier, 30 numbers, seed 37)."""
    issuer = IssuerEnd(NETWORK.participants["nbk"], Random(1))
    assert issuer.next_stans(3, "1118110640") == ["000001", "000002", "000003"]
    assert [issuer.take_stan("1118110640") for _ in range(2)] == ["000001", "000002"]
    assert issuer.next_stans(2, "1118110640") == ["000003", "000004"]
    issuer.take_next(2, "1118110640")
    assert issuer.take_stan("1118110640") == "000005"


def _request() -> object:
    class OfAType:
        mti = "0100"

    return OfAType()


def test_a_late_answer_is_nobody_elses() -> None:
    with replaced(ends, STAN_LAST=30):
        desk = Desk()
        issuer, shop = desk.issuer(), desk.gateway()
        desk.asks(shop, rrn="000000000001")
        late = desk.hears(issuer)
        desk.passes(9)
        assert desk.hears(shop).response_code == "91"
        desk.answers(issuer, desk.hears(issuer))  # the reversal of what was in doubt
        for number in range(2, 40):
            desk.asks(shop, stan=f"{number:06d}", rrn=f"{number:012d}", transmitted_at=f"11181107{number:02d}")
            message = desk.hears(issuer)
            assert message.stan != late.stan
            desk.answers(issuer, message)
            assert desk.hears(shop).response_code == "00"
        desk.answers(issuer, late)
        assert desk.silent(shop)


def test_a_name_that_is_gone_stops_the_simulation() -> None:
    with pytest.raises(NotRepeatableError), replaced(ends, NO_SUCH_NAME=1):
        pass
