"""One run: load, faults, healing, recount. Every failure is told with its seed and commit.

Faults come every four seconds on average and may overlap, each of another victim; every half minute all is healed, and
within thirty seconds nothing may be in doubt and nothing owed. Then the load goes on and the next round begins.
"""

from __future__ import annotations

import heapq
import itertools
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Final

import trio

from issuers.store import bank_path, read_books
from protocols.network import load as load_network
from protocols.runtime.exits import FatalError
from switch.place import Part, Party, issuers_here
from switch.shell.free_ports import free_ports
from tests.nemesis.faults import GATEWAY, Fault, Heal, Stage, possible
from tests.nemesis.load import Load, cards_of
from tests.nemesis.proxy import Proxy
from tests.nemesis.recount import recount
from tests.network import RunningNetwork, running_network
from tests.oracle.books import Books, read_lines
from tests.oracle.rules import judge

EVERY_S: Final = 4.0
ROUND_S: Final = 30.0
SETTLED_WITHIN_S: Final = 30.0
ISSUER_S: Final = 2.0  # instead of 8: more happens in a minute
READ_EVERY_S: Final = 1.0
BANKS: Final = ("nbk", "nbd", "ebi", "sandbox")
RICH: Final = "90000000.00"  # limits and balances that no run exhausts

Say = Callable[[str], None]


def commit() -> str:
    """The commit that runs, with a mark where files differ from it."""
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parent,
    )
    return done.stdout.strip() or "unknown"


def far_ports(directory: Path, issuer_s: float = ISSUER_S) -> None:
    """Banks listen behind their proxies, are rich and impatient ones."""
    ports = free_ports(issuers_here(directory))
    for name, port in ports.items():
        bank = directory / "banks" / f"{name}.toml"
        bank.write_text(f'listen = "127.0.0.1:{port}"\n' + _rich(bank.read_text()))
        agreement = directory / "participants" / f"{name}.toml"
        agreement.write_text(agreement.read_text() + f"\n[deadlines]\nissuer_s = {issuer_s}\nhsm_s = 0.5\n")


def _rich(text: str) -> str:
    lines = []
    for line in text.splitlines():
        name, equals, value = line.partition(" = ")
        if equals and name in ("credit_limit", "opening") and value.startswith('"'):
            digits = value.strip('"').partition(".")[2]
            line = f'{name} = "{RICH.partition(".")[0]}.{"0" * len(digits)}"'
        lines.append(line)
    return "\n".join(lines) + "\n"


@contextmanager
def proxied_network(seed: int, gateways: Sequence[str] = (), issuer_s: float = ISSUER_S) -> Iterator[Stage]:
    """A running network whose links to its banks lead through proxies of ours."""
    proxies: dict[str, Proxy] = {}
    hands = Hands()

    def edit(directory: Path) -> None:
        far_ports(directory, issuer_s)
        ports = load_network(directory).ports
        for name in issuers_here(directory):
            listen = (directory / "banks" / f"{name}.toml").read_text().partition("\n")[0]
            far = int(listen.rpartition(":")[2].strip('"'))
            proxies[name] = Proxy(name, "127.0.0.1", ports[name], far, seed)
            hands.start(proxies[name].serve)

    with hands, running_network(gateways, edit) as network:
        yield Stage(network, proxies)


