"""What a real device answered under test LMK 01, as a public client's examples have it: keys, MACs, cryptograms, RSA.

Source: softwaregroup-bg/ut-codec-payshield, `docs/examples.js` (facts only; see
tests/vectors/SOURCES.md). PINs under the LMK are left out: how a device
encrypts them is not published, and ours is our own.
"""

import base64

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from hsm_sim.primitives import rsa
from tests.hsm_sim.known import Bench

CHECK_VALUES = {
    "S00072K0TB00E00019A75CB10B9C1359CFA732D39217C3667207E279FC9E845F64FEEE9F0": "116D94",
    "S00072K0TB00E0001DB045F29C053EEFF7B9425B3A88C7258EB7EA7E40E2C47878647072A": "2356F2",
    "S00072P0TB00E0001286A5156C05A48688C0820BE76872301EBC40F6F0452B2611331D8F7": "93DAB7",
    "S00072M1TN00E0001FFE01E95CF21BDD0D74B6BEB70E3D90842C137DCA39C1B162C6238D5": "F808C2",
    "S00072P0TB00E0001EA421618B34F5FA1A77F7CF6480111B97CF0FAE7BD77D589EC921EF9": "4FE9FD",
    "S00072P0TB00E00010D869FE84C1F77AE64E0019151533363D4CCE7E1C3F89F3D86115EE8": "456B7D",
    "S0007272TN00E0001DE16F028F38CC385436D8E5B3DD4341F3E55379FBCB39710FE2BB6B4": "4D66A4",
    "S00072E0TN00E00017772090F5BDE6568F9B0EFDADD1D160CDB1655DE1984F00973EC3596": "5E7AF8",
    "S00072V0TN00E000123721C789734ADC94BBA5A97A7926D5BAFA19AFC35D1D3126BD38F85": "210B96",
    "S00072V1TN00E00010AE0AD2B1990AB407FAD15059E287760A05DF4DA2391EAB138877E22": "31540C",
    "S00072V2TN00E0001E80A2926443C3AF11BF0317C669FA0EA0E100ABDF92BF7A3AF232D4C": "AAB664",
    "S00072C0TN00E0001A417975993E2331918759DD1656AC94306BE01C19FDE29E83A93AB42": "EC7A50",
    "S00072B0TN00E0001566678078B5337915F4860C92F3FF2D6A6B11E8786F22DC8032EB758": "97795F",
    "S00072B0TN00E0001134E8D68D46BC8356F84F598155A1B5C44199D9847A2A58B64BE091F": "55771A",
}
TAK = "S00072M1TN00E0001FFE01E95CF21BDD0D74B6BEB70E3D90842C137DCA39C1B162C6238D5"
BDK = "S00072B0TN00E0001566678078B5337915F4860C92F3FF2D6A6B11E8786F22DC8032EB758"
CVK = "S00072C0TN00E0001A417975993E2331918759DD1656AC94306BE01C19FDE29E83A93AB42"
MK_AC = "S00072E0TN00S00012574E37226ADAA76E5B8F2C4F14AD34F1F054EF52CB56BE2F4D03BEA"
DEK_1 = "S00072D0TN00E0001BD79343066F46B9C1279E2DE4382E56E6DD5BDCE0F850C7E444799D9"
DEK_2 = "S00072D0TN00E00010EA718005998326E187E742CF400E5698F5E55E2A0A25A5FD9C5EDDE"
ZPK_1 = "S00072P0TB00E0001EA421618B34F5FA1A77F7CF6480111B97CF0FAE7BD77D589EC921EF9"
ZPK_2 = "S00072P0TB00E00010D869FE84C1F77AE64E0019151533363D4CCE7E1C3F89F3D86115EE8"
ZPK_3 = "S0007272TN00E0001DE16F028F38CC385436D8E5B3DD4341F3E55379FBCB39710FE2BB6B4"
PVK_IBM = "S00072V1TN00E00010AE0AD2B1990AB407FAD15059E287760A05DF4DA2391EAB138877E22"
PVK_VISA = "S00072V2TN00E0001E80A2926443C3AF11BF0317C669FA0EA0E100ABDF92BF7A3AF232D4C"
TABLE = "709F26B22464E96A"  # 0123456789012345 under LMK 01
PUBLIC_KEY = base64.b64decode(
    "MIIBCQKCAQC7bNRs9Nfj78Bnu3CO6phUk9UMFFOHD6Xv9X+3l6MxY5wMGaWhC+uzkFJDar3vX8qBshMCVEaNKqHqnytvbQKCz//bNjvyTX8g"
    "AoZfOPiXpcOUL8Fi/jjGkhDhSeKkmDIMIVzbEdFSrYTnjr34/Ru+EU6cHTOwdT1yCy7UFdubw8NwEoyizgUD2Ke/JORLi9piYCxRu/q167P/"
    "sGezua1XkcfAgV49TXoDY7tlCJGgZk48jntXNgCKLBb01RfI9XMsHTJLoLiQlzL4aXtZd+J3163tma53PW0Yw299VCPshZtNmd5q3R5Sq1d8"
    "W9lUvDIcj+4LkPKDoDxNZ0+UEt0hAgMBAAE="
)
PRIVATE_KEY = base64.b64decode(
    "UzAwNjg4MDNSUzAwTjAwMDE6yHlp1+SCrzqgs8SY43N7cM42xJLgUW4w3CZBLB6vyQbYo//SxRe/F6xeITgxNVCNRO/3pj9eUZb14YSe98N2"
    "ZUn0/t9nbA4AQ3c54/Avttg2x5K8HxYiX6720CK1jpTO7ekeMAFTc7Ats9YE9WFiSIwH+TvxMn/yZBqySLSHq45IWMjTFVX10dHegZ86QQHn"
    "Rj6RysFX5btWSUvclXna/OSuRXh3NZBFqEfnmg/AZpKy4jS8ScZFB95U2NWHoEKoR2sVQof4a7o8/ANf0x6IHp8EUXt/qoVnz6aP7Oem+UUG"
    "8jquw9a/dDj4OBnq3RLfgLI7jbJX7Inb4aY9KfK1/2v2plaq1v8hoqmhITknUM1G5E0CPV21za0JDy+pIiBcLwxMMGdhJd7FuGr41yjzJJXd"
    "ostpsgn2O1fq0ejN4MThBO8Dy7itudUmpayq1kyODeOeHggBk081U7vKw3i2lG0q0vVwqRgkIcMuIM/cM4UB+/BtHuCbF+OA77Ef2eTlwybj"
    "MtV3LPc5a2JexLOoY3UpiXmXwLOVtsztigCRzVx4v5woWzCu56C8HxbgwIOjL+QjIREZzq4KlXsC+2G0h0BB5IPxiCi9cimzANT9wF++H7nu"
    "19b3AaberBDnu/LoEfofMMc1rI4ctCY6kE9knT3IbNpdve3u9NpG/ObkhqMY8426OrV/8a/c2DmH94WwYMpUPl5LywYj+6izLOuSg4X3UcSd"
    "BsvvqjF5leaTdvHV6A3Aa0boazTnE4BzsRQ8w4MucyuCy8aKgHZofYyJUzFwJEhjZN4q2GJGkn8JnHxV8uAxtQXwU6nZYJ7kuO0KwU1YHZND"
    "vjDMZGKOua8ebXUNHuZturLuVIjNm43Lp3PqvI7JnUDPNzY0ODMxMEM="
)
SIGNATURE = bytes.fromhex(
    "06552b758c8b52e1e16472f7ee717496a38b7c1ca6f9829c1eee5289fd6d773c507166421320f2954b449de2e10af31cd6029f30d47a3e5b"
    "c7ca2ab1dddc3860e6abcc88ac1d2142f4a1855cd6331be38acfd25fb71ed513cbae834b3fe760ba3ab077606fdaac8dc8039d3dc70dfe51"
    "e9bb5022b4612085eaa2aba0b96e036f1b4a656324715684b957b1b3dada7319e30f6a8ff09c9c6b8188fd4f430e472bb29b87aee5c96a3b"
    "93dcba7e8a5be108d211c3899719c0d23512824d23ba04df287c49c82b9b2657360916f6b493862f433f17dabd9cde0e989a4e7e56096faa"
    "f1c50c2aa9b228664cc94ff0de003ce99e9855ec20e45c6f1c662cdb29691b1b"
)


