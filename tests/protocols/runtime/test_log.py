"""No card number reaches a log, however it was put into the event."""

import io
import json

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from protocols.pan import Pan
from protocols.runtime.log import LogBudget, set_up_logging, visible

PAN = "9414101234560018"
SPOKEN = "9414 1012 3456 0018"


@pytest.fixture(params=["json", "colours"])
def written(request):
    stream = io.StringIO()
    set_up_logging(stream=stream, colours=request.param == "colours")
    yield stream
    structlog.reset_defaults()


def fail_with(pan):
    track_2 = f"{pan}=2912"
    try:
        raise ValueError(f"cannot read {track_2}")
    except ValueError as error:
        raise RuntimeError(pan) from error


EVENTS = {
    "under its name": {"pan": PAN},
    "under its name, as a Pan": {"pan": Pan(PAN)},
    "under another name": {"note": f"seen {PAN} again"},
    "as a number": {"n": int(PAN)},
    "four by four": {"note": SPOKEN, "other": SPOKEN.replace(" ", "-")},
    "as bytes": {"frame": b"0100" + PAN.encode()},
    "in a list in a dict": {"request": {"elements": [{"2": PAN}, (PAN,)]}},
    "as a key": {"seen": {PAN: 1}},
    "as a track": {"track_2": f"{PAN}=29122010000012300000"},
    "inside an object": {"error": ValueError(PAN)},
    "in a reason": {"reason": f"no such card {PAN}"},
    "in a name on the receipt": {"card_acceptor_name": f"SHOP {PAN}"},
}


@pytest.mark.parametrize("how", EVENTS)
def test_a_card_number_is_not_shown(written, how):
    structlog.get_logger().info("refused", **EVENTS[how])
    assert written.getvalue()
    assert_unseen(written.getvalue())


def assert_unseen(text):
    assert PAN not in text and SPOKEN not in text and PAN[6:12] not in text
    assert PAN.encode().hex() not in text


def test_a_card_number_in_the_event_itself_is_not_shown(written):
    structlog.get_logger().warning(f"refused {PAN}")
    assert_unseen(written.getvalue())


def test_a_card_number_in_an_exception_and_in_its_locals_is_not_shown(written):
    try:
        fail_with(PAN)
    except RuntimeError:
        structlog.get_logger().exception("failed")
    assert_unseen(written.getvalue())
    assert "RuntimeError" in written.getvalue() and "fail_with" in written.getvalue()


def test_a_card_number_in_the_context_is_not_shown(written):
    with structlog.contextvars.bound_contextvars(card=PAN):
        structlog.get_logger().info("refused")
    assert_unseen(written.getvalue())


@given(digits=st.text("0123456789", min_size=8, max_size=19), before=st.text(max_size=5), after=st.text(max_size=5))
def test_no_digits_long_enough_for_a_card_pass(digits, before, after):
    assert digits not in str(visible("note", f"{before}{digits}{after}"))


def test_what_an_operator_needs_is_there(written):
    structlog.get_logger().info("link down", link="127.0.0.1:8601", rrn="532721000123", stan="000123", amount=12000)
    for shown in ("link down", "127.0.0.1:8601", "532721000123", "000123", "12000"):
        assert shown in written.getvalue()


def test_a_line_is_one_json_object():
    stream = io.StringIO()
    set_up_logging(stream=stream)
    structlog.get_logger().info("two\nlines", pan=PAN)
    structlog.reset_defaults()
    assert stream.getvalue().count("\n") == 1
    line = json.loads(stream.getvalue())
    assert line["pan"] == "941410******0018" and line["level"] == "info" and line["timestamp"].endswith("Z")


def test_a_value_that_cannot_be_printed_does_not_cost_the_line(written):
    class Unprintable:
        def __repr__(self):
            raise ZeroDivisionError

    structlog.get_logger().info("odd", value=Unprintable())
    assert "Unprintable" in written.getvalue()


def test_below_the_level_nothing_is_written():
    stream = io.StringIO()
    set_up_logging("WARNING", stream)
    structlog.get_logger().info("quiet")
    structlog.reset_defaults()
    assert stream.getvalue() == ""


def test_what_a_log_budget_remembers_is_bounded():
    budget = LogBudget(keys=3)
    for peer in range(100):
        assert budget.spend(peer, 0.0) == 0
    assert budget.spend(99, 0.5) is None
    assert len(budget._last) <= 3
