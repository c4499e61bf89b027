"""The lane: what is known beforehand of a plain request, so that most of them need no story of their own.

A request is plain when nothing about it has to wait but its issuer: no PIN to translate, no currency to
convert, no private data to rewrite. Whether it is, and what its issuer is told differently, depends on few of
its elements, its *kind*. The first of a kind is told as a story, up to the question; what the story asked is
the plan for all others of the kind. Nothing is decided here that a story would decide otherwise: the records and
the frames are the same, byte for byte, and a transaction that turns out not to be plain after all (declined, late,
repeated, taken back) becomes a story at that moment, as if it had always been one.

Pure. What happens to requests that take the lane is told in `express`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from protocols import elements as de
from protocols import mti
from protocols.channel import CONTACTLESS
from protocols.codec.quick import filler
from protocols.codec.room import make_room
from protocols.codes import APPROVED
from protocols.participant import Participant
from protocols.subelements import PARTIAL_APPROVAL, parse, shape
from protocols.tlv import names_only
from protocols.tlv import shape as chip_shape
from protocols.values import fault, is_run, is_run_or_foreign
from switch.checks import track_names
from switch.mandatory import MANDATORY
from switch.records import AnsweredForm, Sent, SentForm, unpack
from switch.replies import MATCHED
from switch.request import FACTS, Request
from switch.stories import STORIES
from switch.story import Ask, Story, Verdict
from switch.transaction import Transaction

if TYPE_CHECKING:
    from protocols.codec.layout import Layout
    from protocols.codec.place import Anchors
    from protocols.message import Message
    from switch.configuration import Configuration
    from switch.ends import IssuerEnd, LinkEnd
    from switch.make import AnswerMake, RequestMake
    from switch.product import Issued
    from switch.routing import Routes

#: `fill(frame, at, value)`: a frame in which one value is new; see `protocols.codec.quick.filler`.
Filler = Callable[..., bytes]

#: What is found in a request: anchors, then the runs that `lane_of` asks for; and in an answer.
RequestGate = Callable[[bytes], "tuple[Anchors, str, str, str, str, str, str, str, str] | None"]
AnswerGate = Callable[[bytes], "tuple[Anchors, str, str, str, str, str] | None"]

#: The requests that can be plain.
TYPES: Final = frozenset({"0100", "0200"})

#: What a plain request carries besides what is mandatory: a number of its asker's that comes back in the answer.
NEEDED: Final = frozenset({*MANDATORY["0100"], de.RRN})

#: What no plain request carries: each goes another way. A PIN block may be there where nobody has to translate it.
UNUSUAL: Final = frozenset({de.TRACK_1, de.ORIGINAL, de.REPLACEMENT_AMOUNTS, de.MAC, de.MAC_2})

#: By these, with the product of the card, a request is of its kind: all that a refusal of the network's own and
#: the changes towards the issuer depend on. `tests/switch/test_lane.py` holds the rules to it.
DECIDING: Final = (
    *(de.PROCESSING_CODE, de.EXPIRY, de.MERCHANT_TYPE, de.POS_ENTRY_MODE, de.POS_CONDITION_CODE),
    *(de.ACQUIRER_ID, de.FORWARDER_ID, de.CARD_ACCEPTOR_ID, de.CURRENCY),
)

#: What else repeats from one request to the next within a second: seen once, and it can be, it can be again.
REPEATING: Final = (de.TRANSMITTED_AT, de.LOCAL_TIME, de.LOCAL_DATE, de.ACQUIRER_COUNTRY)

#: A stored card number is e-commerce or not by what DE 48 says, and a tap needs a PIN by its amount: not by their kind
#: alone.
NOT_BY_KIND: Final = CONTACTLESS | {"10"}

#: What a plan may tell the issuer differently: the same for all of a kind.
STAMPED: Final = frozenset({de.MERCHANT_TYPE, de.ACQUIRER_ID, de.FORWARDER_ID})

KINDS_MAX: Final = 4096  # of one product of one issuer, from one participant: merchants, mostly
HEADS_MAX: Final = 65_536  # beginnings of card numbers: some ten megabytes
ROUTINES_MAX: Final = 16_384  # kinds of a few seconds: it is emptied when it is full, and filled again in no time


class Plan:
    """What is the same for all requests of a kind, once the first of them was told as a story."""

    __slots__ = ("answered", "approved", "forward", "forwarded", "issuer", "keep", "kept", "name", "sent")

    def __init__(self, lane: Lane, issuer: IssuerEnd, changes: dict[int, str | None]) -> None:
        layout, name = lane.layout, issuer.participant.id
        given = {number: value for number, value in changes.items() if value is not None}
        self.issuer = issuer
        self.name = name
        self.approved = issuer.approved.setdefault((lane.participant.id, lane.mti), [0])
        self.forwarded = layout.patches.pieces(lane.head, given, de.STAN, layout.head)
        self.kept = layout.keepsakes.pieces(lane.head, given, de.STAN, layout.head)
        self.forward: Filler = filler(self.forwarded)
        self.keep: Filler = filler(self.kept)
        self.sent = SentForm(lane.participant.id, lane.mti, name, layout.codec.dialect.name)
        self.answered = AnsweredForm(lane.participant.id, lane.mti, name, layout.codec.dialect.name)


class Families(dict[bytes, bytes]):
    """What a plan depends on of a card number: its product, its issuer and its currency, by how the number begins.

    Filled as they are asked for; of many prefixes, or long ones, each costs one look at the routes.
    """

    def __init__(self, routes: Routes) -> None:
        super().__init__()
        self._routes = routes

    def __missing__(self, head: bytes) -> bytes:
        issued = self._routes.find(head.decode())
        if len(self) >= HEADS_MAX:
            self.clear()
        found = self[head] = b"" if issued is None else _family(issued)
        return found


def _family(issued: Issued) -> bytes:
    """All prefixes of one product from one issuer share their kinds: nothing that a plan says depends on more."""
    return f"{issued.product.id}/{issued.issuer}/{issued.currency}/".encode()


def _nothing(_text: str) -> None:
    """No shape is usual yet."""


class Lane:
    """What is the same for all requests of one layout from one participant."""

    __slots__ = (
        "_ends",
        "_is_shaped_chip",
        "_kinds",
        "_network",
        "_plans",
        "_seen",
        "answer",
        "answer_mti",
        "answered",
        "families",
        "gate",
        "head",
        "is_shaped",
        "key_head",
        "layout",
        "makes",
        "mti",
        "participant",
        "prefix",
        "private_data",
        "routines",
    )

    def __init__(
        self,
        layout: Layout,
        gate: RequestGate,
        participant: Participant,
        network: Configuration,
        ends: Mapping[str, IssuerEnd],
    ) -> None:
        self.layout = layout
        self.gate = gate
        self.participant = participant
        self.mti = layout.mti
        self.head = layout.mti_on_the_wire
        self.answer_mti = mti.answer_to(layout.mti)
        approved = {de.RESPONSE_CODE: APPROVED}
        self.answered = layout.answers.pieces(
            layout.codec.mti_on_the_wire(self.answer_mti), approved, de.APPROVAL_CODE, layout.head
        )
        self.answer: Filler = filler(self.answered)
        self.key_head = f"{participant.id}/{layout.mti[1]}/"
        self.private_data = is_run_or_foreign if participant.laboratory else is_run
        self._is_shaped_chip: Callable[[str], re.Match[str] | None] = _nothing
        self.is_shaped: Callable[[str], object] = _nothing  # whether DE 48 is a run of the usual shape
        self.prefix = network.routes.longest
        self.routines: dict[str, Plan] = {}  # beginning of a card number, and all that repeats -> the plan
        self.makes: dict[int, RequestMake | None] = {}  # by length of a frame; see `make`
        self._seen: dict[str, str] = {}  # all that repeats -> the kind it makes, once it was found to be without fault
        self._kinds: dict[bytes, dict[str, Plan | None]] = {}  # by family
        self.families = Families(network.routes)
        self._plans: dict[tuple[str, tuple[tuple[int, str | None], ...]], Plan] = {}  # kinds share theirs: few differ
        self._network = network
        self._ends = ends

    def takes(self, private: str) -> bool:
        """Whether a plain request may carry this DE 48; then more of its shape are expected.

        Not one that says whether a part will do: what its issuer hears of that is the agreement's to say.
        """
        found = shape(private)
        if found is None:
            return PARTIAL_APPROVAL not in private and self.private_data(private)
        if PARTIAL_APPROVAL in parse(private):
            return False
        self.is_shaped = found.fullmatch
        return True

    def reads_one_card(self, card_number: str, track: str, chip: str) -> bool:
        """Whether track 2 and chip, where they were read, are of the card that DE 2 names; False also where it takes
        more than a look to say so."""
        if track and not track_names(track, card_number):
            return False
        if not chip:
            return True
        found = self._is_shaped_chip(chip)
        if found is None:
            pattern = chip_shape(chip)
            if pattern is None:
                return False
            self._is_shaped_chip = pattern.fullmatch
            found = pattern.fullmatch(chip)
            assert found is not None
        return names_only(card_number, found)

    def plan(self, routine: str, pan: str, repeating: str, frame: bytes, wall: float) -> Plan | None:
        """The plan for a request of which not all that repeats has been seen; None: it is not plain.

        `pan` and `repeating` as the gate found them. A second or a prefix that is new costs a few looks; only a kind
        that is new is read as a message, and told.
        """
        issued = self._network.routes.find(pan)
        if issued is None:
            return None
        message = None
        if (kind := self._seen.get(repeating)) is None:
            message = self.layout.codec.dialect.decode(frame)
            if fault(message, wall, self.private_data) is not None:
                return None
            kind = "/".join([str(message.get(number)) for number in deciding(self.participant)])
            if len(self._seen) >= ROUTINES_MAX:
                self._seen.clear()
            self._seen[repeating] = kind
        kinds = self._kinds.setdefault(_family(issued), {})
        if kind not in kinds:
            make_room(kinds, KINDS_MAX)
            kinds[kind] = self._plan(message or self.layout.codec.dialect.decode(frame), wall)
        plan = kinds[kind]
        if plan is not None:
            if len(self.routines) >= ROUTINES_MAX:
                self.routines.clear()
            self.routines[routine] = plan
        return plan

    def _plan(self, message: Message, wall: float) -> Plan | None:
        if (message.pos_entry_mode or "")[:2] in NOT_BY_KIND:
            return None
        request = self.request(message, wall)
        changes = question(request, self._network)
        if changes is None or not changes.keys() <= STAMPED:
            return None
        assert request.issued is not None
        issuer = request.issued.issuer
        known = (issuer, tuple(sorted(changes.items())))
        if known not in self._plans:
            make_room(self._plans, KINDS_MAX)
            self._plans[known] = Plan(self, self._ends[issuer], changes)
        return self._plans[known]

    def request(self, message: Message, wall: float) -> Request:
        """The request that a story is told about."""
        return Request(message, message.pick(FACTS), self.mti, self.participant, self._network.merchants, wall)

    def story(self, request: Request) -> Story:
        """The story of a plain request that has asked its issuer and waits."""
        story = STORIES[self.mti](request, self._network)
        assert not isinstance(story, Verdict)
        assert isinstance(next(story), Ask)
        return story

    def forget(self) -> None:
        """A new day: what was true of a date yesterday may not be today."""
        for known in (self.routines, self.makes, self._seen, self._kinds, self._plans):
            known.clear()


def deciding(participant: Participant) -> tuple[int, ...]:
    """The elements that make a kind. A contract names terminals too; the laboratory has none."""
    return DECIDING if participant.laboratory else (*DECIDING, de.TERMINAL_ID)


def question(request: Request, network: Configuration) -> dict[int, str | None] | None:
    """What the issuer of this request would be asked differently; None where its story refuses it or waits first."""
    story = STORIES[request.mti](request, network)
    if isinstance(story, Verdict):
        return None
    try:
        command = next(story)
    except StopIteration:
        return None
    story.close()
    return command.changes if isinstance(command, Ask) and command.to is None else None


def lane_of(link: LinkEnd, layout: Layout, network: Configuration, ends: Mapping[str, IssuerEnd]) -> Lane | None:
    """The lane for requests of this layout on this connection, or None: they are told as stories."""
    participant, numbers = link.participant, frozenset(layout.numbers)
    if layout.mti not in TYPES or not numbers >= NEEDED or numbers & UNUSUAL:
        return None
    if layout.codec.dialect is not link.dialect or link.by_local_time:
        return None
    if participant.skew_s is not None or participant.partial_approval:
        return None
    here = numbers.intersection
    runs = (
        *((de.PAN,), (de.AMOUNT,), (de.TRANSMITTED_AT, de.STAN, de.TERMINAL_ID), (de.TERMINAL_ID,)),
        *(tuple(sorted(here(deciding(participant) + REPEATING))), tuple(here((de.PRIVATE_DATA,)))),
        *(tuple(here((de.TRACK_2,))), tuple(here((de.ICC_DATA,)))),
    )
    gate = layout.gate(runs)
    return None if gate is None else Lane(layout, cast("RequestGate", gate), participant, network, ends)


class AnswerLane:
    """What is the same for all plain approvals of one layout from an issuer."""

    __slots__ = ("gate", "layout", "makes", "mti")

    def __init__(self, layout: Layout, gate: AnswerGate) -> None:
        self.layout = layout
        self.mti = layout.mti
        self.gate = gate
        self.makes: dict[int, AnswerMake | None] = {}  # by length of a frame


#: What an answer must carry to be a plain approval, and what it must not, because it travels on to the asker.
TELLING: Final = frozenset({de.STAN, de.APPROVAL_CODE, de.RESPONSE_CODE, de.AMOUNT, de.TERMINAL_ID})
PASSED_ON: Final = frozenset({de.ADDITIONAL_AMOUNTS, de.ICC_DATA, de.MAC, de.MAC_2})


def answer_lane_of(link: LinkEnd, layout: Layout) -> AnswerLane | None:
    """The lane for answers of this layout on an issuer's connection, or None."""
    numbers = frozenset(layout.numbers)
    if link.participant.match != MATCHED:
        return None
    if layout.codec.dialect is not link.dialect or not numbers >= TELLING or numbers & PASSED_ON:
        return None
    gate = layout.gate(((de.STAN,), (de.AMOUNT,), (de.TERMINAL_ID,), (de.APPROVAL_CODE,), (de.RESPONSE_CODE,)))
    return None if gate is None else AnswerLane(layout, cast("AnswerGate", gate))


