"""A seal opens at its own place with its own key, and nowhere else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switch.store.seal import BATCHES_PER_KEY_BITS, GENESIS, NONCE_BYTES, BrokenSealError, Place, Seal, Tokens, derived

KEY = bytes(range(32))
PLACE = Place(seq=7, first=19, records=3, previous=bytes(range(16)))


@given(st.binary(max_size=2000))
def test_what_was_sealed_opens_where_it_was_sealed(batch):
    seal = Seal(KEY)
    assert seal.open(PLACE, *seal.seal(PLACE, batch)) == batch


@given(batch=st.binary(max_size=50), at=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_any_flipped_bit_breaks_it(batch, at, bit):
    seal = Seal(KEY)
    chain, sealed = seal.seal(PLACE, batch)
    whole = bytearray(chain + sealed)
    whole[at % len(whole)] ^= 1 << bit
    with pytest.raises(BrokenSealError):
        seal.open(PLACE, bytes(whole[: len(chain)]), bytes(whole[len(chain) :]))


ELSEWHERE = {
    "another sequence number": PLACE._replace(seq=8),
    "another first record": PLACE._replace(first=20),
    "another count": PLACE._replace(records=2),
    "after another batch": PLACE._replace(previous=GENESIS),
    "under another range's key": PLACE._replace(seq=PLACE.seq + (1 << BATCHES_PER_KEY_BITS)),
    "at an impossible place": PLACE._replace(records=-1),
}


@pytest.mark.parametrize("where", ELSEWHERE)
def test_elsewhere_it_does_not_open(where):
    seal = Seal(KEY)
    chain, sealed = seal.seal(PLACE, b"batch")
    with pytest.raises(BrokenSealError) as caught:
        seal.open(ELSEWHERE[where], chain, sealed)
    assert "batch" in str(caught.value) and caught.value.__cause__ is None


@pytest.mark.parametrize("length", [0, NONCE_BYTES - 1, NONCE_BYTES])
def test_what_is_too_short_to_be_sealed_is_broken(length):
    with pytest.raises(BrokenSealError):
        Seal(KEY).open(PLACE, GENESIS, bytes(length))


def test_another_key_does_not_open_it():
    chain, sealed = Seal(KEY).seal(PLACE, b"batch")
    with pytest.raises(BrokenSealError):
        Seal(bytes(32)).open(PLACE, chain, sealed)


def test_the_same_batch_is_never_sealed_the_same_way_twice():
    seal = Seal(KEY)
    assert seal.seal(PLACE, b"batch") != seal.seal(PLACE, b"batch")


def test_the_nonce_comes_from_the_randomness_given():
    seals = [Seal(KEY, random=lambda count: b"n" * count) for _ in range(2)]
    assert seals[0].seal(PLACE, b"batch") == seals[1].seal(PLACE, b"batch")


def test_keys_change_with_the_range_and_come_back():
    seal, later = Seal(KEY), PLACE._replace(seq=3 << BATCHES_PER_KEY_BITS)
    first, second = seal.seal(PLACE, b"early"), seal.seal(later, b"late")
    assert (seal.open(PLACE, *first), seal.open(later, *second)) == (b"early", b"late")


def test_keys_for_two_purposes_have_nothing_in_common():
    assert len({derived(KEY, purpose) for purpose in ("journal 0", "journal 1", "card tokens", "high-water mark")}) == 4


def test_tokens_depend_on_card_and_key():
    tokens = Tokens(KEY)
    assert tokens.token("9414100000000017") == Tokens(KEY).token("9414100000000017")
    assert tokens.token("9414100000000017") != tokens.token("9414100000000025")
    assert tokens.token("9414100000000017") != Tokens(bytes(32)).token("9414100000000017")
