"""Seals on the way in and on the way out: made and checked by the HSM where a participant's agreement has a MAC key.

What comes in sealed waits until the HSM has looked at its MAC, and only then is it a message like any other;
without the right MAC it is refused with 63 and goes nowhere. What goes out is sealed at the last moment, when it
may leave, so that the rest of the switch knows nothing of seals. Links without a MAC key never come here.

When the HSM is silent, a request is refused with 96, an answer of an issuer counts as not given (its request is
undone), an approval counts as not delivered, and what store and forward owes is simply sent again.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from protocols import mti
from protocols.hsm import HsmAnswer
from protocols.key_change import Use
from protocols.message import Message
from protocols.participant import Participant
from protocols.seal import DIGITS, Seal, Unsealed, seal_of
from switch import replies
from switch.ends import LinkEnd, Side
from switch.hsm_end import Errand
from switch.instant import Instant
from switch.story import AskHsm, Silence

if TYPE_CHECKING:
    from switch.core import Core

INVALID = "01"  # the HSM's word for a MAC that is not of this message
ONLY_BLOCK, HEX = "0", "1"


class Macs:
    """The seals of one core."""

    def __init__(self, core: Core) -> None:
        self._core = core

    # In

    def check(self, link: LinkEnd, message: Message, now: Instant) -> None:
        """Let the message in once its seal was found right; one that needs none goes in at once."""
        if not link.participant.seals(message.mti):
            self._core.dispatch(link, message, now)
            return
        seal = seal_of(message)
        if seal is None or seal.mac[link.participant.mac.digits :].strip("0"):  # behind a short MAC there is nothing
            self._reject(link, message, "mac.invalid", now)
            return
        link.outstanding += 1
        self._ask_about(link, message, seal, _keys(link.participant), now)

    def _ask_about(self, link: LinkEnd, message: Message, seal: Seal, keys: list[str], now: Instant) -> None:
        """By the key in use; if that says no, by the one before it, as long as that is good."""
        errand = Errand(partial(self._checked, link, message, seal, keys))
        if not self._core.ask_hsm(errand, verifying(link.participant, keys[0], seal), link.participant, now):
            self._checked(link, message, seal, keys, None, now)

    def _checked(
        self, link: LinkEnd, message: Message, seal: Seal, keys: list[str], answer: HsmAnswer | None, now: Instant
    ) -> None:
        if answer is not None and answer.error == INVALID and len(keys) > 1:
            self._ask_about(link, message, seal, keys[1:], now)
            return
        link.outstanding -= 1
        if not self._core.is_open(link):
            return
        if answer is not None and answer.done:
            if keys[0] == link.participant.mac_key and link.participant.keys.previous_mac_key is not None:
                self._core.keys.came_under_new(link.participant.id, Use.MAC)
            self._core.dispatch(link, message, now)
        else:
            refused = answer is not None and answer.error == INVALID
            self._reject(link, message, "mac.invalid" if refused else "hsm.down", now)

    def _reject(self, link: LinkEnd, message: Message, slug: str, now: Instant) -> None:
        """Refuse a request; an issuer's answer that cannot be believed is none, and its request is in doubt."""
        self._core.note(slug, participant=link.participant.id, mti=message.mti)
        if not mti.is_answer(message.mti):
            if mti.has_answer(message.mti):
                self._core.send(link.number, replies.refusal(message, slug))
        elif link.side is Side.ISSUER:
            self._core.distrust(link, message, Silence.FORGED if slug == "mac.invalid" else Silence.UNCHECKED, now)

    # Out

    def seal(self, link: LinkEnd, frame: bytes, token: object, now: Instant) -> bool:
        """Seal a frame and send it then; False: it needs no seal."""
        unsealed = Unsealed(link.dialect, frame)
        if not link.participant.seals(unsealed.mti):
            return False
        errand = Errand(partial(self._made, link, unsealed, token))
        key = link.participant.mac_key or ""
        if not self._core.ask_hsm(errand, making(link.participant, key, unsealed.covered), link.participant, now):
            self._made(link, unsealed, token, None, now)
        return True

    def _made(self, link: LinkEnd, unsealed: Unsealed, token: object, answer: HsmAnswer | None, now: Instant) -> None:
        if answer is not None and answer.done and self._core.is_open(link):
            self._core.send_now(link.number, unsealed.sealed(answer.fields["mac"]), token)
            return
        if self._core.is_open(link):
            self._core.note("seal.not_made", participant=link.participant.id, mti=unsealed.mti)
            if token is not None:
                link.outstanding -= 1
        self._core.undelivered((token,), now)
        if link.side is Side.ISSUER and mti.is_request(unsealed.mti):
            self._core.not_sent(link, unsealed.stan, now)


def _keys(participant: Participant) -> list[str]:
    """The MAC key in use, then the one before it, where that may still be used."""
    return [key for key in (participant.keys.mac_key, participant.keys.previous_mac_key) if key is not None]


def making(participant: Participant, key: str, covered: bytes) -> AskHsm:
    """What the HSM is asked for a MAC of these bytes."""
    return AskHsm("M6", _question(participant, key, covered))


def verifying(participant: Participant, key: str, seal: Seal) -> AskHsm:
    """What the HSM is asked about a MAC that came."""
    return AskHsm("M8", {**_question(participant, key, seal.covered), "mac": seal.mac[: participant.mac.digits]})


def _question(participant: Participant, key: str, covered: bytes) -> dict[str, str]:
    agreed = participant.mac
    return {
        "mode": ONLY_BLOCK,
        "input_format": HEX,
        "mac_size": "1" if agreed.digits == DIGITS else "0",
        "algorithm": agreed.algorithm,
        "padding": agreed.padding,
        "key_type": agreed.key_type,
        "key": key,
        "message": covered.hex().upper(),
    }
