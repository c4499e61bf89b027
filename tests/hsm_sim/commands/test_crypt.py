"""MACs, data, cryptograms, scripts and public keys: what others make verifies here, one bit off does not."""

import base64

import psec
import pyemv
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from hypothesis import given
from hypothesis import strategies as st

from hsm_sim.commands import COMMANDS
from hsm_sim.key_block import Attributes, wrap
from hsm_sim.lmk import SETS
from hsm_sim.primitives.aes import AesKey
from hsm_sim.primitives.des import DesKey
from protocols.hsm import HsmAnswer
from tests.hsm_sim.known import GOOD, Bench, a_few
from tests.hsm_sim.known_crypt import (
    ATC,
    CSK_ARQC,
    CSU,
    DATA,
    K1,
    K2,
    MESSAGE,
    PAN,
    PSN,
    PUBLIC_DER,
    UN,
    VIS_ARQC,
    K,
    octets,
    under,
)

UNAUTHORISED = ({"id": "00", "set": "test-variant", "check_value": "0" * 16},)


def block(usage: str, algorithm: str, clear: bytes, mode: str = "N", lmk: str = "02") -> str:
    """A key block under one of the test LMKs."""
    material = SETS["test-aes-block" if lmk == "02" else "test-3des-block"]
    assert isinstance(material, DesKey | AesKey)
    return wrap(material, Attributes(usage, algorithm, mode), clear, bytes, lmk)


def one_bit_off(text: str, bit: int) -> str:
    """A field of bytes with one bit changed."""
    value = int.from_bytes(text.encode("latin-1"), "big") ^ 1 << bit
    return octets(value.to_bytes(len(text), "big"))


# MACs

HOW = {"input_format": "0", "mac_size": "1"}


@pytest.mark.parametrize("blocks", [0, 1, 2, 3])
@pytest.mark.parametrize(
    ("algorithm", "key_type", "key", "lmk", "width"),
    [
        ("1", "003", under("003"), "00", 8),
        ("3", "008", under("008"), "00", 8),
        ("5", "003", under("003"), "00", 8),
        ("6", "FFF", block("M6", "A", bytes(range(16))), "02", 16),
        ("1", "FFF", block("M1", "A", bytes(range(32))), "02", 16),
        ("3", "FFF", block("M3", "T", K1, lmk="01"), "01", 8),
    ],
)
def test_a_mac_in_parts_split_at_every_block_boundary_is_that_of_the_whole(
    bench: Bench, algorithm: str, key_type: str, key: str, lmk: str, width: int, blocks: int
) -> None:
    message = bytes(range(64))[: 3 * width + 5]
    how = {**HOW, "algorithm": algorithm, "padding": "2", "key_type": key_type, "key": key}
    whole = bench.ask("M6", lmk_id=lmk, **how, mode="0", message=octets(message)).fields["mac"]
    chained: dict[str, str] = {}
    for n in range(blocks):  # the first, then middle ones
        part = octets(message[n * width : (n + 1) * width])
        chained = bench.ask("M6", lmk_id=lmk, **how, **chained, mode="2" if n else "1", message=part).fields
        assert len(chained["iv"]) == 2 * width
    last = {**how, **chained, "mode": "3" if blocks else "0", "message": octets(message[blocks * width :])}
    assert bench.ask("M6", lmk_id=lmk, **last).fields == {"mac": whole}
    assert bench.ask("M8", lmk_id=lmk, **last, mac=whole).error == "00"
    assert bench.ask("M8", lmk_id=lmk, **last, mac=f"{int(whole, 16) ^ 1:016X}").error == "01"


