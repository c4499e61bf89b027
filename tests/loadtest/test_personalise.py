"""PVV and CVV of cards: made by the real commands of the simulated HSM, and what it refuses is told."""

from typing import cast

import pytest

from loadtest.population import Population, Range
from loadtest.shell.personalise import personalised, personalised_by
from loadtest.usage import UsageError
from protocols.runtime.hsm_client import HsmClient
from tests.issuers.real_hsm import CVK, RealHsm

PVK = "U6BC12F1E18A69972B123ED97057D78AC"


async def test_each_card_gets_a_pvv_and_a_cvv_of_its_own() -> None:
    cards = list(Population(50, [Range.parse("978410")], with_pins=True).cards())
    hsm = RealHsm()
    cards = [await personalised_by(cast(HsmClient, hsm), card, PVK, CVK) for card in cards]
    assert len({card.pvv for card in cards}) > 40
    assert all(card.cvv == hsm.cvv(card.pan, card.expiry, card.service_code) for card in cards)


async def test_without_a_key_nothing_is_asked_for() -> None:
    cards = list(Population(5, [Range.parse("978410")], with_pins=True).cards())
    assert [await personalised_by(cast(HsmClient, RealHsm()), card, None, None) for card in cards] == cards


def test_an_address_that_is_none_is_told() -> None:
    with pytest.raises(UsageError, match="host:port"):
        personalised([], "nowhere", PVK, None)
