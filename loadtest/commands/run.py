"""Run a scenario: connect, send as planned, measure, audit; and write the run's directory."""

from __future__ import annotations

import argparse
import atexit
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import trio

from loadtest.commands.report import PAGE, write_report
from loadtest.live import make_view, moment_of
from loadtest.rails import check_rate, check_target
from loadtest.result import Clock, Exit, Result
from loadtest.scenario import Scenario, load_scenario
from loadtest.shell.run import Control, Run, Watch
from loadtest.usage import UsageError
from loadtest.words import measured_as

HELP = "run a scenario"
T = TypeVar("T")

LEAVES = 2  # interrupts after which we leave at once


def configure(parser: argparse.ArgumentParser) -> None:
    add_scenario(parser)
    parser.add_argument("--processes", type=int, default=1, metavar="N", help="share the plan among so many processes")
    parser.add_argument("--workers", metavar="HOST:PORT,…", help="share the plan among workers on other hosts")
    parser.add_argument("--worker-tls", type=Path, metavar="DIR", help="authority.crt, coordinator.crt and .key")
    parser.add_argument("--worker-token", type=Path, metavar="FILE", help="the workers' shared secret")
    add_run_output(parser)


def add_run_output(parser: argparse.ArgumentParser) -> None:
    """Where a run goes, and what is said meanwhile."""
    parser.add_argument("--out", type=Path, metavar="DIR", help="the run directory (default: runs/NAME-TIME)")
    parser.add_argument("--spin", action="store_true", help="burn the last 200 µs before a message instead of sleeping")
    parser.add_argument("--json", action="store_true", help="the summary as JSON on standard output")
    parser.add_argument("--json-lines", action="store_true", help="a JSON object every second on standard output")
    parser.add_argument(
        "--print-every", type=float, metavar="S", help="plain lines at this interval, on a terminal too"
    )
    parser.add_argument("--quiet", action="store_true", help="say nothing but the verdict")


def add_scenario(parser: argparse.ArgumentParser) -> None:
    """The arguments that say what to run and against whom, for every command that runs something."""
    parser.add_argument("scenario", type=Path, help="a TOML file, or the name of a mix that is shipped")
    parser.add_argument("--target", metavar="HOST:PORT", help="instead of the scenario's")
    parser.add_argument("--seed", type=int, help="instead of the scenario's")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="e.g. links.count=4")
    parser.add_argument("--allow-remote", action="append", default=[], metavar="HOST", help="a public address is meant")
    parser.add_argument("--max-rate", type=float, metavar="PER_S", help="raise the limit of 5000 messages a second")


def scenario_of(options: argparse.Namespace) -> Scenario:
    """The scenario that the arguments mean, inside the rails. UsageError otherwise."""
    changes: dict[str, Any] = dict(_setting(text) for text in options.set)
    if options.target:
        host, _, port = options.target.rpartition(":")
        if not host or not port.isdigit():
            raise UsageError(f"--target {options.target}: HOST:PORT")
        changes |= {"target.host": host.strip("[]"), "target.port": int(port)}
    if options.seed is not None:
        changes["plan.seed"] = options.seed
    scenario = load_scenario(options.scenario, **changes)
    check_rate(scenario, options.max_rate)
    check_target(scenario.target.host, addresses_of(scenario.target.host), options.allow_remote)
    return scenario


def main(options: argparse.Namespace) -> int:
    scenario = scenario_of(options)
    if options.processes > 1 or options.workers:
        from loadtest.shell.coordinate import coordinated  # late: most runs need no processes

        result = carried_out(coordinated, scenario, options, watch_of(options, scenario))
    else:
        result = carried_out(interruptible, scenario, options.spin, watch_of(options, scenario))
    return conclude(result, options)


def carried_out(work: Callable[..., Awaitable[T]], *given: Any) -> T:
    """What comes of it; UsageError as itself, from however deep in nurseries."""
    try:
        return trio.run(work, *given)
    except BaseExceptionGroup as group:
        raise usage_in(group) or group from None


