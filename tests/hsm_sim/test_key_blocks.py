"""Key blocks: Thales' versions 0 and 1, TR-31 A to D, and in which order a bad one is refused."""

import warnings
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsm_sim.desk import Desk
from hsm_sim.errors import RefusedError
from hsm_sim.figures import Figures
from hsm_sim.key_block import RESERVED, Attributes, read_header, unwrap, wrap
from hsm_sim.keys import KeyStore
from hsm_sim.lmk import SETS
from hsm_sim.primitives.aes import AesKey
from hsm_sim.primitives.des import DesKey
from hsm_sim.settings import Settings
from tests.hsm_sim.known import K1, K2, Bench, a_few, counted_up

with warnings.catch_warnings():  # psec feeds 16-byte keys to TripleDES
    warnings.simplefilter("ignore")
    from psec import tr31

LMK_01, LMK_02 = SETS["test-3des-block"], SETS["test-aes-block"]


def _padding(count: int) -> bytes:
    return bytes(range(0xA1, 0xA1 + count))


# Row 17 of the design's known answers: LMK, LMK id, key, header, block.
THALES = [
    (
        LMK_01,
        "01",
        K1,
        Attributes("72", "T", "N", "00", "S"),
        "S0007272TN00S0001DAB3EC2129A356229483B6A92D358D7F87818C4730C886EF76471AAC",
    ),
    (
        LMK_01,
        "01",
        K2,
        Attributes("P0", "T", "E", "00", "N"),
        "S00072P0TE00N000172EB3BCC5AC0B11DC92FDB80F67698C62D5CA4A1DAECA2ECF26F915D",
    ),
    (
        LMK_02,
        "02",
        K1,
        Attributes("72", "T", "N", "00", "S"),
        "S1009672TN00S0002E995968A8295EB4740DC7DE898E6F2EE4DAFEB59A3CE38063437A5556B754D6A37CD35920F96CAF0",
    ),
]


@pytest.mark.parametrize(("lmk", "lmk_id", "key", "attributes", "block"), THALES)
def test_thales_blocks_are_as_computed_elsewhere(
    lmk: DesKey | AesKey, lmk_id: str, key: bytes, attributes: Attributes, block: str
) -> None:
    assert wrap(lmk, attributes, key, _padding, lmk_id) == block
    assert unwrap(lmk, block, lmk_id) == (key, attributes)


# Row 16: protection key, block, key.
TR31 = [
    (
        "89E88CF7931444F334BD7547FC3F380C",
        "A0072P0TE00E0000F5161ED902807AF26F1D62263644BD24192FDB3193C730301CEE8701",
        "F039121BEC83D26B169BDCD5B22AAF8F",
    ),
    (
        "DD7515F2BFC17F85CE48F3CA25CB21F6",
        "B0080P0TE00E000094B420079CC80BA3461F86FE26EFC4A3B8E4FA4C5F5341176EED7B727B8A248E",
        "3F419E1CB7079442AA37474C2EFBF8B8",
    ),
    (
        "B8ED59E0A279A295E9F5ED7944FD06B9",
        "C0096B0TX12S0100KS1800604B120F9292800000BFB9B689CB567E66FC3FEE5AD5F52161FC6545B9D60989015D02155C",
        "EDB380DD340BC2620247D445F5B8D678",
    ),
    (
        "1D22BF32387C600AD97F9B97A51311AC",
        "B0104B0TX12S0100KS1800604B120F9292800000BB68BE8680A400D9191AD4ECE45B6E6C0D21C4738A52190E248719E24B433627",
        "E8BC63E5479455E26577F715D587FE68",
    ),
    (
        "88E1AB2A2E3DD38C1FA039A536500CC8A87AB9D62DC92C01058FA79F44657DE6",
        "D0112P0AE00E0000B82679114F470F540165EDFBF7E250FCEA43F810D215F8D207E2E417C07156A27E8E31DA05F7425509593D03A457DC34",
        "3F419E1CB7079442AA37474C2EFBF8B8",
    ),
]


