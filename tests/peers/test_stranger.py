"""A stranger's client against the real network: what the interface specification promises, on the wire.

Every test ends with an echo on the same connection (or on a new one, where it must have been
closed), and the last one asks whether all books agree about everything that was done here.
"""

from __future__ import annotations

import socket

import pytest

from tests.network import ASK_WITHIN_S, RunningNetwork
from tests.peers.client import Client, Fields, framed, pack, reversal_of

VISA = "4111111111111111"
INTERNET_SHOP = {"de3": "000000", "de18": "5732", "de22": "812", "de25": "59"}
CASH_MACHINE = {"de3": "010000", "de18": "6011", "de22": "051", "de25": "02"}
SHOP_TERMINAL = {"de3": "000000", "de18": "5411", "de22": "051", "de25": "00"}
TELEPHONE = {"de3": "000000", "de18": "5411", "de22": "012", "de25": "08"}
KEYED_IN = {"de3": "000000", "de18": "5411", "de22": "011", "de25": "00"}


def outcome(answer: tuple[str, Fields]) -> tuple[str, str, str | None]:
    """Message type, DE 39 and DE 44."""
    mti, fields = answer
    return mti, fields[39], fields.get(44)


# --- the link


def test_an_echo_is_answered(client: Client) -> None:
    mti, answer = client.ask("0800", fields := client.echo())
    assert (mti, answer[39], answer[70], answer[11]) == ("0810", "00", "301", fields[11])


def test_a_stranger_may_sign_on_and_off(client: Client) -> None:
    for code in ("001", "002", "001"):
        assert client.ask("0800", {**client.stamped(), 70: code})[1][39] == "00"


def test_an_unknown_network_management_code_is_declined(client: Client) -> None:
    assert outcome(client.ask("0800", {**client.stamped(), 70: "999"}))[:2] == ("0810", "12")


def test_ten_requests_in_one_segment_get_ten_answers(client: Client) -> None:
    requests = [client.purchase(VISA, 5000 + number) for number in range(10)]
    client.send(*(pack("0100", fields) for fields in requests))
    answers = [client.receive() for _ in requests]
    assert all(outcome(answer) == ("0110", "00", None) for answer in answers)
    assert {answer[11]: answer[4] for _, answer in answers} == {fields[11]: fields[4] for fields in requests}


