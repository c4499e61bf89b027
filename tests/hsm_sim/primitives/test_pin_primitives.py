"""DUKPT, PIN block format 4, the older formats, IBM 3624, dynamic CVVs: published answers, and other people's code."""

import psec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyemv import cvv as pyemv_cvv
from pyemv import kd

from hsm_sim.primitives import dukpt_aes, dukpt_tdes, ibm3624, iso4, lmk_pin, pin_block
from hsm_sim.primitives.aes import AesKey
from hsm_sim.primitives.cavv import cavv
from hsm_sim.primitives.cvv import cvv
from hsm_sim.primitives.des import DesKey, with_odd_parity
from hsm_sim.primitives.dukpt_tdes import Purpose
from hsm_sim.primitives.dynamic_cvv import cvc3, dcvv
from hsm_sim.primitives.emv import card_key, hashed_pan_block, pan_block
from hsm_sim.primitives.mac import RETAIL, mac, padded
from hsm_sim.primitives.pin_block import NoPinError, PinLengthError
from tests.hsm_sim.known import K, a_few

digits = "0123456789"
pins = st.text(digits, min_size=4, max_size=12)
pans = st.text(digits, min_size=13, max_size=19)
accounts = st.text(digits, min_size=12, max_size=12)
fills = st.binary(min_size=8, max_size=8)
aes_keys = st.sampled_from([16, 24, 32]).flatmap(lambda n: st.binary(min_size=n, max_size=n))
double_keys = st.binary(min_size=16, max_size=16).map(with_odd_parity)

# DUKPT with TDES: X9.24-1, annex A.4.1, as in moov-io

KSN = "FFFF9876543210E0000"
ACCOUNT, DATA = "401234567890", b"4012345678909D987"
TDES = [
    ("1", "042666B49184CFA368DE9628D0397BC9", "1B9C1845EB993A7A", "9CCC78173FC4FB64", "20364223C1FF00FA"),
    ("2", "C46551CEF9FD24B0AA9AD834130D3BC7", "10A01C8D02C69107", "F608A9BCA6FFC311", "D1FCA6BEF05D24D2"),
    ("3", "0DF3D9422ACA56E547676D07AD6BADFA", "18DC07B94797B466", "20B59A4FEAC937E3", "BAD4CC9CC2AE326C"),
    ("4", "279C0F6AEED0BE652B2C733E1383AE91", "0BC79509D5645DF7", "C7BFA6CC44161828", "1EB08AEECE6FF0C2"),
    ("5", "5F8DC6D2C845C125508DDC048093B83F", "5BC0AF22AD87B327", "0202B96339022058", "5CBE3E81D1D2A0FB"),
]


@pytest.mark.parametrize(("count", "key", "block", "request_mac", "response_mac"), TDES)
def test_dukpt_keys_pin_blocks_and_macs_are_as_published(
    count: str, key: str, block: str, request_mac: str, response_mac: str
) -> None:
    bdk, ksn = DesKey(K), bytes.fromhex(KSN + count)
    initial = dukpt_tdes.initial_key(bdk, ksn)
    assert initial.hex().upper() == "6AC292FAA1315B4D858AB3A3D7D5933A"
    assert dukpt_tdes.transaction_key(initial, ksn).hex().upper() == key
    clear = pin_block.build("0", "1234", ACCOUNT, bytes)
    assert dukpt_tdes.derived(bdk, ksn, Purpose.PIN).encrypt(clear).hex().upper() == block
    for purpose, expected in ((Purpose.MAC_REQUEST, request_mac), (Purpose.MAC_RESPONSE, response_mac)):
        made = mac(dukpt_tdes.derived(bdk, ksn, purpose), RETAIL, padded(DATA, 1))
        assert made.hex().upper() == expected


@pytest.mark.parametrize(
    ("purpose", "expected"),
    [
        (Purpose.DATA_REQUEST, "FC0D53B7EA1FDA9EE68AAF2E70D9B9506229BE2AA993F04F"),
        (Purpose.DATA_RESPONSE, "1FCC89AF66222F27B903898BB2BC8589CDBFDE5EC6AFCC25"),
    ],
)
def test_dukpt_data_is_encrypted_as_published(purpose: Purpose, expected: str) -> None:
    key = dukpt_tdes.derived(DesKey(K), bytes.fromhex(KSN + "1"), purpose)
    assert key.encrypt_cbc(padded(DATA, 1), bytes(8)).hex().upper() == expected


def test_a_dukpt_key_wants_a_double_length_bdk_and_its_whole_ksn() -> None:
    with pytest.raises(ValueError, match="BDK"):
        dukpt_tdes.initial_key(DesKey(K[:8]), bytes(10))
    with pytest.raises(ValueError, match="KSN"):
        dukpt_tdes.initial_key(DesKey(K), bytes(8))


# DUKPT with AES: X9.24-3, annex B

