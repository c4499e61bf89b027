"""Gateways and issuers that speak differently: every message type of the network, through the core.

The switch's own dialect stands for "as it always was"; everybody else is met at a border or in his
own bytes. What must be the same on both sides is looked at as values, and what must be different as bytes.
"""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols import dialects
from protocols import elements as de
from protocols.border import INTERNAL, Border, spoken, spoken_with
from protocols.dialect import Dialect
from protocols.dialects import dialect_named
from protocols.elements import element_named
from protocols.errors import FormatError
from protocols.message import Message
from protocols.subelements import pack
from protocols.translation import from_internal
from switch.ends import Side
from tests.switch.desk import NETWORK, PURCHASE, TODAY, Desk, elements

FOREIGN = [name for name in dialects.names() if name != "iso87_ascii"]
EVERY = dialects.names()

#: Both ways to and from the network's own dialect, and two that share nothing.
MEETINGS = [
    *(("iso87_ascii", name) for name in FOREIGN),
    *((name, "iso87_ascii") for name in FOREIGN),
    ("iso93_binary", "ebcdic_base1"),
    ("ebcdic_cis", "iso93_ascii"),
    ("iso93_ascii", "iso93_binary"),
    ("iso93_binary", "iso93_binary"),
    ("ebcdic_base1", "ebcdic_base1"),
]

everybody = pytest.mark.parametrize(("gateway", "issuer"), MEETINGS)
every_dialect = pytest.mark.parametrize("dialect", EVERY)

SECRETS = {
    "track_2": "4111111111111111=29122010000012345678",
    "private_data": "4202059203123",
    "pin_block": "0123456789ABCDEF",
    "icc_data": "9F2608ABCDEF01234567899F3602000A",
    "pos_entry_mode": "051",
    "pos_condition_code": "00",
    "card_sequence": "001",
}


def meet(gateway: str, issuer: str) -> tuple[Desk, int, int]:
    desk = Desk()
    return desk, desk.issuer(dialect=issuer), desk.gateway(dialect=gateway)


def said(message: Message, *names: str) -> list[str | None]:
    return [message.get(element_named(name).number) for name in names]


# Every message type


@everybody
@pytest.mark.parametrize("kind", ["0100", "0200"])
def test_a_request_and_its_answer(gateway: str, issuer: str, kind: str) -> None:
    desk, bank, shop = meet(gateway, issuer)
    asked = desk.asks(shop, kind)

    request = desk.hears(bank)
    assert request.mti == kind
    untouched = [name for name in PURCHASE if name != "stan"]
    assert said(request, *untouched) == [asked[name] for name in untouched]
    desk.answers(bank, request, additional_amounts="0002784C000000000001")

    answer = desk.hears(shop)
    assert answer.mti == f"{kind[:2]}10"
    echoed = ["pan", "processing_code", "amount", "transmitted_at", "stan", "local_time", "local_date"]
    echoed += ["acquirer_id", "rrn", "terminal_id", "card_acceptor_id", "currency"]
    assert said(answer, *echoed) == [asked[name] for name in echoed]
    assert said(answer, "response_code", "approval_code") == ["00", "A1B2C3"]
    assert answer.get(de.ADDITIONAL_AMOUNTS) == "0002784C000000000001"
    assert desk.core.is_idle


@everybody
def test_pin_chip_and_private_data_survive(gateway: str, issuer: str) -> None:
    desk, bank, shop = meet(gateway, issuer)
    desk.asks(shop, **SECRETS)
    request = desk.hears(bank)
    assert dict(zip(SECRETS, said(request, *SECRETS), strict=True)) == SECRETS
    desk.answers(bank, request, icc_data="910A0123456789ABCDEF3030")
    assert desk.hears(shop).get(de.ICC_DATA) == "910A0123456789ABCDEF3030"


