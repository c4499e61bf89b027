"""A public client's requests, byte for byte as it writes them, and what it must be able to read.

The frames are those of the tests of softwaregroup-bg/ut-codec-payshield (`test/config/test.js`; facts only, see
tests/vectors/SOURCES.md). Those under test LMK 01 have a device's answers. The others are under an LMK that nobody
published: here the claim is that each is read to its last field, so the answer is of its key (10, 11) or its PIN (14).
"""

from secrets import token_bytes

import pytest

from hsm_sim.decimalisation import decrypted, encrypted
from tests.hsm_sim.known import GOOD, K1, Bench
from tests.hsm_sim.known_keys import under_lmk_00

TPK, PVK = "U3027C895181D912A91D7DF0ED78AC6FB", "U80AE3F8D63B08F9C13652E5416D76E8D"
OTHER_PVK = "U77338F74A19E3BB39062A5A479473FC8"
BDK, SERIAL = "UAADAFCC8551ADAB246EA1176FD691EDF", "A05FFFF0000010020000026"
MK_AC, MK_SMI = "U562B7C198A58D28851F15517CDABA60E", "U0A955B42C931A7FD3F2B12B1595CB3FB"
DEK = "UB190F7FBB802EA14FAC7917D3F6EDB67"
ZPK_BLOCK = "S00072P0TB00E0001EA421618B34F5FA1A77F7CF6480111B97CF0FAE7BD77D589EC921EF9"
PVK_BLOCK = "S00072V2TN00E0001E80A2926443C3AF11BF0317C669FA0EA0E100ABDF92BF7A3AF232D4C"
ZMK_BLOCK = "S00072K0TB00E00017CECF0FB9210B3CC93B9FFB304963C39CFFF94B837D318E1A6F1F058"
COMPONENTS = (
    "S0007252TBc1E0001C9ED3207A1A79BCA1CAB8C05FEC9429E2232067D1F9E908F15E9DCA7"
    "S0007252TBc2E000125276E9C8BC0FA0F70109274FAB9647EF89A189C019465182A345009"
)
FORMED = "S0007252TB00E0001D4B4A265C5273F353729F153FC1C2ADA23DF2D94C76A5EF30466CBAB"  # of a device, of these
CARD_RISK_DATA = "0000000000000000000000000288800004800002881712200184F01F9D1402030018000018000000"
CHIP = "7804020000000000001884F01F9D"
MESSAGE = "001E22\x1c002000001\x1c\x1c05151009\x1cF\x1c60000"
CARD = "0104540008900009012345678912345650" + "52654000N21234FFFFFFFF"


def octets(digits: str) -> str:
    return bytes.fromhex(digits).decode("latin-1")


def asked(bench: Bench, request: str) -> str:
    """The answer to a frame without its header, without its own."""
    return bench.desk.answer(b"0007" + request.encode("latin-1")).decode("latin-1").removeprefix("0007")