BDK = bytes.fromhex("FEDCBA9876543210F1F1F1F1F1F1F1F1")
ID = bytes.fromhex("1234567890123456")
AES = [
    (1, dukpt_aes.Purpose.PIN, "AF8CB133A78F8DC2D1359F18527593FB"),
    (1, dukpt_aes.Purpose.MAC_GENERATION, "A2DC23DE6FDE0824A2BC321E08E4B8B7"),
    (1, dukpt_aes.Purpose.DATA_ENCRYPTION, "A35C412EFD41FDB98B69797C02DCD08F"),
    (2, dukpt_aes.Purpose.PIN, "D30BDC73EC9714B000BEC66BDB7B6D09"),
    (8, dukpt_aes.Purpose.PIN, "4D9DF3FBEE3448FC3E676D04320A90F5"),
    (0x20000, dukpt_aes.Purpose.PIN, "AB828BE7B58C7EC5D5ED0D5D320A0C9D"),
    (0x845FED, dukpt_aes.Purpose.PIN, "D1DDA386AA4A556AF0119FDCB5D132C6"),
]


@pytest.mark.parametrize(("counter", "purpose", "expected"), AES)
def test_aes_dukpt_keys_are_as_published(counter: int, purpose: dukpt_aes.Purpose, expected: str) -> None:
    assert dukpt_aes.initial_key(BDK, ID).hex().upper() == "1273671EA26AC29AFA4D1084127652A1"
    assert dukpt_aes.derived(BDK, ID + counter.to_bytes(4, "big"), purpose).hex().upper() == expected


def test_the_initial_key_of_aes_256_takes_two_blocks() -> None:
    expected = "CE9CE0C101D1138F97FB6CAD4DF045A7083D4EAE2D35A31789D01CCF0949550F"
    assert dukpt_aes.initial_key(BDK * 2, ID).hex().upper() == expected


@a_few
@given(aes_keys, st.integers(0, 0xFFFFFFFF))
def test_an_aes_key_is_derived_for_every_counter_that_devices_send_and_no_other(bdk: bytes, counter: int) -> None:
    ksn = ID + counter.to_bytes(4, "big")
    if 1 <= counter.bit_count() <= 16:
        assert len(dukpt_aes.derived(bdk, ksn, dukpt_aes.Purpose.PIN)) == len(bdk)
        return
    with pytest.raises(dukpt_aes.BadCounterError):
        dukpt_aes.derived(bdk, ksn, dukpt_aes.Purpose.PIN)


# PIN blocks of format 4


@pytest.mark.parametrize(
    ("key", "field", "pan", "block"),
    [
        (
            "00112233445566778899AABBCCDDEEFF",
            "441234AAAAAAAAAA146C6601F4A8035C",
            "432198765432109870",
            "88E33C3ACF404F234F10F889C364E377",
        ),
        (
            "000102030405060708090A0B0C0D0E0F",
            "441234AAAAAAAAAA0123456789ABCDEF",
            "4111111111111111",
            "70487881E82D3F1EF3A87678147EDAA7",
        ),
    ],
)
def test_format_4_blocks_are_as_published(key: str, field: str, pan: str, block: str) -> None:
    aes = AesKey(bytes.fromhex(key))
    assert iso4.enciphered(aes, bytes.fromhex(field), pan).hex().upper() == block
    assert iso4.pin_of(aes, bytes.fromhex(block), pan) == "1234"


@a_few
@given(aes_keys, pins, pans, fills)
def test_psec_reads_our_format_4_and_we_read_its(key: bytes, pin: str, pan: str, fill: bytes) -> None:
    ours = iso4.enciphered(AesKey(key), iso4.pin_field(pin, lambda count: fill[:count]), pan)
    assert psec.pinblock.decipher_pinblock_iso_4(key, ours, pan) == pin
    assert iso4.pin_of(AesKey(key), psec.pinblock.encipher_pinblock_iso_4(key, pin, pan), pan) == pin


@a_few
@given(aes_keys, st.binary(min_size=16, max_size=16), pans)
def test_sixteen_bytes_of_noise_are_no_pin_of_format_4(key: bytes, block: bytes, pan: str) -> None:
    with pytest.raises((NoPinError, PinLengthError)):
        iso4.pin_of(AesKey(key), block, pan)


@pytest.mark.parametrize("length", [3, 13])
def test_format_4_holds_four_to_twelve_digits(length: int) -> None:
    with pytest.raises(PinLengthError):
        iso4.pin_field("1" * length, bytes)
    key = AesKey(BDK)
    field = bytes.fromhex(f"4{length:X}{'1' * length}".ljust(16, "A")) + bytes(8)
    with pytest.raises(PinLengthError):
        iso4.pin_of(key, iso4.enciphered(key, field, "4111111111111111"), "4111111111111111")


def test_a_pan_has_at_most_nineteen_digits() -> None:
    with pytest.raises(ValueError, match="19"):
        iso4.pan_field("1" * 20)
    assert iso4.pan_field("1" * 19).hex() == "7" + "1" * 19 + "0" * 12
    assert iso4.pan_field("123").hex() == "0" + "000000000123" + "0" * 19


