"""TLS on the running network: real processes, real sockets, and a stranger's certificates."""

from __future__ import annotations

import json
import signal
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from protocols import pki
from switch.home import certificate_folder
from tests.network import ASK_WITHIN_S, SWITCH, RunningNetwork, issuer, running_network
from tests.peers.client import Client, framed

NOW = datetime.now(UTC)
ECHO = ("--mti", "0800", "--set", "70=301", "--json")


def ebi_by_tls(directory: Path) -> None:
    """The switch dials one of the issuers by TLS."""
    file = directory / "participants" / "ebi.toml"
    file.write_text(file.read_text().replace('dial = "ebi"', 'dial = "ebi"\ntls = true'))


@pytest.fixture(scope="module")
def network() -> Iterator[RunningNetwork]:
    with running_network(edit=ebi_by_tls) as running:
        yield running


@pytest.fixture(scope="module")
def folder(network: RunningNetwork) -> Path:
    return certificate_folder(network.place.state)


@pytest.fixture
def neighbour(network: RunningNetwork) -> Iterator[Client]:
    """Somebody on another link, who must not notice anything."""
    with Client(network.host, network.ports["lab"]) as client:
        assert client.ask("0800", client.echo())[1][39] == "00"
        yield client
        assert client.ask("0800", client.echo())[1][39] == "00"


def context(folder: Path, certificate: Path | None = None, key: Path | None = None) -> ssl.SSLContext:
    made = ssl.create_default_context(cafile=str(folder / "authority.crt"))
    if certificate is not None:
        made.load_cert_chain(certificate, key)
    return made


def secured(network: RunningNetwork, port: str, settings: ssl.SSLContext, peer: str = "switch") -> Client:
    """The stranger's client, over TLS. A handshake that fails is an ssl.SSLError."""
    client = Client(network.host, network.ports[port])
    client.socket = settings.wrap_socket(client.socket, server_hostname=peer)
    return client


def own(folder: Path, name: str) -> ssl.SSLContext:
    return context(folder, folder / f"{name}.crt", folder / f"{name}.key")


def laid(folder: Path, one: pki.Credential) -> tuple[Path, Path]:
    (folder / "stranger.crt").write_bytes(one.certificate)
    (folder / "stranger.key").write_bytes(one.key)
    return folder / "stranger.crt", folder / "stranger.key"


def card(network: RunningNetwork, name: str) -> dict[str, Any]:
    usable = [one for one in network.cards() if one["issuer"] == name and one["state"] == "active"]
    return {"pan": usable[-1]["pan"], "expiry": usable[-1]["expiry"]}


def test_comtrust_buys_at_the_mall_by_tls_from_a_bank_that_is_dialled_by_tls(network: RunningNetwork) -> None:
    with network.till("comtrust") as till:
        told = till.ask("purchase", merchant="UAEMALL00000001", amount="12.00", currency="AED", **card(network, "ebi"))
        assert (told["outcome"], told["response_code"]) == ("approved", "00")


def test_a_gateway_of_the_plain_port_uses_tls_when_told(network: RunningNetwork) -> None:
    with network.till("nbd", "--tls") as till:
        assert till.ask("echo")["response_code"] == "00"


def test_an_echo_is_sent_by_tls(network: RunningNetwork) -> None:
    sent = network.run("switch", "send", "--tls", *ECHO)
    assert sent.returncode == 0, sent.stderr
    assert json.loads(sent.stdout)["answer"]["elements"]["39"]["value"] == "00"


def test_a_certificate_is_no_sign_on(network: RunningNetwork, folder: Path) -> None:
    """A link is up when the sign-on was answered; until then its requests are refused."""
    with secured(network, "gateways_tls", own(folder, "comtrust")) as client:
        request = client.purchase("4111111111111111", 1000, de41="UAEM0001", de42="UAEMALL00000001")
        answer = client.ask("0100", request)[1]
        assert (answer[39], answer[44]) == ("58", "link.not_signed_on")
        assert client.ask("0800", {**client.stamped(), 70: "001"})[1][39] == "00"
        again = {**request, **client.stamped()}
        assert client.ask("0100", again)[1][39] == "00"


