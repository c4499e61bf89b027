"""`load replay FILE`: send again what was recorded, without anything that must not travel.

FILE is a journal export or messages as JSON lines (`loadtest/recording.py` says how a line looks), or a capture (pcap,
pcapng) with the dialect and framing of the host that was captured, and its --port. Card numbers become cards of the
deck, tracks, PIN blocks, chip data, private data and MACs are dropped, numbers and times are made new; a reversal
follows its original. The answers are judged, counted and audited as those of any run.

    load replay day.jsonl --target 127.0.0.1:8583                     as it was recorded
    load replay day.jsonl --target 127.0.0.1:8583 --speed 10          ten times as fast
    load replay lab.pcapng --port 8583 --dialect iso87_ascii --rate 200
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from random import Random
from time import monotonic_ns, time_ns
from typing import Any, cast

import trio

from loadtest.capture import CaptureError
from loadtest.commands.run import add_run_output, addresses_of, conclude, obey_signals, watch_of
from loadtest.customers import Customers, deck
from loadtest.diagnosis import Way
from loadtest.rails import RATE_MAX, check_rate, check_target
from loadtest.recording import Recording, RecordingError, from_capture, from_lines
from loadtest.replay import Pace, Recordeds, Replay, ReplayError, replay_of
from loadtest.result import Result
from loadtest.scenario import Scenario, load_scenario, made
from loadtest.shell.drive import Drive
from loadtest.shell.run import Run
from loadtest.stamps import Stans
from loadtest.traffic import Traffic
from loadtest.usage import UsageError
from protocols.elements import ELEMENTS

HELP = "send recorded traffic again, without its secrets"
FILE_MOST = 2 << 30  # bytes: a capture is read whole
CAPTURES = (b"\xa1\xb2", b"\xd4\xc3", b"\x4d\x3c", b"\x0a\x0d\x0d\x0a")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="JSON lines, pcap or pcapng")
    parser.add_argument("--scenario", type=Path, default=None, help="target, links, match key, cards, thresholds of it")
    parser.add_argument("--target", metavar="HOST:PORT", help="instead of the scenario's")
    pace = parser.add_mutually_exclusive_group()
    pace.add_argument("--speed", type=float, default=1.0, metavar="K", help="so many times as fast (1)")
    pace.add_argument("--rate", type=float, default=None, metavar="PER_S", help="at a constant rate instead")
    pace.add_argument("--flat-out", action="store_true", help="at the highest rate that the rails allow")
    parser.add_argument("--port", type=int, default=None, help="of a capture: the host's port")
    parser.add_argument("--dialect", default="iso87_ascii", metavar="NAME", help="of a capture (iso87_ascii)")
    parser.add_argument("--framing", default="len2", metavar="NAME", help="of a capture (len2)")
    parser.add_argument("--allow-remote", action="append", default=[], metavar="HOST", help="a public address is meant")
    parser.add_argument("--max-rate", type=float, metavar="PER_S", help="raise the limit of 5000 messages a second")
    parser.add_argument("--dry-run", action="store_true", help="say what would be sent, and send nothing")
    add_run_output(parser)


def main(options: argparse.Namespace) -> int:
    recording, digest = recorded(options)
    pace = pace_of(options)
    try:
        replay = replay_of(recording.messages, pace)
    except ReplayError as error:
        raise UsageError(f"{options.file}: {error}") from None
    for line in told(recording, replay):
        print(line)
    if options.dry_run:
        return 0
    scenario = scenario_for(options, replay, digest)
    result = trio.run(replayed, scenario, replay, options)
    return conclude(result, options)


def recorded(options: argparse.Namespace) -> tuple[Recording, str]:
    """What is in the file, and what the file is known by."""
    try:
        if options.file.stat().st_size > FILE_MOST:
            raise UsageError(f"{options.file}: more than 2 GB; cut it into parts")
        data = options.file.read_bytes()
    except OSError as error:
        raise UsageError(f"{options.file}: {error.strerror}") from None
    digest = sha256(data).hexdigest()[:8]
    try:
        if data.startswith(CAPTURES):
            if options.port is None:
                raise UsageError("a capture needs --port: what was said to it is replayed")
            way = Way(options.framing, options.dialect)
            return from_capture(data, way.spoken(), way.framed(), options.port), digest
        return from_lines(data.decode("utf-8").splitlines()), digest
    except (CaptureError, RecordingError) as error:
        raise UsageError(f"{options.file}: {error}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{options.file}: neither a capture nor JSON lines") from None


def pace_of(options: argparse.Namespace) -> Pace:
    if options.flat_out:
        return Pace(rate_per_s=options.max_rate or RATE_MAX)
    if options.speed <= 0 or (options.rate is not None and options.rate <= 0):
        raise UsageError("--speed and --rate are above nought")
    return Pace(options.speed, options.rate)


def told(recording: Recording, replay: Replay) -> list[str]:
    """What is about to be sent, and what was left behind."""
    dropped = ", ".join(f"DE {number} {ELEMENTS[number].title}" for number in sorted(recording.dropped))
    return [
        f"{len(recording.messages)} messages of {recording.cards} cards: {len(replay.plan)} visits in"
        f" {replay.plan.lasts_s:.1f} s; {replay.left_out} answers and the like left out",
        f"dropped: {dropped or 'nothing'}",
        *([f"{recording.unreadable} frames that the dialect does not read"] if recording.unreadable else []),
    ]


def scenario_for(options: argparse.Namespace, replay: Replay, digest: str) -> Scenario:
    """The scenario of a replay: the given one, but for its plan and mix."""
    base = load_scenario(options.scenario) if options.scenario else made({"plan": ANY_PLAN, "mix": {"echo": 1}})
    target = base.target
    if options.target:
        host, _, port = options.target.rpartition(":")
        if not host or not port.isdigit():
            raise UsageError(f"--target {options.target}: HOST:PORT")
        target = target.model_copy(update={"host": host.strip("[]"), "port": int(port)})
    elif not options.scenario:
        raise UsageError("--target HOST:PORT, or --scenario FILE: whom is it to be sent to?")
    lasts_s = max(replay.plan.lasts_s, 0.001)
    arrivals = ({"shape": "constant", "rate_per_s": max(len(replay.plan) / lasts_s, 1e-6), "for_s": lasts_s},)
    plan = made({"plan": {"seed": base.plan.seed, "arrivals": arrivals}, "mix": {"echo": 1}}).plan
    name = f"replay-{options.file.stem}-{digest}"
    scenario = base.model_copy(update={"name": name, "target": target, "plan": plan})
    check_rate(scenario, options.max_rate)
    check_target(target.host, addresses_of(target.host), options.allow_remote)
    return scenario


ANY_PLAN: dict[str, Any] = {"arrivals": ({"shape": "constant", "rate_per_s": 1, "for_s": 1},)}


@dataclass
class ReplayRun(Run):
    """A run whose plan, programs and values were recorded."""

    replay: Replay | None = None

    def __post_init__(self) -> None:
        assert self.replay is not None, "there is something to replay"
        super().__post_init__()
        self.drive.close()  # of the plan that nobody runs
        self.programs = dict(self.replay.programs)
        self._plan = self.replay.plan
        self.traffic = self._recorded_traffic(self.replay)
        self.drive = Drive(self.traffic, spin=self.spin)

    def _recorded_traffic(self, replay: Replay) -> Traffic:
        scenario = self.scenario
        drawn = Customers(scenario.values, scenario.plan.seed, Random(scenario.plan.seed))
        fallback = drawn.visit()[0]
        customers = Recordeds(replay, deck(scenario.values.cards, scenario.plan.seed), fallback)
        return Traffic(
            scenario,
            self.programs,
            self._plan,
            self.dialect,
            self.framing,
            cast(Customers, customers),
            self.ledger,
            self.tally,
            stans=Stans(scenario.values.first_stan),
            chance=Random(scenario.plan.seed),
            wall_ns=time_ns() - monotonic_ns(),
            share=1.0,
        )


async def replayed(scenario: Scenario, replay: Replay, options: argparse.Namespace) -> Result:
    """One replay in this process; the first Ctrl-C ends the sending, the second everything."""
    run = ReplayRun(scenario, spin=options.spin, watch=watch_of(options, scenario), replay=replay)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(obey_signals, run.control)
        result = await run.go()
        nursery.cancel_scope.cancel()
    return result
