"""The tables are what the journal says, however often the projector was stopped, killed or thrown away."""

import msgpack
import pytest
import trio
import trio.testing

from protocols.runtime.exits import UnavailableError
from switch.store.journal import open_journal
from switch.store.projection import (
    BATCHES_PER_COMMIT,
    TRANSACTION_COLUMNS,
    Schema,
    open_books,
    open_projector,
    transactions_schema,
    upsert,
)
from switch.store.state import StateInUseError

SCHEMA = transactions_schema(
    version=1,
    statements={
        "requested": upsert("id", "key", "issuer", "amount", "currency", "state"),
        "answered": upsert("id", "state", "response_code"),
    },
)


def project(record):
    """Three kinds of record, as the switch would have them."""
    match record:
        case ["requested", number, key]:
            yield "requested", (number, key, "nbk", 100 * number, "KWD", "waiting")
        case ["answered", number, code]:
            yield "answered", (number, "approved" if code == "00" else "declined", code)


def requested(number):
    return msgpack.packb(["requested", number, f"1/{number:06}/1123205144/414"])


def answered(number, code="00"):
    return msgpack.packb(["answered", number, code])


async def write(folder, *batches):
    async with await open_journal(folder) as journal:
        for batch in batches:
            await journal.append(batch)


async def rows(folder, sql="SELECT id, state, response_code FROM transactions ORDER BY id"):
    db = await open_books(folder)
    try:
        return [row async for row in await db.execute(sql)]
    finally:
        await db.aclose()


async def caught_up(folder, schema=SCHEMA, project=project):
    async with await open_projector(folder, schema, project) as projector:
        return await projector.catch_up()


async def test_the_tables_say_what_the_journal_says(tmp_path):
    await write(tmp_path, [requested(1), requested(2)], [answered(1), requested(3)], [answered(2, "51")])
    assert await caught_up(tmp_path) == 3
    assert await rows(tmp_path) == [(1, "approved", "00"), (2, "declined", "51"), (3, "waiting", None)]
    assert await rows(tmp_path, "SELECT key, amount FROM transactions WHERE id = 2") == [
        ("1/000002/1123205144/414", 200)
    ]


async def test_it_goes_on_where_it_stopped(tmp_path):
    await write(tmp_path, [requested(1)])
    assert await caught_up(tmp_path) == 1
    await write(tmp_path, [answered(1)], [requested(2)])
    assert await caught_up(tmp_path) == 2
    assert await caught_up(tmp_path) == 0
    assert await rows(tmp_path) == [(1, "approved", "00"), (2, "waiting", None)]


async def test_it_follows_a_writer_that_is_at_work(tmp_path):
    async with await open_journal(tmp_path) as journal:
        await journal.append([requested(1)])
        async with await open_projector(tmp_path, SCHEMA, project) as projector:
            await projector.catch_up()
            await journal.append([answered(1)])
            assert await projector.catch_up() == 1
            assert await rows(tmp_path) == [(1, "approved", "00")]


async def test_many_batches_share_a_commit_and_none_is_lost(tmp_path):
    count = BATCHES_PER_COMMIT * 2 + 3
    await write(tmp_path, *([requested(number), answered(number)] for number in range(count)))
    assert await caught_up(tmp_path) == count
    assert await rows(tmp_path) == [(number, "approved", "00") for number in range(count)]


async def test_a_batch_without_rows_is_applied_too(tmp_path):
    await write(tmp_path, [msgpack.packb(["started", 1])])
    assert await caught_up(tmp_path) == 1
    assert await caught_up(tmp_path) == 0


async def test_order_is_kept_between_kinds_of_statement(tmp_path):
    await write(tmp_path, [requested(1), answered(1, "05"), requested(1), answered(1)])
    await caught_up(tmp_path)
    assert await rows(tmp_path) == [(1, "approved", "00")]


async def test_a_projection_that_fails_leaves_nothing_half_done(tmp_path):
    await write(tmp_path, [requested(1), answered(1)])

    def fails_on_answers(record):
        yield from project(record)
        if record[0] == "answered":
            yield "no such statement", ()

    with pytest.raises(KeyError):
        await caught_up(tmp_path, project=fails_on_answers)
    assert await rows(tmp_path) == []
    assert await caught_up(tmp_path) == 1


