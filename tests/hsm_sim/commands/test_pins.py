"""PINs under every LMK: chains of translations, verification, choice and change, DUKPT, decimalisation tables."""

import psec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsm_sim import decimalisation, encrypt_table
from hsm_sim.key_block import Attributes
from hsm_sim.keys import KeyStore
from hsm_sim.lmk_pins import under_lmk
from hsm_sim.primitives import dukpt_aes, dukpt_tdes, iso4, pin_block
from hsm_sim.primitives.aes import AesKey
from hsm_sim.primitives.des import DesKey
from hsm_sim.primitives.dynamic_cvv import dcvv
from hsm_sim.primitives.emv import card_key, pan_block
from hsm_sim.settings import Settings
from tests.hsm_sim.known import ACCOUNT, K1, K2, Bench, K, a_few, block_under
from tests.hsm_sim.known_pins import CARD, OF_TYPE, SERIAL

STORE = KeyStore(Settings())
LMKS = ("00", "01", "02")
PAN = "4111111111111111"
AES_ZONE = bytes(range(16))
AES_BDK = bytes.fromhex("FEDCBA9876543210F1F1F1F1F1F1F1F1")
AES_ID = "1234567890123456"

pins = st.text("0123456789", min_size=4, max_size=12)
pans = st.text("0123456789", min_size=13, max_size=19)


def key(lmk_id: str, clear: bytes, key_type: str, usage: str, mode: str = "N", algorithm: str = "T") -> str:
    """A key under this LMK, as it travels; no padding of a block is random here."""
    ring = STORE.ring(lmk_id)
    assert ring is not None
    how = Attributes(usage, algorithm if len(clear) > 8 else "D", mode)
    return ring.seal(clear, key_type=key_type, scheme={8: "Z", 16: "U"}[len(clear)], attributes=how, random=bytes)


def aes(clear: bytes, usage: str, mode: str = "N") -> str:
    """An AES key under LMK 02, as it travels."""
    ring = STORE.ring("02")
    assert ring is not None
    return ring.seal(clear, attributes=Attributes(usage, "A", mode), random=bytes)


def clear_block(code: str, pin: str, account: str = ACCOUNT) -> str:
    return pin_block.build({"01": "0", "05": "1", "47": "3"}[code], pin, account, bytes).hex()


# One PIN through everything


@a_few
@given(st.sampled_from(LMKS), pins, pans)
def test_a_pin_survives_terminal_dukpt_zone_lmk_and_back(lmk_id: str, pin: str, pan: str) -> None:
    bench, account = Bench(), pan[-13:-1]
    tpk, zpk = key(lmk_id, K1, "002", "71"), key(lmk_id, K2, "001", "72")
    bdk = key(lmk_id, K, "009", "B0")
    at = {"lmk_id": lmk_id, "account": account}
    zone = {"source_format": "01", "destination_format": "47", **at}

    sent = block_under(K1, clear_block("01", pin, account))
    block = bench.ask("CA", source_key=tpk, destination_key=zpk, pin_block=sent, **zone).fields["pin_block"]
    kept = bench.ask("JE", zone_key=zpk, pin_block=block, format="47", **at).fields["pin_under_lmk"]
    assert len(kept) == (33 if lmk_id == "02" else len(pin) + 1)
    assert bench.ask("BE", zone_key=zpk, pin_block=block, format="47", pin_under_lmk=kept, **at).error == "00"
    assert bench.ask("NG", pin_under_lmk=kept, **at).fields == {"pin": pin + "F"}
    assert bench.ask("BA", pin=pin, **at).fields == {"pin_under_lmk": kept}
    again = bench.ask("JG", zone_key=zpk, format="01", pin_under_lmk=kept, **at)
    assert again.fields["pin_block"] == block_under(K2, clear_block("01", pin, account))

    ksn = "FFFF9876543210E00008"
    terminal = dukpt_tdes.derived(DesKey(K), bytes.fromhex(ksn), dukpt_tdes.Purpose.PIN)
    asked = {"bdk": bdk, "descriptor": "A05", "ksn": ksn, "destination_key": zpk}
    asked["pin_block"] = terminal.encrypt(bytes.fromhex(clear_block("01", pin, account))).hex()
    carried = bench.ask("G0", **asked, source_format="01", destination_format="01", **at)
    assert carried.fields == {"pin_length": f"{len(pin):02d}", "pin_block": again.fields["pin_block"], "format": "01"}
    assert bench.ask("CI", **asked, destination_format="01", **at).fields == carried.fields