VERIFIED = ("00", "02")  # 02 warns of a double-length PVK; the client takes both for a success


def octets(value: bytes) -> str:
    return value.decode("latin-1")


@pytest.mark.parametrize("key", sorted(CHECK_VALUES))
def test_keys_a_device_made_open_here_with_its_check_values(bench: Bench, key: str) -> None:
    asked = {"pair_code": "FF", "key_length": "F", "key": key, "key_type": "FFF", "check_value_type": "1"}
    assert bench.ask("BU", lmk_id="01", **asked).fields == {"check_value": CHECK_VALUES[key]}


def test_a_mac(bench: Bench) -> None:
    how = {"mode": "0", "input_format": "1", "mac_size": "0", "algorithm": "1", "padding": "1", "key_type": "FFF"}
    asked = {**how, "key": TAK, "message": "ABCDEF12"}
    assert bench.ask("M6", lmk_id="01", **asked).fields == {"mac": "F9369211"}
    assert bench.ask("M8", lmk_id="01", **asked, mac="F9369211").error == "00"


def test_a_mac_under_dukpt(bench: Bench) -> None:
    asked = {"method": "1", "bdk": BDK, "descriptor": "A05", "ksn": "FFFF0000000000000000"}
    message = octets(bytes.fromhex("ABCDEF1234"))
    for padded in (message, message + "\0\0\0"):  # the client adds the zeros itself
        made = bench.ask("GW", lmk_id="01", mode="4", **asked, message=padded)
        assert made.fields == {"mac": "3E3DEE3DC52E53ED"}
        verified = bench.ask("GW", lmk_id="01", mode="1", **asked, mac="3E3DEE3DC52E53ED", message=padded)
        assert verified.error == "00"