class Hands:
    """A Trio run in a thread of its own, for proxies and clients: the faults' thread may block."""

    def __init__(self) -> None:
        self._token: trio.lowlevel.TrioToken | None = None
        self._ready = threading.Event()
        self._nursery: trio.Nursery | None = None
        self.error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="hands", daemon=True)

    def _run(self) -> None:
        try:
            trio.run(self._main)
        except Exception as error:  # told in the thread that asked
            self.error = error
        finally:
            self._ready.set()

    async def _main(self) -> None:
        async with trio.open_nursery() as nursery:
            self._token, self._nursery = trio.lowlevel.current_trio_token(), nursery
            self._ready.set()
            await trio.sleep_forever()

    def __enter__(self) -> Hands:
        self._begin()
        return self

    def _begin(self) -> None:
        if not self._thread.is_alive():
            self._thread.start()
            self._ready.wait()

    def start(self, function: Callable[..., object]) -> None:
        """Run it from now on."""
        self._begin()
        assert self._token is not None
        assert self._nursery is not None
        trio.from_thread.run_sync(self._nursery.start_soon, function, trio_token=self._token)

    def __exit__(self, *_: object) -> None:
        assert self._token is not None
        with suppress(trio.RunFinishedError):
            trio.from_thread.run_sync(self._nursery_cancel, trio_token=self._token)
        self._thread.join()
        if self.error is not None:
            raise self.error

    def _nursery_cancel(self) -> None:
        assert self._nursery is not None
        self._nursery.cancel_scope.cancel()


class Nemesis:
    """The faults of one run, one after the other and over each other."""

    def __init__(self, stage: Stage, seed: int, say: Say, faults: Sequence[Fault] | None = None) -> None:
        self.stage, self.say = stage, say
        self.random = Random(f"nemesis {seed}")
        self.faults = list(possible() if faults is None else faults)
        self.counts: Counter[str] = Counter()
        self._heals: list[tuple[float, int, Party, Fault, Heal]] = []
        self._ties = itertools.count()

    def until(self, end: float) -> None:
        """Misfortune until then; afterwards everything is healed."""
        while (now := time.monotonic()) < end:
            at = min(end, now + self.random.expovariate(1 / EVERY_S))
            self._heal_until(at)
            if at < end:
                self._begin()
        self._heal_until(float("inf"))
        self._look()

    def _heal_until(self, at: float) -> None:
        while self._heals and self._heals[0][0] <= at:
            when, _, _, _, heal = heapq.heappop(self._heals)
            if at != float("inf"):
                time.sleep(max(0.0, when - time.monotonic()))
            heal()
        if at != float("inf"):
            time.sleep(max(0.0, at - time.monotonic()))
            self._look()

    def _begin(self) -> None:
        fault = self.random.choices(self.faults, [one.weight for one in self.faults])[0]
        victim = fault.only or self.stage.victim(self.random)
        if fault.bank:
            victim = Party(Part.ISSUER, self.random.choice(sorted(self.stage.proxies)))
        lasts = self.random.uniform(0.0, fault.longest_s)
        if any(busy == victim for _, _, busy, _, _ in self._heals):
            return
        self.say(f"  {fault.name} {victim} for {lasts:.1f} s")
        self.counts[fault.name] += 1
        heal = fault.begin(self.stage, victim)
        heapq.heappush(self._heals, (time.monotonic() + lasts, next(self._ties), victim, fault, heal))

    def _look(self) -> None:
        """Nobody may die whom nobody killed."""
        excused = {victim for _, _, victim, _, _ in self._heals}
        for party, process in self.stage.network.processes.items():
            code = process.popen.poll()
            if code is not None and party not in excused:
                raise AssertionError(f"{party} ended on its own with {code}:\n{process.last_words()}")


class Reader(threading.Thread):
    """Looks into the banks' books all the while: the sums must hold at every moment (P4)."""

    def __init__(self, network: RunningNetwork) -> None:
        super().__init__(name="reader", daemon=True)
        self.network, self.problems, self.looks = network, list[str](), 0
        self._over = threading.Event()

    def run(self) -> None:
        for name in itertools.cycle(BANKS):
            if self._over.wait(READ_EVERY_S / len(BANKS)):
                return
            try:
                read_books(bank_path(self.network.place.state, name))
                self.looks += 1
            except FatalError as error:
                self.problems.append(f"P4: {error}")

    def close(self) -> None:
        self._over.set()
        self.join()