@everybody
def test_the_mac_survives_wherever_its_bit_is(gateway: str, issuer: str) -> None:
    desk, bank, shop = meet(gateway, issuer)
    desk.asks(shop, mac="FEDCBA9876543210")
    request = desk.hears(bank)
    assert (request.get(de.MAC) or request.get(de.MAC_2)) == "FEDCBA9876543210"


@everybody
def test_a_decline_says_why_in_both_worlds(gateway: str, issuer: str) -> None:
    desk, bank, shop = meet(gateway, issuer)
    for number, (code, reason) in enumerate([("51", "funds"), ("N7", "cvv2.mismatch"), ("61", "overlimit.used")], 1):
        desk.asks(shop, stan=f"{number:06d}")
        desk.answers(bank, desk.hears(bank), code, reason=reason)
        assert said(desk.hears(shop), "response_code", "reason") == [code, reason]


@everybody
@pytest.mark.parametrize("kind", ["0100", "0200"])
def test_a_repeat_gets_the_first_answer_again(gateway: str, issuer: str, kind: str) -> None:
    desk, bank, shop = meet(gateway, issuer)
    desk.asks(shop, kind)
    desk.answers(bank, desk.hears(bank))
    first = desk.hears(shop)
    desk.asks(shop, f"{kind[:3]}1")
    again = desk.hears(shop)
    assert (again.mti, dict(again.items())) == (first.mti, dict(first.items()))
    assert desk.silent(bank)


@everybody
@pytest.mark.parametrize("kind", ["0400", "0420", "0401", "0421"])
def test_a_reversal_finds_its_original(gateway: str, issuer: str, kind: str) -> None:
    desk, bank, shop = meet(gateway, issuer)
    asked = desk.asks(shop)
    request = desk.hears(bank)
    desk.answers(bank, request)
    desk.hears(shop)

    desk.reverses(shop, asked, kind, local_time=asked["local_time"], local_date=asked["local_date"])
    answer = desk.hears(shop)
    assert (answer.mti, answer.response_code) == (f"{kind[:2]}{int(kind[2]) + 1}0", "00")

    reversal = desk.hears(bank)
    assert (reversal.mti, reversal.amount, reversal.response_code) == ("0420", 10000, "17")
    original = reversal.original
    assert original is not None
    assert (original.mti, original.stan) == ("0100", request.stan)
    assert original.transmitted_at == request.transmitted_at
    desk.answers(bank, reversal)
    assert desk.core.is_idle
    assert not len(desk.core.issuers["sandbox"].saf)


@everybody
def test_a_reversal_is_repeated_until_acknowledged(gateway: str, issuer: str) -> None:
    desk, bank, shop = meet(gateway, issuer)
    desk.asks(shop)
    desk.hears(bank)
    desk.passes(9)
    assert desk.hears(shop).response_code == "91"
    assert desk.hears(bank).mti == "0420"
    desk.passes(10)
    repeat = desk.hears(bank)
    assert repeat.mti == "0421"
    desk.answers(bank, repeat)
    assert not len(desk.core.issuers["sandbox"].saf)
    desk.passes(15)
    assert desk.silent(bank)


@everybody
def test_a_partial_reversal_keeps_both_amounts(gateway: str, issuer: str) -> None:
    desk, bank, shop = meet(gateway, issuer)
    asked = desk.asks(shop)
    desk.answers(bank, desk.hears(bank))
    desk.hears(shop)
    left = "000000004000" + "0" * 12 + "C00000000" * 2
    times = {"local_time": asked["local_time"], "local_date": asked["local_date"]}
    desk.reverses(shop, asked, replacement_amounts=left, **times)
    assert desk.hears(shop).response_code == "00"
    assert said(desk.hears(bank), "amount", "replacement_amounts") == ["000000010000", left]


