"""The supervisor: keeps the parties of a network running, as long as its work goes on.

Stage by stage it starts processes and waits until each has said that it is ready. A party that
dies later is started again, slower each time, and one line says so; a party whose configuration
is wrong or whose state is damaged is not, because trying again changes nothing: then everything
stops, with that party's exit code. At the end everything is told to stop, last stage first,
and what does not stop in time is killed.

Not here: what the parties are (`switch.place`), and what a line means beyond `listening`
and `ready`. Not for production: systemd and its like supervise better.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import trio

from protocols.runtime.exits import DAMAGED, FAILED, MISCONFIGURED, UnavailableError
from switch.shell.child import Child, start_child

READY_WITHIN_S = 40.0  # ten interpreters starting on one busy core take half of this
STOP_WITHIN_S = 8.0  # the switch gives its own last records less
AGAIN_AFTER_S = 0.5  # first pause before a party that died starts again; doubles
AGAIN_AT_MOST_S = 10.0
STEADY_AFTER_S = 30.0  # whoever has lived this long has not died of how it starts
NEVER_AGAIN = frozenset({MISCONFIGURED, DAMAGED})
WORDS_MAX = 300  # of a log's line on the terminal
UNTOLD = frozenset({"timestamp", "party"})
LINES_KEPT = 1000  # answers of a till that nobody has fetched

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Charge:
    """A process to keep running."""

    label: str
    command: Sequence[str]
    log_path: Path
    with_input: bool = False  # whether lines are written to it: a till


class PartyFailedError(Exception):
    """A party does not run, and starting it again would not help."""

    def __init__(self, label: str, code: int, why: str, log_path: Path) -> None:
        super().__init__(f"{label}: {why}")
        self.label, self.code, self.log_path = label, code, log_path


@dataclass(eq=False, slots=True)
class Ward:
    """A charge and its process of the moment."""

    charge: Charge
    child: Child | None = None
    addresses: list[str] = field(default_factory=list)
    ready: trio.Event = field(default_factory=trio.Event)
    ended: trio.Event = field(default_factory=trio.Event)
    remark: str = ""  # what it said with "ready": without whom
    retired: bool = False  # told to end: it does not start again
    pause: trio.CancelScope = field(default_factory=trio.CancelScope)  # between two lives
    give: trio.MemorySendChannel[str] | None = None
    lines: trio.MemoryReceiveChannel[str] | None = None


class Supervisor:
    """The running parties, by label."""

    def __init__(self, nursery: trio.Nursery, say: Say) -> None:
        self._nursery = nursery
        self.work = trio.CancelScope()  # ends when a party fails for good
        self._say = say
        self._stages: list[list[Ward]] = []
        self._wards: dict[str, Ward] = {}
        self.failure: PartyFailedError | None = None

    async def start_stage(self, charges: Sequence[Charge]) -> None:
        """Start these at once; returns when all of them are ready."""
        wards = [Ward(charge) for charge in charges]
        self._stages.append(wards)
        for ward in wards:
            self._wards[ward.charge.label] = ward
            if ward.charge.with_input:
                ward.give, ward.lines = trio.open_memory_channel(LINES_KEPT)
            self._nursery.start_soon(self._keep, ward)
        for ward in wards:
            await self._until_ready(ward)

    async def stop_party(self, label: str, number: signal.Signals = signal.SIGTERM) -> None:
        """End one party, and leave it so."""
        await self._stop([self._wards[label]], number)

    async def start_party(self, label: str) -> None:
        """Start a party again that was stopped; returns when it is ready."""
        ward = self._wards[label]
        ward.retired, ward.ready, ward.ended = False, trio.Event(), trio.Event()
        self._nursery.start_soon(self._keep, ward)
        await self._until_ready(ward)

    def signal_party(self, label: str, number: signal.Signals) -> None:
        """Send a party a signal and leave the rest as it is: to make one stand still, and go on."""
        child = self._wards[label].child
        if child is not None:
            child.signal(number)

    async def tell(self, label: str, line: str) -> None:
        """One line to a party's standard input. UnavailableError when it is not there to hear it."""
        child = self._wards[label].child
        try:
            if child is not None:
                return await child.write(line)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # it died just now
        raise UnavailableError(f"{label} is not running")

    async def hear(self, label: str) -> str:
        """The next line that a party has to say, beyond where it listens and that it is ready."""
        lines = self._wards[label].lines
        assert lines is not None, "started without a standard input"
        return await lines.receive()

    @property
    def remarks(self) -> list[str]:
        """What is not as it should be, although everybody is ready: `switch without ebi`."""
        return [f"{label} {ward.remark}" for label, ward in self._wards.items() if ward.remark]

    async def stop_all(self) -> None:
        """End everything, last stage first."""
        for stage in reversed(self._stages):
            await self._stop(stage, signal.SIGTERM)

    async def _keep(self, ward: Ward) -> None:
        """Run a party until it is no longer wanted, or not worth another try."""
        pause_s = AGAIN_AFTER_S
        try:
            while True:
                began = trio.current_time()
                code = await self._run_once(ward)
                if ward.retired:
                    return
                if code in NEVER_AGAIN or not ward.ready.is_set():
                    self._give_up(ward, code or FAILED, f"ended with exit code {code}")
                    return
                if trio.current_time() - began > STEADY_AFTER_S:
                    pause_s = AGAIN_AFTER_S
                self._say(f"{ward.charge.label}: ended with exit code {code}, starts again in {pause_s:g} s")
                if not await self._rest(ward, pause_s):
                    return
                pause_s = min(pause_s * 2, AGAIN_AT_MOST_S)
        finally:
            ward.ended.set()

    async def _rest(self, ward: Ward, pause_s: float) -> bool:
        """The pause between two lives; whether there is to be another."""
        with trio.move_on_after(pause_s) as ward.pause:
            await trio.sleep_forever()
        return not ward.retired

    async def _run_once(self, ward: Ward) -> int:
        """One life of a party: from its start to its exit code."""
        charge = ward.charge
        ward.addresses.clear()
        ward.child = child = start_child(charge.command, charge.log_path, with_input=charge.with_input)
        try:
            async for line in child.lines():
                self._heard(ward, line)
            return await child.ended()
        except trio.Cancelled:
            child.kill_now()
            raise
        finally:
            ward.child = None

    def _heard(self, ward: Ward, line: str) -> None:
        word, _, rest = line.partition(" ")
        if word == "listening":
            ward.addresses.append(rest.rpartition(" ")[2])
        elif word == "ready":
            _, _, ward.remark = rest.partition(" ")
            again = " again" if ward.ready.is_set() else ""
            ward.ready.set()
            told = " ".join(filter(None, (*ward.addresses, ward.remark)))
            self._say(f"{ward.charge.label:16} is up{again}  {told}".rstrip())
        elif ward.give is not None:
            with suppress(trio.WouldBlock):  # nobody has listened for a long time
                ward.give.send_nowait(line)

    def _give_up(self, ward: Ward, code: int, why: str) -> None:
        """Remember why, and end the work: the network is not whole, and will not be."""
        if self.failure is None:
            self.failure = PartyFailedError(ward.charge.label, code, why, ward.charge.log_path)
        self.work.cancel()

    async def _until_ready(self, ward: Ward) -> None:
        with trio.move_on_after(READY_WITHIN_S):
            await ward.ready.wait()
            return
        self._give_up(ward, FAILED, f"not ready after {READY_WITHIN_S:g} s")
        await trio.sleep_forever()  # until the cancelled work ends

    async def _stop(self, wards: Sequence[Ward], number: signal.Signals) -> None:
        for ward in wards:
            ward.retired = True
            ward.pause.cancel()
            if ward.child is not None:
                ward.child.signal(number)
        with trio.move_on_after(STOP_WITHIN_S):
            for ward in wards:
                await ward.ended.wait()
        for ward in wards:
            if ward.child is not None:
                self._say(f"{ward.charge.label}: did not stop within {STOP_WITHIN_S:g} s, killed")
                ward.child.signal(signal.SIGKILL)
        for ward in wards:
            await ward.ended.wait()


