"""Plain requests that are alike in every length travel together, and so do their approvals.

What the loops of `express` do for one frame is done here for all frames of a convoy, a column at a time: one call
in C cuts a frame into its pieces, and then a test of an alphabet, a look-up or the writing of records is one call
for the whole column. Nothing is decided here that the loops would decide otherwise, and the outcome is the same,
byte for byte: numbers, records and frames, in the order in which they came. A convoy in which one frame is not plain
in every respect does not set out (False), and its frames go one by one.

Pure. Which frames make a convoy is `express`'s to say; what their pieces are, `make`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from protocols.codec.mould import sewn
from switch.lane import Passage, Plain, Plan
from switch.make import AnswerMake, RequestMake
from switch.records import moment

if TYPE_CHECKING:
    from protocols.dialect import Dialect
    from switch.core import Core
    from switch.ends import IssuerEnd, LinkEnd
    from switch.instant import Instant

#: The connection whose turn it is at each issuer, for one read: fewer, longer writes.
Turns = dict["IssuerEnd", "LinkEnd | None"]

STAN_SIZE: Final = 6

Key = TypeVar("Key")
Thing = TypeVar("Thing")
Rows = Sequence[Sequence[Any]]  # in columns


class Written(NamedTuple):
    """What becomes of some requests, row by row."""

    numbers: Sequence[int]
    records: Sequence[bytes]
    outs: Sequence[int]  # the connections they go out on
    frames: list[bytes]
    transactions: Sequence[Plain]


def requests(
    core: Core, make: RequestMake, owners: Sequence[LinkEnd], frames: Sequence[bytes], turns: Turns, now: Instant
) -> bool:
    """Requests of one make out to their issuers; `owners` are the connections they came in on."""
    columns = make.columns(frames)
    if columns is None or (plans := make.plans(columns, frames, now.wall)) is None:
        return False
    knowns = make.knowns(columns)
    keys = [known.decode() for known in knowns]
    if not (core.in_flight.keys().isdisjoint(keys) and core.memory.knows_none(keys, make.seconds(columns))):
        return False
    moments, count = columns[make.moment], len(frames)
    if len(set(keys)) < count or moments.count(moments[0]) < count:
        return False
    stans = _stans(plans, moments[0].decode(), make.lane.layout.codec.dialect, turns)
    if stans is None:
        return False
    first = core.last_number + 1
    links = [owner.number for owner in owners]
    amounts, terminals = columns[make.amount], columns[make.terminal]
    rows = (range(first, first + count), keys, knowns, links, frames, amounts, terminals, stans)
    core.last_number += count
    epoch, holds = core.outbox.open
    groups = list(_groups(plans))
    if len(groups) == 1:
        plan = plans[0]
        written = _written(make, plan, turns, rows, now)
        plan.issuer.pending.update(zip(stans, written.transactions, strict=True))
        holds.append((written.outs[0], written.frames, None))
    else:
        written = _by_number(_written(make, plan, turns, _picked(rows, which), now) for plan, which in groups)
        for plan, stan, transaction in zip(plans, stans, written.transactions, strict=True):
            plan.issuer.pending[stan] = transaction
        holds.extend((out, frames, None) for out, frames in _by_link(written.outs, written.frames).items())
    core.in_flight.update(zip(keys, written.transactions, strict=True))
    for owner in owners:
        owner.outstanding += 1
    epoch.extend(written.records)
    return True


def _stans(plans: Sequence[Plan], at: str, dialect: Dialect, turns: Turns) -> Sequence[str] | None:
    """A STAN for each, in turn from its issuer's; None, and none is taken, where one cannot be asked so."""
    issuers = [plan.issuer for plan in plans]
    groups = list(_groups(issuers))
    for issuer, _ in groups:
        out = whose_turn(turns, issuer)
        if out is None or out.dialect is not dialect:
            return None
    found: list[list[str]] = []
    for issuer, which in groups:
        stans = issuer.next_stans(len(which), at)
        if stans is None:
            return None
        found.append(stans)
    for issuer, which in groups:
        issuer.take_next(len(which), at)
    if len(groups) == 1:
        return found[0]
    sorted_out = [""] * len(plans)
    for (_, which), stans in zip(groups, found, strict=True):
        for place, stan in zip(which, stans, strict=True):
            sorted_out[place] = stan
    return sorted_out


def _by_number(convoys: Iterable[Written]) -> Written:
    """Several as one, in the order in which they came."""
    rows = sorted(chain.from_iterable(zip(*one, strict=True) for one in convoys))
    numbers, records, outs, frames, transactions = zip(*rows, strict=True)
    return Written(numbers, records, outs, list(frames), transactions)