@everybody
@pytest.mark.parametrize("kind", ["0120", "0121"])
def test_an_advice_reaches_its_issuer(gateway: str, issuer: str, kind: str) -> None:
    desk, bank, shop = meet(gateway, issuer)
    desk.asks(shop, kind, response_code="00", approval_code="ABC123")
    assert said(desk.hears(shop), "response_code") == ["00"]
    advice = desk.hears(bank)
    assert advice.mti == "0120"
    assert said(advice, "pan", "amount", "approval_code", "response_code") == [
        *(PURCHASE["pan"], PURCHASE["amount"], "ABC123", "00")
    ]
    desk.answers(bank, advice)
    assert desk.core.is_idle


@everybody
@pytest.mark.parametrize("kind", ["0220", "0221"])
def test_a_completion_finds_its_original(gateway: str, issuer: str, kind: str) -> None:
    desk, bank, shop = meet(gateway, issuer)
    asked = desk.asks(shop)
    request = desk.hears(bank)
    desk.answers(bank, request)
    desk.hears(shop)
    taken = {name: value for name, value in asked.items() if name != "expiry"}
    taken |= {"stan": "000777", "transmitted_at": "1118110700", "amount": "000000008000"}
    desk.says(shop, kind, **taken, original=f"0100{asked['stan']}{asked['transmitted_at']}{'0' * 22}")
    answer = desk.hears(shop)
    assert (answer.mti, answer.response_code) == ("0230", "00")
    advice = desk.hears(bank)
    original = advice.original
    assert original is not None
    assert (advice.mti, advice.amount, original.stan) == ("0220", 8000, request.stan)
    desk.answers(bank, advice)
    assert desk.core.is_idle
    assert not len(desk.core.issuers["sandbox"].saf)
    assert not [event for event in desk.events if event.name == "advice.contradicts"]


@every_dialect
@pytest.mark.parametrize("kind", ["0500", "0520"])
def test_totals_are_told_in_every_dialect(dialect: str, kind: str) -> None:
    desk = Desk()
    bank, shop = desk.issuer(dialect=dialect), desk.gateway(dialect=dialect)
    desk.asks(shop, "0200")
    desk.answers(bank, desk.hears(bank))
    desk.hears(shop)
    when = {"transmitted_at": "1118230000", "currency": "784", "settlement_date": "1118"}
    for end, stan, number, outcome in ((shop, "000900", 1, "00"), (bank, "000901", 1, "00"), (shop, "000902", 7, "95")):
        desk.says(end, kind, **when, stan=stan, debits_number=f"{number:010d}")
        answer = desk.hears(end)
        assert answer.mti == f"{kind[:2]}{int(kind[2]) + 1}0"
        assert answer.response_code == (outcome if kind == "0500" else "00")
        assert said(answer, "debits_number", "debits_amount", "net_settlement_amount") == [
            *("0000000001", "0000000000010000", "D0000000000010000")
        ]


@every_dialect
def test_administrative_messages_are_acknowledged_in_every_dialect(dialect: str) -> None:
    desk = Desk()
    for end in (desk.issuer(dialect=dialect), desk.gateway(dialect=dialect)):
        for kind, acknowledgement in (("0600", "0610"), ("0620", "0630")):
            desk.says(end, kind, stan="000001", transmitted_at="1118110640", response_code="30")
            answer = desk.hears(end)
            assert (answer.mti, answer.response_code) == (acknowledgement, "00")
        desk.says(end, "0820", stan="000001", transmitted_at="1118110640", network_management_code="201")
        assert desk.silent(end)


@every_dialect
def test_the_link_is_managed_in_every_dialect(dialect: str) -> None:
    desk = Desk()
    bank, shop = desk.issuer(dialect=dialect), desk.gateway(dialect=dialect)
    for code in ("001", "301", "002"):
        desk.says(shop, "0800", network_management_code=code)
        assert said(desk.hears(shop), "response_code", "network_management_code") == ["00", code]
    desk.passes(31)
    echo = desk.hears(bank)
    assert (echo.mti, echo.network_management_code) == ("0800", "301")
    desk.answers(bank, echo)
    desk.says(shop, "0800", network_management_code="999")
    assert desk.hears(shop).mti == "0810"


# Faults


