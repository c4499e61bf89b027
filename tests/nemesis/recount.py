"""What the clients were told, held against what all books say. Pure: books come in, broken promises go out.

A finding names the promise (P1 to P4 of docs/promises.md) and the payment by its retrieval reference number.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from tests.nemesis.load import APPROVED, CODES, CONFLICT, Payment

#: Refusals that leave no record and no effect (T2 speaks of requests that were taken): the repeat is a new try.
UNRECORDED: Final = frozenset({"switch.error", "switch.busy", "switch.stopping", "link.not_signed_on"})
SAME: Final = (38, 39, 44)  # in the answers to all repeats

Books = Mapping[str, Sequence[Mapping[str, Any]]]


def recount(payments: Iterable[Payment], books: Sequence[Mapping[str, Any]], strangers: bool = False) -> list[str]:
    """Every broken promise. With `strangers`, who bought too, entries that nobody of us asked for are left alone."""
    by_rrn: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for entry in books:
        by_rrn[entry["rrn"] or ""].append(entry)
    payments = list(payments)
    found = [finding for payment in payments for finding in _of_one(payment, by_rrn.get(payment.rrn, []))]
    found += [f"P3: {entry['key']} still waits" for entry in books if entry["state"] == "waiting"]
    if not strangers:
        ours = {payment.rrn for payment in payments}
        unasked = [rrn for rrn, entries in by_rrn.items() if rrn not in ours and any(map(_stands, entries))]
        found += [f"P2: {rrn} was taken, and nobody asked for it" for rrn in unasked]
    return found


def _of_one(payment: Payment, entries: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    standing = [entry for entry in entries if _stands(entry)]
    if len(standing) > 1:
        yield f"P2: {payment.rrn} was taken {len(standing)} times"
    if not payment.settled:
        yield f"P3: {payment.rrn} was never told"
        return
    if payment.reversal is not None:
        if standing:
            yield f"P1: {payment.rrn} was taken back, and stands"
    elif any(answer.get(39) == APPROVED for answer in payment.told):
        if not standing:
            yield f"P1: {payment.rrn} was told as approved, and does not stand"
        yield from _differs(payment, standing)
    elif standing:
        yield f"P2: {payment.rrn} was told as declined ({payment.told[0].get(39)}), and was taken"
    yield from _answers(payment)


def _differs(payment: Payment, standing: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    asked = payment.amount, CODES[payment.card.currency]
    for entry in standing:
        if (entry["amount"], entry["currency"]) != asked:
            yield f"P4: {payment.rrn} was taken with {entry['amount']} {entry['currency']}, asked for {asked}"


def _answers(payment: Payment) -> Iterator[str]:
    recorded = [answer for answer in payment.told if answer.get(44) not in UNRECORDED]
    said = {tuple(answer.get(number) for number in SAME) for answer in recorded}
    if len(said) > 1:
        yield f"P2: {payment.rrn} was answered differently: {sorted(map(str, said))}"
    for answer in payment.conflicts:
        if (answer.get(39), answer.get(44)) != CONFLICT and answer.get(44) not in UNRECORDED:
            yield f"P2: a copy of {payment.rrn} that differs was answered {answer.get(39)} {answer.get(44)}"
    for answer in payment.told:
        if answer.get(37) != payment.rrn or int(answer.get(4, "0")) != payment.amount:
            yield f"P7: {payment.rrn} was answered with somebody else's answer"


def _stands(entry: Mapping[str, Any]) -> bool:
    return bool(entry["state"] == "approved")
