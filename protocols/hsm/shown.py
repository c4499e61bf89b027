"""A frame told field by field, for people: where each field stands, what it is called, and what may be seen of it.

Nothing is shown of a field unless its name is on a list here: a new field is a secret until somebody
says otherwise. Of a key its scheme and length are told, of a key block its header. `clear` shows all,
for whoever typed it in themselves. Pure; where frames come from is the caller's business.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from protocols.errors import RemoteProtocolError
from protocols.hsm import codes
from protocols.hsm.envelope import (
    COMMAND_LENGTH,
    DELIMITER,
    ERROR_LENGTH,
    HEADER_LENGTH,
    LMK_MARK,
    TRAILER_MARK,
    response_code,
)
from protocols.hsm.fields import KEY_BLOCK_SCHEMES, KEY_SCHEMES, Key, Part, UnreadableError
from protocols.hsm.layout import NO_FIELDS, Layout
from protocols.hsm.layouts import LAYOUTS, health

#: Fields whose value is nobody's secret: choices, lengths, formats, identifiers of keys, check values.
OPEN: Final = frozenset(
    {
        "about", "algorithm", "bits", "check_value", "components", "curve", "derivation", "descriptor", "detail",
        "encoding", "error", "exportability", "firmware", "flag", "format", "hash", "length", "lmk_id", "method",
        "milliseconds", "mode", "mode_of_use", "option", "padding", "pair_code", "protocol", "pvki", "scheme",
        "service_code", "use", "version",
    }
)  # fmt: skip
OPEN_ENDINGS: Final = (
    "_algorithm", "_check_value", "_descriptor", "_encoding", "_exportability", "_flag", "_format", "_length",
    "_method", "_mode", "_scheme", "_size", "_type", "_usage", "_version",
)  # fmt: skip
HEALTH: Final = frozenset(name for layout in health.LAYOUTS for name in (*layout.request_names, *layout.answer_names))
KEYS: Final = frozenset({"bdk", "cvk", "key", "pvk", "tak", "tmk", "tpk", "zak", "zek", "zmk", "zpk"})
KEY_BLOCK_HEADER: Final = 16


@dataclass(frozen=True, slots=True)
class Line:
    """One field: where it begins in the frame, how many bytes it takes, its name, and what may be seen of it.

    `begins` is None for the further fields of a group, of which only the whole has a place.
    """

    begins: int | None
    length: int
    name: str
    value: str


class UnexplainableError(Exception):
    """Nobody can say what this is; the text says why and holds nothing of it."""


def is_open(name: str) -> bool:
    """Whether a field's value may be seen by everybody.

    >>> is_open("pin_length"), is_open("pin"), is_open("load.3.periods"), is_open("anything new")
    (True, False, True, False)
    """
    if "." in name:
        first, _, last = name.split(".")
        name = f"{first}.1.{last}"
    return name in OPEN or name in HEALTH or name.endswith(OPEN_ENDINGS)


def shown(name: str, value: str, *, clear: bool = False, is_key: bool = False) -> str:
    """What may be seen of a value.

    >>> shown("format", "01"), shown("pin_block", "C6CF62084B7FF1FD")
    ('01', '[16 characters]')
    >>> shown("key", "U" + "0" * 32, is_key=True), shown("key", "S0007272TN00S0001DAB3", is_key=True)
    ('U [32 hex digits]', 'S 0007272TN00S0001 [4 characters]')
    """
    if clear or is_open(name):
        return visible(value)
    if is_key and value[:1] in KEY_SCHEMES:
        return f"{value[0]} [{len(value) - 1} hex digits]"
    if is_key and value[:1] and value[0] in KEY_BLOCK_SCHEMES:
        header, rest = value[1 : KEY_BLOCK_HEADER + 1], value[KEY_BLOCK_HEADER + 1 :]
        return f"{value[0]} {visible(header)} [{len(rest)} characters]"
    return f"[{len(value)} characters]"


def visible(value: str) -> str:
    """Text as it is, bytes as hex.

    >>> visible("0001"), visible("\\x00\\xff")
    ('0001', 'hex 00FF')
    """
    if value.isascii() and value.isprintable():
        return value
    return f"hex {value.encode('latin-1').hex().upper()}"


def request_lines(frame: bytes, header_length: int = HEADER_LENGTH, *, clear: bool = False) -> list[Line]:
    """A request, field by field. Raises UnexplainableError for what is none."""
    text, command = _opened(frame, header_length)
    layout = LAYOUTS.get(command)
    if layout is None:
        raise UnexplainableError(f"no layout for command {visible(command)}")
    lines = [
        *_header(frame, header_length),
        Line(header_length, COMMAND_LENGTH, "command", f"{command}: {layout.title}"),
    ]
    found: dict[str, str] = {}
    at, told = _fields(layout.request, text, COMMAND_LENGTH, found, found, clear=clear)
    return _moved(lines, [*told, *_tail(text, at, clear=clear)], header_length)


def answer_lines(
    frame: bytes,
    header_length: int = HEADER_LENGTH,
    *,
    asked: Mapping[str, str] = NO_FIELDS,
    clear: bool = False,
) -> list[Line]:
    """An answer, field by field. `asked`: the request's fields, on which the shape of some depends."""
    text, code = _opened(frame, header_length)
    layout = answered_by(code)
    error = text[COMMAND_LENGTH : COMMAND_LENGTH + ERROR_LENGTH]
    lines = [
        *_header(frame, header_length),
        Line(header_length, COMMAND_LENGTH, "answer", f"{code}: to {layout.command}, {layout.title}"),
        Line(header_length + COMMAND_LENGTH, len(error), "error", f"{visible(error)}: {meaning(error)}"),
    ]
    at, told = COMMAND_LENGTH + ERROR_LENGTH, list[Line]()
    if layout.has_data(error):
        at, told = _fields(layout.answer, text, at, {}, asked, clear=clear)
    return _moved(lines, [*told, *_tail(text, at, clear=clear)], header_length)


