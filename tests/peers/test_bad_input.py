"""Bad input, case by case: what is wrong with it, what is said about it, and that nothing else suffers.

The cases are the rows of the project's catalogue of bad input. After each, an echo on the same connection
(the `client` fixture's canary) must be answered within a second; where the connection must end, on a new one.
Another connection is open all the while (`bystander`) and must not notice. Which row is tested where, on a socket
against the running switch unless it says otherwise; `codec` is tests/protocols/test_codec.py, for every dialect, and
the log is read at the end.

| rows | what | where |
|---|---|---|
| 1, 3, 11 | length zero, too long; TLS, HTTP, SSH | test_stranger; keep-alive in runtime/test_link |
| 2, 16, 19, 20, 22, 25 | not readable as far as its elements: R | here; codec |
| 4, 6, 15 | ten seconds for a frame, for a peer that never reads | runtime/test_link, in virtual time |
| 5, 9, 14, 59 | cut short, another framing, reset, noise: C | here; test_framing |
| 7, 8, 13 | a thousand frames; cut at every byte; half-close | here; test_stranger |
| 10 | lengths in digits that are none | test_framing, for every framing |
| 12 | plain text on the TLS port | tests of TLS |
| 17, 18, 56 | unknown types, answers nobody asked for | here; test_stranger; switch/test_authorize, test_promises |
| 21, 23, 24, 26-29, 31 | bitmaps and lengths that lie: F | here; codec |
| 30 | BCD lengths with A to F | codec, for dialects that have them |
| 32-35 | BER-TLV that is none | here; protocols/test_tlv |
| 36-39 | amounts and currencies | here; test_stranger |
| 40-42 | card numbers, tracks, chips | here; test_stranger; codec |
| 43-48 | moments, dates, numbers | here; protocols/test_values, switch/test_strictness |
| 49 | characters that steer | here; codec; the log |
| 50 | PIN blocks | here (form); hsm_sim, switch/test_promises (noise inside) |
| 53, 54 | originals, what replaces them | here; switch/test_promises |
| 57 | answers without sense | test_stranger; switch/test_promises |
| 58 | network management | test_stranger; the limit on its rate in switch/test_links |
| 60 | the HSM's port | tests/hsm_sim |

MACs (51, 52) are in test_sealed, completions of pre-authorizations (55) in switch/test_completion.
"""

from __future__ import annotations

import random
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta, timezone

import pytest

from tests.network import ASK_WITHIN_S, SWITCH, RunningNetwork
from tests.peers.client import Client, framed, pack, reversal_of
from tests.peers.conftest import sings

UTC = timezone.utc  # noqa: UP017 (a stranger's Python may be old)
VISA = "4111111111111111"
BITMAP = slice(4, 20)
PAN_AT, AFTER_PAN = 20, 20 + 2 + len(VISA)


def say(client: Client, frame: bytes) -> tuple[str, str, str | None]:
    """Message type, DE 39 and DE 44 of what comes back."""
    client.send(frame)
    mti, fields = client.receive()
    return mti, fields[39], fields.get(44)


def sale(client: Client, **more: str | None) -> bytes:
    return pack("0100", client.purchase(VISA, 5000, "784", **more))


def with_bits(frame: bytes, bits: int) -> bytes:
    """The frame, claiming in its first bitmap to hold more than it does."""
    return frame[:4] + f"{int(frame[BITMAP], 16) | bits:016X}".encode() + frame[20:]


def without_bits(frame: bytes, bits: int) -> bytes:
    """The frame, with elements that its bitmap does not tell of."""
    return frame[:4] + f"{int(frame[BITMAP], 16) & ~bits:016X}".encode() + frame[20:]


def bit(number: int) -> int:
    return 1 << (64 - number)


@pytest.fixture(autouse=True)
def nobody_else_notices(bystander: Client) -> Iterator[None]:
    yield
    sings(bystander)


# --- the framing cannot be trusted: the connection ends


def test_a_frame_one_byte_short(closing_client: Client) -> None:
    closing_client.socket.sendall(framed(sale(closing_client))[:-1])
    closing_client.socket.shutdown(socket.SHUT_WR)
    assert closing_client.last_words() == b""


def test_a_length_that_counts_itself(closing_client: Client, network: RunningNetwork) -> None:
    """The log says what would have fitted."""
    echo = pack("0800", closing_client.echo())
    closing_client.socket.sendall(((len(echo) + 2).to_bytes(2, "big") + echo) * 2)
    closing_client.last_words()
    told = "it looks like len2_incl"  # after the connection's end, perhaps
    network.until(lambda: told in network.log_of(SWITCH), ASK_WITHIN_S, told)