# The older formats


@pytest.mark.parametrize(
    ("layout", "block"),
    [("docutel", "4123400000000000"), ("diebold", "1234FFFFFFFFFFFF"), ("paynow", "241225EEEEEEEEEE")],
)
def test_the_older_formats_are_as_commonly_told(layout: str, block: str) -> None:
    assert pin_block.build(layout, "1234", "111111111111", bytes).hex().upper() == block
    assert pin_block.read(layout, bytes.fromhex(block), "111111111111") == "1234"


@a_few
@given(st.sampled_from(["docutel", "diebold", "paynow"]), pins, accounts)
def test_an_older_format_gives_the_pin_back_or_says_that_it_is_too_long(layout: str, pin: str, account: str) -> None:
    if layout == "docutel" and len(pin) > pin_block.DOCUTEL_LONGEST:
        with pytest.raises(PinLengthError):
            pin_block.build(layout, pin, account, bytes)
        return
    assert pin_block.read(layout, pin_block.build(layout, pin, account, bytes), account) == pin


@a_few
@given(st.sampled_from(["docutel", "diebold", "paynow"]), fills, accounts)
def test_noise_is_a_pin_of_an_older_format_or_none_and_nothing_else(layout: str, block: bytes, account: str) -> None:
    try:
        pin = pin_block.read(layout, block, account)
    except (NoPinError, PinLengthError):
        return
    assert 4 <= len(pin) <= 12
    assert pin.isdigit()


@pytest.mark.parametrize(
    ("layout", "block", "error"),
    [
        ("docutel", "3123000000000000", PinLengthError),
        ("docutel", "7123456000000000", PinLengthError),
        ("docutel", "4123410000000000", NoPinError),
        ("docutel", "4123400A00000000", NoPinError),
        ("diebold", "123FFFFFFFFFFFFF", PinLengthError),
        ("diebold", "1234567890123FFF", PinLengthError),
        ("diebold", "1234FF1FFFFFFFFF", NoPinError),
        ("diebold", "FFFFFFFFFFFFFFFF", NoPinError),
    ],
)
def test_what_an_older_format_does_not_hold(layout: str, block: str, error: type[ValueError]) -> None:
    with pytest.raises(error):
        pin_block.read(layout, bytes.fromhex(block), "0" * 12)


# IBM 3624


@a_few
@given(double_keys, st.text(digits, min_size=16, max_size=16), pins, st.text(digits, min_size=16, max_size=16))
def test_ibm_pins_and_offsets_agree_with_psec(key: bytes, table: str, pin: str, data: str) -> None:
    natural = ibm3624.natural_pin(DesKey(key), bytes.fromhex(data), table, len(pin))
    offset = ibm3624.offset_of(pin, natural)
    assert offset == psec.pin.generate_ibm3624_offset(key, table, pin, data, 0, 16, "0")
    assert pin == psec.pin.generate_ibm3624_pin(key, table, offset, data, 0, 16, "0")
    assert ibm3624.pin_with(offset, natural) == pin


# PINs under an AES LMK


@a_few
@given(aes_keys, pins, accounts)
def test_a_pin_under_an_aes_lmk_comes_back_for_its_account_and_no_other(key: bytes, pin: str, account: str) -> None:
    kept = lmk_pin.encrypted_aes(AesKey(key), account, pin)
    assert lmk_pin.decrypted_aes(AesKey(key), account, kept) == pin
    other = account[:-1] + str((int(account[-1]) + 1) % 10)
    with pytest.raises(lmk_pin.NoPinUnderLmkError):
        lmk_pin.decrypted_aes(AesKey(key), other, kept)
    with pytest.raises(lmk_pin.NoPinUnderLmkError):
        lmk_pin.decrypted_aes(AesKey(key), account, kept[:-1] + bytes((kept[-1] ^ 1,)))


# Values a chip makes


@a_few
@given(double_keys, pans, st.binary(min_size=1, max_size=40), fills)
def test_a_cvc3_agrees_with_pyemv(key: bytes, pan: str, track: bytes, chance: bytes) -> None:
    number, atc = chance[:4], chance[4:6]
    for block, derive in ((pan_block, kd.derive_icc_mk_a), (hashed_pan_block, kd.derive_icc_mk_b)):
        card = card_key(DesKey(key), block(pan, "01"))
        theirs = pyemv_cvv.generate_cvc3(derive(key, pan, "01"), track, atc, number)
        assert cvc3(card, track, number, atc) == theirs.zfill(5)


def test_a_dcvv_is_a_cvv_of_the_counter_and_a_cavv_one_of_the_authentication() -> None:
    assert dcvv(DesKey(K), "9999111111111111", "2512", "201", 14_111) == "139"
    assert cavv(DesKey(K), "4111111111111111", "00002512", "2", "01") == "139"
    assert cvv(DesKey(K), "4111111111111111", "2512", "201") == "139"
