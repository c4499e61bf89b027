"""The load tester as a program, against real sockets and processes: exit codes, workers, Ctrl-C.

A busy machine is late whatever we do, and a late run says INVALID: rightly, and of no interest here. So what is held
against an expected exit code is the first of all that the summary lists, that one left out; and the process's own
code is always the first of all.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from loadtest.result import Exit, Result
from protocols.pki import AUTHORITY, certificate_file, issue, key_file, make_authority
from tests.loadtest.hosts import answering

AT_MOST_S = 90.0  # of a program on a busy machine

PLAIN = """
[links]
count = 2
sign_on = false
[plan]
arrivals = [{ shape = "constant", rate_per_s = 20, for_s = 1.0 }]
[mix]
purchase = 1
[timeouts]
answer_s = 1.0
linger_s = 0.0
"""


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "loadtest", *map(str, arguments)]


def ended(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), capture_output=True, text=True, timeout=AT_MOST_S, check=False)


def run(folder: Path, port: int, text: str = PLAIN, *more: object) -> subprocess.CompletedProcess[str]:
    """A run of that scenario against that host; its directory is `run`."""
    file = folder / "scenario.toml"
    file.write_text(text)
    return ended("run", file, "--target", f"127.0.0.1:{port}", "--out", folder / "run", "--quiet", *more)


def verdict(done: subprocess.CompletedProcess[str], folder: Path) -> list[int]:
    """All exit codes that hold but that the generator was late; the process ended with the first of all."""
    summary = json.loads((folder / "run" / "summary.json").read_text())
    codes = [one["code"] for one in summary["exits"]]
    assert done.returncode == summary["exit_code"] == (codes or [0])[0], done.stdout + done.stderr
    is_late = all("generator-bound" in reason for reason in summary["validity"]["reasons"])
    return [code for code in codes if not (code == Exit.INVALID and is_late)]


@pytest.fixture
def host(tmp_path: Path) -> Iterator[int]:
    with answering(tmp_path) as port:
        yield port


def test_a_good_run_passes_and_leaves_its_files(tmp_path: Path, host: int) -> None:
    done = run(tmp_path, host)
    assert verdict(done, tmp_path) == []
    made = Result.read(tmp_path / "run")
    assert made.total().answered == 20
    assert made.meta.versions["python"]
    assert {path.name for path in (tmp_path / "run").iterdir()} >= {"summary.json", "seconds.csv", "hist.hlog"}


def test_a_broken_threshold_has_its_exit_code(tmp_path: Path, host: int) -> None:
    done = run(tmp_path, host, PLAIN + '[thresholds]\nhold = ["approved.ratio < 50%"]\n')
    assert verdict(done, tmp_path) == [Exit.THRESHOLD]


def test_a_failed_audit_has_its_exit_code_and_goes_before_a_threshold(tmp_path: Path) -> None:
    with answering(tmp_path, "[faults]\ndrop = { times = 2, every = 3 }\n") as port:
        text = PLAIN.replace("linger_s", 'on_timeout = "ignore"\nlinger_s') + '[thresholds]\nhold = ["lost == 0"]\n'
        done = run(tmp_path, port, text)
    assert verdict(done, tmp_path) == [Exit.AUDIT_FAILED, Exit.THRESHOLD]


def test_nobody_there_has_its_exit_code(tmp_path: Path) -> None:
    done = run(tmp_path, 1)
    assert done.returncode == Exit.UNREACHABLE
    assert "UNREACHABLE" in done.stdout


def test_a_refused_sign_on_has_its_exit_code(tmp_path: Path) -> None:
    with answering(tmp_path, "refuse_sign_on = true\n") as port:
        done = run(tmp_path, port, PLAIN.replace("sign_on = false", "sign_on = true"))
    assert done.returncode == Exit.UNREACHABLE
    assert "refused with 05" in done.stdout


def test_a_mistake_in_the_file_has_its_exit_code_and_names_the_nearest_key(tmp_path: Path) -> None:
    done = run(tmp_path, 1, PLAIN.replace("count = 2", "cout = 2"))
    assert done.returncode == Exit.USAGE
    assert "links.cout: there is no such key; did you mean count?" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--target", "192.0.2.1:8583", "--set", "target.host=8.8.8.8"), "--allow-remote"),
        (("--set", 'plan.arrivals=[{ shape = "constant", rate_per_s = 9000, for_s = 1 }]'), "--max-rate"),
    ],
)
def test_the_rails_hold(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    file = tmp_path / "scenario.toml"
    file.write_text(PLAIN)
    given = [one for one in arguments if not one.startswith("192.") and one != "--target"]
    done = ended("run", file, *given, "--out", tmp_path / "run")
    assert done.returncode == Exit.USAGE
    assert said in done.stderr


def test_ctrl_c_stops_the_sending_reverses_what_is_in_doubt_and_writes_the_report(tmp_path: Path) -> None:
    script = "[faults]\ndrop = { times = 3, every = 4 }\n"
    file = tmp_path / "scenario.toml"
    file.write_text(PLAIN.replace("for_s = 1.0", "for_s = 60.0").replace("answer_s = 1.0", "answer_s = 10.0"))
    with answering(tmp_path, script) as port:
        out = tmp_path / "run"
        arguments = ("run", file, "--target", f"127.0.0.1:{port}", "--out", out)
        with subprocess.Popen(
            command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stderr is not None
            process.stderr.readline()  # the first second has passed
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=AT_MOST_S)
    made = Result.read(out)
    assert made.meta.interrupted
    assert Exit.INTERRUPTED in made.exits()
    assert process.returncode in (Exit.INTERRUPTED, Exit.INVALID)  # invalid on a busy machine, and both are listed
    assert made.meta.measured_to_s < 30
    total = made.total(measured=False)
    assert total.reversed == total.timed_out > 0
    assert made.audit.finding("lost").count == 0


def test_several_processes_send_exactly_the_plan(tmp_path: Path, host: int) -> None:
    text = PLAIN.replace("rate_per_s = 20", "rate_per_s = 60").replace("count = 2", "count = 4")
    done = run(tmp_path, host, text, "--processes", 3)
    assert verdict(done, tmp_path) == []
    made = Result.read(tmp_path / "run")
    assert made.meta.processes == 3
    assert made.total().offered == made.total().answered == 60
    assert {key.link for key in made.counts} == {0, 1, 2}  # of four links each has one, and no two the same
    assert not made.audit.failed
    assert len(made.meta.clock_offsets_ms) == 3


def test_a_lost_worker_makes_the_run_partial_and_is_named(tmp_path: Path, host: int) -> None:
    file = tmp_path / "scenario.toml"
    file.write_text(PLAIN.replace("for_s = 1.0", "for_s = 4.0"))
    out = tmp_path / "run"
    arguments = ("run", file, "--target", f"127.0.0.1:{host}", "--out", out, "--processes", 2)
    with subprocess.Popen(command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        process.stderr.readline()
        os.kill(_children(process.pid)[0], signal.SIGKILL)
        said, errors = process.communicate(timeout=AT_MOST_S)
    assert process.returncode == Exit.INVALID, said + errors
    made = Result.read(out)
    assert list(made.meta.lost_workers.values()) == [0.5]
    assert any("partial" in reason for reason in made.validity.reasons)


def _children(pid: int) -> list[int]:
    """Of every thread: processes are started in one of their own."""
    return [int(word) for task in Path(f"/proc/{pid}/task").glob("*/children") for word in task.read_text().split()]


@pytest.fixture
def papers(tmp_path: Path) -> Path:
    """An authority, a worker and a coordinator, and a token."""
    folder = tmp_path / "papers"
    folder.mkdir()
    authority = make_authority("test", datetime.now(UTC))
    (folder / certificate_file(AUTHORITY)).write_bytes(authority.certificate)
    for name in ("worker", "coordinator", "stranger"):
        made = issue(authority, name, ["127.0.0.1"], datetime.now(UTC))
        (folder / certificate_file(name)).write_bytes(made.certificate)
        key = folder / key_file(name)
        key.touch(0o600)
        key.write_bytes(made.key)
    (folder / "token").write_text("a token nobody guesses\n")
    (folder / "wrong").write_text("another\n")
    return folder


def test_a_worker_elsewhere_works_over_mutual_tls_for_whoever_has_the_token(
    tmp_path: Path, host: int, papers: Path
) -> None:
    worker = command("worker", "--listen", "127.0.0.1:0", "--tls", papers, "--token", papers / "token")
    with subprocess.Popen(worker, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().split()[-1]
            reached = ("--workers", address, "--worker-tls", papers, "--worker-token")
            done = run(tmp_path, host, PLAIN, *reached, papers / "token")
            assert verdict(done, tmp_path) == []
            assert Result.read(tmp_path / "run").total().answered == 20
            again = run(tmp_path, host, PLAIN, *reached, papers / "wrong")
            assert again.returncode == Exit.USAGE
            assert "the token is another" in again.stderr
        finally:
            process.terminate()
            process.wait(AT_MOST_S)


def test_serve_says_at_its_end_what_it_did_wrong(tmp_path: Path) -> None:
    script = tmp_path / "script.toml"
    script.write_text("[faults]\ndrop = { times = 2, every = 3 }\n")
    with subprocess.Popen(command("serve", script), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            run(tmp_path, int(process.stdout.readline().rpartition(":")[2]), PLAIN)
        finally:
            process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=AT_MOST_S)
    assert "drop 2" in said
