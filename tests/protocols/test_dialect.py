"""The dialects, and what each of them declares."""

from __future__ import annotations

import pytest

from protocols.dialects import dialect_named, names
from protocols.errors import FormatError, LocalProtocolError
from protocols.framing import framing_named
from tests import builders


def test_the_dialects_of_today_are_there() -> None:
    assert set(names()) >= {
        "iso87_ascii",
        "iso87_ascii_binmap",
        "iso87_binary",
        "iso93_ascii",
        "iso93_binary",
        "ebcdic_cis",
        "ebcdic_base1",
    }


@pytest.mark.parametrize("name", names())
def test_every_dialect_names_a_framing_that_exists(name: str) -> None:
    dialect = dialect_named(name)
    assert dialect.name == name
    assert framing_named(dialect.framing).name == dialect.framing


def test_a_binary_bitmap_is_eight_bytes() -> None:
    frame = builders.frame("0800", "iso87_ascii_binmap")
    assert frame == b"0800" + bytes.fromhex("82200000000000000400000000000000") + b"1123205144000001301"


# DE 2 of 15 digits, DE 32 of 5, DE 35 of 27, DE 49; in the order of the wire, without head and bitmap.
ODD = {2: "378282246310005", 32: "78400", 35: "378282246310005=29121011234", 49: "784"}
ODD_DIGITS = {
    "iso87_binary": ("15" "3782822463100050", "05" "078400", "27" "378282246310005d29121011" "2340", "373834"),
    "iso93_binary": ("15" "3782822463100050", "05" "078400", "27" "378282246310005d29121011" "2340", "373834"),
    "ebcdic_base1": ("0f" "0378282246310005", "05" "078400", "1b" "0378282246310005d291210112" "34", "0784"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "wire"), ODD_DIGITS.items(), ids=ODD_DIGITS)
def test_an_odd_digit_has_its_pad_where_the_dialect_says(name: str, wire: tuple[str, ...]) -> None:
    dialect = dialect_named(name)
    for _ in range(4):  # quickly, too
        frame = dialect.encode(f"{dialect.version}100", ODD)
        assert frame.hex().endswith("".join(wire))
        assert dict(dialect.decode(frame).items()) == ODD


def test_a_pad_that_is_a_digit_is_no_pad() -> None:
    dialect = dialect_named("ebcdic_base1")
    frame = dialect.encode("0100", ODD)
    for right, wrong in (("0f03", "0f13"), ("0507", "0517"), ("0784", "1784")):
        with pytest.raises(FormatError):
            dialect.decode(bytes.fromhex(frame.hex().replace(right, wrong)))


def test_jpos_writes_the_pad_of_an_institution_code_on_the_right_and_is_read() -> None:
    frame = bytes.fromhex("08000020000100000000" "000001" "05" "784000")  # fmt: skip
    assert dialect_named("iso87_binary").decode(frame).get(32) == "78400"


def test_a_fee_of_iso87b_is_a_sign_and_packed_digits() -> None:
    frame = dialect_named("iso87_binary").encode("0100", {28: "D00000100"})
    assert frame.hex().endswith("44" + "00000100")


@pytest.mark.parametrize("name", names())
def test_a_third_bitmap_is_refused_by_name(name: str) -> None:
    dialect = dialect_named(name).bare
    codec = dialect._codec
    frame = codec.mtis.write(f"{dialect.version}100") + codec.bitmaps.write((11, 65)) + codec.bitmaps.write((2,))
    with pytest.raises(FormatError) as raised:
        dialect.decode(frame + dialect.encode(f"{dialect.version}100", {11: "000123"})[-6:])
    assert raised.value.slug == "format.de65"


def test_a_dialect_nobody_made_is_our_mistake() -> None:
    with pytest.raises(LocalProtocolError, match="iso87_ascii"):
        dialect_named("iso2012")
