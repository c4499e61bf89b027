"""What a message shows, and the frames that are written out of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.codec.layout import ECHOED
from protocols.dialect import Dialect
from protocols.dialects import dialect_named, names
from protocols.errors import LocalProtocolError
from protocols.original import Original
from protocols.pan import Pan
from tests import builders
from tests.protocols.wire import ELEMENT_NUMBERS, own, value_of, values

ASCII, BINMAP = dialect_named("iso87_ascii"), dialect_named("iso87_ascii_binmap")
EVERY = [dialect_named(name) for name in names()]
OF_1987 = [dialect for dialect in EVERY if dialect.version == "0"]  # the messages of `builders` are of that edition
BY_NAME = [pytest.param(dialect, id=dialect.name) for dialect in OF_1987]
OFTEN = 4  # often enough that the quick functions are at work

dialects = st.sampled_from(EVERY)


@st.composite
def changes(draw: st.DrawFn, dialect: Dialect) -> dict[int, str | None]:
    """Elements to set, some of them to drop."""
    numbers = draw(st.lists(st.sampled_from(ELEMENT_NUMBERS), max_size=6, unique=True))
    return {n: draw(st.none() | value_of(n, dialect)) for n in numbers}


def changed(elements: dict[int, str], change: dict[int, str | None]) -> dict[int, str]:
    return {n: value for n, value in {**elements, **change}.items() if value is not None}


@given(st.data(), dialects)
def test_a_patched_frame_is_the_frame_encoded_from_the_changed_elements(data: st.DataObject, dialect: Dialect) -> None:
    elements, change = data.draw(values(dialect)), data.draw(changes(dialect))
    message = dialect.decode(dialect.encode(own(dialect, "0100"), elements))
    wanted = changed(elements, change)
    if not wanted:
        with pytest.raises(LocalProtocolError):
            message.patched(change)
        return
    for _ in range(OFTEN):
        assert message.patched(change, own(dialect, "0120")) == dialect.encode(own(dialect, "0120"), wanted)
    assert dict(message.items()) == elements


@given(st.data(), dialects)
def test_an_answer_carries_what_is_echoed_and_the_changes(data: st.DataObject, dialect: Dialect) -> None:
    elements, change = data.draw(values(dialect)), {11: "000001", **data.draw(changes(dialect))}
    message = dialect.decode(dialect.encode(own(dialect, "0200"), elements))
    wanted = changed({n: value for n, value in elements.items() if n in ECHOED}, change)
    if wanted:
        for _ in range(OFTEN):
            assert message.answered(change) == dialect.encode(own(dialect, "0210"), wanted)


@given(st.data(), st.sampled_from(OF_1987), st.sampled_from(OF_1987))
def test_a_translated_message_says_the_same_in_the_other_dialect(
    data: st.DataObject, ours: Dialect, theirs: Dialect
) -> None:
    elements, change = data.draw(values(ours)), data.draw(changes(ours))
    message = ours.decode(ours.encode("0100", elements))
    wanted = changed(elements, change)
    assert outcome(lambda: message.translated(theirs, change)) == outcome(lambda: theirs.encode("0100", wanted))
    if outcome(lambda: theirs.encode("0100", elements)) is not None:
        there = dict(theirs.decode(message.translated(theirs)).items())
        assert alike(there) == alike(elements)


def outcome(write: Callable[[], bytes]) -> bytes | None:
    """The frame, or None where it cannot be: nothing to write, or what the other dialect has no room for."""
    try:
        return write()
    except LocalProtocolError:
        return None


def alike(elements: dict[int, str]) -> dict[int, str]:
    """A track's two separators are one in packed digits."""
    return {n: value.replace("D", "=") if n == 35 else value for n, value in elements.items()}


@pytest.mark.parametrize("dialect", BY_NAME)
def test_elements_have_names(dialect: Dialect) -> None:
    message = builders.message(dialect=dialect.name)
    assert message.dialect is dialect
    assert message.mti == "0100"
    assert message.pan == Pan("9414100000000018")
    assert message.amount == 12000
    assert message.pin_block == "0123456789ABCDEF"
    assert message.has_pin
    assert (message.stan, message.rrn, message.terminal_id) == ("000123", "532720000123", "TERM0001")
    assert (message.currency, message.merchant_type, message.acquirer_id) == ("784", "5999", "784001")
    assert message.original is None


