"""A worker: runs its share of somebody's plan, and ships what it measured.

Told in messages: a token, the time, the work (a scenario and its flows, as data that is checked like a file), the
instant to begin, perhaps to stop. It ships every second as it passes and the whole at the end. When the coordinator is
lost, it stops at once and takes back what is in doubt, for nobody would know of it.
"""

from __future__ import annotations

import hmac
import time
from typing import Any, Final

import trio
from pydantic import TypeAdapter, ValidationError

from loadtest.flow import Flow
from loadtest.result import Result
from loadtest.result_wire import to_wire
from loadtest.scenario import made
from loadtest.shell import machine
from loadtest.shell.run import Control, Part, Run
from loadtest.shell.talk import Talk, TalkError
from loadtest.usage import UsageError

VERSION: Final = 1
WORKERS_MAX: Final = 99  # a terminal's number has two digits for its worker
HELLO_S: Final = 10.0  # for somebody to say who he is


async def attend(talk: Talk, token: str | None) -> None:
    """One coordinator, from its greeting to the result. `token` None: it is our own parent process."""
    with trio.move_on_after(HELLO_S) as patience:
        greeting = await talk.hear()
        if not _is_welcome(greeting, token):
            await talk.say(refused="the token is another")
            return
        await talk.say(hello=machine.host(), version=VERSION)
        patience.deadline = float("inf")
        await _work(talk)


def _is_welcome(greeting: dict[str, Any], token: str | None) -> bool:
    if token is None:
        return True
    given = greeting.get("token")
    return isinstance(given, str) and hmac.compare_digest(given.encode(), token.encode())


async def _work(talk: Talk) -> None:
    """The clock is asked as often as the coordinator likes; then comes the work."""
    while "work" not in (told := await talk.hear()):
        if "ping" in told:
            await talk.say(pong=time.monotonic_ns())
    try:
        run, instant = _made(told["work"])
    except (UsageError, ValidationError, ValueError, TypeError, KeyError) as error:
        await talk.say(refused=str(error) if isinstance(error, UsageError) else f"no work: {type(error).__name__}")
        return
    await _run(talk, run, instant)


def _made(work: dict[str, Any]) -> tuple[Run, list[int]]:
    """The run that is meant, and where the agreed instant is put. Flows come as data: a worker needs no files."""
    worker, workers = int(work["worker"]), int(work["workers"])
    if not 0 <= worker < workers <= WORKERS_MAX:
        raise ValueError("no such share")
    flows = TypeAdapter(dict[str, Flow]).validate_python(work["flows"])
    instant: list[int] = []
    part = Part(worker, workers, bytes.fromhex(work["token_key"]), lambda: instant[0])
    control = Control(go=trio.Event())
    scenario = made(work["scenario"], "work")
    if set(flows) != set(scenario.mix):
        raise ValueError("flows")
    return Run(scenario, part, spin=bool(work.get("spin")), control=control, flows=flows), instant


async def _run(talk: Talk, run: Run, instant: list[int]) -> None:
    seconds, passed = trio.open_memory_channel[Result](8)  # a coordinator that does not read loses seconds, no result
    refused = ""
    run.watch = lambda recent, second: _offer(seconds, _of(recent, second))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_obey, talk, run, instant)
        nursery.start_soon(_ship, talk, passed)
        nursery.start_soon(_tell_ready, talk, run)
        try:
            result = await run.go()
        except UsageError as error:  # its HSM or its cards: known only when they are asked for
            refused = str(error)
        nursery.cancel_scope.cancel()
    try:
        await (talk.say(refused=refused) if refused else talk.say(result=to_wire(result)))
    except TalkError:
        return


async def _tell_ready(talk: Talk, run: Run) -> None:
    await run.control.ready.wait()
    try:
        await talk.say(ready=True)
    except TalkError:
        run.control.stop.set()


async def _obey(talk: Talk, run: Run, instant: list[int]) -> None:
    """Begin and stop when told; stop when nobody is there to tell."""
    go = run.control.go
    assert go is not None
    while True:
        try:
            told = await talk.hear()
        except TalkError:
            told = {"stop": True}
        if isinstance(start := told.get("start"), int):
            instant.append(start)
            go.set()
        if told.get("stop"):
            run.control.stop.set()
            instant.append(time.monotonic_ns())
            go.set()
            return


def _offer(seconds: trio.MemorySendChannel[Result], second: Result) -> None:
    try:
        seconds.send_nowait(second)
    except trio.WouldBlock:
        return


def _of(recent: Result, second: int) -> Result:
    """Only the second that has passed, and the one before, whose answers were still coming."""
    return Result(
        recent.meta,
        histograms={key: one for key, one in recent.histograms.items() if second - 1 <= key[0] <= second},
        by_code={key: one for key, one in recent.by_code.items() if second - 1 <= key[0] <= second},
        counts={key: one for key, one in recent.counts.items() if second - 1 <= key.second <= second},
        gauges={key: one for key, one in recent.gauges.items() if second - 1 <= key[0] <= second},
        audit=recent.audit,
    )


async def _ship(talk: Talk, passed: trio.MemoryReceiveChannel[Result]) -> None:
    """Encode in small pieces, because the same core keeps the plan's time."""
    async for second in passed:
        wire = to_wire(Result(second.meta, counts=second.counts, gauges=second.gauges, audit=second.audit))
        for name, histograms in (("histograms", second.histograms), ("by_code", second.by_code)):
            for (at, flow, which), one in histograms.items():
                wire[name].append([at, flow, str(which), one.encoded()])
                await trio.lowlevel.checkpoint()
        try:
            await talk.say(seconds=wire)
        except TalkError:
            return
