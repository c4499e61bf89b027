"""A party's process, seen from outside: signals, exit codes, what is printed where."""

import signal
import subprocess
import sys
import textwrap

import pytest

from protocols.runtime.exits import ConfigurationError, DamagedStateError, FatalError, UnavailableError, fatal_in


def start(body):
    """A process whose main(stop) is `body`."""
    script = "\n".join(
        [
            "import sys, trio, resource",
            "from protocols.runtime import party",
            "async def main(stop):",
            textwrap.indent(textwrap.dedent(body), "    "),
            "sys.exit(party.run('nbk', main))",
        ]
    )
    return subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(body, *signals):
    """(exit code, standard output, standard error) after these signals, the first once it is ready."""
    with start(body) as process:
        ready = process.stdout.readline() if signals else ""
        for number in signals:
            process.send_signal(number)
            if len(signals) > 1:
                ready += process.stdout.readline()
        out, err = process.communicate(timeout=60)
        return process.returncode, ready + out, err


WAITS = """
    party.announce('ready', 'nbk')
    await stop.wait()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_it_finishes_and_ends_well(number):
    code, out, err = ended(WAITS, number)
    assert (code, out) == (0, "ready nbk\n")
    assert number.name in err


def test_the_second_signal_does_not_wait():
    body = """
        party.announce('ready', 'nbk')
        await stop.wait()
        party.announce('stopping', 'nbk')
        try:
            await trio.sleep_forever()
        finally:
            party.announce('cut', 'nbk')
    """
    code, out, _ = ended(body, signal.SIGTERM, signal.SIGTERM)
    assert (code, out) == (1, "ready nbk\nstopping nbk\ncut nbk\n")


def test_listening_is_announced_with_the_address():
    code, out, _ = ended("party.announce('listening', 'nbk', '127.0.0.1:8601'); return 0")
    assert (code, out) == (0, "listening nbk 127.0.0.1:8601\n")


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        ("party.ConfigurationError('no such bank')", 2),
        ("party.UnavailableError('port taken')", 3),
        ("party.DamagedStateError('batch 7')", 78),
        ("party.FatalError('the disk')", 1),
        ("ZeroDivisionError()", 1),
    ],
)
def test_how_it_failed_is_the_exit_code(raised, code):
    body = f"""
        async def fail():
            raise {raised}
        async with trio.open_nursery() as nursery:
            nursery.start_soon(fail)
            await trio.sleep_forever()
    """
    assert ended(body)[0] == code


def test_the_last_resort_shows_no_locals_and_no_card_number():
    code, _, err = ended("pan = '94141012' + '34560018'; raise ValueError(pan)")
    assert code == 1
    assert "ValueError" in err and "9414101234560018" not in err and "34560018" not in err.split("raise ValueError")[0]


def test_it_leaves_no_core_dump_behind():
    _, out, _ = ended("party.announce(str(resource.getrlimit(resource.RLIMIT_CORE)), 'core'); return 0")
    assert out == "(0, 0) core\n"


def test_the_exit_code_of_main_is_the_exit_code():
    assert ended("return 99")[0] == 99


def test_a_thread_that_is_stuck_does_not_keep_the_process_alive():
    body = """
        import threading
        threading.Thread(target=threading.Event().wait, name='disk').start()
        raise party.FatalError('the disk')
    """
    code, _, err = ended(body)
    assert code == 1 and "a thread does not end" in err


def test_the_gravest_error_is_the_one_reported():
    group = ExceptionGroup("", [ConfigurationError("a"), ExceptionGroup("", [DamagedStateError("b"), ValueError()])])
    assert str(fatal_in(group)) == "b"
    assert fatal_in(ExceptionGroup("", [ValueError()])) is None
    assert {error.exit_code for error in (FatalError, UnavailableError)} == {1, 3}
