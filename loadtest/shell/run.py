"""One run in this process: connect, send as planned, wait for what is open, audit, and give the `Result`.

`run_scenario` is for commands, `find-max` and workers alike. It prints nothing and writes no file.
"""

from __future__ import annotations

import gc
import math
import secrets
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Final

import trio

from loadtest.chip_counters import ChipCounters
from loadtest.customers import Customers, tokens
from loadtest.flow import Flow, Program, load_flow, program
from loadtest.host_commands import HOST_COMMANDS, CommandTraffic, Headers, check_commands
from loadtest.http_answers import HttpFraming
from loadtest.ledger import Ledger
from loadtest.messages import RECONCILIATION
from loadtest.plan import NANO, Plan, make_plan
from loadtest.proofs import Proofs, wish_of
from loadtest.result import Meta, Result, ThresholdOutcome, Validity
from loadtest.scenario import Scenario
from loadtest.shell import machine
from loadtest.shell.drive import Drive, connected, dialled, monotonic_ns, trusting
from loadtest.shell.line import Line
from loadtest.shell.pin_blocks import pin_blocks
from loadtest.shell.wire import dialect_for, dialect_hash, framing_for
from loadtest.stamps import Numbers, Stans
from loadtest.store_calls import STORE_CALLS, CallNumbers, StoreTraffic, check_calls
from loadtest.tally import Tally
from loadtest.threshold import Threshold
from loadtest.totals import NET, Totals
from loadtest.traffic import Traffic
from loadtest.usage import UsageError
from loadtest.validity import judged, remarks
from protocols.errors import LocalProtocolError
from protocols.money import currency
from protocols.runtime.exits import ConfigurationError
from protocols.runtime.tls import Credentials, HandshakeError, wrapped

CONNECT_S: Final = 5.0
READY_S: Final = 10.0  # for all links to be connected and signed on
NOBODY_S: Final = 3.0  # for a first connection, if only to be refused the sign-on
LEAD_NS: Final = 100_000_000  # from being ready to the first message
BACK_OFF_FIRST_S, BACK_OFF_MAX_S = 0.05, 2.0
STOP_SENDING_S: Final = 1.0
CONFUSING: Final = {"conflicting_duplicate", "reversal_first"}  # after these nobody can say what the target counts

#: What a target is asked, by its kind.
TRAFFIC: Final[Mapping[str, type[Traffic]]] = {"payments": Traffic, "hsm": CommandTraffic, "store": StoreTraffic}
SPOKEN: Final = {"hsm": HOST_COMMANDS, "store": STORE_CALLS}  # in the place of a dialect's name

Watch = Callable[[Result, int], None]  # the result so far, and the second that has passed


@dataclass
class Part:
    """Which share of the plan this process has, and what all shares have in common."""

    worker: int = 0
    workers: int = 1
    token_key: bytes = field(default_factory=lambda: secrets.token_bytes(16), repr=False)
    start_ns: Callable[[], int] | None = None  # the agreed instant on our monotonic clock; None: as soon as ready


@dataclass
class Control:
    """How a run is stopped from outside: the first stop ends sending, the second everything."""

    stop: trio.Event = field(default_factory=trio.Event)
    ready: trio.Event = field(default_factory=trio.Event)  # set when all links are up
    go: trio.Event | None = None  # wait for it after being ready
    interrupted: bool = False


