"""The page of the HSM says what the tables of the code give."""

from __future__ import annotations

from docs.hsm import FAULTS, PAGE, page
from hsm_sim.commands import COMMANDS
from hsm_sim.faults import Kind


def test_the_page_is_what_the_tables_give() -> None:
    assert page() == PAGE.read_text(encoding="utf-8"), "write it anew: python -m docs.hsm"


def test_every_command_and_every_fault_is_on_it() -> None:
    written = PAGE.read_text(encoding="utf-8")
    assert set(FAULTS) == set(Kind)
    assert all(f"| `{code}` |" in written for code in COMMANDS)
