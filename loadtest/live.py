"""The live view: what is happening, once a second, while a run runs.

A table with a sparkline on a terminal; plain lines where there is none (a log, a pipe, CI); one JSON object a line for
machines. The run tells each second as a `Moment` and knows no more of it. What is shown is not what is measured: the
figures of the report are made of the histograms, not of these lines.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol, TextIO

from loadtest.histogram import Histogram
from loadtest.result import NO_CODE, Clock, Counts, Result
from loadtest.words import NONE, number_of, share_of, time_of

if TYPE_CHECKING:
    from rich.console import RenderableType

BARS: Final = "▁▂▃▄▅▆▇█"
SPARK_LONG: Final = 60  # seconds that a sparkline shows
CODES_SHOWN: Final = 8


@dataclass(frozen=True, slots=True)
class Moment:
    """One second of a run, as far as is known when it ends. Times in µs; None where nothing was measured."""

    at_s: float  # since the start of the plan
    of_s: float  # how long the plan is
    offered: int = 0
    sent: int = 0
    answered: int = 0
    timed_out: int = 0
    not_sent: int = 0
    in_flight: int = 0
    links_up: int = 0
    links: int = 0
    response_p50_us: int | None = None
    response_p99_us: int | None = None
    lateness_p99_us: int | None = None
    codes: Mapping[str, int] = field(default_factory=dict)  # DE 39 -> answers of this second
    warming_up: bool = False


def moment_of(recent: Result, second: int, of_s: float, links: int) -> Moment:
    """A second of a run, out of the result so far."""
    whole, codes = Counts(), dict[str, int]()
    for key, counts in recent.counts.items():
        if key.second == second:
            whole.add(counts)
            if key.code != NO_CODE and counts.answered:
                codes[key.code] = codes.get(key.code, 0) + counts.answered
    gauges = [gauge for (at, _), gauge in recent.gauges.items() if at == second]
    response, late = _of_second(recent, second, Clock.RESPONSE), _of_second(recent, second, Clock.LATENESS)
    return Moment(
        at_s=second + 1.0,
        of_s=of_s,
        offered=whole.offered,
        sent=whole.sent,
        answered=sum(gauge.received for gauge in gauges),
        timed_out=whole.timed_out,
        not_sent=whole.not_sent,
        in_flight=sum(gauge.in_flight for gauge in gauges),
        links_up=sum(gauge.gap_ms < 1000 for gauge in gauges),
        links=links,
        response_p50_us=response.percentile(50) if response.total else None,
        response_p99_us=response.percentile(99) if response.total else None,
        lateness_p99_us=late.percentile(99) if late.total else None,
        codes=codes,
        warming_up=second < recent.meta.warm_up_s,
    )


def _of_second(recent: Result, second: int, clock: Clock) -> Histogram:
    return Histogram.merged(one for (at, _, of), one in recent.histograms.items() if at == second and of is clock)


class View(Protocol):
    """Whoever wants to be told. `close` gives the terminal back, and may be called twice."""

    def show(self, moment: Moment) -> None: ...

    def close(self) -> None: ...


def make_view(
    target: TextIO,
    title: str = "",
    *,
    json_lines: bool = False,
    print_every_s: float | None = None,
    quiet: bool = False,
) -> View:
    """The view that suits: silence, JSON lines, plain lines, or a table where `target` is a terminal.

    `print_every_s` asks for plain lines at that interval even on a terminal.
    """
    if quiet:
        return Silence()
    if json_lines:
        return JsonLines(target)
    if print_every_s is None and target.isatty():
        return Table(target, title)
    return Lines(target, print_every_s or 1.0)


class Silence:
    """Shows nothing."""

    def show(self, moment: Moment) -> None:
        pass

    def close(self) -> None:
        pass


class JsonLines:
    """One object a second: the fields of `Moment`."""

    def __init__(self, target: TextIO) -> None:
        self._target = target

    def show(self, moment: Moment) -> None:
        self._target.write(json.dumps(asdict(moment), separators=(",", ":")) + "\n")
        self._target.flush()

    def close(self) -> None:
        pass


class Lines:
    """A line every so often, with what happened since the last one."""

    def __init__(self, target: TextIO, every_s: float) -> None:
        self._target, self._every_s = target, every_s
        self._since: list[Moment] = []
        self._due = every_s

    def show(self, moment: Moment) -> None:
        self._since.append(moment)
        if moment.at_s + 1e-6 >= self._due:
            self._write()
            self._due = (moment.at_s // self._every_s + 1) * self._every_s

    def close(self) -> None:
        """What has not been told yet."""
        if self._since:
            self._write()

    def _write(self) -> None:
        since, self._since = self._since, []
        self._target.write(plain_line(since) + "\n")
        self._target.flush()


def plain_line(moments: list[Moment]) -> str:
    """What happened in these seconds, in a line. The percentiles are the worst second's.

    >>> plain_line([Moment(3.0, 60.0, 200, 200, 199, response_p99_us=43_000, in_flight=1)])
    '    3 s  offered 200/s  answered 199/s  p99 43.0 ms  in flight 1  timed out 0  not sent 0'
    """
    last, count = moments[-1], len(moments)

    def rate(name: str) -> str:
        return f"{number_of(round(sum(getattr(one, name) for one in moments) / count))}/s"

    slowest = max((one.response_p99_us for one in moments if one.response_p99_us is not None), default=None)
    words = [
        f"{last.at_s:5.0f} s",
        f"offered {rate('offered')}",
        f"answered {rate('answered')}",
        f"p99 {time_of(slowest)}",
        f"in flight {last.in_flight}",
        f"timed out {sum(one.timed_out for one in moments)}",
        f"not sent {sum(one.not_sent for one in moments)}",
    ]
    return "  ".join(words + (["warm-up"] if last.warming_up else []))


class Table:
    """A table that stays in its place, drawn anew once a second."""

    def __init__(self, target: TextIO, title: str, *, width: int | None = None) -> None:
        from rich.console import Console
        from rich.live import Live

        self._title = title
        self._seen: deque[Moment] = deque(maxlen=SPARK_LONG)
        console = Console(file=target, width=width)
        # No thread of rich's own: a second writer would be one more thing that makes the generator late.
        self._live = Live(console=console, auto_refresh=False, transient=False)
        self._live.start()

    def show(self, moment: Moment) -> None:
        self._seen.append(moment)
        self._live.update(self.drawn(), refresh=True)

    def close(self) -> None:
        self._live.stop()

    def drawn(self) -> RenderableType:
        """The table of the seconds seen so far."""
        from rich.table import Table as Grid

        last = self._seen[-1]
        grid = Grid(title=self._title or None, title_justify="left", box=None, pad_edge=False, show_header=False)
        grid.add_column(style="dim")
        grid.add_column(justify="right", min_width=12)
        grid.add_column(no_wrap=True)
        for name, value, trend in self._rows(last):
            grid.add_row(name, value, trend)
        return grid

    def _rows(self, last: Moment) -> list[tuple[str, str, str]]:
        trend: dict[str, Any] = {
            name: sparkline([getattr(one, name) or 0 for one in self._seen])
            for name in ("offered", "answered", "response_p99_us", "in_flight", "timed_out")
        }
        phase = "warm-up" if last.warming_up else "measured"
        codes = sorted(last.codes.items(), key=lambda entry: -entry[1])[:CODES_SHOWN]
        told = "  ".join(f"{code} {share_of(count, last.answered)}" for code, count in codes)
        return [
            ("time", f"{last.at_s:.0f} s", f"of {last.of_s:.0f} s, {phase}"),
            ("offered", f"{number_of(last.offered)}/s", trend["offered"]),
            ("answered", f"{number_of(last.answered)}/s", trend["answered"]),
            ("response p50", time_of(last.response_p50_us), ""),
            ("response p99", time_of(last.response_p99_us), trend["response_p99_us"]),
            ("lateness p99", time_of(last.lateness_p99_us), "our own share"),
            ("in flight", number_of(last.in_flight), trend["in_flight"]),
            ("timed out", number_of(last.timed_out), trend["timed_out"]),
            ("not sent", number_of(last.not_sent), ""),
            ("links up", f"{last.links_up} of {last.links}", ""),
            ("DE 39", "" if told else NONE, told),
        ]


def sparkline(values: list[float]) -> str:
    """The last values as bars, the highest as the highest bar.

    >>> sparkline([0, 1, 2, 4, 8]), sparkline([]), sparkline([0, 0])
    ('▁▁▂▄█', '', '▁▁')
    """
    most = max(values, default=0)
    steps = len(BARS) - 1
    return "".join(BARS[int(value / most * steps) if most else 0] for value in values)
