"""The circuit of one link: whether requests are fed to it, learnt from how it answered the last ones.

Pure: moments come in as arguments. A link that stays connected and answers nothing, or too late to be of use, is
sick: its circuit opens, and requests go to the issuer's other links, or are answered at once (stand-in, 91) instead
of after the issuer's whole patience. Then it is asked whether it is there (an echo, 0800); once it answers it gets one
request in `ONE_IN` as a probe, a few at a time, and when enough of those are answered in time the circuit closes.

What is owed (store and forward) goes out on an open circuit too: it has a back-off of its own, and what comes
back is the best sign of life there is.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

WINDOW: Final = 20  # the last answers by which a link is judged
FEWEST: Final = 10  # with fewer than these nobody is judged
SICK_SHARE: Final = 0.5  # of them failed
SICK_RUN: Final = 8  # failures one after another, whatever came before
SLOW_SHARE: Final = 0.9  # of the issuer's patience: an answer that took longer is as good as none
FIRST_WAIT_S: Final = 1.0  # from the opening to the first echo
LONGEST_WAIT_S: Final = 15.0  # between echoes: a bank that is back is in use a quarter of a minute later at most
ONE_IN: Final = 8  # requests that a half-open circuit lets through
WELL_RUN: Final = 3  # probes answered in time that close it
PROBES_MAX: Final = 3  # out at a time: whatever the load, no more than these are put at risk


class State(StrEnum):
    """Of a circuit."""

    CLOSED = "closed"  # in use
    OPEN = "open"  # not fed
    HALF_OPEN = "half-open"  # on probation


class Circuit:
    """One link's. `closed` is all that the hot path looks at.

    >>> circuit = Circuit(patience_s=8.0)
    >>> for second in range(8):
    ...     circuit.failed(float(second))
    >>> circuit.closed, circuit.state.value, circuit.wants_echo(7.5), circuit.wants_echo(8.1)
    (False, 'open', False, True)
    >>> circuit.echoed(); [circuit.lets_pass() for _ in range(8)].count(True)
    1
    """

    __slots__ = (
        "_outcomes",
        "_probes",
        "_run",
        "_turn",
        "_wait_s",
        "_well",
        "closed",
        "echo_at",
        "patience_s",
        "state",
    )

    def __init__(self, patience_s: float) -> None:
        self.patience_s = patience_s
        self.state = State.CLOSED
        self.closed = True
        self.echo_at = 0.0
        self._outcomes = 0  # the last `WINDOW` of them, one bit each, 1 a failure, under a leading 1
        self._run = 0
        self._well = 0
        self._turn = 0
        self._probes = 0  # out, and not answered yet
        self._wait_s = FIRST_WAIT_S
        self._forget()

    def lets_pass(self) -> bool:
        """Whether the next request may go here; asking counts as a turn."""
        if self.closed:
            return True
        if self.state is State.OPEN:
            return False
        self._turn += 1
        if self._turn % ONE_IN or self._probes >= PROBES_MAX:
            return False
        self._probes += 1
        return True

    def answered(self, took_s: float, now: float) -> None:
        """A request was answered after so long."""
        if took_s > self.patience_s * SLOW_SHARE:
            self.failed(now)
            return
        self._run = 0
        self._add(0)
        if self.state is State.HALF_OPEN:
            self._well += 1
            self._probes = max(0, self._probes - 1)
            if self._well >= WELL_RUN:
                self._close()

    def failed(self, now: float) -> None:
        """A request was not answered in time, or not in a way that makes sense."""
        self._run += 1
        self._add(1)
        if self.state is State.HALF_OPEN:
            self._wait_s = min(LONGEST_WAIT_S, self._wait_s * 2)
            self._open(now)
        elif self.state is State.CLOSED and self._is_sick():
            self._open(now)

    def wants_echo(self, now: float) -> bool:
        """Whether it is time to ask whether the link is there. The next time is a wait away."""
        if self.closed or now < self.echo_at:
            return False
        if self.state is State.HALF_OPEN:  # probes that ended otherwise (taken back, say) make room again
            self._probes, self.echo_at = 0, now + self.patience_s
            return False
        self._wait_s = min(LONGEST_WAIT_S, self._wait_s * 2)
        self.echo_at = now + self._wait_s
        return True

    def echoed(self) -> None:
        """Somebody is there: probes may begin."""
        if self.state is State.OPEN:
            self.state, self._well, self._turn, self._probes = State.HALF_OPEN, 0, 0, 0

    def _is_sick(self) -> bool:
        if self._run >= SICK_RUN:
            return True
        known = self._outcomes.bit_length() - 1
        return known >= FEWEST and (self._outcomes.bit_count() - 1) >= known * SICK_SHARE

    def _add(self, failure: int) -> None:
        self._outcomes = self._outcomes << 1 | failure
        if self._outcomes.bit_length() > WINDOW + 1:
            self._outcomes = self._outcomes & (1 << WINDOW) - 1 | 1 << WINDOW

    def _forget(self) -> None:
        self._outcomes, self._run = 1, 0

    def _open(self, now: float) -> None:
        self.state, self.closed = State.OPEN, False
        self.echo_at = now + self._wait_s

    def _close(self) -> None:
        self.state, self.closed = State.CLOSED, True
        self._wait_s = FIRST_WAIT_S
        self._forget()