@a_few
@given(pins, pans)
def test_a_pin_goes_into_format_4_of_an_aes_key_and_comes_out_again(pin: str, pan: str) -> None:
    bench = Bench(randomness=lambda count: bytes(range(7, 7 + count)))
    whole = {"lmk_id": "02", "account": pan + ";"}
    zpk, aes_zpk = key("02", K1, "001", "72"), aes(AES_ZONE, "P0")
    sent = block_under(K1, clear_block("47", pin, pan[-13:-1]))
    there = bench.ask(
        "CC",
        source_key=zpk,
        destination_key=aes_zpk,
        pin_block=sent,
        source_format="47",
        destination_format="48",
        **whole,
    )
    assert (there.error, there.fields["pin_length"], there.fields["format"]) == ("00", f"{len(pin):02d}", "48")
    assert psec.pinblock.decipher_pinblock_iso_4(AES_ZONE, bytes.fromhex(there.fields["pin_block"]), pan) == pin
    back = bench.ask(
        "CC",
        source_key=aes_zpk,
        destination_key=zpk,
        pin_block=there.fields["pin_block"],
        source_format="48",
        destination_format="01",
        **whole,
    )
    assert back.fields["pin_block"] == block_under(K1, clear_block("01", pin, pan[-13:-1]))


def test_where_only_twelve_digits_travel_they_are_format_4s_pan() -> None:
    block = iso4.enciphered(AesKey(AES_ZONE), iso4.pin_field("1234", bytes), ACCOUNT).hex()
    asked = {"zone_key": aes(AES_ZONE, "P0"), "pin_block": block, "format": "48", "lmk_id": "02"}
    bench = Bench()
    kept = bench.ask("JE", account=ACCOUNT, **asked)
    assert kept.error == "00"
    assert bench.ask("JE", account=PAN + ";", **asked).error == "20"
    assert bench.ask("BE", account=ACCOUNT, pin_under_lmk=kept.fields["pin_under_lmk"], **asked).error == "00"


@pytest.mark.parametrize(
    ("source", "destination", "formats"),
    [
        ("aes", "des", ("01", "01")),
        ("des", "aes", ("01", "01")),
        ("des", "aes", ("01", "47")),
        ("des", "des", ("48", "01")),
        ("des", "des", ("01", "48")),
        ("aes", "aes", ("48", "05")),
    ],
)
def test_format_4_wants_an_aes_key_and_an_aes_key_format_4(
    source: str, destination: str, formats: tuple[str, str]
) -> None:
    keys = {"aes": aes(AES_ZONE, "P0"), "des": key("02", K1, "001", "72")}
    block = "0" * 32 if formats[0] == "48" else block_under(K1, clear_block("01", "1234"))
    asked = {"source_key": keys[source], "destination_key": keys[destination], "pin_block": block, "account": ACCOUNT}
    asked |= {"source_format": formats[0], "destination_format": formats[1]}
    assert Bench().ask("CC", lmk_id="02", **asked).error == "23"


@pytest.mark.parametrize("lmk_id", LMKS)
@pytest.mark.parametrize("length", [3, 13])
def test_a_pin_of_three_or_thirteen_digits_is_24_wherever_it_is_met(lmk_id: str, length: int) -> None:
    bench, tpk, zpk = Bench(), key(lmk_id, K1, "002", "71"), key(lmk_id, K1, "001", "72")
    field = f"0{length:X}".ljust(2 + length, "1").ljust(16, "F")
    block = block_under(K1, f"{int(field, 16) ^ int(ACCOUNT, 16):016X}")
    at = {"lmk_id": lmk_id, "account": ACCOUNT}
    sent = {"pin_block": block, "source_format": "01", "destination_format": "01", **at}
    assert bench.ask("CA", source_key=tpk, destination_key=zpk, **sent).error == "24"
    assert bench.ask("CC", source_key=zpk, destination_key=zpk, **sent).error == "24"
    assert bench.ask("JC", terminal_key=tpk, pin_block=block, format="01", **at).error == "24"
    assert bench.ask("JE", zone_key=zpk, pin_block=block, format="01", **at).error == "24"
    assert bench.ask("BA", pin="1" * length, **at).error == "24"
    assert bench.ask("JA", pin_length=f"{length:02d}", **at).error == "24"


# PINs under the LMK


@pytest.mark.parametrize("lmk_id", LMKS)
def test_a_pin_under_one_lmk_is_none_under_another_nor_for_another_account(lmk_id: str) -> None:
    bench = Bench()
    kept = bench.ask("BA", pin="123456", account=ACCOUNT, lmk_id=lmk_id).fields["pin_under_lmk"]
    others = [bench.ask("NG", account=f"{n:012d}", pin_under_lmk=kept, lmk_id=lmk_id) for n in range(30)]
    assert {answer.error for answer in others} <= {"14", "00"}
    assert sum(answer.error == "14" for answer in others) > 20
    assert not any(answer.fields.get("pin") == "123456F" for answer in others)
    other = "02" if lmk_id != "02" else "00"
    assert bench.ask("NG", account=ACCOUNT, pin_under_lmk=kept, lmk_id=other).error == "14"