@every_dialect
def test_a_type_that_nobody_knows_is_rejected_in_the_senders_dialect(dialect: str) -> None:
    desk, _, shop = meet(dialect, "iso87_ascii")
    desk.says(shop, "0300", stan="000001", transmitted_at="1118110640")
    reject = desk.hears(shop)
    assert (reject.mti, *said(reject, "response_code", "reason")) == ("0620", "12", "type.unknown")


@every_dialect
def test_a_missing_element_is_named_in_the_senders_dialect(dialect: str) -> None:
    desk, bank, shop = meet(dialect, "iso87_ascii")
    desk.asks(shop, terminal_id=None)
    answer = desk.hears(shop)
    assert said(answer, "response_code", "reason", "stan") == ["30", "missing.de41", "000001"]
    assert desk.silent(bank)


@every_dialect
def test_a_frame_that_breaks_is_answered_as_far_as_it_reads(dialect: str) -> None:
    desk, bank, shop = meet(dialect, "iso87_ascii")
    tongue = spoken_with(NETWORK.participants["lab"].model_copy(update={"dialect": dialect}), lambda: TODAY)
    whole = tongue.encode("0100", elements({**PURCHASE, "currency": None, "private_data": "420205"}))
    desk.frames(shop, whole[:-1])
    answer = desk.hears(shop)
    assert (answer.mti, *said(answer, "response_code", "reason")) == ("0110", "30", "format.de48")
    assert said(answer, "stan", "pan", "terminal_id") == [PURCHASE["stan"], PURCHASE["pan"], PURCHASE["terminal_id"]]
    assert desk.silent(bank)


@pytest.mark.parametrize("dialect", ["iso93_ascii", "iso93_binary"])
def test_an_element_that_says_nothing_in_1993_is_named_by_its_number_there(dialect: str) -> None:
    """DE 56 of two digits reads as an element, and is no original."""
    desk, _, shop = meet(dialect, "iso87_ascii")
    mti, values = from_internal("1", "0420", elements({**PURCHASE, "stan": "000777"}), today=TODAY)
    desk.frames(shop, dialect_named(dialect).encode(mti, {**values, 56: "12"}))
    answer = desk.hears(shop)
    assert (answer.mti, *said(answer, "response_code", "reason", "stan")) == ("0430", "30", "format.de56", "000777")


@pytest.mark.parametrize("dialect", ["iso93_ascii", "iso93_binary"])
def test_a_request_of_1987_on_a_link_of_1993_is_of_no_known_type(dialect: str) -> None:
    """Its DE 12 and 22 would be misread, so nothing of it is."""
    desk, bank, shop = meet(dialect, "iso87_ascii")
    _, values = from_internal("1", "0100", elements(PURCHASE), today=TODAY)
    desk.frames(shop, dialect_named(dialect).encode("0100", values))
    reject = dialect_named(dialect).decode(desk.raw[shop][-1])
    assert (reject.mti, reject.get(39), reject.get(24)) == ("1620", "902", "650")
    assert desk.silent(bank)


@pytest.mark.parametrize("dialect", ["iso93_ascii", "iso93_binary"])
def test_an_approval_with_a_string_attached_is_in_doubt_at_once(dialect: str) -> None:
    """001, honour with identification: nobody here can ask for it, and money may have moved."""
    desk, bank, shop = meet("iso87_ascii", dialect)
    desk.asks(shop)
    heard = dialect_named(dialect).decode(desk.raw[bank][-1])
    desk.frames(bank, heard.answered({39: "001", 38: "A1B2C3"}))
    assert desk.hears(shop).response_code == "91"
    assert desk.heard[bank][-1].mti == "0420"


# On the wire


