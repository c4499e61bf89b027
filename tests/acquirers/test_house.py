"""A gateway's own house, read from its file and the network's."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from acquirers.house import load_house
from protocols.network import PARTS, NetworkError, source


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """A copy of the demonstration network, to be spoiled."""
    for part in ("network.toml", "merchants.toml", "participants", "gateways"):
        assert part in PARTS
        origin = source(None, part)
        (shutil.copytree if origin.is_dir() else shutil.copy)(origin, tmp_path / part)
    return tmp_path


@pytest.mark.parametrize("name", ["comtrust", "nbd", "ebi", "nbk", "lab"])
def test_every_gateway_of_the_demonstration_loads(name: str, network: Path) -> None:
    assert load_house(name).title == load_house(name, network).title


def test_a_bank_speaks_in_its_own_name() -> None:
    bank = load_house("nbk")
    assert bank.is_acquirer and bank.forwarder_id is None
    assert {bank.acquirer_of(merchant) for merchant in bank.merchants.values()} == {"414001"}


def test_a_gateway_speaks_for_other_peoples_banks() -> None:
    comtrust = load_house("comtrust")
    assert comtrust.forwarder_id == "784900" and not comtrust.is_acquirer
    banks = {merchant.name: comtrust.acquirer_of(merchant) for merchant in comtrust.merchants.values()}
    assert banks == {"14m.com": "784002", "uaemall.com": "784001", "Souk Al-Watani": "414001"}


def test_the_laboratory_sends_for_everybody_and_has_no_pin_key() -> None:
    lab = load_house("lab")
    assert len(lab.merchants) == 6 and lab.pin_pad is None


def test_an_unknown_gateway_is_told_which_there_are() -> None:
    with pytest.raises(NetworkError, match="comtrust"):
        load_house("nobody")


def spoil(network: Path, old: str, new: str) -> None:
    file = network / "gateways" / "nbd.toml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('participant = "nbd"', 'participant = "bnd"', "no participant 'bnd'"),
        ('"GULFMART0000001"', '"GOLFMART0000001"', "no merchant 'GOLFMART0000001'"),
        ("makes_rrn", "makes_rnr", "makes_rnr"),
        ("A4702516B3808068AD2943B50BD60107", "A4702516B380", "32 or 48"),
    ],
)
def test_a_mistake_in_the_file_is_named(network: Path, old: str, new: str, complaint: str) -> None:
    spoil(network, old, new)
    with pytest.raises(NetworkError, match=complaint):
        load_house("nbd", network)


def test_a_mistake_in_the_key_does_not_repeat_the_key(network: Path) -> None:
    spoil(network, "A4702516B3808068AD2943B50BD60107", "A4702516B380")
    with pytest.raises(NetworkError) as caught:
        load_house("nbd", network)
    assert "A470" not in str(caught.value)


def test_a_merchant_whose_bank_is_no_acquirer_is_a_problem(network: Path) -> None:
    merchants = network / "merchants.toml"
    merchants.write_text(merchants.read_text().replace('acquirer = "ebi"', 'acquirer = "sandbox"'))
    with pytest.raises(NetworkError, match="no acquirer"):
        load_house("nbd", network)


def test_a_house_does_not_print_its_key() -> None:
    assert "A4702516" not in repr(load_house("nbd"))
