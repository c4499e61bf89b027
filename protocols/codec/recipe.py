"""How to write a frame: stretches copied out of another frame, and values inserted.

Forwarding and answering change an element or two of some twenty, so a frame is
patched and never built again. Which stretches, and which bitmap, is worked out
once per set of changes; a message built from nothing is a recipe with no copies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from protocols.codec import quick
from protocols.codec.place import Anchors, Insert, Place
from protocols.codec.room import WORTH_COMPILING, make_room
from protocols.codec.spelling import Spelling
from protocols.errors import LocalProtocolError

if TYPE_CHECKING:
    from protocols.codec.codec import Codec

RECIPES_MAX: Final = 256  # stories ask for a handful of sets of changes; anything more is a mapping from outside

Key = tuple[object, ...]


class Recipe:
    """A bitmap, then pieces in the order of the elements; `given` is how many values it is handed."""

    __slots__ = ("bitmap", "given", "pieces", "uses")

    def __init__(self, bitmap: bytes, pieces: Sequence[Place | Insert], given: int) -> None:
        self.bitmap = bitmap
        self.given = given
        self.pieces = tuple(pieces)
        self.uses = 0

    def write(self, frame: bytes, at: Anchors, mti: bytes, values: Sequence[str | None]) -> bytes:
        """The new frame, piece by piece; LocalProtocolError says which value cannot be spelled."""
        parts = [mti, self.bitmap]
        for piece in self.pieces:
            parts.append(piece.of(frame, at) if isinstance(piece, Place) else piece.spelling.write(values[piece.which]))
        return b"".join(parts)


class Recipes:
    """The recipes for one layout that keep the same elements, by the elements they change.

    The quick functions only say yes; where one does not, or there is none, the recipe is
    followed slowly, which says what is wrong.
    """

    __slots__ = ("_codec", "_kept", "_known", "_quick", "_spans")

    def __init__(self, codec: Codec, kept: Iterable[int], spans: Mapping[int, Place]) -> None:
        self._codec = codec
        self._kept = frozenset(kept)
        self._spans = spans
        self._known: dict[Key, Recipe] = {}
        self._quick: dict[Key, Callable[..., bytes | None]] = {}

    def write(
        self, frame: bytes, at: Anchors, mti: bytes, changes: Mapping[int, str | None], may_drop: bool = True
    ) -> bytes:
        """A frame in which the changes hold; a None drops its element. `may_drop`: whether to expect one."""
        values = changes.values()
        key = _key_with_drops(changes) if may_drop and None in values else tuple(changes)
        try:
            written = self._quick[key](frame, at, mti, values)
        except (KeyError, AttributeError, TypeError):
            written = None
        return written or self._write_slowly(frame, at, mti, changes)

    def pieces(self, mti: bytes, values: Mapping[int, str], last: int, start: bytes) -> list[Place | bytes | None]:
        """What a frame is made of whose last value is to come: see `quick.pieces`."""
        changes: dict[int, str | None] = {**values, last: ""}
        return quick.pieces(self._recipe(changes), mti, tuple(values.values()), start)

    def _write_slowly(self, frame: bytes, at: Anchors, mti: bytes, changes: Mapping[int, str | None]) -> bytes:
        values = tuple(changes.values())
        key = _key_with_drops(changes) if None in values else tuple(changes)
        recipe = self._known.get(key) or self._learn(key, changes)
        written = recipe.write(frame, at, mti, values)
        recipe.uses += 1
        if recipe.uses == WORTH_COMPILING:
            make_room(self._quick, RECIPES_MAX)
            self._quick[key] = quick.writer(recipe)
        return written

    def _learn(self, key: Key, changes: Mapping[int, str | None]) -> Recipe:
        make_room(self._known, RECIPES_MAX)
        recipe = self._known[key] = self._recipe(changes)
        return recipe

    def _recipe(self, changes: Mapping[int, str | None]) -> Recipe:
        """Which of the changes are dropped matters here, but not to what the others are set."""
        given = {number: Insert(which, self._spelling(number)) for which, number in enumerate(changes)}
        inserts = {number: insert for number, insert in given.items() if changes[number] is not None}
        numbers = sorted((self._kept - given.keys()) | inserts.keys())
        if not numbers:
            raise LocalProtocolError("a message has at least one element")
        pieces = [inserts.get(number) or self._spans[number] for number in numbers]
        return Recipe(self._codec.bitmaps.write(numbers), _joined(pieces), given=len(given))

    def _spelling(self, number: int) -> Spelling:
        try:
            return self._codec.spellings[number]
        except KeyError:
            raise LocalProtocolError(f"DE {number} is not an element of {self._codec.dialect.name}") from None


def _key_with_drops(changes: Mapping[int, str | None]) -> Key:
    """Two sets of changes that drop differently are two recipes."""
    return tuple((number, value is None) for number, value in changes.items())


def _joined(pieces: Iterable[Place | Insert]) -> list[Place | Insert]:
    """Neighbouring stretches as one."""
    joined: list[Place | Insert] = []
    for piece in pieces:
        last = joined[-1] if joined else None
        both = last.joined(piece) if isinstance(last, Place) and isinstance(piece, Place) else None
        if both:
            joined[-1] = both
        else:
            joined.append(piece)
    return joined
