"""Who is signed in. Pure: time and secrets come in as arguments.

A session lives in the bank's memory; the browser has its name and nothing else, so signing out ends it for good, and so
does a restart of the bank. It ends after ten quiet minutes, or a working day.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

QUIET_S: Final = 600.0
LIFE_S: Final = 8 * 3600.0
PER_HOLDER_MAX: Final = 8  # browsers of one person; the oldest is signed out
SESSIONS_MAX: Final = 1000
ONCES_MAX: Final = 256  # forms done, so that none is done twice by a second click


@dataclass(slots=True)
class Notice:
    """Something to tell on the next page, once."""

    key: str  # of the language's words, or a slug of a refusal
    is_refusal: bool = False
    text: str = ""  # of a refusal, in the counter's own words
    places: dict[str, str] = field(default_factory=dict)


@dataclass(eq=False, slots=True)
class Session:
    """One browser of one holder."""

    holder: str
    csrf: str = field(repr=False)
    began: float
    seen: float
    notices: list[Notice] = field(default_factory=list)
    onces: OrderedDict[str, None] = field(default_factory=OrderedDict, repr=False)
    streams: int = 0
    is_over: bool = False

    def first_time(self, once: str) -> bool:
        """Whether this form has not been done yet; from now on it has."""
        if once in self.onces:
            return False
        self.onces[once] = None
        if len(self.onces) > ONCES_MAX:
            self.onces.popitem(last=False)
        return True

    def is_alive(self, now: float) -> bool:
        return not self.is_over and now < self.seen + QUIET_S and now < self.began + LIFE_S


class Sessions:
    """All of them, by the name that the browser has.

    >>> sessions = Sessions()
    >>> sessions.begin("name", "csrf", "Fatma", now=0.0).holder
    'Fatma'
    >>> sessions.of("name", now=QUIET_S) is None
    True
    """

    def __init__(self) -> None:
        self._sessions: OrderedDict[str, Session] = OrderedDict()

    def begin(self, name: str, csrf: str, holder: str, now: float) -> Session:
        """Somebody has signed in. The name is new: one from before the sign-in is worth nothing."""
        theirs = [name for name, one in self._sessions.items() if one.holder == holder]
        for old in theirs[: max(0, len(theirs) - PER_HOLDER_MAX + 1)]:
            self.end(old)
        while len(self._sessions) >= SESSIONS_MAX:
            self.end(next(iter(self._sessions)))
        self._sessions[name] = Session(holder, csrf, now, now)
        return self._sessions[name]

    def of(self, name: str, now: float, *, touch: bool = True) -> Session | None:
        """The session, if it is alive; a page that the holder asked for keeps it so, a stream does not."""
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
