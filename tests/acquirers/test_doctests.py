"""The examples in the docstrings of `acquirers` are true."""

import doctest
import importlib
import pkgutil

import pytest

import acquirers

MODULES = sorted(found.name for found in pkgutil.walk_packages(acquirers.__path__, "acquirers."))


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_are_true(name):
    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0
