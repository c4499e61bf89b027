"""The ledger: every message that was sent, by its match key, and what became of it; at the end, the audit.

Pure: what happened comes in, with the time in ns. It keeps what is open and what is in doubt for as long as it is,
and what is settled within a bound, so that a second answer is known as one. Counting per second is `tally`'s; saying
why an answer belongs to nobody is `explain`'s.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from enum import IntEnum
from typing import Any, Final

from loadtest.result import FINDINGS, KEYS_MAX, Audit, Book, Finding, Key
from loadtest.template import AUDITED, Template, Values
from loadtest.totals import Totals
from protocols.codes import PARTIALLY_APPROVED, is_approval

MatchKey = tuple[str | None, ...]  # the answer's type, then the elements of the agreed key
NANO: Final = 1_000_000_000
SETTLED_MAX: Final = 50_000  # 2.5 s of 20 000/s, 60 MB; an answer that comes twice comes soon


class State(IntEnum):
    OPEN = 0
    ANSWERED = 1
    IN_DOUBT = 2  # its deadline passed
    LATE = 3  # answered after it


class Entry:
    """One message that was sent. One is made for each, so what is seldom set has its usual value in the class."""

    written = 0
    deadline = 0
    link = 0
    code = ""
    approval_code: str | None = None
    expected: str | None = None  # what the card's entry foretells
    sign = 0  # of the money: 1 out of an account, -1 back into one, 0 none
    sendings = 1  # how often we sent it, repeats and injected duplicates counted
    repeats = 0
    has_conflict = False  # we sent another message under the same key, on purpose
    is_reversed = False
    undoes: Entry | None = None  # of a reversal: what it takes back
    visit: Any = None  # whose it is, to the traffic

    def __init__(self, template: Template, values: Values, key: MatchKey, flow: str, planned: int, second: int) -> None:
        self.template = template
        self.values = values
        self.key = key
        self.flow = flow
        self.planned = planned
        self.ready = planned  # when nothing but ourselves kept us from sending it
        self.second = second
        self.state = State.OPEN

    @property
    def mti(self) -> str:
        return self.template.mti

    @property
    def amount(self) -> int:
        return int(self.template.value(4, self.values) or 0)

    @property
    def currency(self) -> str:
        return self.template.value(49, self.values) or ""


class Ledger:
    """What is open, in doubt and settled; findings so far; the books."""

    def __init__(self, token: Callable[[str], str], start: int = 0) -> None:
        """`token` turns a card number into what may be shown of it; `start`: the plan's, in ns."""
        self.open: dict[MatchKey, Entry] = {}  # in the order of sending, which is that of deadlines
        self.doubt: dict[MatchKey, Entry] = {}
        self.settled: OrderedDict[MatchKey, Entry] = OrderedDict()  # a plain one forgets its first ever more slowly
        self.start = start
        self._token = token
        self._late_approved: dict[MatchKey, Entry] = {}
        self._counts = dict.fromkeys(FINDINGS, 0)
        self._keys: dict[str, list[Key]] = {name: [] for name in FINDINGS}
        self._books: dict[str, dict[str, int]] = {}
        self.injected: dict[str, int] = {}
        self.totals: Totals | None = None  # there where the target is to be asked for its own

    # --- what happens

    def sent(self, entry: Entry) -> None:
        """On its way. Two open messages of one key would be our mistake: `is_free` is asked before."""
        self.open[entry.key] = entry

    def is_free(self, key: MatchKey) -> bool:
        return key not in self.open and key not in self.doubt

    def answered(self, entry: Entry, code: str, approval_code: str | None, echoed: tuple[str | None, ...]) -> bool:
        """The first answer to an open or doubtful message; `echoed`: the audited elements. Whether it was in time."""
        in_time = self.open.pop(entry.key, None) is not None
        if not in_time:
            self.doubt.pop(entry.key, None)
            self._note("late", entry, "answered after its deadline")
        entry.state = State.ANSWERED if in_time else State.LATE
        entry.code, entry.approval_code = code, approval_code
        self._settle(entry)
        self._compare(entry, echoed)
        if entry.sign and not entry.is_reversed:
            self._book(entry, echoed)
        if self.totals is not None and is_approval(code) and entry.undoes is None and not entry.is_reversed:
            partial = echoed[AUDITED.index(4)] if code == PARTIALLY_APPROVED else None
            self.totals.approved(*_counted(entry, partial))
        if not in_time and entry.sign and not entry.is_reversed and is_approval(code):
            self._late_approved[entry.key] = entry
        if entry.undoes is not None:
            self._undone(entry.undoes, code)
        return in_time

    def again(self, entry: Entry, code: str, approval_code: str | None) -> bool:
        """Another answer to a settled message. Whether it is a finding: the same, to what we sent twice, is none."""
        is_same = code == entry.code and approval_code == entry.approval_code
        if entry.sendings > 1 and (is_same or entry.has_conflict):
            entry.sendings -= 1
            return False
        self._note("doubled", entry, "answered again" if is_same else f"answered {entry.code}, then {code}")
        return True

    def unexpected(self, entry: Entry) -> bool:
        """Whether DE 39 is not what the card's entry foretells; noted, if so."""
        if entry.expected is None or entry.expected == entry.code:
            return False
        self._note("unexpected", entry, f"{entry.code} where the card foretells {entry.expected}")
        return True

    def altered(self, entry: Entry, note: str) -> None:
        """An answer says what it must not say."""
        self._note("altered", entry, note)

    def overdue(self, now: int) -> Iterator[Entry]:
        """Open messages whose deadline has passed: they are in doubt from now on."""
        late = []
        for entry in self.open.values():
            if entry.deadline > now:
                break
            late.append(entry)
        for entry in late:
            self.doubts(entry)
            yield entry

    def doubts(self, entry: Entry) -> None:
        """The outcome of an open message will not be waited for any longer."""
        if self.open.pop(entry.key, None) is not None:
            entry.state = State.IN_DOUBT
            self.doubt[entry.key] = entry

    def found_by(self, mti: str, rrn: str | None, stan: str | None) -> Entry | None:
        """The one open message that an answer with a wrong key can only be meant for: by its RRN, else by its STAN."""
        for number, value in ((37, rrn), (11, stan)):
            if value is None:
                continue
            fitting = [
                entry
                for entry in (*self.open.values(), *self.doubt.values())
                if entry.template.answer == mti and entry.template.value(number, entry.values) == value
            ]
            if len(fitting) == 1:
                return fitting[0]
        return None

    def inject(self, name: str) -> None:
        """A fault of our own making."""
        self.injected[name] = self.injected.get(name, 0) + 1

    def not_conserved(self, note: str) -> None:
        """The target's totals are not ours."""
        self._counts["not_conserved"] += 1
        if len(self._keys["not_conserved"]) < KEYS_MAX:
            self._keys["not_conserved"].append(Key(note=note))

    # --- the end

    def close(self) -> Audit:
        """The audit. What is still open has not been answered and never will be."""
        for entry in (*self.open.values(), *self.doubt.values()):
            if entry.sign and not entry.is_reversed:
                self._add(entry.currency, unknown=1, unknown_minor=entry.amount)
            if entry.undoes is None and not entry.is_reversed:
                self._note("lost", entry, "no answer and no accepted reversal")
            elif entry.undoes is not None and entry.undoes.state is State.ANSWERED and not entry.undoes.is_reversed:
                self._note("lost", entry, "a reversal that was never answered")
        for entry in self._late_approved.values():
            if not entry.is_reversed:
                self._note("contradictory", entry, "timed out, approved late, not reversed")
        return self.audit()

    def audit(self) -> Audit:
        """As far as it is known now."""
        findings = tuple(
            Finding(name=name, count=self._counts[name], fails=fails, keys=tuple(self._keys[name]))
            for name, fails in FINDINGS.items()
        )
        books = {currency: Book(**book) for currency, book in sorted(self._books.items())}
        return Audit(findings=findings, books=books, injected=dict(sorted(self.injected.items())))

    # --- inside

    def _settle(self, entry: Entry) -> None:
        settled = self.settled
        settled[entry.key] = entry
        if len(settled) > SETTLED_MAX:
            settled.popitem(last=False)

    def _compare(self, entry: Entry, echoed: tuple[str | None, ...]) -> None:
        template, values = entry.template, entry.values
        if echoed == template.audited(values):  # nearly always: one comparison
            return
        for number, came in zip(AUDITED, echoed, strict=True):
            if came is None or (went := template.value(number, values)) is None or came == went:
                continue
            if number == 4 and entry.code == PARTIALLY_APPROVED and int(came) <= int(went):
                continue
            self._note("altered", entry, f"DE {number} came back changed")
            return

    def _book(self, entry: Entry, echoed: tuple[str | None, ...]) -> None:
        currency = entry.currency
        book = self._books.get(currency)
        if book is None:
            book = self._books[currency] = {"approved": 0, "declined": 0, "approved_minor": 0}
        if not is_approval(entry.code):
            book["declined"] += 1
            return
        partial = echoed[AUDITED.index(4)] if entry.code == PARTIALLY_APPROVED else None
        book["approved"] += 1
        book["approved_minor"] += entry.sign * int(partial or entry.amount)

    def _undone(self, original: Entry, code: str) -> None:
        """A reversal was answered: 25 says that there was nothing to take back, which is as good."""
        if original.is_reversed or not (is_approval(code) or code == "25"):
            return
        original.is_reversed = True
        if self.totals is not None and is_approval(code):
            if original.state in (State.ANSWERED, State.LATE) and is_approval(original.code):
                self.totals.reversed(*_counted(original))
            elif original.state is State.IN_DOUBT:
                self.totals.is_net_only = True
        if original.sign and original.state in (State.ANSWERED, State.LATE) and is_approval(original.code):
            self._add(original.currency, reversed=1, reversed_minor=original.sign * original.amount)
        elif original.sign:
            self._add(original.currency, reversed=1)

    def _add(self, currency: str, **amounts: int) -> None:
        book = self._books.setdefault(currency, {"approved": 0, "declined": 0, "approved_minor": 0})
        for name, amount in amounts.items():
            book[name] = book.get(name, 0) + amount

    def _note(self, name: str, entry: Entry, note: str) -> None:
        self._counts[name] += 1
        keys = self._keys[name]
        if len(keys) < KEYS_MAX:
            value, values = entry.template.value, entry.values
            pan = value(2, values)
            keys.append(
                Key(
                    stan=value(11, values) or "",
                    rrn=value(37, values) or "",
                    token=self._token(pan) if pan else "",
                    at_s=round((entry.planned - self.start) / NANO, 6),
                    flow=entry.flow,
                    note=note,
                )
            )


def _counted(entry: Entry, amount: str | None = None) -> tuple[str, str, str, int]:
    """Type, DE 3, currency and amount of a message, for the totals."""
    return entry.mti, entry.template.value(3, entry.values) or "", entry.currency, int(amount or entry.amount)
