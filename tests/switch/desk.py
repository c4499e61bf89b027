"""A core on a desk: bytes and numbers in, bytes and numbers out, a list for a disk.

A conversation reads from top to bottom: who connects, who says what, who hears what. Time moves
when the test says so. `commits=False` lets a test see what is held back until the disk has it;
`restarted()` is what the next process makes of what reached the disk.
"""

from __future__ import annotations

from datetime import date
from random import Random

import msgpack

from protocols import elements as de
from protocols.border import spoken_with
from protocols.dialect import Dialect
from protocols.dialects import dialect_named
from protocols.elements import element_named
from protocols.hsm import HsmRequest, build_answer, read_request
from protocols.message import Message
from protocols.participant import Participant
from switch.configuration import Configuration, configure
from switch.core import Core, Event
from switch.ends import Side
from switch.instant import Instant
from switch.memory import Memory
from switch.records import Record, read
from switch.recovery import Found, Recovery, gather
from switch.totals import Totals

DIALECT = dialect_named("iso87_ascii")
NETWORK: Configuration = configure()
START = Instant(1000.0, 1_795_000_000.0)  # 18 November 2026
TODAY = date(2026, 11, 18)

SANDBOX_CARD = "4111111111111111"
INTERNET_CARD = "9414100000000017"
CREDIT_CARD = "9414200000000015"
DEBIT_CARD = "9414300000000013"

#: A purchase on the internet as a laboratory gateway sends it.
PURCHASE = {
    "pan": SANDBOX_CARD,
    "processing_code": "000000",
    "amount": "000000010000",
    "transmitted_at": "1118110640",
    "stan": "000001",
    "local_time": "140640",
    "local_date": "1118",
    "expiry": "2912",
    "merchant_type": "5732",
    "pos_entry_mode": "812",
    "pos_condition_code": "59",
    "acquirer_id": "784001",
    "rrn": "632211000001",
    "terminal_id": "LAB00001",
    "card_acceptor_id": "LABORATORY00001",
    "currency": "784",
}


def elements(values: dict[str, str | None]) -> dict[int, str]:
    return {element_named(name).number: value for name, value in values.items() if value is not None}


