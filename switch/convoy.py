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
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, TypeVar

from protocols.codec.mould import sewn
from switch.lane import ROW, Plain, Plan
from switch.make import AnswerMake, RequestMake
from switch.records import moment

if TYPE_CHECKING:
    from protocols.dialect import Dialect
    from switch.core import Core
    from switch.ends import IssuerEnd, LinkEnd
    from switch.instant import Instant
    from switch.outbox import Held

#: The connection whose turn it is at each issuer, for one read: fewer, longer writes.
Turns = dict["IssuerEnd", "LinkEnd | None"]

STAN_SIZE: Final = 6

_told = itemgetter(*(ROW[name] for name in ("number", "key", "link", "plan", "amount", "terminal", "sent", "known")))
_make, _lane, _frame, _at = (itemgetter(ROW[name]) for name in ("make", "lane", "frame", "at"))

Key = TypeVar("Key")
Rows = Sequence[Sequence[Any]]  # in columns
Written = tuple[Sequence[int], Sequence[bytes], Sequence["Held"], Sequence[Plain]]


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
    convoys = []
    for plan, which in _groups(plans):
        out = turns[plan.issuer]
        assert out is not None
        some = rows if len(which) == count else [[column[place] for place in which] for column in rows]
        convoys.append(_written(make, plan, out, some, now))
    core.last_number += count
    _, records, held, transactions = convoys[0] if len(convoys) == 1 else _by_number(convoys)
    core.in_flight.update(zip(keys, transactions, strict=True))
    for owner in owners:
        owner.outstanding += 1
    epoch, holds = core.outbox.open
    epoch.extend(records)
    holds.extend(held)
    return True


def _stans(plans: Sequence[Plan], at: str, dialect: Dialect, turns: Turns) -> Sequence[str] | None:
    """A STAN for each, in turn from its issuer's; None, and none is taken, where one cannot be asked so."""
    issuers = [plan.issuer for plan in plans]
    groups = list(_groups(issuers))
    for issuer, _ in groups:
        out = whose_turn(turns, issuer)
        if out is None or out.dialect is not dialect:
            return None
    stans = [""] * len(plans)
    before = [(issuer, issuer.last_stan) for issuer, _ in groups]
    for issuer, which in groups:
        taken = issuer.take_stans(len(which), at)
        if taken is None:
            for one, last in before:
                one.last_stan = last
            return None
        if len(groups) == 1:
            return taken
        for place, stan in zip(which, taken, strict=True):
            stans[place] = stan
    return stans


def _by_number(convoys: Iterable[Written]) -> Written:
    """Several as one, in the order in which they came."""
    rows = sorted(chain.from_iterable(zip(*one, strict=True) for one in convoys))
    numbers, records, held, transactions = zip(*rows, strict=True)
    return numbers, records, held, transactions


def _groups(keys: Sequence[Key]) -> Iterable[tuple[Key, Sequence[int]]]:
    """The places of each key."""
    count = len(keys)
    if keys.count(keys[0]) == count:
        return ((keys[0], range(count)),)
    groups: dict[Key, list[int]] = {}
    for place, key in enumerate(keys):
        groups.setdefault(key, []).append(place)
    return groups.items()


def _written(make: RequestMake, plan: Plan, out: LinkEnd, rows: Rows, now: Instant) -> Written:
    """Requests of one plan: number, record, frame and transaction of each. They are pending from now on."""
    numbers, keys, knowns, links, frames, amounts, terminals, stans = rows
    issuer, spelled = plan.issuer, [stan.encode() for stan in stans]
    forward, keep = make.seams(plan)
    kept = keep.size + STAN_SIZE, keep.parts(frames, spelled)
    sent = plan.sent.fill_all(numbers, moment(now.wall), knowns, spelled, kept)
    same = repeat(make.lane), repeat(plan), frames, repeat(make.at), amounts, terminals, repeat(now.wall)
    then = repeat(plan.name), stans, sent, repeat(out.number), repeat(now.elapsed + issuer.patience_s)
    transactions = list(map(Plain, zip(numbers, keys, links, *same, *then, knowns, repeat(make))))
    issuer.pending.update(zip(stans, transactions, strict=True))
    return numbers, sent, [(out.number, frame, None) for frame in sewn(forward.parts(frames, spelled))], transactions


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
    numbers, keys, owners, plans, amounts, terminals, sent, knowns = zip(*map(_told, rows), strict=True)
    if amounts != columns[make.amount] or terminals != columns[make.terminal]:
        return False
    if any(lane.answer_mti != make.lane.mti for lane in set(map(_lane, rows))):
        return False
    for stan, key in zip(stans, keys, strict=True):
        del pending[stan], core.in_flight[key]
    codes = columns[make.approval]
    records = _in_groups(plans, (numbers, knowns, spelled, codes), partial(_answered, moment(now.wall)))
    told = _in_groups(list(map(_make, rows)), (rows, codes), _told_back)
    core.memory.keep_all(keys, sent, records)
    core.unsaid.update(zip(keys, transactions, strict=True))
    epoch, holds = core.outbox.open
    epoch.extend(records)
    holds.extend(zip(owners, told, transactions, strict=True))
    approved += transactions
    return True


def _answered(at: bytes, plan: Plan, columns: Rows) -> list[bytes]:
    """The records of approvals of one plan."""
    numbers, knowns, stans, codes = columns
    plan.approved[0] += len(numbers)
    return plan.answered.fill_all(numbers, at, knowns, stans, codes)


def _told_back(make: RequestMake | None, columns: Rows) -> list[bytes]:
    """Their frames, each written out of its request's."""
    rows, codes = columns
    if make is None:
        return [_lane(row).answer(_frame(row), _at(row), code) for row, code in zip(rows, codes, strict=True)]
    return sewn(make.answer.parts(map(_frame, rows), codes))


def _in_groups(keys: Sequence[Any], columns: Rows, write: Callable[[Any, Rows], list[bytes]]) -> list[bytes]:
    """What `write` makes of the rows of every group, in their old order."""
    count = len(keys)
    if keys.count(keys[0]) == count:
        return write(keys[0], columns)
    written = [b""] * count
    for key, which in _groups(keys):
        theirs = write(key, [[column[place] for place in which] for column in columns])
        for place, one in zip(which, theirs, strict=True):
            written[place] = one
    return written


def whose_turn(turns: Turns, issuer: IssuerEnd) -> LinkEnd | None:
    """The connection to this issuer for what came in one read."""
    if issuer not in turns:
        turns[issuer] = issuer.healthy_link()
    return turns[issuer]
