"""Seals, totals and key changes on a running network with its HSM: real keys, real sockets, a stranger's own MACs."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.network import HSM, RunningNetwork, running_network
from tests.peers.client import Client, Fields, pack, unpack

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from psec.mac import generate_retail_mac

VISA = "4111111111111111"
CLEAR = bytes.fromhex("A4702516B3808068AD2943B50BD60107")
TAK = "UBF9922F7896F31E620C8ED8D529A8FBB"  # the same under LMK 00, as a terminal authentication key
ZMK = "UD0FFD52137B5011DCE4B5537AD4BACF2"


def sealed_by_agreement(directory: Path) -> None:
    """The laboratory seals; National Bank of Kuwait and the switch share a zone master key."""
    lab = directory / "participants" / "lab.toml"
    lab.write_text(lab.read_text() + f'\n[keys]\nmac_key = "{TAK}"\n\n[mac]\nkey = "tak"\n')
    gateway = directory / "gateways" / "lab.toml"
    gateway.write_text(gateway.read_text() + f'\ntest_mac_key = "{CLEAR.hex()}"\n')
    agreement = directory / "participants" / "nbk.toml"
    agreement.write_text(agreement.read_text().replace("[keys]", f'[keys]\nzmk = "{ZMK}"'))
    bank = directory / "banks" / "nbk.toml"
    bank.write_text(re.sub(r"^\[keys\]", f'[keys]\nzmk = "{ZMK}"', bank.read_text(), flags=re.MULTILINE))


@pytest.fixture(scope="module")
def network() -> Iterator[RunningNetwork]:
    with running_network(edit=sealed_by_agreement) as running:
        yield running


@pytest.fixture
def client(network: RunningNetwork) -> Iterator[Client]:
    with Client(network.host, network.ports["lab"]) as stranger:
        yield stranger


def sealed(mti: str, fields: Fields) -> bytes:
    """The message with its MAC in the last bit of its last bitmap."""
    place = 128 if any(number > 64 for number in fields) else 64
    whole = pack(mti, {**fields, place: "0" * 16})
    covered = whole[:-16]
    return covered + generate_retail_mac(CLEAR[:8], CLEAR[8:], covered, 1).hex().upper().encode()


def say(client: Client, frame: bytes) -> tuple[str, str, str]:
    client.send(frame)
    mti, answer = client.receive()
    return mti, answer[39], answer.get(44, "")


def test_a_sealed_purchase_is_approved_and_its_answer_is_sealed(client: Client) -> None:
    client.send(sealed("0100", client.purchase(VISA, 5000)))
    length = int.from_bytes(client._exactly(2), "big")
    frame = client._exactly(length)
    mti, answer = unpack(frame)
    assert (mti, answer[39]) == ("0110", "00")
    assert answer[64] == generate_retail_mac(CLEAR[:8], CLEAR[8:], frame[:-16], 1).hex().upper()


@pytest.mark.parametrize("broken", ["missing", "zeros", "one bit", "another number"])
def test_without_the_right_seal_nothing_happens(network: RunningNetwork, client: Client, broken: str) -> None:
    """Rows 51 and 52: 63, not forwarded, the link stays."""
    before = len(network.books())
    fields = client.purchase(VISA, 5000)
    right = sealed("0100", fields)
    frame = {
        "missing": pack("0100", fields),
        "zeros": right[:-16] + b"0" * 16,
        "one bit": right.replace(b"000000005000", b"000000005001"),
        "another number": sealed("0100", {**fields, 11: "000777"}).replace(b"000777", b"000778"),
    }[broken]
    assert say(client, frame) == ("0110", "63", "mac.invalid")
    assert len(network.books()) == before
    assert say(client, sealed("0100", client.purchase(VISA, 5000)))[1] == "00"


def test_our_own_gateway_seals_too(network: RunningNetwork) -> None:
    with network.till("lab") as till:
        told = till.ask("purchase", merchant="UAEMALL00000001", amount="50.00", currency="AED", pan=VISA)
    assert told.get("response_code") == "00", told


def test_a_completion_and_the_totals_of_the_day(network: RunningNetwork, client: Client) -> None:
    fields = client.purchase(VISA, 5000)
    assert say(client, sealed("0100", fields))[1] == "00"
    original = f"0100{fields[11]}{fields[7]}" + "0" * 22
    kept = {number: value for number, value in fields.items() if number not in (14, 35, 48, 52)}
    completion = {**kept, 4: "000000004000", 11: f"{(int(fields[11]) + 1) % 999_999 + 1:06d}", 90: original}
    assert say(client, sealed("0220", completion)) == ("0230", "00", "")
    client.send(sealed("0500", {7: fields[7], 11: "000900", 49: fields[49]}))
    mti, totals = client.receive()
    assert (mti, totals[39]) == ("0510", "00")
    assert int(totals[76]) == 1
    assert int(totals[88]) == 4000
    assert totals[97] == "D" + "4000".rjust(16, "0")
    network.settled()
    assert network.audit().returncode == 0


def test_the_zone_pin_key_of_a_bank_is_changed_while_the_network_runs(network: RunningNetwork) -> None:
    """And an institution without a zone master key gets none."""
    done = network.run("switch", "key-change", "nbk")
    assert (done.returncode, done.stderr) == (0, "")
    holder = {"pan": "9414300000000013", "expiry": "2912", "pin": "1234", "channel": "atm"}
    with network.till("nbk") as till:  # the PIN travels to the bank under the new key
        told = till.ask("cash", amount="20.000", currency="KWD", **holder)
        assert told.get("response_code") == "00", told
    refused = network.run("switch", "key-change", "comtrust")
    assert refused.returncode == 1
    assert "keys.zmk" in refused.stderr


def test_without_the_hsm_the_sealed_are_refused_and_the_link_stays(network: RunningNetwork, client: Client) -> None:
    """Last of all: the HSM is gone afterwards."""
    network.kill(HSM)
    client.send(sealed("0100", client.purchase(VISA, 5000)))
    assert client.hears_nothing_for(0.3)
    echo = client.ask("0800", client.echo())
    assert echo[1][39] == "00"
