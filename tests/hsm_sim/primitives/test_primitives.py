"""Every primitive against published answers, and against psec, an implementation nobody here wrote."""

import psec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsm_sim.primitives import lmk_pin, pin_block
from hsm_sim.primitives.cvv import cvv
from hsm_sim.primitives.des import DesKey, check_value, has_odd_parity, with_odd_parity, xor
from hsm_sim.primitives.mac import chained, mac, padded
from hsm_sim.primitives.pin_block import NoPinError, PinLengthError
from hsm_sim.primitives.pvv import pvv
from tests.hsm_sim.known import K1, K2, K, Z, a_few

digits = "0123456789"
double_keys = st.binary(min_size=16, max_size=16).map(with_odd_parity)
pans = st.text(digits, min_size=13, max_size=19)
accounts = st.text(digits, min_size=12, max_size=12)
pins = st.text(digits, min_size=4, max_size=12)


# DES


@pytest.mark.parametrize(("key", "expected"), [(K, "08D7B4FB629D0885"), (K1, "653FB8"), (K2, "B71A17"), (Z, "1B6198")])
def test_check_values_are_as_published(key: bytes, expected: str) -> None:
    assert check_value(DesKey(key)).startswith(expected)


def test_a_single_des_key_is_plain_des() -> None:
    # FIPS 81, table B1: "Now is t" under 0123456789ABCDEF.
    assert DesKey(bytes.fromhex("0123456789ABCDEF")).encrypt(b"Now is t").hex() == "3fa40e8a984d4815"


@a_few
@given(st.sampled_from([8, 16, 24]).flatmap(lambda n: st.binary(min_size=n, max_size=n)))
def test_parity_is_made_odd_and_nothing_else_is_changed(key: bytes) -> None:
    made = with_odd_parity(key)
    assert has_odd_parity(made)
    assert all((a ^ b) in (0, 1) for a, b in zip(key, made, strict=True))


def test_a_key_shows_nothing() -> None:
    assert K.hex() not in repr(DesKey(K)).lower()


def test_a_key_of_another_length_is_refused_without_being_shown() -> None:
    with pytest.raises(ValueError, match="8, 16 or 24"):
        DesKey(b"\xaa" * 9)
    with pytest.raises(ValueError, match="lengths differ"):
        xor(b"1", b"12")


# CVV and PVV


@pytest.mark.parametrize(
    ("pan", "expiry", "service_code", "expected"),
    [
        ("4123456789012345", "8701", "101", "561"),
        ("4999988887777", "9105", "111", "649"),
        ("4111111111111111", "2512", "201", "139"),
        ("4111111111111111", "2512", "999", "133"),
        ("4111111111111111", "2512", "000", "765"),
    ],
)
def test_cvvs_are_as_published(pan: str, expiry: str, service_code: str, expected: str) -> None:
    assert cvv(DesKey(K), pan, expiry, service_code) == expected


@a_few
@given(double_keys, pans, st.text(digits, min_size=4, max_size=4), st.text(digits, min_size=3, max_size=3))
def test_cvv_agrees_with_psec(key: bytes, pan: str, expiry: str, service_code: str) -> None:
    assert cvv(DesKey(key), pan, expiry, service_code) == psec.cvv.generate_cvv(key, pan, expiry, service_code)


def test_a_cvk_is_of_double_length() -> None:
    with pytest.raises(ValueError, match="double"):
        cvv(DesKey(K[:8]), "4111111111111111", "2512", "101")


@pytest.mark.parametrize(("pan", "expected"), [("4111111111111111", "9464"), ("5432101234567890", "6776")])
def test_pvvs_are_as_published(pan: str, expected: str) -> None:
    assert pvv(DesKey(K), pan[-13:-1], "1", "1234") == expected


@a_few
@given(double_keys, pans, st.text(digits, min_size=1, max_size=1), pins)
def test_pvv_agrees_with_psec(key: bytes, pan: str, pvki: str, pin: str) -> None:
    assert pvv(DesKey(key), pan[-13:-1], pvki, pin) == psec.pin.generate_visa_pvv(key, pvki, pin[:4], pan)


# PIN blocks


@pytest.mark.parametrize(
    ("number", "pin", "account", "block"),
    [
        ("0", "1234", "111111111111", "041225EEEEEEEEEE"),
        ("0", "1234", "210123456789", "041215FEDCBA9876"),
        ("0", "123456", "210123456789", "06121557DCBA9876"),
        ("1", "1234", "000000000000", "141234FFFFFFFFFF"),
        ("3", "1234", "210123456789", "341215AB89EFCD23"),
    ],
)
def test_pin_blocks_are_as_published(number: str, pin: str, account: str, block: str) -> None:
    fill = {"1": b"\xff", "3": b"\x00"}.get(number, b"")
    assert pin_block.build(number, pin, account, lambda count: fill * count).hex().upper() == block
    assert pin_block.read(number, bytes.fromhex(block), account) == pin


