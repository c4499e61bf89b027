"""Writes Python functions for one layout or one recipe, out of what was planned for it.

A function written for one bitmap has no loop, no table of elements and no
decision left in it: neighbouring elements of one alphabet are one slice and one
test. It only ever says yes; on anything else it returns None or raises KeyError,
and the caller asks the slow path for the reason. The source is made of numbers
and of names chosen here, never of anything a peer sent.
"""

from __future__ import annotations

from binascii import unhexlify
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from protocols.codec.charset import ANY, DIGITS, HEX, Content
from protocols.codec.place import Insert, Place
from protocols.codec.spelling import Joint, Spelling
from protocols.compiled import function as beforehand
from protocols.message import Message

if TYPE_CHECKING:
    from protocols.codec.layout import Layout
    from protocols.codec.recipe import Recipe


def reader(layout: Layout) -> Callable[[bytes], Message | None]:
    """`read(frame)`: the message in a frame that reads and begins like this layout's.

    A length prefix that is not in the table of allowed ones raises KeyError. Slices past
    the end are short without a word, so the one test of the end comes first: anchors only grow.
    """
    names, lines = _tested(layout, "read")
    names |= {"Message": Message, "layout": layout}
    return _compiled("read", [*lines, f"        return Message(f, layout, ({_anchors(layout)},))"], names)


def gate(layout: Layout, runs: tuple[tuple[int, ...], ...]) -> Callable[[bytes], tuple[Any, ...] | None]:
    """`enter(frame)`: what `reader` and `picker` find, in one go and without a Message: (anchors, *runs).

    A run is the values of some elements as one text; of a run of several, those of variable length with their
    prefixes, so that no two sets of values look alike. Every element must be plain text as it stands.
    """
    names, lines = _tested(layout, "enter")
    lines += ["        t = f.decode('latin-1')"]
    lines += [f"        return (({_anchors(layout)},), {', '.join(_run(layout, run) for run in runs)},)"]
    return _compiled("enter", lines, names)


def _anchors(layout: Layout) -> str:
    """The anchors of a frame, each named where it was found; a comma must follow."""
    variable = sum(1 for spelling in layout.spellings if spelling.prefix_width)
    return ", ".join(["0", *(f"e{which}" for which in range(1, variable + 1))])


def _tested(layout: Layout, name: str) -> tuple[dict[str, Any], list[str]]:
    """The beginning of a function of a frame: find the anchors, test everything; inside its `if` the frame reads."""
    names: dict[str, Any] = {}
    anchors, tests = 0, list[str]()
    lines = [f"def {name}(f):"]
    end = "0"
    for spelling in layout.spellings:
        number, (anchor, offset, _, _) = spelling.number, layout.spans[spelling.number]
        if spelling.prefix_width:
            names[f"S{number}"] = spelling.sizes
            data = _position(anchor, offset + spelling.prefix_width)
            anchors += 1
            lines.append(f"    e{anchors} = {data} + S{number}[f[{_position(anchor, offset)}:{data}]]")
        tests += _own_tests(layout, spelling, names)
        end = _position(*layout.spans[number][2:])
    tests = [f"len(f) == {end}", *_runs(layout, names), *tests]
    return names, [*lines, f"    if {' and '.join(tests)}:"]


def _run(layout: Layout, numbers: tuple[int, ...]) -> str:
    """The expression for the values of some elements as one text; neighbours are one slice."""
    joined: list[Place] = []
    for number in numbers:
        place = (layout.spans if len(numbers) > 1 else layout.places)[number]
        both = joined[-1].joined(place) if joined else None
        joined[-1:] = [both] if both else [*joined[-1:], place]
    return " + ".join(_slice(place, "e{}", of="t") for place in joined) or "''"


def picker(layout: Layout, numbers: tuple[int, ...]) -> Callable[[Message], tuple[str | None, ...]]:
    """`pick(message)`: the values of several elements at once."""
    names: dict[str, Any] = {}
    parts = []
    for number in numbers:
        if number in layout.texts:
            parts.append(_slice(layout.places[number], "at[{}]", of="t"))
        else:
            parts.append(f"m.get({number})" if number in layout.places else "None")
    lines = ["def pick(m):", "    t, at = m._text, m._at", f"    return ({''.join(f'{part}, ' for part in parts)})"]
    return _compiled("pick", lines, names)


