"""Errors say whose fault it is, and where, and nothing of what was in the message."""

import traceback

import pytest

from protocols.errors import FormatError, LocalProtocolError, ProtocolError, RemoteProtocolError

PAN = "9414100000000017"


def test_the_peers_errors_and_ours_are_not_the_same():
    assert issubclass(FormatError, RemoteProtocolError)
    assert issubclass(RemoteProtocolError, ProtocolError)
    assert not issubclass(RemoteProtocolError, LocalProtocolError)


def test_a_format_error_names_the_element_and_the_byte():
    error = FormatError.in_element(4, offset=58, mti="0100")
    assert (error.slug, error.element, error.offset, error.mti) == ("format.de4", 4, 58, "0100")
    assert error.reason == "format.de4 at byte 58"


def test_a_missing_element_is_named_too():
    assert FormatError.missing(41).slug == "missing.de41"


def test_an_unreadable_bitmap_has_no_element():
    assert FormatError("format.bitmap", offset=4).element is None


def test_what_could_be_read_is_kept_for_the_answer():
    assert FormatError.in_element(4, readable={11: "000123"}).readable == {11: "000123"}


def test_what_could_be_read_is_copied():
    read = {11: "000123"}
    error = FormatError.in_element(4, readable=read)
    read[2] = PAN
    assert error.readable == {11: "000123"}


def test_no_text_of_a_format_error_shows_what_could_be_read():
    with pytest.raises(FormatError) as caught:
        raise FormatError.in_element(4, readable={2: PAN})
    shown = [str(caught.value), repr(caught.value), str(caught.value.args), caught.value.reason]
    shown += traceback.format_exception(caught.value)
    assert not any(PAN in text for text in shown)
