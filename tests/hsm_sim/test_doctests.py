"""What the docstrings of the HSM show is true."""

from __future__ import annotations

import doctest
import pkgutil
from importlib import import_module

import pytest

import hsm_sim
import protocols.hsm

MODULES = sorted(
    module.name
    for package in (hsm_sim, protocols.hsm)
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + ".")
    if not module.name.endswith("__main__")
)


@pytest.mark.parametrize("name", MODULES)
def test_docstrings_show_the_truth(name: str) -> None:
    assert doctest.testmod(import_module(name)).failed == 0