def test_a_reset_in_the_middle_of_a_frame(closing_client: Client) -> None:
    closing_client.socket.sendall(framed(sale(closing_client))[:50])
    closing_client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    closing_client.socket.close()


@pytest.mark.parametrize(
    "noise",
    [b"\xff" * 10_000_000, b"\x00" * 10_000_000, b"\xff\x07" + random.Random(8583).randbytes(1_000_000)],
    ids=["ten million FF", "ten million 00", "random bytes"],
)
def test_a_stream_of_noise(closing_client: Client, noise: bytes) -> None:
    with suppress(ConnectionResetError, BrokenPipeError):  # it is closed at the first bytes
        closing_client.socket.sendall(noise)
    assert closing_client.last_words() == b""


def test_random_bytes_that_frame_by_chance_are_rejected_before_they_end_it(closing_client: Client) -> None:
    closing_client.socket.sendall(framed(random.Random(1987).randbytes(300)) + b"\xff" * 100)
    words = closing_client.last_words()
    assert words[2:6] == b"0620"


def test_a_thousand_frames_in_one_segment_are_all_answered(client: Client) -> None:
    echoes = [client.echo() for _ in range(1000)]
    client.send(*(pack("0800", echo) for echo in echoes))
    assert [client.receive()[1][11] for _ in echoes] == [echo[11] for echo in echoes]


# --- cannot be read as far as its number: 0620 with 30


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (b"0", "format.mti"),
        (b"0100", "format.bitmap"),
        (b"01A0" + b"7" * 16, "format.mti"),
        (b"0100" + b"0" * 16, "format.bitmap"),
        (b"0100" + b"72 80000000000 0", "format.bitmap"),
        (b"0100" + b"G" * 16, "format.bitmap"),
        (b"010", "format.mti"),
        (b"0100" + b"7" * 15, "format.bitmap"),
        (b"\x00" * 24, "format.mti"),
        (b"\x01\x00" + b"\x70" * 22, "format.mti"),
        (b" 100" + b"7" * 16, "format.mti"),
        (b"\xb2100" + b"7" * 16, "format.mti"),
        (b"0100" + b"F" + b"7" * 15, "format.bitmap"),
        (b"0100" + b"8" + b"0" * 31, "format.bitmap"),
    ],
    ids=[
        "one byte",
        "type only",
        "letters in the type",
        "empty bitmap",
        "spaces in the bitmap",
        "no hex in the bitmap",
        "half a type",
        "half a bitmap",
        "zeros",
        "a type in BCD",
        "a space in the type",
        "a superscript in the type",
        "no second bitmap",
        "two empty bitmaps",
    ],
)
def test_what_cannot_be_read_is_rejected(client: Client, frame: bytes, reason: str) -> None:
    assert say(client, frame) == ("0620", "30", reason)


@pytest.mark.parametrize("spelled", [b"1 4", b"-1", b"+9411111111", b"99411", b"1_6", b"\xb26"])
def test_a_length_before_the_number_that_cannot_be_read_loses_the_number(client: Client, spelled: bytes) -> None:
    frame = sale(client)
    assert say(client, frame[:PAN_AT] + spelled + frame[AFTER_PAN:]) == ("0620", "30", "format.de2")


def test_more_than_ten_unreadable_frames_a_minute_end_the_connection(closing_client: Client) -> None:
    for _ in range(10):
        assert say(closing_client, b"0100" + b"G" * 16)[0] == "0620"
    closing_client.send(b"0100" + b"G" * 16)
    try:
        closing_client.receive()  # the eleventh may still hear why
    except ConnectionError:
        return
    assert closing_client.is_closed_by_peer()


# --- what it is, is not of this network


@pytest.mark.parametrize("mti", ["0190", "9100", "0000", "0109", "0199"])
def test_a_message_type_that_nobody_has(client: Client, mti: str) -> None:
    assert say(client, pack(mti, client.purchase(VISA, 5000))) == ("0620", "12", "type.unknown")


def test_a_request_that_is_not_for_this_link(client: Client) -> None:
    assert say(client, pack("0302", client.purchase(VISA, 5000))) == ("0620", "12", "type.unknown")