@dataclass
class Run:
    """Everything that one run is made of, ready to go. UsageError where the scenario cannot be carried out."""

    scenario: Scenario
    part: Part = field(default_factory=Part)
    spin: bool = False
    watch: Watch | None = None
    control: Control = field(default_factory=Control)
    flows: Mapping[str, Flow] | None = None  # None: as the scenario names them

    def __post_init__(self) -> None:
        self.dialect = dialect_for(self.scenario.target)
        self.framing = framing_for(self.scenario.target)
        flows = flows_of(self.scenario) if self.flows is None else self.flows
        self.programs = programs_of(self.scenario, flows)
        self.holds = tuple(map(Threshold.parse, self.scenario.thresholds.hold))
        self.aborts = [(Threshold.parse(one.when), one.for_s) for one in self.scenario.thresholds.abort]
        self._plan = make_plan(self.scenario, lambda name: Random(name)).share(self.part.worker, self.part.workers)
        self._abort_since: dict[str, float] = {}
        self._aborted = self._unreachable = ""
        self._cpu: list[tuple[int, float]] = []
        self._ended = 0
        self.tally = Tally()
        self.ledger = Ledger(tokens(self.part.token_key), monotonic_ns())
        self._counters: ChipCounters | None = None
        self.proofs = self._proofs()
        self.traffic = self._traffic()
        self.drive = Drive(self.traffic, spin=self.spin)
        self._credentials = _credentials(self.scenario)
        self._before: dict[str, Mapping[int, str]] = {}
        self._said: list[str] = []  # for the reader of the report
        self._currencies = [currency(code).number for code in self.scenario.values.currency]
        if self.scenario.audit.totals:
            self.ledger.totals = self._totals_kept()

    def _totals_kept(self) -> Totals:
        if self.part.workers > 1:
            raise UsageError("audit.totals: with several processes nobody knows all of ours; use one")
        if self.scenario.target.kind != "payments":
            raise UsageError(f"audit.totals: {SPOKEN[self.scenario.target.kind]} know none")
        try:
            self.dialect.encode(RECONCILIATION, Totals().said("", {}))
        except LocalProtocolError as error:
            raise UsageError(f"audit.totals: {error}") from None
        return Totals()

    @property
    def plan(self) -> Plan:
        return self._plan

    def _traffic(self) -> Traffic:
        scenario, part = self.scenario, self.part
        seed = f"{scenario.plan.seed}/{part.worker}"
        customers = self._customers()
        kind = scenario.target.kind
        numbers: Numbers = Stans(scenario.values.first_stan, part.worker, part.workers)
        if kind == "hsm":
            numbers = Headers(scenario.target.header_length)
        elif kind == "store":
            numbers = CallNumbers(secrets.token_hex(6))
        return TRAFFIC[kind](
            scenario,
            self.programs,
            self._plan,
            self.dialect,
            self.framing,
            customers,
            self.ledger,
            self.tally,
            stans=numbers,
            chance=Random(f"{seed}/chance"),
            wall_ns=time.time_ns() - monotonic_ns(),
            share=1 / part.workers,
            proofs=self.proofs,
        )

    def _customers(self) -> Customers:
        """Whoever comes, from the first on: the same whenever it is made."""
        values, seed, part = self.scenario.values, self.scenario.plan.seed, self.part
        return Customers(values, seed, Random(f"{seed}/{part.worker}/values"), part.worker, part.workers)

    def _proofs(self) -> Proofs | None:
        """Where a flow asks for PIN or chip, and the scenario can."""
        scenario, programs = self.scenario, [self.programs[name] for name in self._plan.names]
        if not any(wish_of(program, scenario.security) for program in programs):
            return None
        file = scenario.values.cards.file
        kept = file and file.with_name(f"{file.name}.counters")
        self._counters = ChipCounters(kept if scenario.security.chip else None, self._customers().cards)
        day = datetime.now(UTC).strftime("%y%m%d")
        return Proofs(scenario.security, programs, self._counters, Random(secrets.token_bytes(8)), day)

    async def _prepare(self) -> None:
        """What costs more than a message is made before the first one."""
        if self.proofs is None:
            return
        pins = self.proofs.foresee(self._plan, self._customers())
        self.proofs.learn(await pin_blocks(self.scenario.security, pins))

    async def go(self) -> Result:
        """Run it to its end."""
        was_collecting = gc.isenabled()
        gc.disable()  # what is settled is in no ring (`Traffic._over`), and a collection would be a pause of its own
        try:
            await self._prepare()
            async with trio.open_nursery() as nursery:
                for index in range(self.scenario.links.count):
                    nursery.start_soon(self._keep, index)
                if self.scenario.chaos.drop_link_per_min or self.scenario.chaos.half_close_per_min:
                    nursery.start_soon(self._break_links)
                await self._drive_all()
                nursery.cancel_scope.cancel()
        finally:
            self.drive.close()
            if self._counters is not None:
                self._counters.close()
            if was_collecting:
                gc.enable()
        return self._result()

    # --- the course of it

    async def _drive_all(self) -> None:
        traffic, drive = self.traffic, self.drive
        drive.split_share, drive.draw = self.scenario.chaos.split, Random(self.scenario.plan.seed).random
        patience = monotonic_ns() + int(READY_S * NANO)
        await drive.run(lambda now: self._is_ready(now, patience), lambda second, now: None)
        if self._unreachable:
            return
        self._before = await self._totals({})
        self.control.ready.set()
        if self.control.go is not None:
            await self.control.go.wait()
        start = self.part.start_ns() if self.part.start_ns is not None else monotonic_ns() + LEAD_NS
        self._started = datetime.now(UTC)
        traffic.begin(start)
        if self.scenario.plan.closed:
            await trio.sleep(max(start - monotonic_ns(), 0) / NANO)
            traffic.users(monotonic_ns())
        self._last_ns = start + int(self.scenario.plan.lasts_s * NANO)
        self._over_at: int | None = None
        self._stopped_at: int | None = None
        await drive.run(self._is_over, self._second)
        self._ended = monotonic_ns()
        traffic.second((self._ended - traffic.start) // NANO, self._ended)
        traffic.finish(self._ended)
        if not self.control.interrupted:
            await self._reconcile()
            await self._say_goodbye()

    def _is_ready(self, now: int, patience: int) -> bool:
        """All links up; or it is clear that they will not be, and why."""
        lanes = self.traffic.lanes
        if all(lane.is_up for lane in lanes):
            return True
        refused = next((lane.refused for lane in lanes if lane.refused), "")
        nobody = not any(lane.connects for lane in lanes) and now > patience - int((READY_S - NOBODY_S) * NANO)
        if refused or nobody or now > patience or self.control.stop.is_set():
            up = sum(lane.is_up for lane in lanes)
            self._unreachable = refused or self._why or f"{up} of {len(lanes)} links within {READY_S:g} s"
            return True
        return False

    _why = ""  # the last reason why a link could not be connected
    _last_ns = 0
    _over_at: int | None = None
    _stopped_at: int | None = None
    _started = datetime.fromtimestamp(0, UTC)

    def _is_over(self, now: int) -> bool:
        traffic, ledger = self.traffic, self.ledger
        timeouts = self.scenario.timeouts
        if (self.control.stop.is_set() or self._aborted) and self._stopped_at is None:
            self._stopped_at = now
            self.control.interrupted = self.control.stop.is_set()
            traffic.stop(now)
            traffic.doubt_everything(now)
        if not traffic.is_planned_out or now < min(self._last_ns, self._stopped_at or self._last_ns):
            return False
        if not traffic.is_quiet:
            return self._stopped_at is not None and now - self._stopped_at > timeouts.answer_s * NANO
        if not ledger.doubt or self._stopped_at is not None:
            return True
        self._over_at = self._over_at or now
        linger = timeouts.answer_s if timeouts.linger_s is None else timeouts.linger_s
        return now - self._over_at > linger * NANO

    def _second(self, second: int, now: int) -> None:
        self.traffic.second(second, now)
        self._cpu.append((second, time.process_time() - self.drive.spun_ns / NANO))
        if self.watch is None and not self.aborts:
            return
        seconds = max([for_s for _, for_s in self.aborts], default=0.0) + self.scenario.timeouts.answer_s + 5
        recent = self.tally.result(self._meta(second + 1), since=max(0, second - int(seconds)))
        recent.audit = self.ledger.audit()
        if self.watch is not None:
            self.watch(recent, second)
        self._abort_if(recent, second)

    def _abort_if(self, recent: Result, second: int) -> None:
        for threshold, for_s in self.aborts:
            if not threshold.is_met(recent):
                self._abort_since.pop(threshold.text, None)
                continue
            since = self._abort_since.setdefault(threshold.text, second)
            if second - since + 1 >= for_s and second >= self.scenario.plan.warm_up_s:
                self._aborted = threshold.text

    async def _say_goodbye(self) -> None:
        now = monotonic_ns()
        self.traffic.sign_off(now)
        self.drive.flush()
        patience = now + NANO // 2
        if any(lane.is_signed_on for lane in self.traffic.lanes):
            over = self.ledger.open
            await self.drive.run(lambda now: not over or now > patience, lambda second, now: None)

    # --- the target's totals

    async def _totals(self, said: Mapping[str, Mapping[int, str]]) -> dict[str, Mapping[int, str]]:
        """What the target has, by currency, when it is told this. Empty where nobody wants to know."""
        if self.ledger.totals is None:
            return {}
        traffic, now = self.traffic, monotonic_ns()
        traffic.told.clear()
        asked = [money for money in self._currencies if traffic.ask_totals(money, said.get(money, {}), now)]
        self.drive.flush()
        patience = now + int(self.scenario.timeouts.answer_s * NANO)
        await self.drive.run(lambda now: len(traffic.told) == len(asked) or now > patience, lambda second, now: None)
        return dict(traffic.told)

    async def _reconcile(self) -> None:
        """Say what we count, hear what the target counts; each difference is a finding."""
        totals = self.ledger.totals
        if totals is None:
            return
        if (why := self._cannot_reconcile()) is not None:
            self._said.append(f"The target's totals were not compared: {why}.")
            return
        said = {money: totals.said(money, self._before[money]) for money in self._currencies}
        told = await self._totals(said)
        for money in self._currencies:
            if NET not in told.get(money, {}):
                self._said.append(f"The target's totals were not compared: it told none of currency {money}.")
                continue
            for difference in totals.differences(said[money], told[money]):
                self.ledger.not_conserved(f"currency {money}, {difference}")

    def _cannot_reconcile(self) -> str | None:
        if missing := [money for money in self._currencies if money not in self._before]:
            return f"before the run it answered no 0500 for currency {missing[0]}"
        if datetime.now(UTC).date() != self._started.date():
            return "the run went over midnight"
        if confusing := sorted(CONFUSING & self.ledger.injected.keys()):
            return f"we injected {confusing[0]}"
        if any(one.undoes is None and not one.is_reversed for one in self.ledger.doubt.values()):
            return "messages are in doubt that nobody took back"
        return None

    # --- links

    async def _keep(self, index: int) -> None:
        """Keep one link connected, coming back with growing waits and jitter."""
        draw = Random(f"{self.scenario.plan.seed}/{index}").random
        back_off_s = BACK_OFF_FIRST_S
        target = self.scenario.target
        while True:
            try:
                sock = await dialled(self._dial)
            except (OSError, HandshakeError) as error:
                self._why = f"{target.host}:{target.port}: {getattr(error, 'strerror', None) or error}"
                await trio.sleep(back_off_s * (0.5 + draw()))
                back_off_s = min(back_off_s * 2, BACK_OFF_MAX_S)
                continue
            sock.setblocking(False)
            line = Line(index, sock, HttpFraming() if target.kind == "store" else self.framing)
            self.drive.add(line)
            self.traffic.opened(index, monotonic_ns())
            self.drive.flush()
            back_off_s = BACK_OFF_FIRST_S
            slow = self.scenario.chaos.slow_link
            if slow is not None and index < slow.links:
                await self._read_slowly(line, slow.bytes_per_s)
            await line.gone.wait()
            self.drive.remove(line)
            self._why = f"{target.host}:{target.port}: {line.reason}"
            await trio.sleep(back_off_s * (0.5 + draw()))

    def _dial(self) -> socket.socket:
        target = self.scenario.target
        sock = connected(target.host, target.port, CONNECT_S)
        if target.tls is None:
            return sock
        if self._credentials is None:
            return trusting(sock, target.tls.ca, target.tls.name or target.host)
        tls: ssl.SSLSocket = wrapped(sock, self._credentials, target.tls.name or target.host)
        return tls

    async def _read_slowly(self, line: Line, bytes_per_s: float) -> None:
        self.drive.pause_reading(line)
        self.ledger.inject("slow_link")
        while not line.gone.is_set():
            await trio.sleep(0.1 if bytes_per_s else 1.0)
            if bytes_per_s and not line.gone.is_set():
                self.drive.read_by_hand(line, max(1, int(bytes_per_s / 10)))
                if self.traffic.dirty:
                    self.drive.flush()

    async def _break_links(self) -> None:
        """Chaos: close a link, or its sending half, so often a minute."""
        chaos = self.scenario.chaos
        draw = Random(f"{self.scenario.plan.seed}/breaks")
        kinds = {"drop_link": chaos.drop_link_per_min, "half_close": chaos.half_close_per_min}
        rate = sum(kinds.values()) / 60
        while True:
            await trio.sleep(draw.expovariate(rate))
            line = self.drive.by_index.get(draw.randrange(self.scenario.links.count))
            if line is None or self.traffic.is_planned_out:
                continue
            kind = draw.choices(list(kinds), list(kinds.values()))[0]
            self.ledger.inject(kind)
            if kind == "half_close":
                line.half_close()
            else:
                line.close("dropped by ourselves")
                self.drive.remove(line)

    # --- the result

    def _meta(self, until_s: float | None = None) -> Meta:
        scenario, plan = self.scenario, self.scenario.plan
        ended_s = (self._stopped_at - self.traffic.start) / NANO if self._stopped_at else plan.lasts_s
        return Meta(
            scenario=scenario.name,
            scenario_hash=scenario.hash,
            dialect=SPOKEN.get(scenario.target.kind) or Path(scenario.target.dialect).name,
            dialect_hash=dialect_hash(self.dialect),
            target=f"{scenario.target.host}:{scenario.target.port}",
            seed=plan.seed,
            started=self._started.isoformat(),
            warm_up_s=plan.warm_up_s,
            measured_to_s=min(plan.lasts_s, ended_s, until_s if until_s is not None else math.inf),
            mode="closed" if plan.closed else "open",
            interrupted=self.control.interrupted,
            unreachable=self._unreachable,
            aborted=self._aborted,
            cpu_share=self._cpu_share(),
            timer=self.drive.timer_name,
        )

    def _cpu_share(self) -> float:
        """Of the CPU that one process may use, in the measured part."""
        inside = [(second, used) for second, used in self._cpu if second + 1 >= self.scenario.plan.warm_up_s]
        if len(inside) < 2:
            return 0.0
        (first, before), (last, after) = inside[0], inside[-1]
        return (after - before) / (last - first) / min(1.0, machine.cpus())

    def _result(self) -> Result:
        result = self.tally.result(self._meta())
        result.audit = self.ledger.close() if not self._unreachable else self.ledger.audit()
        result.explanations = self.traffic.strays.explanations()
        if self.part.workers == 1:
            concluded(result, self.scenario)
            result.remarks = (*result.remarks, *self._said)
        return result


def concluded(result: Result, scenario: Scenario) -> Result:
    """The verdicts on a whole result: validity, thresholds, remarks; and where it was made."""
    result.meta = result.meta.model_copy(
        update={"commit": machine.commit(), "host": machine.host(), "versions": machine.versions()}
    )
    if result.meta.unreachable:
        return result
    holds = tuple(map(Threshold.parse, scenario.thresholds.hold))
    result.validity = judged(result, holds) if result.meta.measured_s else Validity()
    aborts = [ThresholdOutcome(text=result.meta.aborted, held=False, kind="abort")] if result.meta.aborted else []
    result.thresholds = (*(one.outcome(result) for one in holds), *aborts)
    result.remarks = (*remarks(result), *(one.sentence for one in result.explanations[:5]))
    return result


def flows_of(scenario: Scenario) -> dict[str, Flow]:
    """The flows of the mix. UsageError where one is not there."""
    return {name: load_flow(name, scenario.flows) for name in scenario.mix}


def programs_of(scenario: Scenario, flows: Mapping[str, Flow] | None = None) -> dict[str, Program]:
    """The flows, ready for the mix. UsageError where one cannot be set so."""
    found = flows_of(scenario) if flows is None else flows
    check_commands(scenario, found)
    check_calls(scenario, found)
    return {name: program(name, found[name], one.settings) for name, one in scenario.mix.items()}


def _credentials(scenario: Scenario) -> Credentials | None:
    tls = scenario.target.tls
    try:
        return Credentials(tls.certificate, tls.key, tls.ca) if tls and tls.certificate and tls.key else None
    except ConfigurationError as error:
        raise UsageError(f"target.tls: {error}") from None


async def run_scenario(scenario: Scenario, *, watch: Watch | None = None, spin: bool = False) -> Result:
    """The whole plan in this process. UsageError where the scenario cannot be carried out."""
    return await Run(scenario, spin=spin, watch=watch).go()
