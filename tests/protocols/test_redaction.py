"""No secret is shown, by property: whatever message carries it, however it breaks, whoever prints it.

Card numbers, tracks, codes, PIN blocks and chip data are put into every message type of every
dialect; the message and broken forms of it go through everything that writes for people, and
what was written is searched in all the forms of `tests.canaries`.
"""

from __future__ import annotations

import hashlib
import io
import json
import traceback
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache

import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols import dialects, tlv
from protocols import elements as de
from protocols.dialect import Dialect
from protocols.dialects import dialect_named
from protocols.elements import ELEMENTS, Sensitivity
from protocols.errors import FormatError, LocalProtocolError, ProtocolError, RemoteProtocolError
from protocols.hsm import build_request, read_answer, read_request
from protocols.message import Message
from protocols.mti import MESSAGE_TYPES
from protocols.runtime.log import set_up_logging
from switch.inspection import document, inspect_frame, inspect_given, inspected, meant, message_document
from tests.canaries import Canary, found_in

SEEDS = range(7)  # the lengths of card numbers; what is drawn is where the secrets stand and how the frame breaks
OPEN: Mapping[int, str] = {3: "000000", 4: "000000012000", 11: "000123", 41: "UAEM0001", 49: "784"}


def digits(seed: int, name: str, length: int) -> str:
    """Digits that look like nothing else, also when hypothesis makes the seed small."""
    return str(int(hashlib.sha256(f"{name} {seed}".encode()).hexdigest(), 16))[-length:]


def hexed(seed: int, name: str, size: int) -> str:
    return hashlib.sha256(f"{name} {seed}".encode()).hexdigest()[: 2 * size].upper()


@cache
def secrets_of(seed: int) -> Mapping[int, str]:
    """One value for every element that holds a secret, by number; texts are words nobody says."""
    pan, track = digits(seed, "pan", 13 + seed % 7), digits(seed, "track", 13)
    code = digits(seed, "code", 9)
    text = {number: f"T{digits(seed, str(number), 10)}" for number in _TEXTS}
    return {
        **text,
        de.PAN: pan,
        de.EXTENDED_PAN: digits(seed, "extended", 19),
        de.TRACK_2: f"{pan}={track}",
        de.TRACK_3: f"01{pan}={digits(seed, 'track 3', 20)}",
        de.TRACK_1: f"B{pan}^{hexed(seed, 'holder', 5)}^{digits(seed, 'track 1', 12)}",
        de.PRIVATE_DATA: f"42020592{len(code):02d}{code}99{len(code):02d}{digits(seed, 'unknown', 9)}",
        de.PIN_BLOCK: hexed(seed, "block", 8),
        de.ICC_DATA: chip_data(seed),
        de.MESSAGE_SECURITY_CODE: hexed(seed, "security", 8),
        de.FROM_ACCOUNT: digits(seed, "from", 18),
        de.TO_ACCOUNT: digits(seed, "to", 18),
    }


def chip_data(seed: int) -> str:
    """Every tag that may not be shown, one that may not be shown whole, and one that nobody knows."""
    secret = [tag for tag, row in tlv.TAGS.items() if row.show is tlv.Show.SECRET]
    values = {tag: bytes.fromhex(hexed(seed, tag, 7)) for tag in (*secret, "DF21")}
    values[tlv.CARD_NUMBER] = bytes.fromhex(digits(seed, "chip", 16))
    return tlv.pack(tlv.Tlv(tag, value) for tag, value in values.items()).hex().upper()


_BY_NAME = {de.TRACK_2, de.TRACK_3, de.TRACK_1, de.PIN_BLOCK, de.ICC_DATA, de.MESSAGE_SECURITY_CODE}
_TEXTS = [n for n, row in ELEMENTS.items() if row.sensitivity is Sensitivity.SECRET and n not in _BY_NAME]


def canaries_of(values: Mapping[int, str]) -> list[Canary]:
    """What must not be found: whole values, and the parts of them that are secret by themselves."""
    return [canary for number, value in values.items() for canary in _canaries(number, value)]


