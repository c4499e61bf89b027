"""A new working key by 0800 and DE 70 = 161: taken, given, in use, and outliving a restart."""

from __future__ import annotations

import pytest

from protocols import elements as de
from protocols.hsm import HsmRequest
from protocols.key_change import Offer, Use, offer_of
from protocols.message import Message
from protocols.participant import Keys
from switch.configuration import Configuration
from switch.core import Core
from switch.key_changes import with_key
from switch.records import NewKey
from tests.switch.desk import NETWORK, PURCHASE, Desk, elements
from tests.switch.test_macs import Sealed, is_sealed_with, mac_of
from tests.switch.test_promises import cash

ZMK, OLD, NEW = "U" + "F" * 32, "U" + "1" * 32, "U" + "9" * 32
TRAVELLING = "U" + "5" * 32
CHECK = "A1B2C3"


def with_keys(participant: str, **keys: str) -> Configuration:
    one = NETWORK.participants[participant]
    changed = one.model_copy(update={"keys": one.keys.model_copy(update=keys)})
    return NETWORK.__class__(
        NETWORK.network,
        {**NETWORK.participants, participant: changed},
        NETWORK.routes,
        NETWORK.merchants,
        NETWORK.rates,
    )


class KeyDesk(Sealed):
    """A desk whose gateway has a zone master key, signed on; its HSM also makes and takes keys."""

    def __init__(self) -> None:
        Desk.__init__(self, network=with_keys("lab", mac_key=OLD, zmk=ZMK))
        self.answering = True
        self.asked = []
        self.box = self.hsm()
        self.shop = self.gateway(keys=Keys(mac_key=OLD, zmk=ZMK))
        self.says(self.shop, "0800", network_management_code="001")
        assert self.hears(self.shop).response_code == "00"

    def settle(self) -> None:
        Desk.settle(self)
        box = getattr(self, "box", None)
        while box is not None and self.raw.get(box):
            request = self.hsm_hears(box)
            self.asked.append(request)
            self.answer(box, request)

    def answer(self, box: int, request: HsmRequest) -> None:
        fields = request.fields
        if request.command == "A6":
            assert fields["zmk"] == ZMK
            self.hsm_answers(box, request, key=NEW, check_value=CHECK)
        elif request.command == "A0":
            self.hsm_answers(box, request, key=NEW, exported_key=TRAVELLING, check_value=CHECK)
        else:
            made = mac_of(fields["key"], bytes.fromhex(fields["message"]))
            right = request.command == "M6" or made == fields["mac"]
            more = {"mac": made} if request.command == "M6" else {}
            self.hsm_answers(box, request, "00" if right else "01", **more)

    def offers(
        self, key: str = TRAVELLING, check_value: str = CHECK, use: Use = Use.MAC, stan: str = "000050"
    ) -> Message:
        """The gateway gives us a key; what it hears."""
        said = Offer(use, key, check_value).elements()
        tongue = self.tongue(self.shop)
        values = {de.TRANSMITTED_AT: "1118110640", de.STAN: stan, de.NETWORK_MANAGEMENT_CODE: "161"} | said
        self.frames(self.shop, tongue.encode("0800", values))
        return self.hears(self.shop)

    def trades(self, key: str, stan: str) -> Message:
        """A purchase under a key; its answer."""
        bank = self.issuer()
        self.frames(self.shop, self.sealed(self.shop, key=key, stan=stan))
        if not self.silent(bank):
            self.answers(bank, self.hears(bank))
        return self.hears(self.shop)


def test_a_key_is_taken_from_under_the_zmk_and_used_at_once() -> None:
    desk = KeyDesk()
    assert desk.offers().response_code == "00"
    [asked] = [one for one in desk.asked if one.command == "A6"]
    assert (asked.fields["key"], asked.fields["key_type"]) == (TRAVELLING, "008")
    answer = desk.trades(NEW, "000001")
    assert answer.response_code == "00"
    assert is_sealed_with(NEW, answer)


def test_the_old_key_is_good_until_something_came_under_the_new_one() -> None:
    desk = KeyDesk()
    desk.offers()
    assert desk.trades(OLD, "000001").response_code == "00"
    assert desk.trades(NEW, "000002").response_code == "00"
    assert desk.trades(OLD, "000003").reason == "mac.invalid"


def test_the_old_key_is_good_for_a_minute_at_most() -> None:
    desk = KeyDesk()
    desk.offers()
    desk.passes(61)
    assert desk.trades(OLD, "000001").reason == "mac.invalid"


