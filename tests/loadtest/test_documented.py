"""docs/loadtest.md: every command in it is one, and what it shows of files is read by what reads them."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest

from loadtest.__main__ import _parser, main
from loadtest.card_file import CardFile
from loadtest.recording import from_lines
from loadtest.scenario import MIXES, Scenario, load_scenario, made
from loadtest.script import Script
from loadtest.shell.run import programs_of
from switch.cli import COMMANDS

PAGE = Path(__file__).parents[2] / "docs" / "loadtest.md"
TEXT = PAGE.read_text(encoding="utf-8")
TYPED = [shlex.split(line)[1:] for line in re.findall(r"^\$ (\./run .*)$", TEXT, re.MULTILINE)]
LOAD = [typed[1:] for typed in TYPED if typed[0] == "load"]


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", TEXT, re.DOTALL)


def test_there_are_commands_on_the_page() -> None:
    assert len(LOAD) >= 8
    assert {typed[0] for typed in TYPED} <= set(COMMANDS)


@pytest.mark.parametrize("typed", LOAD, ids=" ".join)
def test_every_command_on_the_page_is_understood(typed: list[str]) -> None:
    _parser().parse_args(typed)


def test_the_parts_of_files_on_the_page_are_read_by_what_reads_them() -> None:
    """A part of a scenario, or a script of `serve`."""
    plan = {"arrivals": [{"shape": "constant", "rate_per_s": 1, "for_s": 1}]}
    parts = [tomllib.loads(block) for block in blocks("toml")]
    scenarios = [part for part in parts if part.keys() <= Scenario.model_fields.keys()]
    scripts = [part for part in parts if part not in scenarios]
    assert len(scenarios) == 2
    assert len(scripts) == 1
    for part in scenarios:
        made({"plan": plan, "mix": {"purchase": 1}, **part})
    for part in scripts:
        Script.model_validate(part)


def test_the_line_on_the_page_is_a_message() -> None:
    (line,) = blocks("json")
    (message,) = from_lines([line]).messages
    assert (message.mti, message.elements[4]) == ("0100", "000000002500")


def test_the_pictures_on_the_page_are_there_and_small() -> None:
    pictures = re.findall(r"!\[[^]]*\]\(([^)]*)\)", TEXT)
    assert len(pictures) == 2
    for picture in pictures:
        assert (PAGE.parent / picture).stat().st_size < 150_000


@pytest.mark.parametrize("mix", sorted(path.stem for path in MIXES.glob("*.toml")))
def test_every_mix_that_is_shipped_can_be_run(mix: str) -> None:
    scenario = load_scenario(Path(mix))
    assert scenario.title
    assert programs_of(scenario)


def test_the_cards_on_the_page_are_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The second line of the page, smaller; and the bank takes what it is given."""
    bank = PAGE.parents[1] / "issuers" / "banks" / "nbd.toml"
    cards, seeded = tmp_path / "cards.bin", tmp_path / "nbd.toml"
    typed = ["cards", "--count", "300", "--prefix", "978410:16", "--out", str(cards)]
    assert main([*typed, "--bank", str(bank), "--bank-out", str(seeded)]) == 0
    told = capsys.readouterr().out
    assert "300 test cards" in told
    with CardFile(cards) as file:
        rows = {row["pan"] for row in tomllib.loads(seeded.read_text())["cards"]}
        assert {card.pan for card in file} <= rows
        assert not any(card.pan in told for card in file)


@pytest.mark.parametrize(
    "wrong",
    [
        ["--prefix", "411111:16"],
        ["--count", "0"],
        ["--bank", "x.toml"],
        ["--hsm", "127.0.0.1:1500"],
        ["--prefix", "9784101234:13", "--count", "101"],
    ],
)
def test_cards_that_cannot_be_are_refused(wrong: list[str], tmp_path: Path) -> None:
    assert main(["cards", *wrong, "--out", str(tmp_path / "cards.bin")]) == 2
    assert not (tmp_path / "cards.bin").exists()