def test_without_its_certificate_nobody_is_comtrust(network: RunningNetwork) -> None:
    """On the laboratory port a sign-on in its name leaves the stranger a stranger, whom no contract binds."""
    with Client(network.host, network.ports["lab"]) as client:
        assert client.ask("0800", {**client.stamped(), 33: "784900", 70: "001"})[1][39] == "00"
        request = client.purchase("4111111111111111", 1000, de42="STRANGER0000001")
        assert client.ask("0100", request)[1][39] == "00"  # Comtrust would hear 03


def test_a_sign_on_cannot_change_who_the_certificate_named(network: RunningNetwork, folder: Path) -> None:
    """It says that it is Comtrust, whose merchants these are; the certificate says that it is not."""
    with secured(network, "gateways_tls", own(folder, "nbk")) as client:
        assert client.ask("0800", {**client.stamped(), 33: "784900", 70: "001"})[1][39] == "00"
        request = client.purchase("4111111111111111", 1000, de41="UAEM0001", de42="UAEMALL00000001", de32=None)
        assert client.ask("0100", request)[1][39] in ("03", "58")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("missing", "it has no certificate"),
        ("foreign", "its certificate is not of our authority"),
        ("expired", "its certificate has expired"),
        ("stranger", "its certificate names nobody of this network"),
        ("issuer", "its certificate names sandbox, who sends no requests"),
    ],
)
def test_without_a_good_certificate_nobody_comes_in(
    network: RunningNetwork,
    folder: Path,
    tmp_path: Path,
    neighbour: Client,
    name: str,
    reason: str,
    version: ssl.TLSVersion,
) -> None:
    authority = pki.Credential((folder / "authority.crt").read_bytes(), (folder / "authority.key").read_bytes())
    shown = {
        "missing": lambda: (None, None),
        "foreign": lambda: laid(tmp_path, pki.issue(pki.make_authority("Gulf, about 2000", NOW), "comtrust", [], NOW)),
        "expired": lambda: laid(tmp_path, pki.issue(authority, "comtrust", [], NOW - timedelta(days=100))),
        "stranger": lambda: laid(tmp_path, pki.issue(authority, "stranger", [], NOW)),
        "issuer": lambda: (folder / "sandbox.crt", folder / "sandbox.key"),
    }
    settings = context(folder, *shown[name]())
    settings.maximum_version = version
    try:
        with secured(network, "gateways_tls", settings) as client:
            assert client.is_closed_by_peer()
    except ssl.SSLError:
        pass  # the alert, which in TLS 1.3 comes after the handshake
    network.until(lambda: reason in network.log_of(SWITCH), ASK_WITHIN_S, f"the log to say {reason!r}")


def test_a_plain_frame_on_the_tls_port_ends_at_the_handshake(network: RunningNetwork, neighbour: Client) -> None:
    with Client(network.host, network.ports["gateways_tls"]) as client:
        client.socket.sendall(framed(b"0800822000000000000004000000000000001123205144000001301"))
        while client.socket.recv(100):  # an alert at most
            pass
    network.until(lambda: "what it sends is not TLS" in network.log_of(SWITCH), ASK_WITHIN_S, "the log to say so")


def test_a_bank_takes_nobody_but_the_switch(network: RunningNetwork, folder: Path) -> None:
    with secured(network, "ebi", own(folder, "comtrust"), peer="ebi") as client:
        assert client.is_closed_by_peer()
    told = "its certificate does not name the switch"
    network.until(lambda: told in network.log_of(issuer("ebi")), ASK_WITHIN_S, "the log to say so")
    with secured(network, "ebi", own(folder, "switch"), peer="ebi") as client:
        assert client.ask("0800", {**client.stamped(), 70: "001"})[1][39] == "00"


def test_after_a_hangup_the_switch_shows_its_renewed_certificate(network: RunningNetwork, folder: Path) -> None:
    authority = pki.Credential((folder / "authority.crt").read_bytes(), (folder / "authority.key").read_bytes())

    def shown() -> str:
        with secured(network, "gateways_tls", own(folder, "comtrust")) as client:
            assert isinstance(client.socket, ssl.SSLSocket)
            certificate = client.socket.getpeercert()
            assert certificate
            return str(certificate["serialNumber"])

    before = shown()
    (folder / "switch.crt").write_bytes(pki.renewed(authority, (folder / "switch.crt").read_bytes(), NOW))
    network.processes[SWITCH].popen.send_signal(signal.SIGHUP)
    network.until(lambda: "certificates reloaded" in network.log_of(SWITCH), ASK_WITHIN_S, "the log to say so")
    assert shown() != before