@cache
def _canaries(number: int, value: str) -> list[Canary]:
    is_binary = ELEMENTS[number].kind is de.Kind.B
    return [Canary(f"DE {number}", part, is_binary) for part in _secret_parts(number, value)]


def _secret_parts(number: int, value: str) -> list[str]:
    if number == de.PRIVATE_DATA:
        return [value[8:17], value[-9:]]
    if number == de.ICC_DATA:
        return [value, *(one.value.hex().upper() for one in tlv.parse(bytes.fromhex(value)))]
    if number == de.TRACK_1:
        return [value, *value.split("^")[1:]]
    return [value, *value.split("=")[1:]]


def test_every_element_that_is_not_open_is_among_the_secrets() -> None:
    assert secrets_of(1).keys() == {n for n, row in ELEMENTS.items() if row.sensitivity is not Sensitivity.OPEN}


def secrets_in(dialect: Dialect, seed: int) -> dict[int, str]:
    """Those that its edition keeps secret: some numbers are other elements in 1993."""
    known = dialect.dictionary
    return {n: value for n, value in secrets_of(seed).items() if known[n].sensitivity is not Sensitivity.OPEN}


def carried(dialect: Dialect, mti: str, values: Mapping[int, str]) -> dict[int, str]:
    """Those of the values that the dialect has room for."""
    found = {}
    for number, value in values.items():
        with suppress(LocalProtocolError):
            dialect.encode(mti, {number: value})
            found[number] = value
    return found


@st.composite
def laden(draw: st.DrawFn) -> tuple[Dialect, bytes, dict[int, str]]:
    """A frame of any type and dialect, and the secrets in it."""
    dialect = dialect_named(draw(st.sampled_from(dialects.names())))
    mti = dialect.version + draw(st.sampled_from(sorted(MESSAGE_TYPES)))[1:]
    every = secrets_in(dialect, draw(st.sampled_from(SEEDS)))
    wanted = draw(st.sets(st.sampled_from(sorted(every)), min_size=1))
    secrets = carried(dialect, mti, {number: every[number] for number in sorted(wanted)})
    return dialect, dialect.encode(mti, {**carried(dialect, mti, OPEN), **secrets}), secrets


# --- everything that writes for people


def _told(error: BaseException) -> bytes:
    """An error in every way that Python prints one."""
    lines = traceback.format_exception(error)
    return "\n".join((str(error), repr(error), repr(error.args), *lines)).encode()


def logged(**facts: object) -> bytes:
    """A log line for machines and one for a terminal."""
    written = b""
    for colours in (False, True):
        stream = io.StringIO()
        set_up_logging(stream=stream, colours=colours)
        structlog.get_logger().error("something happened", **facts)
        written += stream.getvalue().encode()
    structlog.reset_defaults()
    return written


def told_of_message(message: Message) -> Iterator[bytes]:
    yield f"{message!r} {message} {message.pan!r} {message.pan}".encode()
    yield json.dumps(message_document(inspected(message))).encode()
    known = message.dialect.dictionary
    named = {known[number].name: value for number, value in message.items()}
    yield logged(message=message, frame=message.frame, card=message.pan, elements=named, **named)


def told_of_frame(dialect: Dialect, frame: bytes) -> bytes:
    """All that is said about a frame, whether it reads or not."""
    return b"\n".join(_told_of_frame(dialect, frame))


def _told_of_frame(dialect: Dialect, frame: bytes) -> Iterator[bytes]:
    try:
        message = dialect.decode(frame)
    except FormatError as error:
        yield _told(error)
        yield logged(error=error, exc_info=error, frame=frame, failed=(error, frame))
    else:
        yield from told_of_message(message)
    yield json.dumps(message_document(inspect_frame(dialect.name, frame))).encode()
    yield repr(inspect_frame(dialect.name, frame)).encode()


@settings(max_examples=40, deadline=None)
@given(laden())
def test_a_message_that_reads_shows_no_secret(laden: tuple[Dialect, bytes, dict[int, str]]) -> None:
    dialect, frame, secrets = laden
    assert found_in(told_of_frame(dialect, frame), canaries_of(secrets)) == []