@a_few
@given(pins, pans)
def test_format_0_agrees_with_psec(pin: str, pan: str) -> None:
    block = pin_block.build("0", pin, pan[-13:-1], bytes)
    assert block == psec.pinblock.encode_pinblock_iso_0(pin, pan)


@a_few
@given(pins)
def test_format_2_agrees_with_psec(pin: str) -> None:
    assert pin_block.build("2", pin, "0" * 12, bytes) == psec.pinblock.encode_pinblock_iso_2(pin)


@a_few
@given(pins, pans, st.binary(min_size=8, max_size=8))
def test_psec_reads_our_format_3_and_we_read_its(pin: str, pan: str, fill: bytes) -> None:
    ours = pin_block.build("3", pin, pan[-13:-1], lambda count: fill[:count])
    assert psec.pinblock.decode_pinblock_iso_3(ours, pan) == pin
    assert pin_block.read("3", psec.pinblock.encode_pinblock_iso_3(pin, pan), pan[-13:-1]) == pin


@a_few
@given(st.sampled_from("0123"), pins, accounts, st.binary(min_size=8, max_size=8))
def test_every_format_gives_the_pin_back(number: str, pin: str, account: str, fill: bytes) -> None:
    block = pin_block.build(number, pin, account, lambda count: fill[:count])
    assert pin_block.read(number, block, account) == pin


@a_few
@given(st.sampled_from("0123"), st.binary(min_size=8, max_size=8), accounts)
def test_eight_bytes_of_noise_are_a_pin_or_no_pin_and_nothing_else(number: str, block: bytes, account: str) -> None:
    try:
        pin = pin_block.read(number, block, account)
    except (NoPinError, PinLengthError):
        return
    assert 4 <= len(pin) <= 12
    assert set(pin) <= set(digits)


@pytest.mark.parametrize("length", [0, 3, 13])
def test_a_pin_of_another_length_is_neither_built_nor_read(length: int) -> None:
    with pytest.raises(PinLengthError):
        pin_block.build("0", "1" * length, "0" * 12, bytes)
    block = bytes.fromhex(f"0{length:X}" + "1" * length + "F" * (14 - length))
    with pytest.raises(PinLengthError):
        pin_block.read("0", block, "0" * 12)


# MACs


def test_macs_are_as_in_x9_19() -> None:
    message = b"Now is the time for all "
    assert mac(DesKey(K), 3, message).hex().upper() == "A1C72E74EA3FA9B6"
    assert mac(DesKey(K[:8]), 1, message).hex().upper() == "70A30640CC76DD8B"


@pytest.mark.parametrize(
    ("algorithm", "padding", "expected"),
    [(3, 1, "ABF9AFD03C6F5F70"), (3, 2, "94A00FFEFE29FE69"), (1, 2, "09D0D7B78B4447DC")],
)
def test_macs_of_hello_world(algorithm: int, padding: int, expected: str) -> None:
    assert mac(DesKey(K), algorithm, padded(b"Hello, world!", padding)).hex().upper() == expected


@a_few
@given(double_keys, st.binary(max_size=80), st.sampled_from([1, 2]))
def test_both_algorithms_agree_with_psec(key: bytes, message: bytes, padding: int) -> None:
    assert mac(DesKey(key), 1, padded(message, padding)) == psec.mac.generate_cbc_mac(key, message, padding)
    assert mac(DesKey(key), 3, padded(message, padding)) == psec.mac.generate_retail_mac(
        key[:8], key[8:], message, padding
    )


@a_few
@given(st.binary(min_size=1, max_size=6), st.binary(min_size=1, max_size=6), st.sampled_from([1, 3]))
def test_a_message_in_two_parts_has_the_mac_of_the_whole(head: bytes, tail: bytes, algorithm: int) -> None:
    key, first, last = DesKey(K), head * 8, tail * 8
    assert mac(key, algorithm, last, chained(key, algorithm, first)) == mac(key, algorithm, first + last)


def test_a_mac_wants_whole_blocks_and_its_key() -> None:
    with pytest.raises(ValueError, match="whole blocks"):
        mac(DesKey(K), 1, b"123")
    with pytest.raises(ValueError, match="double"):
        mac(DesKey(K[:8]), 3, b"12345678")


# PIN under the LMK


@a_few
@given(pins, accounts, double_keys)
def test_a_pin_under_the_lmk_comes_back_and_is_one_digit_longer(pin: str, account: str, key: bytes) -> None:
    value = lmk_pin.encrypted(DesKey(key), account, pin)
    assert len(value) == len(pin) + 1
    assert set(value) <= set(digits)
    assert lmk_pin.decrypted(DesKey(key), account, value) == pin


def test_a_pin_under_the_lmk_is_bound_to_its_account() -> None:
    key, opened = DesKey(K), 0
    for n in range(200):
        try:
            opened += lmk_pin.decrypted(key, f"{n:012d}", lmk_pin.encrypted(key, "111111111111", "1234")) == "1234"
        except lmk_pin.NoPinUnderLmkError:
            continue
    assert opened <= 1
