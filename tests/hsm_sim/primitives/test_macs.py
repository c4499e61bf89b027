"""CMAC, HMAC, padding 3, hashes, ciphering: known answers, then `cryptography`, hashlib and psec as oracles."""

import hashlib

import psec
import pytest
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives import cmac as cmac_elsewhere
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from hypothesis import given
from hypothesis import strategies as st

from hsm_sim.primitives.aes import AesKey
from hsm_sim.primitives.ciphering import MODES, chain_value, deciphered, enciphered
from hsm_sim.primitives.des import DesKey
from hsm_sim.primitives.digest import digest, hmac_of, mdc2
from hsm_sim.primitives.mac import CBC, CMAC, RETAIL, block_of, chained, cmac, mac, padded
from tests.hsm_sim.known import a_few

K = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")
RFC4493 = AesKey(bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c"))

des_keys = st.binary(min_size=16, max_size=16)
any_key = st.one_of(
    st.sampled_from((16, 24)).flatmap(lambda n: st.binary(min_size=n, max_size=n)).map(DesKey),
    st.sampled_from((16, 24, 32)).flatmap(lambda n: st.binary(min_size=n, max_size=n)).map(AesKey),
)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("", "bb1d6929e95937287fa37d129b756746"),
        ("6bc1bee22e409f96e93d7e117393172a", "070a16b46b4d4144f79bdd9dd04a287c"),
    ],
)
def test_cmac_is_as_in_rfc_4493(message: str, expected: str) -> None:
    assert cmac(RFC4493, bytes.fromhex(message)).hex() == expected


def test_cmac_of_hello_world_with_triple_des() -> None:
    assert mac(DesKey(K), CMAC, b"Hello, world!").hex().upper() == "339F7934E25410EA"


def _cmac_elsewhere(key: DesKey | AesKey, message: bytes) -> bytes:
    clear = key.clear if len(key.clear) != 16 or isinstance(key, AesKey) else key.clear + key.clear[:8]
    oracle = cmac_elsewhere.CMAC(AES(clear) if isinstance(key, AesKey) else TripleDES(clear))
    oracle.update(message)
    return oracle.finalize()


@a_few
@given(any_key, st.binary(max_size=70))
def test_cmac_agrees_with_cryptography(key: DesKey | AesKey, message: bytes) -> None:
    assert cmac(key, message) == _cmac_elsewhere(key, message)


@a_few
@given(any_key, st.binary(min_size=33, max_size=70), st.integers(1, 4), st.sampled_from((CBC, CMAC)))
def test_a_mac_in_parts_is_the_mac_of_the_whole(
    key: DesKey | AesKey, message: bytes, blocks: int, algorithm: int
) -> None:
    block = block_of(key)
    blocks_of = message if algorithm == CMAC else padded(message, 1, block)
    at = min(blocks, (len(message) - 1) // block) * block
    state = chained(key, algorithm, message[:at])
    assert mac(key, algorithm, blocks_of[at:], state) == mac(key, algorithm, blocks_of)


def test_a_last_part_may_be_empty_but_not_of_a_cmac() -> None:
    key = DesKey(K)
    state = chained(key, RETAIL, b"Now is the time for all ")
    assert mac(key, RETAIL, b"", state).hex().upper() == "A1C72E74EA3FA9B6"
    with pytest.raises(ValueError, match="last part"):
        mac(key, CMAC, b"", state)


def test_algorithm_3_is_for_double_length_des_keys() -> None:
    for key in (RFC4493, DesKey(K + K[:8]), DesKey(K[:8])):
        with pytest.raises(ValueError, match="double-length"):
            mac(key, RETAIL, bytes(16))


@a_few
@given(des_keys, st.binary(max_size=80))
def test_padding_3_agrees_with_psec(key: bytes, message: bytes) -> None:
    assert padded(message, 3) == psec.mac.pad_iso_3(message, 8)
    expected = psec.mac.generate_retail_mac(key[:8], key[8:], message, 3)
    assert mac(DesKey(key), RETAIL, padded(message, 3)) == expected


# Ciphering


@a_few
@given(any_key, st.sampled_from(sorted(MODES)), st.binary(max_size=96), st.binary(min_size=16, max_size=16))
def test_what_is_enciphered_comes_back(key: DesKey | AesKey, name: str, data: bytes, iv: bytes) -> None:
    mode, block = MODES[name], block_of(key)
    clear = data[: len(data) // block * block] if mode.whole_blocks else data
    hidden = enciphered(key, mode, clear, iv[:block])
    assert len(hidden) == len(clear)
    assert deciphered(key, mode, hidden, iv[:block]) == clear


@a_few
@given(any_key, st.sampled_from(["CBC", "CFB", "CFB8"]), st.integers(0, 3), st.binary(min_size=64, max_size=64))
def test_ciphering_goes_on_with_the_chain_value(key: DesKey | AesKey, name: str, blocks: int, clear: bytes) -> None:
    mode, block = MODES[name], block_of(key)
    iv = bytes(range(block))
    head, tail = clear[: blocks * block], clear[blocks * block :]
    first = enciphered(key, mode, head, iv)
    assert first + enciphered(key, mode, tail, chain_value(first, iv)) == enciphered(key, mode, clear, iv)


def test_modes_are_as_in_fips_81() -> None:
    key, iv, text = DesKey(K[:8]), bytes.fromhex("1234567890ABCDEF"), b"Now is the time for all "
    assert enciphered(key, MODES["ECB"], text, iv).hex().upper() == "3FA40E8A984D48156A271787AB8883F9893D51EC4B563B53"
    assert enciphered(key, MODES["CBC"], text, iv).hex().upper() == "E5C7CDDE872BF27C43E934008C389C0F683788499A7C05F6"
    assert enciphered(key, MODES["CFB"], text, iv).hex().upper() == "F3096249C7F46E51A69E839B1A92F78403467133898EA622"
    assert enciphered(key, MODES["CFB8"], text, iv).hex().upper() == "F31FDA07011462EE187F43D80A7CD9B5B0D290DA6E5B9A87"


@pytest.mark.parametrize("name", ["ECB", "CBC"])
def test_whole_blocks_only(name: str) -> None:
    for step in (enciphered, deciphered):
        with pytest.raises(ValueError, match="whole blocks"):
            step(DesKey(K), MODES[name], b"123", bytes(8))


# Hashes


@a_few
@given(st.binary(max_size=100), st.sampled_from(["sha1", "md5", "sha224", "sha256", "sha384", "sha512"]))
def test_hashes_are_those_of_hashlib(message: bytes, name: str) -> None:
    assert digest(name, message) == hashlib.new(name, message).digest()


def test_mdc_2_has_two_halves_that_meet() -> None:
    assert digest("mdc2", b"Now is the time for all ") == mdc2(b"Now is the time for all ")
    assert len(mdc2(b"")) == 16
    assert mdc2(b"abc") == mdc2(b"abc" + bytes(5)) != mdc2(b"abd")


def test_hmac_is_as_in_rfc_4231() -> None:
    assert hmac_of(b"\x0b" * 20, "sha256", b"Hi There").hex().startswith("b0344c61d8db3853")
    assert hmac_of(b"\x0b" * 20, "sha512", b"Hi There").hex().startswith("87aa7cdea5ef619d")
