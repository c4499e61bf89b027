"""Values that are of the right form and still cannot be are found, and the element is named."""

from __future__ import annotations

from calendar import isleap
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.values import DAYS, fault, is_anything, is_moment, is_original, is_run, is_run_or_foreign, is_time
from tests.builders import message

NOW = datetime(2026, 11, 18, tzinfo=UTC).timestamp()
digits = st.text("0123456789", min_size=10, max_size=10)


def faulty(mti: str = "0100", **changes: str | None) -> str | None:
    """The reason that is found in a message with these changes."""
    changes = {"private_data": None, **changes}
    found = fault(message(mti, "iso87_ascii", **changes), NOW)
    return None if found is None else found.slug


def test_a_good_request_has_no_fault() -> None:
    assert faulty() is None
    assert faulty("0420") is None
    assert faulty(private_data="420205", icc_data="9F270180") is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"transmitted_at": "0230120000"}, "format.de7"),
        ({"transmitted_at": "1301120000"}, "format.de7"),
        ({"transmitted_at": "0000000000"}, "format.de7"),
        ({"transmitted_at": "1123250000"}, "format.de7"),
        ({"transmitted_at": "1123126000"}, "format.de7"),
        ({"transmitted_at": "1123120060"}, "format.de7"),
        ({"stan": "000000"}, "format.de11"),
        ({"local_time": "240000"}, "format.de12"),
        ({"local_date": "0431"}, "format.de13"),
        ({"expiry": "2913"}, "format.de14"),
        ({"expiry": "2900"}, "format.de14"),
        ({"private_data": "4209"}, "format.de48"),
        ({"private_data": "420205" + "420205"}, "format.de48"),
        ({"icc_data": "9F2780"}, "format.de55"),
        ({"icc_data": "9F2608" + "00" * 8 + "9F2608" + "00" * 8}, "format.de55"),
    ],
)
def test_what_cannot_be_is_named(changes: dict[str, str], reason: str) -> None:
    assert faulty(**changes) == reason


def test_the_first_of_several_is_named_and_everything_can_be_echoed() -> None:
    broken = message(transmitted_at="0230120000", stan="000000", private_data=None)
    found = fault(broken, NOW)
    assert found is not None
    assert (found.slug, found.mti, found.readable) == ("format.de7", "0100", dict(broken.items()))
    assert broken.pan is not None
    assert broken.pan.clear() not in str(found) + repr(found)


@pytest.mark.parametrize(
    ("of", "stan", "moment", "can_be"),
    [
        ("0100", "000123", "1123205144", True),
        ("0420", "000123", "1123205144", True),
        ("0199", "000123", "1123205144", False),
        ("0000", "000000", "0000000000", False),
        ("0100", "000000", "1123205144", False),
        ("0100", "000123", "0230205144", False),
    ],
)
def test_an_original_names_a_message(of: str, stan: str, moment: str, can_be: bool) -> None:
    original = f"{of}{stan}{moment}{'0' * 22}"
    assert is_original(original, NOW) is can_be
    assert (faulty("0420", original=original) is None) is can_be


@pytest.mark.parametrize("text", ["A" * 42, "1_0000000000" + "0" * 30, "-00000001000" + "0" * 30, "0" * 24 + " " * 18])
def test_replacement_amounts_are_amounts(text: str) -> None:
    assert faulty("0420", replacement_amounts=text) == "format.de95"
    assert faulty("0420", replacement_amounts="0" * 42) is None


# --- the calendar


@given(digits)
def test_a_moment_is_what_some_year_has(text: str) -> None:
    """Held against the standard library's calendar; for 29 February, see below."""
    if text.startswith("0229"):
        return
    try:
        datetime.strptime("2027" + text, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        assert not is_moment(text, NOW)
    else:
        assert is_moment(text, NOW) == (text[-2:] < "60")


@given(st.integers(1971, 2400))
def test_29_february_is_there_where_last_year_this_year_or_the_next_has_it(year: int) -> None:
    middle = datetime(year, 7, 1, tzinfo=UTC).timestamp()
    assert is_moment("0229120000", middle) == any(isleap(near) for near in (year - 1, year, year + 1))


def test_local_time_is_held_against_the_clock_face_and_no_time_zone() -> None:
    """Half past two on the night when the clocks go forward: an hour that never was, somewhere."""
    assert is_time("023000")
    assert faulty(local_time="023000", local_date="0329") is None
    assert "0229" in DAYS


# --- DE 48, by sender


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40))
def test_a_run_is_a_run_for_everybody(text: str) -> None:
    assert is_anything(text)
    if is_run(text):
        assert is_run_or_foreign(text)


@pytest.mark.parametrize("text", ["T", "</script>", "MC special", "42", "S0096B0TN00"])
def test_a_stranger_may_write_what_his_own_network_writes(text: str) -> None:
    assert is_run_or_foreign(text)
    assert not is_run(text)


@pytest.mark.parametrize("text", ["4209", "42020", "9204123", "4202059", "99999999"])
def test_what_begins_like_a_run_must_be_one(text: str) -> None:
    assert not is_run_or_foreign(text)
