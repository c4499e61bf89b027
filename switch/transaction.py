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
    """A plain slotted class: one is made for every request."""

    __slots__ = (
        "deadline",
        "issuer",
        "kept_frame",
        "key",
        "link",
        "listeners",
        "number",
        "outlink",
        "request",
        "rrn",
        "sent",
        "stan",
        "story",
        "waiting",
    )

    def __init__(self, number: int, key: str, request: Request, link: int) -> None:
        self.number = number
        self.key = key
        self.request = request
        self.link = link  # the connection that asked
        self.story: Story
        self.waiting: list[tuple[int, Message]] = []  # repeats that came meanwhile, and where to answer them
        self.listeners = 0  # to whom the answer was given; once all of them are gone, nobody heard it
        self.issuer: str | None = None
        self.stan: str | None = None  # the switch's own
        self.outlink: int | None = None  # the connection it went out on
        self.deadline = 0.0
        self.sent: bytes | None = None  # its Sent record
        self.kept_frame: bytes | None = None  # as the issuer sees it, less what may not be kept
        self.rrn: str | None = None  # made by the switch
