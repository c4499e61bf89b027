"""Thirty planted faults: each a function that breaks one promise in a clean history and says at which key.

Who tests the tester: the oracle must find every one of them, and name that key. Records that are taken out are
numbered anew, except where the gap is the fault: a fault that betrays itself by its traces would prove nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, Final

from tests.oracle.books import key_of, original_key

Line = dict[str, Any]


class Scene:
    """A history to be broken, and how to find things in it."""

    def __init__(self, lines: list[Line], random: Random) -> None:
        self.lines, self.random = lines, random

    def of(self, book: str, **members: Any) -> list[Line]:
        """Lines of a book that have these values."""
        return [
            line
            for line in self.lines
            if line["book"] == book and all(line.get(name) == value for name, value in members.items())
        ]

    def any_of(self, lines: list[Line]) -> Line:
        return self.random.choice(lines)

    def sent(self, record: Line) -> Line | None:
        return next(iter(self.of("journal", kind="sent", number=record["number"])), None)

    def bookings(self, state: str, **members: Any) -> list[Line]:
        return self.of("issuer", what="booking", state=state, **members)

    def plain_bookings(self) -> list[Line]:
        """Of purchases that stand as they were asked."""
        whole = {line["key"]: line for line in self.of("clearing")}
        found = []
        for line in self.bookings("approved", way="post"):
            key = self.key_of_booking(line)
            if not line.get("original") and key in whole and self.undone(key) is None:
                found.append(line)
        return found

    def undone(self, key: str) -> Line | None:
        return next((line for line in self.of("journal", kind="answered") if line.get("reverses_key") == key), None)

    def key_of_booking(self, booking: Line) -> str:
        """The transaction's key, from the record of its sending (or of the completion's debt)."""
        bank, key = booking["issuer"], booking["key"]
        _, stan, moment, _ = key.split("/")
        for line in self.of("journal", kind="sent", issuer=bank, stan=stan):
            if line["elements"]["7"] == moment:
                return str(line["key"])
        return f"{bank}:{key}"

    def entries_of(self, booking: Line) -> list[Line]:
        return self.of("issuer", what="entry", issuer=booking["issuer"], key=booking["key"])

    def again(self, lines: list[Line]) -> None:
        self.lines += [dict(line) for line in lines]

    def without(self, *gone: Line, gap: bool = False) -> None:
        self.lines[:] = [line for line in self.lines if not any(line is one for one in gone)]
        if not gap:
            for number, line in enumerate(self.of("journal"), 1):
                line["record"] = number

    def answers(self, code: str) -> list[Line]:
        """Answers to gateways' own requests."""
        found = self.of("wire", side="gateway", way="out", mti="0110")
        return [line for line in found if line["elements"]["39"] == code]

    def key_of_message(self, line: Line) -> str:
        return key_of(line["participant"], line["mti"], line["elements"])

    def debts(self, mti: str) -> list[tuple[Line, Line]]:
        """(the record that owes, what it owes)."""
        return [(line, debt) for line in self.of("journal") for debt in line.get("debts", ()) if debt["mti"] == mti]

    def any_of_debts(self, mti: str) -> tuple[Line, Line]:
        return self.random.choice(self.debts(mti))

    def owing_key(self, record: Line, debt: Line) -> str:
        """The key of the transaction that a debt is about."""
        about = next(line for line in self.of("journal", number=debt["transaction"]) if line["kind"] != "settled")
        return str(about["key"])


# --- posting


def lost(scene: Scene) -> str:
    """1: an approval that its bank does not have."""
    booking = scene.any_of(scene.plain_bookings())
    key = scene.key_of_booking(booking)
    scene.without(booking, *scene.entries_of(booking))
    return key


def doubled(scene: Scene) -> str:
    """2: the money moved twice."""
    booking = scene.any_of(scene.plain_bookings())
    scene.again(scene.entries_of(booking))
    return scene.key_of_booking(booking)


def posted_though_declined(scene: Scene) -> str:
    """3: declined, and taken nevertheless."""
    booking = scene.any_of([line for line in scene.bookings("declined") if not line.get("is_tombstone")])
    booking |= {"state": "approved", "amount": 1234}
    return scene.key_of_booking(booking)


def off_by_one(scene: Scene) -> str:
    """4: one minor unit too much, in booking and entries alike."""
    return _scaled(scene, lambda amount: amount + 1)


def wrong_exponent(scene: Scene) -> str:
    """5: fils taken for halalas."""
    return _scaled(scene, lambda amount: amount * 10)


def _scaled(scene: Scene, scale: Callable[[int], int]) -> str:
    booking = scene.any_of(scene.plain_bookings())
    for entry in scene.entries_of(booking):
        entry["amount"] = scale(abs(entry["amount"])) * (1 if entry["amount"] > 0 else -1)
    booking["amount"] = scale(booking["amount"])
    return scene.key_of_booking(booking)


