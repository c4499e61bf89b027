"""The switch's books, printed for the audit: one entry for each transaction that an issuer knows of.

Brings the projection up to date with the journal first, so it works while the switch runs and
when it does not. It reads; what differs from an issuer's books is for the audit to find.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import trio

from protocols.money import UnknownCurrencyError, currency_numbered
from protocols.original import booking_key
from protocols.runtime.exits import UnavailableError
from switch import transactions
from switch.store import state
from switch.store.journal import FILE as JOURNAL
from switch.store.projection import open_books, open_projector
from switch.store.seal import Tokens

ANOTHER_TRY_S: Final = 0.05

ENTRIES = """
    SELECT issuer, mti, issuer_stan, transmitted_at, acquirer_id, state,
           coalesce(billing_amount, amount), coalesce(billing_currency, currency), rrn, response_code
    FROM transactions WHERE issuer IS NOT NULL AND issuer_stan IS NOT NULL
        AND issuer NOT GLOB '*.host' -- the same money comes back from the acquirer's host, and is counted then
    ORDER BY id
"""


async def read_books(folder: Path) -> list[dict[str, object]]:
    """Every entry; UnavailableError where there is no journal."""
    await bring_up_to_date(folder)
    books = await open_books(folder)
    try:
        rows = await books.async_run(_all, books)
    finally:
        with trio.CancelScope(shield=True):
            await books.aclose(force=True)
    return [entry(*row) for row in rows]


async def bring_up_to_date(folder: Path) -> None:
    """Apply what the journal has and the tables have not."""
    if not (folder / JOURNAL).exists():
        raise UnavailableError(f"there is no journal in {folder}: no switch has kept its books there")
    projection = transactions.projection(Tokens(state.data_key(folder)).token)
    while True:
        try:
            projector = await open_projector(folder, transactions.schema(), projection)
        except state.StateInUseError:  # somebody else brings the books up to date: our turn comes
            await trio.sleep(ANOTHER_TRY_S)
        else:
            break
    async with projector:
        await projector.catch_up()


def _all(books: Any) -> list[tuple[Any, ...]]:
    """Runs in the connection's thread, where nothing waits."""
    return list(books.execute(ENTRIES))


def entry(
    issuer: str,
    mti: str,
    stan: str,
    transmitted_at: str,
    acquirer_id: str | None,
    standing: str,
    amount: int,
    currency: str | None,
    rrn: str | None,
    response_code: str | None,
) -> dict[str, object]:
    """One entry: the effect on the holder as the switch understands it; nothing, where nothing was approved."""
    return {
        "issuer": issuer,
        "key": booking_key(mti, stan, transmitted_at, acquirer_id or ""),
        "state": standing,
        "amount": amount if standing == "approved" else 0,
        "currency": code_of(currency),
        "rrn": rrn,
        "response_code": response_code,
    }


def code_of(number: str | None) -> str | None:
    """The currency's letters, or its number where there are none."""
    try:
        return currency_numbered(number or "").code
    except UnknownCurrencyError:
        return number
