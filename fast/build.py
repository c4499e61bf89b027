"""Compiles the modules of the hot path with mypyc, and puts them where `protocols.compiled` finds them.

Everything happens in a folder of its own that becomes the build when it is whole, so a build that was broken off leaves
none. What the modules are was decided by measuring: docs/performance.md has the figures.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from fast.functions import module
from fast.rehearsal import rehearsed
from protocols.compiled import FOLDER, FUNCTIONS, MANIFEST, fingerprint

ROOT: Final = Path(__file__).resolve().parents[1]
GROUP: Final = "payswitch"  # of the one library that all modules share

#: What is compiled. A module whose classes another one extends is compiled with it, or neither is: so not `lane` and
#: `transaction`, for a transaction in the lane finds what was not set on it in its row, which compiled ones do not.
MODULES: Final = (
    "protocols/framing.py",
    "protocols/pan.py",
    "protocols/codec/mould.py",
    "protocols/codec/place.py",
    "protocols/codec/room.py",
    "switch/circuit.py",
    "switch/convoy.py",
    "switch/ends.py",
    "switch/express.py",
    "switch/make.py",
    "switch/memory.py",
    "switch/outbox.py",
    "switch/records.py",
    "switch/routing.py",
)


class NoBuildError(Exception):
    """Nothing was built, and why."""


def compiler() -> str:
    """The C compiler; NoBuildError where there is none."""
    wanted = os.environ.get("CC", "")
    found = next((name for name in (wanted, "cc", "gcc", "clang") if name and shutil.which(name)), None)
    if found is None:
        raise NoBuildError("needs a C compiler, and there is none (on Debian: apt-get install gcc)")
    return found


def build() -> int:
    """Compile, and put it in place; how many modules there are."""
    environment = {**os.environ, "CC": compiler()}
    made_of = fingerprint()
    with tempfile.TemporaryDirectory(prefix="build-fast-", dir=FOLDER.parent) as name:
        folder = Path(name)
        (folder / f"{FUNCTIONS}.py").write_text(module(rehearsed()))
        done = subprocess.run(
            [sys.executable, "-m", "fast.compile", str(folder), GROUP, *MODULES, str(folder / f"{FUNCTIONS}.py")],
            cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise NoBuildError(f"the compiler refuses:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
        libraries = folder / "lib"
        modules = {
            _module_name(path.relative_to(libraries)): str(path.relative_to(libraries))
            for path in libraries.rglob("*.so")
        }
        (libraries / MANIFEST).write_text(json.dumps({"fingerprint": made_of, "modules": modules}, indent=1))
        remove()
        os.rename(libraries, FOLDER)
    return len(modules)


def remove() -> bool:
    """Back to the sources; whether there was a build."""
    there_was_one = FOLDER.exists()
    shutil.rmtree(FOLDER, ignore_errors=True)
    return there_was_one


def _module_name(path: Path) -> str:
    return ".".join((*path.parent.parts, path.name.partition(".")[0]))
