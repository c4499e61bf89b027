"""What the HSM knows of its own work: answers by command and code, connections, bytes, load, PIN failures.

The health commands (NI, J2, J4, J8, JK) read this and nothing else, so that they tell the truth.
Pure: the clock comes in as a function, whatever happened is told by whoever saw it. Nothing here
knows a field of any request.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from protocols.hsm import codes

#: Commands whose 01 means that a PIN was wrong: they feed the counters behind fraud detection.
PIN_CHECKS: Final = frozenset({"DA", "DC", "EA", "EC", "BC", "BE", "CK", "CM", "GO", "GQ", "CU", "DU"})
UNKNOWN: Final = "unknown"  # how commands that we do not know are counted: peers choose codes, and a table has a bound
MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
FAILURES_KEPT: Final = 99_999  # the five digits that J8 has for an hour
BANDS: Final = tuple((0 if low == 0 else low + 1, low + 10) for low in range(0, 100, 10))  # of load, in percent

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Connection:
    """One open connection, as NI reports it: ports, the peer's IPv4 address as 8 hex digits, and since when."""

    local_port: int
    remote_ip: str
    remote_port: int
    since: datetime


@dataclass(slots=True)
class Traffic:
    """What went over the wires, in frames and in bytes with their length in front."""

    received: int = 0
    sent: int = 0
    bytes_received: int = 0
    bytes_sent: int = 0
    refused_connections: int = 0  # beyond the bound, or without a certificate we know
    broken_received: int = 0  # frames too short, or framing that broke off
    dropped_received: int = 0  # by a fault switched on, or over UDP


@dataclass(slots=True)
class FraudLimits:
    """How many wrong PINs are too many; 0: nobody watches. After that every PIN check answers 39."""

    a_minute: int = 0
    an_hour: int = 0
    attack: int = 0  # in all, since the figures began


@dataclass(slots=True)
class Figures:
    """The live figures of one HSM since `began`."""

    clock: Clock
    serial: str = "SIMULATOR001"
    reboots: int = 0
    limits: FraudLimits = field(default_factory=FraudLimits)
    began: datetime = field(init=False)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)  # (command, error code) -> how often
    traffic: Traffic = field(default_factory=Traffic)
    connections: dict[object, Connection] = field(default_factory=dict)
    tampers: int = 0
    tampered: tuple[str, datetime] | None = None  # (cause, when) while it is in that state
    attacks: int = 0
    suspects_fraud: bool = False
    suspects_attack: bool = False
    _failures: deque[datetime] = field(default_factory=lambda: deque(maxlen=FAILURES_KEPT))
    _failures_in_all: int = 0
    _load: Counter[int] = field(default_factory=Counter)  # upper end of a band -> whole seconds in it
    _second: int = 0  # seconds since `began` that the busy time below is of
    _busy_s: float = 0.0

    def __post_init__(self) -> None:
        self.began = self.clock()

    # Answers

    def answered(self, command: str, error: str, known: bool = True) -> None:
        """One answer went out. A PIN that was wrong counts towards fraud detection."""
        self.counts[command if known else UNKNOWN, error] += 1
        if error == codes.NOT_VERIFIED and command in PIN_CHECKS:
            self._pin_was_wrong()

    def by_command(self) -> dict[str, int]:
        """How often each command was answered, whatever the code."""
        total: Counter[str] = Counter()
        for (command, _), count in self.counts.items():
            if command != UNKNOWN:
                total[command] += count
        return dict(sorted(total.items()))

    @property
    def unknown_commands(self) -> int:
        return sum(count for (command, _), count in self.counts.items() if command == UNKNOWN)

    # PINs

    def _pin_was_wrong(self) -> None:
        self._failures.append(self.clock())
        self._failures_in_all += 1
        limits = self.limits
        if self._too_many(self.failures_within(MINUTE), limits.a_minute) or self._too_many(
            self.failures_within(HOUR), limits.an_hour
        ):
            self.suspects_fraud = True
        if self._too_many(self._failures_in_all, limits.attack) and not self.suspects_attack:
            self.suspects_attack = True
            self.attacks += 1

    @staticmethod
    def _too_many(count: int, limit: int) -> bool:
        return 0 < limit < count

    def failures_within(self, span: timedelta) -> int:
        """Wrong PINs in the time just past."""
        since = self.clock() - span
        count = 0
        for at in reversed(self._failures):
            if at <= since:
                break
            count += 1
        return count

    @property
    def refuses_pins(self) -> bool:
        """Whether PIN checks are answered 39 until somebody clears it."""
        return self.suspects_fraud or self.suspects_attack

    def clear_fraud(self) -> None:
        """Somebody looked into it: begin anew. Attacks stay counted."""
        self._failures.clear()
        self._failures_in_all = 0
        self.suspects_fraud = self.suspects_attack = False

    # Load

    def worked(self, busy_s: float) -> None:
        """So many seconds of work have just ended."""
        self._close_seconds()
        self._busy_s += busy_s

    def load(self) -> list[tuple[int, int, int]]:
        """Ten bands of utilisation, `(from %, to %, seconds spent in it)`; the second that runs is not in."""
        self._close_seconds()
        return [(low, high, self._load[high]) for low, high in BANDS]

    @property
    def seconds(self) -> int:
        """Whole seconds since the figures began."""
        return max(0, int((self.clock() - self.began).total_seconds()))

    def _close_seconds(self) -> None:
        """Book what was busy in the second that has passed; the idle ones after it too. Work of more
        than a second (a thread's) fills the seconds that come after: none is more than busy."""
        now = self.seconds
        while self._second < now and self._busy_s > 0:
            busy, self._busy_s = min(self._busy_s, 1.0), max(0.0, self._busy_s - 1.0)
            self._load[band_of(busy)] += 1
            self._second += 1
        if self._second < now:
            self._load[band_of(0.0)] += now - self._second
            self._second = now

    # Tampering

    def tamper(self, cause: str) -> None:
        """Somebody opened the box: no LMK is there until it is cleared."""
        self.tampers += 1
        self.tampered = (cause, self.clock())

    def clear_tamper(self) -> None:
        self.tampered = None


def band_of(share: float) -> int:
    """The upper end, in percent, of the band that a share of a second falls in.

    >>> band_of(0.0), band_of(0.1), band_of(0.101), band_of(1.0)
    (10, 10, 20, 100)
    """
    percent = -int(-100 * share // 1)  # rounded up
    return next((high for _, high in BANDS if percent <= high), BANDS[-1][1])