@pytest.mark.parametrize("mti", ["0110", "0210", "0430", "0810"])
def test_an_answer_that_nobody_asked_for(client: Client, mti: str) -> None:
    client.send(pack(mti, client.purchase(VISA, 5000, de39="00")))


# --- can be answered: 30 and the element


@pytest.mark.parametrize("spelled", [b"20" + b"4" * 20, b"00", b"07" + b"4" * 7], ids=["twenty", "none", "seven"])
def test_a_card_number_of_impossible_length(client: Client, spelled: bytes) -> None:
    frame = sale(client)
    assert say(client, frame[:PAN_AT] + spelled + frame[AFTER_PAN:]) == ("0110", "30", "format.de2")


@pytest.mark.parametrize(
    ("spoiled", "reason"),
    [
        ({"de7": "0230120000"}, "format.de7"),
        ({"de7": "1301120000"}, "format.de7"),
        ({"de7": "0000000000"}, "format.de7"),
        ({"de7": "1123256000"}, "format.de7"),
        ({"de11": "000000"}, "format.de11"),
        ({"de37": "12345678901\x1b"}, "format.de37"),
        ({"de43": f"{'A' + chr(27) + '[2J':40}"}, "format.de43"),
        ({"de52": "GG23456789ABCDEF"}, "format.de52"),
        ({"de35": "411111111111111129121010", "de22": "051", "de25": "00"}, "format.de35"),
        ({"de35": "4012888888881881=29121010000000000000", "de22": "051", "de25": "00"}, "pan.differs"),
    ],
)
def test_an_element_that_cannot_be_is_named(client: Client, spoiled: dict[str, str | None], reason: str) -> None:
    assert say(client, sale(client, **spoiled)) == ("0110", "30", reason)


def test_a_card_that_expires_in_month_thirteen(client: Client, internet_card: str) -> None:
    """Not on a number of the sandbox, where nobody looks at DE 14."""
    fields = client.purchase(internet_card, 1000, "414", de14="2913")
    assert say(client, pack("0100", fields)) == ("0110", "30", "format.de14")


@pytest.mark.parametrize("more", [b"X", b"0" * 16, bytes(100)], ids=["one byte", "a MAC without its bit", "zeros"])
def test_bytes_left_over_at_the_end(client: Client, more: bytes) -> None:
    assert say(client, sale(client) + more) == ("0110", "30", "format.frame")


def test_an_element_promised_and_not_sent(client: Client) -> None:
    assert say(client, with_bits(sale(client), bit(52))) == ("0110", "30", "format.de52")


def test_an_element_sent_and_not_told_of(client: Client) -> None:
    assert say(client, without_bits(sale(client), bit(43)))[:2] == ("0110", "30")


def test_all_bits_set(client: Client) -> None:
    frame = sale(client)
    assert say(client, frame[:4] + b"F" * 32 + frame[20:])[1:] == ("30", "format.de65")


@pytest.mark.parametrize("spelled", [b"99", b"1 ", b"-1", b"+8", b"\xb23", b"\xef\xbc", b"1_", b"00", b"38"])
def test_a_length_after_the_number_that_cannot_be(client: Client, spelled: bytes) -> None:
    """The request's number has been read by then, so it can be answered."""
    track = f"{VISA}=29121010000000000000"
    frame = sale(client, de35=track, de22="051", de25="00")
    spoiled = frame.replace(f"{len(track)}{track}".encode(), spelled + track.encode())
    assert spoiled != frame
    assert say(client, spoiled) == ("0110", "30", "format.de35")


@pytest.mark.parametrize("spelled", [b"1_0", b" 10", b"+10", b"999", b"\xb210"])
def test_a_length_of_three_digits_that_cannot_be(client: Client, spelled: bytes) -> None:
    frame = sale(client, de48="MC SPECIAL")
    assert say(client, frame.replace(b"010MC", spelled + b"MC")) == ("0110", "30", "format.de48")


def test_a_length_of_99_with_three_bytes_left(client: Client) -> None:
    frame = sale(client, de102="ABC")
    assert say(client, frame[:-5] + b"99ABC") == ("0110", "30", "format.de102")


def test_999_in_forty_elements(client: Client) -> None:
    """Within the size of a frame; above it, the length of the frame ends the connection first."""
    frame = sale(client)
    many = [46, 47, *range(54, 64), *range(104, 128)]
    bits = sum(1 << (128 - number) for number in many) | 1 << 127 | int(frame[BITMAP], 16) << 64
    spoiled = frame[:4] + f"{bits:032X}".encode() + frame[20:-3] + b"999xxx" * len(many)
    assert say(client, spoiled) == ("0110", "30", "format.de46")


