"""A jPOS GenericPackager file that the user supplies, as a TOML dialect of ours.

Pure. Read with expat: entities are refused, nothing is fetched, nothing in it is run. Each field class says how its
data and its length are written; `CLASSES` is the table. What has no spelling here (subfields, a class that is not in
the table) stays as the base has it and is told, so that nobody believes what was only guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from xml.parsers import expat

from protocols.dialect_file import dialect_from
from protocols.dialects import dialect_named
from protocols.network import NetworkError

FILE_MOST: Final = 1 << 20  # bytes: a packager has 30 000
MTI, BITMAP = 0, 1

Row = dict[str, Any]


class PackagerError(ValueError):
    """Not a packager's file, or one that must not be read."""


@dataclass(frozen=True, slots=True)
class Form:
    """How a field class writes. `data`: text, hex, raw, packed or signed; `prefix`: digits of its length."""

    data: str
    prefix: int = 0
    lengths: str = "ascii"


def _forms() -> dict[str, Form]:
    """The classes by their parts: IFA is ASCII, IFB binary, IFE EBCDIC; an H is a length of one binary byte."""
    forms = {"IF_CHAR": Form("text"), "IFE_CHAR": Form("ebcdic"), "IFE_NUMERIC": Form("ebcdic")}
    forms |= {"IFA_NUMERIC": Form("text"), "IFA_AMOUNT": Form("text"), "IFA_BINARY": Form("hex")}
    forms |= {"IFB_NUMERIC": Form("packed"), "IFB_AMOUNT": Form("signed"), "IFB_BINARY": Form("raw")}
    forms |= {"IFA_BITMAP": Form("hex"), "IFB_BITMAP": Form("raw"), "IFE_BITMAP": Form("raw")}
    for digits, ell in ((2, "LL"), (3, "LLL")):
        for kind in ("NUM", "CHAR"):
            forms[f"IFA_{ell}{kind}"] = Form("text", digits)
            forms[f"IFE_{ell}{kind}"] = Form("ebcdic", digits, "ebcdic")
        forms[f"IFB_{ell}NUM"] = Form("packed", digits, "bcd")
        forms[f"IFB_{ell}CHAR"] = Form("text", digits, "bcd")
        forms[f"IFB_{ell}BINARY"] = Form("raw", digits, "bcd")
    forms |= {"IFB_LLHNUM": Form("packed", 2, "b"), "IFB_LLHCHAR": Form("text", 2, "b")}
    forms |= {"IFB_LLHBINARY": Form("raw", 2, "b"), "IFB_LLHECHAR": Form("ebcdic", 2, "b")}
    return forms


CLASSES: Final[Mapping[str, Form]] = _forms()
EBCDIC: Final = "cp500"


@dataclass(slots=True)
class Imported:
    """The dialect as TOML, and everything that its reader must know."""

    toml: str
    base: str
    remarks: list[str] = field(default_factory=list)


def imported(data: bytes, name: str) -> Imported:
    """The dialect of a packager's file. PackagerError where it is none.

    `name` is the file's, for the title only.
    """
    fields, header = _read(data)
    base = _base(fields)
    spec = dialect_named(base).spec
    remarks: list[str] = []
    rows: dict[str, Row] = {}
    if header:
        remarks.append(f'a header of {header} bytes: say framing = "header({header})" or the like in [target]')
    for number, given in sorted(fields.items()):
        if number in (MTI, BITMAP):
            continue
        row = _row(given, number, remarks)
        if row is None:
            continue
        different = {key: value for key, value in row.items() if spec[str(number)].get(key, _USUAL.get(key)) != value}
        if not different:
            continue
        problems = _problems(base, {str(number): different})
        if problems:
            remarks += [f"DE {number} left as {base} has it: {problem}" for problem in problems]
        else:
            rows[str(number)] = different
    missing = [number for number in range(2, 129) if number not in fields]
    if missing:
        remarks.append(f"{len(missing)} elements are not in the file and stay as {base} has them")
    return Imported(_toml(base, name, rows, remarks), base, remarks)


_USUAL: Final = {"len_count": "bytes", "left_pad": "", "right_pad": ""}


@dataclass(frozen=True, slots=True)
class _Given:
    """One isofield of the file."""

    name: str  # of its class, without its package
    length: int
    pads_left: bool
    has_subfields: bool = False


