"""A convoy arrives where its frames would have arrived one by one: the same records, the same frames, in one order."""

from __future__ import annotations

from random import Random
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols import elements as de
from protocols.pan import all_luhn_valid, check_digit, is_digits, luhn_valid
from switch import convoy, express
from switch.memory import Memory
from tests.switch.desk import CREDIT_CARD, DEBIT_CARD, DIALECT, INTERNET_CARD, PURCHASE, Desk, elements

BANKS = ("sandbox", "nbk")

#: What makes a request another than the one before: most are plain, and some are not.
ODDITIES: tuple[dict[str, str | None], ...] = (
    {"pan": "4111111111111112"},  # fails its check digit
    {"pan": "5999999999999999"},
    {"pan": "411111111111111111", "acquirer_id": "7840"},  # as long as the others in all
    {"stan": "000000"},
    {"stan": "00000x"},
    {"amount": "000000000000"},
    {"amount": "00000001000\x7f"},
    {"transmitted_at": "1332110640"},
    {"transmitted_at": "1118110641"},
    {"local_time": "240000"},
    {"expiry": "2410"},
    {"expiry": "2913"},
    {"merchant_type": "7995"},
    {"card_acceptor_id": "GULFMART0000001"},
    {"card_acceptor_id": "ANOTHER00000001"},
    {"pos_entry_mode": "102"},
    {"processing_code": "310000"},
    {"terminal_id": "LAB00002"},
    {"rrn": "6322110000\xe9\xe9"},
    {"rrn": None},
    {"private_data": "420205"},
    {"private_data": "420206"},
    {"private_data": "610110"},
    {"private_data": "4202x"},
    {"pan": CREDIT_CARD, "currency": "414", "pos_entry_mode": "812"},
    {"pan": DEBIT_CARD, "currency": "414"},
    {"pan": INTERNET_CARD, "currency": "414"},
    {"pan": CREDIT_CARD, "currency": "414", "stan": "000007"},
)


def frame(stan: int, changes: dict[str, str | None]) -> bytes:
    """A purchase; what no codec would write is written into the frame afterwards."""
    values = {**PURCHASE, "stan": f"{stan:06d}", "rrn": f"{stan:012d}", **changes}
    broken = [text for name, text in values.items() if text and not fits(name, text)]
    written = {name: "7" * len(text) if text in broken else text for name, text in values.items() if text}
    whole = DIALECT.encode("0100", elements({**written}))
    for text in broken:
        whole = whole.replace(b"7" * len(text), text.encode("latin-1"), 1)
    return whole


def fits(name: str, text: str) -> bool:
    return text.isascii() and text.isprintable() and (name not in {"stan", "amount"} or is_digits(text))


class Day:
    """Reads of many frames at once: what leaves the core, and what it keeps."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.desk = Desk(seed=seed, commits=False)
        self.desk.core.memory = Memory(200)
        self.lines: list[Any] = []
        self.desk.commits = True
        self.banks = [self.desk.issuer(bank) for bank in BANKS]  # one link each: turns are taken by the read
        self.shops = [self.desk.gateway() for _ in range(3)]
        self.desk.commits = False
        self.stan = 0
        self.odd = (0.0, 0.03, 0.12)[seed % 3]

    def asks(self) -> None:
        """Every shop sends some, all at one moment."""
        reads = []
        for shop in self.shops:
            frames = []
            for _ in range(self.random.randrange(12)):
                self.stan += 1
                odd = self.random.choice(ODDITIES) if self.random.random() < self.odd else {}
                frames.append(frame(self.stan, odd))
                if self.random.random() < 0.03:
                    frames.append(self.random.choice(frames))
            reads.append((shop, frames))
        self.desk.core.received_all(reads, self.desk.now)
        self.settle()

    def settle(self) -> None:
        """To disk and out; the banks answer some of it, most of that with yes."""
        core, now = self.desk.core, self.desk.now
        while (batch := core.take_batch()) is not None:
            self.lines += [msgpack.unpackb(one, strict_map_key=False) for one in batch.records]
            core.durable(batch.epoch, now)
        replies: dict[int, list[bytes]] = {}
        for number, (frames, _) in sorted(core.take_sends().items()):
            self.lines.append((number, list(frames)))
            if number in self.banks:
                replies[number] = [answer for one in frames for answer in self.answers(one)]
        if replies:
            core.received_all(replies.items(), now)
            self.settle()

    def answers(self, asked: bytes) -> list[bytes]:
        message = DIALECT.decode(asked)
        if message.mti[1] not in "124":
            return [message.answered({de.RESPONSE_CODE: "00"})]
        approved = message.answered({de.RESPONSE_CODE: "00", de.APPROVAL_CODE: f"{self.random.randrange(10**6):06d}"})
        chance = self.random.random()
        if chance < 1 - self.odd:
            return [approved]
        changes = self.random.choice(
            ({de.RESPONSE_CODE: "51"}, {de.TERMINAL_ID: "OTHER001"}, {de.AMOUNT: "000000000001"}, {de.STAN: "000000"})
        )
        odd = message.answered({de.RESPONSE_CODE: "00", de.APPROVAL_CODE: "123456", **changes})
        return [[odd], [], [approved, approved]][self.random.randrange(3)]


def told(seed: int, patch: pytest.MonkeyPatch, how: str) -> list[Any]:
    if how != "convoys":
        patch.setattr(express, "FEWEST", 10**9)
    if how == "stories":
        patch.setattr(express, "lane_of", lambda *_: None)
        patch.setattr(express, "answer_lane_of", lambda *_: None)
    day = Day(seed)
    for _ in range(14):
        day.asks()
        day.desk.now = day.desk.now._replace(elapsed=day.desk.now.elapsed + 0.1)
    day.desk.now = day.desk.now._replace(elapsed=day.desk.now.elapsed + 30.0)
    day.desk.core.tick(day.desk.now)
    day.settle()
    return day.lines


@pytest.mark.parametrize("seed", range(10))
def test_all_ways_lead_to_the_same_bytes(seed: int) -> None:
    set_out = [0, 0]
    with pytest.MonkeyPatch.context() as patch:
        requests, answers = convoy.requests, convoy.answers

        def counted_requests(*args: Any, **named: Any) -> bool:
            done = requests(*args, **named)
            set_out[0] += done
            return done

        def counted_answers(*args: Any, **named: Any) -> bool:
            done = answers(*args, **named)
            set_out[1] += done
            return done

        patch.setattr(convoy, "requests", counted_requests)
        patch.setattr(convoy, "answers", counted_answers)
        by_convoy = told(seed, patch, "convoys")
    assert min(set_out) > 0, "no convoy set out"
    for how in ("lanes", "stories"):
        with pytest.MonkeyPatch.context() as patch:
            assert told(seed, patch, how) == by_convoy, how


@given(st.lists(st.integers(0, 10**15 - 1), min_size=1, max_size=40), st.integers(0, 200), st.integers(0, 9))
def test_check_digits_of_many_at_once(numbers: list[int], place: int, digit: int) -> None:
    cards = [f"{number:015d}{check_digit(f'{number:015d}')}" for number in numbers]
    joined = "".join(cards)
    assert all_luhn_valid(joined.encode(), len(cards))
    place %= len(joined)
    changed = joined[:place] + str(digit) + joined[place + 1 :]
    each = all(luhn_valid(changed[at : at + 16]) for at in range(0, len(changed), 16))
    assert all_luhn_valid(changed.encode(), len(cards)) is each
