"""The eight rules: each reads the books and yields what is wrong, by key.

Pure. A rule names the books that it needs (`RULES`); without them it is not applied, and the report says so.
Everything is judged as it stands at the end, after healing: what is merely late is not there yet to be judged.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from tests.oracle.books import (
    APPROVED,
    Books,
    Line,
    Transaction,
    answer_to,
    first_of,
    is_reversal,
    key_of,
    letters,
    original_key,
)

#: How the switch ends a request whose issuer may have approved it: then a reversal must be owed.
IN_DOUBT: Final = frozenset({"issuer.timeout", "reversed.first", "switch.error"})
#: A repeat may hear this instead of its first answer: the approval was undone because nobody heard it.
UNDELIVERED: Final = frozenset({"68", "94"})
#: Elements that must come back as they were sent; DE 4 may come back smaller with 10.
ECHOED: Final = ("4", "11", "37", "41", "49")
#: Refusals that leave nothing behind, so that asking again may end otherwise.
UNRECORDED: Final = frozenset({"switch.stopping", "switch.busy", "switch.error", "link.not_signed_on"})
CLOCK_S: Final = 0.0005  # stamps are written in milliseconds


class Finding(NamedTuple):
    """A broken promise: which rule, of which key, and what was seen."""

    rule: int
    key: str
    what: str

    def __str__(self) -> str:
        return f"rule {self.rule}: {self.key}: {self.what}"


Found = Iterator[Finding]


# --- 1: approved and seen, posted, and not reversed unless the client asked


def approved_is_posted(books: Books) -> Found:
    for key, operations in books.operations.items():
        if not any(one.approved for one in operations) or is_reversal(operations[0].invoke["mti"]):
            continue
        recorded = [one for one in books.by_key.get(key, ()) if one.approved]
        if books.have("journal") and not recorded:
            yield Finding(1, key, "approved at the client, and no approval in the journal")
        for one in recorded:
            yield from _stands(books, one)
            yield from _posted(books, one)


def _stands(books: Books, one: Transaction) -> Found:
    if one.stands or one.key in books.reversals_asked:
        return
    yield Finding(1, one.key, "approved at the client, and reversed though nobody asked")


def _posted(books: Books, one: Transaction) -> Found:
    """What the bank has against what the switch says; also for approvals that no client remembers."""
    account = books.settled_account.get(one.number)
    if account is None or not one.moves_money or _is_owed_yet(books, one):
        return
    if not account.bookings:
        if one.amount:
            yield Finding(1, one.key, "approved, and not in its bank's book")
        return
    booking = account.bookings[0]
    has, should = account.amount, one.amount
    if has != should:
        how = " (wrong exponent)" if has and should and _is_power_of_ten(has, should) else ""
        yield Finding(1, one.key, f"its bank has {has}, it should be {should}{how}")
    elif has and letters(booking.get("currency")) != one.currency:
        yield Finding(1, one.key, f"its bank has it in {booking.get('currency')}, not in {one.currency}")


def _is_owed_yet(books: Books, one: Transaction) -> bool:
    """Its bank has not heard the last word, which rule 7 reports: what it has now proves nothing."""
    return one.number in books.unsettled


def _is_power_of_ten(one: int, other: int) -> bool:
    less, more = sorted((abs(one), abs(other)))
    return more % less == 0 and set(str(more // less)) <= {"1", "0"} and str(more // less).startswith("1")


# --- 2: unknown at the client, reversed or confirmed


def unknown_is_settled(books: Books) -> Found:
    for key, operations in books.operations.items():
        if is_reversal(operations[0].invoke["mti"]) or any(one.ok for one in operations):
            continue
        if not any(line["event"] == "unknown" for one in operations for line in one.heard):
            continue
        for one in books.by_key.get(key, ()):
            account = books.settled_account.get(one.number)
            taken = account.amount if account is not None else one.amount
            if taken and key not in books.reversals_asked:
                yield Finding(2, key, f"nobody heard its answer, and {taken} stays taken")
            elif taken and one.amount == one.asked_amount:
                yield Finding(2, key, f"reversed by its client, and {taken} stays taken")


# --- 3: declined has no effect, effects at most one, entries sum to zero


def effects_are_right(books: Books) -> Found:
    yield from _keys_are_single(books)
    for one in books.transactions.values():
        account = books.settled_account.get(one.number)
        if account is None or not one.moves_money or one.approved or _is_owed_yet(books, one):
            continue
        if account.amount or account.taken:
            yield Finding(3, one.key, f"declined, and its bank has {account.amount or account.taken}")
    yield from _tombstones_hold(books)
    yield from _conflicts_are_refused(books)
    for bank, accounts in books.banks.items():
        for key, account in accounts.items():
            yield from (Finding(3, books.name_of(bank, key), what) for what in _wrong_with(account))


def _keys_are_single(books: Books) -> Found:
    for key, several in books.by_key.items():
        if sum(one.approved for one in several) > 1:
            yield Finding(3, key, "approved more than once in the journal")
    for bank, accounts in books.banks.items():
        for key, account in accounts.items():
            if len(account.bookings) > 1:
                yield Finding(3, books.name_of(bank, key), f"{len(account.bookings)} bookings")


def _wrong_with(account: Any) -> Iterator[str]:
    sums: Counter[str] = Counter()
    for line in account.entries:
        sums[line["currency"]] += int(line["amount"])
    yield from (f"its entries in {code} sum to {total}" for code, total in sums.items() if total)
    if not account.entries or len(account.bookings) != 1:
        return
    booking = account.bookings[0]
    if booking.get("way") != "post" or booking.get("fee") or booking.get("target") or booking.get("original"):
        return
    stands = int(booking["amount"]) if booking["state"] == "approved" else 0
    if account.taken * -int(booking.get("sign", -1)) != stands:
        how = "credited more than was posted" if account.taken < stands else "posted more than its amount"
        yield f"{how}: {account.taken}, not {stands}"


def _tombstones_hold(books: Books) -> Found:
    buried = {line["tombstone"]: line["number"] for line in books.of["journal"] if line.get("tombstone")}
    for key, number in buried.items():
        for one in books.by_key.get(key, ()):
            if one.number > number and one.approved:
                yield Finding(3, key, "reversed before it came, and approved when it came")
    for bank, accounts in books.banks.items():
        for key, account in accounts.items():
            if any(line.get("is_tombstone") for line in account.bookings) and (account.amount or account.taken):
                yield Finding(3, books.name_of(bank, key), "reversed before it came, and posted")


def _conflicts_are_refused(books: Books) -> Found:
    for key, operations in books.operations.items():
        if len({one.identity for one in operations if one.approved}) > 1:
            yield Finding(3, key, "used again for another payment, and approved")
    yield from _answers_are_the_same(books)


def _answers_are_the_same(books: Books) -> Found:
    for key, several in books.operations.items():
        operations = [one for one in several if one.ok and one.ok["elements"].get("44") not in UNRECORDED]
        first = next(iter(operations), None)
        if first is None or first.ok is None:
            continue
        told = _told(first.ok)
        for other in operations:
            if other.ok is None or other.identity != first.identity or _told(other.ok) == told:
                continue
            if other.ok["elements"].get("39") in UNDELIVERED and any(one.owed for one in books.by_key.get(key, ())):
                continue
            yield Finding(6, key, f"the repeat heard {_told(other.ok)}, the first {told}")


def _told(line: Line) -> tuple[str | None, ...]:
    return tuple(line["elements"].get(number) for number in ("38", "39", "44"))


# --- 4: a hold ends exactly once


def holds_end_once(books: Books) -> Found:
    today = _last_day(books)
    for bank, accounts in books.banks.items():
        for key, account in accounts.items():
            if not account.holds:
                continue
            name = books.name_of(bank, key)
            held = [line for line in account.holds if line["event"] == "held"]
            ends = [line["event"] for line in account.holds if line["event"] not in ("held", "reduced")]
            if len(held) != 1:
                yield Finding(4, name, f"{len(held)} holds under one key")
            if len(ends) > 1:
                yield Finding(4, name, f"its hold ended {len(ends)} times: {', '.join(ends)}")
            booking = account.bookings[0] if account.bookings else {}
            done = booking.get("state") == "reversed" or booking.get("completed") or _is_over(booking, today)
            if not ends and done:
                yield Finding(4, name, "its hold never ended")
    yield from _completions_fit(books)


def _completions_fit(books: Books) -> Found:
    for bank, accounts in books.banks.items():
        for key, account in accounts.items():
            for booking in account.bookings:
                original = accounts.get(booking.get("original") or "")
                if original is None or booking["state"] != "approved" or _holds_nothing(original):
                    continue
                held = sum(int(line["amount"]) for line in original.holds if line["event"] == "held")
                covered = held + int(booking.get("excess") or 0)
                if int(booking["amount"]) > covered:
                    yield Finding(4, books.name_of(bank, key), f"took {booking['amount']} of a hold of {held}")


def _holds_nothing(original: Any) -> bool:
    """Whether its bank keeps no accounts, and so no holds that anything could be above."""
    return any(booking.get("way") == "nothing" for booking in original.bookings)


def _is_over(booking: Line, today: str) -> bool:
    expires = booking.get("expires") or ""
    return bool(expires) and expires < today


def _last_day(books: Books) -> str:
    last = max((line["at"] for line in books.of["journal"]), default=0.0)
    return datetime.fromtimestamp(last, UTC).strftime("%Y-%m-%d")


# --- 5: the journal: parents, no gap, record before answer


def records_hang_together(books: Books) -> Found:
    expected, key = 1, "the beginning"
    began: set[int] = set()
    owed: set[int] = set()
    for line in books.of["journal"]:
        if line["record"] != expected:
            yield Finding(5, key, f"record {line['record']} follows record {expected - 1}")
        expected, key = line["record"] + 1, str(line.get("key") or key)
        yield from (Finding(5, key, what) for what in _orphan(line, began, owed))
        if line["kind"] in ("sent", "answered"):
            began.add(line["number"])
        owed |= {debt["number"] for debt in line.get("debts") or ()}
    yield from _record_before_answer(books)


def _orphan(line: Line, began: set[int], owed: set[int]) -> Iterator[str]:
    kind, number = line["kind"], line["number"]
    if kind == "answered" and not line.get("elements") and number not in began:
        yield f"record {line['record']} answers request {number}, which is not recorded"
    if kind == "answered" and line.get("reverses") is not None and line["reverses"] not in began:
        yield f"record {line['record']} reverses request {line['reverses']}, which is not recorded"
    if kind == "owed" and number not in began:
        yield f"record {line['record']} owes for request {number}, which is not recorded"
    if kind == "settled" and number not in owed:
        yield f"record {line['record']} settles debt {number}, which is not recorded"


def _record_before_answer(books: Books) -> Found:
    if not books.have("wire"):
        return
    recorded = {one.key: one.answered for one in books.transactions.values() if one.answered is not None}
    sent = {(one.issuer, one.asked.get("stan"), one.elements.get("7")): one for one in books.transactions.values()}
    for line in books.of["wire"]:
        if line["way"] != "out":
            continue
        elements = line["elements"]
        if line["side"] == "gateway" and int(line["mti"][2]) % 2:
            key = key_of(line["participant"], line["mti"], elements)
            record = recorded.get(key)
            if record is None:
                if elements.get("39") in APPROVED and line["mti"][1] != "8":
                    yield Finding(5, key, "approved on the wire, and not recorded")
            elif line["at"] < record["at"] - CLOCK_S:
                yield Finding(5, key, "answered on the wire before it was recorded")
        elif line["side"] == "issuer" and line["mti"] in ("0100", "0200"):
            one = sent.get((line["participant"], elements.get("11"), elements.get("7")))
            if one is None or one.sent is None:
                yield Finding(5, f"{line['participant']}:{elements.get('11')}", "sent to its bank, and not recorded")
            elif line["at"] < one.sent["at"] - CLOCK_S:
                yield Finding(5, one.key, "sent to its bank before it was recorded")


# --- 6: one answer, and what was sent comes back


def answers_fit(books: Books) -> Found:
    asked: dict[tuple[str, str], list[Line]] = defaultdict(list)
    heard: dict[tuple[str, str], list[Line]] = defaultdict(list)
    closed = {line["link"] for line in books.of["wire"] if line["way"] == "closed"}
    for line in books.of["wire"]:
        if line["side"] != "gateway" or line["way"] == "closed" or line["mti"][1] == "8":
            continue
        key = key_of(line["participant"], line["mti"], line["elements"])
        is_question = line["way"] == "in" and not int(line["mti"][2]) % 2
        (asked if is_question else heard)[line["link"], key].append(line)
    recorded = {one.key: one.answered for one in books.transactions.values() if one.answered is not None}
    for (link, key), questions in asked.items():
        answers = heard.pop((link, key), [])
        if len(answers) > len(questions) or (len(answers) < len(questions) and link not in closed):
            yield Finding(6, key, f"{len(questions)} requests, {len(answers)} answers")
        for answer in answers:
            yield from (Finding(6, key, what) for what in _unlike(answer, questions, recorded.get(key)))
    for _, key in heard:
        yield Finding(6, key, "an answer that nobody asked for")


def _unlike(answer: Line, questions: list[Line], record: Line | None) -> Iterator[str]:
    found = answer["elements"]
    if answer["mti"] != answer_to(questions[0]["mti"]):
        yield f"a {answer['mti']} to a {questions[0]['mti']}"
    differing = [[n for n in ECHOED if not _echoes(n, one["elements"], found)] for one in questions]
    cards = [one.get("card") for one in questions]
    if "card" in answer and answer["card"] not in cards:
        yield "another card came back"
    if all(differing):
        yield f"DE {', '.join(min(differing, key=len))} did not come back as sent"
    code = found.get("39")
    if found.get("44") in UNRECORDED:
        return
    if record is not None and code != record["response_code"] and code not in UNDELIVERED:
        yield f"answered {code}, recorded {record['response_code']}"


def _echoes(number: str, sent: Mapping[str, str], came: Mapping[str, str]) -> bool:
    if number not in sent or number not in came:
        return number not in sent or number not in ("4", "11", "37", "41")
    if number == "4" and came.get("39") == "10":
        return int(came["4"]) <= int(sent["4"])
    return sent[number] == came[number]


# --- 7: what is owed is owed, delivered and acknowledged


def debts_are_paid(books: Books) -> Found:
    for one in books.transactions.values():
        yield from (Finding(7, one.key, what) for what in _unowed(one))
    waiting = {line["number"]: line for line in books.of["saf"]}
    for number, (one, debt) in books.debts.items():
        if number in waiting:
            if waiting[number].get("state") != "parked":
                yield Finding(7, one.key, f"its {debt['mti']} is left in store and forward")
        elif number not in books.settled:
            yield Finding(7, one.key, f"its {debt['mti']} was neither delivered nor kept")
    yield from _stand_in_within_limits(books)
    if books.have("wire"):
        yield from _debts_on_the_wire(books)


def _unowed(one: Transaction) -> Iterator[str]:
    """What should be owed and is not."""
    mtis = {debt["mti"] for debt in one.debts}
    answered = one.answered
    if answered is None:
        if not any(is_reversal(mti) for mti in mtis):
            yield "sent, never answered, and no reversal is owed"
    elif answered.get("stand_in"):
        if not any(mti[1:3] in ("12", "22") for mti in mtis):
            yield "approved in its bank's place, and no advice is owed"
    elif one.sent is not None and answered.get("reason") in IN_DOUBT and not any(map(is_reversal, mtis)):
        yield "in doubt, and no reversal is owed"


def _stand_in_within_limits(books: Books) -> Found:
    agreed = {line["issuer"]: line for line in books.of["agreement"]}
    spent: Counter[tuple[Any, ...]] = Counter()
    for one in books.transactions.values():
        if one.answered is None or not one.answered.get("stand_in") or one.issuer not in agreed:
            continue
        limits, card = agreed[one.issuer], one.asked.get("card")
        day = one.answered.get("business_date") or _day(one.answered["at"])
        spent[one.issuer, card, day] += one.asked_amount
        over = limits.get("stand_in_limit")
        if over is not None and one.asked_amount > over:
            yield Finding(7, one.key, f"approved {one.asked_amount} in its bank's place, where {over} is the most")
        most = limits.get("stand_in_day_limit")
        if most is not None and spent[one.issuer, card, day] > most:
            yield Finding(7, one.key, f"more than {most} a day approved in its bank's place")


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")


def _debts_on_the_wire(books: Books) -> Found:
    """Every repeat is the repeat of a first, under its STAN; every settlement has an answer of the right type."""
    firsts: set[tuple[str, str, str]] = set()
    acknowledged: dict[tuple[str, str], set[str]] = defaultdict(set)
    owner = {(debt["issuer"], debt["stan"]): one.key for one, debt in books.debts.values()}
    for line in books.of["wire"]:
        if line["side"] != "issuer" or line["way"] == "closed":
            continue
        bank, stan, mti = line["participant"], line["elements"].get("11") or "", line["mti"]
        if line["way"] == "in":
            acknowledged[bank, stan].add(mti)
        elif mti[2] == "2" and mti[3] == "0":
            firsts.add((bank, stan, mti))
        elif mti[3] == "1" and (bank, stan, first_of(mti)) not in firsts:
            yield Finding(7, _about(books, line, owner), f"a {mti} under STAN {stan}, which no {first_of(mti)} had")
    for number in books.settled.keys() & books.debts.keys():
        one, debt = books.debts[number]
        heard = acknowledged[debt["issuer"], debt["stan"]]
        if answer_to(debt["mti"]) not in heard:
            by = " ".join(sorted(heard)) or "nothing"
            yield Finding(7, one.key, f"its {debt['mti']} was taken for acknowledged by {by}")


def _about(books: Books, line: Line, owner: Mapping[tuple[str, str], str]) -> str:
    """The key of whatever a message to a bank is about: by its STAN, else by the original that it names."""
    stan, elements = line["elements"].get("11") or "", line["elements"]
    if (key := owner.get((line["participant"], stan))) is not None:
        return key
    named = original_key(line["participant"], elements)
    for one in books.transactions.values():
        if one.issuer == line["participant"] and elements.get("90", "")[4:20] == (
            f"{one.asked.get('stan')}{one.elements.get('7')}"
        ):
            return one.key
    return named or f"{line['participant']}:{stan}"


# --- 8: clearing


def clearing_is_complete(books: Books) -> Found:
    files: dict[str, list[Line]] = defaultdict(list)
    for line in books.of["clearing"]:
        files[line["key"]].append(line)
    for one in books.transactions.values():
        lines = files.pop(one.key, [])
        date = (one.answered or {}).get("business_date")
        if not one.moves_money or not one.amount:
            if lines:
                yield Finding(8, one.key, "in clearing, and nothing stands")
            continue
        if not lines:
            yield Finding(8, one.key, "posted, and not in clearing")
        elif len(lines) > 1:
            yield Finding(8, one.key, f"in clearing {len(lines)} times: {', '.join(line['file'] for line in lines)}")
        elif date is not None and lines[0]["business_date"] != date:
            yield Finding(8, one.key, f"cleared under {lines[0]['business_date']}, it belongs to {date}")
        elif int(lines[0]["amount"]) != one.amount:
            yield Finding(8, one.key, f"cleared with {lines[0]['amount']}, it stands at {one.amount}")
    for key in files:
        yield Finding(8, key, "in clearing, and not in the journal")


def totals_add_up(books: Books) -> Found:
    counts: Counter[tuple[str, str, str]] = Counter()
    sums: Counter[tuple[str, str, str]] = Counter()
    for one in books.transactions.values():
        if one.moves_money and one.amount and one.answered and one.issuer:
            of = (one.issuer, one.answered.get("business_date") or _day(one.answered["at"]), one.currency)
            counts[of] += 1
            sums[of] += one.amount
    for line in books.of["totals"]:
        of = (line["issuer"], line["business_date"], letters(line["currency"]))
        if (int(line["count"]), int(line["amount"])) != (counts[of], sums[of]):
            yield Finding(
                8, "/".join(of), f"the total says {line['count']}, {line['amount']}; it is {counts[of]}, {sums[of]}"
            )


Rule = Callable[[Books], Found]

#: What is looked at, and the books it takes.
RULES: Final[tuple[tuple[int, str, Rule, tuple[str, ...]], ...]] = (
    (1, "approved and seen is posted and stays", approved_is_posted, ("history",)),
    (2, "unknown at the client is reversed or confirmed", unknown_is_settled, ("history", "journal")),
    (3, "declined has no effect, and no key more than one", effects_are_right, ("journal",)),
    (4, "a hold ends exactly once", holds_end_once, ("issuer",)),
    (5, "records have parents, no gaps, and come before answers", records_hang_together, ("journal",)),
    (6, "each request has exactly one answer, to itself", answers_fit, ("wire",)),
    (7, "what is owed is delivered and acknowledged", debts_are_paid, ("journal",)),
    (8, "clearing has each posted transaction once", clearing_is_complete, ("journal", "clearing")),
    (8, "totals are the sums of what stands", totals_add_up, ("journal", "totals")),
)


def judge(books: Books) -> list[Finding]:
    """Everything that is wrong, each once."""
    found = (finding for _, _, rule, needs in RULES if books.have(*needs) for finding in rule(books))
    return list(dict.fromkeys(found))
