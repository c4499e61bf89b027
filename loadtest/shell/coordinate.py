"""The coordinator: deals one plan to workers, has them begin at one instant, and merges what they measured.

Arrival i goes to worker i mod N, so the shares together are exactly the plan; links are dealt out, ranges of STAN,
terminals and cards are disjoint. A worker is a process of ours on this machine, or `worker --listen` on another, over
mutual TLS and with a token. One that is lost makes the run partial: what it shipped until then is kept, and its share
is named.
"""

from __future__ import annotations

import argparse
import secrets
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import trio

from loadtest.result import Audit, Meta, Result
from loadtest.result_wire import from_wire
from loadtest.scenario import Scenario
from loadtest.shell.run import SPOKEN, Control, Watch, concluded, flows_of
from loadtest.shell.talk import Talk, TalkError
from loadtest.shell.wire import dialect_for, dialect_hash
from loadtest.shell.work import WORKERS_MAX
from loadtest.threshold import Threshold
from loadtest.usage import UsageError
from protocols.runtime.exits import ConfigurationError
from protocols.runtime.tls import Credentials, HandshakeError, tls_dial

PINGS: Final = 5
LEAD_NS: Final = 400_000_000  # from everybody being ready to the first message
NANO: Final = 1_000_000_000
WORKER_NAME: Final = "worker"  # in the certificates of workers
COORDINATOR: Final = "coordinator"


@dataclass
class Hand:
    """One worker, and what is known of it."""

    name: str
    number: int
    talk: Talk
    offset_ns: int = 0  # its monotonic clock less ours
    is_ready: trio.Event = field(default_factory=trio.Event)
    so_far: Result | None = None  # merged from the seconds that it shipped
    result: Result | None = None
    refused: str = ""


