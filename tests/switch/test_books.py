"""The books that the projection makes of a journal: real files, read while nobody and while somebody writes."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio

from protocols.runtime.exits import ConfigurationError
from switch import records
from switch.shell.archive import look_up
from switch.shell.books import read_books
from switch.store.journal import open_journal
from tests.switch.desk import INTERNET_CARD, Desk


async def books_of(desk: Desk, folder: Path) -> list[dict[str, object]]:
    async with await open_journal(folder) as journal:
        for record in desk.disk:
            await journal.append([record])
        return await read_books(folder)


async def test_every_way_a_transaction_can_stand(tmp_path: Path) -> None:
    desk = Desk()
    shop = desk.gateway()
    terms = {"pan": INTERNET_CARD, "amount": "000000012000"}  # AED 120.00
    desk.asks(shop, **terms, stan="000001")  # the bank is down and the switch stands in: advised below
    bank = desk.issuer("nbk")
    desk.answers(bank, desk.hears(bank), approval_code=None)
    asked = desk.asks(shop, **terms, stan="000002")
    desk.answers(bank, desk.hears(bank))
    desk.asks(shop, **terms, stan="000003")
    desk.answers(bank, desk.hears(bank), "51")
    desk.reverses(shop, asked)
    desk.answers(bank, desk.hears(bank), approval_code=None)
    desk.asks(shop, **terms, stan="000004")
    desk.hears(bank)
    entries = await books_of(desk, tmp_path / "state")
    assert [(one["state"], one["amount"], one["currency"], one["response_code"]) for one in entries] == [
        ("approved", 9984, "KWD", "00"),
        ("reversed", 0, "KWD", "00"),
        ("declined", 0, "KWD", "51"),
        ("waiting", 0, "KWD", None),
    ]
    assert {one["issuer"] for one in entries} == {"nbk"}
    assert INTERNET_CARD not in repr(entries)


async def test_a_reversal_that_is_owed_still_waits(tmp_path: Path) -> None:
    desk = Desk()
    bank, shop = desk.issuer("nbk"), desk.gateway()
    desk.asks(shop, pan=INTERNET_CARD, amount="000000120000")  # more than the switch stands in for
    desk.passes(8.1)
    assert desk.hears(shop).response_code == "91"
    (entry,) = await books_of(desk, tmp_path / "state")
    assert entry["state"] == "waiting"
    assert desk.hears(bank).mti == "0100"
    desk.answers(bank, desk.hears(bank), approval_code=None)
    (entry,) = await books_of(desk, tmp_path / "later")
    assert (entry["state"], entry["response_code"]) == ("declined", "91")


async def test_no_card_number_is_in_the_tables_or_in_the_journals_bytes(tmp_path: Path) -> None:
    desk = Desk()
    bank, shop = desk.issuer("nbk"), desk.gateway()
    desk.asks(shop, pan=INTERNET_CARD)
    desk.answers(bank, desk.hears(bank))
    await books_of(desk, tmp_path)
    written = contents(tmp_path)
    assert len(written) >= 4
    assert not [name for name, content in written.items() if INTERNET_CARD.encode() in content]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


async def test_the_archive_is_the_journal_read_again(tmp_path: Path) -> None:
    desk = Desk()
    bank, shop = desk.issuer("nbk"), desk.gateway()
    asked = desk.asks(shop, pan=INTERNET_CARD)
    desk.answers(bank, desk.hears(bank))
    desk.reverses(shop, asked)
    await books_of(desk, tmp_path)
    key = f"lab/1/{asked['transmitted_at']}{asked['stan']}{asked['terminal_id']}"
    found = await look_up(tmp_path, [key, "lab/1/never/seen/it"])
    assert list(found) == [key]
    assert (found[key].sent is not None, found[key].mark) == (True, "reversed")


async def test_two_may_ask_at_once(tmp_path: Path) -> None:
    desk = Desk()
    bank, shop = desk.issuer("nbk"), desk.gateway()
    desk.asks(shop, pan=INTERNET_CARD)
    desk.answers(bank, desk.hears(bank))
    (entry,) = await books_of(desk, tmp_path)
    found: list[list[dict[str, object]]] = []

    async def ask() -> None:
        found.append(await read_books(tmp_path))

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(ask)
    assert found == [[entry]] * 3


def test_a_journal_of_another_version_is_refused_by_name() -> None:
    for foreign in ([99, 1, 0.0], [records.Kind.STARTED, 1, 0.0, "1", "more"]):
        with pytest.raises(ConfigurationError, match="another version"):
            records.read(foreign)