VIS_DATA = "00000000000000000000000009780000000000097820121431C2C6A0915800740003A00000"
TREE_DATA = "000000000000000000000000097800000000000978201214313C4658455800000103A00000"
PAN_BLOCK = bytes.fromhex("12345600000000000001"[-16:])


@pytest.mark.parametrize("zeros", ["", "000000"])
def test_an_arqc_of_vis_and_its_arpc(bench: Bench, zeros: str) -> None:
    asked = {
        "scheme": "0",
        "mk_ac": MK_AC,
        "pan_block": octets(PAN_BLOCK),
        "atc": octets(bytes.fromhex("7400")),
        "unpredictable_number": octets(bytes.fromhex("C2C6A091")),
        "data": octets(bytes.fromhex(VIS_DATA + zeros)),
        "arqc": octets(bytes.fromhex("46E98E9B85E9C640")),
    }
    assert bench.ask("KQ", lmk_id="01", mode="0", **asked).error == "00"
    answer = bench.ask("KQ", lmk_id="01", mode="1", **asked, arc="00")
    assert answer.fields == {"arpc": octets(bytes.fromhex("B7C0556F15D1F17C"))}


@pytest.mark.parametrize(("branch_height", "error"), [("1", "00"), ("0", "01")])
def test_an_arqc_with_a_session_key_of_the_tree(bench: Bench, branch_height: str, error: str) -> None:
    asked = {
        "mode": "0",
        "scheme": "0",
        "mk_ac": MK_AC,
        "iv_ac": "\0" * 16,
        "pan_block": octets(PAN_BLOCK),
        "branch_height": branch_height,
        "atc": "\0\1",
        "data": octets(bytes.fromhex(TREE_DATA)),
        "arqc": octets(bytes.fromhex("897FE51A726DFE47")),
    }
    assert bench.ask("KW", lmk_id="01", **asked).error == error


def test_data_encrypted_decrypted_and_moved_to_another_key(bench: Bench) -> None:
    how = {"input_format": "1", "output_format": "1"}
    one = {"mode": "00", **how, "key_type": "FFF", "key": DEK_1}
    assert bench.ask("M0", lmk_id="01", **one, message="ABCDEF1234567890").fields == {"message": "6DD932DE48520285"}
    assert bench.ask("M2", lmk_id="01", **one, message="6DD932DE48520285").fields == {"message": "ABCDEF1234567890"}
    modes = {"source_mode": "00", "destination_mode": "00"}
    keys = {
        "source_key_type": "FFF",
        "source_key": DEK_1,
        "destination_key_type": "FFF",
        "destination_key": DEK_2,
    }
    moved = bench.ask("M4", lmk_id="01", **modes, **how, **keys, message="6DD932DE48520285")
    assert moved.fields == {"message": "1D8F38CC40C6F20D"}


def test_a_private_key_of_a_device_signs_here_as_it_did_there(bench: Bench) -> None:
    asked = {"hash": "06", "signature_type": "01", "padding": "01", "message": octets(bytes.fromhex("ABCBAB"))}
    signed = bench.ask("EW", lmk_id="01", **asked, key_flag="99", private_key=octets(PRIVATE_KEY))
    assert signed.fields["signature"].encode("latin-1") == SIGNATURE
    public, length = rsa.public_key(PUBLIC_KEY)
    assert length == len(PUBLIC_KEY)
    public.verify(SIGNATURE, bytes.fromhex("ABCBAB"), padding.PKCS1v15(), hashes.SHA256())
    assert rsa.public_der(public, signed=False) == PUBLIC_KEY


def test_a_key_pair_made_here_is_written_as_a_device_writes_it(bench: Bench) -> None:
    made = bench.ask("EI", lmk_id="01", use="0", bits="1024", encoding="01").fields
    assert made["private_key"].startswith("S00360" + "03RS00N0001")
    assert made["public_key"].encode("latin-1").hex().startswith("308188028180")