def credited_twice(scene: Scene) -> str:
    """6: a reversal gives the money back two times."""
    booking = scene.any_of([line for line in scene.bookings("reversed", way="post") if scene.entries_of(line)])
    scene.again(scene.entries_of(booking)[-2:])
    return scene.key_of_booking(booking)


def parts_above_the_whole(scene: Scene) -> str:
    """7: partial reversals that give back more than was taken."""
    record = scene.any_of([line for line in scene.of("journal", kind="answered") if line.get("left")
                           and line["mti"] == "0420"])  # fmt: skip
    booking = next(
        line for line in scene.bookings("approved", way="post") if scene.key_of_booking(line) == record["reverses_key"]
    )
    back = scene.entries_of(booking)[-2:]
    for _ in range(3):
        scene.again(back)
    return str(record["reverses_key"])


def hold_ended_twice(scene: Scene) -> str:
    """8: captured, and released as well."""
    end = scene.any_of([line for line in scene.of("issuer", what="hold") if line["event"] != "held"])
    scene.lines.append({**end, "event": "released"})
    return scene.key_of_booking(end)


def hold_never_ended(scene: Scene) -> str:
    """9: reversed or completed, and the money still set aside."""
    end = scene.any_of([line for line in scene.of("issuer", what="hold") if line["event"] != "held"])
    scene.without(end)
    return scene.key_of_booking(end)


def completion_above_the_hold(scene: Scene) -> str:
    """10: more was taken than had been reserved."""
    booking = scene.any_of([line for line in scene.bookings("approved") if line.get("original")])
    booking["amount"] += 10**6
    return f"{booking['issuer']}:{booking['key']}"


# --- answers


def two_answers(scene: Scene) -> str:
    """11: one request, two answers."""
    answer = scene.any_of(scene.answers("00"))
    scene.again([answer])
    return scene.key_of_message(answer)


def no_answer(scene: Scene) -> str:
    """12: a request left without one."""
    answer = scene.any_of(scene.answers("51"))
    scene.without(answer)
    return scene.key_of_message(answer)


def repeat_with_another_code(scene: Scene) -> str:
    """13: the repeat of an approved request hears another DE 38."""
    asked = scene.any_of(
        [
            line
            for line in scene.of("history", event="invoke", mti="0101")
            if any(one["elements"].get("38") for one in scene.of("history", event="ok", id=line["id"]))
            and sum(scene.key_of_message(one) == scene.key_of_message(line) for one in scene.of("history", event="ok"))
            > 1
        ]
    )
    told = next(iter(scene.of("history", event="ok", id=asked["id"])))
    told["elements"] = {**told["elements"], "38": "ZZZZZZ"}
    return scene.key_of_message(told)


def swapped_references(scene: Scene) -> str:
    """14: two answers carry each other's DE 37."""
    one, other = scene.random.sample(scene.answers("00"), 2)
    while other["elements"]["37"] == one["elements"]["37"]:
        other = scene.any_of(scene.answers("00"))
    mine, theirs = one["elements"]["37"], other["elements"]["37"]
    one["elements"], other["elements"] = {**one["elements"], "37": theirs}, {**other["elements"], "37": mine}
    return scene.key_of_message(one)


def late_approval_forwarded(scene: Scene) -> str:
    """15: told 91, and then the bank's late approval as well."""
    answer = scene.any_of(scene.answers("91"))
    late = {**answer, "at": answer["at"] + 3.0, "elements": {**answer["elements"], "39": "00", "38": "123456"}}
    scene.lines.append(late)
    return scene.key_of_message(answer)


def amount_altered(scene: Scene) -> str:
    """16: another DE 4 in the answer."""
    answer = scene.any_of(scene.answers("00"))
    answer["elements"] = {**answer["elements"], "4": f"{int(answer['elements']['4']) + 1:012d}"}
    return scene.key_of_message(answer)


def conflict_approved(scene: Scene) -> str:
    """17: the name of an earlier payment used for another one, and approved."""
    told = scene.any_of([line for line in scene.of("history", event="ok") if line["elements"]["39"] == "94"
                         and line["elements"].get("44") == "duplicate.differs"])  # fmt: skip
    told["elements"] = {**told["elements"], "39": "00"}
    return scene.key_of_message(told)


def stand_in_above_its_limit(scene: Scene) -> str:
    """18: the switch approved more in a bank's place than the bank allows."""
    record = scene.any_of([line for line in scene.of("journal", kind="answered") if line.get("stand_in")])
    sent = scene.sent(record)
    assert sent is not None
    for line in scene.of("agreement", issuer=record["issuer"]):
        line["stand_in_limit"] = int(sent["elements"]["4"]) - 1
    return str(record["key"])


# --- record


