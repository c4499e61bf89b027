"""The supervisor with small stand-in programs for parties: started in order, kept running, stopped in order."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import trio

from protocols.runtime.exits import DAMAGED, UnavailableError
from switch.shell import supervisor as supervisor_module
from switch.shell.supervisor import Charge, PartyFailedError, Supervisor, last_words, supervise

#: A party: ready at once, answers what it is told, ends on SIGTERM with a line in a diary.
PARTY = """
import os, signal, sys
name, diary = sys.argv[1:3]
def note(word):
    with open(diary, "a") as book:
        book.write(f"{word} {name}\\n")
def leave(*_):
    note("stopped")
    sys.exit(0)
signal.signal(signal.SIGTERM, leave)
note("started")
print(f"listening {name} 127.0.0.1:1", flush=True)
print(f"ready {name}", flush=True)
for line in sys.stdin:
    print(f"{os.getpid()} heard {line.strip()}", flush=True)
while True:
    signal.pause()
"""


class Scene:
    """A folder for the parties, and what the supervisor said."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said: list[str] = []
        self._spoken = trio.Event()
        self.diary = folder / "diary"

    def charge(self, name: str, program: str = PARTY, *, with_input: bool = False) -> Charge:
        command = [sys.executable, "-c", program, name, str(self.diary)]
        return Charge(name, command, self.folder / "logs" / f"{name}.log", with_input)

    def say(self, line: str) -> None:
        self.said.append(line)
        self._spoken.set()

    async def hears(self, words: str) -> None:
        """Wait until the supervisor has said so."""
        while not any(words in line for line in self.said):
            self._spoken = trio.Event()
            await self._spoken.wait()

    @property
    def notes(self) -> list[str]:
        return self.diary.read_text().splitlines()


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


async def nothing(_: Supervisor) -> int:
    return 0


async def ask(parties: Supervisor, line: str) -> str:
    await parties.tell("till", line)
    return await parties.hear("till")


async def test_stages_start_in_order_and_stop_backwards(scene: Scene) -> None:
    stages = [[scene.charge("hsm")], [scene.charge("switch")], [scene.charge("gateway")]]
    assert await supervise(stages, scene.say, nothing, trio.Event()) == 0
    assert scene.notes == [
        *(f"started {name}" for name in ("hsm", "switch", "gateway")),
        *(f"stopped {name}" for name in ("gateway", "switch", "hsm")),
    ]
    assert scene.said[0] == "hsm              is up  127.0.0.1:1"


async def test_the_exit_code_is_that_of_the_work(scene: Scene) -> None:
    async def work(_: Supervisor) -> int:
        return 5

    assert await supervise([[scene.charge("hsm")]], scene.say, work, trio.Event()) == 5


async def test_a_line_to_a_party_comes_back_answered(scene: Scene) -> None:
    async def work(parties: Supervisor) -> int:
        assert (await ask(parties, "hello")).endswith("heard hello")
        return 0

    assert await supervise([[scene.charge("till", with_input=True)]], scene.say, work, trio.Event()) == 0


async def test_a_party_that_dies_is_started_again(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor_module, "AGAIN_AFTER_S", 0.01)

    async def work(parties: Supervisor) -> int:
        first = int((await ask(parties, "?")).split()[0])
        os.kill(first, signal.SIGKILL)
        await scene.hears("is up again")
        assert int((await ask(parties, "?")).split()[0]) != first
        return 0

    assert await supervise([[scene.charge("till", with_input=True)]], scene.say, work, trio.Event()) == 0
    assert any("ended with exit code -9, starts again" in line for line in scene.said)


async def test_a_party_that_was_stopped_stays_down_until_it_is_started(scene: Scene) -> None:
    async def work(parties: Supervisor) -> int:
        await parties.stop_party("nbk")
        assert scene.notes[-1] == "stopped nbk"
        await parties.start_party("nbk")
        assert scene.notes[-1] == "started nbk"
        return 0

    assert await supervise([[scene.charge("nbk")]], scene.say, work, trio.Event()) == 0


