"""Collects what the files of a plural folder declare: `dialects/*.py` each declare `DIALECT`.

Adding a thing is adding a file. Nothing here knows what the things are, and
nothing is kept: the folder's `__init__` keeps what it asked for.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

from protocols.errors import LocalProtocolError


def modules_of(package: ModuleType | str) -> list[ModuleType]:
    """The files of a folder, imported, in the order of their names; `_private` ones stay out.

    A folder may ask about itself from its own `__init__`: `modules_of(__name__)`.
    """
    folder = import_module(package) if isinstance(package, str) else package
    names = sorted(found.name for found in iter_modules(folder.__path__) if not found.name.startswith("_"))
    return [import_module(f"{folder.__name__}.{name}") for name in names]


def declared(package: ModuleType | str, name: str) -> list[Any]:
    """What each file of the folder declares under `name`; a file that does not is a mistake."""
    return [_declaration(module, name) for module in modules_of(package)]


def _declaration(module: ModuleType, name: str) -> Any:
    try:
        return getattr(module, name)
    except AttributeError:
        raise LocalProtocolError(f"{module.__name__} declares no {name}") from None
