"""A whole network of real processes, thrown away afterwards.

`running_network()` lays a copy of the demonstration network into a temporary folder, on free
ports, with a state of its own; starts every party as it is started in earnest; waits until
each has said that it is ready; and ends each by its process id. What is asked of the network
is for the tests.
"""

from __future__ import annotations

import itertools
import json
import queue
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from protocols.network import load
from switch.network_copy import copy_network, renumber
from switch.place import Part, Party, Place, issuers_here
from switch.shell.child import leash
from switch.shell.free_ports import free_ports
from switch.shell.running import provide_certificates

T = TypeVar("T")

READY_WITHIN_S = 90.0  # eight interpreters starting on one busy core
STOP_WITHIN_S = 40.0  # the longest deadline, and a busy machine
ASK_WITHIN_S = 60.0  # of what is there at once on a machine with nothing else to do

HSM, SWITCH = Party(Part.HSM), Party(Part.SWITCH)


def issuer(name: str) -> Party:
    return Party(Part.ISSUER, name)


def gateway(name: str) -> Party:
    return Party(Part.GATEWAY, name)


class Process:
    """One party, running. Its output is read by a thread, so that it never has to wait for us."""

    def __init__(self, party: Party, command: Sequence[str], log: Path, *, with_input: bool = False) -> None:
        self.party, self.log = party, log
        with log.open("ab") as errors:
            # On a leash: a test run that is killed leaves nobody behind on its ports.
            self.popen = subprocess.Popen(
                command,
                stdin=subprocess.PIPE if with_input else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                preexec_fn=leash(),
                process_group=0,
            )
        self._ready = threading.Event()
        self.lines: queue.SimpleQueue[str] = queue.SimpleQueue()  # what it said beyond that it is ready
        self._reader = threading.Thread(target=self._read, name=f"output of {party}", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.popen.stdout is not None
        for line in self.popen.stdout:
            if line.startswith("ready "):
                self._ready.set()
            elif not line.startswith("listening "):
                self.lines.put(line)
        self._ready.set()  # its output ended: whoever waits shall look

    def wait_until_ready(self) -> None:
        said_something = self._ready.wait(READY_WITHIN_S)
        if not said_something or self.popen.poll() is not None:
            raise AssertionError(f"{self.party} did not become ready:\n{self.last_words()}")

    def last_words(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])

    def end(self, how: signal.Signals) -> int:
        """Send the signal and wait for the end; the exit code. One that does not stop is killed, and that fails."""
        if self.popen.poll() is None:
            self.popen.send_signal(how)
        try:
            code = self.popen.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
            raise AssertionError(f"{self.party} did not stop on {how.name}:\n{self.last_words()}") from None
        finally:
            self._reader.join()
            if self.popen.stdout is not None:
                self.popen.stdout.close()
        return code


