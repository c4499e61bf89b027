"""The life of a link, step by step."""

import pytest

from protocols import codes
from protocols.errors import RemoteProtocolError
from protocols.session import CARRIES_TRAFFIC, SIGNALS, TRANSITIONS, LinkState, Signal, step


def life(*signals):
    state = LinkState.CONNECTED
    for signal in signals:
        state = step(state, signal)
    return state


def test_a_day_on_a_link():
    assert life(Signal.SIGN_ON, Signal.ECHO, Signal.KEY_CHANGE, Signal.KEY_CHANGED) is LinkState.SIGNED_ON
    assert life(Signal.SIGN_ON, Signal.SIGN_OFF) is LinkState.SIGNED_OFF
    assert life(Signal.SIGN_ON, Signal.SIGN_OFF, Signal.SIGN_ON) is LinkState.SIGNED_ON


@pytest.mark.parametrize("state", list(LinkState))
def test_a_link_can_be_lost_in_any_state(state):
    assert step(state, Signal.LOST) is LinkState.CLOSED


@pytest.mark.parametrize("state", [state for state in LinkState if state is not LinkState.CLOSED])
def test_an_echo_changes_nothing(state):
    assert step(state, Signal.ECHO) is state


@pytest.mark.parametrize("signal", [signal for signal in Signal if signal is not Signal.LOST])
def test_a_closed_link_says_nothing_more(signal):
    with pytest.raises(RemoteProtocolError):
        step(LinkState.CLOSED, signal)


@pytest.mark.parametrize("state", [LinkState.CONNECTED, LinkState.SIGNED_OFF])
def test_a_key_is_not_changed_with_a_stranger(state):
    with pytest.raises(RemoteProtocolError, match="key change is not possible while"):
        step(state, Signal.KEY_CHANGE)


def test_a_host_that_was_restarted_may_sign_on_again():
    assert life(Signal.SIGN_ON, Signal.SIGN_ON) is LinkState.SIGNED_ON


def test_a_key_exchange_does_not_stop_traffic():
    assert life(Signal.SIGN_ON, Signal.KEY_CHANGE) in CARRIES_TRAFFIC
    assert CARRIES_TRAFFIC.isdisjoint({LinkState.CONNECTED, LinkState.SIGNED_OFF, LinkState.CLOSED})


def test_every_state_has_its_row():
    assert set(TRANSITIONS) == set(LinkState)


def test_network_management_codes_signal():
    assert SIGNALS[codes.SIGN_ON] is Signal.SIGN_ON
    assert SIGNALS.get(codes.CUT_OVER) is None