KQ_DATA = "28" + octets(CARD_RISK_DATA) + ";" + octets("0A994C22203060C4")
DISCRETIONARY = octets("63EB7F42") + "08" + octets("4E6F772069732074")
UNDER_ANOTHER_LMK = (
    f"A01002U;0{TPK}X",
    f"A43402U{TPK}{PVK}{OTHER_PVK}",
    f"A6002{TPK}XA921158D2F2571942EA0B770637F005CU",
    f"A8109{TPK}{PVK}U",
    f"BK002{TPK}{PVK}A69F9E7646904B6801045400089000090123456789123456502265" + "4000N2",
    "BG5400089000090567899",
    "BWFF1U7148EB5D14DF3F6ED393B227C2D6B35E;000;0U0!11",
    f"BUFF1{OTHER_PVK};002;001",
    f"BU021{OTHER_PVK};001",
    "CAU6C091AE30ABB19B3EB6C4C3B8D08C071UBB224A0D70899E7D216A4DDDA615C078123C7C732E667A9BC60101540028800010",
    "JEU592A36AE05F8E181AB3939B1D29BD8D187C832F7179E9CCE01540008900009",
    "JCU95F693B7A4DF212C165A8D2FF44550D88475B774B6C63C5201540008900009",
    "JGU592A36AE05F8E181AB3939B1D29BD8D1015400089000095049248",
    "G0U3702EF0DEF15CB6DD5367784A7102C3EU3CBFC71309FC372E9A32EA67BE4C81C9"
    "A05FFFF000001315240003A496F07B85222517D0101540008900009",
    "CWUE16D4CD9EAB610034BDE2A50935BCFBE502265400089000092;2010620",
    "CYUE16D4CD9EAB610034BDE2A50935BCFBE463502265400089000092;2010620",
    f"DA{TPK}{PVK}12A69F9E7646904B68010654000890000901234567891234565022654000N2876955FFFFFF",
    f"DA{TPK}{PVK}12A69F9E7646904B68010654000890000901234567891234565022654000N2876955ffffff",
    f"EA{TPK}{PVK}12A69F9E7646904B68010654000890000901234567891234565022654000N2876955FFFFFF",
    f"DE{OTHER_PVK}73638636066540008900090123456789012345" + "5022654000N2",
    f"DG{OTHER_PVK}736386366540008900091",
    f"EE{OTHER_PVK}000000FFFFFF066540008900090123456789012345" + "5022654000N2",
    f"KQ00{MK_AC}{octets(CHIP)}{KQ_DATA}",
    f"KQ20{MK_AC}{octets(CHIP)}{octets('0A994C22203060C43030')}",
    f"KQ30{MK_AC}{MK_SMI}{octets(CHIP)}{KQ_DATA}{DISCRETIONARY}",
    f"KQ40{MK_AC}{MK_SMI}{octets(CHIP)}{KQ_DATA}00{DISCRETIONARY}",
    f"KW02{MK_AC}{octets('7804020000001800' + '0003')}28{octets(CARD_RISK_DATA)};{octets('F67B7E07A55DF243')}",
    f"KW42{MK_AC}{octets('3239010000012101005BDDA6BCC881C093AD00000000')}5{octets('8080040000')}",
    f"M0001100B{DEK}00200400980C0002AE900AF140D0C21230D7",
    f"M2001200B{DEK}004081E6BDF350C73ED13698E2C1356B58622C3871D2846FC110DD7E7A9D1024EC08",
    f"M400001100B{DEK}00B{TPK}0020311D8D13F8C617EF838441C36E33A6DA",
    f"M602031003{TPK}{MESSAGE}",
    f"M600031008{TPK}{MESSAGE}",
    f"M802031003{TPK}{MESSAGE}C57E4295",
    f"FW002{TPK}{PVK}A69F9E7646904B68015400089000094",
    f"DC{TPK}{PVK}A69F9E7646904B680154000890000942914",
    f"CU002{TPK}{PVK}2FDC581AC25C96400154000890000942914B2766AACF790B197",
    f"DU002{TPK}{PVK}2FDC581AC25C96400106540008900009FD64FC3FAD504BB35022654000N2123456FFFFFFB2766AACF790B197",
    f"GO0{BDK}{PVK}{SERIAL}BC786E28753DD4B2{CARD}",
    f"GO111{BDK}{PVK}{SERIAL}BC786E28753DD4B2{CARD}ABCD1234EF0987650016BLABLAMESSAGE\0\0\0",
    f"GQ0{BDK}{PVK}{SERIAL}A69F9E7646904B680154000890000918156",
    f"GQ0{BDK}{PVK}{SERIAL}A69F9E7646904B680154000890000918156%00",
    "GW41U99805903FDC563240A118DE88DAE0536A05FFFF000001315240000F0008" + octets("ABCABCABCDEF8000"),
    "GW11U99805903FDC563240A118DE88DAE0536A05FFFF000001315240000F40BDD0ED6B9FBCBE0008" + octets("ABCABCABCDEF8000"),
)


@pytest.mark.parametrize("request_text", UNDER_ANOTHER_LMK, ids=lambda text: text[:2])
def test_every_field_of_a_clients_request_is_found(bench: Bench, request_text: str) -> None:
    answer = asked(bench, request_text)
    assert answer[:2] == request_text[0] + chr(ord(request_text[1]) + 1)
    assert answer[2:] in ("10", "11", "14")


