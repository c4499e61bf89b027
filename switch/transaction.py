"""A transaction in flight: the request, its story, and who waits for how it ends.

Lives from the request to the answer. What is kept afterwards is in the journal and in the memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from protocols.message import Message
    from switch.request import Request
    from switch.story import Story


class Transaction:
    """What the core keeps of every one. One that is told as a story is `Told`, one that needs none is `lane.Plain`.

    Plain slotted classes: one is made for every request.
    """

    __slots__ = ("deadline", "issuer", "kept_frame", "key", "link", "listeners", "number", "outlink", "sent", "stan")

    number: int
    key: str
    link: int  # the connection that asked
    listeners: int  # to whom the answer was given; once all of them are gone, nobody heard it
    issuer: str | None
    stan: str | None  # the switch's own
    outlink: int | None  # the connection it went out on
    deadline: float
    sent: bytes | None  # its Sent record
    kept_frame: bytes | None  # as the issuer sees it, less what may not be kept
    rrn: str | None = None  # where the switch made one
    request: Request  # what was asked
    story: Story  # as far as it has been told
    waiting: list[tuple[int, Message]]  # repeats that came meanwhile, and where to answer them


class Told(Transaction):
    """A transaction with a story of its own."""

    __slots__ = ("request", "rrn", "story", "waiting")

    def __init__(self, number: int, key: str, request: Request, link: int) -> None:
        self.number = number
        self.key = key
        self.request = request
        self.link = link
        self.waiting = []
        self.listeners = 0
        self.issuer = None
        self.stan = None
        self.outlink = None
        self.deadline = 0.0
        self.sent = None
        self.kept_frame = None
        self.rrn = None