@pytest.mark.parametrize("lmk_id", LMKS)
def test_a_card_gets_a_new_number_and_keeps_its_pin(lmk_id: str) -> None:
    bench = Bench()
    kept = bench.ask("BA", pin="123456789012", account=ACCOUNT, lmk_id=lmk_id).fields["pin_under_lmk"]
    moved = bench.ask("QK", account=ACCOUNT, pin_under_lmk=kept, new_account="2" * 12, lmk_id=lmk_id)
    opened = bench.ask("NG", account="2" * 12, pin_under_lmk=moved.fields["pin_under_lmk"], lmk_id=lmk_id)
    assert opened.fields == {"pin": "123456789012F"}


@pytest.mark.parametrize("lmk_id", LMKS)
@pytest.mark.parametrize("length", ["", "04", "09", "12"])
def test_a_random_pin_is_as_long_as_asked_for_and_not_always_the_same(lmk_id: str, length: str) -> None:
    bench = Bench(randomness=__import__("random").Random(4).randbytes)
    seen = set()
    for _ in range(20):
        kept = bench.ask("JA", account=PAN + ";" if lmk_id == "02" else ACCOUNT, pin_length=length, lmk_id=lmk_id)
        pin = bench.ask("NG", account=ACCOUNT, pin_under_lmk=kept.fields["pin_under_lmk"], lmk_id=lmk_id).fields["pin"]
        assert len(pin) == int(length or 4) + 1
        seen.add(pin)
    assert len(seen) > 15


def test_a_random_pin_is_never_an_excluded_one() -> None:
    excluded = [f"{n:04d}" for n in range(10_000) if n != 4711]
    bench = Bench(randomness=lambda count: bytes((4, 7, 1, 1, *range(count - 4))), excluded_pins=excluded)
    kept = bench.ask("JA", account=ACCOUNT, pin_length="04").fields["pin_under_lmk"]
    assert bench.ask("NG", account=ACCOUNT, pin_under_lmk=kept).fields == {"pin": "4711F"}


@pytest.mark.parametrize("code", ["BA", "NG"])
def test_a_pin_is_seen_in_the_authorised_state_only(code: str) -> None:
    lmk = {"id": "00", "set": "test-variant", "check_value": "0" * 16, "authorised": False}
    assert Bench(lmk=(lmk,)).ask_good(code).error == "17"
    assert Bench(lmk=(lmk,)).ask_good("QK").error == "00"


def test_a_kept_pin_is_given_out_only_bound_to_its_account() -> None:
    bench = Bench()
    errors = {code: bench.ask_good("JG", format=code).error for code in ("01", "47", "05", "34", "03", "48", "99")}
    assert errors == {"01": "00", "47": "00", "05": "23", "34": "23", "03": "23", "48": "23", "99": "23"}


# Verification, making, change


@a_few
@given(st.sampled_from(LMKS), pins, pans, st.sampled_from("0123456"))
def test_a_pvv_made_here_verifies_here_and_one_digit_off_is_01(lmk_id: str, pin: str, pan: str, pvki: str) -> None:
    bench, account = Bench(), pan[-13:-1]
    zpk, pvk = key(lmk_id, K2, "001", "72"), key(lmk_id, K1, "002", "V2")
    at = {"lmk_id": lmk_id, "account": account, "pvk": pvk, "pvki": pvki}
    sent = {"pin_block": block_under(K2, clear_block("01", pin, account)), "format": "01"}
    pvv = bench.ask("FW", key_type="001", key=zpk, **sent, **at).fields["pvv"]
    assert pvv == psec.pin.generate_visa_pvv(K1, pvki, pin[:4], pan)
    assert bench.ask("EC", zone_key=zpk, **sent, **at, pvv=pvv).error == "00"
    for place in range(4):
        other = pvv[:place] + str((int(pvv[place]) + 1) % 10) + pvv[place + 1 :]
        assert bench.ask("EC", zone_key=zpk, **sent, **at, pvv=other).error == "01"


