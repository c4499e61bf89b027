"""A participant's own dialect, given as a file: pyiso8583's spec vocabulary in TOML or JSON.

One table for each row of the spec (`h`, `t`, `p`, `1`, `2` to `128`), with pyiso8583's own
properties; so a spec that a team has in Python is dumped as JSON and put into the network's
folder `dialects/` as it is. Beside the rows a file may say `title`, `edition` (1987 or 1993),
`framing`, and `base`: one of our dialects, of which it then states the differences only.

Every problem of a file is reported at once. What is data stays data: nothing in a file is
run. How a row becomes functions is the codec's business.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from protocols import dialects
from protocols.codec.charset import charset_named
from protocols.dialect import Dialect
from protocols.dialects import dialect_named
from protocols.elements import ELEMENTS, EXTENDED_BITMAP, Element, Kind
from protocols.elements93 import ELEMENTS_93
from protocols.errors import LocalProtocolError
from protocols.framing import framing_named
from protocols.header import LENGTH_MAX, Header
from protocols.network import NetworkError, explained, read_toml, source

SUFFIXES: Final = (".json", ".toml")
LONGEST: Final = 9999  # of an element; a whole frame is no longer
PREFIX_WIDEST: Final = 4
HEX_DIGITS: Final = "0123456789ABCDEF"

# Edition -> first digit of its message types, and its data dictionary.
EDITIONS: Final[Mapping[int, tuple[str, Mapping[int, Element]]]] = {1987: ("0", ELEMENTS), 1993: ("1", ELEMENTS_93)}

HEADER, TYPE, BITMAP, SECONDARY = "h", "t", "p", "1"
HEAD: Final = (HEADER, TYPE, BITMAP, SECONDARY)
ROWS: Final = (*HEAD, *(str(number) for number in range(2, 129)))
MAY_BE_MISSING: Final = (HEADER, str(EXTENDED_BITMAP))
NECESSARY: Final = ("data_enc", "len_enc", "len_type", "max_len")

SpecRow = Mapping[str, Any]


class _Row(BaseModel):
    """The properties of one row; of a file with a base, some of them."""

    model_config = ConfigDict(extra="forbid", strict=True)

    data_enc: str | None = None
    len_enc: str | None = None
    len_type: Annotated[int, Field(ge=0, le=PREFIX_WIDEST)] | None = None
    max_len: Annotated[int, Field(ge=0, le=LONGEST)] | None = None
    len_count: Literal["bytes", "nibbles"] | None = None
    left_pad: Annotated[str, Field(max_length=1)] | None = None
    right_pad: Annotated[str, Field(max_length=1)] | None = None
    desc: str | None = None


class _Said(BaseModel):
    """What a file says beside its rows."""

    model_config = ConfigDict(extra="forbid", strict=True)

    title: str | None = None
    edition: Literal[1987, 1993] | None = None
    framing: str | None = None
    base: str | None = None


class _Spec(BaseModel):
    model_config = ConfigDict(strict=True)

    rows: dict[str, _Row]


def load_dialects(directory: Path | None = None) -> Mapping[str, Dialect]:
    """The dialects of a network's own, by the names of their files, and known by them from now on.

    NetworkError lists all problems of all files. A network need not have any.
    """
    folder = source(directory, "dialects")
    problems: list[str] = []
    found: dict[str, Dialect] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.suffix in SUFFIXES:
            try:
                found[path.name] = dialect_from(path.name, _content(path))
            except NetworkError as error:
                problems += error.problems
    if problems:
        raise NetworkError(problems)
    for dialect in found.values():
        dialects.add(dialect)
    return found


def load_dialect(path: Path) -> Dialect:
    """The dialect of one file, known by the file's name from now on; NetworkError lists all that is wrong with it."""
    dialect = dialect_from(path.name, _content(path))
    dialects.add(dialect)
    return dialect


def dialect_from(name: str, content: Mapping[str, object]) -> Dialect:
    """The dialect that a file's content describes; NetworkError lists everything that is wrong with it.

    >>> dialect_from("mine.toml", {"base": "iso87_ascii", "48": {"max_len": 500}}).spec["48"]["max_len"]
    500
    """
    said, rows, problems = _read(name, content)
    base = _base(said, problems)
    edition = said.edition or (1993 if base is not None and base.version == "1" else 1987)
    version, dictionary = EDITIONS[edition]
    if said.framing is not None:
        _noted(problems, "framing", lambda: framing_named(said.framing or ""))
    if base is not None and base.version != version:
        problems.append(f"edition: {base.name} is not of {edition}")
    spec = {row: {**(base.spec[row] if base else {}), **rows.get(row, {})} for row in ROWS if base or row in rows}
    problems += _missing(spec, has_base=base is not None)
    problems += [f"{row}.{wrong}" for row in spec for wrong in _wrong(row, spec[row], dictionary, edition)]
    if not problems and spec[BITMAP]["data_enc"] != spec[SECONDARY]["data_enc"]:
        problems.append(f"{SECONDARY}.data_enc: the two bitmaps are written alike")
    if problems:
        raise NetworkError([f"dialects/{name}: {problem}" for problem in problems])
    return Dialect(
        name=name,
        title=said.title or f"ISO 8583:{edition}, as {name} has it",
        version=version,
        spec=spec | {HEADER: {**spec[TYPE], "max_len": 0}},
        framing=said.framing or (base.framing if base else "len2"),
        dictionary=dictionary,
        header=_header(spec, base),
    )


