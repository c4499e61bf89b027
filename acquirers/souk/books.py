"""The store's books: goods, orders, and the webhook's secret. SQLite, one writer, a commit is on disk when it returns.

No card is in them: the store never sees one.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import apsw

from acquirers.souk.order import OVER, Order, State
from acquirers.souk.settings import Offer
from protocols.runtime.exits import DamagedStateError, UnavailableError

SCHEMA_VERSION: Final = 1
SCHEMA: Final = """
CREATE TABLE goods (id INTEGER PRIMARY KEY, seller TEXT NOT NULL, stock INTEGER NOT NULL CHECK (stock >= 0),
  document TEXT NOT NULL);
CREATE TABLE orders (number INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, buyer TEXT NOT NULL, seller TEXT NOT NULL,
  payment TEXT UNIQUE, document TEXT NOT NULL);
CREATE INDEX orders_of_buyers ON orders (buyer, number);
CREATE INDEX orders_of_sellers ON orders (seller, number);
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
ORDERS_MOST: Final = 100  # on a page


class Books:
    """Open for writing. Only one process can have them."""

    def __init__(self, path: Path, first_goods: Iterable[Offer] = ()) -> None:
        """Open or begin them. UnavailableError when somebody has them, DamagedStateError when they are not ours."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = os.open(path.with_suffix(".lock"), os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o600)
        try:
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise UnavailableError(f"{path}: another process has the store's books") from None
            os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o600))
            self._connection = apsw.Connection(str(path))
        except BaseException:
            os.close(self._lock)
            raise
        try:
            self._begin(path, first_goods)
        except BaseException:
            self.close()
            raise

    def _begin(self, path: Path, first_goods: Iterable[Offer]) -> None:
        try:
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            version = self._connection.pragma("user_version")
            if version not in (0, SCHEMA_VERSION):
                raise DamagedStateError(f"{path}: written by version {version}, which is not ours")
            if version == 0:
                with self._connection:
                    self._connection.execute(SCHEMA)
                    for offer in first_goods:
                        self.keep_good(None, offer)
                    self._connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        except apsw.Error as error:
            raise DamagedStateError(f"{path}: cannot be read: {type(error).__name__}") from None

    def close(self) -> None:
        """Idempotent."""
        self._connection.close()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _rows(self, sql: str, *values: Any) -> list[Any]:
        return list(self._connection.execute(sql, values))

    # Goods

    def goods(self, seller: str | None = None) -> list[tuple[int, Offer]]:
        """All of them, or those of one seller, with what is left."""
        found = self._rows("SELECT id, stock, document FROM goods WHERE ?1 IS NULL OR seller = ?1 ORDER BY id", seller)
        return [(id_, _offer(stock, document)) for id_, stock, document in found]

    def good(self, id_: int) -> Offer | None:
        found = self._rows("SELECT stock, document FROM goods WHERE id = ?", id_)
        return _offer(*found[0]) if found else None

    def keep_good(self, id_: int | None, offer: Offer) -> int:
        """A new one, or one as it is now; its id."""
        sql = (
            "INSERT INTO goods VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
            " stock = excluded.stock, document = excluded.document RETURNING id"
        )
        return int(self._rows(sql, id_, offer.seller, offer.stock, offer.model_dump_json())[0][0])

    # Orders

    def place(self, order: Order) -> bool:
        """Write an order down and set its goods aside; False where there are not enough: then nothing is."""
        try:
            with self._connection:
                self._rows("UPDATE goods SET stock = stock - ? WHERE id = ?", order.quantity, order.good)
                self._keep(order)
        except apsw.ConstraintError:
            return False
        return True

    def keep(self, order: Order) -> None:
        """An order as it is now; where it cannot be paid any more, its goods go back to the shelf, once."""
        with self._connection:
            before = self.order(order.id)
            if order.state in OVER and before is not None and before.state not in OVER:
                self._rows("UPDATE goods SET stock = stock + ? WHERE id = ?", order.quantity, order.good)
            self._keep(order)

    def _keep(self, order: Order) -> None:
        sql = (
            "INSERT INTO orders (id, buyer, seller, payment, document) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET payment = excluded.payment, document = excluded.document"
        )
        self._rows(sql, order.id, order.buyer, order.seller, order.payment, order.model_dump_json())

    def order(self, id_: str) -> Order | None:
        return self._one("id", id_)

    def order_paid_by(self, payment: str) -> Order | None:
        return self._one("payment", payment)

    def _one(self, column: str, value: str) -> Order | None:
        found = self._rows(f"SELECT document FROM orders WHERE {column} = ?", value)
        return Order.model_validate_json(found[0][0]) if found else None

    def orders_of(self, *, buyer: str | None = None, seller: str | None = None) -> list[Order]:
        """The newest first."""
        column, value = ("buyer", buyer) if buyer is not None else ("seller", seller)
        sql = f"SELECT document FROM orders WHERE {column} = ? ORDER BY number DESC LIMIT ?"
        return [Order.model_validate_json(document) for (document,) in self._rows(sql, value, ORDERS_MOST)]

    def unsettled(self) -> list[Order]:
        """Orders about which there may be news that we have missed."""
        found = self._rows("SELECT document FROM orders WHERE payment IS NOT NULL ORDER BY number DESC LIMIT 500")
        orders = (Order.model_validate_json(document) for (document,) in found)
        return [one for one in orders if one.state in (State.WAITING, State.UNKNOWN) or one.refund_unknown]

    # Facts

    def fact(self, name: str) -> str | None:
        found = self._rows("SELECT value FROM facts WHERE name = ?", name)
        return str(found[0][0]) if found else None

    def note(self, name: str, value: str) -> None:
        self._rows("INSERT OR REPLACE INTO facts VALUES (?, ?)", name, value)


def _offer(stock: int, document: str) -> Offer:
    return Offer.model_validate_json(document).model_copy(update={"stock": stock})