class Desk:
    def __init__(
        self, *, seed: int = 1, commits: bool = True, network: Configuration = NETWORK, remembers: int = 1000
    ) -> None:
        self.core = Core(network, Random(seed), Memory(remembers))
        self.now = START
        self.disk: list[bytes] = []
        self.commits = commits
        self.events: list[Event] = []
        self.closures: list[tuple[int, str]] = []
        self.heard: dict[int, list[Message]] = {}
        self.raw: dict[int, list[bytes]] = {}
        self._numbers = iter(range(1, 1000))
        self._hsm: set[int] = set()
        self._tongues: dict[int, Dialect] = {}
        self.core.begin(self.now)
        self.settle()

    # Who is there

    def gateway(self, participant: str = "lab", **agreed: object) -> int:
        """A connection on the laboratory port; anyone but `lab` says who it is by signing on.

        `agreed` is what its agreement says differently: `dialect`, `framing`, `skew_s`.
        """
        lab = NETWORK.participants["lab"].model_copy(update=agreed)
        number = self._number(lab)
        self.core.opened(number, Side.GATEWAY, lab, self.now, ("comtrust", "nbd", "ebi", "nbk"))
        if participant != "lab":
            named = NETWORK.participants[participant]
            element = "forwarder_id" if participant == "comtrust" else "acquirer_id"
            self.says(number, "0800", stan="900000", network_management_code="001", **{element: named.institution_id})
            assert self.hears(number).response_code == "00"
        return number

    def issuer(self, participant: str = "sandbox", *, signs_on: bool = True, **agreed: object) -> int:
        """A link to an issuer, signed on as the switch asks for it."""
        bank = NETWORK.participants[participant].model_copy(update=agreed)
        number = self._number(bank)
        self.core.opened(number, Side.ISSUER, bank, self.now)
        self.settle()
        greeting = self.hears(number)
        assert (greeting.mti, greeting.network_management_code) == ("0800", "001")
        if signs_on:
            self.frames(number, greeting.answered({de.RESPONSE_CODE: "00"}))
        return number

    def hsm(self) -> int:
        number = next(self._numbers)
        self._hsm.add(number)
        self.core.opened(number, Side.HSM, NETWORK.participants["lab"], self.now)
        return number

    def _number(self, participant: Participant) -> int:
        """A connection, and how the one at its other end speaks."""
        number = next(self._numbers)
        self._tongues[number] = spoken_with(participant, lambda: TODAY, trusted=True)
        return number

    def hangs_up(self, number: int) -> None:
        self.core.closed(number, self.now)
        self.settle()

    # Who says what

    def says(self, number: int, mti: str, **values: str | None) -> None:
        """A message with exactly these elements; a 0800 gets its DE 7."""
        if mti == "0800":
            values = {"transmitted_at": "1118110640", "stan": "000001", **values}
        self.frames(number, self._tongues[number].encode(mti, elements(values)))

    def asks(self, number: int, mti: str = "0100", **changes: str | None) -> dict[str, str | None]:
        """The purchase above, with changes; returns what was asked."""
        asked = {**PURCHASE, **changes}
        self.says(number, mti, **asked)
        return asked

    def frames(self, number: int, *frames: bytes) -> None:
        self.core.received(number, frames, self.now)
        self.settle()

    def answers(self, number: int, request: Message, response_code: str = "00", **changes: str | None) -> None:
        """An issuer's answer to what it heard."""
        changes = {"response_code": response_code, **changes}
        if response_code == "00":
            changes.setdefault("approval_code", "A1B2C3")
        patch = {element_named(name).number: value for name, value in changes.items()}
        self.frames(number, request.answered(patch))

    def reverses(self, number: int, asked: dict[str, str | None], mti: str = "0420", **changes: str | None) -> None:
        """The reversal of what was asked."""
        first = "0200" if asked.get("mti") == "0200" else "0100"
        institutions = f"{(asked['acquirer_id'] or '').rjust(11, '0')}{'0' * 11}"
        original = f"{first}{asked['stan']}{asked['transmitted_at']}{institutions}"
        wanted = (
            "pan",
            "processing_code",
            "amount",
            "acquirer_id",
            "rrn",
            "terminal_id",
            "card_acceptor_id",
            "currency",
        )
        values = {name: asked[name] for name in wanted}
        self.says(
            number, mti, **{**values, "stan": "000777", "transmitted_at": "1118110700", "original": original, **changes}
        )

    # Who hears what

    def hears(self, number: int) -> Message:
        """The next message on this connection; there must be one."""
        assert self.heard.get(number), f"connection {number} heard nothing"
        return self.heard[number].pop(0)

    def silent(self, number: int) -> bool:
        return not self.heard.get(number)

    def hsm_hears(self, number: int) -> HsmRequest:
        return read_request(self.raw[number].pop(0), 4)

    def hsm_answers(self, number: int, request: HsmRequest, error: str = "00", **fields: str) -> None:
        self.frames(number, build_answer(request, error, **fields))

    # Time and disk

    def settle(self) -> None:
        """Commit and carry out until nothing is left to do."""
        while True:
            self.events += self.core.take_events()
            self.closures += self.core.take_closures()
            for number, (frames, _) in self.core.take_sends().items():
                self.raw.setdefault(number, []).extend(frames)
                if number not in self._hsm:
                    self.heard.setdefault(number, []).extend(map(self._tongues[number].decode, frames))
            batch = self.core.take_batch() if self.commits else None
            if batch is None:
                if self.core.counts_asked:
                    self._count()
                elif self.core.seeks:
                    self._look_up()
                else:
                    return
                continue
            self.disk += batch.records
            self.core.durable(batch.epoch, self.now)

    def _look_up(self) -> None:
        """The archive is the disk, read from its beginning."""
        sought, found = self.core.take_sought(), dict[str, Found]()
        gather(self.records(), sought, found)
        for key in sought:
            self.core.found(key, found.get(key), self.now)

    def _count(self) -> None:
        """Totals are of what reached the disk."""
        totals = Totals()
        for record in self.records():
            totals.take(record)
        for count in self.core.take_to_count():
            self.core.counted(count, totals.of(count.account), self.now)

    def passes(self, seconds: float) -> None:
        """Time passes, a tick of the switch every fiftieth of a second or, for long waits, every second."""
        step = 0.02 if seconds <= 2 else 0.25
        end = self.now.elapsed + seconds
        while (left := end - self.now.elapsed) > 1e-6:
            ahead = min(step, left)
            self.now = Instant(self.now.elapsed + ahead, self.now.wall + ahead)
            self.core.tick(self.now)
            self.settle()

    def records(self) -> list[Record]:
        return [read(msgpack.unpackb(packed, strict_map_key=False)) for packed in self.disk]

    def restarted(self) -> Desk:
        """The next process, with the disk of this one and nothing of its head."""
        after = Desk()
        recovery = Recovery(Memory())
        for record in self.records():
            recovery.take(record)
        after.core = Core(NETWORK, Random(2))
        after.disk = list(self.disk)
        after.now = self.now
        after.core.restore(recovery, self.now)
        after.core.begin(self.now)
        after.core.reverse_unanswered(recovery.open.values(), self.now)
        after.settle()
        return after