@a_few
@given(st.binary(min_size=1, max_size=60), st.sampled_from("123"), st.sampled_from("13"), st.integers(0, 63))
def test_a_mac_made_by_psec_verifies_and_one_bit_off_does_not(
    message: bytes, method: str, algorithm: str, bit: int
) -> None:
    made = (
        psec.mac.generate_cbc_mac(K1, message, int(method))
        if algorithm == "1"
        else psec.mac.generate_retail_mac(K1[:8], K1[8:], message, int(method))
    )
    how = {**HOW, "mode": "0", "algorithm": algorithm, "padding": method, "key_type": "003", "key": under("003")}
    bench, value = Bench(), int.from_bytes(made, "big")
    assert bench.ask("M8", **how, message=octets(message), mac=f"{value:016X}").error == "00"
    assert bench.ask("M8", **how, message=octets(message), mac=f"{value ^ 1 << bit:016X}").error == "01"


def test_an_empty_last_part_ends_where_the_one_before_it_did_but_not_a_cmac(bench: Bench) -> None:
    how = {**HOW, "key_type": "003", "key": under("003"), "padding": "1"}
    state = bench.ask("M6", **how, algorithm="3", mode="1", message=octets(MESSAGE)).fields
    last = bench.ask("M6", **how, **state, algorithm="3", mode="3", message="")
    assert last.fields["mac"] == psec.mac.generate_retail_mac(K1[:8], K1[8:], MESSAGE, 1).hex().upper()
    assert bench.ask("M6", **how, **state, algorithm="5", mode="3", message="").error == "06"


def test_the_padding_that_begins_with_the_length_is_for_whole_messages(bench: Bench) -> None:
    how = {**HOW, "algorithm": "3", "padding": "3", "key_type": "003", "key": under("003")}
    assert bench.ask("M6", **how, mode="1", message=octets(MESSAGE)).error == "09"
    assert bench.ask("M6", **how, mode="3", iv="0" * 16, message=octets(MESSAGE)).error == "09"


@pytest.mark.parametrize(
    ("usage", "algorithm_of_key", "mode", "asked", "made", "verified"),
    [
        ("M3", "T", "G", "3", "00", "A8"),
        ("M3", "T", "V", "3", "A8", "01"),
        ("M1", "T", "N", "3", "A6", "A6"),
        ("M3", "T", "N", "1", "A6", "A6"),
        ("P0", "T", "N", "3", "A6", "A6"),
        ("M3", "A", "N", "3", "A7", "A7"),
    ],
)
def test_a_key_block_says_which_macs_its_key_makes(
    bench: Bench, usage: str, algorithm_of_key: str, mode: str, asked: str, made: str, verified: str
) -> None:
    key = block(usage, algorithm_of_key, K1, mode)
    how = {**HOW, "mode": "0", "algorithm": asked, "padding": "1", "key_type": "FFF", "key": key, "message": "hello"}
    assert bench.ask("M6", lmk_id="02", **how).error == made
    assert bench.ask("M8", lmk_id="02", **how, mac="0" * 16).error == verified


def test_an_hmac_key_makes_hmacs_of_its_own_hash_in_m6_and_of_whole_messages(bench: Bench) -> None:
    key = block("63", "H", b"\x0b" * 20)
    how = {**HOW, "algorithm": "1", "padding": "0", "key_type": "FFF", "key": key, "message": "Hi There"}
    assert bench.ask("M6", lmk_id="02", **how, mode="0").fields == {"mac": "B0344C61D8DB3853"}  # RFC 4231, case 1
    assert bench.ask("M6", lmk_id="02", **how, mode="1").error == "02"
    whole = {"hash": "06", "key": key, "message": "Hi There"}
    mac = bench.ask("LQ", lmk_id="02", **whole).fields["mac"]
    assert mac.encode("latin-1").hex() == "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
    assert bench.ask("LS", lmk_id="02", **whole, mac=mac[:16]).error == "00"
    assert bench.ask("LS", lmk_id="02", **whole, mac=one_bit_off(mac, 3)).error == "01"
    assert bench.ask("LS", lmk_id="02", **whole, mac=mac[:15]).error == "80"
    assert bench.ask("LQ", lmk_id="02", **{**whole, "hash": "08"}).error == "A6"


