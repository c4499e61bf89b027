"""The lane leads where the stories lead: the same frames, the same records, and nothing else."""

from __future__ import annotations

from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols import elements as de
from switch import express, lane
from switch.core import Core
from switch.instant import Instant
from switch.lane import DECIDING, Plain, question
from switch.request import FACTS, Request
from tests.switch.desk import (
    CREDIT_CARD,
    DEBIT_CARD,
    DIALECT,
    INTERNET_CARD,
    NETWORK,
    PURCHASE,
    SANDBOX_CARD,
    START,
    Desk,
    elements,
)
from tests.switch.test_simulation import STEPS, World

WORN_IN = 5  # requests of one layout, after which its lane is open


def worn_in(desk: Desk, shop: int, bank: int, **changes: str | None) -> None:
    """So many plain purchases that the next one takes the lane."""
    for number in range(WORN_IN):
        desk.asks(shop, stan=f"7{number:05d}", **changes)
        desk.answers(bank, desk.hears(bank))
        assert desk.hears(shop).response_code == "00"


def in_the_lane(desk: Desk) -> list[Plain]:
    return [one for one in desk.core.in_flight.values() if isinstance(one, Plain)]


@pytest.fixture
def busy() -> tuple[Desk, int, int]:
    desk = Desk()
    bank, shop = desk.issuer(), desk.gateway()
    worn_in(desk, shop, bank)
    return desk, bank, shop


def test_a_plain_purchase_takes_the_lane(busy: tuple[Desk, int, int]) -> None:
    desk, bank, shop = busy
    asked = desk.asks(shop)
    assert len(in_the_lane(desk)) == 1
    seen = desk.hears(bank)
    assert (seen.pan, seen.stan != asked["stan"]) == (seen.pan, True)
    desk.answers(bank, seen)
    answer = desk.hears(shop)
    assert (answer.mti, answer.response_code, answer.stan, answer.rrn) == ("0110", "00", asked["stan"], asked["rrn"])


@pytest.mark.parametrize(
    "changes",
    [
        {"track_2": "4111111111111129=29122010000000000"},
        {"icc_data": "5A084111111111111129"},
        {"amount": "000000000000"},
        {"pan": "4111111111111112"},
        {"pos_entry_mode": "102"},
        {"private_data": "610110"},
        {"stan": "000000"},
        {"transmitted_at": "1132110640"},
        {"local_time": "240000"},
        {"card_acceptor_id": "GULFMART0000001", "pan": INTERNET_CARD},
    ],
)
def test_what_is_not_plain_does_not(busy: tuple[Desk, int, int], changes: dict[str, str]) -> None:
    desk, _, shop = busy
    if not changes.keys() & {"track_2", "icc_data", "private_data"}:
        desk.asks(shop, stan="800000")
        assert len(in_the_lane(desk)) == 1
    before = len(in_the_lane(desk))
    desk.asks(shop, **changes)
    assert len(in_the_lane(desk)) == before


def test_a_repeat_of_one_in_the_lane_waits_for_its_answer(busy: tuple[Desk, int, int]) -> None:
    desk, bank, shop = busy
    asked = desk.asks(shop)
    desk.asks(shop, "0101", **asked)
    desk.asks(shop, "0100", **asked)
    desk.answers(bank, desk.hears(bank))
    first, *repeats = [desk.hears(shop) for _ in range(3)]
    assert first.response_code == "00"
    assert [one.approval_code for one in repeats] == [first.approval_code] * 2
    assert not desk.heard.get(bank), "the bank sees one request"


def test_one_in_the_lane_that_times_out_is_reversed(busy: tuple[Desk, int, int]) -> None:
    desk, bank, shop = busy
    desk.asks(shop)
    seen = desk.hears(bank)
    desk.passes(9.0)
    assert desk.hears(shop).reason == "issuer.timeout"
    reversal = desk.hears(bank)
    assert reversal.mti == "0420"
    assert reversal.original is not None
    assert reversal.original.stan == seen.stan


def test_a_card_expires_in_the_lane_too() -> None:
    """What was plain in one hour is asked again in the next."""
    desk = Desk()
    bank, shop = desk.issuer("nbk"), desk.gateway()
    valid = {"pan": CREDIT_CARD, "currency": "414", "expiry": "2611"}
    worn_in(desk, shop, bank, **valid)
    desk.asks(shop, **valid)
    assert len(in_the_lane(desk)) == 1
    desk.answers(bank, desk.hears(bank))
    desk.now = Instant(desk.now.elapsed + 1.0, desk.now.wall + 31 * 86_400.0)
    desk.asks(shop, stan="000002", **valid)
    assert not in_the_lane(desk)


