"""The table of transactions: what each journal record does to it.

Pure: a record in, statements out. This is what the console, the audit and people ask; it can be
thrown away and made again. A transaction *waits* while it is in flight, or while its issuer is
still owed a message about it; then it is approved, declined or reversed for good.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from protocols import elements as de
from protocols.dialects import dialect_named
from protocols.message import Message
from protocols.pan import masked
from switch.processing import moved
from switch.records import Answered, Debt, Owed, Record, Sent, Settled, read
from switch.store.projection import Schema, Statement, transactions_schema, upsert

VERSION = 1

_ASKED = (
    *("id", "key", "participant", "issuer", "mti", "pan_masked", "pan_token", "processing_code", "amount", "currency"),
    *("billing_amount", "billing_currency", "stan", "issuer_stan", "rrn", "transmitted_at", "acquirer_id"),
    *("terminal_id", "card_acceptor_id", "requested_at", "state"),
)
_ENDED = ("id", "response_code", "reason", "approval_code", "stand_in", "answered_at")

#: Approvals; kept apart from the codes table because SQL has to read it.
_APPROVED = "response_code IN ('00', '10')"

STATEMENTS: Mapping[str, str] = {
    "asked": upsert(*_ASKED),
    "ended": upsert(*_ENDED),
    "partly": "UPDATE transactions SET amount = ? WHERE id = ?",
    "left": """
        UPDATE transactions SET
            amount = CASE WHEN billing_amount IS NULL THEN ? ELSE amount END,
            billing_amount = CASE WHEN billing_amount IS NULL THEN NULL ELSE ? END
        WHERE id = ?""",
    "undone": "UPDATE transactions SET reversed_at = ? WHERE id = ?",
    "owes": "INSERT OR IGNORE INTO debts (number, id, issuer, mti, stan, since) VALUES (?, ?, ?, ?, ?, ?)",
    "paid": "UPDATE debts SET settled_at = ? WHERE number = ?",
    "stands": f"""
        UPDATE transactions SET state = CASE
            WHEN response_code IS NULL AND reversed_at IS NULL THEN 'waiting'
            WHEN EXISTS (SELECT 1 FROM debts WHERE debts.id = transactions.id AND settled_at IS NULL) THEN 'waiting'
            WHEN {_APPROVED} AND reversed_at IS NULL THEN 'approved'
            WHEN {_APPROVED} OR response_code IS NULL THEN 'reversed'
            ELSE 'declined' END
        WHERE id = ?""",
}

DEBTS = """
CREATE TABLE debts (
    number INTEGER PRIMARY KEY, id INTEGER NOT NULL, issuer TEXT NOT NULL, mti TEXT NOT NULL,
    stan TEXT NOT NULL, since REAL NOT NULL, settled_at REAL
) STRICT
"""


def schema() -> Schema:
    """The tables `transactions` and `debts`."""
    made = transactions_schema(VERSION, STATEMENTS)
    # A transaction's state is worked out from its debts, so those are looked up by transaction.
    return Schema(VERSION, (*made.create, DEBTS, "CREATE INDEX debts_of ON debts (id)"), STATEMENTS)


def projection(token: Callable[[str], bytes]) -> Callable[[Any], Iterator[Statement]]:
    """What each record, as the journal hands it back, does to the tables. `token` makes a card number's keyed token."""

    def project(record: Any) -> Iterator[Statement]:
        return statements(read(record), token)

    return project


def statements(record: Record, token: Callable[[str], bytes]) -> Iterator[Statement]:
    """The statements for one record, in their order."""
    if isinstance(record, Sent):
        yield asked(record, dialect_named(record.dialect).decode(record.frame), record.stan, token)
    elif isinstance(record, Answered):
        yield from ended(record, token)
    elif isinstance(record, Owed):
        yield "undone", (record.at, record.number)
        yield from owes(record.debts, record.at)
        yield "stands", (record.number,)
    elif isinstance(record, Settled):
        yield "paid", (record.at, record.number)
        yield "stands", (record.transaction,)


def asked(record: Sent | Answered, message: Message, stan: str | None, token: Callable[[str], bytes]) -> Statement:
    """The row of a request."""
    get = message.get
    card, kind = get(de.PAN) or "", (get(de.PROCESSING_CODE) or "")[:2]
    amount, billed = int(get(de.AMOUNT) or 0), get(de.BILLING_AMOUNT)
    _, _, known_by = record.key.split("/", 2)
    row = (
        *(record.number, record.key, record.participant, record.issuer, record.mti),
        *(masked(card), token(card), get(de.PROCESSING_CODE), moved(kind, amount), get(de.CURRENCY)),
        *(moved(kind, int(billed)) if billed else None, get(de.BILLING_CURRENCY)),
        *(known_by[10:16], stan, get(de.RRN), get(de.TRANSMITTED_AT), get(de.ACQUIRER_ID)),
        *(get(de.TERMINAL_ID), get(de.CARD_ACCEPTOR_ID), record.at, "waiting"),
    )
    return "asked", row


def ended(record: Answered, token: Callable[[str], bytes]) -> Iterator[Statement]:
    """How a request ended, and what that does to the one it undoes."""
    if record.frame is not None:
        yield asked(record, dialect_named(record.dialect).decode(record.frame), record.stan, token)
    yield (
        "ended",
        (
            *(record.number, record.response_code, record.reason, record.approval_code),
            *(int(record.stand_in), record.at),
        ),
    )
    if record.response_code == "10":
        yield "partly", (int(record.elements[de.AMOUNT]), record.number)
    yield from owes(record.debts, record.at)
    yield "stands", (record.number,)
    if record.reverses is not None:
        yield ("undone", (record.at, record.reverses)) if record.left is None else left(record.left, record.reverses)
        yield "stands", (record.reverses,)


def left(amount: int, number: int) -> Statement:
    """What a partial reversal leaves, in whichever currency the holder is billed in."""
    return "left", (amount, amount, number)


def owes(debts: list[Debt], at: float) -> Iterator[Statement]:
    """One row a debt."""
    for debt in debts:
        yield "owes", (debt.number, debt.transaction, debt.issuer, debt.mti, debt.stan, at)
