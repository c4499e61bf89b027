"""Who has come in. Pure: time and secrets come in as arguments.

A session lives in the switch's memory, the browser has its name and nothing else; it ends after an idle hour, or a
working day, or with the switch.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

QUIET_S: Final = 3600.0
LIFE_S: Final = 12 * 3600.0
SESSIONS_MAX: Final = 64  # the oldest goes
STREAMS_MAX: Final = 6  # of one browser: what it opens to one address anyway


@dataclass(eq=False, slots=True)
class Session:
    """One browser."""

    csrf: str = field(repr=False)
    began: float
    seen: float
    notices: list[tuple[bool, str]] = field(default_factory=list)  # whether it is bad news, and the words
    streams: int = 0
    is_over: bool = False

    def is_alive(self, now: float) -> bool:
        return not self.is_over and now < self.seen + QUIET_S and now < self.began + LIFE_S


class Sessions:
    """All of them, by the name that the browser has.

    >>> sessions = Sessions()
    >>> sessions.begin("name", "csrf", now=0.0).csrf, sessions.of("name", now=QUIET_S)
    ('csrf', None)
    """

    def __init__(self) -> None:
        self._sessions: OrderedDict[str, Session] = OrderedDict()

    def begin(self, name: str, csrf: str, now: float) -> Session:
        while len(self._sessions) >= SESSIONS_MAX:
            self.end(next(iter(self._sessions)))
        self._sessions[name] = Session(csrf, now, now)
        return self._sessions[name]

    def of(self, name: str, now: float, *, touch: bool = True) -> Session | None:
        """The session, if it is alive; a page keeps it so, a stream does not."""
        session = self._sessions.get(name)
        if session is None:
            return None
        if not session.is_alive(now):
            self.end(name)
            return None
        if touch:
            session.seen = now
        return session

    def end(self, name: str) -> None:
        session = self._sessions.pop(name, None)
        if session is not None:
            session.is_over = True
