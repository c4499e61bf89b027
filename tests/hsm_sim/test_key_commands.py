"""Key management as a conversation: made, checked, handed out and taken back under every LMK, and what is refused."""

import warnings

import pytest

from hsm_sim import key_block
from hsm_sim.key_block import Attributes
from hsm_sim.key_scheme import KEY_SCHEMES, parse, unwrap, wrap
from hsm_sim.keys import KeyStore, check_value
from hsm_sim.primitives.aes import AesKey
from hsm_sim.primitives.des import DesKey, has_odd_parity, xor
from hsm_sim.settings import TEST_LMKS, Settings
from protocols.hsm import HsmAnswer
from tests.hsm_sim.known import K1, K2, Z_ZMK, Bench, Z
from tests.hsm_sim.known_keys import K1_UNDER_Z, under_lmk_00

with warnings.catch_warnings():  # psec feeds 16-byte keys to TripleDES
    warnings.simplefilter("ignore")
    from psec import tr31

STORE = KeyStore(Settings())
AES_ZMK = bytes(range(32))
HEADER = {"key_usage": "72", "key_mode": "N", "key_version": "00", "key_exportability": "E"}


def _block(lmk_id: str, clear: bytes, usage: str, algorithm: str = "T", **said: str) -> str:
    attributes = Attributes(usage, algorithm, **{"exportability": "E", **said})
    return key_block.wrap(STORE.ring(lmk_id).lmk.key, attributes, clear, bytes, lmk_id)


class Case:
    """One LMK and what a request under it looks like."""

    def __init__(self, lmk_id: str, algorithm: str = "T2") -> None:
        self.lmk_id = lmk_id
        self.variant = lmk_id == "00"
        self.zmk_clear = AES_ZMK if algorithm[0] == "A" else Z
        self.zmk = Z_ZMK if self.variant else _block(lmk_id, self.zmk_clear, "K1", "A" if algorithm[0] == "A" else "T")
        self.typed = {"key_type": "001"} if self.variant else {"key_type": "FFF"}
        self.made = {"scheme": "U"} if self.variant else {"scheme": "S", **HEADER, "key_algorithm": algorithm}

    def ask(self, bench: Bench, command: str, **fields: str) -> HsmAnswer:
        return bench.ask(command, lmk_id=self.lmk_id, **fields)

    def check_value(self, bench: Bench, key: str) -> str:
        how = {"key_length": "1", "key_type": "001"} if self.variant else {"key_length": "F"}
        answer = self.ask(bench, "BU", pair_code="FF", key=key, check_value_type="1", **how)
        assert answer.error == "00"
        return answer.fields["check_value"]


CASES = [
    pytest.param(Case("00"), id="variant"),
    pytest.param(Case("01"), id="3des-block"),
    pytest.param(Case("02"), id="aes-block"),
    pytest.param(Case("01", "T3"), id="3des-block-triple"),
    pytest.param(Case("02", "A3"), id="aes-block-aes-key"),
]
SCHEMES = {"T2": "UXSR", "T3": "TYSR", "A3": "SR"}


@pytest.mark.parametrize("case", CASES)
def test_a_key_is_made_checked_handed_out_and_taken_back(case: Case) -> None:
    bench = Bench(randomness=_stream())
    made = case.ask(bench, "A0", mode="0", **case.typed, **case.made)
    assert made.error == "00"
    key, told = made.fields["key"], made.fields["check_value"]
    assert case.check_value(bench, key) == told
    for scheme in SCHEMES[case.made.get("key_algorithm", "T2")]:
        out = case.ask(bench, "A8", **case.typed, zmk=case.zmk, key=key, scheme=scheme)
        assert (out.error, out.fields["check_value"]) == ("00", told), scheme
        given = out.fields["exported_key"]
        header = HEADER if scheme in "UXTY" and not case.variant else {}
        back = case.ask(bench, "A6", **case.typed, zmk=case.zmk, key=given, scheme=case.made["scheme"], **header)
        assert (back.error, back.fields["check_value"]) == ("00", told), scheme
        assert case.check_value(bench, back.fields["key"]) == told
        if scheme == "R":
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                said, clear = tr31.unwrap(case.zmk_clear, given[1:])
            assert said.key_usage == "P0"
            opened = AesKey(clear) if said.algorithm == "A" else DesKey(clear)
            assert check_value(opened) == told


def _stream():
    count = 0

    def random(length: int) -> bytes:
        nonlocal count
        count += 1
        return bytes((n * 37 + count * 11) % 256 for n in range(length))

    return random