def test_the_old_mac_commands_agree_with_m6(bench: Bench) -> None:
    for clear, scheme, algorithm in ((K1, "U", "3"), (K1[:8], "Z", "1")):
        key, zak = under("003", clear, scheme), under("008", clear, scheme)
        how = {**HOW, "mode": "0", "algorithm": algorithm, "padding": "1", "key_type": "003", "key": key}
        whole = bench.ask("M6", **how, message="Hello, world!").fields["mac"]
        assert bench.ask("MA", key=key, message="Hello, world!").fields["mac"] == whole[:8]
        assert bench.ask("MC", key=key, mac=whole[:8], message="Hello, world!").error == "00"
        assert bench.ask("MC", key=key, mac=whole[:8], message="Hello, world?").error == "01"
        first = bench.ask("MQ", mode="1", key=zak, message="Hello, w").fields
        assert bench.ask("MQ", mode="3", key=zak, **first, message="orld!").fields["mac"] == whole
        length = "1" if scheme == "U" else "0"
        asked = {"mode": "0", "key_type": "1", "key_length": length, "message_type": "1", "key": zak}
        assert bench.ask("MS", **asked, message=b"Hello, world!".hex()).fields["mac"] == whole


def test_a_mac_is_translated_only_if_it_holds(bench: Bench) -> None:
    new = psec.mac.generate_retail_mac(K2[:8], K2[8:], MESSAGE, 1).hex().upper()
    assert bench.ask_good("ME").fields == {"mac": new[:8]}
    assert bench.ask_good("MY").fields == {"destination_mac": new}
    assert bench.ask_good("ME", mac="00000000").error == "01"
    assert bench.ask_good("MY", mac="0" * 16).error == "01"
    assert bench.ask_good("ME", destination_key=under("003")[:-1] + "0").error == "11"


# DUKPT: ANSI X9.24-1's examples, and X9.24-3's


@pytest.mark.parametrize(
    ("counter", "mac"),
    [
        (1, "9CCC78173FC4FB64"),
        (2, "F608A9BCA6FFC311"),
        (3, "20B59A4FEAC937E3"),
        (4, "C7BFA6CC44161828"),
        (5, "0202B96339022058"),
    ],
)
def test_macs_under_dukpt(bench: Bench, counter: int, mac: str) -> None:
    ksn = f"FFFF9876543210E0000{counter}"
    for descriptor, serial in (("A05", ksn), ("605", ksn[4:])):
        asked = {"descriptor": descriptor, "ksn": serial}
        assert bench.ask_good("GW", **asked).fields == {"mac": mac}
        assert bench.ask_good("GW", **asked, mode="3").fields == {"mac": mac[:8]}
        assert bench.ask_good("GW", **asked, mode="1", mac=mac).error == "00"
        assert bench.ask_good("GW", **asked, mode="0", mac=f"{int(mac[:8], 16) ^ 1:08X}").error == "01"


def test_data_under_dukpt(bench: Bench) -> None:
    key = {"key_type": "009", "key": under("009", K), "descriptor": "A05", "ksn": "FFFF9876543210E00001"}
    how = {"mode": "01", "input_format": "0", "output_format": "1", **key, "iv": "0" * 16}
    hidden = "FC0D53B7EA1FDA9EE68AAF2E70D9B9506229BE2AA993F04F"
    made = bench.ask("M0", **how, message="4012345678909D987" + "\0" * 7)
    assert made.fields == {"iv": hidden[-16:], "message": hidden}
    back = {**how, "input_format": "1", "output_format": "2"}
    assert bench.ask("M2", **back, message=hidden).fields["message"] == "4012345678909D987" + "\0" * 7


