"""A link and a visit, as the traffic knows them: what waits to be written there, and how far a customer has come.

Data, kept by `traffic`. The shell takes what lies in `out` and tells what it wrote.
"""

from __future__ import annotations

from collections import deque

from loadtest.customers import Card
from loadtest.flow import Program, Sending
from loadtest.ledger import Entry


class Lane:
    """One link as the traffic sees it. The shell takes `out` and tells what it wrote."""

    __slots__ = (
        "bytes_in",
        "bytes_out",
        "connects",
        "down_since",
        "echo_due",
        "fresh",
        "gap",
        "in_flight",
        "in_flight_max",
        "index",
        "is_signed_on",
        "is_up",
        "out",
        "received",
        "refused",
        "waiting",
        "written",
    )

    def __init__(self, index: int, start: int) -> None:
        self.index = index
        self.is_up = False
        self.is_signed_on = False
        self.refused = ""  # why the host did not let us sign on
        self.out: list[bytes] = []
        self.fresh: list[Entry] = []  # in `out`, not yet written
        self.waiting: deque[tuple[Visit, Sending, int]] = deque()  # where a terminal keeps to its link
        self.in_flight = self.in_flight_max = 0
        self.written = self.received = self.bytes_in = self.bytes_out = self.connects = self.gap = 0
        self.down_since: int | None = start
        self.echo_due = 0


class Visit:
    """One customer's visit: where it is in its program, and what it knows."""

    __slots__ = ("at", "card", "first", "last", "pinned", "planned", "program", "values")

    def __init__(self, program: Program, values: dict[str, str], card: Card | None, planned: int) -> None:
        self.program = program
        self.values = values
        self.card = card
        self.planned = planned  # of the message that is due next
        self.at = 0
        self.first: Entry | None = None
        self.last: Entry | None = None
        self.pinned: Lane | None = None