@pytest.mark.parametrize("dialect", ["iso93_ascii", "iso93_binary"])
def test_a_1993_issuer_hears_its_own_standard(dialect: str) -> None:
    desk, bank, shop = meet("iso87_ascii", dialect)
    desk.asks(shop, **SECRETS)
    heard = dialect_named(dialect).decode(desk.raw[bank][-1])
    assert heard.mti == "1100"
    wanted = {12: "261118140640", 22: "51010151300" + "1", 24: "100", 26: "5732"}
    assert {number: heard.get(number) for number in wanted} == wanted
    assert de.LOCAL_DATE not in heard

    desk.frames(bank, heard.answered({39: "116"}))
    assert said(desk.hears(shop), "response_code", "reason") == ["51", "funds"]


@pytest.mark.parametrize("dialect", ["iso93_ascii", "iso93_binary"])
def test_a_1993_stranger_is_understood(dialect: str) -> None:
    """Who never heard of DE 59: his reversal names its original by local time, three hours from DE 7."""
    desk, bank, shop = meet(dialect, "iso87_ascii")
    stranger = dialect_named(dialect)
    _, asked = from_internal("1", "0100", elements(PURCHASE), today=TODAY)
    desk.frames(shop, stranger.encode("1100", asked))
    desk.answers(bank, desk.hears(bank))
    answer = stranger.decode(desk.raw[shop][-1])
    assert (answer.mti, answer.get(39), answer.get(12)) == ("1110", "000", "261118140640")

    kept = {number: asked[number] for number in (2, 3, 4, 32, 37, 41, 42, 49)}
    named = "1100" + asked[11] + asked[12] + "06784001"
    reversal = {**kept, 7: "1118120000", 11: "000777", 12: "261118150000", 24: "400", 25: "4000", 56: named}
    desk.frames(shop, stranger.encode("1420", reversal))
    acknowledged = stranger.decode(desk.raw[shop][-1])
    assert (acknowledged.mti, acknowledged.get(39), acknowledged.get(56)) == ("1430", "400", named)
    desk.hears(shop), desk.hears(shop)
    assert (desk.hears(bank).mti, desk.silent(bank)) == ("0420", True)


def test_in_1993_a_repeat_is_known_though_it_is_transmitted_anew() -> None:
    """There a transaction is known by its local time; DE 7 is of the transmission."""
    desk, bank, shop = meet("iso93_binary", "iso87_ascii")
    desk.asks(shop)
    desk.answers(bank, desk.hears(bank))
    desk.hears(shop)
    desk.asks(shop, "0101", transmitted_at="1118110655")
    again = desk.hears(shop)
    assert said(again, "response_code", "approval_code", "transmitted_at") == ["00", "A1B2C3", "1118110655"]
    assert desk.silent(bank)


def test_a_header_is_answered_by_its_like() -> None:
    """Destination and source of a base-one header change places; the length is the answer's own."""
    desk, bank, shop = meet("ebcdic_base1", "iso87_ascii")
    base1 = dialect_named("ebcdic_base1")
    frame = base1.encode("0800", {7: "1118110640", 11: "000001", 70: "301"})
    header = frame[:5] + b"\x11\x22\x33" + b"\x44\x55\x66" + frame[11:22]
    desk.frames(shop, header + frame[22:])
    answer = desk.raw[shop][-1]
    assert answer[5:11] == b"\x44\x55\x66" + b"\x11\x22\x33"
    assert desk.silent(bank)


@pytest.mark.parametrize("dialect", ["iso93_binary", "iso87_ascii", "ebcdic_cis"])
def test_a_tpdu_is_turned_round_whatever_stands_behind_it(dialect: str) -> None:
    desk = Desk()
    shop = desk.gateway(dialect=dialect, framing="tpdu")
    _, values = from_internal(
        dialect_named(dialect).version, "0800", {7: "1118110640", 11: "000001", 70: "301"}, today=TODAY
    )
    mti = f"{dialect_named(dialect).version}800"
    desk.frames(shop, bytes.fromhex("6000010002") + dialect_named(dialect).encode(mti, values))
    assert desk.raw[shop][-1][:5].hex() == "6000020001"


# What stays as it was


