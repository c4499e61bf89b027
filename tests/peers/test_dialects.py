"""Banks and a gateway that speak otherwise, as processes: the agreement's TOML says how, and nothing else changes.

The books of the switch and of every bank agree afterwards, to the last fils.
"""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from protocols.dialects import dialect_named
from protocols.message import Message
from protocols.network import load
from switch.network_copy import copy_network, renumber
from switch.shell.free_ports import free_ports
from tests.network import RunningNetwork, Till, running_network

SPOKEN = {
    "nbk": {"dialect": "ebcdic_base1"},
    "nbd": {"dialect": "iso93_binary", "framing": "len4_ascii"},
    "ebi": {"dialect": "iso93_ascii", "framing": "tpdu"},
    "comtrust": {"dialect": "iso93_binary", "framing": "len2_incl"},
}


def agree_otherwise(directory: Path) -> None:
    """Each party's agreement, in the copied files."""
    for name, agreed in SPOKEN.items():
        path = directory / "participants" / f"{name}.toml"
        kept = re.sub(r"(?m)^(dialect|framing) = .*\n", "", path.read_text())
        path.write_text("".join(f'{key} = "{value}"\n' for key, value in agreed.items()) + kept)
    # The bank's own machines, too: where its certificate names it, for on the laboratory port it would be anybody.
    machines = directory / "gateways" / "nbk.toml"
    machines.write_text(re.sub(r"(?m)^dials = .*$", 'dials = "gateways_tls"\ntls = true', machines.read_text()))


def card_of(network: RunningNetwork, issuer: str, product: str, note: str = "") -> dict[str, str]:
    usable = [
        one
        for one in network.cards()
        if (one["issuer"], one["product"], one["state"]) == (issuer, product, "active") and note in one["note"]
    ]
    return {"pan": usable[-1]["pan"], "expiry": usable[-1]["expiry"]}


def outcome(told: dict[str, Any]) -> tuple[str, str | None, str | None]:
    return told["outcome"], told["response_code"], told.get("reason")


def buys(till: Till, card: dict[str, str], amount: str) -> dict[str, Any]:
    told = till.ask("purchase", merchant="UAEMALL00000001", amount=amount, currency="AED", **card)
    assert outcome(told) == ("approved", "00", None)
    return told


def test_banks_of_three_dialects_and_a_gateway_of_a_fourth_trade_and_their_books_agree() -> None:
    with running_network(edit=agree_otherwise) as network:
        credit = {name: card_of(network, name, "credit") for name in ("nbd", "ebi")}
        internet = card_of(network, "nbk", "internet-shopping")
        with network.till("comtrust") as shop:
            for card in (internet, *credit.values()):
                buys(shop, card, "40.00")
                sale = buys(shop, card, "25.00")
                assert outcome(shop.ask("repeat", of=sale["id"])) == outcome(sale)
                assert outcome(shop.ask("reverse", of=sale["id"])) == ("approved", "00", None)
            assert outcome(shop.ask("echo"))[:2] == ("approved", "00")
        with network.till("nbk") as machine:
            debit = card_of(network, "nbk", "debit", "PIN may be got wrong")
            cash = {"channel": "atm", "amount": "20.000", "currency": "KWD", **debit}
            assert outcome(machine.ask("cash", pin="1234", **cash)) == ("approved", "00", None)
            assert outcome(machine.ask("cash", pin="9999", **cash)) == ("declined", "55", "pin.wrong")
            refused = machine.ask("cash", pin="1234", **{**cash, **internet})
            assert outcome(refused) == ("declined", "57", "channel.atm")
        audit = network.audit()
        assert audit.returncode == 0, audit.stdout + audit.stderr


def echoed(process: subprocess.Popen[str], dialect: str) -> Message:
    """The answer to an echo of 1993, spoken plainly: no border on this side."""
    assert process.stdout is not None
    host, port = process.stdout.readline().split()[2].split(":")
    spoken = dialect_named(dialect)
    echo = spoken.encode("1800", {7: "1118110640", 11: "000001", 24: "831"})
    with socket.create_connection((host, int(port)), timeout=60) as link:
        link.sendall(len(echo).to_bytes(2, "big") + echo)
        answer = link.recv(1024)
    return spoken.decode(answer[2:])


def issuer_in(dialect: str, state: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", "issuers", "sandbox", "--dialect", dialect, "--state", str(state), *options]


def test_an_issuers_dialect_may_be_named_on_its_command_line(tmp_path: Path) -> None:
    copy_network(None, tmp_path / "network")
    renumber(tmp_path / "network", free_ports(load(tmp_path / "network").ports))
    command = issuer_in("iso93_binary", tmp_path / "state", "--network", str(tmp_path / "network"))
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            answer = echoed(process, "iso93_binary")
        finally:
            process.kill()
    assert (answer.mti, answer.get(39), answer.get(24)) == ("1810", "800", "831")


def test_a_dialect_that_is_not_there_is_a_mistake_in_the_configuration(tmp_path: Path) -> None:
    done = subprocess.run(issuer_in("klingon", tmp_path), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "klingon" in done.stderr