@pytest.mark.parametrize(("under", "block", "key"), TR31, ids="ABCBD"[:5].replace("", " ").split())
def test_published_tr31_blocks_open(under: str, block: str, key: str) -> None:
    secret, attributes = unwrap(_protection(block[0], bytes.fromhex(under)), "R" + block, RESERVED)
    assert secret == bytes.fromhex(key)
    assert attributes.optional == ((("KS", "00604B120F9292800000"),) if "KS" in block else ())


def _protection(version: str, clear: bytes) -> DesKey | AesKey:
    return AesKey(clear) if version == "D" else DesKey(clear)


_OPTIONAL = st.sampled_from([(), (("KS", "00604B120F9292800000"),), (("CT", "x"), ("TS", "20260101000000Z"))])


@a_few
@given(
    st.sampled_from("ABCD"),
    st.sampled_from([16, 24, 32]),
    st.sampled_from([8, 16, 24, 32]),
    _OPTIONAL,
    st.data(),
)
def test_what_we_wrap_as_tr31_psec_opens_and_the_reverse(
    version: str, under: int, length: int, optional: tuple[tuple[str, str], ...], data: st.DataObject
) -> None:
    under = min(under, 24) if version != "D" else under
    clear = data.draw(st.binary(min_size=under, max_size=under))
    secret = data.draw(st.binary(min_size=length, max_size=length))
    attributes = Attributes("D0", "A" if version == "D" else "T", "B", "07", "S", optional)
    ours = wrap(_protection(version, clear), attributes, secret, bytes, RESERVED, version)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        header, opened = tr31.unwrap(clear, ours[1:])
        theirs = tr31.wrap(clear, header, secret)  # which hides the key's length with padding
    assert opened == secret
    assert (header.key_usage, header.mode_of_use, header.version_num, header.exportability) == ("D0", "B", "07", "S")
    again, said = unwrap(_protection(version, clear), "R" + theirs, RESERVED)
    assert again == secret
    assert tuple(row for row in said.optional if row[0] != "PB") == optional


@pytest.mark.parametrize(("lmk", "lmk_id", "key", "attributes", "block"), THALES)
def test_any_changed_character_is_refused_and_behind_the_header_by_the_mac(
    lmk: DesKey | AesKey, lmk_id: str, key: bytes, attributes: Attributes, block: str
) -> None:
    for at in range(1, len(block)):
        changed = block[:at] + ("1" if block[at] != "1" else "2") + block[at + 1 :]
        with pytest.raises(RefusedError) as refused:
            unwrap(lmk, changed, lmk_id)
        expected = {1: "A1", **dict.fromkeys(range(2, 6), "80"), 15: "A3", 16: "A3"}.get(at, "A4")
        if at in (13, 14):  # optional blocks that are not there
            assert refused.value.code in ("B2", "A4")
        else:
            assert refused.value.code == expected, at


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda block: block[:-1] + "g", "A4"),
        (lambda block: block[:5], "B2"),
        (lambda block: block[:2] + "9" * 4 + block[6:], "80"),
        (lambda block: block[:2] + "00x2" + block[6:], "B2"),
        (lambda block: "S1" + block[2:], "A1"),
        (lambda block: "R" + block[1:], "A1"),
        (lambda block: block[:15] + "02" + block[17:], "A3"),
        (lambda block: block[:13] + "01" + block[15:], "B2"),
        (lambda block: "S00060" + block[6:61], "80"),
    ],
)
def test_what_is_no_block_of_ours_has_its_code(change, error: str) -> None:
    with pytest.raises(RefusedError) as refused:
        unwrap(LMK_01, change(THALES[0][4]), "01")
    assert refused.value.code == error


def test_a_length_inside_that_cannot_be_is_a5_and_a_repeated_optional_block_bc() -> None:
    good = unwrap(LMK_01, THALES[0][4], "01")[1]
    twice = Attributes(good.usage, "T", optional=(("KS", "00"), ("KS", "01")))
    with pytest.raises(RefusedError) as refused:
        unwrap(LMK_01, wrap(LMK_01, twice, K1, bytes, "01"), "01")
    assert refused.value.code == "BC"
    with pytest.raises(RefusedError) as refused:
        unwrap(LMK_01, wrap(LMK_01, good, b"", bytes, "01"), "01")
    assert refused.value.code == "A5"