class Coordinator:
    def __init__(self, scenario: Scenario, hands: Sequence[Hand], *, spin: bool, watch: Watch | None) -> None:
        self.scenario, self.hands, self.spin, self.watch = scenario, hands, spin, watch
        self.control = Control()
        self._links = max(1, scenario.links.count // len(hands))
        self._token_key = secrets.token_bytes(16)
        self._flows = {name: flow.model_dump(mode="json", by_alias=True) for name, flow in flows_of(scenario).items()}
        self._seconds: dict[int, int] = {}  # second -> how many shipped it
        self._aborts = [(Threshold.parse(one.when), one.for_s) for one in scenario.thresholds.abort]
        self._abort_since: dict[str, int] = {}
        self._aborted = ""
        self._started = datetime.now(UTC)

    async def conduct(self) -> Result:
        """The whole run; verdicts are on the merged result."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._stop_when_told)
            async with trio.open_nursery() as work:
                for hand in self.hands:
                    work.start_soon(self._lead, hand)
                work.start_soon(self._begin)
            nursery.cancel_scope.cancel()
        return self._merged()

    # --- one worker

    async def _lead(self, hand: Hand) -> None:
        try:
            await self._set_to_work(hand)
            while hand.result is None and not hand.refused:
                self._heard(hand, await hand.talk.hear())
        except (TalkError, ValueError):
            pass  # it is lost: `_merged` says so
        finally:
            hand.is_ready.set()

    async def _set_to_work(self, hand: Hand) -> None:
        best = NANO
        for _ in range(PINGS):
            sent = time.monotonic_ns()
            await hand.talk.say(ping=True)
            told = await hand.talk.hear()
            took = time.monotonic_ns() - sent
            if took < best and isinstance(told.get("pong"), int):
                best, hand.offset_ns = took, told["pong"] - sent - took // 2
        content = self.scenario.model_dump(mode="json", by_alias=True)
        content["links"]["count"] = self._links
        content["thresholds"] = {}
        work = {"scenario": content, "flows": self._flows, "worker": hand.number, "workers": len(self.hands)}
        await hand.talk.say(work={**work, "token_key": self._token_key.hex(), "spin": self.spin})

    def _heard(self, hand: Hand, told: dict[str, Any]) -> None:
        if told.get("ready"):
            hand.is_ready.set()
        elif "refused" in told:
            hand.refused = str(told["refused"])
        elif "result" in told:
            hand.result = from_wire(told["result"], hand.number * self._links)
        elif "seconds" in told:
            self._shipped(hand, from_wire(told["seconds"], hand.number * self._links))

    def _shipped(self, hand: Hand, seconds: Result) -> None:
        """What it says of a second now is more than what it said of it before."""
        so_far = hand.so_far = hand.so_far or Result(seconds.meta)
        so_far.meta, so_far.audit = seconds.meta, seconds.audit
        so_far.histograms |= seconds.histograms
        so_far.by_code |= seconds.by_code
        so_far.counts |= seconds.counts
        so_far.gauges |= seconds.gauges
        last = max((second for second, _ in seconds.gauges), default=-1)
        self._seconds[last] = self._seconds.get(last, 0) + 1
        if self._seconds[last] == sum(one.result is None and not one.refused for one in self.hands):
            self._passed(last)

    # --- all of them

    async def _begin(self) -> None:
        for hand in self.hands:
            await hand.is_ready.wait()
        self._started = datetime.now(UTC)
        instant = time.monotonic_ns() + LEAD_NS
        for hand in self.hands:
            try:
                await hand.talk.say(start=instant + hand.offset_ns)
            except TalkError:
                continue

    async def _stop_when_told(self) -> None:
        await self.control.stop.wait()
        for hand in self.hands:
            try:
                await hand.talk.say(stop=True)
            except TalkError:
                continue

    def _passed(self, second: int) -> None:
        """Everybody has shipped a second: show it, and see whether it was one too many."""
        if self.watch is None and not self._aborts:
            return
        window = self.scenario.timeouts.answer_s + 5 + max([for_s for _, for_s in self._aborts], default=0.0)
        recent = Result(self._meta(second + 1))
        for hand in self.hands:
            if hand.so_far is not None:
                recent.take_in(_since(hand.so_far, second - int(window)))
        if self.watch is not None:
            self.watch(recent, second)
        for threshold, for_s in self._aborts:
            if not threshold.is_met(recent):
                self._abort_since.pop(threshold.text, None)
            elif second - self._abort_since.setdefault(threshold.text, second) + 1 >= for_s:
                self._aborted = threshold.text
                self.control.stop.set()

    # --- the result

    def _merged(self) -> Result:
        result = Result(self._meta(), audit=Audit())
        for hand in self.hands:
            if (its := hand.result or hand.so_far) is not None:
                result.take_in(its)
        for hand in self.hands:
            if hand.refused:
                raise UsageError(f"{hand.name}: {hand.refused}")
        return concluded(result, self.scenario)

    def _meta(self, until_s: float | None = None) -> Meta:
        scenario, plan = self.scenario, self.scenario.plan
        metas = [its.meta for hand in self.hands if (its := hand.result or hand.so_far) is not None]
        ended = [meta.measured_to_s for meta in metas] or [0.0]
        dialect = scenario.target.dialect
        return Meta(
            scenario=scenario.name,
            scenario_hash=scenario.hash,
            dialect=SPOKEN.get(scenario.target.kind) or Path(dialect).name,
            dialect_hash=dialect_hash(dialect_for(scenario.target)),
            target=f"{scenario.target.host}:{scenario.target.port}",
            seed=plan.seed,
            started=self._started.isoformat(),
            warm_up_s=plan.warm_up_s,
            measured_to_s=max(ended) if until_s is None else min(until_s, plan.lasts_s),
            mode="closed" if plan.closed else "open",
            processes=len(self.hands),
            lost_workers={one.name: 1 / len(self.hands) for one in self.hands if one.result is None},
            interrupted=self.control.stop.is_set() and not self._aborted,
            unreachable=next((meta.unreachable for meta in metas if meta.unreachable), ""),
            aborted=self._aborted,
            cpu_share=max((meta.cpu_share for meta in metas), default=0.0),
            timer=next((meta.timer for meta in metas), "timerfd"),
            clock_offsets_ms={one.name: round(one.offset_ns / 1e6, 3) for one in self.hands},
        )


async def coordinated(scenario: Scenario, options: argparse.Namespace, watch: Watch | None) -> Result:
    """A run by processes of ours, or by workers elsewhere. UsageError where one cannot be used."""
    from loadtest.commands.run import obey_signals  # late: that one imports us

    async with _hands(options) as hands:
        coordinator = Coordinator(scenario, hands, spin=options.spin, watch=watch)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(obey_signals, coordinator.control)
            result = await coordinator.conduct()
            nursery.cancel_scope.cancel()
    return result


@asynccontextmanager
async def _hands(options: argparse.Namespace) -> AsyncIterator[list[Hand]]:
    addresses = options.workers.split(",") if options.workers else []
    number = len(addresses) or options.processes
    if number > WORKERS_MAX:
        raise UsageError(f"{number} workers; there may be {WORKERS_MAX}")
    async with trio.open_nursery() as nursery:
        hands: list[Hand] = []
        try:
            if addresses:
                credentials, token = _papers(options)
                for place, address in enumerate(addresses):
                    hands.append(Hand(address, place, Talk(await _called(address, credentials))))
                    await _greeted(hands[-1], token)
            else:
                for place in range(number):
                    hands.append(Hand(f"process {place + 1}", place, Talk(await _started(nursery))))
                    await _greeted(hands[-1], "")
            yield hands
        finally:
            with trio.CancelScope(shield=True):
                for hand in hands:
                    await hand.talk.aclose()
            nursery.cancel_scope.cancel()


async def _greeted(hand: Hand, token: str) -> None:
    try:
        await hand.talk.say(token=token)
        told = await hand.talk.hear()
    except TalkError as error:
        raise UsageError(f"{hand.name}: {error}") from None
    if "refused" in told:
        raise UsageError(f"{hand.name}: {told['refused']}")


async def _started(nursery: trio.Nursery) -> trio.abc.Stream:
    """A process of ours; it stops when its input ends, so it does not outlive us."""
    command = [sys.executable, "-m", "loadtest", "worker", "--parent"]
    run = trio.lowlevel.open_process
    # Not in our group: a Ctrl-C is for us, and we tell it.
    process = await run(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdin is not None
    assert process.stdout is not None
    nursery.start_soon(process.wait)
    return trio.StapledStream(process.stdin, process.stdout)


async def _called(address: str, credentials: Credentials) -> trio.abc.Stream:
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise UsageError(f"--workers {address}: HOST:PORT")
    try:
        connection = await tls_dial(credentials, WORKER_NAME)(host, int(port))
    except (OSError, HandshakeError) as error:
        raise UsageError(f"{address}: {getattr(error, 'strerror', None) or error}") from None
    assert isinstance(connection, trio.abc.Stream)
    return connection


def _papers(options: argparse.Namespace) -> tuple[Credentials, str]:
    """Our certificate and the token."""
    if not options.worker_tls or not options.worker_token:
        raise UsageError("--workers needs --worker-tls DIR and --worker-token FILE")
    try:
        return Credentials.of(COORDINATOR, options.worker_tls), options.worker_token.read_text().strip()
    except ConfigurationError as error:
        raise UsageError(str(error)) from None
    except OSError as error:
        raise UsageError(f"{options.worker_token}: {error.strerror}") from None


def _since(result: Result, second: int) -> Result:
    return Result(
        result.meta,
        histograms={key: one for key, one in result.histograms.items() if key[0] >= second},
        by_code={key: one for key, one in result.by_code.items() if key[0] >= second},
        counts={key: one for key, one in result.counts.items() if key.second >= second},
        gauges={key: one for key, one in result.gauges.items() if key[0] >= second},
        audit=result.audit,
    )
