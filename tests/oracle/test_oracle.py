"""Who tests the tester: thirty planted faults, each found and its key named, and not a word about clean histories."""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from tests.oracle.__main__ import main
from tests.oracle.books import Books
from tests.oracle.clean import history
from tests.oracle.faults import FAULTS, Scene
from tests.oracle.rules import judge

CLEAN = 200  # 1 000 by `./run promises`, or with this number changed: a history takes 5 ms
SEEDS = 12  # histories in which each fault is planted


def test_there_are_thirty_faults() -> None:
    assert len(FAULTS) == len({fault.__name__ for fault in FAULTS}) == 30


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_planted_fault_is_found_and_its_key_is_named(fault: Callable[[Scene], str]) -> None:
    for seed in range(SEEDS):
        lines = history(seed)
        key = fault(Scene(lines, Random(seed)))
        found = judge(Books(lines))
        assert key in {finding.key for finding in found}, f"seed {seed}: {key} is not among {found}"


def test_clean_histories_are_called_clean() -> None:
    for seed in range(CLEAN):
        assert judge(Books(history(seed, 25))) == [], f"seed {seed}"


def test_a_refusal_that_left_nothing_behind_is_no_first_answer() -> None:
    """A switch that was stopping says 96 to what its next life approves."""
    lines = history(3)
    at, asked = next((at, one) for at, one in enumerate(lines) if one["book"] == "history" and one["event"] == "invoke")
    answer = next(one for one in lines if one.get("event") == "ok" and one["id"] == asked["id"])
    elements = {number: value for number, value in answer["elements"].items() if number != "38"}
    refused = {**answer, "id": -1, "at": asked["at"], "elements": {**elements, "39": "96", "44": "switch.stopping"}}
    lines[at:at] = [{**asked, "id": -1}, refused]
    assert judge(Books([one for one in lines if one["book"] != "wire"])) == []


def test_the_same_seed_makes_the_same_history() -> None:
    assert history(7) == history(7) != history(8)


def test_the_oracle_imports_nothing_of_the_parties() -> None:
    """Standard library and itself: no mistake of a party can hide here."""
    for path in Path(__file__).parent.glob("*.py"):
        if path.name.startswith("test_"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                assert name.startswith("tests.oracle") or name.split(".")[0] in sys.stdlib_module_names, name


def written(folder: Path, lines: list[dict[str, object]]) -> str:
    path = folder / "books.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return str(path)


def test_the_program_says_what_it_did_not_look_at(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [line for line in history(1) if line["book"] not in ("wire", "clearing")]
    assert main([written(tmp_path, lines)]) == 0
    told = capsys.readouterr().out
    assert "not looked at: rule 6" in told and "(no clearing)" in told
    assert "every promise that was looked at was kept" in told


def test_the_program_names_the_key_and_ends_with_5(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = history(2)
    key = FAULTS[0](Scene(lines, Random(2)))
    assert main([written(tmp_path, lines)]) == 5
    assert f"rule 1: {key}: approved, and not in its bank's book" in capsys.readouterr().out


def test_a_line_that_is_no_book_s_stops_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([written(tmp_path, [{"pan": "4111111111111111"}])]) == 2
    assert capsys.readouterr().err.endswith("books.jsonl, line 1: not a line of a book\n")
