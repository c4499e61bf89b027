"""Keys that fewer people have: HMAC keys, BDK-5, TDES PIN keys of an AES BDK, DUKPT keys for answers."""

import hmac
import warnings

import pytest

from hsm_sim import key_block
from hsm_sim.key_block import Attributes
from hsm_sim.keys import KeyStore, check_value
from hsm_sim.primitives import dukpt_aes, dukpt_tdes
from hsm_sim.primitives.aes import AesKey
from hsm_sim.primitives.des import DesKey
from hsm_sim.primitives.mac import CMAC, mac
from hsm_sim.settings import Settings
from tests.hsm_sim.known import ACCOUNT, K1, Z_ZMK, Bench, K, Z, block_under
from tests.hsm_sim.known_keys import under_lmk_00

with warnings.catch_warnings():  # psec feeds 16-byte keys to TripleDES
    warnings.simplefilter("ignore")
    from psec import tr31

STORE = KeyStore(Settings())
SECRET = bytes(range(1, 41))  # of no cipher's length
AES_BDK = bytes.fromhex("FEDCBA9876543210F1F1F1F1F1F1F1F1")
KSN = "123456789012345600000001"
DES_KSN = "FFFF9876543210E00001"
ISO_0 = "041225EEEEEEEEEE"  # PIN 1234, that account


def sealed(clear: bytes, usage: str, algorithm: str, lmk_id: str = "02", **said: str) -> str:
    """A key under this LMK that may leave it."""
    attributes = Attributes(usage, algorithm, **{"exportability": "E", **said})
    return key_block.wrap(STORE.ring(lmk_id).lmk.key, attributes, clear, bytes, lmk_id)


# HMAC keys


@pytest.mark.parametrize("lmk_id", ["01", "02"])
@pytest.mark.parametrize(("usage", "scheme", "outside"), [("63", "S", "63"), ("63", "R", "M7"), ("M7", "R", "M7")])
def test_an_hmac_key_goes_out_comes_in_and_is_checked(lmk_id: str, usage: str, scheme: str, outside: str) -> None:
    bench = Bench()
    zmk, key = sealed(Z, "K1", "T", lmk_id), sealed(SECRET, usage, "H", lmk_id, mode="G")
    told = hmac.new(SECRET, b"", "sha256").hexdigest().upper()
    asked = {"pair_code": "FF", "key_length": "F", "key_type": "FFF"}
    assert bench.ask("BU", lmk_id=lmk_id, **asked, key=key).fields == {"check_value": told[:16]}

    out = bench.ask("A8", lmk_id=lmk_id, key_type="FFF", zmk=zmk, key=key, scheme=scheme)
    assert (out.error, out.fields["check_value"]) == ("00", told[:6])
    wire = out.fields["exported_key"]
    assert wire[6:8] == outside
    if scheme == "R":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert tr31.unwrap(Z, wire[1:])[1] == SECRET

    back = bench.ask("A6", lmk_id=lmk_id, key_type="FFF", zmk=zmk, key=wire, scheme="S")
    assert (back.error, back.fields["check_value"]) == ("00", told[:6])
    made = bench.ask("LQ", lmk_id=lmk_id, hash="06", key=back.fields["key"], message="hello")
    assert made.error == "00"
    assert made.fields["mac"].encode("latin-1") == hmac.digest(SECRET, b"hello", "sha256")


def test_an_hmac_key_obeys_its_header_and_travels_in_blocks_only() -> None:
    bench = Bench()
    zmk = sealed(Z, "K1", "T")
    for said, scheme, error in (
        ({}, "U", "26"),
        ({"exportability": "N"}, "R", "AA"),
        ({"exportability": "S"}, "R", "00"),
        ({"usage": "72"}, "S", "A6"),
        ({"version": "c1"}, "S", "A9"),
    ):
        usage = said.pop("usage", "63")
        key = sealed(SECRET, usage, "H", **said)
        assert bench.ask("A8", lmk_id="02", key_type="FFF", zmk=zmk, key=key, scheme=scheme).error == error
    out = bench.ask("A8", lmk_id="02", key_type="FFF", zmk=zmk, key=sealed(SECRET, "63", "H"), scheme="S")
    wire = out.fields["exported_key"]
    spoilt = wire[:-1] + ("0" if wire[-1] != "0" else "1")
    assert bench.ask("A6", lmk_id="02", key_type="FFF", zmk=zmk, key=spoilt, scheme="S").error == "A4"
    assert bench.ask("A6", key_type="001", zmk=Z_ZMK, key=out.fields["exported_key"], scheme="U").error == "A7"
    card = {"pan": "4111111111111111", "expiry": "2512", "service_code": "101"}
    assert bench.ask("CW", lmk_id="02", **card, cvk=sealed(SECRET, "63", "H")).error == "A6"