@settings(max_examples=40, deadline=None)
@given(laden(), st.integers(0, 10_000))
def test_a_message_that_breaks_off_shows_no_secret(laden: tuple[Dialect, bytes, dict[int, str]], length: int) -> None:
    """Wherever it ends. Damage within a bitmap or a length is not in here: it makes another message, in which the
    digits of a closed element may be those of an open one, and masking by element cannot know."""
    dialect, frame, secrets = laden
    assert found_in(told_of_frame(dialect, frame[: length % (len(frame) + 1)]), canaries_of(secrets)) == []


@settings(max_examples=40, deadline=None)
@given(laden(), st.sampled_from(("whole", "cut", "framed")), st.integers(1, 400))
def test_no_guess_at_a_dialect_shows_a_secret(
    laden: tuple[Dialect, bytes, dict[int, str]], how: str, length: int
) -> None:
    _, frame, secrets = laden
    data = {"whole": frame, "cut": frame[:length], "framed": len(frame).to_bytes(2, "big") + frame}[how]
    for given_as in (data, data.hex().encode()):
        written = json.dumps(document(inspect_given(meant(given_as)))).encode()
        assert found_in(written, canaries_of(secrets)) == []


EVERYWHERE = [(dialect, "0100") for dialect in dialects.names()] + [("iso87_ascii", mti) for mti in MESSAGE_TYPES]


@pytest.mark.parametrize(("dialect", "mti"), EVERYWHERE)
def test_every_secret_at_once_in_every_dialect_and_message_type(dialect: str, mti: str) -> None:
    spoken = dialect_named(dialect)
    kind = spoken.version + mti[1:]
    secrets = carried(spoken, kind, secrets_in(spoken, 3))
    assert len(secrets) > 10
    assert found_in(told_of_frame(spoken, spoken.encode(kind, secrets)), canaries_of(secrets)) == []


@pytest.mark.parametrize("number", sorted(secrets_of(1)))
def test_a_value_that_cannot_be_spelled_is_not_repeated(number: int) -> None:
    value = secrets_of(1)[number]
    spoken = dialect_named("iso87_ascii")
    message = spoken.decode(spoken.encode("0100", OPEN))
    for spoiled in (f"{value}\x00", f"{value}\xb2", value * 99):
        for refuse in (message.patched, message.answered, lambda changes: spoken.encode("0100", changes)):
            with pytest.raises(LocalProtocolError) as raised:
                refuse({number: spoiled})
            assert found_in(_told(raised.value), _canaries(number, value)) == []


# --- the HSM's messages hold nothing but secrets


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(SEEDS), st.integers(0, 120))
def test_a_host_command_shows_neither_key_nor_pin(seed: int, length: int) -> None:
    key, block, account = f"U{hexed(seed, 'key', 16)}", hexed(seed, "block", 8), digits(seed, "account", 12)
    secrets = [
        Canary("key", key[1:], is_binary=True),
        Canary("block", block, is_binary=True),
        Canary("account", account),
    ]
    frame = build_request(
        "CC", b"0001", source_key=key, destination_key=key, maximum_pin_length="12", pin_block=block,
        source_format="01", destination_format="01", account=account, trailer=account.encode(),
    )  # fmt: skip
    for spoiled in (frame, frame[: 6 + length], frame[: 6 + length] + b"~" + frame[6:]):
        request = read_request(spoiled)
        assert found_in(f"{request!r} {request}".encode() + logged(request=request), secrets) == []
        try:
            answer = read_answer("CC", b"0001CD00" + spoiled[6:])
        except ProtocolError as error:
            assert isinstance(error, RemoteProtocolError)
            assert found_in(_told(error) + logged(exc_info=error), secrets) == []
        else:
            assert found_in(repr(answer).encode() + logged(answer=answer), secrets) == []


def test_a_command_that_cannot_be_built_does_not_say_with_what() -> None:
    key = hexed(1, "key", 20)
    with pytest.raises(LocalProtocolError) as raised:
        build_request("DC", b"0001", terminal_key=key, pvk=key, pin_block=key)
    assert found_in(_told(raised.value), [Canary("key", key, is_binary=True)]) == []
