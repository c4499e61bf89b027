"""One party as a child process: on a leash, its lines read, its log in a file.

The leash: a child is told by the kernel (Linux: PR_SET_PDEATHSIG) to die with the process that
started it, so that a supervisor ended by `kill -9` leaves nothing behind that holds its ports.
The kernel means the *thread* that started it, and trio starts processes in worker threads that
come and go; hence plain subprocess, called from the thread that runs the event loop, and the
pipes wrapped afterwards. Elsewhere than on Linux there is no leash, only the orderly stop.

Children get a process group of their own: Ctrl-C is for the supervisor, which stops them in order.
What the lines mean, and whether a child that ended starts again, is the supervisor's.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from pathlib import Path

import trio

PR_SET_PDEATHSIG = 1  # linux/prctl.h
LINE_MAX = 64 * 1024  # a line longer than this is not one of ours


class Child:
    """A running process. `lines()` until it ends, then `ended()`."""

    def __init__(self, popen: subprocess.Popen[bytes]) -> None:
        assert popen.stdout is not None
        self._popen = popen
        self._stdout = trio.lowlevel.FdStream(os.dup(popen.stdout.fileno()))
        popen.stdout.close()
        self._stdin: trio.lowlevel.FdStream | None = None
        if popen.stdin is not None:
            self._stdin = trio.lowlevel.FdStream(os.dup(popen.stdin.fileno()))
            popen.stdin.close()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._popen.pid

    async def lines(self) -> AsyncIterator[str]:
        """What it writes on its standard output, line by line, until it closes it."""
        rest = b""
        while chunk := await self._stdout.receive_some():
            *whole, rest = (rest + chunk).split(b"\n")
            for line in whole:
                yield line.decode("utf-8", "replace")
            rest = rest[-LINE_MAX:]

    async def write(self, line: str) -> None:
        """One line on its standard input."""
        if self._stdin is None:
            raise ValueError("this process was started without a standard input")
        await self._stdin.send_all(line.encode() + b"\n")

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal; one that has ended does not mind."""
        with suppress(ProcessLookupError):
            self._popen.send_signal(number)

    async def ended(self) -> int:
        """Its exit code, once it has ended; -9 and the like for a signal."""
        code = await trio.to_thread.run_sync(self._popen.wait, abandon_on_cancel=True)
        await self._stdout.aclose()
        if self._stdin is not None:
            await self._stdin.aclose()
        return code

    def kill_now(self) -> None:
        """End it without asking, and without a zombie: for when there is no time left."""
        self.signal(signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            self._popen.wait(timeout=1)


def start_child(command: Sequence[str], log_path: Path, *, with_input: bool = False) -> Child:
    """Start a process on a leash. Call it from the thread that runs the event loop."""
    log_path.parent.mkdir(parents=True, exist_ok=True)
    with log_path.open("ab") as log:
        popen = subprocess.Popen(
            list(command),
            stdin=subprocess.PIPE if with_input else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            preexec_fn=leash(),
            process_group=0,
        )
    return Child(popen)


def leash() -> Callable[[], None] | None:
    """What the child does before it becomes the party: ask the kernel to die with us."""
    if not sys.platform.startswith("linux"):
        return None
    # Looked up before the fork: between fork and exec nothing may need a lock.
    prctl, supervisor = ctypes.CDLL(None).prctl, os.getpid()

    def tie() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != supervisor:  # it died before we asked
            os._exit(1)

    return tie
