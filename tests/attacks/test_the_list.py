"""The list of attacks is whole, and what it names is there (P21)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.attacks import ATTACKS

ROOT = Path(__file__).parents[2]


def test_there_are_twenty_eight() -> None:
    assert list(ATTACKS) == [f"A{number}" for number in range(1, 29)]


@pytest.mark.parametrize("name", ATTACKS)
def test_each_is_tried_or_says_that_it_is_not(name: str) -> None:
    attack = ATTACKS[name]
    assert attack.tried or attack.not_yet
    for where in attack.tried:
        file, _, test = where.partition("::")
        assert f"def {test}(" in (ROOT / file).read_text(), where