def test_what_a_message_does_not_carry_is_none() -> None:
    message = builders.message("0800")
    assert (message.pan, message.amount, message.pin_block, message.original) == (None, None, None, None)
    assert not message.has_pin
    assert message.network_management_code == "301"
    assert (message.get(2), message.raw(2), message.get(999)) == (None, None, None)
    assert 70 in message
    assert 2 not in message


def test_a_reversal_names_its_original() -> None:
    assert builders.message("0420").original == Original("0100", "000123", "1123205144", "784001", "0")


@pytest.mark.parametrize("dialect", BY_NAME)
def test_numbers_and_items_come_in_the_order_of_the_elements(dialect: Dialect) -> None:
    message = builders.message("0420", dialect.name)
    assert message.numbers() == tuple(sorted(builders.reversal()))
    assert dict(message.items()) == builders.reversal()


def test_raw_is_the_value_as_it_is_on_the_wire() -> None:
    assert builders.message().raw(52) == b"0123456789ABCDEF"
    assert builders.message(dialect="iso87_ascii_binmap").raw(52) == bytes.fromhex("0123456789ABCDEF")
    assert builders.message().raw(2) == b"9414100000000018"


def test_messages_of_one_bitmap_have_one_key() -> None:
    assert builders.message().bitmap_key == builders.message(stan="000777").bitmap_key
    assert builders.message().bitmap_key != builders.message(track_2=None).bitmap_key


def test_a_message_can_be_printed_anywhere() -> None:
    shown = repr(builders.message(card_acceptor_name="Gulf Mart".ljust(40)))
    assert shown.startswith("<0100 pan=941410******0018 processing_code=000000 amount=000000012000 ")
    assert "pin_block=[secret]" in shown
    for secret in ("9414100000000018", "0123456789ABCDEF", "=2912101"):
        assert secret not in shown


def test_an_answer_takes_no_secrets_along() -> None:
    answer = ASCII.decode(builders.message().answered({39: "00", 38: "A1B2C3"}))
    assert answer.mti == "0110"
    assert answer.numbers() == (2, 3, 4, 7, 11, 12, 13, 32, 37, 38, 39, 41, 42, 49)


def test_a_repeat_is_answered_like_its_first() -> None:
    assert builders.message("0421").answered({39: "00"})[:4] == b"0430"


@pytest.mark.parametrize("mti", ["0110", "0820", "9999"])
def test_what_nothing_answers_cannot_be_answered(mti: str) -> None:
    message = ASCII.decode(ASCII.encode(mti, builders.authorization()))
    with pytest.raises(LocalProtocolError):
        message.answered({39: "00"})


@pytest.mark.parametrize("number", [0, 1, 65, 129, -4])
def test_a_bitmap_is_not_an_element_to_change(number: int) -> None:
    for change in ({number: "0"}, {number: None}):
        with pytest.raises(LocalProtocolError):
            builders.message().patched(change)


def test_a_value_that_cannot_be_spelled_is_refused_however_often_the_change_was_made() -> None:
    message = builders.message()
    for _ in range(OFTEN):
        message.patched({11: "000001"})
    for wrong in ("1", "00000A", "00000²", "0000001", ""):
        with pytest.raises(LocalProtocolError) as raised:
            message.patched({11: wrong})
        assert "DE 11" in str(raised.value)


def test_a_lower_case_frame_is_copied_as_it_is_but_for_its_bitmap() -> None:
    frame = builders.frame()
    message = ASCII.decode(frame[:4] + frame[4:20].lower() + frame[20:])
    assert message.patched({}) == frame


@given(st.data(), dialects)
def test_picking_several_elements_is_getting_each(data: st.DataObject, dialect: Dialect) -> None:
    message = dialect.decode(dialect.encode(own(dialect, "0100"), data.draw(values(dialect))))
    numbers = tuple(data.draw(st.lists(st.integers(0, 130), max_size=8)))
    for _ in range(OFTEN):
        message = dialect.decode(message.patched({}))
        assert message.pick(numbers) == tuple(message.get(number) for number in numbers)
