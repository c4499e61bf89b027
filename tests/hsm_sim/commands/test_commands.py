"""Each command, asked and answered: the known answers, then what it refuses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsm_sim.commands import COMMANDS
from hsm_sim.key_scheme import KEY_SCHEMES, parse, unwrap, wrap
from hsm_sim.lmk import KEY_TYPES, TEST_VARIANT_PAIRS, Lmk
from hsm_sim.primitives.des import has_odd_parity
from hsm_sim.settings import Settings
from protocols.hsm import LAYOUTS
from tests.hsm_sim.known import (
    ACCOUNT,
    BLOCK_UNDER_K2,
    GOOD,
    K1,
    K1_PVK,
    K1_ZPK,
    K2,
    PVV,
    Bench,
    K,
    Z,
    a_few,
    block_under,
)

LMK = Lmk("00", TEST_VARIANT_PAIRS)


def under(key_type: str, clear: bytes = K, scheme: str = "U") -> str:
    return wrap(LMK.pair(key_type), KEY_SCHEMES[scheme], clear)


def test_every_layout_has_its_command_and_every_command_a_good_request() -> None:
    assert set(COMMANDS) == set(LAYOUTS) == set(GOOD)
    for code in COMMANDS:
        expected = {"M8": "01", "FY": "A1"}.get(code, "00")
        assert Bench().ask_good(code).error == expected, code  # of its own: BS takes from BW what BW needs


# The known answers of row 17


def test_cc_translates_as_computed_elsewhere(bench: Bench) -> None:
    answer = bench.ask_good("CC")
    assert (answer.error, answer.fields) == ("00", {"pin_length": "04", "pin_block": BLOCK_UNDER_K2, "format": "01"})


def test_ca_differs_from_cc_in_the_type_of_its_source_key(bench: Bench) -> None:
    assert bench.ask_good("CA").fields["pin_block"] == BLOCK_UNDER_K2


def test_cw_makes_the_cvv_computed_elsewhere(bench: Bench) -> None:
    assert bench.ask_good("CW").fields == {"cvv": "366"}


@pytest.mark.parametrize("code", ["DC", "EC"])
def test_the_pvv_computed_elsewhere_verifies_and_no_other(bench: Bench, code: str) -> None:
    assert bench.ask_good(code, pvv=PVV).error == "00"
    for other in ("7293", "0000", "8292"):
        assert bench.ask_good(code, pvv=other).error == "01"


def test_cvvs_under_the_published_key(bench: Bench) -> None:
    card = {"cvk": under("402"), "pan": "4123456789012345", "expiry": "8701", "service_code": "101"}
    assert bench.ask("CW", **card).fields == {"cvv": "561"}
    assert bench.ask("CY", **card, cvv="561").error == "00"
    assert bench.ask("CY", **card, cvv="562").error == "01"


# PINs


@a_few
@given(st.text("0123456789", min_size=4, max_size=12), st.text("0123456789", min_size=12, max_size=12))
def test_a_pin_made_here_verifies_here(pin: str, account: str) -> None:
    bench = Bench()
    pin_under_lmk = bench.ask("BA", pin=pin, account=account).fields["pin_under_lmk"]
    assert len(pin_under_lmk) == len(pin) + 1
    card = {"pvk": K1_PVK, "account": account, "pvki": "1"}
    pvv = bench.ask("DG", pin_under_lmk=pin_under_lmk, **card).fields["pvv"]
    clear = f"{int(f'0{len(pin):X}{pin}'.ljust(16, 'F'), 16) ^ int(account, 16):016X}"
    block = {"zone_key": K1_ZPK, "pin_block": block_under(K1, clear), "format": "01"}
    assert bench.ask("EC", **block, **card, pvv=pvv).error == "00"


@a_few
@given(st.text("0123456789", min_size=4, max_size=12))
def test_a_pin_survives_a_chain_of_translations(pin: str) -> None:
    bench = Bench(randomness=lambda count: b"\x5a" * count)
    clear = f"1{len(pin):X}{pin}".ljust(16, "7")
    block = block_under(K1, clear)
    for source, to in (("05", "05"), ("05", "01"), ("01", "47"), ("47", "01")):
        answer = bench.ask_good(
            "CC", destination_key=K1_ZPK, pin_block=block, source_format=source, destination_format=to
        )
        assert (answer.error, answer.fields["pin_length"]) == ("00", f"{len(pin):02d}")
        block = answer.fields["pin_block"]
    assert block == block_under(K1, f"{int(f'0{len(pin):X}{pin}'.ljust(16, 'F'), 16) ^ int(ACCOUNT, 16):016X}")


@pytest.mark.parametrize(
    ("clear", "error"),
    [
        ("0312345EEEEEEEEE", "24"),  # three digits
        ("0D12345EEEEEEEEE", "24"),  # thirteen
        ("1412345EEEEEEEEE", "20"),  # another format's control digit
        ("0412A5EEEEEEEEEE", "20"),  # a PIN with a letter
        ("041225EEEEEEEEE1", "20"),  # not filled with F
    ],
)
def test_a_block_without_a_pin_is_20_and_a_pin_of_the_wrong_length_24(bench: Bench, clear: str, error: str) -> None:
    for code in ("CC", "CA", "DC", "EC"):
        assert bench.ask_good(code, pin_block=block_under(K1, clear)).error == error


@pytest.mark.parametrize("code", ["CC", "CA", "DC", "EC"])
def test_a_block_under_the_wrong_account_is_20(bench: Bench, code: str) -> None:
    assert bench.ask_good(code, account="222222222222").error == "20"


@pytest.mark.parametrize("code", ["DC", "EC"])
def test_verification_takes_no_format_that_the_network_does_not_carry(bench: Bench, code: str) -> None:
    for pin_format, error in (("34", "23"), ("48", "23"), ("99", "23"), ("41", "23")):
        assert bench.ask_good(code, format=pin_format).error == error


def test_a_pin_longer_than_the_maximum_asked_for_is_24(bench: Bench) -> None:
    six = block_under(K1, f"{int('06123456FFFFFFFF', 16) ^ int(ACCOUNT, 16):016X}")
    assert bench.ask_good("CC", pin_block=six, maximum_pin_length="06").error == "00"
    assert bench.ask_good("CC", pin_block=six, maximum_pin_length="05").error == "24"
    assert bench.ask_good("CC", maximum_pin_length="13").error == "15"


def test_the_long_block_of_format_4_is_no_block_of_another(bench: Bench) -> None:
    assert bench.ask_good("CC", pin_block="0" * 32).error == "15"
    assert bench.ask_good("CC", pin_block="0" * 32, source_format="48").error == "23"


@pytest.mark.parametrize("pin", ["123", "1234567890123"])
def test_ba_refuses_a_pin_of_the_wrong_length(bench: Bench, pin: str) -> None:
    assert bench.ask("BA", pin=pin, account=ACCOUNT).error == "24"


def test_dg_refuses_what_is_no_pin_under_this_lmk(bench: Bench) -> None:
    errors = [bench.ask_good("DG", pin_under_lmk=f"{value:05d}").error for value in range(50)]
    assert set(errors) == {"14", "00"}  # one digit in ten is redundancy
    assert errors.count("14") > 35


def test_a_clear_pin_is_taken_in_the_authorised_state_only() -> None:
    lmk = {"id": "00", "set": "test-variant", "check_value": "0" * 16, "authorised": False}
    bench = Bench(lmk=(lmk,))
    assert bench.ask_good("BA").error == "17"
    assert bench.ask_good("DG").error == "00"


# Keys


@pytest.mark.parametrize("scheme", sorted(KEY_SCHEMES))
@pytest.mark.parametrize("key_type", ["000", "001", "402", "109"])
def test_a_generated_key_can_be_checked(key_type: str, scheme: str) -> None:
    bench = Bench(randomness=lambda count: bytes(range(7, 7 + count)))
    made = bench.ask("A0", mode="0", key_type=key_type, scheme=scheme).fields
    clear = unwrap(LMK.pair(key_type), *parse(made["key"]))
    assert has_odd_parity(clear)
    flag = {8: "0", 16: "1", 24: "2"}[len(clear)]
    asked = {"pair_code": "FF", "key_length": flag, "key": made["key"], "key_type": key_type, "check_value_type": "1"}
    assert bench.ask("BU", **asked).fields == {"check_value": made["check_value"]}


def test_a0_gives_out_the_keys_computed_elsewhere() -> None:
    bench = Bench(randomness=lambda count: K1[:count])
    for scheme, exported in (("U", "U0CE5D01EAA34FDFDA4D59A7D9BFF07F9"), ("X", "X54D38C5007BB8578E8AE7AD2C5DCF8EB")):
        assert bench.ask_good("A0", export_scheme=scheme).fields == {
            "key": K1_ZPK,
            "exported_key": exported,
            "check_value": "653FB8",
        }


def test_a0_exports_under_a_tmk_as_well() -> None:
    bench = Bench(randomness=lambda count: K1[:count])
    answer = bench.ask_good("A0", export_flag="1", zmk=under("002", Z))
    assert answer.fields["exported_key"] == "U0CE5D01EAA34FDFDA4D59A7D9BFF07F9"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"key_type": "FFF"}, "A1"),
        ({"key_type": "999"}, "04"),
        ({"scheme": "S"}, "A1"),
        ({"scheme": "Q"}, "26"),
        ({"export_scheme": "T"}, "26"),
    ],
)
def test_a0_refuses(changes: dict[str, str], error: str) -> None:
    assert Bench(randomness=lambda count: K2[:count]).ask_good("A0", **changes).error == error


def test_a_zmk_is_exported_in_the_authorised_state_only() -> None:
    lmk = {"id": "00", "set": "test-variant", "check_value": "0" * 16}
    locked = Bench(randomness=lambda count: K2[:count], lmk=(lmk,))
    assert locked.ask_good("A0", key_type="000").error == "17"
    assert locked.ask_good("A0", key_type="001").error == "00"


def test_no_two_parts_of_a_fresh_key_are_equal() -> None:
    draws = iter([b"\x01" * 16, K2])
    bench = Bench(randomness=lambda count: next(draws))
    assert bench.ask("A0", mode="0", key_type="001", scheme="U").fields["check_value"] == "B71A17"


def test_bu_tells_sixteen_digits_or_six(bench: Bench) -> None:
    key = {"pair_code": "FF", "key_length": "1", "key": under("001"), "key_type": "001"}
    assert bench.ask("BU", **key).fields == {"check_value": "08D7B4FB629D0885"}
    assert bench.ask("BU", **key, check_value_type="0").fields == {"check_value": "08D7B4FB629D0885"}
    assert bench.ask("BU", **key, check_value_type="1").fields == {"check_value": "08D7B4"}


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"key_length": "0"}, "05"),
        ({"key_length": "F"}, "A1"),
        ({"key_type": "777"}, "04"),
        ({"pair_code": "0F"}, "04"),
    ],
)
def test_bu_refuses(bench: Bench, changes: dict[str, str], error: str) -> None:
    asked = {**GOOD["BU"], **changes}
    if asked["pair_code"] != "FF":
        del asked["key_type"]
    assert bench.ask("BU", **asked).error == error


# MACs


def _mac(bench: Bench, message: str, **changes: str) -> str:
    return bench.ask("M6", **{**GOOD["M6"], "key": under("003"), "message": message, **changes}).fields["mac"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"algorithm": "3", "padding": "1"}, "ABF9AFD03C6F5F70"),
        ({"algorithm": "3", "padding": "2"}, "94A00FFEFE29FE69"),
        ({"algorithm": "1", "padding": "2"}, "09D0D7B78B4447DC"),
        ({"algorithm": "3", "padding": "1", "mac_size": "0"}, "ABF9AFD0"),
    ],
)
def test_m6_makes_the_published_macs_and_m8_verifies_them(bench: Bench, changes: dict[str, str], expected: str) -> None:
    assert _mac(bench, "Hello, world!", **changes) == expected
    asked = {**GOOD["M8"], "key": under("003"), **changes}
    assert bench.ask("M8", **{**asked, "mac": expected}).error == "00"
    assert bench.ask("M8", **{**asked, "mac": "F" * len(expected)}).error == "01"


def test_a_message_may_come_as_hex_under_a_zak_or_a_single_key(bench: Bench) -> None:
    text = b"Now is the time for all ".hex()
    assert _mac(bench, text, input_format="1", key_type="008", key=under("008")) == "A1C72E74EA3FA9B6"
    single = under("003", K[:8], "Z")
    assert _mac(bench, text, input_format="1", algorithm="1", key=single, padding="0") == "70A30640CC76DD8B"


@a_few
@given(st.binary(min_size=1, max_size=120), st.integers(0, 14), st.sampled_from("13"), st.sampled_from("12"))
def test_a_mac_in_parts_is_the_mac_of_the_whole(message: bytes, cut: int, algorithm: str, padding: str) -> None:
    bench = Bench()
    text = message.decode("latin-1")
    how = {**GOOD["M6"], "input_format": "0", "key": under("003"), "algorithm": algorithm, "padding": padding}
    whole = bench.ask("M6", **{**how, "message": text}).fields["mac"]
    parts = [part for part in (text[: 8 * cut], text[8 * cut :]) if part]
    if len(parts) == 1 or len(parts[0]) % 8:
        return
    first = bench.ask("M6", **{**how, "mode": "1", "message": parts[0]})
    last = bench.ask("M6", **{**how, "mode": "3", "iv": first.fields["iv"], "message": parts[1]})
    assert (first.error, last.fields["mac"]) == ("00", whole)
    # And verified in parts: the chain value is the same, and so is the end.
    check = {**how, "message": parts[1], "mode": "3", "iv": first.fields["iv"], "mac": whole}
    assert bench.ask("M8", **{**how, "mode": "1", "message": parts[0]}).fields == first.fields
    assert bench.ask("M8", **check).error == "00"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"key_type": "FFF"}, "A1"),
        ({"mode": "1", "message": "seven b"}, "06"),
        ({"padding": "0", "message": "seven b"}, "06"),
        ({"padding": "0", "message": ""}, "06"),
        ({"input_format": "1", "message": "ABC"}, "15"),
        ({"input_format": "1", "message": "0 "}, "15"),
        ({"key": under("003", K[:8], "Z")}, "27"),
    ],
)
def test_m6_refuses(bench: Bench, changes: dict[str, str], error: str) -> None:
    assert bench.ask_good("M6", **changes).error == error


# Every command


@a_few
@given(st.sampled_from(sorted(KEY_TYPES)))
def test_a_key_type_a_mac_does_not_take_is_05(key_type: str) -> None:
    if key_type in ("003", "008"):
        return
    frame = b"0001M602131" + key_type.encode()
    bench = Bench()
    assert bench.desk.answer(frame)[6:8] == b"05"


@pytest.mark.parametrize("code", sorted(code for code, command in COMMANDS.items() if command.needs_authorised))
def test_what_needs_the_authorised_state_is_17_without_it_whatever_its_fields(code: str) -> None:
    meek = Bench(lmk=[Settings().lmk[0].model_copy(update={"authorised": False})])
    assert meek.ask_good(code).error == "17"
    assert Bench().ask_good(code).error == "00"
