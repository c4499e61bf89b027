"""Writes Python functions for one layout or one recipe, out of what was planned for it.

A function written for one bitmap has no loop, no table of elements and no
decision left in it: neighbouring elements of one alphabet are one slice and one
test. It only ever says yes; on anything else it returns None or raises KeyError,
and the caller asks the slow path for the reason. The source is made of numbers
and of names chosen here, never of anything a peer sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from protocols.codec.place import Anchors, Insert, Place
from protocols.codec.spelling import ANY, DIGITS, Content

if TYPE_CHECKING:
    from protocols.codec.layout import Layout
    from protocols.codec.recipe import Recipe


def walker(layout: Layout) -> Callable[[bytes], Anchors | None]:
    """`walk(frame)`: the anchors of a frame that reads.

    A length prefix that is not in the table of allowed ones raises KeyError. Slices past
    the end are short without a word, so the one test of the end comes first: anchors only grow.
    """
    names: dict[str, Any] = {}
    anchors, tests = ["0"], list[str]()
    lines = ["def walk(f):"]
    end = "0"
    for spelling in layout.spellings:
        number, (anchor, offset, _, _) = spelling.number, layout.spans[spelling.number]
        if spelling.prefix_width:
            names[f"S{number}"] = spelling.sizes
            data = _position(anchor, offset + spelling.prefix_width)
            anchors.append(f"e{len(anchors)}")
            lines.append(f"    {anchors[-1]} = {data} + S{number}[f[{_position(anchor, offset)}:{data}]]")
        if spelling.form:
            names[f"F{number}"] = spelling.form.fullmatch
            tests.append(f"F{number}(f, {', '.join(_ends(layout.places[number]))})")
        end = _position(*layout.spans[number][2:])
    tests = [f"len(f) == {end}", "f[:4].isdigit()", *_runs(layout, names), *tests]
    lines += [f"    if {' and '.join(tests)}:", f"        return {', '.join(anchors)},", "    return None"]
    return _compiled("walk", lines, names)


def writer(recipe: Recipe) -> Callable[..., bytes | None]:
    """`write(frame, at, mti, *values)`: the new frame, when every value can be spelled."""
    names: dict[str, Any] = {"B": recipe.bitmap, "join": b"".join}
    parts, lines, tests = ["m", "B"], list[str](), list[str]()
    for piece in recipe.pieces:
        if isinstance(piece, Place):
            parts.append(_slice(piece, "at[{}]"))
        elif not piece.spelling.is_text:
            names[f"W{piece.which}"] = piece.spelling.write
            parts.append(f"W{piece.which}(v{piece.which})")
        else:
            lines.append(f"    b{piece.which} = v{piece.which}.encode()")
            tests += _value_tests(piece, names)
            parts += _value_parts(piece, names)
    arguments = ", ".join(["f", "at", "m", *(f"v{index}" for index in range(recipe.given))])
    lines += [
        f"    if {' and '.join(tests) or 'True'}:",
        f"        return join(({', '.join(parts)}))",
        "    return None",
    ]
    return _compiled("write", [f"def write({arguments}):", *lines], names)


def _value_tests(piece: Insert, names: dict[str, Any]) -> Iterator[str]:
    """That a text value has the right length (a variable one's is looked up later) and alphabet."""
    spelling, value = piece.spelling, f"b{piece.which}"
    if not spelling.prefix_width:
        yield f"len({value}) == {spelling.size}"
    if spelling.form:
        names[f"F{piece.which}"] = spelling.form.fullmatch
        yield f"F{piece.which}({value})"
    yield _alphabet_test(value, spelling.content, names, may_be_empty=bool(spelling.prefix_width))


def _value_parts(piece: Insert, names: dict[str, Any]) -> Iterator[str]:
    if piece.spelling.prefix_width:
        names[f"P{piece.which}"] = piece.spelling.prefixes
        yield f"P{piece.which}[len(b{piece.which})]"
    yield f"b{piece.which}"


def _runs(layout: Layout, names: dict[str, Any]) -> Iterator[str]:
    """One test for every run of neighbours of one alphabet.

    Length prefixes are digits and belong to every alphabet there is, so they do not break
    a run; and because they are in it, a run is never empty.
    """
    for content, neighbours in groupby(layout.spellings, key=attrgetter("content")):
        if content is not ANY:
            numbers = [spelling.number for spelling in neighbours]
            run = Place(*layout.spans[numbers[0]][:2], *layout.spans[numbers[-1]][2:])
            yield _alphabet_test(_slice(run, "e{}"), content, names)


def _alphabet_test(data: str, content: Content, names: dict[str, Any], *, may_be_empty: bool = False) -> str:
    """`bytes.isdigit` knows ASCII only and is the quicker test, but calls nothing at all no digits."""
    if content is DIGITS and not may_be_empty:
        return f"{data}.isdigit()"
    name = f"J_{content.name}"
    names[name] = content.judge
    return f"{data}.translate({name}).isascii()"


def _slice(place: Place, anchor: str) -> str:
    return f"f[{':'.join(_ends(place, anchor))}]"


def _ends(place: Place, anchor: str = "e{}") -> tuple[str, str]:
    return _position(*place[:2], anchor), _position(*place[2:], anchor)


def _position(anchor: int, offset: int, name: str = "e{}") -> str:
    """Where something is; anchor 0 is the start of the frame and needs no name."""
    if not anchor:
        return str(offset)
    return f"{name.format(anchor)}+{offset}" if offset else name.format(anchor)


def _compiled(name: str, lines: list[str], names: dict[str, Any]) -> Callable[..., Any]:
    exec("\n".join(lines), names)
    function: Callable[..., Any] = names[name]
    return function
