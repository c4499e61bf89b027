"""How a process ends: the exit codes, and the errors that carry them.

An error named here is past mending inside the process: nobody may catch it, log it and go on. Whoever
starts the process (a person, systemd, a test) reads the code. Pure, so that pure code may raise them.

| code | meaning |
|---|---|
| 0 | done, or stopped by a signal with everything in its place |
| 1 | failed while running |
| 2 | wrong use or configuration: change it, then start again |
| 3 | something needed from outside is missing (a port, a neighbour): starting again may help |
| 78 | the state on disk is damaged: do not start again, look |
"""

from __future__ import annotations

from typing import ClassVar, Final

DONE: Final = 0
FAILED: Final = 1
MISCONFIGURED: Final = 2
UNAVAILABLE: Final = 3
DAMAGED: Final = 78  # EX_CONFIG of sysexits.h, which supervisors are told not to restart on


class FatalError(Exception):
    """The process must end. The text is one line for the log, without secrets."""

    exit_code: ClassVar[int] = FAILED


class ConfigurationError(FatalError):
    """The configuration or the command line asks for what cannot be."""

    exit_code = MISCONFIGURED


class UnavailableError(FatalError):
    """A port, a file or a neighbour that the party cannot start without."""

    exit_code = UNAVAILABLE


class DamagedStateError(FatalError):
    """What is on disk is not what was written."""

    exit_code = DAMAGED


def fatal_in(error: BaseException) -> FatalError | None:
    """The fatal error in there, however many nurseries wrapped it; the gravest, if there are several.

    >>> fatal_in(ExceptionGroup("", [ValueError(), ExceptionGroup("", [ConfigurationError("no such bank")])]))
    ConfigurationError('no such bank')
    """
    if isinstance(error, FatalError):
        return error
    if not isinstance(error, BaseExceptionGroup):
        return None
    found = [fatal for inner in error.exceptions if (fatal := fatal_in(inner)) is not None]
    return max(found, key=lambda fatal: fatal.exit_code, default=None)