class Passage(NamedTuple):
    """What is the same for all requests that went out together."""

    lane: Lane
    plan: Plan
    at: Anchors
    received_at: float
    issuer: str
    outlink: int
    deadline: float
    make: RequestMake | None  # None: it went alone


class Row(NamedTuple):
    """What is known of one of them. Rows are made as bare tuples, because `zip` makes them by the hundred."""

    number: int
    key: str
    link: int
    frame: bytes
    amount: bytes
    terminal: bytes
    stan: str
    sent: bytes
    known: bytes  # the key as the journal spells it
    passage: Passage


_OF_A_ROW: Final = {name: place for place, name in enumerate(Row._fields)}
_OF_A_PASSAGE: Final = {name: place for place, name in enumerate(Passage._fields)}

# Of a transaction about which nobody has asked anything yet.
_UNTOUCHED: Final = {"listeners": 1, "_request": None, "_story": None, "_waiting": None}


class Plain(Transaction):
    """A transaction in the lane: a row of what is known of it. Its request and its story are made when somebody asks.

    What was not set on it is what the row says. Once there is more to it than the row (somebody waits beside the one
    who asked, or it is told as a story) `row` is None: it is not plain any more.
    """

    __slots__ = ("_request", "_row", "_story", "_waiting", "row")

    def __init__(self, row: tuple[Any, ...]) -> None:
        self.row: tuple[Any, ...] | None = row
        self._row = row
        self.key = row[1]  # asked for more often than the rest

    def __getattr__(self, name: str) -> Any:
        if name in _OF_A_ROW:
            return self._row[_OF_A_ROW[name]]
        if name in _OF_A_PASSAGE:
            return self._row[-1][_OF_A_PASSAGE[name]]
        return _UNTOUCHED[name]

    @property
    def kept_frame(self) -> bytes:  # type: ignore[override]
        assert self.sent is not None
        record = unpack(self.sent)
        assert isinstance(record, Sent)
        return record.frame

    @property
    def request(self) -> Request:  # type: ignore[override]
        if self._request is None:
            self.row = None
            message = self.lane.layout.codec.dialect.decode(self.frame)
            self._request: Request | None = self.lane.request(message, self.received_at)
        return self._request

    @property
    def story(self) -> Story:  # type: ignore[override]
        if self._story is None:
            self._story: Story | None = self.lane.story(self.request)
        return self._story

    @property
    def waiting(self) -> list[tuple[int, Message]]:  # type: ignore[override]
        if self._waiting is None:
            self.row = None
            self._waiting: list[tuple[int, Message]] | None = []
        return self._waiting