@pytest.mark.parametrize(
    "wrong", [{"check_value": "A1B2C4"}, {"check_value": "A1B"}, {"key": ""}], ids=["value", "short", "none"]
)
def test_a_key_that_is_not_what_it_says_is_refused_and_the_old_one_stays(wrong: dict[str, str]) -> None:
    desk = KeyDesk()
    answer = desk.offers(**wrong)
    assert (answer.response_code, answer.reason) == ("63", "key.refused")
    assert desk.trades(OLD, "000001").response_code == "00"
    assert [event.name for event in desk.events if event.name == "key.refused"]


def test_a_key_change_that_is_played_again_is_refused() -> None:
    """Attack A11."""
    desk = KeyDesk()
    assert desk.offers().response_code == "00"
    assert desk.offers(stan="000051").reason == "key.refused"
    after = desk.records()
    assert len([one for one in after if isinstance(one, NewKey)]) == 1


def test_whoever_has_not_signed_on_changes_no_keys() -> None:
    desk = KeyDesk()
    desk.says(desk.shop, "0800", network_management_code="002")
    desk.hears(desk.shop)
    assert desk.offers().reason == "link.not_signed_on"


def test_without_a_zmk_there_is_no_key_change() -> None:
    desk = Desk()
    shop = desk.gateway("nbk")
    desk.says(shop, "0800", network_management_code="161", private_data="1133" + TRAVELLING + "1206" + CHECK)
    assert desk.hears(shop).reason == "key.refused"


def test_a_new_key_outlives_a_restart_and_the_old_one_does_not() -> None:
    desk = KeyDesk()
    desk.offers()
    core: Core = desk.restarted().core
    keys = core.network.participants["lab"].keys
    assert (keys.mac_key, keys.previous_mac_key) == (NEW, None)


def test_the_switch_gives_a_key_and_uses_it_once_it_was_taken() -> None:
    desk = KeyDesk()
    ended: list[str] = []
    desk.core.keys.begin(desk.core.network.participants["lab"], Use.MAC, ended.append, desk.now)
    desk.settle()
    offered = desk.hears(desk.shop)
    assert (offered.mti, offered.network_management_code) == ("0800", "161")
    assert offer_of(offered) == Offer(Use.MAC, TRAVELLING, CHECK)
    assert desk.trades(OLD, "000001").response_code == "00"
    desk.frames(desk.shop, offered.answered({de.RESPONSE_CODE: "00"}))
    assert ended == [""]
    assert desk.trades(NEW, "000002").response_code == "00"


@pytest.mark.parametrize(("answered", "how"), [("63", "key.refused"), (None, "issuer.timeout")])
def test_a_key_that_was_not_taken_is_never_used(answered: str | None, how: str) -> None:
    desk = KeyDesk()
    ended: list[str] = []
    desk.core.keys.begin(desk.core.network.participants["lab"], Use.MAC, ended.append, desk.now)
    desk.settle()
    offered = desk.hears(desk.shop)
    if answered is None:
        desk.passes(10)
    else:
        desk.frames(desk.shop, offered.answered({de.RESPONSE_CODE: answered}))
    assert ended == [how]
    assert desk.trades(OLD, "000001").response_code == "00"


def test_a_pin_on_its_way_under_the_old_zone_key_is_still_read() -> None:
    nbk = NETWORK.participants["nbk"]
    keys = nbk.keys.model_copy(update={"terminal_zpk": None, "previous_zpk": OLD, "zpk": NEW})
    desk = Desk(network=with_key(NETWORK, "sandbox", Use.PIN, NEW, keep_old=False))
    desk.issuer("nbk")
    machine, hsm = desk.gateway("nbk"), desk.hsm()
    desk.core._links[machine].participant = nbk.model_copy(update={"keys": keys})
    cash(desk, machine)
    first = desk.hsm_hears(hsm)
    assert first.fields["source_key"] == NEW
    desk.hsm_answers(hsm, first, "20")
    second = desk.hsm_hears(hsm)
    assert second.fields["source_key"] == OLD


def test_nothing_of_a_key_is_shown() -> None:
    desk = KeyDesk()
    values = {**elements({"stan": "000050", "transmitted_at": PURCHASE["transmitted_at"]}), 70: "161"}
    offered = desk.tongue(desk.shop).decode(
        desk.tongue(desk.shop).encode("0800", values | Offer(Use.MAC, TRAVELLING, CHECK).elements())
    )
    assert TRAVELLING not in repr(offered)
    assert CHECK in repr(offered)
    desk.offers()
    assert not any(key in str(desk.events) for key in (TRAVELLING, NEW, OLD, ZMK))
