"""The targets: every file here declares TARGETS, and whoever adds a dialect or a framing adds one without knowing."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from fuzz.target import Target


def all_targets() -> dict[str, Target]:
    """By name; imports every file."""
    files = sorted(module.name for module in iter_modules(__path__))
    return {target.name: target for file in files for target in _of_file(file)}


def target_named(name: str) -> Target:
    """One of them, without importing the others: a target's name begins with the name of its file."""
    return next(target for target in _of_file(name.partition("-")[0]) if target.name == name)


def _of_file(file: str) -> tuple[Target, ...]:
    targets: tuple[Target, ...] = import_module(f"{__name__}.{file}").TARGETS
    return targets
