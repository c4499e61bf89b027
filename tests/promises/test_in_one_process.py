"""Promises that need no process of their own. Some are tested elsewhere at length; here they have their name."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.participant import SignOn
from switch.instant import Instant
from switch.memory import Memory
from switch.recovery import Recovery
from tests.simulation.tiers import FAST
from tests.switch import test_node as node
from tests.switch import test_promises as conversations
from tests.switch.desk import Desk
from tests.switch.store import test_journal as journal
from tests.switch.store.test_journal import killed as killed  # a fixture of what is imported below

test_p06_a_late_answer_changes_nothing = conversations.test_a_late_approval_is_not_forwarded
test_p10_damage_is_detected_never_skipped = journal.test_a_journal_edited_offline_names_the_batch
test_p11_a_failed_sync_is_never_acknowledged = journal.test_a_failed_sync_is_never_acknowledged_and_never_tried_again
test_p16_no_more_is_under_way_than_may_be_and_all_are_answered = (
    node.test_over_sockets_no_more_is_under_way_than_may_be_and_all_are_answered
)
test_p18_no_secret_reaches_a_record_or_an_event = conversations.test_no_secret_of_a_message_reaches_a_record_or_an_event
test_p23_a_journal_of_another_format_is_refused = journal.test_a_journal_of_another_format_is_refused


def bought(count: int) -> Desk:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    for number in range(count):
        desk.asks(shop, stan=f"{number + 1:06d}", rrn=f"{number:012d}")
        desk.answers(issuer, desk.hears(issuer))
    return desk


def seconds_to_read_back(desk: Desk) -> float:
    """The best of three."""
    records, took = desk.records(), []
    for _ in range(3):
        began = time.thread_time()  # our own work, whatever else the machine does
        recovery = Recovery(Memory())
        for record in records:
            recovery.take(record)
        took.append(time.thread_time() - began)
    return min(took)


def test_p14_four_times_the_journal_takes_four_times_as_long_to_read() -> None:
    few, many = seconds_to_read_back(bought(100)), seconds_to_read_back(bought(400))
    assert many < few * 4 * 3  # a busy machine


@settings(max_examples=60)
@given(st.lists(st.one_of(st.binary(max_size=300), st.binary(max_size=80).map(lambda one: b"0100" + one)), max_size=5))
def test_p17_after_any_bytes_the_next_good_message_passes(frames: list[bytes]) -> None:
    desk = Desk()
    shop = desk.gateway()
    desk.frames(shop, *frames)
    if desk.closures:
        shop = desk.gateway()
    desk.heard.clear()
    desk.says(shop, "0800", network_management_code="301")
    assert desk.hears(shop).response_code == "00"


@pytest.mark.parametrize("step_s", [3600, -3600, -86_400, 400 * 86_400])
def test_p19_whatever_the_calendar_does_a_deadline_is_as_long_as_ever(step_s: float) -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    desk.asks(shop)
    desk.hears(issuer)
    desk.passes(4)
    desk.now = Instant(desk.now.elapsed, desk.now.wall + step_s)
    desk.passes(3.9)
    assert desk.silent(shop)
    desk.passes(0.2)
    assert desk.hears(shop).reason == "issuer.timeout"
    assert desk.hears(issuer).mti == "0420"


@pytest.mark.parametrize("seed", range(3))
def test_p20_the_same_seed_is_the_same_run(seed: int) -> None:
    one, other = FAST.live(FAST.draw(seed, 60), True), FAST.live(FAST.draw(seed, 60), True)
    assert one.story == other.story
    assert len(one.story) > 50


def test_p21_before_its_sign_on_nobody_is_served() -> None:
    desk = Desk()
    issuer, stranger = desk.issuer(), desk.gateway(sign_on=SignOn.REQUIRED)
    desk.asks(stranger)
    answer = desk.hears(stranger)
    assert (answer.response_code, answer.reason) == ("58", "link.not_signed_on")
    assert desk.silent(issuer)