def usage_in(error: BaseException) -> UsageError | None:
    """The mistake among what ended the tasks of a nursery, if one of them was the user's."""
    if isinstance(error, BaseExceptionGroup):
        return next((found for one in error.exceptions if (found := usage_in(one))), None)
    return error if isinstance(error, UsageError) else None


async def interruptible(scenario: Scenario, spin: bool, watch: Watch | None) -> Result:
    """One run in this process: the first Ctrl-C ends the sending, the second everything."""
    run = Run(scenario, spin=spin, watch=watch)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(obey_signals, run.control)
        result = await run.go()
        nursery.cancel_scope.cancel()
    return result


async def obey_signals(control: Control) -> None:
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        times = 0
        async for _ in signals:
            times += 1
            control.stop.set()
            if times >= LEAVES:
                sys.exit(Exit.INTERRUPTED)
            print(
                "stopping: nothing more is sent; what is in doubt is taken back. Again: leave at once", file=sys.stderr
            )


def watch_of(options: argparse.Namespace, scenario: Scenario) -> Watch | None:
    """The live view, where one is wanted and there."""
    if options.quiet or options.json:
        return None
    target = sys.stdout if options.json_lines else sys.stderr
    view = make_view(target, scenario.name, json_lines=options.json_lines, print_every_s=options.print_every)
    atexit.register(view.close)  # a terminal is given back however we end
    of_s, links = scenario.plan.lasts_s, scenario.links.count

    def watch(recent: Result, second: int) -> None:
        view.show(moment_of(recent, second, of_s, links))
        if second + 1 >= of_s:
            view.close()

    return watch


def conclude(result: Result, options: argparse.Namespace) -> int:
    """Write the directory, say what matters, and give the exit code."""
    directory = options.out or Path("runs", f"{result.meta.scenario}-{datetime.now(UTC):%Y%m%d-%H%M%S}")
    result.write(directory)
    write_report(result, directory)
    if options.json:
        print((directory / "summary.json").read_text(), end="")
    else:
        for line in verdict(result):
            print(line)
        print(f"written to {directory}: {directory / PAGE}")
    return int(result.exit_code)


def verdict(result: Result) -> Iterable[str]:
    """The run in a few lines."""
    if result.meta.unreachable:
        yield f"UNREACHABLE: {result.meta.unreachable}"
        return
    total, rates = result.total(), result.rates()
    yield (
        f"offered {total.offered} ({rates['offered']:.1f}/s), sent {total.sent}, answered {total.answered} "
        f"({rates['achieved']:.1f}/s), timed out {total.timed_out}, not sent {total.not_sent}"
    )
    for clock in Clock:
        histogram = result.histogram(clock)
        figures = ", ".join(f"p{p:g} {histogram.percentile(p) / 1000:.2f}" for p in (50, 90, 99, 99.9, 100))
        yield f"{clock.value:>9} ms: {figures}"
    yield "    codes: " + (", ".join(f"{code} {result.total(code=code).answered}" for code in result.codes()) or "none")
    found = ", ".join(f"{one.name} {one.count}" for one in result.audit.findings if one.count)
    yield f"    audit: {'FAILED' if result.audit.failed else 'passed'}{': ' + found if found else ''}"
    for one in result.thresholds:
        yield f"  {'held' if one.held else 'BROKEN':>7}: {one.text} (it is {measured_as(one.text, one.value)})"
    yield from (f"  INVALID: {reason}" for reason in result.validity.reasons)
    yield from (f"  warning: {warning}" for warning in result.validity.warnings)
    yield from (f"     note: {remark}" for remark in result.remarks)
    yield f"exit {int(result.exit_code)}: {result.exit_code.name.lower()}"


def _setting(text: str) -> tuple[str, Any]:
    """`links.count=4`: the value as TOML has it, else as text."""
    import tomllib

    key, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"--set {text}: KEY=VALUE")
    try:
        return key, tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key, value


def addresses_of(host: str) -> list[str]:
    try:
        return sorted({str(found[4][0]) for found in socket.getaddrinfo(host, None)})
    except OSError as error:
        raise UsageError(f"{host}: {error.strerror or error}") from None
