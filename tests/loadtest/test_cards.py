"""A population of test cards: unique, valid, nobody's, and each with what it must be answered."""

import tomllib
from collections import Counter
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.card_file import HEAD, RECORD, CardFile, CardFileError, Kind, TestCard, packed, unpacked, write_cards
from loadtest.issuer_seed import NotABankError, seeded_bank
from loadtest.pick import PickError
from loadtest.picks import picker
from loadtest.population import TEST_RANGES, Population, PopulationError, Range
from protocols.pan import luhn_valid

TEN_THOUSAND = Population(10_000, [Range.parse("978410:16"), Range.parse("941430:19"), Range.parse("978530:13")])


def test_every_card_is_unique_luhn_valid_and_in_a_test_range() -> None:
    cards = list(TEN_THOUSAND.cards())
    assert len({card.pan for card in cards}) == len(cards) == 10_000
    assert all(luhn_valid(card.pan) for card in cards)
    assert all(card.pan[:6] in TEST_RANGES for card in cards)
    assert {len(card.pan) for card in cards} == {13, 16, 19}


def test_the_shares_are_exact_and_each_card_knows_what_it_is_answered() -> None:
    cards = list(TEN_THOUSAND.cards())
    kinds = Counter(card.kind for card in cards)
    assert kinds[Kind.EXPIRED] == 200
    assert kinds[Kind.POOR] == 200
    assert kinds[Kind.LOST] == kinds[Kind.STOLEN] == kinds[Kind.BLOCKED] == 50
    assert {card.kind: card.expected for card in cards} == {
        Kind.ACTIVE: "00",
        Kind.EXPIRED: "54",
        Kind.LOST: "41",
        Kind.STOLEN: "43",
        Kind.BLOCKED: "62",
        Kind.POOR: "51",
    }
    assert all((card.expiry < "2611") == (card.kind is Kind.EXPIRED) for card in cards)


def test_a_seed_decides_the_population_and_another_seed_another() -> None:
    ranges = [Range.parse("978410")]
    first, again, other = (list(Population(500, ranges, seed).cards()) for seed in (7, 7, 8))
    assert first == again
    assert {card.pan for card in first} != {card.pan for card in other}


def test_kinds_are_spread_over_the_file_and_not_at_its_beginning() -> None:
    places = [number for number, card in enumerate(TEN_THOUSAND.cards()) if card.kind is Kind.EXPIRED]
    assert places[0] < 1_000
    assert places[-1] > 9_000


@given(st.integers(1, 300), st.integers(0, 2**32), st.sampled_from([(11, 14), (6, 13), (8, 19)]))
def test_no_number_comes_twice_whatever_the_seed(count: int, seed: int, shape: tuple[int, int]) -> None:
    digits, length = shape
    population = Population(min(count, 100), [Range("97841012345"[:digits], length)], seed)
    assert len({card.pan for card in population.cards()}) == population.count


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("411111", "--i-own-these"),
        ("978410:12", "13 to 19"),
        ("978410:x", "13 to 19"),
        ("97841A", "1 to 11 digits"),
        ("", "1 to 11 digits"),
    ],
)
def test_a_range_that_cannot_be_is_refused_with_a_reason(text: str, problem: str) -> None:
    with pytest.raises(PopulationError, match=problem):
        Range.parse(text)


def test_whoever_owns_a_range_may_use_it() -> None:
    assert Range.parse("411111", own=True) == Range("411111", 16, "784")


def test_a_range_too_small_and_ranges_that_overlap_are_refused() -> None:
    with pytest.raises(PopulationError, match="room for 100 cards only"):
        Population(101, [Range("9784101234", 13)])
    with pytest.raises(PopulationError, match="overlap"):
        Population(10, [Range("978410"), Range("9784101")])


def test_a_file_gives_back_what_was_written(tmp_path: Path) -> None:
    population = Population(300, [Range.parse("978410")], with_pins=True)
    write_cards(tmp_path / "cards.bin", population.cards(), population.count, population.seed)
    with CardFile(tmp_path / "cards.bin") as cards:
        assert list(cards) == list(population.cards())
        assert (len(cards), cards.seed) == (300, 7)
        with pytest.raises(IndexError):
            cards[300]


def test_a_million_cards_would_fit_into_two_hundred_megabytes() -> None:
    assert HEAD.size + 1_000_000 * RECORD.size <= 200_000_000


