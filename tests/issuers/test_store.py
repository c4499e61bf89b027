"""The bank's file: what was recorded is there again, nobody else writes, and no number can be read in it."""

from __future__ import annotations

import stat
from pathlib import Path

import apsw
import pytest

from issuers.accounts import Account, Held, moved
from issuers.book import Booking, BookingState, Card, Given
from issuers.database import Sqlite
from issuers.store import Store, StoreFailedError, ledger_problems, read_books
from protocols.runtime.exits import DamagedStateError, UnavailableError
from tests.issuers.branch import DEBIT, INTERNET_100, Branch, said

EFFECTS = (
    Account("a", "KWD", 500, "Amal"),
    Account("network.KWD", "KWD", own=True),
    moved("k1", "network.KWD", "a", 1_000, "salary"),
    Held("k2", "a", 300),
    Card("token", "941410******0017", "credit", "a", "2912", limit=100),
    Booking("k2", BookingState.APPROVED, "KWD", 300, overlimit=True, agreed=300),
    Given("r2", "f", {39: "00", 38: "000001"}),
)


def recorded(path: Path) -> None:
    store = Store(path)
    book = store.fetch(())
    book.apply(EFFECTS)
    store.record(book, EFFECTS)
    store.close()


def test_what_was_recorded_is_there_again(tmp_path: Path) -> None:
    recorded(tmp_path / "toy.db")
    store = Store(tmp_path / "toy.db")
    assert store.accounts["a"] == Account("a", "KWD", 500, "Amal", posted=1_000, held=300)
    assert store.cards == {"token": EFFECTS[4]}
    assert store.problems() == []
    assert read_books(tmp_path / "toy.db") == [{"key": "k2", "state": "approved", "amount": 300, "currency": "KWD"}]
    store.close()
    store.close()


def test_only_one_process_has_the_books(tmp_path: Path) -> None:
    store = Store(tmp_path / "toy.db")
    with pytest.raises(UnavailableError, match="another process"):
        Store(tmp_path / "toy.db")
    store.close()
    Store(tmp_path / "toy.db").close()


def test_the_files_are_the_banks_alone(tmp_path: Path) -> None:
    recorded(tmp_path / "issuers" / "toy.db")
    folder = tmp_path / "issuers"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}


async def test_neither_number_nor_pin_is_in_the_files(nbk: Branch) -> None:
    async with nbk.open() as switch:
        request = switch.request("0200", DEBIT, 1_000, type="01", pin="1234", de48="92037739901XX")
        assert said(await switch.ask(request)) == "00"
        assert await switch.purchase(INTERNET_100) == "00"
        content = b"".join(file.read_bytes() for file in nbk.state.rglob("*") if file.is_file())
    for secret in (INTERNET_100, DEBIT, "1234FFFFFFFFFFFF"):
        assert secret.encode() not in content and bytes.fromhex(secret) not in content


def test_a_disk_that_fails_is_not_tried_again(tmp_path: Path) -> None:
    store = Store(tmp_path / "toy.db")
    apsw.Connection(str(tmp_path / "toy.db")).execute("DROP TABLE given")
    book = store.fetch(())
    book.apply(EFFECTS)
    with pytest.raises(StoreFailedError):
        store.record(book, EFFECTS)
    store.close()


def test_books_that_do_not_add_up_are_noticed(tmp_path: Path) -> None:
    recorded(tmp_path / "toy.db")
    connection = apsw.Connection(str(tmp_path / "toy.db"))
    connection.execute("UPDATE entries SET amount = amount + 1 WHERE account = 'a'")
    connection.execute("UPDATE holds SET state = 'released'")
    assert ledger_problems(Sqlite(connection)) == [
        "the entries in KWD sum to 1, not to zero",
        "account a: posted or held is not the sum of its entries or holds",
    ]


def test_a_stranger_s_file_is_not_opened(tmp_path: Path) -> None:
    recorded(tmp_path / "toy.db")
    apsw.Connection(str(tmp_path / "toy.db")).execute("PRAGMA user_version = 99")
    with pytest.raises(DamagedStateError, match="version 99"):
        Store(tmp_path / "toy.db")
    (tmp_path / "noise.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(DamagedStateError):
        Store(tmp_path / "noise.db")
    with pytest.raises(DamagedStateError):
        read_books(tmp_path / "noise.db")


def test_without_its_key_the_file_is_of_no_use(tmp_path: Path) -> None:
    recorded(tmp_path / "toy.db")
    (tmp_path / "toy.key").write_bytes(b"short")
    with pytest.raises(DamagedStateError, match="not a whole key"):
        Store(tmp_path / "toy.db")


def test_a_bank_that_never_ran_has_empty_books(tmp_path: Path) -> None:
    assert read_books(tmp_path / "none.db") == []
