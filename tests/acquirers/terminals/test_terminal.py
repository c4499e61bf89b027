"""What a terminal makes of a card: entry modes, the holder's verification, refusals; steps as they are typed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acquirers.points_of_sale import POINTS_OF_SALE
from acquirers.terminals import terminal as kernel
from acquirers.terminals import told
from acquirers.terminals.card import Card
from acquirers.terminals.settings import load_equipment
from acquirers.terminals.step import Deck, KnownCard, StepError, load_script, of_words, typed_pin
from acquirers.transaction import Place, make_request
from protocols import elements as de
from protocols import tlv
from protocols.money import Amount
from protocols.network import NetworkError
from protocols.pan import Pan
from tests.acquirers.making import house, order, stamp

EQUIPMENT = load_equipment()
SHOP, CASH = EQUIPMENT.terminals["GULF0001"], EQUIPMENT.terminals["NBKATM01"]
MERCHANT = house("nbd").merchants["GULFMART0000001"]


def card(number: str = "9784300000000015") -> Card:
    issued = EQUIPMENT.issued(number)
    assert issued is not None
    return Card(Pan(number), "2912", issued, lambda: 7)


def dirhams(text: str) -> Amount:
    return Amount.parse(text, "AED")


@pytest.mark.parametrize(
    ("how", "pin", "amount", "number", "method", "third"),
    [
        ("insert", "1234", "25.00", "9784300000000015", "pin", 0x04),
        ("insert", None, "25.00", "9784300000000015", "signature", 0x08),  # the holder types none: the next method
        ("insert", "1234", "25.00", "9784100000000019", "signature", 0x00),  # the card would rather have a signature
        ("tap", None, "100.00", "9784300000000015", "none", 0x00),
        ("tap", "1234", "100.01", "9784300000000015", "pin", 0x04),
    ],
)
def test_how_the_holder_is_verified(
    how: str, pin: str | None, amount: str, number: str, method: str, third: int
) -> None:
    found = kernel.verification(SHOP, kernel.Presented(card(number), how, pin), dirhams(amount), MERCHANT)
    assert (found.method, bytes.fromhex(found.verification_results)[2]) == (method, third)


def test_a_cash_machine_verifies_by_pin_or_not_at_all() -> None:
    paid = dirhams("20.00")
    assert kernel.verification(CASH, kernel.Presented(card(), "insert", "1234"), paid, MERCHANT).method == "pin"
    failed = kernel.verification(CASH, kernel.Presented(card(), "insert", None), paid, MERCHANT)
    assert (failed.method, bytes.fromhex(failed.verification_results)[2]) == ("failed", 0x88)


def test_a_terminal_without_a_pad_says_so() -> None:
    without = SHOP.model_copy(update={"pin": "none"})
    found = kernel.verification(without, kernel.Presented(card(), "insert", "1234"), dirhams("5.00"), MERCHANT)
    assert (found.method, bytes.fromhex(found.verification_results)[2]) == ("signature", 0x10)
    assert not kernel.wants_pin(without, kernel.Presented(card(), "insert"), dirhams("5.00"), MERCHANT)


@pytest.mark.parametrize(
    ("terminal", "how", "broken", "why"),
    [
        (SHOP, "swipe", False, "has a chip"),
        (CASH, "type", False, "cannot type"),
        (SHOP, "insert", True, "fall back"),
    ],
)
def test_a_card_that_cannot_be_read_that_way(terminal: object, how: str, broken: bool, why: str) -> None:
    one = card()
    one.chip_is_broken = broken
    with pytest.raises(kernel.UnreadableCardError, match=why):
        kernel.must_be_readable(terminal, kernel.Presented(one, how))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("how", "entry", "present", "absent"),
    [
        ("insert", "051", (de.TRACK_2, de.ICC_DATA, de.CARD_SEQUENCE), ()),
        ("tap", "071", (de.TRACK_2, de.ICC_DATA, de.CARD_SEQUENCE), ()),
        ("fallback", "801", (de.TRACK_2,), (de.ICC_DATA, de.CARD_SEQUENCE)),
        ("type", "011", (), (de.TRACK_2, de.ICC_DATA)),
    ],
)
def test_what_each_way_of_reading_adds(how: str, entry: str, present: tuple[int, ...], absent: tuple[int, ...]) -> None:
    place = Place(MERCHANT, SHOP.id, POINTS_OF_SALE["card_present"])
    request = make_request(order(amount="25.00"), place, house("nbd"), stamp())
    cash = dirhams("10.00")
    shown = kernel.Presented(card(), how, "1234", cash=cash)
    found = kernel.elements(SHOP, shown, request, stamp(), MERCHANT, b"\1\2\3\4")
    assert found[de.POS_ENTRY_MODE] == entry
    assert all(number in found for number in present)
    assert not any(number in found for number in absent)
    assert found[de.ADDITIONAL_AMOUNTS] == "0040784D000000001000"
    if de.ICC_DATA in found:
        tags = tlv.by_tag(tlv.parse(bytes.fromhex(found[de.ICC_DATA])))
        assert (tags["9F02"].hex(), tags["5F2A"].hex(), tags["9F36"].hex()) == ("000000002500", "0784", "0007")


def test_a_conversation_hides_what_is_secret() -> None:
    values = {de.PAN: "9784300000000015", de.TRACK_2: card().stripe(), de.PIN_BLOCK: "C6CF62084B7FF1FD", 39: "00"}
    lines = "\n".join(told.message(">", "0100", values | {de.ICC_DATA: "5A089784300000000015"}))
    assert "978430******0015" in lines
    assert not any(secret in lines for secret in ("9784300000000015", "C6CF6208", card().stripe()))
    assert "unreadable" in "\n".join(told.message("<", "0110", {de.ICC_DATA: "9F"}))


def test_steps_are_typed_as_words() -> None:
    step = of_words("insert nbd/debit/1 purchase 25.00 AED cash=5.00 pin=wrong expect=55")
    assert (step.how, step.card, step.do, step.amount, step.currency) == (
        *("insert", "nbd/debit/1", "purchase"),
        *("25.00", "AED"),
    )
    assert (step.cash, step.pin, step.expect) == ("5.00", "wrong", "55")
    assert "nbd" not in str(step)


@pytest.mark.parametrize(
    "line",
    ["", "purchase 5.00", "insert x purchase", "insert x pin_change", "complete", "insert 'x", "x=1", "tap x cash no"],
)
def test_what_makes_no_sense_is_said(line: str) -> None:
    with pytest.raises(StepError):
        of_words(line)


@given(st.text())
def test_any_line_is_a_step_or_a_mistake(line: str) -> None:
    try:
        of_words(line)
    except StepError:
        return


def test_a_script_has_steps_and_every_mistake_is_told(tmp_path: Path) -> None:
    path = tmp_path / "day.toml"
    path.write_text('[[step]]\nhow = "insert"\ncard = "1"\ndo = "balance"\n')
    assert [step.do for step in load_script(path)] == ["balance"]
    path.write_text('[[step]]\ndo = "fly"\n[[step]]\ndo = "purchase"\n')
    with pytest.raises(NetworkError) as caught:
        load_script(path)
    assert len(caught.value.problems) == 2
    path.write_text("step = 1\n")
    with pytest.raises(NetworkError):
        load_script(path)


def test_cards_have_names() -> None:
    rows = [{"issuer": "nbd", "product": "debit", "pan": pan, "expiry": "2912", "pin": "1234"} for pan in ("1", "2")]
    deck = Deck.of(rows)
    assert deck.names() == ["nbd/debit/1", "nbd/debit/2"]
    assert deck.find("nbd/debit/2").pan == "2"
    assert deck.find("1").pin == "1234"
    for wrong in ("nbd/debit/3", "nbd/debit/0", "no/such", "nbd/debit/²"):
        with pytest.raises(StepError):
            deck.find(wrong)


@pytest.mark.parametrize(("word", "typed"), [("right", "1234"), ("wrong", "9999"), ("none", None), ("4321", "4321")])
def test_what_the_holder_types(word: str, typed: str | None) -> None:
    assert typed_pin(word, KnownCard("nbd", "debit", "1", "2912", "1234")) == typed