class Till:
    """The till of a gateway: a line in, a line out."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self._ids = itertools.count(1)

    def ask(self, do: str, **line: object) -> dict[str, Any]:
        """One line, and the line that answers it; the next one is not asked before."""
        return self.answer_to(self.say(do, **line))

    def say(self, do: str, **line: object) -> int:
        """One line, without waiting; its id."""
        assert self.process.popen.stdin is not None
        id_ = next(self._ids)
        self.process.popen.stdin.write(json.dumps({"id": id_, "do": do, **line}) + "\n")
        self.process.popen.stdin.flush()
        return id_

    def next(self) -> dict[str, Any]:
        """Whichever line is answered next."""
        told: dict[str, Any] = json.loads(self.process.lines.get(timeout=ASK_WITHIN_S))
        return told

    def answer_to(self, id_: int) -> dict[str, Any]:
        told = self.next()
        assert told["id"] == id_, f"an answer to line {told['id']} instead of {id_}"
        return told

    def close(self) -> None:
        """No more lines: the gateway takes its leave."""
        if self.process.popen.stdin is not None:
            self.process.popen.stdin.close()
        try:
            code = self.process.popen.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            code = self.process.end(signal.SIGKILL)
        assert code == 0, f"{self.process.party} ended with {code}:\n{self.process.last_words()}"
        self.process.end(signal.SIGTERM)


@dataclass
class RunningNetwork:
    """The parties, and what a test may do with them."""

    place: Place
    ports: dict[str, int]
    host: str = "127.0.0.1"
    processes: dict[Party, Process] = field(default_factory=dict)

    # --- parties

    def start(self, *parties: Party) -> None:
        """Start these at once, and wait until all are ready."""
        self.launch(*parties)
        for party in parties:
            self.processes[party].wait_until_ready()

    def launch(self, *parties: Party) -> None:
        """Start these, and do not wait."""
        logs = self.place.state / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        for party in parties:
            self.processes[party] = Process(party, party.command(self.place), logs / party.log_name)

    def kill(self, party: Party) -> None:
        """kill -9: no farewell, nothing put in order."""
        self.processes.pop(party).end(signal.SIGKILL)

    def stop(self, party: Party) -> int:
        """SIGTERM; the exit code."""
        return self.processes.pop(party).end(signal.SIGTERM)

    def freeze(self, party: Party) -> None:
        """SIGSTOP: its sockets stay open and nobody answers."""
        self.processes[party].popen.send_signal(signal.SIGSTOP)

    def thaw(self, party: Party) -> None:
        self.processes[party].popen.send_signal(signal.SIGCONT)

    def log_of(self, party: Party) -> str:
        return (self.place.state / "logs" / party.log_name).read_text(errors="replace")

    @contextmanager
    def till(self, name: str, *options: str) -> Iterator[Till]:
        """A gateway of ours, started with its till open; it stops when the till closes."""
        log = self.place.state / "logs" / f"till-{name}.log"
        command = gateway(name).command(self.place, "--till", *options)
        till = Till(Process(gateway(name), command, log, with_input=True))
        try:
            till.process.wait_until_ready()
            yield till
        finally:
            till.close()

    # --- books

    def books(self) -> list[dict[str, Any]]:
        """The switch's."""
        return self._json("switch", "books", "--json")

    def books_of(self, name: str) -> list[dict[str, Any]]:
        """An issuer's."""
        return self._json("issuers", "books", name, "--json")

    def cards(self) -> list[dict[str, Any]]:
        """Every test card of every bank."""
        return self._json("issuers", "cards", "--json")

    def audit(self) -> subprocess.CompletedProcess[str]:
        """Whether all books agree; exit code 0 if they do."""
        return self.run("switch", "audit")

    def settled(self, within_s: float = ASK_WITHIN_S) -> list[dict[str, Any]]:
        """The switch's books, once nothing waits in them any more."""
        return self.until(lambda: [] if self._waiting(books := self.books()) else books, within_s, "books to settle")

    @staticmethod
    def _waiting(books: list[dict[str, Any]]) -> bool:
        return not books or any(entry["state"] == "waiting" for entry in books)

    def run(self, module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = self.place.command(module, *arguments)
        return subprocess.run(command, capture_output=True, text=True, timeout=ASK_WITHIN_S, check=False)

    def _json(self, module: str, *arguments: str) -> list[dict[str, Any]]:
        done = self.run(module, *arguments)
        assert done.returncode == 0, f"{module} {' '.join(arguments)} ended with {done.returncode}: {done.stderr}"
        told: list[dict[str, Any]] = json.loads(done.stdout)
        return told

    @staticmethod
    def until(look: Callable[[], T], within_s: float, what: str) -> T:
        """The first look that shows something. Processes of their own have no event to wait on."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            if seen := look():
                return seen
            time.sleep(0.05)
        raise AssertionError(f"waited {within_s:g} s in vain for {what}")


@contextmanager
def running_network(
    gateways: Sequence[str] = (), edit: Callable[[Path], None] = lambda directory: None
) -> Iterator[RunningNetwork]:
    """The demonstration network on free ports, ready for its first message; every process ended at the end.

    `gateways`: which of our own gateways also run. `edit`: changes the copied files first.
    """
    with tempfile.TemporaryDirectory(prefix="network-") as folder:
        directory = Path(folder, "network")
        copy_network(None, directory)
        ports = free_ports(load(directory).ports)
        renumber(directory, ports)
        edit(directory)
        network = RunningNetwork(Place(directory, Path(folder, "state")), ports)
        provide_certificates(network.place)
        try:
            network.start(HSM, *map(issuer, issuers_here(directory)))
            network.start(SWITCH)
            network.start(*map(gateway, gateways))
            yield network
        finally:
            _end_all(network)


def _end_all(network: RunningNetwork) -> None:
    """Last started, first stopped: nothing new arrives while the rest is being finished."""
    failures = []
    for party in reversed(list(network.processes)):
        network.processes[party].popen.send_signal(signal.SIGCONT)  # one that is frozen cannot stop
        log = network.processes[party].last_words
        try:
            if code := network.stop(party):
                failures.append(f"{party} ended with {code}:\n{log()}")
        except AssertionError as error:
            failures.append(str(error))
    assert not failures, "\n".join(failures)