@a_few
@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=120), st.sampled_from(["S", "R"]))
def test_noise_is_refused_and_never_a_defect(noise: str, scheme: str) -> None:
    for lmk in (LMK_01, LMK_02):
        with pytest.raises(RefusedError):
            unwrap(lmk, scheme + noise, "01")


@a_few
@given(_OPTIONAL, st.sampled_from([8, 16, 24, 32]), st.sampled_from([LMK_01, LMK_02]))
def test_a_header_is_read_as_it_was_written(optional, length: int, lmk: DesKey | AesKey) -> None:
    attributes = Attributes("P0", "T", "D", "03", "E", optional)
    block = wrap(lmk, attributes, bytes(length), bytes, "07")
    said, end = read_header(block[1:])
    assert (end + 0) % (8 if lmk is LMK_01 else 16) == 0
    assert tuple(row for row in said.optional if row[0] != "PB") == optional
    assert unwrap(lmk, block, "07")[0] == bytes(length)


# Status and dates: what a key's optional blocks say of the time it may be used.


def _at(hour: str) -> Bench:
    """An HSM whose clock says this hour."""
    instant = datetime.strptime(hour, "%Y:%m:%d:%H").replace(minute=30, tzinfo=UTC)
    bench = Bench()
    bench.desk = Desk(bench.settings, counted_up, figures=Figures(lambda: instant))
    return bench


def _zpk(optional: tuple[tuple[str, str], ...]) -> str:
    attributes = Attributes("72", "T", optional=optional)
    return wrap(KeyStore(Settings()).ring("01").lmk.key, attributes, K1, counted_up, "01")


def _checked(bench: Bench, key: str) -> str:
    return bench.ask("BU", lmk_id="01", pair_code="FF", key_length="F", key=key, key_type="FFF").error


YEAR = (("03", "2026:01:01:00"), ("04", "2026:12:31:23"))


@pytest.mark.parametrize(
    ("hour", "code"),
    [
        ("2025:12:31:23", "AE"),
        ("2026:01:01:00", "00"),
        ("2026:12:31:23", "00"),
        ("2027:01:01:00", "AF"),
    ],
)
def test_a_key_is_used_from_its_first_hour_to_its_last(hour: str, code: str) -> None:
    assert _checked(_at(hour), _zpk(YEAR)) == code


@pytest.mark.parametrize(
    ("optional", "code"),
    [
        ((("00", "L"),), "00"),
        ((("00", "T"),), "00"),
        ((("00", "E"),), "AD"),
        ((("00", ""),), "AD"),
        ((("03", "2026-01-01"),), "AE"),
        ((("04", "2026:13:01:00"),), "AF"),
        ((("05", "for the shops of the south"),), "00"),
        ((("00", "L"), ("00", "L")), "BC"),
    ],
)
def test_status_and_dates_are_read_after_the_mac(optional: tuple[tuple[str, str], ...], code: str) -> None:
    bench = _at("2026:06:01:12")
    block = _zpk(optional)
    assert _checked(bench, block) == code
    spoilt = block[:-1] + ("0" if block[-1] != "0" else "1")
    assert _checked(bench, spoilt) == "A4"


@pytest.mark.parametrize(
    ("optional", "code"),
    [
        ("0005L", "00"),
        ("0004", "AD"),
        ("0311" + "2026:01:01:00", "00"),
        ("0311" + "2026:01:01:99", "AE"),
        ("0411" + "2026:01:32:00", "AF"),
        ("0311" + "2026:01:01:00" + "0411" + "2025:01:01:00", "AF"),
    ],
)
def test_a_new_key_says_nothing_of_its_time_that_nobody_could_read(optional: str, code: str) -> None:
    header = {"key_usage": "72", "key_algorithm": "T2", "key_mode": "N", "key_version": "00", "key_exportability": "N"}
    made = _at("2026:06:01:12").ask(
        "A0", lmk_id="01", mode="0", key_type="FFF", scheme="S", **header, key_optional=optional
    )
    assert made.error == code