def test_a_cvv(bench: Bench) -> None:
    card = {"cvk": CVK, "pan": "502265400089000092", "expiry": "2010", "service_code": "620"}
    assert bench.ask("CW", lmk_id="01", **card).fields == {"cvv": "181"}


ACCOUNT = "850103093936"
BLOCK_1, BLOCK_2 = "AD72F973446E84E7", "967CDB6E3D492E28"


def test_pin_blocks_pvvs_and_offsets(bench: Bench) -> None:
    moved = bench.ask(
        "CC",
        lmk_id="01",
        source_key=ZPK_1,
        destination_key=ZPK_2,
        maximum_pin_length="12",
        pin_block=BLOCK_1,
        source_format="01",
        destination_format="01",
        account=ACCOUNT,
    )
    assert moved.fields == {"pin_length": "06", "pin_block": "E614D4AFD47BD3BF", "format": "01"}
    card = {"pvk": PVK_VISA, "pin_block": BLOCK_1, "format": "01", "account": ACCOUNT, "pvki": "1"}
    assert bench.ask("EC", lmk_id="01", zone_key=ZPK_1, **card, pvv="7548").error == "00"
    assert bench.ask("FW", lmk_id="01", key_type="FFF", key=ZPK_1, **card).fields == {"pvv": "7548"}


def test_a_pin_changed(bench: Bench) -> None:
    card = {"pvk": PVK_VISA, "pin_block": BLOCK_1, "format": "01", "account": ACCOUNT, "pvki": "1", "pvv": "7548"}
    changed = bench.ask("CU", lmk_id="01", key_type="FFF", key=ZPK_1, **card, new_pin_block=BLOCK_2)
    assert changed.fields == {"new_pvv": "6010"}


def test_offsets_with_an_encrypted_decimalisation_table(bench: Bench) -> None:
    card = {"format": "01", "minimum_length": "06", "account": ACCOUNT, "decimalisation_table": TABLE}
    card = {**card, "pvk": PVK_IBM, "validation_data": "50103093936N"}
    zone = {"key_type": "FFF", "key": ZPK_1}
    offset = "309783FFFFFF"
    assert bench.ask("BK", lmk_id="01", **zone, **card, pin_block=BLOCK_2).fields == {"offset": offset}
    moved = bench.ask("DU", lmk_id="01", **zone, **card, pin_block=BLOCK_2, offset=offset, new_pin_block=BLOCK_2)
    assert moved.fields == {"new_offset": offset}
    asked = {**card, "zone_key": ZPK_1, "maximum_pin_length": "12", "pin_block": BLOCK_2}
    assert bench.ask("EA", lmk_id="01", **asked, offset=offset).error in VERIFIED
    assert bench.ask("EA", lmk_id="01", **asked, offset="309784FFFFFF").error == "01"


TPK = "S0007271TN00E00019BAD23B0CEF79E33328CA0568A0E186FC17E8DE738AAF9FB67C6E1FF"
OTHER_ACCOUNT = "600000000000"


def test_pins_of_a_terminal(bench: Bench) -> None:
    card = {"terminal_key": TPK, "format": "01", "account": OTHER_ACCOUNT}
    pvk = "S00072V2TN00E00014C0328F82856C4E6D7CCF7A9A1597CB0662C35A18CC72EB9CF97917C"
    verified = bench.ask("DC", lmk_id="01", **card, pvk=pvk, pin_block="E57BC634D4717907", pvki="1", pvv="2194")
    assert verified.error == "00"
    how = {"minimum_length": "06", "maximum_pin_length": "12", "decimalisation_table": TABLE}
    ibm = {**how, "validation_data": "1234560000N0", "offset": "093636FFFFFF", "pin_block": "E5B0C1445E4C57AF"}
    pvk = "S00072V1TN00E00019412BA0AB9D9377261D2CDDB1C4A063ABF35B4CB9E98F7948A501DA2"
    assert bench.ask("DA", lmk_id="01", **card, pvk=pvk, **ibm).error in VERIFIED


@pytest.mark.parametrize(("zone", "expected"), [(ZPK_3, "766532A20A0A264B"), (ZPK_1, "FC99D994F1D3D3B8")])
def test_a_pin_from_dukpt_to_a_zone(bench: Bench, zone: str, expected: str) -> None:
    asked = {
        "bdk_flag": "",
        "bdk": BDK,
        "destination_flag": "",
        "destination_key": zone,
        "descriptor": "A05",
        "ksn": "FFFF000001315240003A",
        "pin_block": "741311DA9D5D6C32",
        "source_format": "01",
        "destination_format": "01",
        "account": OTHER_ACCOUNT,
    }
    assert bench.ask("G0", lmk_id="01", **asked).fields["pin_block"] == expected