# --- DE 55


def chip(client: Client, hex_: str, **more: str | None) -> bytes:
    return sale(client, de22="051", de25="00", de55=hex_, **more)


CHIP = (
    "9F2608A1B2C3D4E5F60718" + "9F270180" + "9F36020042" + "950500000080009A03261118" + "9F02060000000050005F2A020784"
)


def test_a_chips_data_that_is_well_is_approved(client: Client) -> None:
    assert say(client, chip(client, CHIP + "E1049F35012282021980"))[:2] == ("0110", "00")


@pytest.mark.parametrize(
    "broken",
    [
        CHIP[:-2],
        CHIP + "9F",
        CHIP + "9F37",
        CHIP + "9F3788" + "7F" + "FF" * 7,
        CHIP + "9F3780" + "0000",
        CHIP + "9F3785" + "0000000001" + "00",
        CHIP + "9F37FF",
        CHIP + "9F" + "FF" * 60,
        CHIP + "9F26080000000000000000",
        CHIP + "00" * 4,
    ],
    ids=[
        "cut",
        "half a tag",
        "no length",
        "a length of 2 to the 63",
        "indefinite",
        "a length of five bytes",
        "FF",
        "a tag without end",
        "a tag twice",
        "padding",
    ],
)
def test_chip_data_that_is_none(client: Client, broken: str) -> None:
    assert say(client, chip(client, broken)) == ("0110", "30", "format.de55")


def test_chip_data_nested_without_end(client: Client) -> None:
    data = ""
    for level in range(1, 60):
        length = len(data) // 2
        data = f"BF{level:02X}" + (f"{length:02X}" if length < 128 else f"81{length:02X}") + data
    assert say(client, chip(client, data)) == ("0110", "30", "format.de55")


@pytest.mark.parametrize("other", ["5A084012888888881881", "57134012888888881881D29121010000000000000F"[:-2]])
def test_a_chip_of_another_card(client: Client, other: str) -> None:
    length = len(other) // 2 - 2
    assert say(client, chip(client, f"{other[:2]}{length:02X}{other[4:]}")) == ("0110", "30", "pan.differs")


# --- amounts and currencies


@pytest.mark.parametrize("spelled", ["00000001200A", "+00000012000", "-00000012000", " 00000012000", "1_0000000000"])
def test_an_amount_that_is_no_number(client: Client, spelled: str) -> None:
    assert say(client, sale(client, de4=spelled)) == ("0110", "30", "format.de4")


@pytest.mark.parametrize("processing_code", ["380000", "310000"], ids=["verification", "balance"])
def test_an_amount_of_zero_is_fine_where_nothing_is_paid(client: Client, processing_code: str) -> None:
    assert say(client, sale(client, de3=processing_code, de4="0" * 12))[:2] == ("0110", "00")


def test_the_largest_amount_there_is(client: Client, internet_card: str) -> None:
    fields = client.purchase(internet_card, 999_999_999_999, "414")
    assert say(client, pack("0100", fields))[1] in ("51", "61", "13")  # nothing wraps, and nobody has so much


@pytest.mark.parametrize("currency", ["392", "414", "784"], ids=["no minor digits", "three", "two"])
def test_minor_units_are_those_of_the_currency(client: Client, currency: str) -> None:
    assert say(client, sale(client, de49=currency)) == ("0110", "00", None)


# --- cards, dates, numbers, characters


@pytest.mark.parametrize("track", [f";{VISA}=29121010000000000?", f"{VISA}^29121010000000000", f"{VISA}29121010000000"])
def test_a_track_that_is_none(client: Client, track: str) -> None:
    assert say(client, sale(client, de35=track, de22="051", de25="00")) == ("0110", "30", "format.de35")


@pytest.mark.parametrize("separator", ["=", "D"])
def test_a_track_has_one_of_two_separators(client: Client, separator: str) -> None:
    track = f"{VISA}{separator}29121010000000000000"
    assert say(client, sale(client, de35=track, de22="051", de25="00"))[:2] == ("0110", "00")


@pytest.mark.parametrize("moment", ["1231235959", "0101000000", "0630120000"])
def test_a_moment_far_off_is_the_nearest_year(client: Client, moment: str) -> None:
    assert say(client, sale(client, de7=moment)) == ("0110", "00", None)


