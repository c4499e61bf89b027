"""The live view: a table on a terminal, lines where there is none, JSON for machines."""

import io
import json

import pytest

from loadtest.live import JsonLines, Lines, Moment, Silence, Table, View, make_view


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def second(at: int, **known: object) -> Moment:
    return Moment(float(at), 60.0, 200, 200, 198, response_p50_us=8000, response_p99_us=43_000, **known)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("target", "asked", "kind"),
    [
        (Terminal(), {}, Table),
        (io.StringIO(), {}, Lines),
        (Terminal(), {"print_every_s": 5.0}, Lines),
        (Terminal(), {"json_lines": True}, JsonLines),
        (Terminal(), {"quiet": True}, Silence),
    ],
)
def test_the_view_suits_where_it_is_shown(target: io.StringIO, asked: dict[str, object], kind: type[View]) -> None:
    view = make_view(target, **asked)  # type: ignore[arg-type]
    view.close()
    assert isinstance(view, kind)


def test_without_a_terminal_there_is_a_plain_line_a_second() -> None:
    target = io.StringIO()
    view = make_view(target)
    for at in (1, 2, 3):
        view.show(second(at))
    view.close()
    lines = target.getvalue().splitlines()
    assert len(lines) == 3
    assert "\x1b" not in target.getvalue()
    assert lines[0] == "    1 s  offered 200/s  answered 198/s  p99 43.0 ms  in flight 0  timed out 0  not sent 0"


def test_a_print_interval_sums_what_it_leaves_out_and_tells_the_rest_at_the_end() -> None:
    target = io.StringIO()
    view = make_view(target, print_every_s=5.0)
    for at in range(1, 13):
        view.show(second(at, timed_out=1))
    view.close()
    lines = target.getvalue().splitlines()
    assert [line.split(" s ")[0].strip() for line in lines] == ["5", "10", "12"]
    assert "timed out 5" in lines[0]
    assert "timed out 2" in lines[2]


def test_json_lines_are_objects_that_machines_read_at_once() -> None:
    target = io.StringIO()
    make_view(target, json_lines=True).show(second(1, codes={"00": 190, "51": 8}))
    told = json.loads(target.getvalue())
    assert (told["at_s"], told["codes"]["51"], told["response_p99_us"]) == (1.0, 8, 43_000)


def test_the_table_shows_rates_percentiles_and_codes() -> None:
    target = Terminal()
    view = Table(target, "evening peak", width=100)
    for at in (1, 2, 3):
        view.show(second(at, codes={"00": 150, "51": 48}, links_up=8, links=8))
    view.close()
    view.close()
    shown = target.getvalue()
    for text in ("evening peak", "200/s", "43.0 ms", "51 24.2 %", "8 of 8", "█"):
        assert text in shown