def test_who_speaks_the_networks_dialect_pays_nothing() -> None:
    """No border is made, so nothing is asked of one: the very object, and its own messages."""
    for name in ("iso87_ascii", "iso87_ascii_binmap", "iso87_binary", "ebcdic_cis", "ebcdic_base1"):
        assert spoken(dialect_named(name), lambda: TODAY) is dialect_named(name)
    desk, bank, shop = meet("iso87_ascii", "iso87_ascii")
    desk.asks(shop)
    assert type(desk.hears(bank)) is Message


@every_dialect
def test_after_a_restart_what_was_said_in_any_dialect_is_still_known(dialect: str) -> None:
    desk, bank, shop = meet(dialect, "iso87_ascii")
    asked = desk.asks(shop)
    desk.answers(bank, desk.hears(bank))
    desk.hears(shop)

    after = desk.restarted()
    bank, shop = after.issuer(), after.gateway(dialect=dialect)
    after.reverses(shop, asked, local_time=asked["local_time"], local_date=asked["local_date"])
    assert after.hears(shop).response_code == "00"
    assert after.hears(bank).mti == "0420"


def test_the_journal_keeps_neither_pin_nor_track_nor_code_of_any_dialect() -> None:
    for dialect in EVERY:
        desk, bank, shop = meet(dialect, dialect)
        desk.asks(shop, **SECRETS)
        desk.answers(bank, desk.hears(bank))
        kept = b"".join(desk.disk)
        for secret in ("29122010000012345678", "0123456789ABCDEF", "9203123"):
            forms = [secret.encode(), secret.encode("cp500"), secret.encode().hex().encode()]
            forms += [bytes.fromhex(secret)] if len(secret) % 2 == 0 else []
            assert not any(form in kept for form in forms), dialect


# Borders

MONEY = st.integers(0, 10**12 - 1).map("{:012d}".format)

few = settings(max_examples=15)  # every example is a bitmap that the codecs have not met


def with_condition(values: dict[int, str]) -> dict[int, str]:
    """Who states how a card was read also states who was there: silence is one of the things that get lost."""
    return dict(sorted({**values, 25: "02"}.items())) if 22 in values else values


#: Values that every dialect can spell and every edition can say.
COMMON = st.fixed_dictionaries(
    {
        2: st.integers(10**12, 10**19 - 1).map(str),
        3: st.sampled_from(["000000", "012000", "310000", "400000"]),
        4: MONEY,
        7: st.just("1118110640"),
        11: st.integers(1, 999_999).map("{:06d}".format),
    },
    optional={
        6: MONEY,
        14: st.sampled_from(["2912", "9901"]),
        18: st.sampled_from(["5732", "6011"]),
        22: st.sampled_from(["051", "012", "011", "902", "071", "100", "801", "911"]),
        32: st.integers(0, 10**11 - 1).map(str),
        33: st.integers(0, 10**11 - 1).map(str),
        35: st.just("4111111111111111=29122010000012345678"),
        37: st.text("0123456789AB", min_size=12, max_size=12),
        41: st.text("LAB 019", min_size=8, max_size=8),
        43: st.just("UAE Mall Trading         Dubai        AE"),
        45: st.text("B4111=^/ DOE", min_size=1, max_size=76),
        48: st.dictionaries(st.sampled_from(["37", "42", "43", "92"]), st.text("05A=/", max_size=40), min_size=1).map(
            pack
        ),
        49: st.sampled_from(["414", "784", "392"]),
        52: st.binary(min_size=8, max_size=8).map(lambda data: data.hex().upper()),
        54: st.just("0002784C000000000001"),
        55: st.binary(min_size=1, max_size=200).map(lambda data: data.hex().upper()),
        60: st.text("xyz 09", min_size=1, max_size=99),
        102: st.text("0123456789 A", min_size=1, max_size=28),
        104: st.text("abc", min_size=1, max_size=100),
    },
).map(with_condition)


