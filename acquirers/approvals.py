"""Dual approval: what one person may not do alone. A transfer is typed in, two officers approve, then it is sent.

Pure: a register of what waits for whom. What is sent afterwards is for the till.

>>> register = Approvals(frozenset({"amal", "badr", "dana"}))
>>> register.propose(7)
>>> register.approve(7, "amal"), register.approve(7, "badr")
(1, 0)
"""

from __future__ import annotations

OFFICERS_NEEDED = 2


class NotApprovedError(ValueError):
    """Why an approval does not count."""


class Approvals:
    """What waits, and who has approved it."""

    def __init__(self, officers: frozenset[str]) -> None:
        """`officers`: those who may approve."""
        self._officers = officers
        self._waiting: dict[int | str, set[str]] = {}

    def propose(self, id_: int | str) -> None:
        """It waits from now on. NotApprovedError where too few officers are known to ever approve it."""
        if len(self._officers) < OFFICERS_NEEDED:
            raise NotApprovedError(f"{OFFICERS_NEEDED} officers must approve a transfer, and fewer are known here")
        self._waiting[id_] = set()

    def approve(self, id_: int | str, officer: str) -> int:
        """How many approvals are missing now; at none it is out of the register, and may be sent once."""
        if id_ not in self._waiting:
            raise NotApprovedError("nothing with that id waits for approval")
        if officer not in self._officers:
            raise NotApprovedError("nobody of that name may approve here")
        if officer in self._waiting[id_]:
            raise NotApprovedError("another officer must approve it too")
        self._waiting[id_].add(officer)
        missing = OFFICERS_NEEDED - len(self._waiting[id_])
        if not missing:
            del self._waiting[id_]
        return missing

    def refuse(self, id_: int | str) -> None:
        """It will not be sent."""
        self._waiting.pop(id_, None)