def _content(path: Path) -> Mapping[str, object]:
    if path.suffix == ".toml":
        return read_toml(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise NetworkError([f"{path}: cannot be read: {error.strerror}"]) from None
    except (ValueError, RecursionError):
        raise NetworkError([f"{path}: not JSON"]) from None
    if not isinstance(content, dict):
        raise NetworkError([f"{path}: a spec is an object with a row for every element"])
    return content


def _read(name: str, content: Mapping[str, object]) -> tuple[_Said, dict[str, SpecRow], list[str]]:
    """What is said, the rows as far as they can be understood, and what cannot."""
    problems: list[str] = []
    said, rows = _Said(), _Spec(rows={})
    try:
        said = _Said.model_validate({key: value for key, value in content.items() if key not in ROWS})
    except ValidationError as error:
        problems += _told(error)
    for key in content.keys() & set(ROWS):
        try:
            rows.rows[key] = _Row.model_validate(content[key])
        except ValidationError as error:
            problems += [f"{key}.{problem}" for problem in _told(error)]
    return said, {key: row.model_dump(exclude_none=True) for key, row in rows.rows.items()}, sorted(problems)


def _told(error: ValidationError) -> list[str]:
    return [line.removeprefix(": ") for line in explained("", error)]


def _base(said: _Said, problems: list[str]) -> Dialect | None:
    if said.base is None:
        return None
    if said.base in dialects.names():
        return dialect_named(said.base)
    problems.append(f"base: there is no such dialect; there are {', '.join(dialects.names())}")
    return None


def _missing(spec: Mapping[str, SpecRow], *, has_base: bool) -> Iterator[str]:
    if has_base:
        return
    for row in ROWS:
        if row not in MAY_BE_MISSING and row not in spec:
            yield f"{row}: missing; a file without a base has every row"


def _wrong(row: str, stated: SpecRow, dictionary: Mapping[int, Element], edition: int) -> Iterator[str]:
    """What is wrong with one row, as `property: message`."""
    absent = [name for name in NECESSARY if name not in stated]
    yield from (f"{name}: missing" for name in absent)
    encodings = list(_unknown_encodings(stated))
    yield from encodings
    if absent or encodings:
        return
    if row in HEAD:
        if stated["len_type"]:
            yield "len_type: the head of a message has no length prefixes"
        if row == HEADER and stated["max_len"] > LENGTH_MAX:
            yield f"max_len: a header has no more than {LENGTH_MAX} bytes"
        return
    if not stated["max_len"]:
        yield "max_len: an element has a length"
    if stated["len_type"]:
        yield from _unstatable(stated)
    element = dictionary[int(row)]
    yield from _badly_padded(stated, element)
    yield from _of_another_length(stated, element, edition)


def _unknown_encodings(stated: SpecRow) -> Iterator[str]:
    for name, special in (("data_enc", ("b",)), ("len_enc", ("b", "bcd"))):
        if name in stated and stated[name] not in special:
            try:
                charset_named(stated[name])
            except LocalProtocolError as error:
                yield f"{name}: {error}"


def _unstatable(stated: SpecRow) -> Iterator[str]:
    width = stated["len_type"]
    most = {"b": 256**width, "bcd": 100**width}.get(stated["len_enc"], 10**width) - 1
    if stated["max_len"] > most:
        yield f"max_len: a prefix of {width} says no more than {most}"


def _badly_padded(stated: SpecRow, element: Element) -> Iterator[str]:
    """Pads are hex digits, and for half bytes; and where half bytes are counted, an odd one out needs one."""
    pads = [name for name in ("left_pad", "right_pad") if stated.get(name)]
    for name in pads:
        if stated[name].upper() != stated[name] or stated[name] not in HEX_DIGITS:
            yield f"{name}: a pad is one of {HEX_DIGITS}"
    counts_nibbles = stated.get("len_count") == "nibbles"
    is_digits = stated["data_enc"] == "b" and element.kind in (Kind.N, Kind.Z)
    if not counts_nibbles or (is_digits and pads):
        return
    if not stated["len_type"] and stated["max_len"] % 2:
        yield "max_len: half a byte is left over; digits may have a left_pad or right_pad, nothing else may"


def _of_another_length(stated: SpecRow, element: Element, edition: int) -> Iterator[str]:
    """A fixed element is as long as the standard has it, or nobody could translate it."""
    if stated["len_type"] or not element.is_fixed:
        return
    is_raw, length = stated["data_enc"] == "b", stated["max_len"]
    allowed = [element.length]
    if stated.get("len_count") == "nibbles":
        allowed = [element.length if is_raw and element.kind is not Kind.B else 2 * element.length]
    elif is_raw and element.kind is Kind.N:
        allowed = [(element.length + 1) // 2]
    elif is_raw and element.kind is Kind.XN:
        allowed = [1 + element.length // 2]
    elif not is_raw and element.kind is Kind.B:
        allowed = [2 * element.length]
    if length not in allowed:
        yield f"max_len: {element.title} is {allowed[0]} long in ISO 8583:{edition} when it is written like this"


def _header(spec: Mapping[str, SpecRow], base: Dialect | None) -> Header | None:
    length = spec.get(HEADER, {}).get("max_len", 0)
    if not length:
        return base.header if base else None
    return base.header if base and base.header and base.header.length == length else Header(length)


def _noted(problems: list[str], path: str, attempt: Any) -> None:
    try:
        attempt()
    except LocalProtocolError as error:
        problems.append(f"{path}: {error}")