def test_aes_dukpt_macs_and_data(bench: Bench) -> None:
    bdk = block("B0", "A", bytes.fromhex("FEDCBA9876543210F1F1F1F1F1F1F1F1"), "X")
    serial = {"descriptor": "A05", "ksn": "123456789012345600000001"}
    mac_key = AesKey(bytes.fromhex("A2DC23DE6FDE0824A2BC321E08E4B8B7"))
    asked = {"mode": "4", "method": "1", "bdk": bdk, **serial, "message": octets(MESSAGE)}
    assert bench.ask("GW", lmk_id="02", **asked).fields == {"mac": mac_key.cmac(MESSAGE)[:8].hex().upper()}
    data_key = AesKey(bytes.fromhex("A35C412EFD41FDB98B69797C02DCD08F"))
    how = {"mode": "00", "input_format": "0", "output_format": "0", "key_type": "FFF", "key": bdk, **serial}
    hidden = bench.ask("M0", lmk_id="02", **how, message=octets(MESSAGE[:16])).fields["message"]
    assert hidden == octets(data_key.encrypt(MESSAGE[:16]))
    assert bench.ask("GW", lmk_id="02", **{**asked, "ksn": "1234567890123456FFFFFFFF"}).error == "15"


# Data


@a_few
@given(st.sampled_from(["00", "01", "02", "03"]), st.binary(min_size=1, max_size=64), st.booleans())
def test_data_come_back_from_every_mode_and_from_another_key(mode: str, data: bytes, aes: bool) -> None:
    width = 16 if aes else 8
    message = data + bytes(-len(data) % width)
    bench, lmk = Bench(), "02" if aes else "00"
    one, two = (block("D0", "A", bytes([n]) * 24) if aes else under("00A", (K1, K2)[n - 1]) for n in (1, 2))
    key_type = "FFF" if aes else "00A"
    iv = {} if mode == "00" else {"iv": "5A" * width}
    how = {"mode": mode, "input_format": "0", "output_format": "0", "key_type": key_type, "key": one, **iv}
    hidden = bench.ask("M0", lmk_id=lmk, **how, message=octets(message)).fields["message"]
    back = bench.ask("M2", lmk_id=lmk, **how, message=hidden).fields
    assert back["message"] == octets(message)
    ivs = {f"{side}_iv": value for side in ("source", "destination") for value in iv.values()}
    moved = bench.ask(
        "M4",
        lmk_id=lmk,
        source_mode=mode,
        destination_mode=mode,
        input_format="0",
        output_format="0",
        source_key_type=key_type,
        source_key=one,
        destination_key_type=key_type,
        destination_key=two,
        **ivs,
        message=hidden,
    ).fields
    again = bench.ask("M2", lmk_id=lmk, **{**how, "key": two}, message=moved["message"]).fields
    assert again["message"] == octets(message)


@pytest.mark.parametrize(
    ("command", "changes", "error"),
    [
        ("M0", {"message": "0123"}, "06"),
        ("M0", {"message": ""}, "06"),
        ("M0", {"message": "ABC"}, "35"),
        ("M0", {"message": "zz"}, "35"),
        ("M0", {"input_format": "2", "message": "\x01" * 8}, "35"),
        ("M0", {"output_format": "2"}, "04"),
        ("M2", {"input_format": "2", "message": "x" * 8}, "03"),
        ("M2", {"output_format": "2"}, "35"),
        ("M4", {"destination_key": "U" + "0" * 32}, "11"),
        ("M4", {"source_key": under("00B")}, "10"),
        ("GM", {"message": "x"}, "00"),
        ("N0", {"length": "000"}, "01"),
        ("N0", {"length": "256"}, "00"),
        ("KQ", {"data": ""}, "81"),
        ("KQ", {"mk_ac": under("209")}, "10"),
        ("KQ", {"mk_ac": "Z" + under("109", K1[:8], "Z")}, "27"),
        ("K2", {"bit_map": "\0" * 7 + "\x7f"}, "15"),
        ("KU", {"command_data": ""}, "80"),
        ("KY", {"offset": "0006"}, "80"),
        ("KY", {"secret": "1234567"}, "80"),
        ("EI", {"bits": "0319"}, "04"),
        ("EI", {"bits": "4097"}, "04"),
        ("EI", {"exponent": "\x10"}, "08"),
        ("EI", {"exponent": "\x01"}, "06"),
        ("EO", {"public_key": "0\x03\x02\x01\x05"}, "04"),
        ("EW", {"private_key": "x" * 64}, "10"),
    ],
)
def test_what_is_refused(bench: Bench, command: str, changes: dict[str, str], error: str) -> None:
    assert bench.ask_good(command, **changes).error == error


