"""P11 and P12 at full size: a real switch on a disk that fails to sync, and on one that is full.

    python -m tests.promises.storage syncs [--times 200] [--every 1]
    python -m tests.promises.storage room

`syncs`: the switch is started under strace, which makes its k-th sync fail once (EIO) and then "work", k = 1, 2, …; a
client buys all the while. Not one answer may come after it, the process must end within a second and not with 0,
and what was told before must be in the books of the next start. `room`: the switch's folder is a small tmpfs in a
mount namespace of our own (`unshare -Urm`); it is filled to below the reserve, then to the last byte, and emptied.
What the machine does not allow is said, and ends with exit code 2.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from tests.nemesis.faults import can_trace
from tests.nemesis.run import commit
from tests.network import SWITCH, Process, RunningNetwork, running_network
from tests.peers.client import Client, Fields, reversal_of

APPROVED, NO_ROOM = "00", ("96", "switch.error")
ENDS_WITHIN_S: Final = 1.0
GRACE_S: Final = 4.0  # of a busy machine, and of strace, which slows every call of the end
PATIENCE_S: Final = 20.0
ROOM_MIB, RESERVE_MIB = 64, 8
REFUSED_WITHIN_S: Final = 0.05
BACK_WITHIN_S: Final = 5.0
INSIDE: Final = "PAYSWITCH_OWN_NAMESPACE"
CARD: Final = "4111111111111111"


class Shop:
    """One client, and what it was told."""

    def __init__(self, network: RunningNetwork) -> None:
        self.network = network
        self.approved: list[Fields] = []
        self.reversed: list[Fields] = []

    def buys(self, client: Client, amount: int = 700) -> Fields:
        asked = client.purchase(CARD, amount)
        _, answer = client.ask("0100", asked)
        if answer[39] == APPROVED:
            self.approved.append(asked)
        return answer

    def takes_back(self, client: Client, asked: Fields) -> str:
        _, answer = client.ask("0420", reversal_of(client, "0100", asked))
        if answer[39] == APPROVED:
            self.reversed.append(asked)
        return answer[39]

    def lost(self, books: Sequence[dict[str, Any]]) -> list[str]:
        """What was told and is not in the books."""
        states = {entry["rrn"]: entry["state"] for entry in books}
        gone = {asked[37] for asked in self.reversed}
        wanted = [(one[37], "approved") for one in self.approved if one[37] not in gone]
        wanted += [(one[37], "reversed") for one in self.reversed]
        return [
            f"{rrn} was told as {state}, and is {states.get(rrn)}" for rrn, state in wanted if states.get(rrn) != state
        ]


# P11


def start_traced(network: RunningNetwork, number: int) -> Process:
    """The switch, whose sync with this number fails once. Counted by thread: the pen of the journal is one."""
    traced = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync,fsync"]
    traced += ["-e", f"inject=fdatasync,fsync:error=EIO:when={number}"]
    log = network.place.state / "logs" / SWITCH.log_name
    network.processes[SWITCH] = Process(SWITCH, [*traced, *SWITCH.command(network.place)], log)
    return network.processes[SWITCH]


def one_sync_fails(network: RunningNetwork, shop: Shop, number: int) -> tuple[list[str], int]:
    """(what was broken, how many were told) with the switch's `number`th sync failing."""
    network.stop(SWITCH)
    process, told, broken = start_traced(network, number), 0, []
    failed_at = time.monotonic()
    with suppress(AssertionError):  # a failed sync at its start is an end at its start
        process.wait_until_ready()
        with suppress(OSError), Client(network.host, network.ports["lab"], PATIENCE_S) as client:
            while process.popen.poll() is None:
                shop.buys(client)
                told += 1
                failed_at = time.monotonic()
    try:
        code = process.popen.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        code = 0
        broken.append(f"P11: sync {number} failed, and the switch lives")
    took = time.monotonic() - failed_at
    if told and took > ENDS_WITHIN_S + GRACE_S:
        broken.append(f"P11: sync {number} failed, and the switch ended {took:.1f} s after its last answer")
    if code == 0:
        broken.append(f"P11: sync {number} failed, and the switch ended with 0")
    network.kill(SWITCH)
    network.start(SWITCH)
    books = network.settled() if shop.approved else []
    broken += [f"P11: sync {number}: {what}" for what in shop.lost(books)]
    return broken, told


def syncs(times: int, every: int) -> list[str]:
    if not can_trace():
        raise SystemExit("strace is not here, or may not attach: this promise cannot be tried on this machine")
    broken: list[str] = []
    with running_network() as network:
        shop = Shop(network)
        for number in range(1, times + 1, every):
            found, told = one_sync_fails(network, shop, number)
            broken += found
            print(f"sync {number}: {told} told before it, {'; '.join(found) or 'kept'}", flush=True)
        if code := network.audit().returncode:
            broken.append(f"P11: the audit ended with {code}")
        print(f"{len(shop.approved)} approvals were told in all")
    return broken


# P12


