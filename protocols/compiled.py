"""Which build runs: modules from their sources, or the same sources compiled beforehand (`./run build-fast`).

The compiled modules lie beside the environment's interpreter and never among the sources. They are used when they were
made of exactly these sources for exactly this Python, all of them or none; one changed letter in `protocols` or
`switch`, and the sources run until somebody builds again. With `PAYSWITCH_PURE=1` they run in any case.

How the build is made is `fast`'s. Here is only what every process does before it imports anything else of ours.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import sysconfig
from collections.abc import Callable, Mapping, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ExtensionFileLoader, ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any, Final

FOLDER: Final = Path(sys.prefix) / "payswitch-fast"
MANIFEST: Final = "manifest.json"
FUNCTIONS: Final = "payswitch_functions"  # the module of functions that the codec would write when it meets a layout
MADE_OF: Final = ("protocols", "switch", "fast")  # the folders whose sources make a build
SWITCH_OFF: Final = "PAYSWITCH_PURE"

PURE: Final = "pure python"
COMPILED: Final = "compiled"
STALE: Final = "pure python; the compiled build is of other sources: ./run build-fast"

Maker = Callable[[Mapping[str, Any]], Callable[..., Any]]  # names that a function needs -> the function

_makers: Mapping[str, Maker] = {}
_words = PURE


def build() -> str:
    """Which build this process runs, in words for a log."""
    return _words


def function(source: str) -> Maker | None:
    """Makes the function of this source, if it was compiled beforehand."""
    return _makers.get(source)


def fingerprint() -> str:
    """Of all sources that a build is made of, and of what it is made for."""
    root = Path(__file__).resolve().parents[1]
    sum_of_all = hashlib.sha256(f"{sysconfig.get_config_var('EXT_SUFFIX')} {sys.version}".encode())
    for folder in MADE_OF:
        for path in sorted((root / folder).rglob("*.py")):
            data = path.read_bytes()
            sum_of_all.update(f"\n{path.relative_to(root).as_posix()} {len(data)}\n".encode() + data)
    return sum_of_all.hexdigest()


class _Finder(MetaPathFinder):
    """Finds our compiled modules before anybody looks for their sources."""

    def __init__(self, modules: Mapping[str, Path]) -> None:
        self._modules = modules

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        library = self._modules.get(fullname)
        if library is None:
            return None
        return spec_from_file_location(fullname, library, loader=ExtensionFileLoader(fullname, str(library)))


def use() -> None:
    """Called once, by `protocols/__init__.py`, so that nothing of ours was imported before."""
    global _makers, _words
    if os.environ.get(SWITCH_OFF) or not (FOLDER / MANIFEST).exists():
        return
    manifest = json.loads((FOLDER / MANIFEST).read_text())
    if manifest["fingerprint"] != fingerprint():
        _words = STALE
        return
    sys.meta_path.insert(0, _Finder({name: FOLDER / file for name, file in manifest["modules"].items()}))
    _makers = __import__(FUNCTIONS).MAKERS
    _words = COMPILED
