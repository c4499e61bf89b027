"""Headers before messages: kept, turned round in answers, put on when a message goes elsewhere, and never journaled."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.codec.headed import HeadedMessage
from protocols.dialect import Dialect
from protocols.dialects import dialect_named, names
from protocols.errors import FormatError, LocalProtocolError
from protocols.header import BASE_ONE, Header
from tests import builders

TPDU = bytes.fromhex("6000010002")
PLAIN = dialect_named("iso87_ascii")
TURNED = PLAIN.headed(Header(5, "swap_tpdu", own=bytes.fromhex("6000090009")))
ECHOED = PLAIN.headed(Header(5))
BASE = dialect_named("ebcdic_base1")
FROM_A_STATION = bytes.fromhex("160102" "0000" "123456" "789000" "0102030405060708090a0b")  # fmt: skip


def received(dialect: Dialect, header: bytes, mti: str = "0100") -> HeadedMessage:
    body = dialect.bare.encode(mti, builders.values(mti))
    message = dialect.decode(header + body)
    assert isinstance(message, HeadedMessage)
    return message


def test_a_message_has_its_header_and_its_frame_is_without_it() -> None:
    message = received(TURNED, TPDU)
    assert (message.header, message.frame) == (TPDU, builders.frame())
    assert dict(message.items()) == builders.authorization()
    assert message.dialect is TURNED
    assert builders.message().header == b""


def test_an_answer_turns_a_tpdu_round_and_echoes_what_is_opaque() -> None:
    plain = builders.message().answered({39: "00"})
    assert received(TURNED, TPDU).answered({39: "00"}) == bytes.fromhex("6000020001") + plain
    assert received(ECHOED, TPDU).answered({39: "00"}) == TPDU + plain


def test_a_change_keeps_the_header_and_a_forwarded_message_has_ours() -> None:
    message, body = received(TURNED, TPDU), builders.message().patched({11: "000777"})
    own = bytes.fromhex("6000090009")
    assert message.patched({11: "000777"}) == TPDU + body
    assert message.translated(TURNED, {11: "000777"}) == own + body
    assert message.translated(ECHOED, {11: "000777"}) == bytes(5) + body
    assert message.translated(PLAIN, {11: "000777"}) == body
    assert builders.message().translated(TURNED, {11: "000777"}) == own + body
    assert TURNED.encode("0100", builders.authorization()) == own + builders.frame()


def test_a_refusal_answers_the_header_of_what_was_refused() -> None:
    with pytest.raises(FormatError) as raised:
        TURNED.decode(TPDU + builders.frame().replace(b"000000012000", b"00000001200X"))
    error = raised.value
    assert (error.slug, error.header) == ("format.de4", TPDU)
    with pytest.raises(FormatError) as bare:
        PLAIN.decode(builders.frame().replace(b"000000012000", b"00000001200X"))
    assert (error.offset, error.readable) == (bare.value.offset + 5, bare.value.readable)
    answer = TURNED.encode("0110", {11: "000123", 39: "30"}, answering=error.header)
    assert answer == bytes.fromhex("6000020001") + PLAIN.encode("0110", {11: "000123", 39: "30"})


@pytest.mark.parametrize("frame", [b"", b"\x60", TPDU])
def test_a_header_with_nothing_behind_it_is_no_message(frame: bytes) -> None:
    with pytest.raises(FormatError, match=r"format\.mti"):
        TURNED.decode(frame)


def test_what_is_kept_of_a_message_does_not_say_its_header_and_can_be_read_by_name() -> None:
    for dialect, header in ((TURNED, TPDU), (BASE, FROM_A_STATION)):
        message = received(dialect, header)
        kept = message.kept({})
        assert header[-2:] not in kept[: len(header)]
        again = dialect_named(message.dialect.name).decode(kept)
        assert again.stan == message.stan
        assert not again.has_pin


def test_base_one_swaps_the_stations_and_states_the_length() -> None:
    answer = received(BASE, FROM_A_STATION).answered({39: "00"})
    assert answer[:22].hex() == "160102" + f"{len(answer):04x}" + "789000" + "123456" + "0102030405060708090a0b"
    sent = BASE.encode("0800", builders.network_management())
    assert sent[:22].hex() == "160102" + f"{len(sent):04x}" + "00" * 17


def test_a_header_is_named_by_its_length_unless_the_dialect_has_it_anyway() -> None:
    assert (TURNED.name, BASE.headed(BASE_ONE).name) == ("iso87_ascii+5", "ebcdic_base1")
    assert TURNED.bare is PLAIN
    assert BASE.headed(Header(12)).name == "ebcdic_base1+12"
    assert BASE.headed(Header(12)).bare is BASE.bare
    for wrong in ("iso87_ascii+", "iso87_ascii+0", "iso87_ascii+5x", "iso87_ascii+100", "klingon+5"):
        with pytest.raises(LocalProtocolError):
            dialect_named(wrong)


WRONG = {
    "none at all": (0, "echo", b""),
    "longer than any": (100, "echo", b""),
    "a manner of nobody's": (5, "shake", b""),
    "a TPDU of six bytes": (6, "swap_tpdu", b""),
    "base one of twelve": (12, "swap_base1", b""),
    "ours of another length": (5, "echo", b"1234"),
}


@pytest.mark.parametrize(("length", "on_answer", "own"), WRONG.values(), ids=WRONG)
def test_a_header_that_cannot_be_is_our_mistake(length: int, on_answer: str, own: bytes) -> None:
    with pytest.raises(LocalProtocolError):
        Header(length, on_answer, own)


@given(st.sampled_from(names()), st.binary(min_size=7, max_size=7), st.binary(max_size=80))
def test_behind_any_header_anything_is_read_as_it_would_be_alone(name: str, header: bytes, body: bytes) -> None:
    dialect = dialect_named(name).headed(Header(7))
    try:
        alone = dialect.bare.decode(body)
    except FormatError as broke:
        with pytest.raises(FormatError) as raised:
            dialect.decode(header + body)
        assert (raised.value.slug, raised.value.offset) == (broke.slug, broke.offset + 7)
    else:
        assert dict(dialect.decode(header + body).items()) == dict(alone.items())
