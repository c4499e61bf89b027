"""Chips and PIN pads against the HSM: what one side computes the other verifies, neither knowing the other's code."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acquirers.pin_pad import PinError
from acquirers.terminals import chip_keys, dukpt
from acquirers.terminals.card import SIGNED, Card
from acquirers.terminals.pads import AesDukptPad, KeyedPad, TdesDukptPad, from_under
from acquirers.terminals.service import pad_of
from acquirers.terminals.settings import ChipFile, load_equipment
from acquirers.terminals.store import Counters
from hsm_sim.desk import Desk
from hsm_sim.primitives import dukpt_aes, dukpt_tdes, emv
from hsm_sim.primitives.des import DesKey
from hsm_sim.settings import Settings
from protocols import tlv
from protocols.hsm import HsmAnswer, pack_request, read_answer
from protocols.pan import Pan

K1 = "A4702516B3808068AD2943B50BD60107"
MK_AC, CVK, TPK, ZPK = (
    "U22260952FF1720FA74FD6EBE96A86038",
    "U21A646BD114E23B25B09D2BA887B822C",
    "U6BC12F1E18A69972B123ED97057D78AC",
    "UF820C9180B6F6C75F72BD2E8737229F1",
)
PAN = Pan("9784300000000015")
TOLD = {
    "9F02": "000000002500",
    "9F03": "000000000000",
    "9F1A": "0784",
    "95": "8000048000",
    "5F2A": "0784",
    "9A": "261124",
    "9C": "00",
    "9F37": "01020304",
}
HSM = Desk(Settings(), secrets.token_bytes)


def ask(command: str, lmk: str | None = None, **fields: str | bytes) -> HsmAnswer:
    return read_answer(command, HSM.answer(pack_request(command, b"0001", fields, lmk_id=lmk)), 4, fields)


def card(scheme: str, start: int = 1) -> Card:
    counts = iter(range(start, 70_000))
    return Card(PAN, "2912", ChipFile(prefix="9784", mk_ac=K1, cvk=K1, scheme=scheme), lambda: next(counts))  # type: ignore[arg-type]


@pytest.mark.parametrize(("scheme", "code", "results"), [("vis", "0", slice(3, 7)), ("mchip", "1", slice(2, 8))])
def test_the_hsm_verifies_what_a_chip_signs_and_the_chip_believes_its_answer(
    scheme: str, code: str, results: slice
) -> None:
    chip = card(scheme)
    said = {**TOLD, **chip.sign(TOLD)}
    signed = bytes.fromhex("".join(said[tag] for tag in SIGNED)) + bytes.fromhex(said["9F10"])[results]
    fields = {
        "mode": "1",
        "scheme": code,
        "mk_ac": MK_AC,
        "pan_block": bytes.fromhex((PAN.clear() + "01")[-16:]),
        "atc": bytes.fromhex(said["9F36"]),
        "unpredictable_number": bytes.fromhex(said["9F37"]),
        "arqc": bytes.fromhex(said["9F26"]),
        "arc": b"00",
    }
    answer = ask("KQ", **fields, data=signed)
    assert answer.done
    arpc = answer.fields["arpc"].encode("latin-1")
    assert chip.believes(tlv.pack([tlv.Tlv("91", arpc + b"00")]).hex()) is True
    assert chip.believes(tlv.pack([tlv.Tlv("91", arpc + b"05")]).hex()) is False
    assert chip.believes(None) is None
    assert chip.believes("zz") is None
    assert ask("KQ", **fields, data=signed[:-1] + b"\x55").error == "01"


def test_the_codes_of_stripe_and_chip_are_right_and_differ() -> None:
    stripe, chip = card("vis").stripe(), card("vis").chip_track()
    for track, service_code in ((stripe, "201"), (chip, "999")):
        fields = {"cvk": CVK, "cvv": track[-3:], "pan": PAN.clear(), "expiry": "2912", "service_code": service_code}
        assert ask("CY", **fields).done
    assert stripe[-3:] != chip[-3:]


@settings(max_examples=40)
@given(st.integers(0, (1 << 21) - 1), st.binary(min_size=16, max_size=16))
def test_tdes_keys_are_those_of_the_hsm(counter: int, initial: bytes) -> None:
    serial = dukpt.tdes_serial("FFFF9876543210E00000", counter)
    theirs = dukpt_tdes.key_for(dukpt_tdes.Purpose.PIN, dukpt_tdes.transaction_key(initial, serial))
    assert dukpt.tdes_pin_key(initial, serial) == theirs.clear


@settings(max_examples=40)
@given(st.integers(1, (1 << 32) - 1).filter(lambda one: one.bit_count() <= 16), st.sampled_from((16, 32)))
def test_aes_keys_are_those_of_the_hsm(counter: int, length: int) -> None:
    serial, initial = dukpt.aes_serial("1234567890123456", counter), bytes(range(length))
    transaction = dukpt_aes.transaction_key(initial, serial)
    assert dukpt.aes_pin_key(initial, serial) == dukpt_aes.key_for(dukpt_aes.Purpose.PIN, transaction, serial)


@given(st.integers(0, (1 << 21) - 2))
def test_no_counter_comes_twice_or_has_too_many_bits(counter: int) -> None:
    try:
        found = dukpt.next_counter(counter, dukpt.TDES_SET_BITS_MAX, dukpt.TDES_COUNTER_BITS)
    except ValueError:
        assert counter >= 0b111111111100000000000  # nothing of at most ten bits is above it
        return
    assert found > counter
    assert found.bit_count() <= 10


@settings(max_examples=40)
@given(st.binary(min_size=16, max_size=16), st.binary(max_size=40).map(lambda data: data + bytes(-len(data) % 8)))
def test_macs_and_card_keys_are_those_of_the_hsm(key: bytes, data: bytes) -> None:
    if data:
        assert chip_keys.mac(key, data) == emv.cryptogram(DesKey(key), data, 1)
    theirs = emv.card_key(DesKey(key), emv.pan_block(PAN.clear(), "01"))
    assert chip_keys.card_key(key, PAN.clear(), "01") == theirs.clear


@pytest.mark.parametrize("terminal", ["GULF0001", "GULF0002", "GULF0003"])
@pytest.mark.parametrize("pin", ["1234", "123456789012"])
def test_a_pin_typed_at_any_pad_comes_out_under_the_zones_key(terminal: str, pin: str) -> None:
    file, counters = load_equipment().terminals[terminal], Counters(None)
    try:
        pad = pad_of(file, counters, secrets.token_bytes)
        assert pad is not None
        entered = [pad.enter(pin, PAN) for _ in range(2)]
    finally:
        counters.close()
    assert (entered[0].serial == "") == (entered[0].serial == entered[1].serial)  # a key for every PIN, or one
    expected = KeyedPad(bytes.fromhex(K1)).enter(pin, PAN).block
    for one in entered:
        common = {"destination_key": file.zpk or ZPK, "source_format": one.format, "destination_format": "01"}
        by = {"bdk": file.bdk or "", "descriptor": one.descriptor, "ksn": one.serial}
        account = PAN.account12 if one.format == "01" else PAN.clear() + ";"
        if one.serial:
            answer = ask("G0", file.lmk, **common, **by, pin_block=one.block, account=account)
        else:
            answer = ask("CA", source_key=TPK, maximum_pin_length="12", **common, pin_block=one.block, account=account)
        assert answer.fields.get("pin_block") == expected, answer.error


@pytest.mark.parametrize("pin", ["", "123", "1234567890123", "12a4"])
def test_what_is_no_pin_is_refused_by_every_pad_and_never_repeated(pin: str) -> None:
    counters = Counters(None)
    try:
        key = bytes.fromhex(K1)
        pads = (
            KeyedPad(key),
            TdesDukptPad(key, "FFFF9876543210E00000", counters.of_pad("one")),
            AesDukptPad(key, "1234567890123456", counters.of_pad("two"), secrets.token_bytes),
        )
        for pad in pads:
            with pytest.raises(PinError) as caught:
                pad.enter(pin, PAN)
            assert not pin or pin not in str(caught.value)
    finally:
        counters.close()


def test_a_terminal_key_is_downloaded_under_the_master_key() -> None:
    file = load_equipment().terminals["GULF0001"]
    made = ask("HC", tmk=file.tmk or "", export_scheme="U", scheme="U", check_value_type="1").fields
    pad = KeyedPad(bytes.fromhex(K1), bytes.fromhex(file.test_tmk or ""))
    before = pad.enter("1234", PAN).block
    pad.take_key(made["exported_key"])
    block = pad.enter("1234", PAN).block
    assert block != before
    fields = {"source_format": "01", "destination_format": "01", "account": PAN.account12, "maximum_pin_length": "12"}
    answer = ask("CA", source_key=made["key"], destination_key=ZPK, pin_block=block, **fields)
    assert answer.fields.get("pin_block") == before, answer.error
    with pytest.raises(ValueError, match="32 hex digits"):
        from_under(bytes(16), "X00")


def test_counters_outlive_a_restart_and_know_no_card_number(tmp_path: Path) -> None:
    path = tmp_path / "terminals.db"
    for expected in (1, 2):
        counters = Counters(path)
        try:
            assert counters.of_card(PAN)() == expected
            assert counters.of_card(Pan("9784300000000023"))() == expected
            assert counters.of_pad("GULF0002")(10, 21) == expected
        finally:
            counters.close()
    assert all(PAN.clear().encode() not in file.read_bytes() for file in tmp_path.iterdir())


def test_a_worn_out_chip_signs_no_more() -> None:
    with pytest.raises(ValueError, match="used up"):
        dukpt.next_counter(65_535, 16, 16)


def test_nothing_of_a_card_is_shown() -> None:
    shown = repr(card("vis")) + repr(load_equipment()) + repr(KeyedPad(bytes(16)).enter("1234", PAN))
    assert PAN.clear() not in shown
    assert K1 not in shown