@a_few
@given(st.sampled_from(LMKS), pins, pans, st.booleans())
def test_an_offset_made_here_verifies_here_and_one_digit_off_is_01(
    lmk_id: str, pin: str, pan: str, short: bool
) -> None:
    bench, account = Bench(), pan[-13:-1]
    pvk = key(lmk_id, K1[:8] if short else K1, "002", "V1")
    tpk = key(lmk_id, K2, "002", "P0")
    card = {**CARD, "pvk": pvk, "account": account, "lmk_id": lmk_id}
    sent = {"pin_block": block_under(K2, clear_block("01", pin, account)), "format": "01"}
    done = "00" if short else "02"
    made = bench.ask("BK", key_type="002", key=tpk, **sent, **card)
    offset = made.fields["offset"]
    assert (made.error, len(offset.rstrip("F"))) == (done, len(pin))
    assert bench.ask("DA", terminal_key=tpk, **sent, **card, offset=offset).error == done
    other = str((int(offset[0]) + 1) % 10) + offset[1:]
    assert bench.ask("DA", terminal_key=tpk, **sent, **card, offset=other).error == "01"
    kept = bench.ask("EE", **card, offset=offset)
    assert kept.error == done
    assert bench.ask("NG", account=account, lmk_id=lmk_id, **kept.fields).fields == {"pin": pin + "F"}
    assert bench.ask("DE", **card, **kept.fields).fields == {"offset": offset}


@a_few
@given(pins, st.text("0123456789", min_size=16, max_size=16))
def test_offsets_agree_with_psec(pin: str, table: str) -> None:
    account = "123456789012"
    card = {**CARD, "account": account, "decimalisation_table": table, "validation_data": "4123456789N0"}
    data = "4123456789" + account[-5:] + "0"
    sent = {"pin_block": block_under(K1, clear_block("01", pin, account)), "format": "01"}
    made = Bench().ask("BK", **OF_TYPE, **sent, **card).fields["offset"].rstrip("F")
    assert made == psec.pin.generate_ibm3624_offset(K1[:8], table, pin, data, 0, 16, "0")
    whole = {**card, "validation_data": "P" + data}
    assert Bench().ask("BK", **OF_TYPE, **sent, **whole).fields["offset"].rstrip("F") == made


def test_a_pin_of_another_length_than_its_offset_is_another_pin() -> None:
    bench = Bench()
    longer = block_under(K1, clear_block("01", "123456"))
    offset = bench.ask_good("BK", pin_block=longer).fields["offset"]
    assert bench.ask_good("EA", pin_block=longer, offset=offset).error == "00"
    assert bench.ask_good("EA", offset=offset).error == "01"
    assert bench.ask_good("EA", pin_block=longer, offset=offset[:4] + "F" * 8).error == "01"


def test_a_pin_shorter_than_the_shortest_or_longer_than_the_longest_asked_for() -> None:
    bench = Bench()
    assert bench.ask_good("EA", minimum_length="05").error == "24"
    assert bench.ask_good("EA", maximum_pin_length="03").error == "24"
    assert bench.ask_good("EA", minimum_length="03").error == "15"
    assert bench.ask_good("EA", minimum_length="13").error == "15"
    for code in ("DE", "BK", "EE"):
        assert bench.ask_good(code, minimum_length="05").error == "81"


@pytest.mark.parametrize(("code", "old"), [("CU", "pvv"), ("DU", "offset")])
def test_a_pin_is_changed_when_the_old_one_is_right(code: str, old: str) -> None:
    bench = Bench()
    made = bench.ask_good(code).fields["new_" + old]
    verify = {"CU": "EC", "DU": "EA"}[code]
    new = block_under(K1, clear_block("01", "56789"))
    assert bench.ask_good(verify, pin_block=new, **{old: made}).error == "00"
    assert bench.ask_good(verify, **{old: made}).error == "01"
    wrong = {"pvv": "0000", "offset": "9999FFFFFFFF"}[old]
    answer = bench.ask_good(code, **{old: wrong})
    assert (answer.error, answer.fields) == ("01", {})
    assert bench.ask_good(code, new_pin_block=block_under(K1, "0" * 16)).error in ("20", "24")


@pytest.mark.parametrize("code", ["DG", "FW", "DE", "BK", "CU", "DU"])
def test_an_excluded_pin_is_86_and_a_list_of_another_length_81(code: str) -> None:
    chosen = "56789" if code in ("CU", "DU") else "1234"
    listed = "0" * len(chosen) + "," + chosen
    assert Bench().ask_good(code, excluded_pins=listed).error == "86"
    assert Bench().ask_good(code, excluded_pins="0" * len(chosen)).error == "00"
    assert Bench().ask_good(code, excluded_pins="0" * (len(chosen) + 1)).error == "81"
    assert Bench(excluded_pins=[chosen]).ask_good(code).error == "86"


@pytest.mark.parametrize("code", ["FW", "BK", "CU", "DU"])
def test_the_key_of_a_block_is_of_the_type_the_request_says(code: str) -> None:
    bench = Bench()
    assert bench.ask_good(code, key_type="002").error == "10"
    assert bench.ask_good(code, key_type="009").error == "28"
    assert bench.ask_good(code, key_type="999").error == "04"
    assert bench.ask_good(code, key_type="FFF").error == "A1"


