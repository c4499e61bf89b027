"""`python -m tests.simulation.plants`: faults planted in the product on purpose, and the seed at which each is found.

A plant is a line of a module as it is and as somebody might have got it wrong. It is put into the running functions of
that module, nothing on disk changes, and lives are lived until one breaks a promise. A plant whose line is not there
any more is out of date and fails loudly. What nobody finds within the seeds is printed as NOT FOUND.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from types import CodeType, FunctionType, ModuleType
from typing import Any, NamedTuple

from tests.simulation.tiers import TIERS

SEEDS_MAX = 500


class Plant(NamedTuple):
    """One fault."""

    module: str
    right: str
    wrong: str
    tier: str = "fast"  # where it lives: `deep` for what the fast tier has only a model of


class OutOfDateError(Exception):
    """The line that a plant replaces is not there any more, or not once."""


CORE, EXPRESS, CONVOY, MAKE = "switch.core", "switch.express", "switch.convoy", "switch.make"
ENDS, MEMORY, RECORDS = "switch.ends", "switch.memory", "switch.records"
DEBT = "debt = debts.REVERSAL if transaction.sent is not None else None"

PLANTS: dict[str, Plant] = {
    # Record, then send
    "an answer leaves before its record": Plant(CORE, "if self.outbox.must_wait:", "if False:"),
    "a request leaves before its record": Plant(
        CORE, "self.outbox.hold(link.number, frame)", "self.send(link.number, frame)"
    ),
    "in the lane a request leaves before its record": Plant(
        EXPRESS,
        "holds.append((out.number, [plan.forward(frame, at, new)], None))",
        "core.outbox.send(out.number, plan.forward(frame, at, new))",
    ),
    "in the lane an approval leaves before its record": Plant(
        EXPRESS,
        "holds.append((transaction.link, [answer], [transaction]))",
        "core.outbox.send(transaction.link, answer, None)",
    ),
    "what waits is released by the commit before": Plant(
        "switch.outbox", "if not self._records:  # what came since waited only for that batch", "if True:"
    ),
    "the lane records nothing": Plant(EXPRESS, "            epoch.append(packed)\n", "            pass\n"),
    "the lane does not record what it sends": Plant(EXPRESS, "            epoch.append(sent)\n", "            pass\n"),
    # Repeats and keys
    "a repeat is a new payment": Plant("switch.memory", "return key in self._entries", "return False"),
    "in the lane a repeat is a new payment": Plant(EXPRESS, "or knows(key)", "or False"),
    "in the lane an early repeat is a new payment": Plant(EXPRESS, "or key in in_flight", "or False"),
    "an early repeat is sent on": Plant(
        CORE, "if (first := self.in_flight.get(key)) is not None:", "if (first := None) is not None:"
    ),
    "a conflicting copy gets the first answer": Plant(
        CORE, "if not replies.same_request(past.message, message):", "if False:"
    ),
    "an early conflicting copy waits along": Plant(
        CORE, "if replies.same_request(first.request.message, message):", "if True:"
    ),
    "a repeat gets a new approval code": Plant(
        "switch.replies",
        "changes[de.APPROVAL_CODE] = record.approval_code",
        "changes[de.APPROVAL_CODE] = record.approval_code if message.mti[3] == '0' else '000000'",
    ),
    "what waits for the first is forgotten": Plant(
        CORE, "for number, message in transaction.waiting:", "for number, message in ():"
    ),
    "what the memory let go is new": Plant(
        CORE, "elif not sought and self.memory.has_forgotten and", "elif False and self.memory.has_forgotten and"
    ),
    "the lane does not ask whether a key may have been forgotten": Plant(
        "switch.memory", "return known or (self.has_forgotten and self.may_have_forgotten(key))", "return known"
    ),
    # Reversals
    "a reversal is not owed": Plant(CORE, "        return [debt]\n", "        return []\n"),
    "a tombstone is forgotten": Plant("switch.memory", "self._tombstones[key] = None", "pass"),
    "a tombstone is not looked at": Plant(CORE, "elif self.memory.is_buried(key):", "elif False:"),
    "reversed twice is given back twice": Plant(CORE, "self.memory.mark(verdict.reverses.key, REVERSED)", "pass"),
    "a partial reversal gives back everything": Plant(
        "switch.debts", "owing.elements[de.REPLACEMENT_AMOUNTS] = part", "pass"
    ),
    "a reversal names another original": Plant(
        "switch.debts", "return Original(mti, stan, seen", 'return Original(mti, "000001", seen'
    ),
    "a reversal in flight does not end the request": Plant(
        CORE,
        "        if first is not None:\n            self._end_early(first, now)",
        "        if False:\n            pass",
    ),
    "what is taken back early is not undone at its issuer": Plant(
        CORE,
        "        transaction.story.close()\n        " + DEBT,
        "        transaction.story.close()\n        debt = None",
    ),
    "an answer after its reversal counts": Plant(
        CORE, "self.issuers[transaction.issuer].pending.pop(transaction.stan, None)", "pass"
    ),
    "a late answer is forwarded": Plant(
        CORE,
        '            del issuer.pending[transaction.stan or ""]\n            self.counts["issuer.timeout"] += 1',
        '            self.counts["issuer.timeout"] += 1',
    ),
    # Doubt
    "a timeout owes nothing": Plant(
        "switch.stand_in", "    slug, debt = NO_ANSWER[silence]\n", "    slug, debt = NO_ANSWER[silence][0], None\n"
    ),
    "a lost link forgets its requests": Plant(
        CORE, "                self._resume(transaction, Silence.LOST, now)\n\n    def received", "\n    def received"
    ),
    "a lost link says that nothing was sent": Plant(
        CORE,
        "                self._resume(transaction, Silence.LOST, now)\n\n    def received",
        "                self._resume(transaction, Silence.DOWN, now)\n\n    def received",
    ),
    "an answer without sense is an approval": Plant(
        CORE, "sense = makes_sense(transaction.request, answer)", "sense = True"
    ),
    "an approval that nobody heard stands": Plant(
        CORE, 'self._owe_reversal(past, "reversal.undelivered", now)', "pass"
    ),
    "one listener gone is all gone": Plant(CORE, "if token.listeners == 0:", "if True:"),
    "a deadline is never looked at": Plant(CORE, "if transaction.deadline > now.elapsed:", "if True:"),
    "a deadline by the calendar": Plant(
        CORE,
        "transaction.deadline = now.elapsed + issuer.patience_s",
        "transaction.deadline = now.wall + issuer.patience_s",
    ),
    "a deadline by the calendar, all along": Plant(
        CORE, "if transaction.deadline > now.elapsed:", "if transaction.deadline - 1000 > now.wall - 1_795_000_000.0:"
    ),
    "in the lane a deadline is twice as far": Plant(
        EXPRESS, "elapsed + issuer.patience_s", "elapsed + 2 * issuer.patience_s"
    ),
    # Store and forward
    "a debt is acknowledged by any answer": Plant(
        CORE, "if entry is not None and answer.mti == mti.answer_to(entry.debt.mti):", "if entry is not None:"
    ),
    "silence settles a debt": Plant(
        "switch.saf",
        "        for entry in late:\n            self._again(entry, now)",
        "        for entry in late:\n            self.settle(entry, now)",
    ),
    "a refusal settles a debt": Plant(CORE, "if response_code == codes.APPROVED:", "if response_code:"),
    "a debt is tried once": Plant(
        "switch.saf",
        "        if not entry.parked:\n            self._schedule(entry, now + wait",
        "        if not entry.parked and entry.tries < 2:\n            self._schedule(entry, now + wait",
    ),
    "a lost link loses what is owed": Plant(
        "switch.saf",
        "        for entry in list(self._in_flight.values()):\n            self._again(entry, now)",
        "        self._in_flight.clear()",
    ),
    "a repeat gets a new number": Plant(
        CORE,
        "            self.hold(link.number, fitting(link.dialect, entry.mti, entry.debt.values), None)",
        "            stan = {de.STAN: entry.debt.stan if not entry.tries else '999998'}\n"
        "            self.hold(link.number, fitting(link.dialect, entry.mti, entry.debt.values | stan), None)",
    ),
    "a repeat has a new DE 7": Plant(
        CORE,
        "            self.hold(link.number, fitting(link.dialect, entry.mti, entry.debt.values), None)",
        "            again = {de.TRANSMITTED_AT: now.transmitted_at()}\n"
        "            self.hold(link.number, fitting(link.dialect, entry.mti, entry.debt.values | again), None)",
    ),
    "a repeat has another DE 90": Plant(
        CORE,
        "            self.hold(link.number, fitting(link.dialect, entry.mti, entry.debt.values), None)",
        "            other = {de.ORIGINAL: '0100999999' + '1' * 32} if entry.tries else {}\n"
        "            self.hold(link.number, fitting(link.dialect, entry.mti, entry.debt.values | other), None)",
    ),
    "a repeat is another first": Plant(
        "switch.saf", "return repeat_of(self.debt.mti) if self.tries else self.debt.mti", "return self.debt.mti"
    ),
    "one lane for all": Plant(
        "switch.saf",
        "lane = self._by_transaction.setdefault(debt.transaction, [])",
        "lane = self._by_transaction.setdefault(0, [])",
    ),
    "a settlement is not recorded": Plant(
        CORE, "self.outbox.record(records.Settled(Kind.SETTLED,", "tuple(records.Settled(Kind.SETTLED,"
    ),
    # Numbers
    "a number that is out is used again": Plant(
        "switch.ends", "if stan not in self.pending and stan not in self.saf:", "if True:"
    ),
    "a number that is owed is used again": Plant(
        "switch.ends", "if stan not in self.pending and stan not in self.saf:", "if stan not in self.pending:"
    ),
    "a number is used twice in a second": Plant(
        "switch.ends", "            elif moment and seconds[number] == moment:\n                continue\n", ""
    ),
    "the numbers begin anew after a restart": Plant(CORE, "self.issuers[issuer].last_stan = stan", "pass"),
    # Answers
    "an answer is matched by its number alone": Plant(CORE, "replies.agrees(message, answer, matched)", "True"),
    "in the lane an answer is matched without its amount": Plant(
        EXPRESS, "or transaction.amount != amount.encode()", "or False"
    ),
    "in the lane an answer is matched without its terminal": Plant(
        EXPRESS, "or transaction.terminal != terminal.encode()", "or False"
    ),
    "in the lane a decline is an approval": Plant(EXPRESS, "response_code != APPROVED", "False"),
    "in the lane an answer goes to whoever asked last": Plant(
        EXPRESS, "holds.append((transaction.link, [answer],", "holds.append((max(core._links), [answer],"
    ),
    "in the lane answers of one read are mixed": Plant(
        EXPRESS,
        "transaction = pending.get(stan)\n",
        "transaction = next((one for one in reversed(pending.values()) if one.stan[-1] == stan[-1]), None)\n",
    ),
    # Stand-in
    "stand-in owes no advice": Plant("switch.stand_in", "debt=Debt.ADVICE, stand_in=True)", "stand_in=True)"),
    "stand-in has no limit": Plant("switch.stand_in", "return amount <= issued.stand_in_limit", "return True"),
    "stand-in has no limit a day": Plant(
        "switch.stand_in",
        "spent.amount + amount.minor > issued.stand_in_per_day.minor",
        "False",
    ),
    "stand-in is not counted": Plant(
        CORE, "self.stood_in.add(request.card_number, now.wall, int(billed or request.amount))", "pass"
    ),
    "stand-in is forgotten at a restart": Plant(CORE, "self.stood_in = recovery.stood_in", "pass"),
    # Seals
    "a MAC is not looked at": Plant(
        "switch.macs",
        "if not link.participant.seals(message.mti):",
        "if True:",
    ),
    "a wrong MAC is let in": Plant("switch.macs", "if answer is not None and answer.done:", "if answer is not None:"),
    "an answer is not sealed": Plant(
        "switch.macs",
        'self._core.send_now(link.number, unsealed.sealed(answer.fields["mac"]), token)',
        "self._core.send_now(link.number, unsealed.sealed('0' * 16), token)",
    ),
    # Restart
    "what was sent is forgotten at a restart": Plant("switch.recovery", "self.open[record.number] = record", "pass"),
    "what is owed is forgotten at a restart": Plant(
        CORE, "self.issuers[debt.issuer].saf.add(debt, now.elapsed)", "pass"
    ),
    "tombstones are forgotten at a restart": Plant("switch.recovery", "self.memory.bury(record.tombstone)", "pass"),
    "what was reversed is forgotten at a restart": Plant(
        "switch.recovery", "self.memory.mark(record.reverses_key, REVERSED)", "pass"
    ),
    "what was settled is owed again after a restart": Plant(
        "switch.recovery", "self.debts.pop(record.number, None)", "pass"
    ),
    "answers are forgotten at a restart": Plant(
        "switch.recovery", "self.memory.keep(record.key, pack(sent) if sent else None, pack(record))", "pass"
    ),
    "transactions are numbered anew after a restart": Plant(CORE, "self.last_number = recovery.last_number", "pass"),
    # Completions
    "a completion names another": Plant("switch.debts", "told[de.ORIGINAL] = name_of(verdict.about).text", "pass"),
    # Convoys
    "a convoy leaves before its record": Plant(
        CONVOY,
        "holds.append((written.outs[0], written.frames, None))",
        "any(core.outbox.send(written.outs[0], one) for one in written.frames)",
    ),
    "a convoy of approvals leaves before its record": Plant(
        CONVOY,
        "holds.extend((link, going[link], theirs[link]) for link in going)",
        "any(core.outbox.send(link, one) for link in going for one in going[link])",
    ),
    "a convoy does not record what it sends": Plant(CONVOY, "    epoch.extend(written.records)\n", ""),
    "a convoy records nothing": Plant(CONVOY, "    epoch.extend(records)\n", ""),
    "a convoy takes along what is in flight": Plant(CONVOY, "core.in_flight.keys().isdisjoint(keys) and ", ""),
    "a convoy takes along what is remembered": Plant(
        CONVOY, " and core.memory.knows_none(keys, make.seconds(columns))", ""
    ),
    "a convoy has one key twice": Plant(CONVOY, "len(set(keys)) < count or ", ""),
    "a convoy takes several seconds for one": Plant(CONVOY, " or moments.count(moments[0]) < count", ""),
    "a convoy's answers are matched without their amounts": Plant(CONVOY, "amounts != columns[make.amount] or ", ""),
    "a convoy's answers are matched without their terminals": Plant(
        CONVOY, " or terminals != columns[make.terminal]", ""
    ),
    "a convoy's answers are matched without their types": Plant(
        CONVOY, "if any(passage.lane.answer_mti != make.lane.mti for passage in set(passages)):", "if False:"
    ),
    "a convoy has one answer twice": Plant(CONVOY, " or len(set(stans)) < len(stans)", ""),
    "a convoy takes what is no plain transaction": Plant(CONVOY, "if type(one) is Plain]", "if one is not None]"),
    "a convoy takes those beside whom somebody waits": Plant(
        CONVOY,
        "rows = [one.row for one in transactions if one.row is not None]",
        "rows = [one._row for one in transactions]",
    ),
    "a convoy's answers are not counted as outstanding": Plant(
        CONVOY, "        owner.outstanding += 1\n", "        pass\n"
    ),
    "a convoy's token is that of another": Plant(
        CONVOY, "(link, going[link], theirs[link])", "(link, going[link], theirs[max(theirs)])"
    ),
    "a convoy has no tokens": Plant(CONVOY, "(link, going[link], theirs[link])", "(link, going[link], None)"),
    "records of two banks stand in the order of the banks": Plant(
        CONVOY, "rows = sorted(chain.from_iterable(", "rows = list(chain.from_iterable("
    ),
    "a convoy has one plan for two banks": Plant(
        CONVOY, "groups = list(_groups(plans))\n    if len(groups) == 1:", "if plans:"
    ),
    "a convoy's frames go to one connection": Plant(
        CONVOY,
        "for link, thing in zip(links, things, strict=True):",
        "for link, thing in zip([next(iter(links))] * 999, things):",
    ),
    "a convoy waits twice as long": Plant(
        CONVOY, "deadline = now.elapsed + issuer.patience_s", "deadline = now.elapsed + 2 * issuer.patience_s"
    ),
    "a convoy does not know its connection": Plant(CONVOY, "plan.name, out.number, deadline", "plan.name, 0, deadline"),
    "a convoy is not in flight": Plant(
        CONVOY, "    core.in_flight.update(zip(keys, written.transactions, strict=True))\n", ""
    ),
    "a convoy's codes are swapped": Plant(
        CONVOY,
        "_in_groups(makes, (asked, codes, passages), _told_back)",
        "_in_groups(makes, (asked, codes[::-1], passages), _told_back)",
    ),
    "a convoy's approvals are recorded under other codes": Plant(
        CONVOY, "(numbers, knowns, spelled, codes), partial", "(numbers, knowns, spelled, codes[::-1]), partial"
    ),
    "a convoy remembers the records of others": Plant(
        CONVOY, "core.memory.keep_all(keys, sent, records)", "core.memory.keep_all(keys, sent[::-1], records)"
    ),
    "a convoy's approvals are held to be said": Plant(
        CONVOY, "    core.unsaid.update(zip(keys, transactions, strict=True))\n", ""
    ),
    "the numbers of transactions do not go on after a convoy": Plant(
        CONVOY, "    core.last_number += count\n", "    core.last_number += count - 1\n"
    ),
    "a convoy's amounts are of the neighbours": Plant(
        CONVOY,
        "keys, knowns, links, frames, amounts, terminals, stans)\n    core",
        "keys, knowns, links, frames, amounts[1:] + amounts[:1], terminals, stans)\n    core",
    ),
    "a convoy answers the connection that asked first": Plant(
        CONVOY, "links = [owner.number for owner in owners]", "links = [owners[0].number for owner in owners]"
    ),
    "check digits of a convoy are not looked at": Plant(MAKE, "if not all_luhn_valid(", "if not bool("),
    "a convoy has no amount": Plant(MAKE, "NOTHING in columns[self.amount] or ", ""),
    "a convoy has the number 000000": Plant(MAKE, " or NO_STAN in columns[self._stan]", ""),
    "a convoy's alphabets are not looked at": Plant(
        MAKE,
        "if not (joined.isdigit() if content is DIGITS else joined.translate(content.judge).isascii()):",
        "if False:",
    ),
    "a convoy's beginnings are not compared": Plant(
        MAKE, "if columns[which].count(value) != len(frames):", "if False:"
    ),
    "a convoy's clocks are not looked at": Plant(
        MAKE, "if time not in seen and not self._learn(kind, frame, wall):", "if False:"
    ),
    "of a convoy's clocks one is looked at": Plant(MAKE, "(self.moment, *parts.get(CLOCK, ()))", "(self.moment,)"),
    "a convoy's kind is that of any": Plant(
        MAKE,
        "if kind not in known and not self._learn(kind, frame, wall):",
        "if kind not in known and not (known and known.setdefault(kind, next(iter(known.values())))):",
    ),
    "a convoy's kind is learned without the lane's gate": Plant(
        MAKE, "        plan = lane.plan(pan", "        plan = next(iter(self._plans.values()), None) or lane.plan(pan"
    ),
    "a convoy's kind is not that of the card": Plant(
        MAKE, "families = map(self.lane.families.__getitem__, columns[self._head])", 'families = repeat(b"")'
    ),
    "a convoy's keys have no terminal": Plant(
        MAKE, "columns[self._stan], columns[self.terminal]])", "columns[self._stan], repeat(b'LAB00001')])"
    ),
    "a convoy's answers may be declines": Plant(
        MAKE,
        "if columns is None or columns[self._approved].count(APPROVAL_CODE) != len(frames):",
        "if columns is None:",
    ),
    "a convoy's numbers are not gone": Plant(ENDS, "        self.last_stan += count\n", "        pass\n"),
    "a convoy's numbers are used twice in a second": Plant(
        ENDS, "if moment in seconds[first : last + 1]:", "if False:"
    ),
    "a convoy's numbers are not noted as used": Plant(
        ENDS, '        self._seconds[first : first + count] = array("I", (int(at),)) * count\n', ""
    ),
    "a convoy takes numbers that are out": Plant(ENDS, "self.pending.keys().isdisjoint(stans) and ", ""),
    "a convoy takes numbers that late answers may come under": Plant(
        ENDS, "self.overdue.keys().isdisjoint(stans) and ", ""
    ),
    "a convoy takes numbers that are owed": Plant(ENDS, " and self.saf.has_none(stans)", ""),
    "a convoy goes beyond the last number": Plant(ENDS, "if not moment or last > STAN_LAST:", "if not moment:"),
    "a convoy is not remembered": Plant(
        MEMORY,
        "        self._entries.update(zip(keys, zip(sent, answered, repeat(None)), strict=False))  # None: for ever\n",
        "",
    ),
    "a convoy pushes out what is not noted as forgotten": Plant(
        MEMORY,
        "second = second_of(oldest)\n                self._forget(oldest)",
        "second = second_of(oldest)",
    ),
    "of what a convoy pushes out only the first second is noted": Plant(
        MEMORY, "if second is None or not oldest.startswith(second):", "if second is None:"
    ),
    "a convoy does not look at what is remembered": Plant(MEMORY, "self._entries.keys().isdisjoint(keys) and ", ""),
    "a convoy does not look at tombstones": Plant(MEMORY, " and self._tombstones.keys().isdisjoint(keys)", ""),
    "a convoy does not look at what was forgotten": Plant(
        MEMORY,
        "        return not any(second in self._forgotten or",
        "        return True or not any(second in self._forgotten or",
    ),
    "a convoy's records have each other's numbers": Plant(
        RECORDS, "known = repeat(_SENT_HEAD), ordinals,", "known = repeat(_SENT_HEAD), ordinals[::-1],"
    ),
    "a convoy's approvals have each other's numbers": Plant(
        RECORDS, "before = repeat(_ANSWERED_HEAD), ordinals,", "before = repeat(_ANSWERED_HEAD), ordinals[::-1],"
    ),
    "what a convoy said is not counted": Plant(
        CORE, "                    link.outstanding -= len(tokens)\n", "                    pass\n"
    ),
    "what a convoy said is held to be unsaid": Plant(
        CORE, "                        unsaid.pop(token.key, None)\n", "                        pass\n"
    ),
    "nobody is told whose approvals left": Plant(
        CORE, "theirs += tokens or [None] * len(frames)", "theirs += [None] * len(frames)"
    ),
    "approvals for a link that is gone are forgotten": Plant(
        CORE, "                self.undelivered(tokens or (), now)\n", "                pass\n"
    ),
    "gateways go together": Plant(
        CORE, "whose = link.participant.id if asks else str(number)", 'whose = "" if asks else str(number)'
    ),
    # The journal, the shell
    "an append returns before the commit": Plant(
        "switch.store.pen",
        "        await trio.lowlevel.wait_readable(self._bell)\n        os.read(self._bell, len(BELL))\n",
        "        await trio.lowlevel.checkpoint()\n",
        "deep",
    ),
    "a failed commit is a good one": Plant(
        "switch.store.pen", "                    self._error = error", "                    pass", "deep"
    ),
    "the disk is not asked to sync": Plant(
        "switch.store.pen", 'self._db.pragma("synchronous", "full")', 'self._db.pragma("synchronous", "off")', "deep"
    ),
    "the mark is written before the commit": Plant(
        "switch.store.journal",
        '        self._failed = f"the commit of',
        '        self._mark.write(place.seq, chain)\n        self._failed = f"the commit of',
        "deep",
    ),
    "what never left is not told to the core": Plant(
        "switch.shell.node", "self.core.undelivered(link.unsent(), moment)", "link.unsent()", "deep"
    ),
    "after a restart nothing is reversed": Plant(
        "switch.shell.node", "core.reverse_unanswered(recovery.open.values(), moment)", "pass", "deep"
    ),
    "a closed link is not told to the core": Plant(
        "switch.shell.node", "self.core.closed(number, moment)", "pass", "deep"
    ),
    "a tick is left out": Plant("switch.shell.node", "self.core.tick(now())", "pass", "deep"),
    # The banks
    "a bank answers before it records": Plant(
        "issuers.host",
        "        self._store.record(book, turn.effects, turn.moment.at)\n        self._say(turn.replies)",
        "        self._say(turn.replies)",
        "deep",
    ),
    "a bank gives back what was never taken": Plant(
        "issuers.reverse", "if original.state is not BookingState.APPROVED or not original.agreed:", "if False:", "deep"
    ),
    "a bank forgets a tombstone": Plant("issuers.reverse", "replace(answer, effects=(stone,))", "answer", "deep"),
    "a bank gives back all of a part": Plant("issuers.reverse", "if not ask.replacement:", "if True:", "deep"),
    "a bank books an advice twice": Plant(
        "issuers.advise", "if earlier is not None and earlier.state is not BookingState.DECLINED:", "if False:", "deep"
    ),
    "a bank answers a repeat anew": Plant("issuers.desk", "given = book.given.get(ask.key)", "given = None", "deep"),
}


def texts(plant: Plant) -> tuple[ModuleType, str]:
    """The module and its source with the fault in it. Raises OutOfDateError."""
    module = importlib.import_module(plant.module)
    source = inspect.getsource(module)
    if plant.right not in source:
        raise OutOfDateError(f"{plant.module} has no {plant.right!r}")
    return module, source.replace(plant.right, plant.wrong)


@contextmanager
def planted(plant: Plant) -> Iterator[None]:
    """The fault is in the running functions of its module."""
    module, source = texts(plant)
    bad = {code.co_qualname: code for code in _codes(compile(source, module.__file__ or "", "exec"))}
    before = []
    for function in _functions(module):
        code = bad.get(function.__qualname__)
        if code is not None and code.co_freevars == function.__code__.co_freevars:
            before.append((function, function.__code__))
            function.__code__ = code
    try:
        yield
    finally:
        for function, code in before:
            function.__code__ = code


def _codes(code: CodeType) -> Iterator[CodeType]:
    for one in code.co_consts:
        if isinstance(one, CodeType):
            yield one
            yield from _codes(one)


def _functions(module: ModuleType) -> Iterator[FunctionType]:
    for one in vars(module).values():
        if getattr(one, "__module__", None) == module.__name__:
            yield from _within(one)


def _within(one: Any) -> Iterator[FunctionType]:
    if isinstance(one, FunctionType):
        yield inspect.unwrap(one)
    elif isinstance(one, staticmethod | classmethod):
        yield from _within(one.__func__)
    elif isinstance(one, property):
        yield from (accessor for accessor in (one.fget, one.fset) if isinstance(accessor, FunctionType))
    elif inspect.isclass(one):
        for inner in vars(one).values():
            yield from _within(inner)


class Search(NamedTuple):
    """How the search for one plant ended."""

    name: str
    seed: int | None
    tier: str
    what: str
    took_s: float


def search(name: str, seeds: int, tier: str | None = None) -> Search:
    """Look for one plant, in the tier where it lives."""
    plant = PLANTS[name]
    where = TIERS[tier or plant.tier]
    began = time.perf_counter()
    try:
        with planted(plant):
            for seed in range(seeds):
                if faults := where.live(where.draw(seed, where.payments), False).faults:
                    return Search(name, seed, where.name, faults[0], time.perf_counter() - began)
    except OutOfDateError as error:
        return Search(name, None, "-", f"OUT OF DATE: {error}", 0.0)
    return Search(name, None, where.name, "NOT FOUND", time.perf_counter() - began)


def main() -> int:
    """Look for all of them; 0 when each was found."""
    parser = argparse.ArgumentParser(prog="plants", description="Faults planted in the product, to be found.")
    parser.add_argument("--seeds", type=int, default=SEEDS_MAX, help=f"lives a plant (default {SEEDS_MAX})")
    parser.add_argument("--tier", choices=TIERS, help="look in this tier, wherever the plant lives")
    parser.add_argument("--only", help="plants with this in their names")
    parser.add_argument("--jobs", type=int, default=2, help="processes (default 2)")
    asked = parser.parse_args()
    names = [name for name, plant in PLANTS.items() if plant.tier in TIERS and (not asked.only or asked.only in name)]
    missed = []
    with ProcessPoolExecutor(asked.jobs, mp_context=get_context("fork")) as pool:
        for done in pool.map(partial(search, seeds=asked.seeds, tier=asked.tier), names):
            where = f"{done.tier} seed {done.seed}" if done.seed is not None else "-"
            print(f"{where:>16}  {done.took_s:6.1f} s  {done.name}: {done.what[:110]}", flush=True)
            if done.seed is None:
                missed.append(done.name)
    print(f"{len(names) - len(missed)} of {len(names)} found" + (f"; not: {', '.join(missed)}" if missed else ""))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