async def supervise(
    stages: Sequence[Sequence[Charge]],
    say: Say,
    work: Callable[[Supervisor], Awaitable[int]],
    stop: trio.Event,
    *,
    when_stopped: int = FAILED,
) -> int:
    """Start the stages, do the work until it is done or told to stop, stop everything; the exit code.

    PartyFailedError when a party cannot run: everything else has been stopped by then.
    """
    code, error = when_stopped, None
    async with trio.open_nursery() as nursery:
        supervisor = Supervisor(nursery, say)
        nursery.start_soon(_cut_short, stop, supervisor.work, say)
        with supervisor.work:
            try:
                for charges in stages:
                    await supervisor.start_stage(charges)
                code = await work(supervisor)
            except Exception as raised:  # first put everything in its place, then tell
                error = raised
        await supervisor.stop_all()
        nursery.cancel_scope.cancel()
    if failed := error or supervisor.failure:
        raise failed
    return code


async def _cut_short(stop: trio.Event, work: trio.CancelScope, say: Say) -> None:
    await stop.wait()
    say("stopping")
    work.cancel()


def last_words(path: Path, count: int = 5) -> list[str]:
    """The end of a party's log in a few words, for whoever wonders why it does not run."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    return [in_words(line) for line in lines[-count:]]


def in_words(line: str) -> str:
    """A line of a log without what only machines want of it.

    >>> in_words('{"level": "critical", "event": "the process ends", "reason": "port taken", "timestamp": "..."}')
    'critical: the process ends (reason: port taken)'
    """
    try:
        record = json.loads(line)
        level, event = record.pop("level"), record.pop("event")
    except (ValueError, KeyError, TypeError, AttributeError):
        return line[:WORDS_MAX]
    simple = {key: value for key, value in record.items() if isinstance(value, str | int) and key not in UNTOLD}
    told = ", ".join(f"{key}: {value}" for key, value in simple.items())
    return f"{level}: {event}{f' ({told})' if told else ''}"[:WORDS_MAX]
