"""Sellers at the door: passwords as argon2 hashes, tried one at a time; sessions in memory.

python -m acquirers.souk.sign_in     reads a password, prints its hash for `[[sellers]]`
"""

from __future__ import annotations

import secrets
import sys
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from getpass import getpass
from typing import Final

import trio
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from acquirers.souk.settings import Seller

PASSWORD_MAX: Final = 256
QUIET_S: Final = 1800.0  # then a seller signs in again
SESSIONS_MAX: Final = 200
TRIES: Final = 5  # wrong ones of a name, or of nobody's name, in
TRIES_WITHIN_S: Final = 900.0
NAMES_MAX: Final = 1000
# argon2id with 19 MiB and two passes: OWASP's password storage cheat sheet, first of its equal choices.
HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# Of no password that anybody knows: for names that nobody has.
NOBODYS: Final = "$argon2id$v=19$m=19456,t=2,p=1$ZWlnaHRieXRlc2FuZG1vcmU$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


Check = Callable[[str, str], Awaitable[bool]]


@dataclass(slots=True, eq=False)
class Session:
    """One seller's browser."""

    seller: Seller
    csrf: str = field(repr=False)
    seen: float
    notice: tuple[str, bool] | None = None  # a word of `words`, and whether it is a refusal


class Door:
    """Lets sellers in."""

    def __init__(self, sellers: Iterable[Seller], now: Callable[[], float], is_right: Check | None = None) -> None:
        """`is_right`: whether a hash is of a password; without it argon2 says so, in a thread."""
        self._sellers = {one.user: one for one in sellers}
        self._now, self._is_right = now, is_right or self._in_a_thread
        self._sessions: dict[str, Session] = {}
        self._tries: dict[str, list[float]] = {}
        self._one_at_a_time = trio.CapacityLimiter(1)  # a crowd at the door must not take the store's processor

    async def admit(self, user: str, password: str) -> str | None:
        """The name of a new session; None: wrong, or too often wrong."""
        now = self._now()
        tries = [at for at in self._tries.pop(user, []) if now - at < TRIES_WITHIN_S]
        if len(self._tries) >= NAMES_MAX:
            self._tries.clear()
        self._tries[user] = [*tries, now]  # before it is looked at: many at once count, too
        if len(tries) >= TRIES:
            return None
        seller = self._sellers.get(user)
        digest = seller.password if seller else NOBODYS
        right = await self._is_right(digest, password)
        if seller is None or not right:
            return None
        del self._tries[user]
        while len(self._sessions) >= SESSIONS_MAX:
            del self._sessions[next(iter(self._sessions))]
        name = secrets.token_urlsafe(32)
        self._sessions[name] = Session(seller, secrets.token_urlsafe(24), now)
        return name

    async def _in_a_thread(self, digest: str, password: str) -> bool:
        return await trio.to_thread.run_sync(_is_right, digest, password, limiter=self._one_at_a_time)

    def session(self, name: str) -> Session | None:
        found = self._sessions.get(name)
        if found is None or found.seen + QUIET_S < self._now():
            self._sessions.pop(name, None)
            return None
        found.seen = self._now()
        return found

    def end(self, name: str) -> None:
        self._sessions.pop(name, None)


def _is_right(digest: str, password: str) -> bool:
    try:
        return len(password) <= PASSWORD_MAX and HASHER.verify(digest, password)
    except (Argon2Error, InvalidHashError):
        return False


if __name__ == "__main__":
    sys.stdout.write(HASHER.hash(getpass()) + "\n")