@pytest.mark.parametrize("case", CASES)
def test_a_key_made_and_handed_out_at_once_is_one_key(case: Case) -> None:
    bench = Bench(randomness=_stream())
    made = case.ask(bench, "A0", mode="1", **case.typed, **case.made, zmk=case.zmk, export_scheme="R")
    assert made.error == "00"
    back = case.ask(
        bench, "A6", **case.typed, zmk=case.zmk, key=made.fields["exported_key"], scheme=case.made["scheme"]
    )
    assert back.fields["check_value"] == made.fields["check_value"]


@pytest.mark.parametrize("version", "ABC")
def test_tr31_of_every_version_goes_out_and_comes_in(bench: Bench, version: str) -> None:
    out = bench.ask_good("A8", scheme="R", tr31_version=version)
    assert out.fields["exported_key"][1] == version
    back = bench.ask_good("A6", key=out.fields["exported_key"])
    assert back.fields == {"key": under_lmk_00("001", K1), "check_value": "653FB8"}


def test_known_keys_under_a_zmk_come_in_and_go_out_as_computed_elsewhere(bench: Bench) -> None:
    for scheme, wire in (("U", K1_UNDER_Z), ("X", "X54D38C5007BB8578E8AE7AD2C5DCF8EB")):
        assert bench.ask_good("A6", key=wire).fields["key"] == "UF820C9180B6F6C75F72BD2E8737229F1"
        assert bench.ask_good("A8", scheme=scheme).fields == {"exported_key": wire, "check_value": "653FB8"}


def test_an_imported_key_of_even_parity_is_corrected_and_said_so(bench: Bench) -> None:
    odd = wrap(Z, KEY_SCHEMES["U"], xor(K1, b"\x01" + bytes(15)))
    answer = bench.ask_good("A6", key=odd)
    assert (answer.error, answer.fields["key"]) == ("01", under_lmk_00("001", K1))
    zeros = wrap(Z, KEY_SCHEMES["U"], bytes(16))
    assert bench.ask_good("A6", key=zeros).error == "11"


@pytest.mark.parametrize("lmk_id", ["01", "02"])
def test_a_key_goes_where_its_exportability_lets_it(bench: Bench, lmk_id: str) -> None:
    zmk = _block(lmk_id, Z, "52")
    for exportability, schemes in (("E", "UXSR"), ("S", "SR"), ("N", "")):
        key = _block(lmk_id, K1, "72", exportability=exportability)
        for scheme in "UXSR":
            answer = bench.ask("A8", lmk_id=lmk_id, key_type="FFF", zmk=zmk, key=key, scheme=scheme)
            assert answer.error == ("00" if scheme in schemes else "AA"), (exportability, scheme)


def test_a_header_may_only_become_narrower_on_the_way_out(bench: Bench) -> None:
    asked = {"key_type": "FFF", "zmk": _block("01", Z, "52"), "scheme": "S"}
    key = _block("01", K1, "72", mode="B", exportability="S")
    said = {"exported_mode": "D", "exported_version": "00", "exported_exportability": "N"}

    def tried(**changes: str) -> HsmAnswer:
        return bench.ask("A8", lmk_id="01", **asked, key=key, **{"exported_usage": "P0", **said, **changes})

    out = tried().fields["exported_key"]
    assert out[6:13] == "P0TD00N"
    assert out[15:17] == "FF"
    assert tried(exported_usage="D0").error == "A6"
    assert tried(exported_mode="G").error == "A8"
    assert tried(exported_exportability="E").error == "AA"


def test_a_zmk_goes_out_in_the_authorised_state_only() -> None:
    meek = [lmk.model_copy(update={"authorised": False}) for lmk in TEST_LMKS]
    for lmks, error in ((TEST_LMKS, "00"), (meek, "17")):
        bench = Bench(lmk=lmks)
        assert bench.ask_good("A8", key_type="000", key=Z_ZMK).error == error
        assert bench.ask_good("A0", key_type="000").error == error
        block = _block("01", K1, "52")
        asked = {"key_type": "FFF", "zmk": _block("01", Z, "52"), "key": block, "scheme": "S"}
        assert bench.ask("A8", lmk_id="01", **asked).error == error
        assert bench.ask_good("A8").error == "00"


def test_components_make_their_xor(bench: Bench) -> None:
    made = bench.ask_good("A4")
    clear = unwrap(STORE.ring("00").lmk.pair("001"), *parse(made.fields["key"]))
    assert has_odd_parity(clear)
    assert {left ^ right for left, right in zip(clear, xor(K1, K2), strict=True)} <= {0, 1}
    assert check_value(DesKey(clear)) == made.fields["check_value"]
    for count in "019":
        assert bench.desk.answer(b"0001A4" + count.encode() + b"001U")[6:8] in (b"03", b"15")
    same = under_lmk_00("001", K1)
    assert bench.ask_good("A4", component_1=same, component_2=same).error == "11"