class Transcript:
    """All that leaves the core: frames by connection, and records as they are read back."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.lines: list[Any] = []
        take_sends, take_batch = Core.take_sends, Core.take_batch

        def sends(core: Core) -> Any:
            sent = take_sends(core)
            self.lines += [(number, list(frames)) for number, (frames, _) in sorted(sent.items())]
            return sent

        def batch(core: Core) -> Any:
            taken = take_batch(core)
            if taken is not None:
                self.lines += [msgpack.unpackb(one, strict_map_key=False) for one in taken.records]
            return taken

        monkeypatch.setattr(Core, "take_sends", sends)
        monkeypatch.setattr(Core, "take_batch", batch)


def told(seed: int, *, by_lane: bool) -> tuple[list[Any], int]:
    """What a world of this seed says, and how many requests took the lane."""
    with pytest.MonkeyPatch.context() as patch:
        taken = [0]
        if by_lane:
            make = Plain.__init__

            def counted(self: Plain, *args: Any) -> None:
                taken[0] += 1
                make(self, *args)

            patch.setattr(Plain, "__init__", counted)
        else:
            patch.setattr(express, "lane_of", lambda *_: None)
            patch.setattr(express, "answer_lane_of", lambda *_: None)
        transcript = Transcript(patch)
        world = World(seed)
        for _ in range(STEPS):
            world.step()
        world.heal()
        return transcript.lines, taken[0]


@pytest.mark.parametrize("seed", range(12))
def test_both_ways_lead_to_the_same_bytes(seed: int) -> None:
    by_lane, taken = told(seed, by_lane=True)
    by_story, none = told(seed, by_lane=False)
    assert (taken > 0, none) == (True, 0)
    assert by_lane == by_story


CARDS = (SANDBOX_CARD, INTERNET_CARD, CREDIT_CARD, DEBIT_CARD)

texts = st.sampled_from
kinds = st.fixed_dictionaries(
    {
        "pan": texts(CARDS),
        "processing_code": texts(("000000", "010000", "200000", "310000", "990000")),
        "merchant_type": texts((None, "5732", "6011", "6051", "5411")),
        "pos_entry_mode": texts((None, "812", "012", "051", "102", "902")),
        "pos_condition_code": texts((None, "59", "00", "08", "02")),
        "card_acceptor_id": texts((None, "LABORATORY00001", "GULFMART0000001", "NBKATM000000001")),
        "currency": texts(("784", "414", "840")),
        "expiry": texts((None, "2912", "2610", "2611")),
    }
)
others = st.fixed_dictionaries(
    {
        "amount": texts(("000000000001", "000000010000", "000099999999")),
        "stan": texts(("000001", "999999")),
        "rrn": texts(("632211000001", "999999999999")),
        "terminal_id": texts(("LAB00001", "ATM00001", "T0000009")),
        "local_time": texts(("000000", "235959")),
        "private_data": texts((None, "420205", "9203123")),
    }
)


@given(kinds, others, others, texts(("lab", "comtrust", "nbk")))
def test_a_plan_depends_on_the_kind_alone(
    kind: dict[str, str | None], one: dict[str, str], other: dict[str, str], participant: str
) -> None:
    """What is remembered of the first of a kind is true of all: refused or not, and what its issuer is told."""
    entry = kind["pos_entry_mode"]
    if entry is not None and entry[:2] in lane.NOT_BY_KIND:
        return  # these are never remembered
    asked = [plan_of({**PURCHASE, **kind, **rest}, participant) for rest in (one, other)]
    if participant != "lab":  # a contract names terminals: then they are part of the kind
        asked = [plan_of({**PURCHASE, **kind, **rest, "terminal_id": "UAEM0001"}, participant) for rest in (one, other)]
    assert asked[0] == asked[1]


def plan_of(values: dict[str, str | None], participant: str) -> object:
    """What the issuer would be told differently, if that is the same for all; None: refused, or not plain."""
    message = DIALECT.decode(DIALECT.encode("0100", elements(values)))
    asker = NETWORK.participants[participant]
    request = Request(message, message.pick(FACTS), "0100", asker, NETWORK.merchants, START.wall)
    changes = question(request, NETWORK)
    return changes if changes is not None and changes.keys() <= lane.STAMPED else None


def test_the_kind_is_made_of_elements_that_every_rule_may_look_at() -> None:
    assert {de.PROCESSING_CODE, de.MERCHANT_TYPE, de.POS_ENTRY_MODE, de.POS_CONDITION_CODE} <= set(DECIDING)


CHIP = "9F2608A1B2C3D4E5F607189F2701809A032611189F02060000000100005A084111111111111111"


@pytest.mark.parametrize(
    "card",
    [
        {"icc_data": CHIP, "pos_entry_mode": "051", "pos_condition_code": "00"},
        {"track_2": f"{SANDBOX_CARD}=29122010000000000", "pos_entry_mode": "901", "pos_condition_code": "00"},
        {"pin_block": "0123456789ABCDEF", "icc_data": CHIP, "pos_entry_mode": "051", "pos_condition_code": "00"},
    ],
    ids=["chip", "track", "chip and a PIN that nobody translates"],
)
def test_a_card_that_was_read_takes_the_lane_too(card: dict[str, str]) -> None:
    desk = Desk()
    bank, shop = desk.issuer(), desk.gateway()
    worn_in(desk, shop, bank, **card)
    desk.asks(shop, **card)
    assert len(in_the_lane(desk)) == 1
    seen = desk.hears(bank)
    assert seen.get(de.ICC_DATA) == card.get("icc_data")
    assert seen.pin_block == card.get("pin_block")
    desk.answers(bank, seen)
    assert desk.hears(shop).response_code == "00"
    assert not any(secret.encode() in record for record in desk.disk for secret in card.values() if len(secret) > 8)


def test_a_chip_of_another_card_than_the_shape_s_first_is_refused() -> None:
    desk = Desk()
    bank, shop = desk.issuer(), desk.gateway()
    read = {"icc_data": CHIP, "pos_entry_mode": "051", "pos_condition_code": "00"}
    worn_in(desk, shop, bank, **read)
    desk.asks(shop, **{**read, "icc_data": CHIP.replace(SANDBOX_CARD, "4111111111111129")})
    assert desk.hears(shop).reason == "pan.differs"