def _read(data: bytes) -> tuple[dict[int, _Given], int]:
    """The fields of the outermost level, and the header's length."""
    if len(data) > FILE_MOST:
        raise PackagerError("a packager's file is not that long")
    fields: dict[int, _Given] = {}
    header, depth, roots = 0, 0, list[str]()

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal header, depth
        if depth == 0:
            roots.append(tag)
            header = _number(attributes.get("headerLength", "0"))
        elif depth == 1 and tag in ("isofield", "isofieldpackager"):
            number = _number(attributes.get("id", ""))
            known = attributes.get("class", "").rpartition(".")[2]
            length, pads_left = _number(attributes.get("length", "")), attributes.get("pad") == "true"
            given = _Given(_word(known), length, pads_left, tag != "isofield")
            if 0 <= number <= 128:
                fields[number] = given
        depth += 1

    def end(_tag: str) -> None:
        nonlocal depth
        depth -= 1

    def refuse(*_: object) -> None:
        raise PackagerError("the file declares entities; a packager needs none")

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler, parser.EntityDeclHandler = start, end, refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise PackagerError(f"not XML: line {error.lineno}") from None
    if roots != ["isopackager"] or not fields:
        raise PackagerError("not a packager's file: there is no isopackager with fields in it")
    return fields, header


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 5 else -1


def _word(text: str) -> str:
    """A name as it may stand in a comment: a line's end in it would end the comment.

    >>> _word("IFA" + chr(10) + "x")
    'IFA?x'
    """
    return "".join(char if char.isascii() and (char.isalnum() or char in "_$") else "?" for char in text[:60])


def _base(fields: Mapping[int, _Given]) -> str:
    """The dialect of ours that is nearest: by how the message type and the bitmap are written."""
    mti, bitmap = (fields[number].name if number in fields else "" for number in (MTI, BITMAP))
    if mti.startswith("IFE"):
        return "ebcdic_base1"
    if mti.startswith("IFB"):
        return "iso87_binary"
    return "iso87_ascii" if bitmap == "IFA_BITMAP" else "iso87_ascii_binmap"


def _row(given: _Given, number: int, remarks: list[str]) -> Row | None:
    """The properties of one element; None where the file cannot be followed."""
    form = CLASSES.get(given.name)
    if form is None or given.length < 1:
        remarks.append(
            f"DE {number}: {given.name or 'a field without a class'} is not known here; left as the base has it"
        )
        return None
    if given.has_subfields:
        remarks.append(f"DE {number} has subfields; it is taken whole")
    width = {"bcd": (form.prefix + 1) // 2, "b": min(form.prefix, 1)}.get(form.lengths, form.prefix)
    encoding = {"text": "ascii", "hex": "ascii", "ebcdic": EBCDIC}.get(form.data, "b")
    row: Row = {"data_enc": encoding, "len_type": width, "max_len": given.length}
    if width:
        row["len_enc"] = EBCDIC if form.lengths == "ebcdic" else form.lengths
    if form.data == "hex":
        row["max_len"] = 2 * given.length
    elif form.data == "signed":
        row["max_len"] = 1 + given.length // 2
    elif form.data == "packed":
        row |= {"len_count": "nibbles"} | ({"left_pad": "0", "right_pad": ""} if _left(given, form) else _RIGHT)
    return row


_RIGHT: Final = {"left_pad": "", "right_pad": "0"}


def _left(given: _Given, form: Form) -> bool:
    """Where an odd digit's pad stands: jPOS pads on the left where `pad` is true. An even fixed number has none."""
    return given.pads_left or (not form.prefix and given.length % 2 == 0)


def _problems(base: str, rows: Mapping[str, Row]) -> list[str]:
    try:
        dialect_from("imported.toml", {"base": base, **rows})
    except NetworkError as error:
        return [problem.partition(": ")[2] for problem in error.problems]
    return []


def _toml(base: str, name: str, rows: Mapping[str, Row], remarks: Iterable[str]) -> str:
    lines = [f"# Imported from {name}. What could not be followed:" if remarks else f"# Imported from {name}."]
    lines += [f"# - {remark}" for remark in remarks]
    lines += ["", f'base = "{base}"', f'title = "Imported from {name}"']
    for number, row in rows.items():
        lines += ["", f"[{number}]", *(f"{key} = {_value(value)}" for key, value in row.items())]
    return "\n".join(lines) + "\n"


def _value(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)
