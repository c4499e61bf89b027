"""LMKs, variants and key schemes against row 17: keys under the published test LMK."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsm_sim.key_scheme import KEY_SCHEMES, parse, unwrap, wrap
from hsm_sim.keys import check_value
from hsm_sim.lmk import KEY_TYPES, SETS, TEST_VARIANT_PAIRS, Lmk
from hsm_sim.primitives.aes import AesKey
from hsm_sim.primitives.des import DesKey
from hsm_sim.primitives.enclosed import NotEnclosedError, disclosed, enclosed
from tests.hsm_sim.known import K1, K2, Z, a_few

LMK = Lmk("00", TEST_VARIANT_PAIRS)

UNDER_LMK = [
    (K1, "001", "UF820C9180B6F6C75F72BD2E8737229F1"),
    (K1, "002", "U6BC12F1E18A69972B123ED97057D78AC"),
    (K1, "402", "U21A646BD114E23B25B09D2BA887B822C"),
    (K1, "009", "UEDB0A3346ED5DDB1DD5CDEF00ECD581C"),
    (K1, "109", "U22260952FF1720FA74FD6EBE96A86038"),
    (K1, "003", "UBF9922F7896F31E620C8ED8D529A8FBB"),
    (K2, "001", "U235B54ED775B7F5A59FD9CF0F8FDCEF2"),
    (Z, "000", "UD0FFD52137B5011DCE4B5537AD4BACF2"),
]


@pytest.mark.parametrize(("clear", "key_type", "wire"), UNDER_LMK)
def test_keys_under_the_test_lmk_are_as_computed_elsewhere(clear: bytes, key_type: str, wire: str) -> None:
    pair = LMK.pair(key_type)
    assert wrap(pair, KEY_SCHEMES["U"], clear) == wire
    assert unwrap(pair, *parse(wire)) == clear


@pytest.mark.parametrize(
    ("scheme", "wire"), [("U", "U0CE5D01EAA34FDFDA4D59A7D9BFF07F9"), ("X", "X54D38C5007BB8578E8AE7AD2C5DCF8EB")]
)
def test_a_key_under_a_zmk_uses_the_same_schemes(scheme: str, wire: str) -> None:
    assert wrap(Z, KEY_SCHEMES[scheme], K1) == wire


@a_few
@given(st.sampled_from(sorted(KEY_SCHEMES)), st.sampled_from(sorted(KEY_TYPES)), st.data())
def test_what_is_wrapped_unwraps(letter: str, key_type: str, data: st.DataObject) -> None:
    scheme = KEY_SCHEMES[letter]
    clear = data.draw(st.binary(min_size=scheme.length, max_size=scheme.length))
    wire = wrap(LMK.pair(key_type), scheme, clear)
    assert unwrap(LMK.pair(key_type), *parse(wire)) == clear


@pytest.mark.parametrize(("name", "value"), [("test-3des-block", "8E0EC0"), ("test-aes-block", "DB3FB6")])
def test_the_key_block_lmks_have_their_published_check_values(name: str, value: str) -> None:
    lmk = SETS[name]
    assert isinstance(lmk, DesKey | AesKey)
    assert check_value(lmk) == value


@pytest.mark.parametrize(
    ("message", "mac"),
    [
        ("", "bb1d6929e95937287fa37d129b756746"),
        ("6bc1bee22e409f96e93d7e117393172a", "070a16b46b4d4144f79bdd9dd04a287c"),
    ],
)
def test_aes_cmac_is_that_of_rfc_4493(message: str, mac: str) -> None:
    key = AesKey(bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c"))
    for _ in range(2):  # the keyed context is copied, not used up
        assert key.cmac(bytes.fromhex(message)).hex() == mac


@a_few
@given(st.binary(min_size=1, max_size=600), st.sampled_from(sorted(KEY_TYPES)))
def test_a_secret_of_any_length_is_enclosed_and_disclosed_and_nothing_else_is(secret: bytes, key_type: str) -> None:
    key = DesKey(LMK.pair(key_type))
    value = enclosed(key, secret)
    assert disclosed(key, value) == secret
    for spoilt in (value[:-1], value[:-1] + bytes((value[-1] ^ 1,)), bytes((value[0] ^ 1,)) + value[1:], b""):
        with pytest.raises(NotEnclosedError):
            disclosed(key, spoilt)


def test_every_key_type_has_a_pair_of_its_own() -> None:
    assert len({LMK.pair(key_type) for key_type in KEY_TYPES}) == len(KEY_TYPES)


def test_an_lmk_shows_no_pair() -> None:
    assert repr(LMK) == "Lmk(id='00', check_value='0000000000000000', authorised=False)"


@pytest.mark.parametrize(
    ("key_type", "pair"),
    [
        ("000", "4040404040404040 5151515151515151"),
        ("109", "BC1A1A1A1A1A1A1A 1C1C1C1C1C1C1C1C"),
        ("209", "401A1A1A1A1A1A1A 1C1C1C1C1C1C1C1C"),
        ("309", "701A1A1A1A1A1A1A 1C1C1C1C1C1C1C1C"),
        ("402", "3EE0010101010101 F1F1010101010101"),
        ("509", "311A1A1A1A1A1A1A 1C1C1C1C1C1C1C1C"),
        ("609", "4A1A1A1A1A1A1A1A 1C1C1C1C1C1C1C1C"),
        ("709", "6E1A1A1A1A1A1A1A 1C1C1C1C1C1C1C1C"),
        ("809", "861A1A1A1A1A1A1A 1C1C1C1C1C1C1C1C"),
        ("909", "E01A1A1A1A1A1A1A 1C1C1C1C1C1C1C1C"),
        ("30B", "4C26262626262626 2929292929292929"),
        ("70D", "5B2F2F2F2F2F2F2F 3131313131313131"),
        ("10C", "8C2A2A2A2A2A2A2A 2C2C2C2C2C2C2C2C"),
    ],
)
def test_every_variant_is_the_published_one_on_its_published_pair(key_type: str, pair: str) -> None:
    """Written out by hand from the tables of variants and pairs: a wrong byte is not seen by asking ourselves."""
    assert Lmk("00", TEST_VARIANT_PAIRS).pair(key_type) == bytes.fromhex(pair)