def test_a_frame_cut_at_any_byte_is_answered(client: Client) -> None:
    client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    length = len(framed(pack("0100", client.purchase(VISA, 5000))))
    for cut in (1, 2, 3, 6, 21, 22, 23, 40, length // 2, length - 1):
        whole = framed(pack("0100", client.purchase(VISA, 5000)))
        client.socket.sendall(whole[:cut])
        assert client.hears_nothing_for(0.02)
        client.socket.sendall(whole[cut:])
        assert outcome(client.receive()) == ("0110", "00", None)


def test_one_byte_at_a_time_is_answered(client: Client) -> None:
    client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in framed(pack("0800", client.echo())):
        client.socket.sendall(bytes([byte]))
    assert client.receive()[1][39] == "00"


def test_an_answer_nobody_asked_for_is_not_answered(client: Client) -> None:
    client.send(pack("0110", {**client.purchase(VISA, 5000), 39: "00"}))
    assert client.hears_nothing_for(0.2)


def test_a_half_closed_connection_still_gets_its_answer(closing_client: Client) -> None:
    closing_client.send(pack("0100", closing_client.purchase(VISA, 5000)))
    closing_client.socket.shutdown(socket.SHUT_WR)
    assert outcome(closing_client.receive()) == ("0110", "00", None)
    assert closing_client.is_closed_by_peer()


@pytest.mark.parametrize(
    "noise",
    [
        b"\x00\x00",
        b"\xff\xff",
        b"GET / HTTP/1.1\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),
    ],
    ids=["length zero", "longer than any message", "HTTP", "SSH", "TLS"],
)
def test_what_is_not_framed_ends_the_connection(closing_client: Client, noise: bytes) -> None:
    closing_client.socket.sendall(noise)
    assert closing_client.is_closed_by_peer()


# --- a sale


def test_a_purchase_is_approved(client: Client) -> None:
    mti, answer = client.ask("0100", client.purchase(VISA, 12000))
    assert outcome((mti, answer)) == ("0110", "00", None)
    assert len(answer[38]) == 6 and answer[38].strip()


def test_a_single_message_is_approved(client: Client) -> None:
    assert outcome(client.ask("0200", client.purchase(VISA, 12000))) == ("0210", "00", None)


@pytest.mark.parametrize(("amount", "response_code"), [(1051, "51"), (1005, "05"), (1091, "91"), (1014, "14")])
def test_the_amount_chooses_the_decline(client: Client, amount: int, response_code: str) -> None:
    mti, answer = client.ask("0100", client.purchase(VISA, amount))
    assert (mti, answer[39]) == ("0110", response_code)
    assert 38 not in answer
    assert answer[44] and len(answer[44]) <= 25


def test_what_was_sent_comes_back_as_sent(client: Client) -> None:
    sent = client.purchase(VISA, 12000)
    _, answer = client.ask("0100", sent)
    echoed = (2, 3, 4, 7, 11, 12, 13, 32, 37, 41, 42, 49)
    assert {number: answer.get(number) for number in echoed} == {number: sent[number] for number in echoed}


@pytest.mark.parametrize("amount", [5000, 1051])
def test_an_answer_never_carries_what_only_the_issuer_needs(client: Client, amount: int) -> None:
    sent = client.purchase(
        VISA, amount, de35=f"{VISA}=29121010000000000000", de48="4202059203123", de22="051", de25="00"
    )
    _, answer = client.ask("0100", sent)
    assert not {14, 35, 45, 48, 52, 55} & answer.keys()


def test_a_switch_makes_the_retrieval_reference_where_there_is_none(client: Client) -> None:
    numbers = set()
    for _ in range(3):
        _, answer = client.ask("0100", client.purchase(VISA, 5000, de37=None))
        assert len(answer[37]) == 12 and answer[37].isdigit()
        numbers.add(answer[37])
    assert len(numbers) == 3


def test_a_bitmap_in_lower_case_is_read(client: Client) -> None:
    frame = pack("0100", client.purchase(VISA, 5000))
    client.send(frame[:4] + frame[4:20].lower() + frame[20:])
    assert outcome(client.receive()) == ("0110", "00", None)


def test_a_slow_issuer_holds_up_nobody_else(client: Client) -> None:
    slow, quick = client.purchase(VISA, 2050), client.purchase(VISA, 5000)
    client.send(pack("0100", slow), pack("0100", quick))
    assert [client.receive()[1][11] for _ in range(2)] == [quick[11], slow[11]]


def test_a_silent_issuer_is_answered_for(client: Client) -> None:
    assert outcome(client.ask("0100", client.purchase(VISA, 3000))) == ("0110", "91", "issuer.timeout")


@pytest.mark.parametrize("amount", [3002, 3003], ids=["with a wrong STAN", "with garbage"])
def test_an_issuer_that_answers_badly_is_as_good_as_silent(client: Client, amount: int) -> None:
    mti, answer = client.ask("0100", client.purchase(VISA, amount))
    assert (mti, answer[39]) == ("0110", "91")


def test_an_issuer_that_answers_twice_is_heard_once(client: Client) -> None:
    assert outcome(client.ask("0100", client.purchase(VISA, 3001))) == ("0110", "00", None)
    assert client.hears_nothing_for(0.2)


def test_an_issuer_that_hangs_up_is_answered_for(client: Client, network: RunningNetwork) -> None:
    mti, answer = client.ask("0100", client.purchase(VISA, 3004))
    assert (mti, answer[39]) == ("0110", "91")
    back = lambda: client.ask("0100", client.purchase(VISA, 5000))[1][39] == "00"  # noqa: E731
    assert network.until(back, ASK_WITHIN_S, "the sandbox to be back")


# --- what is wrong with a request, and whose fault it is


@pytest.mark.parametrize(
    ("spoiled", "reason"),
    [
        ({"de4": "00000001200A"}, "format.de4"),
        ({"de4": "+00000012000"}, "format.de4"),
        ({"de49": "7 4"}, "format.de49"),
        ({"de41": None}, "missing.de41"),
        ({"de4": None}, "missing.de4"),
        ({"de2": None}, "missing.de2"),
        ({"de3": None}, "missing.de3"),
        ({"de49": None}, "missing.de49"),
        ({"de7": None}, "missing.de7"),
    ],
)
def test_a_broken_or_missing_element_is_named(client: Client, spoiled: dict[str, str | None], reason: str) -> None:
    sent = client.purchase(VISA, 12000, **spoiled)
    mti, answer = client.ask("0100", sent)
    assert outcome((mti, answer)) == ("0110", "30", reason)
    assert answer[11] == sent[11]


def test_a_card_number_with_a_broken_check_digit(client: Client) -> None:
    assert outcome(client.ask("0100", client.purchase("4111111111111112", 5000))) == ("0110", "14", "pan.luhn")


def test_a_card_number_of_no_issuer(client: Client) -> None:
    assert outcome(client.ask("0100", client.purchase("9999990000000006", 1000)))[1:] == ("15", "issuer.unknown")


def test_a_purchase_of_nothing(client: Client) -> None:
    assert outcome(client.ask("0100", client.purchase(VISA, 0))) == ("0110", "13", "amount.zero")


def test_an_unknown_kind_of_transaction(client: Client) -> None:
    assert outcome(client.ask("0100", client.purchase(VISA, 5000, de3="770000"))) == ("0110", "12", "type.unknown")


@pytest.mark.parametrize("mti", ["0900", "0190", "9100"])
def test_an_unknown_message_type(client: Client, mti: str) -> None:
    assert outcome(client.ask(mti, client.purchase(VISA, 5000)))[:2] == ("0620", "12")


def test_a_frame_that_cannot_be_read_as_far_as_its_number(client: Client) -> None:
    client.send(b"0100" + b"Z" * 16 + b"nonsense")
    mti, answer = client.receive()
    assert (mti, answer[39]) == ("0620", "30")


# --- repeats and duplicates


@pytest.mark.parametrize("repeat", ["0100", "0101"])
def test_a_repeat_gets_the_first_answer_again(client: Client, repeat: str) -> None:
    fields = client.purchase(VISA, 12000)
    _, first = client.ask("0100", fields)
    mti, again = client.ask(repeat, fields)
    assert (mti, again[39], again[38]) == ("0110", "00", first[38])
    assert again == first


def test_a_repeat_of_a_decline_is_the_same_decline(client: Client) -> None:
    fields = client.purchase(VISA, 1051)
    assert client.ask("0100", fields) == client.ask("0101", fields)


def test_a_repeat_in_the_same_breath_waits_for_the_same_answer(client: Client) -> None:
    fields = client.purchase(VISA, 2020)
    client.send(pack("0100", fields), pack("0101", fields), pack("0101", fields))
    first, second, third = (client.receive() for _ in range(3))
    assert first == second == third
    assert outcome(first) == ("0110", "00", None)


@pytest.mark.parametrize("change", [{4: "000000013000"}, {2: "4012888888881881"}, {3: "200000"}, {49: "840"}])
def test_the_same_number_for_something_else_is_refused(client: Client, change: Fields) -> None:
    fields = client.purchase(VISA, 12000)
    client.ask("0100", fields)
    assert outcome(client.ask("0100", fields | change)) == ("0110", "94", "duplicate.differs")
    assert outcome(client.ask("0101", fields)) == ("0110", "00", None)


# --- reversals


@pytest.mark.parametrize(("mti", "answer"), [("0400", "0410"), ("0420", "0430")])
def test_an_approval_is_reversed_and_again(client: Client, mti: str, answer: str) -> None:
    fields = client.purchase(VISA, 12000)
    client.ask("0100", fields)
    reversal = reversal_of(client, "0100", fields)
    assert outcome(client.ask(mti, reversal)) == (answer, "00", None)
    assert outcome(client.ask(f"{mti[:3]}1", reversal)) == (answer, "00", None)
    assert outcome(client.ask(mti, reversal_of(client, "0100", fields))) == (answer, "00", None)


def test_a_reversal_of_nothing_known_is_declined_if_it_asks(client: Client) -> None:
    never_sent = client.purchase(VISA, 12000)
    assert outcome(client.ask("0400", reversal_of(client, "0100", never_sent)))[:2] == ("0410", "25")


def test_a_reversal_that_comes_first_stops_its_original(client: Client) -> None:
    fields = client.purchase(VISA, 12000)
    assert outcome(client.ask("0420", reversal_of(client, "0100", fields)))[:2] == ("0430", "00")
    assert outcome(client.ask("0100", fields)) == ("0110", "94", "reversed.first")


# --- the Internet Shopping Card


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        (INTERNET_SHOP, ("0110", "00", None)),
        (CASH_MACHINE, ("0110", "57", "channel.atm")),
        (SHOP_TERMINAL, ("0110", "57", "channel.pos")),
        (TELEPHONE, ("0110", "57", "channel.moto")),
        (KEYED_IN, ("0110", "57", "channel.pos")),
    ],
    ids=["internet shop", "cash machine", "shop terminal", "telephone", "keyed in"],
)
def test_the_internet_card_is_for_the_internet_only(
    client: Client, internet_card: str, claims: dict[str, str], expected: tuple[str, str, str | None]
) -> None:
    assert outcome(client.ask("0100", client.purchase(internet_card, 1000, "414", **claims))) == expected


def test_the_internet_card_is_no_cash_card_whatever_the_shop_claims(client: Client, internet_card: str) -> None:
    claims = INTERNET_SHOP | {"de18": "4829"}
    answer = client.ask("0100", client.purchase(internet_card, 1000, "414", **claims))
    assert outcome(answer) == ("0110", "57", "merchant_type.4829")


def test_a_purchase_in_another_currency_is_billed_in_the_cards_own(client: Client, internet_card: str) -> None:
    assert outcome(client.ask("0100", client.purchase(internet_card, 1000, "784"))) == ("0110", "00", None)


# --- and in the end


def test_all_books_agree_about_all_of_this(network: RunningNetwork) -> None:
    network.settled()
    audit = network.audit()
    assert audit.returncode == 0, audit.stdout + audit.stderr


def test_no_card_number_is_in_any_log(network: RunningNetwork, internet_card: str) -> None:
    logs = "".join(network.log_of(party) for party in network.processes)
    assert logs and VISA not in logs and internet_card not in logs
