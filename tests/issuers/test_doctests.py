"""What the docstrings show is true."""

from __future__ import annotations

import doctest
from importlib import import_module

import pytest

MODULES = ("accounts", "amounts", "ask", "bank", "decision", "desk", "decide")


@pytest.mark.parametrize("name", MODULES)
def test_docstrings_show_the_truth(name: str) -> None:
    assert doctest.testmod(import_module(f"issuers.{name}")).failed == 0