@every_dialect
@few
@given(values=COMMON)
def test_what_every_dialect_can_say_comes_back_from_each_as_it_was(dialect: str, values: dict[int, str]) -> None:
    tongue = spoken(dialect_named(dialect), lambda: TODAY)
    assert dict(tongue.decode(tongue.encode("0200", values)).items()) == values


@every_dialect
@few
@given(values=COMMON, other=st.sampled_from(EVERY))
def test_from_any_dialect_to_any_other(dialect: str, values: dict[int, str], other: str) -> None:
    one, two = spoken(dialect_named(dialect), lambda: TODAY), spoken(dialect_named(other), lambda: TODAY)
    heard = one.decode(one.encode("0200", values))
    passed_on = two.decode(heard.translated(two, {11: "000042"}, "0200"))
    assert {**dict(heard.items()), 11: "000042"} == dict(passed_on.items())


@every_dialect
@few
@given(cut=st.integers(0, 400), at=st.integers(0, 400), byte=st.integers(0, 255))
def test_whatever_a_frame_is_it_reads_or_is_refused(dialect: str, cut: int, at: int, byte: int) -> None:
    tongue = spoken(dialect_named(dialect), lambda: TODAY)
    frame = bytearray(tongue.encode("0100", elements({**PURCHASE, **SECRETS})))
    frame[at % len(frame)] = byte
    try:
        tongue.decode(bytes(frame[: cut or None]))
    except FormatError as error:
        assert error.mti is None or error.mti[0] in "09" or tongue.version != "1"


def border(name: str, **changes: object) -> Border:
    dialect = dialect_named(name)
    made = spoken(dialect, lambda: date(2027, 1, 1))
    assert isinstance(made, Border)
    return made


def test_a_border_gives_a_date_the_nearest_year() -> None:
    frame = border("iso93_ascii").encode("0100", {11: "000001", 12: "235959", 13: "1231"})
    assert dialect_named("iso93_ascii").decode(frame).get(12) == "261231235959"


def test_a_message_from_across_a_border_is_translated_to_any_dialect() -> None:
    crossed = border("iso93_ascii").decode(border("iso93_ascii").encode("0100", elements(PURCHASE)))
    for name in EVERY:
        tongue: Dialect = spoken(dialect_named(name), lambda: TODAY)
        there = tongue.decode(crossed.translated(tongue, {de.STAN: "000042"}))
        assert said(there, "pan", "stan", "pos_entry_mode") == [PURCHASE["pan"], "000042", "812"]


def test_what_the_other_side_cannot_spell_is_left_out() -> None:
    """A base-one length byte ends at 255; the request goes all the same."""
    desk, bank, shop = meet("iso87_ascii", "ebcdic_base1")
    desk.asks(shop, reserved_63="X" * 300)
    request = desk.hears(bank)
    assert de.RESERVED_63 not in request
    assert request.amount == 10000


def test_what_the_network_cannot_spell_is_named() -> None:
    """DE 99 may have letters in 1993 and not in 1987."""
    frame = dialect_named("iso93_ascii").encode("1100", {11: "000001", 99: "ABC"})
    with pytest.raises(FormatError) as broken:
        border("iso93_ascii").decode(frame)
    assert (broken.value.slug, broken.value.mti, broken.value.readable) == ("format.de99", "0100", {11: "000001"})


def test_a_border_shows_no_secret() -> None:
    crossed = border("iso93_binary").decode(border("iso93_binary").encode("0100", elements({**PURCHASE, **SECRETS})))
    assert "0123456789ABCDEF" not in repr(crossed)
    assert "4111111111111111" not in repr(crossed)
    assert crossed.dialect is INTERNAL


def test_an_issuer_link_and_a_gateway_link_may_both_have_borders() -> None:
    desk = Desk()
    for number, dialect in enumerate(EVERY, 100):
        participant = NETWORK.participants["sandbox"].model_copy(update={"dialect": dialect})
        desk.core.opened(number, Side.GATEWAY, participant, desk.now)
    assert not desk.core.take_closures()
