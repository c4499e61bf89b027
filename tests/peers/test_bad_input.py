"""Bad input, case by case: what is wrong with it, what is said about it, and that nothing else suffers.

The cases are those of the project's catalogue. After each, an echo on the same connection (the
`client` fixture's canary) must be answered; where the connection must end, on a new one.
"""

from __future__ import annotations

import pytest

from tests.peers.client import Client, pack, reversal_of

VISA = "4111111111111111"
BITMAP = slice(4, 20)
PAN_AT, AFTER_PAN = 20, 20 + 2 + len(VISA)


def say(client: Client, frame: bytes) -> tuple[str, str, str | None]:
    """Message type, DE 39 and DE 44 of what comes back."""
    client.send(frame)
    mti, fields = client.receive()
    return mti, fields[39], fields.get(44)


def sale(client: Client, **more: str | None) -> bytes:
    return pack("0100", client.purchase(VISA, 5000, **more))


def with_bits(frame: bytes, bits: int) -> bytes:
    """The frame, claiming in its first bitmap to hold more than it does."""
    return frame[:4] + f"{int(frame[BITMAP], 16) | bits:016X}".encode() + frame[20:]


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
    ],
    ids=[
        "one byte",
        "type only",
        "letters in the type",
        "empty bitmap",
        "spaces in the bitmap",
        "no hex in the bitmap",
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


def test_bytes_left_over_at_the_end(client: Client) -> None:
    assert say(client, sale(client) + b"X")[:2] == ("0110", "30")


def test_an_element_promised_and_not_sent(client: Client) -> None:
    frame = sale(client)
    assert say(client, with_bits(frame, 1 << (64 - 52)))[:2] == ("0110", "30")


def test_a_third_bitmap(client: Client) -> None:
    frame = with_bits(sale(client), 1 << 63)
    assert say(client, frame[:20] + b"8" + b"0" * 15 + frame[20:] + b"0" * 16) == ("0110", "30", "format.de65")


def test_an_unknown_currency(client: Client) -> None:
    assert say(client, sale(client, de49="001")) == ("0110", "12", "currency.unknown")


# --- reversals that cannot be meant


def test_an_original_that_is_not_digits(client: Client) -> None:
    reversal = reversal_of(client, "0100", client.purchase(VISA, 5000))
    assert say(client, pack("0420", reversal | {90: "X" * 42})) == ("0430", "30", "format.de90")


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
    client, comtrust = closing_client, {"de33": "784900", "de32": "784001"}
    shop = comtrust | {"de41": "UAEM0001", "de42": "UAEMALL00000001"}
    sign_on = {**client.stamped(), 33: "784900", 70: "001"}
    assert client.ask("0800", sign_on)[1][39] == "00"
    assert say(client, sale(client, **shop)) == ("0110", "00", None)
    assert say(client, sale(client, **shop | {"de41": "STRANGE1"})) == ("0110", "58", "terminal.not_allowed")
    assert say(client, sale(client, **shop | {"de42": "STRANGER0000001"})) == ("0110", "03", "merchant.unknown")
    assert say(client, sale(client, **shop, de22="051", de25="00")) == ("0110", "58", "terminal.not_allowed")
    assert client.ask("0800", {**client.stamped(), 33: "784900", 70: "002"})[1][39] == "00"
    assert say(client, sale(client, **shop)) == ("0110", "58", "link.not_signed_on")


def test_a_known_shop_keeps_its_merchant_type_whoever_speaks_for_it(client: Client, internet_card: str) -> None:
    claims_a_shop = client.purchase(internet_card, 1000, "414", de42="NBKATM000000001", de18="5732")
    assert say(client, pack("0100", claims_a_shop)) == ("0110", "57", "channel.atm")
