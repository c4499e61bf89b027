"""A store API as the target: the gateway's own application, and hosts that answer twice, close, or say no."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest
import trio
from hypercorn.config import Config
from hypercorn.trio import serve as serve_http
from hypothesis import given
from hypothesis import strategies as st

from loadtest.http_answers import HttpFramer
from loadtest.result import Exit, Result
from loadtest.scenario import Scenario, load_scenario
from loadtest.shell.run import Run, programs_of
from loadtest.usage import UsageError
from protocols.errors import RemoteProtocolError
from tests.acquirers.store_api.bench import KEY, opened

Answers = Callable[[int, str, bytes], bytes]


def mix(port: int, rate_per_s: float = 40.0, for_s: float = 0.5, **changes: Any) -> Scenario:
    arrivals = ({"shape": "constant", "rate_per_s": rate_per_s, "for_s": for_s},)
    quick = {"plan.arrivals": arrivals, "plan.warm_up_s": 0, "timeouts.answer_s": 5.0, "target.tls": None}
    given = {"target.port": port, "keys.api": KEY, "timeouts.linger_s": 0.1, **quick, **changes}
    return load_scenario(Path("store"), **given)


def said(status: int, body: dict[str, Any] | None = None, *, close: bool = False) -> bytes:
    data = json.dumps(body or {}).encode()
    head = f"HTTP/1.1 {status} Said\r\nContent-Length: {len(data)}\r\n" + ("Connection: close\r\n" if close else "")
    return head.encode() + b"\r\n" + data


async def against(answers: Answers, **changes: Any) -> tuple[Result, list[tuple[str, str]]]:
    """A host that answers the n-th call as told; and the calls it heard: path, idempotency key."""
    heard: list[tuple[str, str]] = []

    async def attend(stream: trio.SocketStream) -> None:
        rest = b""
        async for data in stream:
            rest += data
            while b"\r\n\r\n" in rest:
                head, _, behind = rest.partition(b"\r\n\r\n")
                lines = head.decode().split("\r\n")
                headers = dict(line.split(": ", 1) for line in lines[1:])
                length = int(headers["Content-Length"])
                if len(behind) < length:
                    break
                rest = behind[length:]
                heard.append((lines[0].split()[1], headers.get("Idempotency-Key", "")))
                answer = answers(len(heard), lines[0].split()[1], behind[:length])
                if not answer:
                    return
                await stream.send_all(answer)
                if b"Connection: close" in answer:
                    return

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, attend, 0, host="127.0.0.1"))
        port = listeners[0].socket.getsockname()[1]
        result = await Run(mix(port, **changes)).go()
        nursery.cancel_scope.cancel()
    return result, heard


def agreeable(number: int, path: str, body: bytes) -> bytes:
    return said(201, {"id": f"pay_{number}"}) if path == "/v1/payments" else said(200, {"id": path.rsplit("/")[-1]})


async def test_the_gateways_own_application_registers_and_shows_payments(tmp_path: Path) -> None:
    async with opened(tmp_path) as bench, trio.open_nursery() as nursery:
        app = cast(Any, bench.client)._transport.app
        config = Config()
        config.bind = ["127.0.0.1:0"]
        config.accesslog = config.errorlog = None
        config.keep_alive_max_requests = 5  # it hangs up now and then, as servers do
        (bound,) = await nursery.start(partial(serve_http, app, config))
        result = await Run(mix(int(bound.rpartition(":")[2]))).go()
        nursery.cancel_scope.cancel()
        bench.nursery.cancel_scope.cancel()
    assert result.codes() == ("200", "201"), result.codes()
    assert result.total("store_payment", measured=False).offered == 40
    assert not any(one.count for one in result.audit.findings if one.fails), result.audit.findings
    assert result.meta.dialect == "store API calls"


async def test_every_call_has_a_key_of_its_own() -> None:
    result, heard = await against(agreeable)
    keys = [key for path, key in heard if path == "/v1/payments"]
    assert len(set(keys)) == len(keys) == 20
    assert result.total().answered == 40
    assert {count.mti for count in result.counts} == {"POST /v1/payments", "GET /v1/payments/$saved.payment"}


async def test_what_is_refused_is_counted_by_its_reason() -> None:
    declined = said(402, {"slug": "payment.declined"})
    result, _ = await against(lambda number, path, body: declined if number % 4 == 0 else agreeable(number, path, body))
    assert "402 payment.declined" in result.codes()
    assert result.audit.finding("unexpected").count == result.total(code="402 payment.declined").answered > 0
    assert Exit.THRESHOLD in result.exits()


async def test_a_call_that_nobody_answered_is_made_again_under_the_same_key() -> None:
    """The host hangs up without a word, once; the call comes back on another connection, with its key."""
    result, heard = await against(lambda number, path, body: b"" if number == 3 else agreeable(number, path, body))
    assert heard[2] in heard[3:]
    assert not result.audit.finding("lost").count, result.audit.findings


async def test_one_key_that_makes_two_payments_is_found() -> None:
    """Both copies of each call name the payment that they made; here they are two, or one."""
    chaos = {"duplicate": 1.0}
    two, _ = await against(lambda number, path, body: said(201, {"id": f"pay_{number}"}), chaos=chaos)
    assert two.audit.finding("doubled").count >= 20
    assert Exit.AUDIT_FAILED in two.exits()
    one, _ = await against(lambda number, path, body: said(201, {"id": "pay_1"}), chaos=chaos)
    assert one.audit.finding("doubled").count == 0
    assert one.audit.injected == {"duplicate": 40}


async def test_after_a_last_answer_nothing_is_sent_there() -> None:
    def answers(number: int, path: str, body: bytes) -> bytes:
        return agreeable(number, path, body).replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1)

    result, heard = await against(answers)
    assert len(heard) == result.total().answered
    assert not result.audit.failed


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"keys": {}}, "the shop's key is missing"),
        ({"mix": {"store_token": 1}}, "wants token"),
        ({"mix": {"purchase": 1}}, "the flow sends messages"),
        ({"chaos": {"garbage": 0.1}}, "only these are disturbed"),
        ({"audit.totals": True}, "know none"),
    ],
)
def test_what_cannot_be_is_told(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        Run(load_scenario(Path("store"), **changes)).drive.close()


def test_keys_are_in_no_repr() -> None:
    made = mix(1)
    assert KEY not in repr(made) + repr(programs_of(made))


ANSWER = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}"
CHUNKED = (
    b'HTTP/1.1 402 No\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3;x=1\r\n{"a\r\n5\r\n": 1}\r\n0\r\n\r\n'
)
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n"


@given(st.lists(st.sampled_from([ANSWER, CHUNKED, INTERIM]), max_size=6), st.data())
def test_answers_are_the_same_however_they_are_cut(answers: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(answers)
    framer, found, at = HttpFramer(), [], 0
    while at < len(whole):
        size = data.draw(st.integers(1, len(whole) - at))
        found += framer.feed(whole[at : at + size])
        at += size
    records = {ANSWER: [b"201K{}"], CHUNKED: [b'402C{"a": 1}'], INTERIM: []}
    assert found == [record for one in answers for record in records[one]]


@given(st.binary(max_size=200))
def test_whatever_comes_is_an_answer_or_a_fault_of_the_peer(noise: bytes) -> None:
    for given_bytes in (noise, ANSWER[:30] + noise, CHUNKED[:70] + noise):
        framer = HttpFramer()
        try:
            assert all(len(record) >= 4 for record in framer.feed(given_bytes))
        except RemoteProtocolError:
            continue