def test_the_file_says_what_it_is_and_belongs_to_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "cards.bin"
    write_cards(path, [TestCard("9784100000000019", "2912", Kind.ACTIVE, "784")], 1, 7)
    assert path.read_bytes().startswith(b"payswitch test cards")
    assert b"for tests only" in path.read_bytes()[:100]
    assert path.stat().st_mode & 0o077 == 0


def test_a_file_that_is_cut_short_or_is_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cards.bin"
    write_cards(path, TEN_THOUSAND.cards(), 10_000, 7)
    whole = path.read_bytes()
    for content in (b"", b"x" * 4096, whole[:-1], whole[: HEAD.size - 1], whole + b"\0"):
        path.write_bytes(content)
        with pytest.raises(CardFileError):
            CardFile(path)


@given(st.binary(min_size=RECORD.size, max_size=RECORD.size))
def test_a_record_of_any_bytes_is_a_card_or_an_error_that_does_not_show_them(record: bytes) -> None:
    try:
        card = unpacked(record)
    except CardFileError as error:
        assert str(error) == "a record that is no card"
    else:
        assert unpacked(packed(card)) == card


def test_a_card_does_not_show_itself() -> None:
    card = TestCard("9784100000000019", "2912", Kind.ACTIVE, "784", pin="8642", pvv="9753", cvv="951")
    for shown in (repr(card), str(card)):
        assert not any(secret in shown for secret in ("9784100000000019", "8642", "9753", "951"))


# --- The other side


def test_the_issuer_gets_the_same_population() -> None:
    bank = 'id = "nbd"\ncurrency = "AED"\n[products.credit]\nprefix = "978410"\n'
    cards = list(Population(400, [Range.parse("978410"), Range.parse("941410")]).cards())
    seeded = tomllib.loads("".join(seeded_bank(bank, cards)))
    ours = [card for card in cards if card.pan.startswith("978410")]
    assert [row["pan"] for row in seeded["cards"]] == [card.pan for card in ours]
    states = {card.pan: card.kind for card in ours}
    assert all((row.get("state") == "lost") == (states[row["pan"]] is Kind.LOST) for row in seeded["cards"])
    poor = {row["account"] for row in seeded["cards"] if states[row["pan"]] is Kind.POOR}
    assert {row["id"] for row in seeded["accounts"] if row["opening"] == "0"} == poor


def test_a_file_that_is_no_bank_gets_no_cards() -> None:
    with pytest.raises(NotABankError):
        list(seeded_bank("products = 3", []))


# --- Picks


@pytest.mark.parametrize("setting", ["uniform", {"zipf": 1.05}, {"hot": 10, "share": 0.5}])
@given(draw=st.floats(0, 1, exclude_max=True))
def test_a_pick_is_always_one_of_the_cards(setting: str | dict[str, float], draw: float) -> None:
    assert 0 <= picker(setting, 1000)(draw) < 1000


def picked(setting: str | dict[str, float], count: int, times: int = 20_000) -> Counter[int]:
    random, pick = Random(7), picker(setting, count)
    return Counter(pick(random.random()) for _ in range(times))


def test_uniform_gives_each_card_its_turn() -> None:
    seen = picked("uniform", 10)
    assert set(seen) == set(range(10))
    assert max(seen.values()) < 1.1 * min(seen.values())


def test_hot_cards_get_their_share() -> None:
    seen = picked({"hot": 10, "share": 0.5}, 10_000)
    assert sum(seen[index] for index in range(10)) / 20_000 == pytest.approx(0.5, abs=0.02)
    assert max(index for index in seen) > 9_000


def test_zipf_follows_its_law() -> None:
    seen = picked({"zipf": 1.0}, 1_000)
    assert seen[0] / seen[1] == pytest.approx(2.0, rel=0.15)
    assert seen[0] / seen[9] == pytest.approx(10.0, rel=0.2)


@pytest.mark.parametrize(
    "setting", ["nobody", {}, {"zipf": "x"}, {"hot": 10}, {"hot": 10, "share": 2}, {"hot": 100, "share": 0.5}]
)
def test_a_pick_that_cannot_be_is_refused(setting: str | dict[str, object]) -> None:
    with pytest.raises(PickError):
        picker(setting, 100)