def own_namespace() -> None:
    """Start again where we may mount; never returns unless we are there."""
    if os.environ.get(INSIDE):
        return
    probe = ["unshare", "-Urm", "sh", "-c", "mount -t tmpfs -o size=64k none /mnt"]
    if shutil.which("unshare") is None or subprocess.run(probe, capture_output=True, check=False).returncode:
        raise SystemExit("this machine lets us make no mount namespace: `./run nemesis` fills the disk by RLIMIT_FSIZE")
    os.execvpe(
        "unshare",
        ["unshare", "-Urm", sys.executable, "-m", "tests.promises.storage", *sys.argv[1:]],
        {**os.environ, INSIDE: "1"},
    )


@contextmanager
def on_small_disk() -> Iterator[tuple[RunningNetwork, Path]]:
    """A network whose switch keeps its state on a tmpfs of its own, and that folder."""
    disks: list[Path] = []

    def edit(directory: Path) -> None:
        disk = directory.parent / "state" / "switch"
        disk.mkdir(mode=0o700, parents=True)
        options = f"size={ROOM_MIB}m,mode=0700"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", str(disk)], check=True)
        disks.append(disk)
        file = directory / "network.toml"
        file.write_text(f"journal_reserve_mib = {RESERVE_MIB}\n" + file.read_text())

    with running_network(edit=edit) as network:
        try:
            yield network, disks[0]
        finally:
            with suppress(KeyError, AssertionError):
                network.stop(SWITCH)
            subprocess.run(["umount", "-l", str(disks[0])], check=True)


def fill(disk: Path, leave: int) -> Path:
    """A file that leaves so many bytes."""
    ballast = disk.parent / "switch" / "journal.ballast"
    status = os.statvfs(disk)
    with open(os.open(ballast, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
        left = status.f_bavail * status.f_frsize - leave
        with suppress(OSError):
            while left > 0:
                left -= file.write(bytes(min(left, 65536)))
    return ballast


def room() -> list[str]:
    broken: list[str] = []
    with on_small_disk() as (network, disk):
        shop = Shop(network)
        with Client(network.host, network.ports["lab"], PATIENCE_S) as client:
            bought = [shop.buys(client)[39] for _ in range(20)]
            if set(bought) != {APPROVED}:
                broken.append(f"P12: with room purchases are answered {sorted(set(bought))}")
            broken += below_the_reserve(shop, client, disk)
        broken += not_a_byte_left(network, shop, disk)
        broken += [f"P12: {what}" for what in shop.lost(network.settled())]
        if code := network.audit().returncode:
            broken.append(f"P12: the audit ended with {code}")
    return broken


def below_the_reserve(shop: Shop, client: Client, disk: Path) -> list[str]:
    """New requests are refused quickly, reversals are taken; when there is room again, so are requests."""
    broken: list[str] = []
    ballast = fill(disk, RESERVE_MIB * 2**19)
    began = time.monotonic()
    answer = shop.buys(client)
    while (answer[39], answer.get(44)) != NO_ROOM and time.monotonic() - began < BACK_WITHIN_S:
        answer = shop.buys(client)
    print(f"refused {time.monotonic() - began:.2f} s after the disk went below its reserve")
    slowest = 0.0
    for _ in range(50):
        asked = time.monotonic()
        answer = shop.buys(client)
        slowest = max(slowest, time.monotonic() - asked)
        if (answer[39], answer.get(44)) != NO_ROOM:
            broken.append(f"P12: without room a purchase is answered {answer[39]} {answer.get(44)}")
    print(f"50 refusals, the slowest took {slowest * 1000:.1f} ms")
    if slowest > REFUSED_WITHIN_S * 4:  # beside other work
        broken.append(f"P12: a refusal took {slowest:.3f} s")
    taken = {shop.takes_back(client, asked) for asked in shop.approved[:5]}
    print(f"5 reversals without room: {sorted(taken)}")
    if taken != {APPROVED}:
        broken.append(f"P12: without room reversals are answered {sorted(taken)}")
    ballast.unlink()
    began = time.monotonic()
    while shop.buys(client)[39] != APPROVED:
        if time.monotonic() - began > BACK_WITHIN_S:
            return [*broken, "P12: there is room again, and requests are refused"]
    print(f"served {time.monotonic() - began:.2f} s after there was room again")
    return broken


def not_a_byte_left(network: RunningNetwork, shop: Shop, disk: Path) -> list[str]:
    """A short write, then the error: the switch ends, and what it told is there when it starts with room."""
    ballast = fill(disk, 0)
    process = network.processes[SWITCH]
    with suppress(OSError), Client(network.host, network.ports["lab"], PATIENCE_S) as client:
        for asked in shop.approved[5:]:
            shop.takes_back(client, asked)  # until the log has no page left to write over
            fill(disk, 0)
    ended = None
    with suppress(subprocess.TimeoutExpired):
        ended = process.popen.wait(ENDS_WITHIN_S + GRACE_S)
    print("with not a byte left the switch", "goes on" if ended is None else f"ended with {ended}")
    ballast.unlink()
    if ended is None:
        return []
    network.kill(SWITCH)
    network.start(SWITCH)
    return ["P12: a full disk was a clean end"] if ended == 0 else []


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.promises.storage", description=__doc__)
    parser.add_argument("what", choices=("syncs", "room"))
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--every", type=int, default=1)
    options = parser.parse_args()
    if options.what == "room":
        own_namespace()
    print(f"seed 0 (nothing is drawn), commit {commit()}", flush=True)
    broken = syncs(options.times, options.every) if options.what == "syncs" else room()
    print(*broken, sep="\n")
    return 5 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