# ARQC and ARPC


def test_arpcs_are_pyemvs(bench: Bench) -> None:
    vis = pyemv.cvn.VisaCVN10(K1, K1, K1, PAN, PSN)
    arpc = pyemv.ac.generate_arpc_1(vis.icc_mk_ac, VIS_ARQC, b"00")
    for mode in ("1", "2"):
        changes = {"mode": mode} if mode == "1" else {"mode": mode, "data": ""}
        asked = {**_good("KQ"), **changes}
        if mode == "2":
            del asked["data"]
        assert bench.ask("KQ", **asked).fields == {"arpc": octets(arpc)}
    common = pyemv.kd.derive_common_sk(vis.icc_mk_ac, ATC + bytes(6))
    for proprietary in (b"", b"12345678"):
        mac = pyemv.ac.generate_arpc_2(common, CSK_ARQC, CSU, proprietary)
        answer = bench.ask_good("KW", proprietary=octets(proprietary))
        assert answer.fields == {"arpc_mac": octets(mac), "csu": octets(CSU)}


def _good(command: str) -> dict[str, str]:
    return dict(GOOD[command])


@a_few
@given(st.integers(0, 63))
def test_one_bit_off_in_a_cryptogram_is_01_and_says_what_was_expected_in_the_authorised_state(bit: int) -> None:
    for command, arqc in (("KQ", VIS_ARQC), ("KW", CSK_ARQC)):
        wrong = one_bit_off(octets(arqc), bit)
        answer = Bench().ask_good(command, arqc=wrong)
        assert (answer.error, answer.fields) == ("01", {"expected": octets(arqc)})
        silent = Bench(lmk=UNAUTHORISED).ask_good(command, arqc=wrong)
        assert (silent.error, silent.fields) == ("01", {})


@a_few
@given(st.binary(min_size=1, max_size=100))
def test_mchip_cryptograms_of_pyemv_verify_and_their_arpc_is_under_the_cards_master_key(data: bytes) -> None:
    card = pyemv.kd.derive_icc_mk_a(K1, PAN, PSN)
    session = pyemv.kd.derive_common_sk(card, ATC + bytes(2) + UN)
    arqc = pyemv.ac.generate_ac(session, data)
    answer = Bench().ask_good("KQ", scheme="1", data=octets(data), arqc=octets(arqc))
    assert answer.fields == {"arpc": octets(pyemv.ac.generate_arpc_1(card, arqc, b"00"))}


@a_few
@given(st.text("0123456789", min_size=13, max_size=19), st.sampled_from([("1", "1"), ("3", "")]))
def test_option_b_for_pans_of_any_length(pan: str, scheme: tuple[str, str]) -> None:
    card = pyemv.kd.derive_icc_mk_b(K1, pan, "03")
    tree = scheme[0] == "1"
    session = pyemv.kd.derive_emv2000_tree_sk(card, ATC) if tree else pyemv.kd.derive_common_sk(card, ATC + bytes(6))
    named = pyemv.ac.PaddingType.VISA if tree else pyemv.ac.PaddingType.EMV
    digits = pan + "03"
    asked = {
        "mode": "1",
        "scheme": scheme[0],
        "mk_ac": under("109"),
        "pan_psn": octets(bytes.fromhex("0" * (len(digits) % 2) + digits)),
        "atc": octets(ATC),
        "data": octets(DATA),
        "arqc": octets(pyemv.ac.generate_ac(session, DATA, named)),
        "arc": "00",
        **({"iv_ac": "\0" * 16, "branch_height": "1"} if tree else {}),
    }
    assert Bench().ask("KW", **asked).error == "00"