@pytest.mark.parametrize("code", ["CU", "DU"])
def test_a_change_takes_aes_blocks_too(code: str) -> None:
    zone = aes(AES_ZONE, "P0")
    old, new = (
        iso4.enciphered(AesKey(AES_ZONE), iso4.pin_field(pin, bytes), PAN).hex() for pin in ("1234", "987654321098")
    )
    at = {"key_type": "FFF", "key": zone, "format": "48", "account": PAN + ";", "lmk_id": "02", "pvki": "1"}
    card = {**CARD, **at, "pvk": key("02", K1, "002", "V0")}
    parts = {"CU": ("FW", "pvv", "EC", ("minimum_length", "decimalisation_table", "validation_data"))}
    parts["DU"] = ("BK", "offset", "EA", ("pvki",))
    making, known, verifying, absent = parts[code]
    for name in absent:
        del card[name]
    bench = Bench()
    made = bench.ask(making, pin_block=old, **card).fields
    changed = bench.ask(code, pin_block=old, new_pin_block=new, **made, **card)
    assert changed.error == ("00" if code == "CU" else "02")
    checked = {name: value for name, value in card.items() if name not in ("key_type", "key")}
    checked |= {"zone_key": zone, "pin_block": new, known: changed.fields["new_" + known]}
    assert bench.ask(verifying, **checked).error == changed.error
    assert bench.ask(verifying, **{**checked, "pin_block": old}).error == "01"


# DUKPT


@pytest.mark.parametrize("counter", ["00001", "00002", "00008", "0000B", "1FF80"])
@pytest.mark.parametrize("lmk_id", LMKS)
def test_a_dukpt_pin_verifies_by_pvv_and_offset_at_every_counter(lmk_id: str, counter: str) -> None:
    bench = Bench()
    ksn = f"{int('FFFF9876543210E00000', 16) | int(counter, 16):020X}"
    terminal = dukpt_tdes.derived(DesKey(K), bytes.fromhex(ksn), dukpt_tdes.Purpose.PIN)
    sent = {"pin_block": terminal.encrypt(bytes.fromhex(clear_block("01", "1234"))).hex(), "account": ACCOUNT}
    serial = {"bdk": key(lmk_id, K, "009", "B0"), "descriptor": "A05", "ksn": ksn, "lmk_id": lmk_id}
    pvv = {"pvk": key(lmk_id, K1, "002", "V0"), "pvki": "1", "pvv": "7292"}
    assert bench.ask("CM", **serial, **sent, **pvv).error == "00"
    assert bench.ask("GQ", mode="0", format="01", **serial, **sent, **pvv).error == "00"
    assert bench.ask("CM", **serial, **sent, **{**pvv, "pvv": "7293"}).error == "01"
    ibm = {**CARD, **sent, **serial, "pvk": key(lmk_id, K1[:8], "002", "V0"), "offset": "0111FFFFFFFF"}
    assert bench.ask("CK", **ibm).error == "00"
    assert bench.ask("GO", mode="0", format="01", **ibm).error == "00"
    assert bench.ask("CK", **{**ibm, "offset": "1111FFFFFFFF"}).error == "01"


@pytest.mark.parametrize("counter", [1, 2, 8, 0x845FED])
@pytest.mark.parametrize("length", [16, 24, 32])
def test_an_aes_dukpt_pin_is_translated_and_verified_for_keys_of_every_length(counter: int, length: int) -> None:
    bench, clear = Bench(), (AES_BDK * 2)[:length]
    ksn = AES_ID + f"{counter:08X}"
    terminal = AesKey(dukpt_aes.derived(clear, bytes.fromhex(ksn), dukpt_aes.Purpose.PIN))
    block = iso4.enciphered(terminal, iso4.pin_field("123456789012", bytes), PAN).hex()
    at = {"bdk": aes(clear, "B0", "X"), "descriptor": "906", "ksn": ksn, "pin_block": block, "account": PAN + ";"}
    zone = {"destination_key": key("02", K1, "001", "72"), "source_format": "48", "destination_format": "01"}
    answer = bench.ask("G0", lmk_id="02", **at, **zone)
    assert answer.fields["pin_block"] == block_under(K1, clear_block("01", "123456789012", PAN[-13:-1]))
    pvv = {"pvk": key("02", K1, "002", "V2"), "pvki": "1", "pvv": psec.pin.generate_visa_pvv(K1, "1", "1234", PAN)}
    assert bench.ask("GQ", lmk_id="02", mode="0", format="48", **at, **pvv).error == "00"
    assert bench.ask("CM", lmk_id="02", **at, **pvv).error == "00"


