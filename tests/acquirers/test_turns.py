"""Lines at the till that are about one transaction are served in the order in which they were written."""

import trio
import trio.testing

from acquirers.turns import Turns


async def test_a_capture_waits_for_what_it_captures_and_what_follows_waits_for_the_capture() -> None:
    turns = Turns()
    with turns.line(1, "preauth", None) as at_once, turns.line(2, "capture", 1) as capture:
        assert at_once == []
        assert len(capture) == 1
        with turns.line(3, "reverse", 1) as reversal:
            assert len(reversal) == 1
            assert reversal != capture, "of the capture's end, not of the reservation's"


async def test_a_reversal_and_a_repeat_do_not_wait_for_an_answer_that_may_never_come() -> None:
    turns = Turns()
    with (
        turns.line(1, "purchase", None),
        turns.line(2, "repeat", 1) as repeat,
        turns.line("other", "purchase", None) as other,
    ):
        assert repeat == []
        assert other == []


async def test_a_line_about_a_line_about_another_waits_for_that_one() -> None:
    turns = Turns()
    with turns.line(1, "preauth", None), turns.line(2, "increase", 1), turns.line(3, "capture", 2) as capture:
        assert len(capture) == 1


async def test_whoever_waits_is_let_go_when_the_earlier_line_ends_badly() -> None:
    turns = Turns()
    served: list[str] = []

    async def serve(name: str, id_: int, do: str, of: int | None) -> None:
        with turns.line(id_, do, of) as before:
            for earlier in before:
                await earlier.wait()
            served.append(name)
            await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery:
        try:
            with turns.line(1, "preauth", None):
                nursery.start_soon(serve, "increase", 2, "increase", 1)
                await trio.testing.wait_all_tasks_blocked()
                nursery.start_soon(serve, "capture", 3, "capture", 1)
                await trio.testing.wait_all_tasks_blocked()
                assert served == []
                raise ValueError
        except ValueError:
            pass
    assert served == ["increase", "capture"]
    with turns.line(4, "capture", 1) as before:
        assert before == [], "nothing is remembered of what has ended"
