"""docs/terminals.md: its words are words, its script is a script, its settings are settings."""

from __future__ import annotations

import re
from pathlib import Path

from acquirers.terminals.settings import load_equipment
from acquirers.terminals.step import load_script, of_words
from issuers.bank import Product

PAGE = (Path(__file__).parents[3] / "docs" / "terminals.md").read_text(encoding="utf-8")


def test_every_command_of_the_page_is_a_step() -> None:
    told = re.findall(r"^\$ payswitch (?:terminal \w+|atm) ((?!--|list).+)$", PAGE, re.MULTILINE)
    assert [of_words(line).do for line in told] == ["purchase", "cash"]
    assert all(id_ in load_equipment().terminals for id_ in re.findall(r"payswitch terminal ([A-Z]\w+)", PAGE))


def test_the_script_of_the_page_can_be_loaded(tmp_path: Path) -> None:
    (script,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    path = tmp_path / "day.toml"
    path.write_text(script)
    assert [step.expect for step in load_script(path)] == ["channel.pos", "00"]


def test_what_the_page_says_of_products_is_a_setting() -> None:
    for name in ("verify", "fallback", "tap_without_pin", "refused_results"):
        assert f"`{name}" in PAGE
        assert name in Product.model_fields
