"""The answerer: what a scripted host says to a request, and when. Behind `serve`, and in the tests the known host.

Pure: the randomness comes in, a frame comes in, and answers with their delays come out. It keeps no books: it is there
to be measured and to misbehave, exactly as told. What it did wrong on purpose is counted in `booked`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from loadtest.chance import Chance
from loadtest.script import FAULTS, Fault, Script
from protocols.codes import APPROVED
from protocols.dialect import Dialect
from protocols.errors import FormatError, LocalProtocolError
from protocols.message import Message
from protocols.mti import NETWORK_MANAGEMENT, REVERSAL, has_answer, is_advice, mti_class

MS: Final = 1_000_000  # ns
NOISE_LENGTH: Final = 40

Answers = list[tuple[int, bytes]]  # (delay in ns, frame)


class Answerer:
    def __init__(self, script: Script, dialect: Dialect, chance: Chance) -> None:
        self._script, self._dialect, self._chance = script, dialect, chance
        self._codes = _weighted(script.codes)
        self._by_prefix = [(one.prefix, one.latency_ms, one.codes and _weighted(one.codes)) for one in script.prefix]
        self._faults = [(name, script.faults[name]) for name in FAULTS if name in script.faults]
        self._number = 0
        self._held: tuple[int, bytes] | None = None
        self.booked: dict[str, int] = {}
        self.asked = 0  # messages that were read
        self.managed = 0  # of them, about the link
        self.reversals = 0

    def answers(self, frame: bytes) -> Answers:
        """To one frame; none to what cannot be read or answered."""
        try:
            message = self._dialect.decode(frame)
        except FormatError:
            self._book("unreadable")
            return []
        self.asked += 1
        if not has_answer(message.mti):
            return []
        kind = mti_class(message.mti)
        if kind == NETWORK_MANAGEMENT:
            self.managed += 1
            refused = self._script.refuse_sign_on and message.network_management_code == "001"
            return [(0, self._answer(message, {39: "05" if refused else APPROVED}))]
        if kind == REVERSAL:
            self.reversals += 1
        if kind == REVERSAL or is_advice(message.mti):
            return [(self._delay(None), self._answer(message, {39: APPROVED}))]
        self._number += 1
        return self._financial(message, self._fault())

    def to_bring(self, frame: bytes) -> Message | None:
        """A request that an acquirer's host takes into the network; None: it is answered here, or not at all."""
        try:
            message = self._dialect.decode(frame)
        except FormatError:
            return None
        if not has_answer(message.mti) or mti_class(message.mti) == NETWORK_MANAGEMENT:
            return None
        self.asked += 1
        return message

    def brought(self, message: Message, told: Mapping[int, str | None]) -> Answers:
        """The network's answer to a request, passed on as the script has it: with its latency and its faults."""
        if mti_class(message.mti) == REVERSAL or is_advice(message.mti):
            self.reversals += mti_class(message.mti) == REVERSAL
            return [(self._delay(None), self._answer(message, told))]
        self._number += 1
        delay, fault = self._delay(self._manner(message)[0]), self._fault()
        if fault is not None:
            self._book(fault)
            return self._faulty(fault, message, dict(told), delay)
        return self._with_held([(delay, self._answer(message, told))])

    def _financial(self, message: Message, fault: str | None) -> Answers:
        latency, codes = self._manner(message)
        delay = self._delay(latency)
        code = codes[0][0] if len(codes[0]) == 1 else self._chance.choices(codes[0], codes[1], k=1)[0]
        changes: dict[int, str | None] = {39: code}
        if code == APPROVED:
            changes[38] = message.stan or "000000"  # of a repeat the same: it is approved once
        if fault is not None:
            self._book(fault)
            return self._faulty(fault, message, changes, delay)
        return self._with_held([(delay, self._answer(message, changes))])

    def _faulty(self, fault: str, message: Message, changes: dict[int, str | None], delay: int) -> Answers:
        right = self._answer(message, changes)
        if fault == "drop":
            return []
        if fault == "late":
            return [(delay + int(self._script.late_ms * MS), right)]
        if fault == "double":
            return [(delay, right), (delay, right)]
        if fault == "alter":
            amount = int(message.get(4) or 0)
            return [(delay, self._answer(message, {**changes, 4: f"{(amount + 1) % 10**12:012d}"}))]
        if fault == "wrong_stan":
            stan = int(message.stan or 0)
            return [(delay, self._answer(message, {**changes, 11: f"{(stan + 500_000) % 1_000_000:06d}"}))]
        if fault == "wrong_currency":
            return [(delay, self._answer(message, {**changes, 49: "999"}))]
        if fault == "garbage":
            return [(delay, bytes(int(self._chance.random() * 256) for _ in range(NOISE_LENGTH)))]
        if fault == "without":
            return [(delay, self._answer(message, {**changes, 39: None}))]
        self._held = (delay, right)  # swap: it comes after the next one
        return []

    def _with_held(self, answers: Answers) -> Answers:
        held, self._held = self._held, None
        return answers if held is None else [*answers, held]

    def _answer(self, message: Message, changes: Mapping[int, str | None]) -> bytes:
        missing: dict[int, str | None] = dict.fromkeys(self._script.leave_out)
        said = {**changes, **missing}
        try:
            other = self._script.answer_as.get(message.mti)
            return message.answered(said) if other is None else message.patched(said, mti=other)
        except LocalProtocolError:
            return message.answered({39: "96"})

    def _manner(self, message: Message) -> tuple[int | None, tuple[list[str], list[float]]]:
        """How long this card's bank takes, and what it says."""
        if self._by_prefix and (pan := message.get(2)) is not None:
            for prefix, latency, codes in self._by_prefix:
                if pan.startswith(prefix):
                    drawn = int(latency.draw(self._chance) * MS) if latency is not None else None
                    return drawn, codes or self._codes
        return None, self._codes

    def _delay(self, drawn: int | None) -> int:
        return int(self._script.latency_ms.draw(self._chance) * MS) if drawn is None else drawn

    def _fault(self) -> str | None:
        return next((name for name, fault in self._faults if self._strikes(name, fault)), None)

    def _strikes(self, name: str, fault: Fault) -> bool:
        if self._number <= fault.after:
            return False
        if fault.times is None:
            return self._chance.random() < fault.share
        return self.booked.get(name, 0) < fault.times and (self._number - fault.after) % fault.every == 0

    def _book(self, name: str) -> None:
        self.booked[name] = self.booked.get(name, 0) + 1


def _weighted(codes: Mapping[str, float]) -> tuple[list[str], list[float]]:
    return list(codes), list(codes.values())