def test_29_february_is_read_where_a_year_nearby_has_it(client: Client) -> None:
    year = datetime.now(UTC).year
    is_near = any(near % 4 == 0 and (near % 100 or near % 400 == 0) for near in (year - 1, year, year + 1))
    assert say(client, sale(client, de7="0229120000"))[1] == ("00" if is_near else "30")


@pytest.mark.parametrize(
    ("spoiled", "reason"),
    [({"de12": "240000"}, "format.de12"), ({"de13": "1301"}, "format.de13"), ({"de14": "2900"}, "format.de14")],
)
def test_a_local_date_or_time_that_no_clock_shows(client: Client, spoiled: dict[str, str], reason: str) -> None:
    assert say(client, sale(client, **spoiled)) == ("0110", "30", reason)


def test_an_hour_that_the_clocks_left_out_is_the_terminals_business(client: Client) -> None:
    assert say(client, sale(client, de12="023000", de13="0329")) == ("0110", "00", None)


def test_a_card_that_has_expired(client: Client, internet_card: str) -> None:
    last_year = datetime.now(UTC) - timedelta(days=400)
    fields = client.purchase(internet_card, 1000, "414", de14=f"{last_year:%y%m}")
    assert say(client, pack("0100", fields))[:2] == ("0110", "54")


@pytest.mark.parametrize("moment", ["0230120000", "1123240000"])
def test_an_echo_at_no_moment(client: Client, moment: str) -> None:
    assert say(client, pack("0800", {**client.echo(), 7: moment})) == ("0810", "30", "format.de7")


@pytest.mark.parametrize("text", ["\x1b[2J", "a\r\nb", "a\x00b", "caf\xe9"], ids=["ESC", "line end", "NUL", "no ASCII"])
@pytest.mark.parametrize("number", [37, 42, 43, 48])
def test_characters_that_are_not_printable(client: Client, number: int, text: str) -> None:
    width = {37: 12, 42: 15, 43: 40, 48: 0}[number]
    assert say(client, sale(client, **{f"de{number}": f"{text:{width}}"})) == ("0110", "30", f"format.de{number}")


def test_markup_is_text_like_any_other(client: Client) -> None:
    markup = "</script><b>"
    assert say(client, sale(client, de43=f"{markup:25}{'Elsewhere':13}XX", de48=markup)) == ("0110", "00", None)


@pytest.mark.parametrize("private", ["4209", "420205X", "4202054202", "9204123", "42020542020599"])
def test_private_data_that_begins_like_subelements_and_breaks(client: Client, private: str) -> None:
    assert say(client, sale(client, de48=private)) == ("0110", "30", "format.de48")


@pytest.mark.parametrize(("block", "reason"), [("0" * 15, "format.de52"), ("0" * 17, "format.frame")])
def test_a_pin_block_of_another_length(client: Client, block: str, reason: str) -> None:
    assert say(client, sale(client, de52=block)) == ("0110", "30", reason)


def test_what_could_be_read_is_said_again_and_no_more(client: Client) -> None:
    sent = client.purchase(VISA, 5000, de7="0230120000", de48="9203123")
    mti, answer = client.ask("0100", sent)
    assert (mti, answer[39], answer[44]) == ("0110", "30", "format.de7")
    echoed = {2, 3, 4, 7, 11, 12, 13, 32, 37, 41, 42, 49}
    assert answer == {number: sent[number] for number in echoed} | {39: "30", 44: "format.de7"}


# --- more of what can be answered


def test_a_third_bitmap(client: Client) -> None:
    frame = with_bits(sale(client), 1 << 63)
    assert say(client, frame[:20] + b"8" + b"0" * 15 + frame[20:] + b"0" * 16) == ("0110", "30", "format.de65")


def test_an_unknown_currency(client: Client) -> None:
    assert say(client, sale(client, de49="001")) == ("0110", "12", "currency.unknown")


# --- reversals that cannot be meant


@pytest.mark.parametrize(
    "original",
    ["X" * 42, "0" * 42, "0199" + "000123" + "1123205144" + "0" * 22, "0100" + "000123" + "0230205144" + "0" * 22],
    ids=["letters", "zeros", "no message type", "no moment"],
)
def test_an_original_that_names_no_message(client: Client, original: str) -> None:
    reversal = reversal_of(client, "0100", client.purchase(VISA, 5000))
    assert say(client, pack("0420", reversal | {90: original})) == ("0430", "30", "format.de90")


