"""Logs: one line per event on standard error, JSON for machines or coloured text on a terminal.

What must not be seen is taken out at the very end, after tracebacks became text, because whatever is
added behind a redactor leaks. Values under the name of a data element are shown as the data dictionary
allows; everything else is searched for runs of digits long enough to be a card number. The search is
the net under the rule, not the rule: write `pan=message.pan`, never the digits.

No line per transaction: a line costs twenty times what the transaction does. Count instead.
"""

from __future__ import annotations

import re
import sys
from collections import OrderedDict
from collections.abc import Hashable, Mapping, MutableMapping
from typing import Any, Final, TextIO

import structlog
from structlog.tracebacks import ExceptionDictTransformer

from protocols.elements import ELEMENTS, Element, Kind, Sensitivity, shown
from protocols.elements93 import ELEMENTS_93

LINE_INTERVAL_S: Final = 1.0  # at most one line a second per peer and reason; the rest are counted
BUDGET_KEYS: Final = 1024  # peers choose their addresses; what we remember of them is bounded
IDENTIFIER_MAX: Final = 15  # DE 42; longer is a name or a note
DEPTH_MAX: Final = 12  # a traceback is five deep; deeper is somebody's loop

_DICTIONARIES: Final = (ELEMENTS, ELEMENTS_93)
# Of a name that both editions have, the more secret one counts: the later of equals.
NAMED: Final = {
    element.name: (element, dictionary)
    for is_closed in (False, True)
    for dictionary in _DICTIONARIES
    for element in dictionary.values()
    if (element.sensitivity is not Sensitivity.OPEN) is is_closed
}
# Ours, made of digits and never of a card: the time of the line, and places in a traceback.
OWN_NAMES: Final = frozenset({"timestamp", "lineno"})

# Eight digits is the shortest card number; four by four is how people and receipts write the long ones.
CARD_LIKE: Final = re.compile(r"\d{8,}|\d{4}(?:[ -]\d{4}){2,}(?:[ -]\d{1,7})?", re.ASCII)
INTEGER_MAX: Final = 10**11  # counters and milliseconds stay below; a card number without a name does not


def set_up_logging(level: str = "INFO", stream: TextIO | None = None, colours: bool | None = None) -> None:
    """Send every structlog line to `stream` (standard error), coloured if it is a terminal."""
    stream = sys.stderr if stream is None else stream
    colours = stream.isatty() if colours is None else colours
    structlog.configure(
        processors=[*_collecting(colours), redacted, _renderer(colours)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=stream),
        cache_logger_on_first_use=False,
    )


def _collecting(colours: bool) -> list[structlog.typing.Processor]:
    # Locals are never shown: a frame's locals hold the message.
    as_dict = structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False))
    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info if colours else as_dict,
    ]


def _renderer(colours: bool) -> structlog.typing.Processor:
    if not colours:
        return structlog.processors.JSONRenderer()
    return structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)


def redacted(logger: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The last processor before the renderer: what may be seen of an event."""
    return {visible_text(str(name)): visible(str(name), value) for name, value in event.items()}


def visible(name: str, value: object, depth: int = DEPTH_MAX) -> Any:
    """What a person may see of a value logged under this name.

    >>> visible("pan", "9414101234560018"), visible("stan", "000123"), visible("amount", 12000)
    ('941410******0018', '000123', 12000)
    >>> visible("note", "card 9414 1012 3456 0018 again"), visible("frame", b"0100")
    ('card [digits] again', '[4 bytes]')
    """
    if value is None or isinstance(value, bool | float):
        return value
    if name in OWN_NAMES:
        return value if isinstance(value, int) else str(value)
    element, dictionary = NAMED.get(name, (None, ELEMENTS))
    if element and element.sensitivity is not Sensitivity.OPEN:
        return shown(element.number, str(value), dictionary)
    if element and _fits(element, value):
        return value
    return _visible_unnamed(name, value, depth)


def _fits(element: Element, value: object) -> bool:
    """An open element as the dictionary knows it. Free text does not count: people write card numbers into it."""
    free_text = element.kind is Kind.ANS and not (element.is_fixed and element.length <= IDENTIFIER_MAX)
    return isinstance(value, int | str) and not free_text and len(str(value)) <= element.length


def _visible_unnamed(name: str, value: object, depth: int) -> Any:
    if depth == 0:
        return "[deeper]"
    match value:
        case int():
            return value if abs(value) < INTEGER_MAX else "[digits]"
        case str():
            return visible_text(value)
        case bytes() | bytearray() | memoryview():
            return f"[{len(value)} bytes]"
        case Mapping():
            return {visible_text(str(key)): visible(str(key), inner, depth - 1) for key, inner in value.items()}
        case list() | tuple() | set() | frozenset():
            return [visible(name, inner, depth - 1) for inner in value]
        case _:
            return visible_text(_repr(value))


def visible_text(text: str) -> str:
    """Text without anything that could be a card number."""
    return CARD_LIKE.sub("[digits]", text)


def _repr(value: object) -> str:
    """A failing repr must not cost the log line."""
    try:
        return repr(value)
    except Exception:
        return f"<{type(value).__name__}>"


class LogBudget:
    """One line a second per key (a peer and a reason); the rest are counted and told with the next line.

    >>> budget = LogBudget()
    >>> [budget.spend("peer", now) for now in (0.0, 0.1, 0.2, 1.5)]
    [0, None, None, 2]
    """

    def __init__(self, interval_s: float = LINE_INTERVAL_S, keys: int = BUDGET_KEYS) -> None:
        self._interval_s = interval_s
        self._keys = keys
        self._last: OrderedDict[Hashable, tuple[float, int]] = OrderedDict()

    def spend(self, key: Hashable, now: float) -> int | None:
        """How many lines were left out since the last one, or None: leave this one out too."""
        last, left_out = self._last.get(key, (now - self._interval_s, 0))
        if now - last < self._interval_s:
            self._last[key] = (last, left_out + 1)
            return None
        self._last[key] = (now, 0)
        self._last.move_to_end(key)
        if len(self._last) > self._keys:
            self._last.popitem(last=False)
        return left_out
