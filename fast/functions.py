"""The codec's written functions as a module that mypyc can compile.

The codec writes a function for every layout it meets (`protocols.codec.quick`). mypyc compiles files, so the functions
of the layouts that are expected are written beforehand: each becomes a class that is made with the
names that the function uses, and is called like it. At run time a function is found by its source, to the letter: so a
compiled one can never be another than the one that would have been written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

#: What a name stands for, by how it begins: see `quick`. A name that fits nothing is anything.
TYPES: Final = (
    (re.compile(r"S\d+"), "dict[bytes, int]"),
    (re.compile(r"P\d+"), "dict[int, str]"),
    (re.compile(r"(J|T)_\w+|B\d*"), "bytes"),
)
ARGUMENTS: Final = {"f": "bytes", "at": "tuple[int, ...]", "v": "bytes", "m": "Any", "values": "Any"}
JOINS: Final = {"join": 'b"".join', "text": '"".join'}  # written out: of a literal the compiler knows what it does

DEEPER: Final = 2 * "    "  # the last line is inside an `if`

HEAD: Final = '''"""Functions of frames, written by `fast.functions`."""

from typing import Any, Callable

'''
A_CLASS: Final = """
class F{number}:
    def __init__(self, names: dict[str, Any]) -> None:
{kept}

    def __call__(self, {arguments}) -> Any:
{taken}
{body}

"""


def module(sources: Iterable[tuple[str, frozenset[str]]]) -> str:
    """The module for functions of these sources, each with the names that it is given."""
    classes, rows = [], []
    for number, (source, names) in enumerate(sorted(sources, key=lambda one: one[0])):
        classes.append(_class(number, source, sorted(names - JOINS.keys())))
        rows.append(f"    {source!r}: F{number},\n")
    return HEAD + "".join(classes) + f"\nMAKERS: dict[str, Callable[[Any], Any]] = {{\n{''.join(rows)}}}\n"


def _class(number: int, source: str, names: list[str]) -> str:
    head, *body = source.split("\n")
    if body[-1].startswith(DEEPER):
        body.append("    return None")
    arguments = head[head.index("(") + 1 : head.index(")")].split(", ")
    return A_CLASS.format(
        number=number,
        kept="\n".join(f"        self.{name}: {_type(name)} = names[{name!r}]" for name in names) or "        pass",
        arguments=", ".join(f"{name}: {ARGUMENTS.get(name, 'Any')}" for name in arguments),
        taken="\n".join(f"        {name} = self.{name}" for name in names) or "        pass",
        body="\n".join("    " + _spelled_out(line) for line in body),
    )


def _type(name: str) -> str:
    return next((kind for pattern, kind in TYPES if pattern.fullmatch(name)), "Any")


def _spelled_out(line: str) -> str:
    """The same line in words that the compiler has a quick way for."""
    if anchors := re.fullmatch(r"    ([\w, ]+), \*_ = at", line):
        taken = [(name, which) for which, name in enumerate(anchors[1].split(", ")) if name != "_"]
        return "    " + "; ".join(f"{name} = at[{which}]" for name, which in taken)
    for name, meaning in JOINS.items():
        line = re.sub(rf"\b{name}\(\((.*)\)\)", lambda found, meaning=meaning: f"{meaning}([{found[1]}])", line)
    return line