def nemesis(minutes: float, seed: int, rate: float, say: Say, history: Path) -> list[str]:
    """Everything that was found broken; nothing, where all promises were kept."""
    found: list[str] = []
    try:
        with proxied_network(seed, (GATEWAY.name,)) as stage:
            _suffer(stage, minutes, seed, rate, say, history, found)
    except AssertionError as error:  # somebody died, or did not stop
        found.append(str(error))
    return found


def _suffer(stage: Stage, minutes: float, seed: int, rate: float, say: Say, history: Path, found: list[str]) -> None:
    network, end = stage.network, time.monotonic() + minutes * 60
    load = Load(network.host, network.ports["lab"], cards_of(network.cards(), BANKS), rate, seed, history)
    reader, nemesis = Reader(network), Nemesis(stage, seed, say)
    reader.start()
    with Hands() as clients:
        clients.start(load.run)
        try:
            for number in itertools.count(1):
                nemesis.until(min(end, time.monotonic() + ROUND_S))
                load.stop = time.monotonic() >= end
                found += _known(load, say, number)
                if found or load.stop:
                    break
            if load.stop:
                found += _books_agree(network, load, say)
                found += _asked_of_the_oracle(network, history, say)
        finally:
            load.stop = load.give_up = True
            reader.close()
            found += reader.problems
            say(f"faults: {', '.join(f'{count} {name}' for name, count in sorted(nemesis.counts.items()))}")
            say(summary(load, reader))


def _known(load: Load, say: Say, number: int) -> list[str]:
    """All is healed: within the time allowed every client knows what became of what it asked before."""
    healed, asked = time.monotonic(), list(load.payments)
    with suppress(AssertionError):
        RunningNetwork.until(lambda: all(one.settled for one in asked), SETTLED_WITHIN_S, "clients")
    say(f"round {number}: {len(asked)} payments, all known {time.monotonic() - healed:.1f} s after healing")
    return [f"P3: {one.rrn} was not told within {SETTLED_WITHIN_S:g} s" for one in asked if not one.settled]


def _books_agree(network: RunningNetwork, load: Load, say: Say) -> list[str]:
    """Nothing is in doubt any more; what clients were told, and what all books say, is one story."""
    healed = time.monotonic()
    try:
        books = network.settled(SETTLED_WITHIN_S)
    except AssertionError:
        books = network.books()  # the recount says what still waits
    say(f"nothing waits {time.monotonic() - healed:.1f} s later")
    audit = network.audit()
    said = f"{audit.stdout[-600:]}{audit.stderr[-300:]}"
    found = [f"P22: the audit ended with {audit.returncode}: {said}"] if audit.returncode else []
    with suppress(AssertionError):
        RunningNetwork.until(lambda: not load.unsettled, SETTLED_WITHIN_S, "clients")
    return recount(load.payments, books) + found


def _asked_of_the_oracle(network: RunningNetwork, history: Path, say: Say) -> list[str]:
    """What somebody who knows none of our code makes of the clients' history and the switch's journal."""
    RunningNetwork.until(lambda: history.with_suffix(".closed").exists(), SETTLED_WITHIN_S, "the history's end")
    journal = network.run("switch", "journal", "export")
    if journal.returncode:
        return [f"P10: the journal cannot be exported: {journal.stderr[-300:]}"]
    lines = read_lines("history", history.read_text().splitlines()) + read_lines("journal", journal.stdout.splitlines())
    findings = judge(Books(lines))
    say(f"the oracle read {len(lines)} lines and has {len(findings)} findings")
    return [f"oracle: {finding}" for finding in findings]


def summary(load: Load, reader: Reader) -> str:
    codes = ", ".join(f"{code} {count}" for code, count in sorted(load.answered.items()))
    slowest = max((took for _, took, _, _ in load.latencies), default=0.0)
    return (
        f"{len(load.payments)} payments, answers: {codes}; {len(load.strays)} strays; slowest {slowest:.2f} s; "
        f"{reader.looks} looks into the banks' books"
    )
