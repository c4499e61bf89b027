"""The certificates on disk, and what the network's files say of who needs one."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from protocols import pki
from protocols.network import NetworkError, load
from protocols.participant import load_participants
from protocols.runtime.exits import ConfigurationError
from protocols.runtime.tls import Credentials
from switch.certificates import initialise, keep_up
from switch.cli import main
from switch.configuration import configure
from switch.home import certificate_folder, start_afresh
from switch.network_copy import copy_network

NOW = datetime.now(UTC)
EVERYBODY = {"switch", "hsm", "comtrust", "nbd", "ebi", "nbk", "sandbox", "lab"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state" / "pki"


@pytest.fixture
def network(tmp_path: Path) -> Path:
    copy_network(None, tmp_path / "network")
    return tmp_path / "network"


def rewrite(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_everybody_gets_a_certificate_and_nobody_else_may_read_the_keys(folder: Path) -> None:
    assert set(initialise(folder, None, NOW)) == EVERYBODY
    assert {path.stem for path in folder.iterdir()} == EVERYBODY | {"authority"}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    for name in EVERYBODY:
        Credentials.of(name, folder)


def test_what_is_there_is_never_overwritten(folder: Path) -> None:
    initialise(folder, None, NOW)
    before = contents(folder)
    with pytest.raises(ConfigurationError, match="has certificates already"):
        initialise(folder, None, NOW)
    assert keep_up(folder, None, NOW) == []
    assert contents(folder) == before


def test_a_participant_that_joins_later_gets_one_too(folder: Path, network: Path) -> None:
    initialise(folder, network, NOW)
    text = (network / "participants" / "lab.toml").read_text()
    (network / "participants" / "shop.toml").write_text(text.replace('"lab"', '"shop"').replace("999002", "999003"))
    assert keep_up(folder, network, NOW) == ["shop"]


def test_certificates_that_end_soon_are_renewed_and_keys_stay(folder: Path) -> None:
    initialise(folder, None, NOW)
    before = contents(folder)
    later = NOW + pki.CERTIFICATE_LASTS - timedelta(days=29)
    assert set(keep_up(folder, None, later)) == EVERYBODY
    after = contents(folder)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {f"{name}.crt" for name in EVERYBODY}
    assert pki.ends_at(after["nbk.crt"]) > pki.ends_at(before["nbk.crt"])


def test_where_somebody_else_signs_nothing_is_made(folder: Path) -> None:
    initialise(folder, None, NOW)
    (folder / "authority.key").unlink()
    (folder / "nbk.crt").unlink()
    before = contents(folder)
    assert keep_up(folder, None, NOW + timedelta(days=80)) == []
    assert contents(folder) == before


def test_a_certificate_of_another_authority_is_not_ours_to_renew(folder: Path) -> None:
    initialise(folder, None, NOW)
    foreign = pki.issue(pki.make_authority("elsewhere", NOW), "nbk", [], NOW - timedelta(days=89))
    (folder / "nbk.crt").write_bytes(foreign.certificate)
    assert keep_up(folder, None, NOW) == []


def test_a_key_without_its_certificate_is_left_for_a_person(folder: Path) -> None:
    initialise(folder, None, NOW)
    (folder / "nbk.crt").unlink()
    with pytest.raises(ConfigurationError, match=r"nbk\.key has no certificate beside it"):
        keep_up(folder, None, NOW)


def test_new_books_keep_the_old_certificates(folder: Path) -> None:
    initialise(folder, None, NOW)
    state = folder.parent
    assert certificate_folder(state) == folder
    (state / "switch").mkdir()
    (state / "switch" / "journal.db").touch()
    assert [path.name for path in start_afresh(state)] == ["journal.db"]
    assert (folder / "authority.key").exists()


# --- the command


def test_pki_init_says_what_it_made_and_makes_it_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = str(tmp_path / "state")
    assert main(["pki", "init", "--state", state]) == 0
    assert "an authority, and certificates for switch, hsm, comtrust" in capsys.readouterr().out
    assert main(["pki", "init", "--state", state]) == 2
    assert "nothing overwritten" in capsys.readouterr().err
    assert main(["pki", "renew", "--state", state]) == 0
    assert "nothing to renew" in capsys.readouterr().out


def test_send_without_a_certificate_says_how_to_make_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["send", "--tls", "--mti", "0800", "--set", "70=301", "--state", str(tmp_path)]) == 2
    assert "comtrust.crt, which is not there: `payswitch pki init` makes it" in capsys.readouterr().err


# --- the files of the network


def test_the_demonstration_network_has_ports_where_the_certificate_says_who_is_there() -> None:
    assert load().tls_ports == ("gateways_tls", "issuers_dial_in")
    assert configure().uses_tls


def test_a_network_without_tls_needs_no_certificates(network: Path) -> None:
    rewrite(network / "network.toml", "tls = true", 'participant = "lab"')
    assert not configure(network).uses_tls
    rewrite(network / "participants" / "nbk.toml", 'dial = "nbk"', 'dial = "nbk"\ntls = true')
    assert configure(network).uses_tls


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('tls = true\nparticipant = "lab"', "with tls the certificate names the participant"),
        ('tls = true\nmay_identify = ["nbd"]', "with tls the certificate names the participant"),
        ("tls = false", "who is at the other end"),
    ],
)
def test_a_port_has_one_way_of_knowing_who_is_there(network: Path, line: str, problem: str) -> None:
    rewrite(network / "network.toml", "tls = true", line)
    with pytest.raises(NetworkError, match=problem):
        load(network)


@pytest.mark.parametrize("name", ["switch", "authority", "hsm"])
def test_nobody_is_called_like_a_certificate_of_the_network_itself(network: Path, name: str) -> None:
    rewrite(network / "participants" / "sandbox.toml", 'id = "sandbox"', f'id = "{name}"')
    for product in (network / "products").glob("*.toml"):
        product.write_text(product.read_text().replace('issuer = "sandbox"', f'issuer = "{name}"'))
    assert name in load_participants(network)
    with pytest.raises(NetworkError, match="cannot be anybody's id"):
        configure(network)