@pytest.mark.parametrize("lmk_id", ["01", "02"])
def test_components_in_blocks_are_of_one_usage(bench: Bench, lmk_id: str) -> None:
    asked = {"components": "3", "key_type": "FFF", "scheme": "S", **HEADER, "key_algorithm": "T2"}
    parts = {f"component_{n}": _block(lmk_id, key, "72", version=f"c{n}") for n, key in ((1, K1), (2, K2), (3, Z))}
    made = bench.ask("A4", lmk_id=lmk_id, **asked, **parts)
    assert (made.error, len(made.fields["check_value"])) == ("00", 6)
    parts["component_3"] = _block(lmk_id, Z, "12")
    assert bench.ask("A4", lmk_id=lmk_id, **asked, **parts).error == "A6"


def test_a_new_block_says_nothing_impossible(bench: Bench) -> None:
    asked = {"mode": "0", "key_type": "FFF", "scheme": "S", **HEADER, "key_algorithm": "T2"}
    for changes, error in (
        ({}, "00"),
        ({"key_usage": "ZZ"}, "A6"),
        ({"key_algorithm": "T9"}, "A7"),
        ({"key_mode": "X"}, "A8"),
        ({"key_version": "c1"}, "A9"),
        ({"key_exportability": "Q"}, "AA"),
        ({"key_type": "001"}, "04"),
        ({"scheme": "U"}, "A1"),
        ({"scheme": "R"}, "A1"),
        ({"key_optional": "KS0A123456KS0A123456"}, "BC"),
    ):
        assert bench.ask("A0", lmk_id="01", **{**asked, **changes}).error == error, changes
    bare = {name: value for name, value in asked.items() if not name.startswith("key_") or name == "key_type"}
    assert bench.ask("A0", lmk_id="01", **bare).error == "15"