def test_a_host_may_pad_itself() -> None:
    bench = Bench(cryptogram_padding="host")
    padded = DATA + b"\x80" + bytes(-(len(DATA) + 1) % 8)
    assert bench.ask_good("KW", data=octets(padded)).error == "00"
    assert bench.ask_good("KW").error == "01"


def test_a_truncated_cryptogram_is_compared_where_the_bit_map_says(bench: Bench) -> None:
    for bit in range(64):
        cryptogram = one_bit_off(octets(CSK_ARQC), bit)
        assert bench.ask_good("K2", cryptogram=cryptogram).error == ("01" if bit >= 32 else "00")


def test_discretionary_data_are_verified_for_vis_only(bench: Bench) -> None:
    card = pyemv.kd.derive_icc_mk_a(K2, PAN, PSN)
    mac = pyemv.sm.generate_command_mac(pyemv.kd.derive_visa_sm_sk(card, ATC), b"funds", 4)
    more = {"mk_smi": under("209", K2), "discretionary_mac": octets(mac), "discretionary_data": "funds"}
    assert bench.ask_good("KQ", mode="4", **more).error == "00"
    assert bench.ask_good("KQ", mode="4", **{**more, "discretionary_data": "fundz"}).error == "06"
    assert bench.ask_good("KQ", mode="4", scheme="1", **more).error == "03"


# Scripts


@pytest.mark.parametrize(
    ("command", "scheme", "named"),
    [("KU", "0", "VISA"), ("KU", "1", "MASTERCARD"), ("KY", "2", "EMV")],
)
def test_scripts_are_pyemvs(bench: Bench, command: str, scheme: str, named: str) -> None:
    smi, smc = (pyemv.kd.derive_icc_mk_a(key, PAN, PSN) for key in (K1, K2))
    session_data = bytes(6) + ATC if scheme == "0" else CSK_ARQC
    if scheme == "0":
        integrity, confidentiality = (pyemv.kd.derive_visa_sm_sk(key, ATC) for key in (smi, smc))
    else:
        integrity, confidentiality = (pyemv.kd.derive_common_sk(key, CSK_ARQC) for key in (smi, smc))
    secret = bytes.fromhex("2499999999FFFFFF")
    hidden = pyemv.sm.encrypt_command_data(confidentiality, secret, pyemv.sm.EncryptionType[named])
    header = bytes.fromhex("8424000210")
    asked = {**_good("KY"), "scheme": scheme, "session_data": octets(session_data)}
    answer = bench.ask(command, **asked)
    assert answer.fields["ciphertext"] == octets(hidden)
    assert answer.fields["mac"] == octets(pyemv.sm.generate_command_mac(integrity, header + hidden))


# RSA and curves