def _by_link(links: Iterable[int], things: Iterable[Thing]) -> dict[int, list[Thing]]:
    """The things of each connection, in their order."""
    sorted_out: dict[int, list[Thing]] = {}
    for link, thing in zip(links, things, strict=True):
        try:
            sorted_out[link].append(thing)
        except KeyError:
            sorted_out[link] = [thing]
    return sorted_out


def _picked(columns: Rows, which: Sequence[int]) -> Rows:
    """Some of the rows."""
    return [[column[place] for place in which] for column in columns]


def _groups(keys: Sequence[Key]) -> Iterable[tuple[Key, Sequence[int]]]:
    """The places of each key."""
    count = len(keys)
    if keys.count(keys[0]) == count:
        return ((keys[0], range(count)),)
    groups: dict[Key, list[int]] = {}
    for place, key in enumerate(keys):
        groups.setdefault(key, []).append(place)
    return groups.items()


def _written(make: RequestMake, plan: Plan, turns: Turns, rows: Rows, now: Instant) -> Written:
    """Requests of one plan."""
    numbers, keys, knowns, links, frames, amounts, terminals, stans = rows
    issuer, out, spelled = plan.issuer, turns[plan.issuer], [stan.encode() for stan in stans]
    assert out is not None
    forward, keep = make.seams(plan)
    kept = keep.size + STAN_SIZE, keep.parts(frames, spelled)
    sent = plan.sent.fill_all(numbers, moment(now.wall), knowns, spelled, kept)
    deadline = now.elapsed + issuer.patience_s
    passage = Passage(make.lane, plan, make.at, now.wall, plan.name, out.number, deadline, make)
    known = zip(numbers, keys, links, frames, amounts, terminals, stans, sent, knowns, repeat(passage))
    transactions = list(map(Plain, known))
    return Written(numbers, sent, [out.number] * len(sent), sewn(forward.parts(frames, spelled)), transactions)


def answers(
    core: Core,
    make: AnswerMake,
    owners: Sequence[LinkEnd],
    frames: Sequence[bytes],
    approved: list[Plain],
    now: Instant,
) -> bool:
    """Approvals of one make, from one bank, back to who asked; the transactions are added to `approved`."""
    columns = make.columns(frames)
    if columns is None:
        return False
    pending = core.issuers[owners[0].participant.id].pending
    spelled = columns[make.stan]
    stans = [stan.decode() for stan in spelled]
    transactions = [one for one in map(pending.get, stans) if type(one) is Plain]
    rows = [one.row for one in transactions if one.row is not None]
    if len(rows) < len(stans) or len(set(stans)) < len(stans):
        return False
    numbers, keys, links, asked, amounts, terminals, _, sent, knowns, passages = zip(*rows, strict=True)
    if amounts != columns[make.amount] or terminals != columns[make.terminal]:
        return False
    if any(passage.lane.answer_mti != make.lane.mti for passage in set(passages)):
        return False
    for stan, key in zip(stans, keys, strict=True):
        del pending[stan], core.in_flight[key]
    codes = columns[make.approval]
    plans, makes = [passage.plan for passage in passages], [passage.make for passage in passages]
    records = _in_groups(plans, (numbers, knowns, spelled, codes), partial(_answered, moment(now.wall)))
    told = _in_groups(makes, (asked, codes, passages), _told_back)
    core.memory.keep_all(keys, sent, records)
    core.unsaid.update(zip(keys, transactions, strict=True))
    epoch, holds = core.outbox.open
    epoch.extend(records)
    going, theirs = _by_link(links, told), _by_link(links, transactions)
    holds.extend((link, going[link], theirs[link]) for link in going)
    approved += transactions
    return True


def _answered(at: bytes, plan: Plan, columns: Rows) -> list[bytes]:
    """The records of approvals of one plan."""
    numbers, knowns, stans, codes = columns
    plan.approved[0] += len(numbers)
    return plan.answered.fill_all(numbers, at, knowns, stans, codes)


def _told_back(make: RequestMake | None, columns: Rows) -> list[bytes]:
    """Their frames, each written out of its request's."""
    frames, codes, _ = columns
    if make is not None:
        return sewn(make.answer.parts(frames, codes))
    return [passage.lane.answer(frame, passage.at, code) for frame, code, passage in zip(*columns, strict=True)]


def _in_groups(keys: Sequence[Any], columns: Rows, write: Callable[[Any, Rows], list[bytes]]) -> list[bytes]:
    """What `write` makes of the rows of every group, in their old order."""
    count = len(keys)
    if keys.count(keys[0]) == count:
        return write(keys[0], columns)
    written = [b""] * count
    for key, which in _groups(keys):
        theirs = write(key, _picked(columns, which))
        for place, one in zip(which, theirs, strict=True):
            written[place] = one
    return written


def whose_turn(turns: Turns, issuer: IssuerEnd) -> LinkEnd | None:
    """The connection to this issuer for what came in one read."""
    if issuer not in turns:
        turns[issuer] = issuer.healthy_link()
    return turns[issuer]