def test_optional_blocks_stay_with_their_key(bench: Bench) -> None:
    asked = {"mode": "0", "key_type": "FFF", "scheme": "S", **HEADER, "key_algorithm": "T2"}
    key = bench.ask("A0", lmk_id="02", **asked, key_optional="KS16123456789012345678").fields["key"]
    zmk = _block("02", AES_ZMK, "K1", "A")
    out = bench.ask("A8", lmk_id="02", key_type="FFF", zmk=zmk, key=key, scheme="R").fields["exported_key"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        said, _ = tr31.unwrap(AES_ZMK, out[1:])
    assert said.blocks["KS"] == "123456789012345678"


def test_the_lmk_id_may_stand_in_front_of_the_header_too(bench: Bench) -> None:
    frame = b"0001A00FFFS%01#72T2N00E00"
    assert bench.desk.answer(frame)[4:12] == b"A100S000"
    assert bench.desk.answer(b"0001A00FFFS#72T2N00E00%01")[4:12] == b"A100S000"
    assert bench.desk.answer(b"0001A00FFFS%07#72T2N00E00")[6:8] == b"13"


# Initial DUKPT keys (row 13 and 14 of the known answers).
K = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")
AES_BDK = bytes.fromhex("FEDCBA9876543210F1F1F1F1F1F1F1F1")


@pytest.mark.parametrize("ksn", ["FFFF9876543210E00001", "FFFF9876543210E", "FFFF9876543210E0"])
def test_an_initial_key_is_derived_as_in_x9_24(bench: Bench, ksn: str) -> None:
    asked = {"mode": "A", "derivation": "0", "bdk_type": "1", "ksn": ksn}
    answer = bench.ask("A0", key_type="302", scheme="U", bdk=under_lmk_00("009", K), **asked)
    ipek = bytes.fromhex("6AC292FAA1315B4D858AB3A3D7D5933A")
    assert answer.fields["check_value"] == check_value(DesKey(ipek))
    assert bench.ask("A0", key_type="001", scheme="U", bdk=under_lmk_00("009", K), **asked).error == "28"


def test_an_initial_aes_key_is_derived_as_in_x9_24(bench: Bench) -> None:
    header = {**HEADER, "key_usage": "B1", "key_mode": "X", "key_algorithm": "A1"}
    asked = {"mode": "B", "key_type": "FFF", "scheme": "S", "derivation": "0", "bdk_type": "1"}
    bdk, zmk = _block("02", AES_BDK, "B0", "A", mode="X"), _block("02", AES_ZMK, "K1", "A")
    out = {"export_flag": "0", "zmk": zmk, "export_scheme": "R"}
    answer = bench.ask("A0", lmk_id="02", **asked, bdk=bdk, ksn="1234567890123456", **out, **header)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _, clear = tr31.unwrap(AES_ZMK, answer.fields["exported_key"][1:])
    assert clear.hex().upper() == "1273671EA26AC29AFA4D1084127652A1"


# The older commands.

ROUND_TRIPS = [("FA", "GC", "001"), ("FC", "FE", "002"), ("MI", "MG", "003"), ("AW", "AU", "402"), ("DW", "DY", "009")]


@pytest.mark.parametrize(("into", "out", "key_type"), ROUND_TRIPS)
def test_an_older_import_and_its_export_are_each_others_reverse(
    bench: Bench, into: str, out: str, key_type: str
) -> None:
    came = bench.ask(into, zmk=Z_ZMK, key=K1_UNDER_Z, export_scheme="U", scheme="U", check_value_type="1")
    assert came.fields == {"key": under_lmk_00(key_type, K1), "check_value": "653FB8"}
    went = bench.ask(out, zmk=Z_ZMK, key=came.fields["key"])
    assert went.fields["exported_key"] == K1_UNDER_Z
    assert went.fields["check_value"].startswith("653FB8")
    bare = wrap(Z, KEY_SCHEMES["X"], K1)[1:]
    as_bare = bench.ask(into, zmk=Z_ZMK, key=bare).fields["key"]
    assert as_bare == under_lmk_00(key_type, K1, "X")[1:]
    assert bench.ask(out, zmk=Z_ZMK, key=as_bare).fields["exported_key"] == bare


@pytest.mark.parametrize(("flag", "key_type"), [("0", "00A"), ("1", "008")])
def test_fk_and_fm_take_a_flag_for_zek_and_zak(bench: Bench, flag: str, key_type: str) -> None:
    came = bench.ask("FK", flag=flag, zmk=Z_ZMK, key=K1_UNDER_Z)
    assert came.fields["key"] == under_lmk_00(key_type, K1)
    assert bench.ask("FM", flag=flag, zmk=Z_ZMK, key=came.fields["key"]).fields["exported_key"] == K1_UNDER_Z
    assert bench.ask("FM", flag="10"[int(flag)], zmk=Z_ZMK, key=came.fields["key"]).error == "11"


def test_a_key_from_an_atalla_estate_comes_under_a_variant_of_the_zmk(bench: Bench) -> None:
    varied = bytes(byte ^ (0x18 if at % 8 == 0 else 0) for at, byte in enumerate(Z))
    key = wrap(varied, KEY_SCHEMES["U"], K1)
    assert bench.ask("MI", zmk=Z_ZMK, key=key, atalla_variant="3").fields["key"] == under_lmk_00("003", K1)
    assert bench.ask("MI", zmk=Z_ZMK, key=key, atalla_variant="4").error == "01"


@pytest.mark.parametrize("lmk_id", ["01", "02"])
@pytest.mark.parametrize(("into", "out", "key_type"), ROUND_TRIPS)
def test_the_older_commands_make_blocks_under_a_key_block_lmk(
    bench: Bench, into: str, out: str, key_type: str, lmk_id: str
) -> None:
    zmk = _block(lmk_id, Z, "52")
    wire = key_block.wrap(DesKey(Z), Attributes("P0", "T", exportability="E"), K1, bytes, "00", "B")
    header = {"key_usage": "P0", "key_mode": "N", "key_version": "00", "key_exportability": "E"}
    if into == "FA":
        came = bench.ask(into, lmk_id=lmk_id, zmk=zmk, key=wire, **header)
    else:
        came = bench.ask(into, lmk_id=lmk_id, zmk=zmk, key=K1_UNDER_Z)
    assert came.error == "00"
    assert came.fields["key"][0] == "S"
    went = bench.ask(out, lmk_id=lmk_id, zmk=zmk, key=came.fields["key"])
    assert went.error == ("00" if into == "FA" else "AA")  # without a header to say otherwise it may not leave again


@pytest.mark.parametrize("command", ["IA", "FI", "FG", "HC", "HA"])
@pytest.mark.parametrize("schemes", [{}, {"export_scheme": "X", "scheme": "U", "check_value_type": "1"}])
def test_an_older_generation_gives_one_key_twice(command: str, schemes: dict[str, str]) -> None:
    bench = Bench(randomness=_stream())
    above = {"tmk": under_lmk_00("002", Z)} if command[0] == "H" else {"zmk": Z_ZMK}
    flag = {"flag": "0"} if command == "FI" else {}
    made = bench.ask(command, **flag, **above, **schemes)
    assert made.error == "00"
    key_type = {"IA": "001", "FI": "00A", "FG": "002", "HC": "002", "HA": "003"}[command]
    under_zmk = unwrap(Z, *parse(made.fields["exported_key"]))
    assert unwrap(STORE.ring("00").lmk.pair(key_type), *parse(made.fields["key"])) == under_zmk
    if command == "FG" and not schemes:
        halves = (DesKey(under_zmk[:8]), DesKey(under_zmk[8:]))
        told = (made.fields["check_value"], made.fields["second_check_value"])
        assert tuple(value[:6] for value in told) == tuple(check_value(half) for half in halves)
    elif command[0] != "H":
        assert made.fields["check_value"][:6] == check_value(DesKey(under_zmk))


def test_cvk_pairs_and_bdks_are_made_under_the_lmk_alone(bench: Bench) -> None:
    pair = bench.ask("AS").fields
    assert (len(pair["key"]), len(pair["check_value"]), len(pair["second_check_value"])) == (32, 16, 16)
    schemes = {"export_scheme": "0", "scheme": "U", "check_value_type": "1"}
    pair = bench.ask("AS", **schemes).fields
    assert (pair["key"][0], len(pair["check_value"])) == ("U", 6)
    assert bench.ask("BI", **schemes).fields["key"][0] == "U"
    assert bench.ask("AS", export_scheme="0", scheme="Z", check_value_type="0").error == "27"


def test_ka_and_b0_check_a_key_and_write_it_otherwise(bench: Bench) -> None:
    assert bench.ask_good("KA").fields["check_value"].startswith("653FB8")
    assert bench.ask_good("B0").fields["key"] == under_lmk_00("001", K1, "X")
    assert bench.ask_good("B0", scheme="T").error == "26"


def test_bw_moves_a_key_from_the_old_lmk_and_takes_none_of_the_new(bench: Bench) -> None:
    assert bench.ask_good("BW").fields["key"] == under_lmk_00("001", K1)
    assert bench.ask_good("BW", key=under_lmk_00("001", K1)).error == "10"
    asked = {"pair_code": "FF", "key_length": "1", "key": under_lmk_00("402", K1), "key_type": "402"}
    header = {"key_usage": "13", "key_mode": "C", "key_version": "00", "key_exportability": "N"}
    moved = bench.ask("BW", lmk_id="02", **asked, **header)
    assert moved.fields["key"].startswith("S10096")
    assert bench.ask("CW", lmk_id="02", cvk=moved.fields["key"], **_CARD).fields == {"cvv": "366"}
    assert Bench(lmk=[TEST_LMKS[0].model_copy(update={"old_set": None})]).ask_good("BW").error == "12"


_CARD = {"pan": "4111111111111111", "expiry": "2512", "service_code": "101"}


@pytest.mark.parametrize("version", ["B", None])
def test_a_block_under_a_zmk_is_believed_after_its_mac(bench: Bench, version: str | None) -> None:
    def came(usage: str = "P0", spoil: bool = False, clear: bytes = K1, algorithm: str = "T") -> str:
        attributes = Attributes(usage, algorithm, exportability="E")
        lmk_id = "00" if version else "FF"
        wire = key_block.wrap(DesKey(Z), attributes, clear, bytes, lmk_id, version)
        if spoil:
            wire = wire[:-1] + ("0" if wire[-1] != "0" else "1")
        return str(bench.ask_good("A6", key=wire).error)

    assert came() == "00"
    assert came(spoil=True) == "A4"
    assert came("C0", spoil=True) == "A4"
    assert came("C0") == "A6"
    assert came(clear=bytes(range(32)), algorithm="A") == "A7"
    assert came(algorithm="H") == "A7"


def test_a_key_of_another_length_or_a_zmk_of_another_kind_does_not_fit_the_scheme(bench: Bench) -> None:
    assert bench.ask_good("A6", scheme="T").error == "26"
    assert bench.ask_good("A8", scheme="T").error == "26"
    assert bench.ask_good("A8", tr31_version="D", scheme="R").error == "A1"
    aes_zmk = {"key_type": "FFF", "zmk": _block("02", AES_ZMK, "K1", "A"), "key": _block("02", K1, "72")}
    assert bench.ask("A8", lmk_id="02", **aes_zmk, scheme="U").error == "26"
    des_zmk = {"key_type": "FFF", "zmk": _block("02", Z, "52"), "key": _block("02", AES_ZMK, "72", "A")}
    assert bench.ask("A8", lmk_id="02", **des_zmk, scheme="U").error == "26"