def test_a_counter_no_device_sends_and_a_ksn_of_no_length_are_15() -> None:
    at = {"bdk": aes(AES_BDK, "B0"), "descriptor": "906", "pin_block": "0" * 32, "account": PAN + ";"}
    zone = {"destination_key": key("02", K1, "001", "72"), "source_format": "48", "destination_format": "01"}
    for counter in ("00000000", "FFFFFFFF"):
        assert Bench().ask("G0", lmk_id="02", **at, **zone, ksn=AES_ID + counter).error == "15"
    frame = b"0001CI" + key("00", K, "009", "B0").encode() + key("00", K1, "001", "72").encode()
    for descriptor in (b"000", b"FFF"):
        assert Bench().desk.answer(frame + descriptor + b"F" * 20 + b"0" * 16 + b"01" + b"1" * 12)[6:8] == b"15"


def test_a_descriptor_says_how_long_the_ksn_is() -> None:
    bench, short = Bench(), "9876543210E00008"
    terminal = dukpt_tdes.derived(DesKey(K), bytes.fromhex("FFFF" + short), dukpt_tdes.Purpose.PIN)
    block = terminal.encrypt(bytes.fromhex(clear_block("01", "1234"))).hex()
    at = {"bdk": key("00", K, "009", "B0"), "descriptor": "605", "ksn": short, "pin_block": block}
    answer = bench.ask("CI", **at, destination_key=key("00", K1, "001", "72"), destination_format="01", account=ACCOUNT)
    assert answer.fields["pin_block"] == block_under(K1, clear_block("01", "1234"))


@pytest.mark.parametrize(("flag", "key_type", "usage"), [("", "009", "B0"), ("~", "609", "41"), ("!", "909", "43")])
@pytest.mark.parametrize(("to", "to_type"), [("*", "009"), ("~", "609"), ("!", "909")])
def test_g0_goes_from_any_bdk_to_any_other(flag: str, key_type: str, usage: str, to: str, to_type: str) -> None:
    bench, ksn, new = Bench(), bytes.fromhex(SERIAL["ksn"]), "FFFF9876543210E0000F"
    terminal = dukpt_tdes.derived(DesKey(K), ksn, dukpt_tdes.Purpose.PIN)
    asked = {
        "bdk_flag": flag,
        "bdk": key("00", K, key_type, usage),
        "destination_flag": to,
        "destination_key": key("00", K2, to_type, ""),
        **SERIAL,
        "new_descriptor": "A05",
        "new_ksn": new,
        "pin_block": terminal.encrypt(bytes.fromhex(clear_block("01", "1234"))).hex(),
        "source_format": "01",
        "destination_format": "01",
        "account": ACCOUNT,
    }
    answer = bench.ask("G0", **asked)
    into = dukpt_tdes.derived(DesKey(K2), bytes.fromhex(new), dukpt_tdes.Purpose.PIN)
    assert into.decrypt(bytes.fromhex(answer.fields["pin_block"])).hex() == clear_block("01", "1234")
    assert bench.ask("G0", **{**asked, "bdk": key("00", K, "001", "")}).error == "10"
    assert bench.ask("G0", **{**asked, "destination_key": key("00", K, "001", "")}).error == "11"


def test_the_account_never_changes_in_a_translation() -> None:
    bench = Bench()
    assert bench.ask_good("G0", second_account=";" + ACCOUNT).error == "00"
    assert bench.ask_good("G0", second_account=";4111111111111111;", account="411111111111").error == "23"
    assert bench.ask_good("G0", second_account=";222222222222").error == "23"
    assert bench.ask_good("G0", account="222222222222").error == "20"


@pytest.mark.parametrize("code", ["CI", "G0", "CM", "GQ", "CK", "GO"])
def test_a_bdk_of_single_length_is_27(code: str) -> None:
    assert Bench().ask_good(code, bdk="Z" + key("00", K1[:8], "009", "B0")).error == "27"
    assert Bench().ask("CI", **{**SERIAL, "bdk": key("01", K1[:8], "009", "B0"), "pin_block": "0" * 16,
        "destination_key": key("01", K1, "001", "72"), "destination_format": "01", "account": ACCOUNT},
        lmk_id="01").error == "27"  # fmt: skip


