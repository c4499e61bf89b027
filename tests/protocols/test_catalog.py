"""A plural folder is its own list."""

import json
import sys
from types import ModuleType

import pytest

from protocols.catalog import declared, modules_of
from protocols.errors import LocalProtocolError


@pytest.fixture
def animals(tmp_path, monkeypatch):
    """A package on disk with two files that declare an ANIMAL, and a private one that does not."""
    folder = tmp_path / "animals_of_this_test"
    folder.mkdir()
    for name, text in {"__init__": "", "zebra": "ANIMAL = 'zebra'", "ant": "ANIMAL = 'ant'", "_help": ""}.items():
        (folder / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    for name in [name for name in sys.modules if name.startswith(folder.name)]:
        del sys.modules[name]


def test_the_files_of_a_folder_in_the_order_of_their_names(animals):
    assert [module.__name__.rpartition(".")[2] for module in modules_of(animals.name)] == ["ant", "zebra"]


def test_what_they_declare(animals):
    assert declared(animals.name, "ANIMAL") == ["ant", "zebra"]


def test_a_package_may_be_given_itself():
    assert isinstance(json, ModuleType)
    assert "json.decoder" in [module.__name__ for module in modules_of(json)]


def test_a_file_that_declares_nothing_is_a_mistake(animals):
    (animals / "bee.py").write_text("")
    with pytest.raises(LocalProtocolError, match="bee declares no ANIMAL"):
        declared(animals.name, "ANIMAL")
