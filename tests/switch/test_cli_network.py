"""Networks as files: copied to be edited, renumbered to be thrown away, checked before anything starts."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from protocols.network import PARTS, load
from switch.cli import COMMANDS, main
from switch.home import NotOurStateError, start_afresh
from switch.network_copy import copy_network, renumber
from switch.place import Place, issuers_elsewhere, issuers_here, parties_of, ports_taken_by
from switch.shell.free_ports import FROM, TO, free_ports


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """A copy of the demonstration network."""
    copy_network(None, tmp_path / "network")
    return tmp_path / "network"


def test_init_copies_every_part(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", str(tmp_path / "mine")]) == 0
    assert sorted(path.name for path in (tmp_path / "mine").iterdir()) == sorted(PARTS)
    assert "payswitch check --network" in capsys.readouterr().out
    assert not list((tmp_path / "mine").rglob("*.py"))


def test_init_never_writes_over_what_is_there(network: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (network / "rates.toml").write_text("mine")
    assert main(["init", str(network)]) == 2
    assert (network / "rates.toml").read_text() == "mine"
    assert "not an empty folder" in capsys.readouterr().err


def test_a_copy_is_the_same_network(network: Path) -> None:
    assert load(network) == load(None)
    assert parties_of(network) == parties_of(None)


def test_a_throw_away_network_has_ports_of_its_own(network: Path) -> None:
    before = load(network)
    renumber(network, free_ports(before.ports))
    after = load(network)
    assert set(after.ports) == set(before.ports)
    assert len(set(after.ports.values())) == len(after.ports)
    assert all(FROM <= port < TO for port in after.ports.values())
    assert "# gateways, plain TCP" in (network / "network.toml").read_text()  # comments survive


def test_an_issuer_without_a_file_in_banks_is_elsewhere(network: Path) -> None:
    (network / "banks" / "ebi.toml").unlink()
    assert "ebi" not in issuers_here(network)
    assert issuers_elsewhere(network) == ["ebi"]
    assert "ebi" not in ports_taken_by(network)


def test_a_sound_network_has_no_problems(network: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--network", str(network)]) == 0
    assert "no problems: hsm, issuer ebi" in capsys.readouterr().out


def test_every_problem_of_every_party_is_told_at_once(network: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for file, old, new in (
        ("products/internet-shopping.toml", '"941410"', '"9414x0"'),
        ("banks/nbk.toml", 'currency = "KWD"', 'currency = "dinar"'),
        ("gateways/nbd.toml", 'dials = "lab"', 'dials = "nowhere"'),
        ("hsm.toml", "firmware", "firmwear"),
    ):
        path = network / file
        path.write_text(path.read_text().replace(old, new))
    assert main(["check", "--network", str(network)]) == 2
    told = capsys.readouterr().err
    for problem in ("issued.0.prefix", "nbk.toml: currency", "nbd.toml: dials", "hsm.toml: firmwear"):
        assert problem in told


def test_a_folder_that_is_no_network_is_a_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["up", "--network", str(tmp_path), "--state", str(tmp_path / "var")]) == 2
    assert "network.toml: cannot be read" in capsys.readouterr().err


def test_cards_for_machines_are_an_array_with_everything_a_tester_needs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cards", "--json"]) == 0
    cards = json.loads(capsys.readouterr().out)
    assert all({"pan", "product", "expiry", "pin", "state", "limit", "note"} <= set(card) for card in cards)
    assert any(card["pan"] == "9414100000000017" for card in cards)


def test_new_books_delete_the_old_ones_and_nothing_else(tmp_path: Path) -> None:
    for name in ("switch/journal.db", "switch/data.key", "issuers/nbk.db-wal", "logs/hsm.log", "hsm/keys", "up.lock"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert len(start_afresh(tmp_path)) == 4
    assert (tmp_path / "hsm" / "keys").exists()
    assert start_afresh(tmp_path) == []


@pytest.mark.parametrize("stranger", ["thesis.doc", "issuers/photo.jpg", "logs/old/hsm.log", "journal.db"])
def test_a_folder_with_anything_else_in_it_is_left_alone(tmp_path: Path, stranger: str) -> None:
    for name in ("switch/journal.db", stranger):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    with pytest.raises(NotOurStateError):
        start_afresh(tmp_path)
    assert (tmp_path / "switch" / "journal.db").exists()


def test_books_that_were_never_kept_cannot_be_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["books", "--state", str(tmp_path)]) == 3
    assert "no journal" in capsys.readouterr().err


@pytest.mark.parametrize("command", [one for one in COMMANDS if one != "load"])
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    main([command, "--help"])
    assert f"payswitch {command}" in capsys.readouterr().out


def test_load_becomes_the_load_tester_which_explains_itself() -> None:
    """In a process of its own: the command replaces the process that it runs in."""
    told = subprocess.run(
        [sys.executable, "-m", "switch", "load", "--help"], capture_output=True, text=True, check=True, timeout=60
    )
    assert "find-max" in told.stdout


@pytest.mark.parametrize("wrong", [["nonsense"], ["up", "--freshly"], ["send"], ["issuer"], ["audit", "--wait", "x"]])
def test_wrong_use_is_exit_code_2(wrong: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(wrong)
    assert ended.value.code == 2


def test_a_party_is_told_its_place() -> None:
    place = Place(Path("net"), Path("books"))
    assert place.command("issuers", "nbk")[1:] == ["-m", "issuers", "nbk", "--network", "net", "--state", "books"]
    assert Place().command("hsm_sim")[1:] == ["-m", "hsm_sim", "--state", "var"]


def test_version_needs_nothing_that_a_network_needs() -> None:
    program = "import sys, switch.cli; switch.cli.main(['version']); print(*sys.modules)"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert not {"trio", "rich.table", "apsw", "structlog"} & set(told.split())
