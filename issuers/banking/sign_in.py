"""Passwords: hashes in the bank's file, verified with argon2 in a thread, one at a time.

    python -m issuers.banking.sign_in     reads a password, prints its hash for `[[holders]]`

A name that nobody has takes as long as one that somebody has. No password is kept or logged.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from getpass import getpass
from typing import Final

import trio
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

PASSWORD_MAX: Final = 256
# argon2id with 19 MiB and two passes: OWASP's password storage cheat sheet, first of its equal choices.
HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# Of no password that anybody knows: for names that nobody has.
NOBODYS: Final = "$argon2id$v=19$m=19456,t=2,p=1$ZWlnaHRieXRlc2FuZG1vcmU$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


class Doorkeeper:
    """Knows the holders' hashes by the name they sign in with: name to (holder, hash)."""

    def __init__(self, holders: Mapping[str, tuple[str, str]]) -> None:
        self._holders = holders
        self._one_at_a_time = trio.CapacityLimiter(1)  # a crowd at the door must not take the bank's processor

    async def admits(self, user: str, password: str) -> str | None:
        """The holder's name, or None."""
        holder, digest = self._holders.get(user, (None, NOBODYS))
        right = await trio.to_thread.run_sync(is_right, digest, password, limiter=self._one_at_a_time)
        return holder if right else None


def is_right(digest: str, password: str) -> bool:
    """Whether the hash is of this password."""
    try:
        return len(password) <= PASSWORD_MAX and HASHER.verify(digest, password)
    except (Argon2Error, InvalidHashError):
        return False


if __name__ == "__main__":
    sys.stdout.write(HASHER.hash(getpass()) + "\n")
