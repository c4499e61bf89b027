"""Merchants that are boarded, changed and closed: what is looked at, and that it is in force and kept."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from protocols.runtime.exits import DamagedStateError
from switch.boarding import BoardingError, Change, apply, changed, document_of
from switch.configuration import configure
from switch.home import BOARDED
from switch.shell import merchant_orders

CONTRACT: dict[str, Any] = {
    "name": "Corner shop",
    "city": "Dubai",
    "country": "AE",
    "merchant_type": "5999",
    "currencies": ["AED"],
    "channels": ["ecommerce"],
    "terminals": ["CORN0001"],
}
NEW = {"acquirer": "ebi", "merchant": "CORNERSHOP00001", "contract": CONTRACT}


class Node(SimpleNamespace):
    """As much of a switch as orders about merchants touch."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder=folder, told=0)
        self.core = SimpleNamespace(network=configure(), contracts_changed=self._heard)
        merchant_orders.restore_boarded(self.core.network, folder)

    def _heard(self) -> None:
        self.told += 1

    def terminals(self, id_: str) -> list[str] | None:
        known = self.core.network.merchants.get(id_)
        return None if known is None else sorted(known.terminals)


def test_what_is_boarded_is_in_force_at_once_and_after_a_restart(tmp_path: Path) -> None:
    node: Any = Node(tmp_path)
    merchant_orders.board(node, NEW)
    merchant_orders.board(node, {**NEW, "contract": None, "terminals": ["CORN0002"], "without": ["CORN0001"]})
    merchant_orders.board(node, {"acquirer": "nbd", "merchant": "UAEMALL00000001", "tenants": {"UAEMALL-NEW": "New"}})
    merchant_orders.close(node, {"acquirer": "ebi", "merchant": "14M000000000001"})
    assert node.told == 4
    for one in (node, Node(tmp_path)):
        assert one.terminals("CORNERSHOP00001") == ["CORN0002"]
        assert one.terminals("14M000000000001") is None
        tenants = {tenant.id for tenant in one.core.network.merchants["UAEMALL00000001"].sub_merchant}
        assert tenants == {"UAEMALL-PARTS", "UAEMALL-NEW"}
        listed = merchant_orders.list_merchants(one, {"acquirer": "ebi"})["merchants"]
        assert [merchant["id"] for merchant in listed] == ["CORNERSHOP00001"]


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"merchant": "NOBODY000000001", "contract": None}, "whole contract"),
        ({"acquirer": "nbd", "merchant": "14M000000000001", "contract": None}, "not nbd's"),
        ({"acquirer": "comtrust"}, "not a participant that acquires"),
        ({"contract": {**CONTRACT, "currencies": ["ZZZ"]}}, "no such currency"),
        ({"contract": {**CONTRACT, "terminals": ["GULF0001"]}}, "another merchant's"),
        ({"contract": {**CONTRACT, "extra": 1}}, "extra"),
        ({"merchant": "SHORT"}, "id"),
    ],
)
def test_what_cannot_be_boarded_changes_nothing(tmp_path: Path, asked: dict[str, Any], why: str) -> None:
    node: Any = Node(tmp_path)
    with pytest.raises(BoardingError, match=why):
        merchant_orders.board(node, {**NEW, **asked})
    with pytest.raises(BoardingError, match="has no merchant"):
        merchant_orders.close(node, {"acquirer": "ebi", "merchant": "UAEMALL00000001"})
    assert node.told == 0
    assert not (tmp_path / BOARDED).exists()


def test_a_file_that_cannot_be_read_is_damage_and_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / BOARDED).write_text("{")
    with pytest.raises(DamagedStateError):
        Node(tmp_path)


def test_a_contract_survives_being_written_down() -> None:
    network = configure()
    merchants = dict(network.merchants)
    for id_, merchant in network.merchants.items():
        again = changed(Change(merchant.acquirer, id_), merchants, network.participants)
        assert again == merchant
        apply({id_: document_of(merchant)}, merchants, network.participants)
    assert merchants == dict(network.merchants)
