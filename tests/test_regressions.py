"""What once broke a parser is replayed; and every fuzz target survives what it begins with."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from fuzz.loop import mutated
from fuzz.targets import all_targets, target_named
from protocols import dialects, framings

KEPT = Path(__file__).parent / "regressions"
TARGETS = all_targets()
CRASHES = [path for path in sorted(KEPT.glob("*/*")) if path.is_file()]


@pytest.mark.parametrize("path", CRASHES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_once_broke_a_parser_does_so_no_more(path: Path) -> None:
    TARGETS[path.parent.name].one(path.read_bytes())


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_a_target_survives_its_seeds_and_some_of_their_children(name: str) -> None:
    target, random = TARGETS[name], Random(name)
    seeds = [*target.seeds()]
    assert seeds
    for seed in seeds[:20]:
        target.one(seed)
        target.one(mutated(seed, seeds, random))


def test_a_target_is_found_by_its_name_alone() -> None:
    assert {name: target_named(name).name for name in TARGETS} == {name: name for name in TARGETS}


def test_every_dialect_and_every_framing_has_a_target() -> None:
    assert {f"codec-{name}" for name in dialects.names()} <= TARGETS.keys()
    assert {f"framing-{name}" for name in framings.names()} <= TARGETS.keys()


def test_a_parser_that_fails_is_noticed(tmp_path: Path) -> None:
    """The fuzzer without a fuzzer's help: it finds a planted fault, and keeps the bytes that show it."""
    from fuzz.loop import fuzz
    from fuzz.target import Target

    def fails_on_nines(data: bytes) -> None:
        assert b"99" not in data

    crash, _ = fuzz(Target("planted", fails_on_nines, lambda: [b"0100989"]), seconds=5.0, random=Random(1))
    assert crash is not None and b"99" in crash
