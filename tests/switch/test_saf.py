"""Store and forward: what is owed arrives, in order within a transaction, and nothing blocks anything else."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from switch.records import Debt
from switch.saf import IN_FLIGHT_MAX, LONGEST_WAIT_S, REFUSALS_MAX, StoreAndForward


def debt(number: int, transaction: int | None = None) -> Debt:
    return Debt(number, transaction or number, "nbk", "0420", f"{number:06d}", {})


def saf(seed: int = 1) -> StoreAndForward:
    return StoreAndForward(8.0, Random(seed))


def test_the_first_sending_is_itself_and_the_next_its_repeat() -> None:
    store = saf()
    store.add(debt(1), 0.0)
    (entry,) = store.due(0.0)
    assert entry.mti == "0420"
    assert store.due(1.0) == []  # it is in flight
    assert store.silent(8.0) == 1
    assert store.due(8.5) == []
    (entry,) = store.due(8.0 + 1.2)
    assert entry.mti == "0421"


def test_waits_double_up_to_a_minute_with_jitter() -> None:
    store = saf()
    store.add(debt(1), 0.0)
    now, waits = 0.0, []
    for _ in range(9):
        (entry,) = store.due(now)
        now += 8.0
        store.silent(now)
        waits.append(entry.next_at - now)
        now = entry.next_at
    for wait, nominal in zip(waits, (1, 2, 4, 8, 16, 32, 60, 60, 60), strict=True):
        assert 0.8 * nominal <= wait <= 1.2 * nominal
    assert len(set(waits[-3:])) == 3
    assert max(waits) <= 1.2 * LONGEST_WAIT_S


def test_no_more_than_so_many_are_in_flight() -> None:
    store = saf()
    for number in range(1, 101):
        store.add(debt(number), 0.0)
    first = store.due(0.0)
    assert len(first) == IN_FLIGHT_MAX
    store.settle(first[0], 0.0)
    assert len(store.due(0.0)) == 1


def test_a_refused_entry_is_parked_and_stays_in_the_total() -> None:
    store = saf()
    store.add(debt(1), 0.0)
    now, parked = 0.0, False
    for _ in range(REFUSALS_MAX):
        assert not parked
        (entry,) = store.due(now)
        parked = store.refuse(entry, now)
        now = entry.next_at
    assert parked
    assert store.due(now + 1e6) == []
    store.hurry(now)
    assert store.due(now + 1e6) == []
    assert len(store) == 1


@given(st.integers(0, 2**32), st.lists(st.integers(1, 5), min_size=1, max_size=40))
def test_whatever_happens_all_of_it_arrives_once_and_in_order_within_a_transaction(
    seed: int, owners: list[int]
) -> None:
    random, store, now = Random(seed), saf(seed), 0.0
    for number, transaction in enumerate(owners, start=1):
        store.add(debt(number, transaction), now)
    arrived: list[Debt] = []
    while len(store):
        now += random.uniform(0, 5)
        for entry in store.due(now):
            if random.random() < 0.6:
                arrived.append(entry.debt)
                store.settle(entry, now)
        happening = random.random()
        if happening < 0.1:
            store.link_lost(now)
        elif happening < 0.2:
            store.hurry(now)
        store.silent(now)
        assert now < 1e6
    assert sorted(one.number for one in arrived) == list(range(1, len(owners) + 1))
    for transaction in set(owners):
        lane = [one.number for one in arrived if one.transaction == transaction]
        assert lane == sorted(lane)