@pytest.mark.parametrize("code", ["GQ", "GO"])
@pytest.mark.parametrize(("mac_mode", "digits"), [("0", 8), ("1", 16)])
def test_a_mac_of_the_same_transaction_is_verified_with_the_pin(code: str, mac_mode: str, digits: int) -> None:
    bench = Bench()
    with_mac = {"mode": "1", "mac_mode": mac_mode, "mac_method": "1", "message": "4012345678909D987"}
    # The published transaction: BDK K, counter 1, MAC request.
    bdk = key("00", K, "009", "B0")
    terminal = dukpt_tdes.derived(DesKey(K), bytes.fromhex(SERIAL["ksn"]), dukpt_tdes.Purpose.PIN)
    sent = {"bdk": bdk, "pin_block": terminal.encrypt(bytes.fromhex(clear_block("01", "1234"))).hex()}
    mac = "9CCC78173FC4FB64"[:digits]
    assert bench.ask_good(code, **sent, **with_mac, mac=mac).error == "00"
    assert bench.ask_good(code, **sent, **with_mac, mac="8" + mac[1:]).error == "01"


# Decimalisation tables


@pytest.mark.parametrize("lmk_id", LMKS)
def test_an_encrypted_table_does_what_the_clear_one_does(lmk_id: str) -> None:
    ring = STORE.ring(lmk_id)
    assert ring is not None
    table = decimalisation.encrypted(ring.lmk, "9876543210123456")
    assert table.startswith("L") == (lmk_id == "02")
    card = {**CARD, "pvk": key(lmk_id, K1[:8], "002", "V1"), "lmk_id": lmk_id}
    pin = Bench().ask("BA", pin="1234", account=ACCOUNT, lmk_id=lmk_id).fields
    clear = Bench().ask("DE", **{**card, **pin, "decimalisation_table": "9876543210123456"})
    assert Bench().ask("DE", **{**card, **pin, "decimalisation_table": table}).fields == clear.fields != {}
    wrong = {"00": "L" + "0" * 32, "01": "L" + "0" * 32, "02": "F" * 16}[lmk_id]
    assert Bench().ask("DE", **{**card, **pin, "decimalisation_table": wrong}).error == "25"


def test_under_the_3des_block_lmk_a_table_is_encrypted_as_devices_do_it() -> None:
    lmk = bytes(byte ^ 0x54 for byte in bytes.fromhex("0123456789ABCDEF8080808080808080FEDCBA9876543210"))
    ring = STORE.ring("01")
    assert ring is not None
    expected = DesKey(lmk).encrypt(bytes.fromhex("0123456789012345")).hex().upper()
    assert decimalisation.encrypted(ring.lmk, "0123456789012345") == expected


def test_what_holds_no_digits_a_weak_table_and_a_clear_one_where_none_may_be() -> None:
    assert Bench().ask_good("EA", decimalisation_table="0123456789ABCDEF").error == "25"
    weak = {"decimalisation_table": "0123456012345601"}
    assert Bench().ask_good("EE", **weak).error == "00"
    assert Bench(strong_decimalisation_tables=True).ask_good("EE", **weak).error == "25"
    assert Bench(strong_decimalisation_tables=True).ask_good("EE").error == "00"
    assert Bench(clear_decimalisation_tables=False).ask_good("EE").error == "25"


# The old LMK, dynamic values, the tool


@pytest.mark.parametrize("lmk_id", LMKS)
def test_pins_and_tables_move_from_the_old_lmk_to_the_present_one(lmk_id: str) -> None:
    ring, bench = STORE.ring(lmk_id), Bench()
    assert ring is not None
    assert ring.old is not None
    old = under_lmk(ring.old.lmk, ACCOUNT, "987654321")
    moved = bench.ask("BG", account=ACCOUNT, pin_under_lmk=old, lmk_id=lmk_id).fields
    assert bench.ask("NG", account=ACCOUNT, lmk_id=lmk_id, **moved).fields == {"pin": "987654321F"}
    table = decimalisation.encrypted(ring.old.lmk, "9876543210123456")
    again = bench.ask("LO", decimalisation_table=table, lmk_id=lmk_id).fields["decimalisation_table"]
    assert decimalisation.decrypted(ring.lmk, again) == "9876543210123456"


@pytest.mark.parametrize("code", ["BG", "LO"])
def test_without_an_old_lmk_nothing_moves(code: str) -> None:
    lmk = {"id": "00", "set": "test-variant", "check_value": "0" * 16}
    assert Bench(lmk=(lmk,)).ask_good(code).error == "12"


def test_a_chips_value_verifies_and_one_digit_off_is_01() -> None:
    bench = Bench()
    assert bench.ask_good("PM").error == "00"
    assert bench.ask_good("PM", value="29489").error == "01"
    assert bench.ask_good("PM", atc="00095").error == "01"
    assert bench.ask_good("PM", atc="65536").error == "15"
    card = card_key(DesKey(bytes.fromhex("01234567899876543210012345678998")), pan_block("5123456789012345", "00"))
    visa = {"scheme": "0", "track_data": "2512201", "value": "00" + dcvv(card, "5123456789012345", "2512", "201", 94)}
    assert bench.ask_good("PM", **visa).error == "00"
    assert bench.ask_good("PM", **{**visa, "track_data": "2512202"}).error == "01"
    assert bench.ask_good("PM", **{**visa, "track_data": "251220"}).error == "15"