@pytest.mark.parametrize("damage", [b"not a database", b"SQLite format 3\0" + bytes(500)])
async def test_books_that_cannot_be_read_are_made_again(tmp_path, damage):
    await write(tmp_path, [requested(1)])
    await caught_up(tmp_path)
    (tmp_path / "books.db").write_bytes(damage)
    assert await caught_up(tmp_path) == 1
    assert await rows(tmp_path) == [(1, "waiting", None)]


async def test_books_that_are_gone_are_made_again(tmp_path):
    await write(tmp_path, [requested(1)], [answered(1)])
    await caught_up(tmp_path)
    (tmp_path / "books.db").unlink()
    assert await caught_up(tmp_path) == 2
    assert await rows(tmp_path) == [(1, "approved", "00")]


async def test_books_of_another_version_are_made_again(tmp_path):
    await write(tmp_path, [requested(1)])
    old = Schema(7, ("CREATE TABLE old (id)",), {"seen": "INSERT INTO old VALUES (?)"})
    await caught_up(tmp_path, old, lambda record: [("seen", (record[1],))])
    assert await rows(tmp_path, "SELECT id FROM old") == [(1,)]
    assert await caught_up(tmp_path) == 1
    assert await rows(tmp_path, "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name") == [
        ("applied",),
        ("transactions",),
    ]


async def test_books_ahead_of_a_restored_journal_are_made_again(tmp_path):
    journal, books = tmp_path / "journal", tmp_path / "books"
    await write(journal, [requested(1)])
    await write(books, [requested(1)], [answered(1)])
    await caught_up(books)
    (books / "books.db").rename(journal / "books.db")
    assert await caught_up(journal) == 1
    assert await rows(journal) == [(1, "waiting", None)]


async def test_rebuilding_by_hand(tmp_path):
    await write(tmp_path, [requested(1)], [answered(1)])
    async with await open_projector(tmp_path, SCHEMA, project) as projector:
        await projector.catch_up()
        await projector.rebuild()
        assert await projector.catch_up() == 2
    assert await rows(tmp_path) == [(1, "approved", "00")]


async def test_a_second_projector_is_refused(tmp_path):
    await write(tmp_path, [requested(1)])
    async with await open_projector(tmp_path, SCHEMA, project):
        with pytest.raises(StateInUseError, match=r"books\.lock"):
            await open_projector(tmp_path, SCHEMA, project)


async def test_running_it_keeps_up(tmp_path):
    await write(tmp_path, [requested(1)])
    async with await open_projector(tmp_path, SCHEMA, project) as projector, trio.open_nursery() as nursery:
        nursery.start_soon(projector.run, 0.001)
        await write(tmp_path, [answered(1)])
        while projector.applied < 2:  # real time: a thread is involved
            await trio.lowlevel.checkpoint()
        nursery.cancel_scope.cancel()
    assert await rows(tmp_path) == [(1, "approved", "00")]


async def test_without_books_the_reader_is_told(tmp_path):
    with pytest.raises(UnavailableError, match="no books"):
        await open_books(tmp_path)


async def test_readers_cannot_write(tmp_path):
    await write(tmp_path, [requested(1)])
    await caught_up(tmp_path)
    with pytest.raises(Exception, match="readonly"):
        await rows(tmp_path, "DELETE FROM transactions")


async def test_books_are_closed_to_others(tmp_path):
    await write(tmp_path, [requested(1)])
    await caught_up(tmp_path)
    assert (tmp_path / "books.db").stat().st_mode & 0o077 == 0


PLANS = {
    "SELECT * FROM transactions WHERE key = ?": "transactions_by_key",
    "SELECT * FROM transactions WHERE rrn = ?": "transactions_by_rrn",
    "SELECT * FROM transactions WHERE pan_token = ? ORDER BY id DESC LIMIT 20": "transactions_by_card",
    "SELECT sum(amount) FROM transactions WHERE business_date = ? GROUP BY currency": "transactions_by_business_date",
    "SELECT * FROM transactions WHERE state = 'waiting'": "transactions_waiting",
}


@pytest.mark.parametrize("question", PLANS)
async def test_each_index_answers_the_question_it_is_there_for(tmp_path, question):
    await write(tmp_path, [requested(1)])
    await caught_up(tmp_path)
    plan = await rows(tmp_path, f"EXPLAIN QUERY PLAN {question.replace('?', 'NULL')}")
    assert any(PLANS[question] in detail for *_, detail in plan)


def test_a_row_has_no_place_for_a_card_number():
    assert "pan" not in TRANSACTION_COLUMNS and {"pan_masked", "pan_token"} < set(TRANSACTION_COLUMNS)
