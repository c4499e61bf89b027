"""Every fault, on our side and on the host's: it happens as often as it is told, and the audit knows whose it was."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Any

import pytest
import trio

from loadtest.result import Result
from loadtest.script import FAULTS, Event, Script
from loadtest.shell.run import Run
from loadtest.shell.serve import Server
from protocols.dialects import dialect_named
from protocols.errors import FormatError
from protocols.framing import framing_named
from protocols.message import Message
from tests.loadtest.hosts import run_against, scenario

TIMES = {"times": 4, "every": 5, "after": 1}
PATIENCE = {"answer_s": 0.4, "linger_s": 0.5}


class Recorder:
    """A host that approves and keeps what it heard, connection by connection."""

    def __init__(self) -> None:
        self.connections = 0
        self.heard: list[Message] = []
        self.unreadable = 0
        self.began = trio.Event()

    async def attend(self, stream: trio.SocketStream) -> None:
        self.connections += 1
        try:
            await self.answer(stream)
        except trio.BrokenResourceError:
            return  # it hung up, which is its right

    async def answer(self, stream: trio.SocketStream) -> None:
        dialect, framing = dialect_named("iso87_ascii"), framing_named("len2")
        framer = framing.framer()
        while data := await stream.receive_some():
            for frame in framer.feed(bytes(data)):
                try:
                    message = dialect.decode(frame)
                except FormatError:
                    self.unreadable += 1
                    continue
                self.heard.append(message)
                self.began.set()
                await stream.send_all(framing.pack(message.answered({39: "00"})))

    def by_stan(self) -> Counter[str | None]:
        return Counter(message.stan for message in self.heard if message.mti == "0100")


async def disturbed(rate_per_s: float = 100.0, for_s: float = 0.5, **changes: Any) -> tuple[Result, Recorder]:
    recorder = Recorder()
    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, recorder.attend, 0, host="127.0.0.1"))
        port = listeners[0].socket.getsockname()[1]
        result = await Run(scenario(port, rate_per_s, for_s, **changes)).go()
        nursery.cancel_scope.cancel()
    return result, recorder


# Ours


@pytest.mark.parametrize("name", ["duplicate", "duplicate_later"])
async def test_a_duplicate_is_the_same_message_again(name: str) -> None:
    result, recorder = await disturbed(chaos={name: 1.0}, timeouts={"linger_s": 1.2, "answer_s": 3.0})
    assert result.audit.injected == {name: 50}
    if name == "duplicate":  # a later one may find that the run has ended
        assert set(recorder.by_stan().values()) == {2}
    assert max(recorder.by_stan().values()) == 2
    assert not result.audit.failed, result.audit.findings


async def test_a_conflicting_duplicate_has_another_amount() -> None:
    result, recorder = await disturbed(chaos={"conflicting_duplicate": 1.0})
    amounts: dict[str | None, set[str | None]] = {}
    for message in recorder.heard:
        if message.mti == "0100":
            amounts.setdefault(message.stan, set()).add(message.get(4))
    assert result.audit.injected == {"conflicting_duplicate": 50}
    assert sum(len(found) == 2 for found in amounts.values()) >= 45  # the last ones may not have left
    assert not result.audit.failed, result.audit.findings


async def test_a_reversal_comes_before_its_original() -> None:
    result, recorder = await disturbed(chaos={"reversal_first": 1.0}, links={"count": 1, "max_in_flight": 1000})
    seen: set[str] = set()
    early = 0
    for message in recorder.heard:
        if message.mti == "0420" and message.original is not None:
            early += message.original.stan not in seen
        seen.add(message.stan or "")
    assert early == result.audit.injected["reversal_first"] == 50
    assert not result.audit.failed, result.audit.findings


@pytest.mark.parametrize("name", ["garbage", "bad_input"])
async def test_noise_goes_beside_the_message_and_costs_nobody_an_answer(name: str) -> None:
    result, recorder = await disturbed(chaos={name: 1.0})
    assert result.audit.injected == {name: 50}
    assert recorder.unreadable >= 40  # a flipped bit may still be a message
    assert result.total().answered == 50
    assert not result.audit.failed, result.audit.findings


async def test_frames_that_are_split_arrive_whole() -> None:
    result, recorder = await disturbed(chaos={"split": 1.0})
    assert recorder.unreadable == 0
    assert result.total().answered == 50


@pytest.mark.parametrize("name", ["drop_link", "half_close"])
async def test_links_are_broken_as_often_as_it_is_told(name: str) -> None:
    result, recorder = await disturbed(for_s=1.2, chaos={f"{name}_per_min": 400.0}, timeouts=PATIENCE)
    assert result.audit.injected[name] >= 1
    assert recorder.connections >= 2 + result.audit.injected[name] - 1
    assert not result.audit.finding("lost").count


async def test_a_storm_of_reversals_comes_with_every_reconnect() -> None:
    result, recorder = await disturbed(for_s=1.2, chaos={"drop_link_per_min": 400.0, "storm": 20}, timeouts=PATIENCE)
    assert result.audit.injected["storm"] >= 20
    assert sum(message.mti == "0420" for message in recorder.heard) >= 15
    assert not result.audit.finding("lost").count


async def test_a_slow_link_is_read_slowly_and_the_other_is_not() -> None:
    slow = {"slow_link": {"links": 1, "bytes_per_s": 500}}
    result, _ = await disturbed(for_s=0.8, chaos=slow, links={"sign_on": False}, timeouts=PATIENCE)
    assert result.audit.injected == {"slow_link": 1}
    total = result.total(measured=False)
    assert 0 < total.timed_out < total.sent


async def test_clocks_may_be_wrong_and_stans_may_wrap() -> None:
    result, recorder = await disturbed(values={"skew_s": 86_400.0 * 40, "first_stan": 999_980})
    stans = [message.stan for message in recorder.heard if message.mti == "0100"]
    assert "999999" in stans
    assert "000001" in stans
    assert len({(message.get(7) or "")[:2] for message in recorder.heard}) == 1
    assert not result.audit.failed


# The host's


@pytest.mark.parametrize(
    ("fault", "finding", "number"),
    [
        ("drop", "lost", 4),
        ("late", "late", 4),
        ("double", "doubled", 4),
        ("alter", "altered", 4),
        ("wrong_stan", "altered", 4),
        ("wrong_currency", "altered", 4),
        ("garbage", "lost", 4),
        ("swap", "lost", 0),
        ("without", "lost", 0),
    ],
)
async def test_what_a_host_does_wrong_is_found_as_often_as_it_did(fault: str, finding: str, number: int) -> None:
    script = {"faults": {fault: TIMES}, "late_ms": 600.0}
    result = await run_against(script, timeouts={**PATIENCE, "on_timeout": "ignore"}, for_s=0.4)
    assert result.audit.finding(finding).count == number, result.audit.findings
    total = result.total(measured=False)
    assert total.garbage == (4 if fault == "garbage" else 0)
    if fault == "without":
        assert result.total(code="--", measured=False).answered + sum(
            result.total(code=code, measured=False).answered for code in result.codes() if code != "00"
        ) in (0, 4)
        assert result.total(code="00", measured=False).answered == 36


def test_every_fault_of_a_host_has_its_test() -> None:
    marks = test_what_a_host_does_wrong_is_found_as_often_as_it_did.pytestmark  # type: ignore[attr-defined]
    assert {row[0] for row in marks[0].args[1]} == set(FAULTS)


@pytest.mark.parametrize(
    ("event", "lost_links"),
    [
        ({"freeze_s": 0.3}, False),
        ({"stop_reading_s": 0.3}, False),
        ({"close": True}, True),
        ({"close_mid_frame": True}, True),
        ({"refuse_s": 0.3}, True),
    ],
)
async def test_what_happens_to_a_host_at_an_instant_is_seen(event: dict[str, Any], lost_links: bool) -> None:
    script = {"timeline": [{"at_s": 0.3, **event}]}
    result = await run_against(script, for_s=1.0, timeouts={"answer_s": 1.0})
    connects = sum(gauge.connects for gauge in result.gauges.values())
    assert (connects > 2) == lost_links
    if not lost_links:
        assert result.total(measured=False).answered == 100
    assert not result.audit.finding("lost").count, result.audit.findings


def test_every_event_of_a_timeline_has_its_test() -> None:
    marks = test_what_happens_to_a_host_at_an_instant_is_seen.pytestmark  # type: ignore[attr-defined]
    assert {key for row in marks[0].args[1] for key in row[0]} == set(Event.model_fields) - {"at_s"}


async def test_cards_of_one_prefix_are_answered_otherwise() -> None:
    script = {"prefix": [{"prefix": "97841", "codes": {"51": 1.0}, "latency_ms": {"fixed": 40.0}}]}
    result = await run_against(script, for_s=0.3)
    assert result.codes() == ("51",)


# An acquirer's host


async def through_an_acquirer(script: dict[str, Any], **changes: Any) -> tuple[Result, Recorder, Server]:
    """The tester asks the acquirer's host, which brings it to a network that approves."""
    recorder = Recorder()
    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, recorder.attend, 0, host="127.0.0.1"))
        upstream = f"127.0.0.1:{listeners[0].socket.getsockname()[1]}"
        acquirer = {"upstream": upstream, "institution_id": "784001"}
        server = Server(Script.model_validate({"acquirer": acquirer, **script}))
        port = await nursery.start(server.run)
        await recorder.began.wait()  # it has signed on
        result = await Run(scenario(port, 100.0, 0.4, **changes)).go()
        nursery.cancel_scope.cancel()
    return result, recorder, server


async def test_an_acquirers_host_brings_what_it_is_asked_under_a_name_of_its_own() -> None:
    result, recorder, _ = await through_an_acquirer({}, mix={"reversal": 1})
    assert result.total(measured=False).answered == 80
    assert not result.audit.failed, result.audit.findings
    assert recorder.heard[0].mti == "0800"
    assert {message.get(32) for message in recorder.heard} == {"784001"}
    purchases = {(message.stan, message.get(7)) for message in recorder.heard if message.mti == "0100"}
    undone = [message.original for message in recorder.heard if message.mti in ("0400", "0420")]
    assert len(undone) == 40
    assert all(one is not None and (one.stan, one.transmitted_at) in purchases for one in undone)


async def test_an_acquirers_host_misbehaves_as_it_is_told() -> None:
    script = {"faults": {"drop": TIMES}, "latency_ms": 5.0}
    result, recorder, server = await through_an_acquirer(script, timeouts={**PATIENCE, "on_timeout": "ignore"})
    assert server.answerer.booked == {"drop": 4}
    assert result.audit.finding("lost").count == 4
    assert sum(message.mti == "0100" for message in recorder.heard) == 40
