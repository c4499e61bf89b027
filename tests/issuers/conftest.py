"""A branch of each bank, on a directory of the test's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from issuers.bank import load_bank
from tests.issuers.branch import Branch


@pytest.fixture
def nbk(tmp_path: Path) -> Branch:
    return Branch(load_bank(None, "nbk"), tmp_path)


@pytest.fixture
def sandbox(tmp_path: Path) -> Branch:
    return Branch(load_bank(None, "sandbox"), tmp_path)