async def test_nobody_talks_to_a_party_that_is_down(scene: Scene) -> None:
    async def work(parties: Supervisor) -> int:
        await parties.stop_party("till")
        with pytest.raises(UnavailableError, match="till is not running"):
            await parties.tell("till", "hello")
        return 0

    assert await supervise([[scene.charge("till", with_input=True)]], scene.say, work, trio.Event()) == 0


async def test_a_party_that_lacks_somebody_says_so(scene: Scene) -> None:
    lonely = "import signal; print('ready switch without ebi', flush=True); signal.pause()"

    async def work(parties: Supervisor) -> int:
        assert parties.remarks == ["switch without ebi"]
        return 0

    assert await supervise([[scene.charge("switch", lonely)]], scene.say, work, trio.Event()) == 0


async def test_damaged_state_stops_everything_with_its_own_code(scene: Scene) -> None:
    broken = f"import sys; print('the journal is damaged', file=sys.stderr); sys.exit({DAMAGED})"
    with pytest.raises(PartyFailedError, match="switch: ended with exit code 78") as failed:
        await supervise([[scene.charge("hsm")], [scene.charge("switch", broken)]], scene.say, nothing, trio.Event())
    assert failed.value.code == DAMAGED
    assert last_words(failed.value.log_path) == ["the journal is damaged"]
    assert scene.notes == ["started hsm", "stopped hsm"]


async def test_a_party_that_never_gets_ready_is_given_up(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor_module, "READY_WITHIN_S", 0.1)
    with pytest.raises(PartyFailedError, match="not ready"):
        await supervise([[scene.charge("hsm", "import time; time.sleep(60)")]], scene.say, nothing, trio.Event())


async def test_what_does_not_stop_is_killed(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor_module, "STOP_WITHIN_S", 0.1)
    deaf = (
        "import signal,time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"
    )
    assert await supervise([[scene.charge("hsm", deaf)]], scene.say, nothing, trio.Event()) == 0
    assert scene.said[-1].endswith("killed")


async def test_an_error_in_the_work_still_stops_everything(scene: Scene) -> None:
    async def work(_: Supervisor) -> int:
        raise LookupError("no such card")

    with pytest.raises(LookupError, match="no such card"):
        await supervise([[scene.charge("hsm")]], scene.say, work, trio.Event())
    assert scene.notes[-1] == "stopped hsm"


async def test_told_to_stop_while_starting_it_stops_what_has_started(scene: Scene) -> None:
    stop = trio.Event()
    slow = scene.charge("switch", "import time; time.sleep(60)")

    async def tell() -> None:
        await scene.hears("hsm")
        stop.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(tell)
        code = await supervise([[scene.charge("hsm")], [slow]], scene.say, nothing, stop, when_stopped=0)
    assert code == 0
    assert scene.notes == ["started hsm", "stopped hsm"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the leash is the Linux kernel's")
def test_no_party_outlives_a_supervisor_that_is_killed(scene: Scene) -> None:
    program = f"""
import sys, trio
from pathlib import Path
from switch.shell.supervisor import Charge, supervise
async def work(parties):
    await parties.tell("till", "?")
    print(await parties.hear("till"), flush=True)
    await trio.sleep_forever()
command = [sys.executable, "-c", {PARTY!r}, "till", {str(scene.diary)!r}]
charge = Charge("till", command, Path({str(scene.folder)!r}) / "log", True)
trio.run(supervise, [[charge]], lambda line: None, work, trio.Event())
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline().split()[0])
        parent.kill()
    for _ in range(1000):
        if not is_running(child):
            break
        os.sched_yield()
    assert not is_running(child)


def is_running(pid: int) -> bool:
    """Whether the process is there, and more than a zombie that nobody has fetched."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