@pytest.mark.parametrize(
    ("request_text", "answer"),
    [
        ("B20004PING", "B300PING"),
        ("BS", "BT00"),
        (
            "GM0600016" + octets(OTHER_PVK[1:]),
            octets("68EBB852B948D5A06F1F309580D3EBD85C5F8697B4B42C5656584A37A2DDB96C"),
        ),
        ("GM0100017some data to hash", octets("3D22CA807AD75C9FF3CA07C4E6C396B7D99F7206")),
        (f"EC{ZPK_BLOCK}{PVK_BLOCK}AD72F973446E84E70185010309393617548%01", "ED00"),
        (f"EC{ZPK_BLOCK}{PVK_BLOCK}AD72F973446E84E70185010309393617549%01", "ED01"),
        (f"FWFFF{ZPK_BLOCK}{PVK_BLOCK}AD72F973446E84E7018501030939361%01", "FX007548"),
        (f"BUFFF{FORMED};FFF;001%01", "BV002AE082"),
    ],
    ids=lambda text: text[:2] if text.isprintable() else "",
)
def test_what_a_device_answered_is_answered(bench: Bench, request_text: str, answer: str) -> None:
    assert asked(bench, request_text).removeprefix("GN00") == answer


def test_a_key_of_components_has_the_header_and_check_value_that_a_device_gave_it(bench: Bench) -> None:
    """`#` says version and optional blocks alone: the components say the rest."""
    answer = asked(bench, f"A42FFFS{COMPONENTS}%01#0000")
    assert (answer[:4], answer[-6:]) == ("A500", "2AE082")
    block = answer[4:-6]
    assert block[:17] == FORMED[:17]
    assert block[17:49] == FORMED[17:49]  # the length and fourteen bytes of the key; behind it is random padding
    assert asked(bench, f"BUFFF{block};FFF;001%01") == "BV002AE082"
    assert asked(bench, f"A42FFFS{COMPONENTS}%01#52T2B00E00")[:4] == "A500"  # the whole header does as well
    assert asked(bench, f"A42FFFS{COMPONENTS}%01#52T2N00E00")[:4] == "A500"
    assert asked(bench, f"A42FFFS{COMPONENTS}%01#") == "A515"


@pytest.mark.parametrize("flag", ["", ";0", "0"])
def test_the_flag_in_front_of_a_zmk_may_lack_its_delimiter(bench: Bench, flag: str) -> None:
    answer = asked(bench, f"A01FFFS{flag}{ZMK_BLOCK}S%01#K0T2B00E00")
    assert answer[:20] == "A100S00072K0TB00E000"
    assert "S00072K0TB00E00FF" in answer


def test_a_key_moved_to_the_new_lmk_comes_with_its_check_value_where_asked(bench: Bench) -> None:
    old = GOOD["BW"]["key"]
    moved = f"BX00{under_lmk_00('001', K1)}"
    assert asked(bench, f"BWFF1{old};001;0U0!11") == moved + "653FB8"
    assert asked(bench, f"BWFF1{old};001;0U0!10").startswith(moved + "653FB8")
    assert asked(bench, f"BWFF1{old};001;0U0!01") == moved


def test_a_devices_decimalisation_table_under_the_aes_lmk_opens(bench: Bench) -> None:
    """The default table of another client, credulous67/Payshield_test: 0123456789012345 under test LMK 02."""
    assert decrypted(bench.desk.store.ring("02").lmk, "L7E852B114933025E9389968E16B8CAAB") == "0123456789012345"
    assert encrypted(bench.desk.store.ring("02").lmk, "0123456789012345") == "L7E852B114933025E9389968E16B8CAAB"


@pytest.mark.parametrize(
    ("request_text", "code"),
    [
        ("EI2102401#0000", "EJ00"),
        ("EI2102401%00#0000", "EJ00"),
        ("EI2102401%01#0000", "EJ00"),
        ("EI2102401#0000%01", "EJ00"),
        ("EI2102401%01", "EJ00"),
        ("FY010003%02#S00N00", "FZ00"),
        ("FY010003#S00N00%02", "FZ00"),
        ("NO00", "NP00"),
        ("NO01", "NP00"),
        ("N0008", "N100"),
        ("J2", "J300"),
        ("J4", "J500"),
        ("J8", "J900"),
        ("JK", "JL00"),
        ("JK%00", "JL00"),
        ("NI11", "NJ00"),
    ],
)
def test_what_load_tools_send_is_answered(request_text: str, code: str) -> None:
    """As mszeu/PayShieldPressureTest and its kin ask; an LMK id stands behind `#` or in front of it."""
    assert asked(Bench(randomness=token_bytes), request_text)[:4] == code