def writer(recipe: Recipe) -> Callable[..., bytes | None]:
    """`write(frame, at, mti, values)`: the new frame, when every value can be spelled.

    Values of one alphabet that are neighbours are joined as text, encoded once and tested once.
    A character that is not ASCII becomes bytes that no alphabet holds.
    """
    names: dict[str, Any] = {"B": recipe.bitmap, "join": b"".join, "text": "".join}
    parts, lines, tests = ["m", "B"], list[str](), list[str]()
    for joint, pieces in groupby(recipe.pieces, key=_joint):
        if joint is None:
            parts += [_unjoined(piece, names) for piece in pieces]
        else:
            inserts = [piece for piece in pieces if isinstance(piece, Insert)]
            run = f"r{len(lines)}"
            parts.append(_finished(run, joint, names))
            # Upper case is made of bytes, not of text: there are letters outside ASCII whose capitals are FF.
            case = ".upper()" if joint.content is HEX else ""
            lines.append(f"    {run} = {_joined(inserts, names)}.encode(){case}")
            tests += [*_size_and_form_tests(inserts, names), _alphabet_test(run, joint.content, names)]
    unpacked = [f"    {', '.join(f'v{which}' for which in range(recipe.given))}, = values"] if recipe.given else []
    lines += [f"    if {' and '.join(tests) or 'True'}:", f"        return join(({', '.join(parts)}))"]
    return _compiled("write", ["def write(f, at, m, values):", *unpacked, *lines], names)


def pieces(recipe: Recipe, mti: bytes, values: tuple[str, ...], start: bytes) -> list[Place | bytes | None]:
    """What a frame is made of, of which all values but the last are given now: None stands for that one.

    `start` is what every frame begins with that this is for: where the new one begins the same, it is one stretch.
    """
    found: list[Place | bytes | None] = [mti + recipe.bitmap]
    if found[0] == start:
        found = [Place(0, 0, 0, len(start))]
    for piece in recipe.pieces:
        last = found[-1]
        if isinstance(piece, Insert) and piece.which < len(values):
            fixed = piece.spelling.write(values[piece.which])
            found[-1:] = [last + fixed] if isinstance(last, bytes) else [last, fixed]
        elif isinstance(piece, Insert):
            found.append(None)
        elif isinstance(last, Place) and (both := last.joined(piece)):
            found[-1] = both
        else:
            found.append(piece)
    return found


def filler(made_of: Sequence[Place | bytes | None]) -> Callable[..., bytes]:
    """`fill(frame, at, last)`: the new frame from its `pieces`.

    The last value comes as the bytes it is on the wire, and nothing is tested: it must be known to be right.
    """
    names: dict[str, Any] = {}
    parts = []
    for which, part in enumerate(made_of):
        if isinstance(part, bytes):
            names[f"B{which}"] = part
        parts.append(_slice(part, "e{}") if isinstance(part, Place) else "v" if part is None else f"B{which}")
    anchors = max((max(part[0], part[2]) for part in made_of if isinstance(part, Place)), default=0)
    lines = [f"    {', '.join(['_', *(f'e{which + 1}' for which in range(anchors))])}, *_ = at"] if anchors else []
    if len(parts) > 4:
        names["join"] = b"".join
        return _compiled("fill", ["def fill(f, at, v):", *lines, f"    return join(({', '.join(parts)}))"], names)
    return _compiled("fill", ["def fill(f, at, v):", *lines, f"    return {' + '.join(parts)}"], names)


def _own_tests(layout: Layout, spelling: Spelling, names: dict[str, Any]) -> Iterator[str]:
    """What the alphabet of a run does not say of an element: its form, or the pad beside its digits."""
    number, place = spelling.number, layout.places[spelling.number]
    if spelling.form and spelling.is_text:
        names[f"F{number}"] = spelling.form.fullmatch
        yield f"F{number}(f, {', '.join(_ends(place))})"
    elif spelling.needs_itself:
        names[f"H{number}"] = spelling.holds
        prefix = Place(*layout.spans[number][:2], *place[:2])
        yield f"H{number}({_slice(place, 'e{}')}, {_slice(prefix, 'e{}')})"
    elif spelling.pad:
        is_left, digit = spelling.pad
        at = _position(*place[:2]) if is_left else _position(place.to_anchor, place.to_offset - 1)
        yield f"f[{at}] {'>> 4' if is_left else '& 15'} == {digit}"


def _joint(piece: Place | Insert) -> Joint | None:
    """How a value goes to the wire with its neighbours; None of what is copied or converted by itself."""
    return piece.spelling.joint if isinstance(piece, Insert) else None


