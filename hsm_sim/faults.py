"""Faults on purpose: what a test asks the HSM to do wrong, for which commands, and how often.

Pure: the draw of a rate comes in as a function. What a fault does to a connection (waiting,
closing) is the server's; which fault strikes is decided here, and every stroke is counted, so
that nobody takes it for a defect.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from protocols.hsm import codes

EVERY: Final = "*"  # a fault for whatever is asked
DELAY_MAX_MS: Final = 600_000
FAULTS_MAX: Final = 256


class Kind(StrEnum):
    """What goes wrong. In this order it is decided: a request may be delayed and then meet one of the others."""

    DELAY = "delay"  # answered later; everything behind it on the connection waits too
    FREEZE = "freeze"  # neither answered nor refused until the fault is cleared
    CLOSE = "close"  # the connection is closed instead of an answer
    DROP = "drop"  # never answered
    DISABLE = "disable"  # answered 68, as a command that is not licensed
    ERROR = "error"  # answered with a code, nothing being done


class UnfitFaultError(ValueError):
    """What was asked for is no fault; the text says why."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: `rate` of the requests for `command` (or for all), at most `left` times (None: no end)."""

    command: str
    kind: Kind
    rate: float = 1.0
    code: str = codes.DEFECT
    ms: int = 0
    left: int | None = None

    def told(self) -> dict[str, object]:
        """For people and programs."""
        told: dict[str, object] = {"command": self.command, "fault": self.kind.value, "rate": self.rate}
        if self.kind is Kind.ERROR:
            told["code"] = self.code
        if self.kind is Kind.DELAY:
            told["ms"] = self.ms
        if self.left is not None:
            told["left"] = self.left
        return told


def fault_from(asked: Mapping[str, Any]) -> Fault:
    """The fault that these words describe. Raises UnfitFaultError.

    >>> fault_from({"command": "CC", "fault": "error", "code": "39", "rate": 0.5}).told()
    {'command': 'CC', 'fault': 'error', 'rate': 0.5, 'code': '39'}
    """
    unknown = set(asked) - {"do", "command", "fault", "rate", "code", "ms", "count"}
    if unknown:
        raise UnfitFaultError(f"nobody knows {', '.join(sorted(map(str, unknown)))}")
    return Fault(
        command=_command(asked.get("command", EVERY)),
        kind=_kind(asked.get("fault")),
        rate=_number(asked.get("rate", 1.0), "rate", 0.0, 1.0),
        code=_code(asked.get("code", codes.DEFECT)),
        ms=int(_number(asked.get("ms", 0), "ms", 0, DELAY_MAX_MS)),
        left=None if asked.get("count") is None else int(_number(asked["count"], "count", 1, 10**9)),
    )


def _kind(value: object) -> Kind:
    try:
        return Kind(str(value))
    except ValueError:
        raise UnfitFaultError(f"fault is one of {', '.join(Kind)}") from None


def _command(value: object) -> str:
    if not isinstance(value, str) or (value != EVERY and not (len(value) == 2 and value.isascii() and value.isalnum())):
        raise UnfitFaultError("command is two letters or digits, or * for all")
    return value.upper()


def _code(value: object) -> str:
    if not isinstance(value, str) or len(value) != 2 or not (value.isascii() and value.isalnum()):
        raise UnfitFaultError("code is two letters or digits")
    return value.upper()


def _number(value: object, name: str, least: float, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise UnfitFaultError(f"{name} is a number from {least:g} to {most:g}")
    return value


class Faults:
    """The faults that are switched on. With none, asking costs one look at a flag."""

    def __init__(self, draw: Callable[[], float]) -> None:
        self._draw = draw
        self._faults: dict[tuple[str, Kind], Fault] = {}
        self.struck: dict[tuple[str, str], int] = {}  # (command, kind) -> how often
        self.active = False

    def __iter__(self) -> Iterator[Fault]:
        return iter(self._faults.values())

    def set(self, fault: Fault) -> None:
        """Switch one on; it takes the place of the same kind for the same command."""
        if len(self._faults) >= FAULTS_MAX and (fault.command, fault.kind) not in self._faults:
            raise UnfitFaultError(f"more than {FAULTS_MAX} faults")
        self._faults[fault.command, fault.kind] = fault
        self.active = True

    def clear(self, command: str | None = None, kind: Kind | None = None) -> int:
        """Switch off those of a command and of a kind (None: all of them); how many that were."""
        gone = [key for key in self._faults if command in (None, key[0]) and kind in (None, key[1])]
        for key in gone:
            del self._faults[key]
        self.active = bool(self._faults)
        return len(gone)

    def strikes(self, command: str) -> tuple[Fault, ...]:
        """The faults that befall this request: a delay may come with one other, which ends the matter."""
        struck: list[Fault] = []
        for name in (command, EVERY):
            for kind in Kind:
                fault = self._faults.get((name, kind))
                if fault is not None and self._befalls(fault, command):
                    struck.append(fault)
                    if kind is not Kind.DELAY:
                        return tuple(struck)
        return tuple(struck)

    def _befalls(self, fault: Fault, command: str) -> bool:
        if fault.rate < 1.0 and self._draw() >= fault.rate:
            return False
        key = (command, fault.kind.value)
        if key in self.struck or len(self.struck) < FAULTS_MAX:
            self.struck[key] = self.struck.get(key, 0) + 1
        if fault.left is not None:
            self._use_up(fault)
        return True

    def _use_up(self, fault: Fault) -> None:
        key = (fault.command, fault.kind)
        if fault.left is None or fault.left <= 1:
            del self._faults[key]
            self.active = bool(self._faults)
        else:
            self._faults[key] = replace(fault, left=fault.left - 1)