def approval_missing(scene: Scene) -> str:
    """19: told to the client, and not in the journal."""
    record = scene.any_of(
        [line for line in scene.of("journal", kind="answered") if line["response_code"] == "00" and scene.sent(line)]
    )
    scene.without(record)
    return str(record["key"])


def parent_missing(scene: Scene) -> str:
    """20: an answer to a request that was never recorded."""
    record = scene.any_of([line for line in scene.of("journal", kind="answered") if scene.sent(line)])
    sent = scene.sent(record)
    assert sent is not None
    scene.without(sent)
    return str(record["key"])


def gap(scene: Scene) -> str:
    """21: a record is gone; the one before it is named."""
    journal = scene.of("journal")
    at = scene.random.randrange(2, len(journal) - 1)
    while journal[at]["kind"] != "settled":
        at = at % (len(journal) - 2) + 1
    before = next(line["key"] for line in reversed(journal[:at]) if "key" in line)
    scene.without(journal[at], gap=True)
    return str(before)


def answer_before_record(scene: Scene) -> str:
    """22: on the wire before it was written down."""
    answer = scene.any_of(scene.answers("00"))
    record = next(line for line in scene.of("journal", kind="answered") if line["key"] == scene.key_of_message(answer))
    answer["at"] = record["at"] - 0.001
    return scene.key_of_message(answer)


# --- store and forward


def reversal_dropped(scene: Scene) -> str:
    """23: owed, never acknowledged, and no longer kept."""
    record, debt = scene.any_of_debts("0420")
    scene.without(*scene.of("journal", kind="settled", number=debt["number"]))
    return scene.owing_key(record, debt)


def repeat_with_a_new_stan(scene: Scene) -> str:
    """24: a 0421 that no bank can tell from a new reversal."""
    banks = scene.of("wire", side="issuer", way="out", mti="0421")
    if not banks:
        first = scene.any_of(scene.of("wire", side="issuer", way="out", mti="0420"))
        scene.lines.append({**first, "mti": "0421"})
        banks = [scene.lines[-1]]
    line = scene.any_of(banks)
    line["elements"] = {**line["elements"], "11": "999999"}
    named = line["elements"]["90"]
    sent = scene.of("journal", kind="sent", issuer=line["participant"], stan=named[4:10])
    return str(sent[0]["key"]) if sent else str(original_key(line["participant"], line["elements"]))


def advice_acknowledged_by_an_answer(scene: Scene) -> str:
    """25: a late 0110 taken for the acknowledgement of a 0120."""
    record, debt = scene.any_of_debts("0120")
    for line in scene.of("wire", side="issuer", way="in", participant=debt["issuer"], mti="0130"):
        if line["elements"]["11"] == debt["stan"]:
            line["mti"] = "0110"
    return scene.owing_key(record, debt)


def entry_left(scene: Scene) -> str:
    """26: still waiting after everything has healed."""
    record, debt = scene.any_of_debts("0420")
    scene.without(*scene.of("journal", kind="settled", number=debt["number"]))
    scene.lines.append({**debt, "book": "saf", "state": "waiting"})
    return scene.owing_key(record, debt)


def tombstoned_original_posted(scene: Scene) -> str:
    """27: its reversal was there first, and the bank posts it all the same."""
    booking = scene.any_of([line for line in scene.bookings("declined") if line.get("is_tombstone")])
    booking |= {"state": "approved", "amount": 777}
    return scene.key_of_booking(booking)


# --- books


def total_off_by_one(scene: Scene) -> str:
    """28: a total of the day that is not the sum."""
    line = scene.any_of(scene.of("totals"))
    line["amount"] += 1
    return f"{line['issuer']}/{line['business_date']}/{line['currency']}"


def wrong_business_date(scene: Scene) -> str:
    """29: cleared a day late."""
    line = scene.any_of(scene.of("clearing"))
    line["business_date"] = "2026-12-31"
    return str(line["key"])


def cleared_twice(scene: Scene) -> str:
    """30: in two clearing files."""
    line = scene.any_of(scene.of("clearing"))
    scene.lines.append({**line, "file": line["file"] + "-2"})
    return str(line["key"])


FAULTS: Final[tuple[Callable[[Scene], str], ...]] = (
    *(lost, doubled, posted_though_declined, off_by_one, wrong_exponent, credited_twice, parts_above_the_whole),
    *(hold_ended_twice, hold_never_ended, completion_above_the_hold),
    *(two_answers, no_answer, repeat_with_another_code, swapped_references, late_approval_forwarded, amount_altered),
    *(conflict_approved, stand_in_above_its_limit),
    *(approval_missing, parent_missing, gap, answer_before_record),
    *(reversal_dropped, repeat_with_a_new_stan, advice_acknowledged_by_an_answer, entry_left),
    tombstoned_original_posted,
    *(total_off_by_one, wrong_business_date, cleared_twice),
)