def test_the_command_line_prints_an_encrypted_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert encrypt_table.main(["0123456789012345", "--lmk", "00"]) == 0
    printed = capsys.readouterr().out.strip()
    assert Bench(clear_decimalisation_tables=False).ask_good("EE", decimalisation_table=printed).error == "00"
    assert encrypt_table.main(["0000000000000000"]) == 0
    assert "weak" in capsys.readouterr().err
    for wrong in (["12345"], ["0123456789012345", "--lmk", "77"], ["0123456789ABCDEF"]):
        assert encrypt_table.main(wrong) == 2
        assert capsys.readouterr().out == ""


@pytest.mark.parametrize("code", ["CA", "DC", "DA", "BC", "JC"])
def test_where_type_002_is_not_shared_a_terminals_key_is_of_70d(code: str) -> None:
    field = "source_key" if code == "CA" else "terminal_key"
    separate, shared = key("00", K1, "70D", ""), key("00", K1, "002", "")
    assert Bench().ask_good(code, **{field: separate}).error == "10"
    assert Bench(separate_type_002=True).ask_good(code, **{field: separate}).error == "00"
    assert Bench(separate_type_002=True).ask_good(code, **{field: shared}).error == "10"


@pytest.mark.parametrize("lmk_id", ["01", "02"])
def test_a_key_block_is_refused_for_what_its_header_says(lmk_id: str) -> None:
    bench = Bench()
    zone, other = key(lmk_id, K1, "", "72", "D"), key(lmk_id, K2, "", "P0", "E")
    sent = {"pin_block": block_under(K1, clear_block("01", "1234")), "account": ACCOUNT, "lmk_id": lmk_id}
    formats = {"source_format": "01", "destination_format": "01"}

    def translated(source: str, destination: str) -> str:
        return bench.ask("CC", source_key=source, destination_key=destination, **sent, **formats).error

    assert translated(zone, other) == "00"
    assert translated(key(lmk_id, K1, "", "71"), other) == "A6"
    assert translated(zone, key(lmk_id, K2, "", "V2")) == "A6"
    assert translated(other, other) == "A8"
    assert translated(zone, zone) == "A8"
    assert translated(zone[:-1] + ("0" if zone[-1] != "0" else "1"), other) == "A4"
    pvv = {"pvki": "1", "pvv": "7292", "format": "01", **sent}
    assert bench.ask("EC", zone_key=zone, pvk=key(lmk_id, K1, "", "V2", "V"), **pvv).error == "00"
    assert bench.ask("EC", zone_key=zone, pvk=key(lmk_id, K1, "", "V2", "G"), **pvv).error == "A8"
    assert bench.ask("EC", zone_key=zone, pvk=key(lmk_id, K1, "", "V1", "V"), **pvv).error == "A6"
    assert bench.ask("EC", zone_key=zone, pvk=key(lmk_id, K1[:8], "", "V2", "V"), **pvv).error in ("27", "A5")


def test_an_aes_key_where_only_des_keys_will_do_is_a7() -> None:
    sent = {"pin_block": "0" * 16, "account": ACCOUNT, "pvki": "1", "pvv": "7292", "format": "01", "lmk_id": "02"}
    assert Bench().ask("EC", zone_key=key("02", K1, "", "72"), pvk=aes(AES_ZONE, "V2"), **sent).error == "A7"


@pytest.mark.parametrize("code", ["JC", "JE", "BC", "BE", "FW", "BK", "CU", "DU", "DA", "EA", "GQ", "GO"])
def test_no_network_carries_a_pin_in_the_format_of_chips(code: str) -> None:
    clear = pin_block.build("2", "1234", ACCOUNT, bytes).hex()
    assert Bench().ask_good(code, format="34", pin_block=block_under(K1, clear)).error == "23"
    assert Bench(disabled_pin_formats=["01"]).ask_good(code).error == "69"


def test_a_table_of_another_aes_lmk_is_25_even_if_it_opens_as_digits() -> None:
    ring = STORE.ring("02")
    assert ring is not None
    strange = ring.lmk.derived(decimalisation.TABLE_PURPOSE).encrypt(bytes.fromhex("0123456789012345" + "11" * 8))
    card = {**CARD, "pvk": key("02", K1, "002", "V1"), "offset": "0000FFFFFFFF", "lmk_id": "02"}
    assert Bench().ask("EE", **{**card, "decimalisation_table": "L" + strange.hex()}).error == "25"
