"""A make of frames: one layout, one set of lengths. What their pieces are, and what is asked of the pieces.

Pure. A make is made of one frame that was plain; whether others are like it is asked a column at a time, and with
as few calls as the questions allow. What is done with those that are is told in `convoy`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain, repeat
from typing import TYPE_CHECKING, Final, NamedTuple

from protocols import elements as de
from protocols.codec.charset import ANY, DIGITS, Content
from protocols.codec.mould import Mould, Seam, sewn
from protocols.codec.place import Anchors, Place
from protocols.codes import APPROVED
from protocols.pan import all_luhn_valid
from protocols.values import NO_NUMBER
from switch.lane import AnswerLane, Lane, Plan, deciding

if TYPE_CHECKING:
    from protocols.codec.layout import Layout
    from protocols.codec.spelling import Spelling

KINDS_MAX: Final = 4096  # of one make: merchants, mostly
SEEN_MAX: Final = 4096  # moments of DE 7, 12 and 13
PATIENCE_MAX: Final = 64  # convoys that are not tried any more, where the last ones did not set out

NOTHING: Final = b"000000000000"
NO_STAN: Final = NO_NUMBER.encode()
APPROVAL_CODE: Final = APPROVED.encode()

#: What pieces are for. Neighbours of one of the first four parts are one piece.
SAME, KIND, CLOCK, TESTED = "same", "kind", "clock", "tested"
PAN_HEAD, PAN_REST, AMOUNT, MOMENT, STAN, TERMINAL = "pan head", "pan rest", "amount", "moment", "stan", "terminal"
PRIVATE, TRACK, CHIP, APPROVAL, RESPONSE = "private", "track", "chip", "approval", "response"

JOINING: Final = frozenset({SAME, KIND, CLOCK, TESTED})
NOT_TESTED: Final = frozenset({SAME, KIND, CLOCK, MOMENT})  # but compared with one that was

OF_A_REQUEST: Final = {
    de.LOCAL_TIME: CLOCK,
    de.LOCAL_DATE: CLOCK,
    de.AMOUNT: AMOUNT,
    de.TRANSMITTED_AT: MOMENT,
    de.STAN: STAN,
    de.TERMINAL_ID: TERMINAL,
    de.PRIVATE_DATA: PRIVATE,
    de.TRACK_2: TRACK,
    de.ICC_DATA: CHIP,
}
OF_AN_ANSWER: Final = {
    de.STAN: STAN,
    de.AMOUNT: AMOUNT,
    de.TERMINAL_ID: TERMINAL,
    de.APPROVAL_CODE: APPROVAL,
    de.RESPONSE_CODE: RESPONSE,
}

Column = Sequence[bytes]
Columns = Sequence[tuple[bytes, ...]]


class Piece(NamedTuple):
    """A stretch of a frame: what it is for, and what it may be made of."""

    part: str
    place: Place
    content: Content


class Pieces:
    """Frames of one make as columns; every part is a list of columns."""

    __slots__ = ("_cut", "_same", "_tests", "mould", "parts")

    def __init__(self, pieces: Sequence[Piece], mould: Mould, example: bytes) -> None:
        self.mould = mould
        self._cut = mould.cutter(piece.place for piece in pieces)
        self.parts: dict[str, list[int]] = {}
        tests: dict[Content, list[int]] = {}
        for which, piece in enumerate(pieces):
            self.parts.setdefault(piece.part, []).append(which)
            if piece.part not in NOT_TESTED and piece.content is not ANY:
                tests.setdefault(piece.content, []).append(which)
        values = self._cut(example)
        self._same = [(which, values[which]) for which in self.parts[SAME]]
        self._tests = list(tests.items())

    def columns(self, frames: Sequence[bytes]) -> Columns | None:
        """The frames in columns, when they begin alike and are made of what they may be."""
        columns = list(zip(*map(self._cut, frames), strict=True))
        for which, value in self._same:
            if columns[which].count(value) != len(frames):
                return None
        for content, those in self._tests:
            joined = b"".join(chain.from_iterable([columns[which] for which in those]))
            if not (joined.isdigit() if content is DIGITS else joined.translate(content.judge).isascii()):
                return None
        return columns

    def joined(self, part: str, columns: Columns) -> Column:
        """All columns of a part as one."""
        those = [columns[which] for which in self.parts[part]]
        return those[0] if len(those) == 1 else sewn(those)


def _pieces(layout: Layout, parts: Mapping[int, str], head: int) -> list[Piece] | None:
    """A frame's pieces from its beginning to its end; None: one of them cannot be judged by its alphabet alone.

    `head` is how much of a card number says whose it is: that is a piece of its own.
    """
    found = [Piece(SAME, Place(0, 0, 0, len(layout.head)), ANY)]
    for spelling in layout.spellings:
        span, place = layout.spans[spelling.number], layout.places[spelling.number]
        part = parts.get(spelling.number, TESTED)
        if part == KIND:
            _append(found, Piece(KIND, span, ANY))
            continue
        if not _is_judged_by_its_alphabet(spelling):
            return None
        if spelling.prefix_width:
            _append(found, Piece(SAME, Place(*span[:2], *place[:2]), ANY))
        if spelling.number == de.PAN and head:
            middle = place.from_anchor, place.from_offset + head
            found.append(Piece(PAN_HEAD, Place(*place[:2], *middle), spelling.content))
            found.append(Piece(PAN_REST, Place(*middle, *place[2:]), spelling.content))
        else:
            _append(found, Piece(part, place, spelling.content))
    return found


def _append(found: list[Piece], piece: Piece) -> None:
    last = found[-1]
    both = last.place.joined(piece.place) if (last.part, last.content) == (piece.part, piece.content) else None
    if both is not None and piece.part in JOINING:
        found[-1] = piece._replace(place=both)
    else:
        found.append(piece)


def _is_judged_by_its_alphabet(spelling: Spelling) -> bool:
    plain = spelling.is_text or spelling.is_hex_text or spelling.content is ANY
    return plain and not (spelling.form or spelling.needs_itself or spelling.pad)


class RequestMake:
    """Requests of one lane with one set of lengths."""

    __slots__ = (
        *("_clocks", "_pieces", "_plans", "_seams", "amount", "answer", "at", "lane", "moment", "terminal"),
        *("_head", "_key_head", "_kind", "_stan", "trust"),
    )

    def __init__(self, lane: Lane, at: Anchors, pieces: Sequence[Piece], example: bytes) -> None:
        mould = Mould(at, len(example))
        self.lane = lane
        self.at = at
        self.answer = mould.seam(lane.answered)
        self.trust = Trust()
        self._key_head = lane.key_head.encode()
        self._pieces = Pieces(pieces, mould, example)
        parts = self._pieces.parts
        self.amount, self.moment, self._stan = parts[AMOUNT][0], parts[MOMENT][0], parts[STAN][0]
        self.terminal = parts[TERMINAL][0]
        self._head, self._kind = parts[PAN_HEAD][0], list(parts[KIND])
        if de.TERMINAL_ID in deciding(lane.participant):
            self._kind.append(self.terminal)
        self._plans: dict[bytes, Plan] = {}
        self._clocks = [(which, set[bytes]()) for which in (self.moment, *parts.get(CLOCK, ()))]
        self._seams: dict[Plan, tuple[Seam, Seam]] = {}

    def columns(self, frames: Sequence[bytes]) -> Columns | None:
        """The frames in columns, when each is a plain request as far as itself can say."""
        pieces = self._pieces
        columns = pieces.columns(frames)
        if columns is None or NOTHING in columns[self.amount] or NO_STAN in columns[self._stan]:
            return None
        lane, parts = self.lane, pieces.parts
        pans = pieces.joined(PAN_HEAD, columns), pieces.joined(PAN_REST, columns)
        if not all_luhn_valid(b"".join(chain.from_iterable(zip(*pans, strict=True))), len(frames)):
            return None
        if PRIVATE in parts:
            for text in set(columns[parts[PRIVATE][0]]):
                private = text.decode()
                if not lane.is_shaped(private) and not lane.takes(private):
                    return None
        if (TRACK in parts or CHIP in parts) and not self._read_one_card(pans, columns):
            return None
        return columns

    def _read_one_card(self, pans: tuple[Column, Column], columns: Columns) -> bool:
        """Whether what was read from the cards is of the cards that are named."""
        parts, nothing = self._pieces.parts, repeat(b"")
        tracks = columns[parts[TRACK][0]] if TRACK in parts else nothing
        chips = columns[parts[CHIP][0]] if CHIP in parts else nothing
        return all(
            self.lane.reads_one_card((head + rest).decode(), track.decode(), chip.decode())
            for head, rest, track, chip in zip(*pans, tracks, chips)  # noqa: B905 (nothing, for ever)
        )

    def plans(self, columns: Columns, frames: Sequence[bytes], wall: float) -> list[Plan] | None:
        """The plan for each, when there is one for all."""
        known = self._plans
        if len(known) > KINDS_MAX:
            known.clear()
        families = map(self.lane.families.__getitem__, columns[self._head])
        kinds = sewn([families, *(columns[which] for which in self._kind)])
        if not all(map(known.__contains__, kinds)):
            for kind, frame in zip(kinds, frames, strict=True):
                if kind not in known and not self._learn(kind, frame, wall):
                    return None
        for which, seen in self._clocks:
            if not seen.issuperset(columns[which]):
                if len(seen) > SEEN_MAX:
                    seen.clear()
                for kind, time, frame in zip(kinds, columns[which], frames, strict=True):
                    if time not in seen and not self._learn(kind, frame, wall):
                        return None
                    seen.add(time)
        return list(map(known.__getitem__, kinds))

    def _learn(self, kind: bytes, frame: bytes, wall: float) -> bool:
        """Ask the lane about a frame that has something new."""
        lane, found = self.lane, self.lane.gate(frame)
        if found is None:
            return False
        _, pan, _, _, _, repeating, *_ = found
        plan = lane.plan(pan[: lane.prefix] + repeating, pan, repeating, frame, wall)
        if plan is None:
            return False
        self._plans[kind] = plan
        return True

    def knowns(self, columns: Columns) -> list[bytes]:
        """The key of each."""
        return sewn([repeat(self._key_head), columns[self.moment], columns[self._stan], columns[self.terminal]])

    def seconds(self, columns: Columns) -> set[str]:
        """What keys of theirs begin with, down to the second."""
        return {self.lane.key_head + moment.decode() for moment in set(columns[self.moment])}

    def seams(self, plan: Plan) -> tuple[Seam, Seam]:
        """How frames to the issuer are written, and what is kept of them."""
        seams = self._seams.get(plan)
        if seams is None:
            mould = self._pieces.mould
            seams = self._seams[plan] = mould.seam(plan.forwarded), mould.seam(plan.kept)
        return seams


class AnswerMake:
    """Approvals of one answer lane with one set of lengths."""

    __slots__ = ("_approved", "_pieces", "amount", "approval", "lane", "stan", "terminal", "trust")

    def __init__(self, lane: AnswerLane, at: Anchors, pieces: Sequence[Piece], example: bytes) -> None:
        self.lane = lane
        self.trust = Trust()
        self._pieces = Pieces(pieces, Mould(at, len(example)), example)
        parts = self._pieces.parts
        self.stan, self.amount, self.terminal = parts[STAN][0], parts[AMOUNT][0], parts[TERMINAL][0]
        self.approval, self._approved = parts[APPROVAL][0], parts[RESPONSE][0]

    def columns(self, frames: Sequence[bytes]) -> Columns | None:
        """The frames in columns, when each is an approval as far as itself can say."""
        columns = self._pieces.columns(frames)
        if columns is None or columns[self._approved].count(APPROVAL_CODE) != len(frames):
            return None
        return columns


class Trust:
    """Whether a make is worth trying: where its convoys do not set out, the next ones are not even looked at."""

    __slots__ = ("_fewer", "_left")

    def __init__(self) -> None:
        self._fewer = 0
        self._left = 0

    def tries(self) -> bool:
        """Whether to try now."""
        if self._left:
            self._left -= 1
            return False
        return True

    def learn(self, carried: int, count: int) -> None:
        """What came of trying: how many of how many."""
        self._fewer = 0 if carried * 2 >= count else min(PATIENCE_MAX, self._fewer * 2 + 1)
        self._left = self._fewer


def request_make(lane: Lane, frame: bytes) -> RequestMake | None:
    """The make of this frame; None: it is not plain, or there can be no columns of its like."""
    found = lane.gate(frame)
    if found is None or len(found[1]) <= lane.prefix:
        return None
    kinds = dict.fromkeys((*deciding(lane.participant), de.ACQUIRER_COUNTRY), KIND)
    pieces = _pieces(lane.layout, {**kinds, **OF_A_REQUEST}, lane.prefix)
    return None if pieces is None else RequestMake(lane, found[0], pieces, frame)


def answer_make(lane: AnswerLane, frame: bytes) -> AnswerMake | None:
    """The make of this answer; None: it does not read, or there can be no columns of its like."""
    found = lane.gate(frame)
    pieces = _pieces(lane.layout, OF_AN_ANSWER, 0)
    return None if found is None or pieces is None else AnswerMake(lane, found[0], pieces, frame)
