"""An HSM as the target: the shipped mix against the real simulator, and what the audit says of one that misbehaves."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio

from hsm_sim.server import serve
from hsm_sim.settings import Settings
from loadtest.result import Exit, Result
from loadtest.scenario import Scenario, load_scenario
from loadtest.shell.run import Run, programs_of
from loadtest.usage import UsageError
from protocols.framing import framing_named
from protocols.hsm import read_request

ARRIVALS = ({"shape": "constant", "rate_per_s": 400, "for_s": 0.5},)
Answers = Callable[[int, bytes], list[bytes]]


def mix(port: int, **changes: Any) -> Scenario:
    quick = {"plan.arrivals": ARRIVALS, "plan.warm_up_s": 0, "timeouts.answer_s": 1.0, "links.count": 2}
    return load_scenario(Path("hsm"), **{"target.port": port, "timeouts.linger_s": 0.1, **quick, **changes})


async def against_the_real_one(**changes: Any) -> Result:
    async with trio.open_nursery() as nursery:
        port = await nursery.start(partial(serve, Settings(), host="127.0.0.1", port=0))
        result = await Run(mix(port, **changes)).go()
        nursery.cancel_scope.cancel()
    return result


async def against(answers: Answers) -> Result:
    """Echoes to an HSM that answers the n-th request with what it is told to."""
    framing = framing_named("len2")
    asked = 0

    async def attend(stream: trio.SocketStream) -> None:
        nonlocal asked
        framer = framing.framer()
        async for data in stream:
            for frame in framer.feed(bytes(data)):
                asked += 1
                for answer in answers(asked, frame):
                    await stream.send_all(framing.pack(answer))

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, attend, 0, host="127.0.0.1"))
        port = listeners[0].socket.getsockname()[1]
        result = await Run(mix(port, mix={"hsm_echo": 1})).go()
        nursery.cancel_scope.cancel()
    return result


def echoed(frame: bytes) -> bytes:
    request = read_request(frame)
    return request.header + b"B300" + request.fields["data"].encode()


async def test_the_shipped_mix_runs_against_the_simulator_as_delivered() -> None:
    result = await against_the_real_one()
    total = result.total()
    assert total.answered == total.offered > 200  # a CVV is made and verified: two commands
    assert list(result.codes()) == ["00"]
    assert {key.mti for key in result.counts} >= {"CC", "CW", "CY"}
    assert not any(one.count for one in result.audit.findings)
    assert result.meta.dialect == "host commands"


async def test_a_translation_that_comes_out_wrong_is_a_finding() -> None:
    result = await against_the_real_one(**{"keys.translated": "0" * 16, "mix": {"hsm_pin_translation": 1}})
    assert result.audit.finding("altered").count == 200
    assert Exit.AUDIT_FAILED in result.exits()


async def test_an_error_code_that_was_not_expected_is_counted() -> None:
    wrong = {"keys.pin_block": "0" * 16, "mix": {"hsm_pin_translation": 1}}
    result = await against_the_real_one(**wrong)
    assert "00" not in result.codes()
    assert result.audit.finding("unexpected").count == 200
    assert not result.audit.finding("altered").count
    assert Exit.THRESHOLD in result.exits()


async def test_each_is_answered_once_or_it_is_a_finding() -> None:
    def answers(number: int, frame: bytes) -> list[bytes]:
        return [] if number % 50 == 0 else [echoed(frame)] * (2 if number % 40 == 0 else 1)

    result = await against(answers)
    found = {one.name: one.count for one in result.audit.findings if one.count}
    assert found == {"lost": 4, "doubled": 4}
    assert Exit.AUDIT_FAILED in result.exits()


async def test_answers_out_of_order_find_their_requests() -> None:
    held: list[bytes] = []

    def answers(number: int, frame: bytes) -> list[bytes]:
        held.append(echoed(frame))
        if number % 4:
            return []
        turned, held[:] = held[::-1], []
        return turned

    result = await against(answers)
    assert result.total().answered == 200
    assert not result.audit.failed


async def test_what_belongs_to_nobody_is_explained() -> None:
    result = await against(lambda number, frame: [echoed(frame), b"????B300"] if number == 5 else [echoed(frame)])
    assert [one.cause for one in result.explanations] == ["unknown_header"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"mix": {"purchase": 1}}, "the flow sends messages"),
        ({"target.kind": "payments"}, "the flow asks host commands"),
        ({"keys": {}}, "keys: mix.hsm_pin_translation wants"),
        ({"keys.pin_block": "nonsense"}, "field pin_block"),
        ({"chaos.duplicate": 0.1}, "only links are disturbed"),
    ],
)
def test_what_cannot_be_is_told(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        programs_of(mix(1, **changes))


def test_keys_are_in_no_repr() -> None:
    assert "UF820C918" not in repr(mix(1))