@pytest.mark.parametrize("lmk", ["00", "01", "02"])
def test_a_pair_made_here_signs_here_and_verifies_here_and_elsewhere(bench: Bench, lmk: str) -> None:
    made = bench.ask("EI", lmk_id=lmk, use="2", bits="1024", encoding="02").fields
    public = made["public_key"].encode("latin-1")
    elsewhere = serialization.load_der_public_key(_spki(public))
    assert isinstance(elsewhere, rsa.RSAPublicKey)
    imported = bench.ask("EO", lmk_id=lmk, encoding="02", public_key=octets(public)).fields["public_key"]
    for code, pads in (("01", padding.PKCS1v15()), ("04", padding.PSS(padding.MGF1(hashes.SHA256()), 32))):
        how = {"hash": "06", "signature_type": "01", "padding": code, "message": octets(MESSAGE)}
        signed = bench.ask("EW", lmk_id=lmk, **how, key_flag="99", private_key=made["private_key"]).fields
        elsewhere.verify(signed["signature"].encode("latin-1"), MESSAGE, pads, hashes.SHA256())
        assert bench.ask("EY", lmk_id=lmk, **how, **signed, public_key=imported).error == "00"
        other = {**how, "message": octets(MESSAGE) + "!"}
        assert bench.ask("EY", lmk_id=lmk, **other, **signed, public_key=imported).error == "02"
        wrong = {"signature": one_bit_off(signed["signature"], 77)}
        assert bench.ask("EY", lmk_id=lmk, **how, **wrong, public_key=imported).error == "02"


def _spki(pkcs1: bytes) -> bytes:
    """`cryptography` reads PKCS #1 in PEM or this."""
    head = bytes.fromhex("300d06092a864886f70d0101010500")
    bits = b"\x03\x81" + bytes((len(pkcs1) + 1,)) + b"\0" + pkcs1
    return b"\x30\x81" + bytes((len(head) + len(bits),)) + head + bits


def test_a_public_key_nobody_vouched_for_is_refused(bench: Bench) -> None:
    assert bench.ask_good("EY", public_key="\0\0\0\0" + octets(PUBLIC_DER)).error == "01"
    assert Bench(lmk=UNAUTHORISED).ask_good("EO").error == "17"


@pytest.mark.parametrize("exponent", [3, 17, 65537])
def test_a_pair_has_the_size_and_exponent_asked_for(bench: Bench, exponent: int) -> None:
    written = octets(exponent.to_bytes((exponent.bit_length() + 7) // 8, "big"))
    public = bench.ask_good("EI", bits="0512", exponent=written).fields["public_key"].encode("latin-1")
    numbers = serialization.load_pem_public_key(_pem(public)).public_numbers()  # type: ignore[union-attr]
    assert (numbers.n.bit_length(), numbers.e) == (512, exponent)


def _pem(pkcs1: bytes) -> bytes:
    return b"-----BEGIN RSA PUBLIC KEY-----\n" + base64.encodebytes(pkcs1) + b"-----END RSA PUBLIC KEY-----\n"


def test_a_key_that_may_not_sign_does_not(bench: Bench) -> None:
    made = bench.ask("EI", lmk_id="02", use="1", bits="1024", encoding="02").fields
    how = {"hash": "06", "signature_type": "01", "padding": "01", "message": "x", "key_flag": "99"}
    assert bench.ask("EW", lmk_id="02", **how, private_key=made["private_key"]).error == "A8"


@pytest.mark.parametrize(("curve", "named"), [("00", "secp256r1"), ("01", "secp384r1"), ("02", "secp521r1")])
def test_a_curves_pair_is_on_its_curve_and_only_under_a_key_block_lmk(curve: str, named: str) -> None:
    bench = Bench(randomness=lambda count: bytes(range(3, 3 + count)))
    made = _curve(bench, curve).fields
    key = serialization.load_der_public_key(made["public_key"].encode("latin-1"))
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert key.curve.name == named
    assert made["private_key"][6:10] == "03ES"
    assert bench.ask_good("FY", curve=curve).error == "A1"


def _curve(bench: Bench, curve: str) -> HsmAnswer:
    return bench.ask("FY", lmk_id="02", **{**_good("FY"), "curve": curve})


def test_the_same_seed_makes_the_same_pairs() -> None:
    for command, lmk in (("EI", "00"), ("FY", "02")):
        one, two = (Bench().ask(command, lmk_id=lmk, **_good(command)).fields for _ in range(2))
        assert one == two


def test_making_keys_is_slow_and_says_so() -> None:
    assert {code for code, command in COMMANDS.items() if command.slow} >= {"EI", "FY"}