# BDK-5


def test_an_initial_key_of_a_bdk_5_is_that_of_x9_24_3() -> None:
    bench = Bench()
    asked = {"mode": "A", "key_type": "FFF", "scheme": "S", "derivation": "0", "bdk_type": "5", "ksn": KSN[:16]}
    header = {"key_usage": "B1", "key_mode": "X", "key_version": "00", "key_exportability": "E", "key_algorithm": "A1"}
    told = check_value(AesKey(bytes.fromhex("1273671EA26AC29AFA4D1084127652A1")))
    for usage, algorithm, error in (("44", "A", "00"), ("B0", "A", "00"), ("42", "A", "A6"), ("44", "T", "A7")):
        bdk = sealed(AES_BDK, usage, algorithm, mode="X")
        answer = bench.ask("A0", lmk_id="02", **asked, **header, bdk=bdk)
        assert answer.error == error, (usage, algorithm)
        if error == "00":
            assert answer.fields["check_value"] == told
    typed = {**asked, "key_type": "302", "scheme": "U", "ksn": DES_KSN}
    assert bench.ask("A0", **typed, bdk=under_lmk_00("009", K)).error == "A1"


# TDES keys of an AES BDK


def test_a_terminal_of_an_aes_bdk_may_work_with_a_tdes_pin_key_where_the_settings_say_so() -> None:
    terminal = DesKey(dukpt_aes.derived_tdes(AES_BDK, bytes.fromhex(KSN), dukpt_aes.Purpose.PIN))
    asked = {
        "bdk": sealed(AES_BDK, "B0", "A", mode="X"),
        "destination_key": sealed(K1, "72", "T"),
        "descriptor": "906",
        "ksn": KSN,
        "pin_block": terminal.encrypt(bytes.fromhex(ISO_0)).hex().upper(),
        "source_format": "01",
        "destination_format": "01",
        "account": ACCOUNT,
    }
    assert Bench().ask("G0", lmk_id="02", **asked).error == "23"
    answer = Bench(tdes_pins_of_aes_bdks=True).ask("G0", lmk_id="02", **asked)
    assert answer.fields == {"pin_length": "04", "pin_block": block_under(K1, ISO_0), "format": "01"}


def test_the_tdes_key_of_an_aes_bdk_is_one_block_of_the_derivation_data_of_the_standard() -> None:
    """Version 01, block 01, PIN 1000, two-key TDES 0000, 128 bits 0080, half of the initial key's id, the counter."""
    transaction = AesKey(bytes.fromhex("4F21B565BAD9835E112B6465635EAE44"))
    data = bytes.fromhex("01011000000000809012345600000001")
    assert dukpt_aes.derived_tdes(AES_BDK, bytes.fromhex(KSN), dukpt_aes.Purpose.PIN) == transaction.encrypt(data)


# DUKPT keys for answers


def test_macs_are_made_with_the_key_for_answers_where_the_settings_say_so() -> None:
    """The last is row 13 of the known answers: the MAC of the first transaction's answer."""
    asked = {
        "mode": "4",
        "method": "1",
        "bdk": under_lmk_00("009", K),
        "descriptor": "A05",
        "ksn": DES_KSN,
        "message": "4012345678909D987",
    }
    assert Bench().ask("GW", **asked).fields["mac"] == "9CCC78173FC4FB64"
    answers = Bench(dukpt_response_macs=True)
    assert answers.ask("GW", **asked).fields["mac"] == "20364223C1FF00FA"
    assert answers.ask("GW", **{**asked, "mode": "1"}, mac="9CCC78173FC4FB64").error == "00"
    of_aes = {**asked, "bdk": sealed(AES_BDK, "B0", "A", mode="X"), "ksn": KSN}
    key = AesKey(dukpt_aes.derived(AES_BDK, bytes.fromhex(KSN), dukpt_aes.Purpose.MAC_VERIFICATION))
    told = mac(key, CMAC, b"4012345678909D987").hex().upper()
    assert answers.ask("GW", lmk_id="02", **of_aes).fields["mac"] == told[:16]


def test_keys_of_one_device_are_derived_once() -> None:
    dukpt_tdes.transaction_key.cache_clear()
    bdk = DesKey(K)
    for purpose in dukpt_tdes.Purpose:
        dukpt_tdes.derived(bdk, bytes.fromhex(DES_KSN), purpose)
    seen = dukpt_tdes.transaction_key.cache_info()
    assert (seen.misses, seen.hits) == (1, len(dukpt_tdes.Purpose) - 1)
    assert seen.maxsize == dukpt_tdes.TRANSACTIONS_KEPT