def lines_of(frame: bytes, header_length: int = HEADER_LENGTH, *, clear: bool = False) -> list[Line]:
    """Whichever it is: the codes of answers are not those of commands."""
    _, code = _opened(frame, header_length)
    if code in LAYOUTS:
        return request_lines(frame, header_length, clear=clear)
    return answer_lines(frame, header_length, clear=clear)


def answered_by(code: str) -> Layout:
    """The layout of the command that is answered with this code. Raises UnexplainableError."""
    for layout in LAYOUTS.values():
        if response_code(layout.command) == code:
            return layout
    raise UnexplainableError(f"{visible(code)} is neither a command nor the answer to one")


def meaning(error: str) -> str:
    """What an error code says, where it has one meaning for all commands."""
    return codes.TITLES.get(error, "see the command: this code is its own, or unknown")


def unframed(given: bytes) -> bytes:
    """A frame without its length, if there is one in front of it.

    >>> unframed(b"\\x00\\x060001NC"), unframed(b"0001NC")
    (b'0001NC', b'0001NC')
    """
    return given[2:] if len(given) > 2 and int.from_bytes(given[:2], "big") == len(given) - 2 else given


def layout_lines(layout: Layout) -> Iterator[str]:
    """What a command is made of, both ways."""
    yield f"{layout.command}  {layout.title}"
    yield f"  asked    {', '.join(layout.request_names) or '-'}"
    yield f"  answered {', '.join(layout.answer_names) or '-'}"


def _opened(frame: bytes, header_length: int) -> tuple[str, str]:
    if len(frame) < header_length + COMMAND_LENGTH:
        raise UnexplainableError("shorter than its header and command")
    text = frame[header_length:].decode("latin-1")
    return text, text[:COMMAND_LENGTH]


def _header(frame: bytes, header_length: int) -> list[Line]:
    if not header_length:
        return []
    return [Line(0, header_length, "header", visible(frame[:header_length].decode("latin-1")))]


def _fields(
    parts: Sequence[Part], text: str, at: int, found: dict[str, str], asked: Mapping[str, str], *, clear: bool
) -> tuple[int, list[Line]]:
    """The fields from `at` on: the offset behind the last that could be read, and their lines."""
    lines: list[Line] = []
    for part in parts:
        known = len(found)
        try:
            end = part.read(text, at, found, asked)
        except (UnreadableError, RemoteProtocolError, ValueError) as refused:
            name, code = (
                (refused.field, refused.code) if isinstance(refused, UnreadableError) else ("?", codes.INPUT_DATA)
            )
            lines.append(Line(at, len(text) - at, name, f"cannot be read: {code} {meaning(code)}"))
            return len(text), lines
        new = list(found.items())[known:]
        is_key = isinstance(part, Key)
        for number, (name, value) in enumerate(new):
            told = shown(name, value, clear=clear, is_key=is_key or _looks_like_key(name))
            lines.append(Line(None if number else at, end - at if len(new) == 1 else len(value), name, told))
        at = end
    return at, lines


def _looks_like_key(name: str) -> bool:
    """Of the parts within a group only the names are known.

    >>> [_looks_like_key(name) for name in ("component_1", "mk_smc", "zek", "pin_block")]
    [True, True, True, False]
    """
    return name in KEYS or name.endswith("_key") or name.startswith(("component_", "mk_"))


def _tail(text: str, at: int, *, clear: bool) -> Iterator[Line]:
    if text.startswith(DELIMITER, at):
        yield Line(at, 1, "delimiter", DELIMITER)
        at += 1
    if text.startswith(LMK_MARK, at):
        yield Line(at, 3, "lmk_id", visible(text[at + 1 : at + 3]))
        at += 3
    if text.startswith(TRAILER_MARK, at):
        trailer = text[at + 1 :]
        yield Line(at, len(trailer) + 1, "trailer", shown("trailer", trailer, clear=clear))
        at = len(text)
    if at < len(text):
        yield Line(at, len(text) - at, "left over", f"[{len(text) - at} characters]")


def _moved(lines: list[Line], more: list[Line], by: int) -> list[Line]:
    """Places count from the frame's first byte."""
    moved = [
        Line(None if line.begins is None else line.begins + by, line.length, line.name, line.value) for line in more
    ]
    return lines + moved
