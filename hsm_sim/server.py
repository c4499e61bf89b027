"""The HSM's TCP server: reads big, answers everything it read, sends once.

The only file here that waits. What a frame means is the desk's business. No log
line shows a field: command, error code and counts are all there is.
"""

import secrets
from typing import Final, NoReturn

import structlog
import trio

from hsm_sim.command import Randomness
from hsm_sim.desk import Desk
from hsm_sim.settings import Settings
from protocols.framing import framing_named
from protocols.hsm import FRAME_MAX
from protocols.runtime.link import Link
from protocols.runtime.listener import serve_links
from protocols.runtime.log import LogBudget

COUNTS_EVERY_S: Final = 60.0  # how often the log says what was answered, if anything was

log = structlog.get_logger()


async def serve(
    settings: Settings,
    *,
    host: str,
    port: int,
    randomness: Randomness = secrets.token_bytes,
    task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Answer on this port until cancelled; reports the bound port when it listens (0 takes a free one)."""
    desk = Desk(settings, randomness, _Defects().report)

    async def attend(link: Link) -> None:
        while frames := await link.receive():
            answer_all(desk, link, frames)

    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_say_counts, desk)
            await serve_links(
                host,
                port,
                framing_named("len2", longest=FRAME_MAX),
                attend,
                links=settings.connections,
                links_per_host=settings.connections,
                task_status=task_status,
            )
    finally:
        say_count(desk, "answered in all")


def answer_all(desk: Desk, link: Link, frames: list[bytes]) -> None:
    """Answers in the order of the requests, all in one send; those before a frame too short still go out."""
    answers: list[bytes] = []
    try:
        for frame in frames:
            answers.append(desk.answer(frame))
    finally:
        link.send(answers)


async def _say_counts(desk: Desk) -> NoReturn:
    said = 0
    while True:
        await trio.sleep(COUNTS_EVERY_S)
        if desk.counts.total() != said:
            said = desk.counts.total()
            say_count(desk, "answered so far")


def say_count(desk: Desk, event: str) -> None:
    """One line: how often each command was answered with each error code."""
    log.info(event, counts={f"{command} {error}": count for (command, error), count in sorted(desk.counts.items())})


class _Defects:
    """Says that something of ours is broken and where, never what it was about."""

    def __init__(self) -> None:
        self._budget = LogBudget()

    def report(self, command: str, error: Exception) -> None:
        place = _place(error)
        left_out = self._budget.spend((command, place), trio.current_time())
        if left_out is not None:
            log.error("defect", command=command, error=type(error).__name__, place=place, left_out=left_out)


def _place(error: Exception) -> str:
    """The line of code that failed. Not the error's text, which may quote a field."""
    step = error.__traceback__
    if step is None:
        return "unknown"
    while step.tb_next is not None:
        step = step.tb_next
    return f"{step.tb_frame.f_globals.get('__name__', '?')}:{step.tb_lineno}"
