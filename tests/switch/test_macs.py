"""Seals: made and checked by the HSM where a MAC key is agreed; the wrong one is refused and goes nowhere."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest

from protocols import dialects
from protocols import elements as de
from protocols.dialect import Dialect
from protocols.elements import element_named
from protocols.hsm import HsmRequest
from protocols.message import Message
from protocols.participant import Keys, Mac
from protocols.seal import Unsealed, seal_of
from tests.switch.desk import NETWORK, PURCHASE, Desk, elements

SHOPS, BANKS = "U" + "1" * 32, "U" + "2" * 32

every_dialect = pytest.mark.parametrize("dialect", dialects.names())


def mac_of(key: str, covered: bytes) -> str:
    """Not how an HSM does it, and as good: another key or another byte is another MAC."""
    return sha256(key.encode() + covered).hexdigest()[:16].upper()


class Sealed(Desk):
    """A desk with an HSM that answers by itself, and a gateway whose messages are sealed."""

    def __init__(self, *, answering: bool = True, **agreed: Any) -> None:
        super().__init__()
        self.answering = answering
        self.box = self.hsm()
        self.asked: list[HsmRequest] = []
        self.shop = self.gateway(**{"keys": Keys(mac_key=SHOPS), **agreed})

    def settle(self) -> None:
        super().settle()
        box = getattr(self, "box", None)
        while box is not None and self.answering and self.raw.get(box):
            request = self.hsm_hears(box)
            self.asked.append(request)
            made = mac_of(request.fields["key"], bytes.fromhex(request.fields["message"]))
            made = made[: 16 if request.fields["mac_size"] == "1" else 8]
            if request.command == "M6":
                self.hsm_answers(box, request, mac=made)
            else:
                self.hsm_answers(box, request, "00" if request.fields["mac"] == made else "01")

    def sealed(self, number: int, mti: str = "0100", key: str = SHOPS, **changes: str | None) -> bytes:
        """The purchase, sealed."""
        unsealed = Unsealed(self.tongue(number), self.tongue(number).encode(mti, elements({**PURCHASE, **changes})))
        return unsealed.sealed(mac_of(key, unsealed.covered))

    def tongue(self, number: int) -> Dialect:
        return self._tongues[number]

    def answers_sealed(self, number: int, request: Message, key: str = BANKS, **said: str) -> None:
        patch = {element_named(name).number: value for name, value in said.items()}
        unsealed = Unsealed(self.tongue(number), request.answered(patch))
        self.frames(number, unsealed.sealed(mac_of(key, unsealed.covered)))


def is_sealed_with(key: str, message: Message) -> bool:
    seal = seal_of(message)
    return seal is not None and seal.mac == mac_of(key, seal.covered)


@every_dialect
def test_a_sealed_request_is_looked_at_and_its_answer_is_sealed(dialect: str) -> None:
    desk = Sealed(dialect=dialect)
    bank = desk.issuer()
    desk.frames(desk.shop, desk.sealed(desk.shop))
    request = desk.hears(bank)
    assert de.MAC not in request
    assert de.MAC_2 not in request
    desk.answers(bank, request)
    answer = desk.hears(desk.shop)
    assert answer.response_code == "00"
    assert is_sealed_with(SHOPS, answer)
    assert desk.core.is_idle


@every_dialect
def test_a_seal_is_made_anew_for_the_issuer(dialect: str) -> None:
    desk = Sealed()
    bank = desk.issuer(dialect=dialect, keys=Keys(mac_key=BANKS))
    desk.frames(desk.shop, desk.sealed(desk.shop))
    request = desk.hears(bank)
    assert is_sealed_with(BANKS, request)
    desk.answers_sealed(bank, request, response_code="00", approval_code="A1B2C3")
    answer = desk.hears(desk.shop)
    assert (answer.response_code, answer.approval_code) == ("00", "A1B2C3")
    assert is_sealed_with(SHOPS, answer)


@pytest.mark.parametrize("broken", ["missing", "zero", "wrong key", "one bit", "made over again"])
def test_a_wrong_or_missing_seal_is_refused_and_goes_nowhere(broken: str) -> None:
    """Rows 51 and 52 of the catalogue."""
    desk = Sealed()
    bank, tongue = desk.issuer(), desk.tongue(desk.shop)
    right = desk.sealed(desk.shop)
    frame = {
        "missing": tongue.encode("0100", elements(PURCHASE)),
        "zero": tongue.decode(right).patched({de.MAC: "0" * 16}),
        "wrong key": desk.sealed(desk.shop, key=BANKS),
        "one bit": right.replace(b"000000010000", b"000000010001"),
        "made over again": tongue.decode(right).patched({de.STAN: "000002"}),
    }[broken]
    desk.frames(desk.shop, frame)
    answer = desk.hears(desk.shop)
    assert (answer.response_code, answer.reason) == ("63", "mac.invalid")
    assert is_sealed_with(SHOPS, answer)
    assert desk.silent(bank)
    assert len(desk.records()) == 1  # that the switch started
    assert [event.name for event in desk.events if event.name == "mac.invalid"]


def test_a_seal_stands_in_the_last_bitmap() -> None:
    desk = Sealed()
    desk.issuer()
    frame = desk.sealed(desk.shop, "0420", original="0100000001" + "1118110640" + "0" * 22, stan="000009")
    message = desk.tongue(desk.shop).decode(frame)
    assert de.MAC_2 in message
    assert de.MAC not in message
    desk.frames(desk.shop, frame)
    assert desk.hears(desk.shop).response_code == "00"
    desk.frames(desk.shop, message.patched({de.MAC: message.get(de.MAC_2), de.MAC_2: None, de.STAN: "000010"}))
    assert desk.hears(desk.shop).reason == "mac.invalid"


def test_a_forged_answer_is_none_and_its_request_is_undone() -> None:
    """51 becomes 00 between issuer and switch."""
    desk = Sealed()
    bank = desk.issuer(keys=Keys(mac_key=BANKS))
    desk.frames(desk.shop, desk.sealed(desk.shop))
    request = desk.hears(bank)
    desk.answers_sealed(bank, request, key=SHOPS, response_code="00", approval_code="A1B2C3")
    answer = desk.hears(desk.shop)
    assert (answer.response_code, answer.reason) == ("63", "mac.invalid")
    undone = desk.hears(bank)
    assert undone.mti == "0420"
    assert is_sealed_with(BANKS, undone)
    desk.answers(bank, undone)  # without a seal nobody believes the acknowledgement either
    assert len(desk.core.issuers["sandbox"].saf) == 1
    desk.answers_sealed(bank, undone, response_code="00")
    assert not len(desk.core.issuers["sandbox"].saf)


def test_a_short_seal_has_zeros_behind_it() -> None:
    desk = Sealed(mac=Mac(digits=8))
    bank = desk.issuer()
    tongue = desk.tongue(desk.shop)
    unsealed = Unsealed(tongue, tongue.encode("0100", elements(PURCHASE)))
    desk.frames(desk.shop, unsealed.sealed(mac_of(SHOPS, unsealed.covered)[:8]))
    desk.answers(bank, desk.hears(bank))
    answer = desk.hears(desk.shop)
    assert answer.response_code == "00"
    assert (answer.get(de.MAC) or "")[8:] == "0" * 8
    desk.frames(desk.shop, desk.sealed(desk.shop, stan="000002"))
    assert desk.hears(desk.shop).reason == "mac.invalid"


def test_only_what_the_agreement_says_is_sealed() -> None:
    desk = Sealed(mac=Mac(on=frozenset({"answers"})))
    bank = desk.issuer()
    desk.asks(desk.shop)
    desk.answers(bank, desk.hears(bank))
    assert is_sealed_with(SHOPS, desk.hears(desk.shop))
    desk.says(desk.shop, "0800", network_management_code="301")
    echo = desk.hears(desk.shop)
    assert echo.response_code == "00"
    assert seal_of(echo) is None


def test_links_without_a_key_never_ask_the_hsm() -> None:
    desk = Sealed()
    bank, other = desk.issuer(), desk.gateway()
    desk.asks(other)
    desk.answers(bank, desk.hears(bank))
    assert desk.hears(other).response_code == "00"
    assert not desk.asked


def test_without_the_hsm_only_what_needs_it_is_refused() -> None:
    desk = Sealed()
    bank, other = desk.issuer(), desk.gateway()
    desk.hangs_up(desk.box)
    desk.frames(desk.shop, desk.sealed(desk.shop))
    assert desk.silent(bank)
    desk.asks(other, stan="000002")
    desk.answers(bank, desk.hears(bank))
    assert desk.hears(other).response_code == "00"
    assert [event.name for event in desk.events if event.name == "hsm.down"]


def test_a_silent_hsm_is_waited_for_no_longer_than_agreed() -> None:
    desk = Sealed(answering=False, mac=Mac(on=frozenset({"requests"})))
    bank = desk.issuer()
    desk.frames(desk.shop, desk.sealed(desk.shop))
    desk.passes(1.1)
    answer = desk.hears(desk.shop)
    assert (answer.response_code, answer.reason) == ("96", "hsm.down")
    assert desk.silent(bank)
    assert desk.core.outstanding(desk.shop) == 0
    assert desk.core.is_idle


def test_a_request_that_cannot_be_sealed_never_leaves() -> None:
    desk = Desk()
    bank, shop = desk.issuer(keys=Keys(mac_key=BANKS)), desk.gateway()
    desk.asks(shop)
    answer = desk.hears(shop)
    assert (answer.response_code, answer.reason) == ("96", "hsm.down")
    assert desk.silent(bank)


def test_an_approval_that_cannot_be_sealed_was_not_delivered() -> None:
    desk = Sealed()
    bank = desk.issuer()
    desk.frames(desk.shop, desk.sealed(desk.shop))
    request = desk.hears(bank)
    desk.hangs_up(desk.box)
    desk.answers(bank, request)
    assert desk.silent(desk.shop)
    assert desk.hears(bank).mti == "0420"
    assert desk.core.outstanding(desk.shop) == 0


def test_the_network_of_the_demonstration_agrees_no_seals() -> None:
    assert not any(one.mac_key for one in NETWORK.participants.values())