@pytest.mark.parametrize("spelled", ["A" * 42, "1_0000000000" + "0" * 30, "-00000001000" + "0" * 30])
def test_replacement_amounts_that_are_none(client: Client, spelled: str) -> None:
    fields = client.purchase(VISA, 5000)
    client.ask("0100", fields)
    reversal = reversal_of(client, "0100", fields)
    assert say(client, pack("0400", reversal | {95: spelled})) == ("0410", "30", "format.de95")


def test_a_reversal_of_itself(client: Client) -> None:
    reversal = reversal_of(client, "0100", client.purchase(VISA, 5000))
    itself = "0400" + reversal[11] + reversal[7] + "0" * 22
    assert say(client, pack("0400", reversal | {90: itself}))[:2] == ("0410", "25")


@pytest.mark.parametrize(
    ("change", "response_code", "reason"),
    [
        ({4: "000000005001"}, "13", "amount.above_original"),
        ({49: "840"}, "12", "currency.differs"),
        ({41: "OTHER001"}, "25", "original.unknown"),
    ],
    ids=["above the original", "in another currency", "from another terminal"],
)
def test_a_reversal_that_does_not_fit_its_original(
    client: Client, change: dict[int, str], response_code: str, reason: str
) -> None:
    fields = client.purchase(VISA, 5000)
    client.ask("0100", fields)
    reversal = reversal_of(client, "0100", fields) | change
    assert say(client, pack("0400", reversal)) == ("0410", response_code, reason)


@pytest.mark.parametrize(("institutions", "response_code"), [("0" * 22, "00"), ("00000123456" + "0" * 11, "25")])
def test_the_institutions_in_the_original_are_not_stated_or_right(
    client: Client, institutions: str, response_code: str
) -> None:
    fields = client.purchase(VISA, 5000)
    client.ask("0100", fields)
    reversal = reversal_of(client, "0100", fields)
    reversal[90] = reversal[90][:20] + institutions
    assert say(client, pack("0400", reversal))[:2] == ("0410", response_code)


# --- who is speaking


def test_a_gateway_speaks_for_known_shops_once_it_has_said_who_it_is(closing_client: Client) -> None:
    client, bank = closing_client, {"de32": "784001"}
    shop = bank | {"de41": "UAEM0001", "de42": "UAEMALL00000001"}
    sign_on = {**client.stamped(), 32: "784001", 70: "001"}
    assert client.ask("0800", sign_on)[1][39] == "00"
    assert say(client, sale(client, **shop)) == ("0110", "00", None)
    assert say(client, sale(client, **shop | {"de41": "STRANGE1"})) == ("0110", "58", "terminal.not_allowed")
    assert say(client, sale(client, **shop | {"de42": "STRANGER0000001"})) == ("0110", "03", "merchant.unknown")
    assert say(client, sale(client, **shop, de22="051", de25="00")) == ("0110", "58", "terminal.not_allowed")
    assert client.ask("0800", {**client.stamped(), 32: "784001", 70: "002"})[1][39] == "00"
    assert say(client, sale(client, **shop)) == ("0110", "58", "link.not_signed_on")


def test_a_known_shop_keeps_its_merchant_type_whoever_speaks_for_it(client: Client, internet_card: str) -> None:
    claims_a_shop = client.purchase(internet_card, 1000, "414", de42="NBKATM000000001", de18="5732")
    assert say(client, pack("0100", claims_a_shop)) == ("0110", "57", "channel.atm")


# --- the log


def test_a_flood_of_one_mistake_is_a_line_a_second(client: Client, network: RunningNetwork) -> None:
    def lines() -> list[str]:
        return [line for line in network.log_of(SWITCH).splitlines() if '"format.de42"' in line]

    before, began = len(lines()), time.monotonic()
    frames = [sale(client, de42="SEEN BY NOBODY\x1b") for _ in range(200)]
    client.send(*frames)
    for _ in frames:
        assert client.receive()[1][44] == "format.de42"
    told = lines()[before:]
    assert len(told) <= time.monotonic() - began + 1
    assert not any("SEEN BY NOBODY" in line for line in told)


def test_the_log_tells_reasons_and_no_content(network: RunningNetwork) -> None:
    """Of everything that was done here: no traceback, no control character, no card number."""
    log = network.log_of(SWITCH)
    assert "not ISO 8583" in log or "more than 8192" in log
    assert "Traceback" not in log
    assert "its handler failed" not in log
    assert all(line.isprintable() for line in log.splitlines())
    assert VISA not in log
