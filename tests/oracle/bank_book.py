"""A bank's book as lines for the oracle, read out of its SQLite file by the names of its columns; nothing is imported.

A hold is a row that says how it stands, so it gives two events: that it was held, and how it ended if it did.
`amount` is what the bank and the network agree that the transaction is worth (`agreed`), because what the bank does
by itself, such as letting a hold expire, is not between the two.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Line = dict[str, Any]


def bank_lines(path: Path, bank: str) -> Iterator[Line]:
    """Every booking, entry and hold. sqlite3.Error where the file is no bank's book."""
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    database.row_factory = sqlite3.Row
    try:
        currencies = {row["id"]: row["currency"] for row in database.execute("SELECT id, currency FROM accounts")}
        own = {row["id"] for row in database.execute("SELECT id FROM accounts WHERE own")}
        head = {"book": "issuer", "issuer": bank}
        for row in database.execute("SELECT * FROM bookings"):
            yield (
                head | {"what": "booking"} | dict(row) | {"amount": row["agreed"] if row["state"] == "approved" else 0}
            )
        for row in database.execute("SELECT * FROM entries"):
            told = {name: row[name] for name in ("key", "account", "amount")}
            yield head | {"what": "entry", "currency": currencies[row["account"]], "own": row["account"] in own} | told
        for row in database.execute("SELECT * FROM holds"):
            told = {"what": "hold", "key": row["key"], "amount": row["amount"]}
            yield head | told | {"event": "held"}
            if row["state"] != "active":
                yield head | told | {"event": row["state"]}
    finally:
        database.close()