def _finished(run: str, joint: Joint, names: dict[str, Any]) -> str:
    """The bytes of a run that was written in ASCII and has passed its test."""
    if joint.finish == "translate":
        names[f"T_{joint.key}"] = joint.table
        return f"{run}.translate(T_{joint.key})"
    if joint.finish == "unhex":
        names["unhex"] = unhexlify
        return f"unhex({run})"
    return run


def _unjoined(piece: Place | Insert, names: dict[str, Any]) -> str:
    if isinstance(piece, Place):
        return _slice(piece, "at[{}]")
    names[f"W{piece.which}"] = piece.spelling.write
    return f"W{piece.which}(v{piece.which})"


def _joined(inserts: list[Insert], names: dict[str, Any]) -> str:
    """Neighbouring values with their length prefixes; a length that is not allowed raises KeyError."""
    parts = []
    for which, spelling in inserts:
        if spelling.prefix_width:
            names[f"P{which}"] = spelling.prefixes
            parts.append(f"P{which}[len(v{which})]")
        elif spelling.pad:
            parts.append(repr(str(spelling.pad[1])))
        parts.append(f"v{which}")
    return f"text(({', '.join(parts)}))" if len(parts) > 1 else parts[0]


def _size_and_form_tests(inserts: list[Insert], names: dict[str, Any]) -> Iterator[str]:
    for which, spelling in inserts:
        if not spelling.prefix_width:
            yield f"len(v{which}) == {spelling.characters}"
        if spelling.form:
            names[f"F{which}"] = spelling.form.fullmatch
            yield f"F{which}(v{which}.encode())"


def _runs(layout: Layout, names: dict[str, Any]) -> Iterator[str]:
    """One test for every run of neighbours of one alphabet.

    Length prefixes are mostly made of the alphabet's own bytes, so they do not break a run;
    where they are not, a run begins behind one. What else is printable does not break a run
    of printable text either: it has its own test, and one long test is quicker than two
    short ones.
    """
    for run in _neighbours(layout.spellings, attrgetter("content")):
        content = run[0].content
        if content is not ANY and content is not run[0].printable:
            yield _run_test(layout, run, content, names)
    for run in _neighbours(layout.spellings, attrgetter("printable")):
        printable = run[0].printable
        texts = _from_first_to_last(printable, run) if printable else []
        if printable and texts:
            yield _run_test(layout, texts, printable, names)


def _neighbours(spellings: Iterable[Spelling], key: Callable[[Spelling], Content | None]) -> Iterator[list[Spelling]]:
    """Those that follow each other with the same key, and without a strange prefix between them."""
    run: list[Spelling] = []
    for spelling in spellings:
        if run and not (key(run[-1]) is key(spelling) and spelling.is_prefix_content):
            yield run
            run = []
        run.append(spelling)
    if run:
        yield run


def _from_first_to_last(content: Content, spellings: list[Spelling]) -> list[Spelling]:
    """Those between the first and the last of this alphabet, and these."""
    which = [index for index, spelling in enumerate(spellings) if spelling.content is content]
    return spellings[which[0] : which[-1] + 1] if which else []


def _run_test(layout: Layout, run: list[Spelling], content: Content, names: dict[str, Any]) -> str:
    first = layout.spans if run[0].is_prefix_content else layout.places
    whole = Place(*first[run[0].number][:2], *layout.spans[run[-1].number][2:])
    return _alphabet_test(_slice(whole, "e{}"), content, names)


def _alphabet_test(data: str, content: Content, names: dict[str, Any]) -> str:
    """Of data that is never empty. `bytes.isdigit` knows ASCII only, and is quicker than a table."""
    if content is DIGITS:
        return f"{data}.isdigit()"
    names[f"J_{content.key}"] = content.judge
    return f"{data}.translate(J_{content.key}).isascii()"


def _slice(place: Place, anchor: str, of: str = "f") -> str:
    return f"{of}[{':'.join(_ends(place, anchor))}]"


def _ends(place: Place, anchor: str = "e{}") -> tuple[str, str]:
    return _position(*place[:2], anchor), _position(*place[2:], anchor)


def _position(anchor: int, offset: int, name: str = "e{}") -> str:
    """Where something is; anchor 0 is the start of the frame and needs no name."""
    if not anchor:
        return str(offset)
    return f"{name.format(anchor)}+{offset}" if offset else name.format(anchor)


def _compiled(name: str, lines: list[str], names: dict[str, Any]) -> Callable[..., Any]:
    source = "\n".join(lines)
    if (maker := beforehand(source)) is not None:
        return maker(names)
    exec(source, names)
    function: Callable[..., Any] = names[name]
    return function
