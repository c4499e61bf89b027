"""New working keys: taken from a participant, or made and given to one, by 0800 with DE 70 = 161.

A key is used only when the HSM took it out from under the zone master key and its check value is the one that was
sent. It is a record before it is acknowledged, so it outlives a restart. The one before is good until something
came under the new one, and no longer than a minute. A key that was in use before is not taken again: somebody may
have kept the message. Keys are under the HSM's LMK wherever they are here.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from protocols import codes
from protocols import elements as de
from protocols.hsm import HsmAnswer
from protocols.key_change import CHECK_VALUE_LENGTH, Offer, Use, offer_of
from protocols.message import Message
from protocols.participant import Participant
from switch import replies
from switch.configuration import Configuration
from switch.ends import LinkEnd
from switch.hsm_end import Errand
from switch.instant import Instant
from switch.records import Kind, NewKey
from switch.story import AskHsm

if TYPE_CHECKING:
    from switch.core import Core

OVERLAP_S: Final = 60.0  # what is on its way under the old key is there by then
DOUBLE: Final = "U"  # scheme of the new key, under the LMK and under the ZMK

Told = Callable[[str], None]  # hears what became of a change: "" or a reason's slug


class Offered(NamedTuple):
    """A key that we gave, and whose answer is awaited."""

    participant: str
    use: Use
    key: str
    check_value: str
    until: float
    told: Told


class KeyChanges:
    """The key changes of one core."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._offered: dict[str, Offered] = {}  # by DE 11 of our 0800
        self._used: set[tuple[str, Use, str]] = set()  # check values of all keys that came in this way
        self._overlaps: dict[tuple[str, Use], float] = {}  # until when the key before is good

    # A participant gives us one

    def take(self, link: LinkEnd, message: Message, now: Instant) -> None:
        """Have the HSM take the key out from under the ZMK, and see."""
        offer, zmk = offer_of(message), link.participant.keys.zmk
        if offer is None or zmk is None or (link.participant.id, offer.use, offer.check_value.upper()) in self._used:
            self._refuse(link, message)
            return
        fields = {"key_type": kind_of(link.participant, offer.use), "zmk": zmk, "key": offer.key, "scheme": DOUBLE}
        errand = Errand(partial(self._taken, link, message, offer))
        if not self._core.ask_hsm(errand, AskHsm("A6", fields), link.participant, now):
            self._taken(link, message, offer, None, now)

    def _taken(self, link: LinkEnd, message: Message, offer: Offer, answer: HsmAnswer | None, now: Instant) -> None:
        if not self._core.is_open(link):
            return
        if answer is None:
            self._core.send(link.number, replies.refusal(message, "hsm.down"))
            return
        key, value = answer.fields.get("key", ""), answer.fields.get("check_value", "")[:CHECK_VALUE_LENGTH]
        right = answer.done and hmac.compare_digest(value.upper(), offer.check_value.upper())
        if not right or key in known_keys(link.participant):
            self._refuse(link, message)
            return
        self._use(link.participant.id, offer.use, key, value, now)
        self._core.hold(link.number, message.answered({de.RESPONSE_CODE: codes.APPROVED}), None)

    def _refuse(self, link: LinkEnd, message: Message) -> None:
        self._core.note("key.refused", participant=link.participant.id)
        self._core.send(link.number, replies.refusal(message, "key.refused"))

    # We give a participant one

    def begin(self, participant: Participant, use: Use, told: Told, now: Instant) -> None:
        """Have the HSM make a key, and offer it; `told` hears how it ended."""
        link = self._core.link_to(participant.id)
        if participant.keys.zmk is None or link is None:
            told("key.no_zmk" if participant.keys.zmk is None else "issuer.down")
            return
        fields = {
            "mode": "1",
            "key_type": kind_of(participant, use),
            "scheme": DOUBLE,
            "zmk": participant.keys.zmk,
            "export_scheme": DOUBLE,
        }
        errand = Errand(partial(self._made, link, participant, use, told))
        if not self._core.ask_hsm(errand, AskHsm("A0", fields), participant, now):
            told("hsm.down")

    def _made(
        self, link: LinkEnd, participant: Participant, use: Use, told: Told, answer: HsmAnswer | None, now: Instant
    ) -> None:
        if answer is None or not answer.done or not self._core.is_open(link):
            told("hsm.down" if answer is None or not answer.done else "issuer.down")
            return
        key, value = answer.fields["key"], answer.fields["check_value"][:CHECK_VALUE_LENGTH]
        offer = Offer(use, answer.fields["exported_key"], value)
        stan = self._core.manage(link, codes.KEY_CHANGE, now, offer.elements())
        until = now.elapsed + participant.deadlines.issuer_s
        self._offered[stan] = Offered(participant.id, use, key, value, until, told)

    def answered(self, link: LinkEnd, message: Message, now: Instant) -> None:
        """The 0810 to our 0800: the key is in use from here on, or never was."""
        offered = self._offered.get(message.get(de.STAN) or "")
        if offered is None or offered.participant != link.participant.id:
            self._core.note("answer.unasked", link=link.number, participant=link.participant.id, mti=message.mti)
            return
        del self._offered[message.get(de.STAN) or ""]
        if message.get(de.RESPONSE_CODE) == codes.APPROVED:
            self._use(offered.participant, offered.use, offered.key, offered.check_value, now)
            offered.told("")
        else:
            self._core.note("key.refused", participant=offered.participant)
            offered.told("key.refused")

    # In use

    def _use(self, participant: str, use: Use, key: str, check_value: str, now: Instant) -> None:
        record = NewKey(Kind.NEW_KEY, self._core.last_number, now.wall, participant, use.agreed, key, check_value)
        self._core.outbox.record(record)
        self._core.note("key.changed", participant=participant, use=use.agreed, check_value=check_value)
        self._overlaps[participant, use] = now.elapsed + OVERLAP_S
        self.restore(record)

    def restore(self, record: NewKey) -> None:
        """What a record says: also after a restart, when no key before it is good any more."""
        use = next(use for use in Use if use.agreed == record.use)
        self._used.add((record.participant, use, record.check_value.upper()))
        if record.participant in self._core.network.participants:
            keep = (record.participant, use) in self._overlaps
            self._core.agree(with_key(self._core.network, record.participant, use, record.key, keep_old=keep))

    def came_under_new(self, participant: str, use: Use) -> None:
        """Something came under the key in use: the one before has had its day."""
        if self._overlaps.pop((participant, use), None) is not None:
            self._core.agree(without_old(self._core.network, participant, use))

    def tick(self, now: Instant) -> None:
        """Offers that nobody answered; keys whose minute is over."""
        for stan in [stan for stan, one in self._offered.items() if one.until <= now.elapsed]:
            self._offered.pop(stan).told("issuer.timeout")
        for participant, use in [which for which, until in self._overlaps.items() if until <= now.elapsed]:
            self.came_under_new(participant, use)

    @property
    def waits(self) -> bool:
        """Whether there is anything to look at in a tick."""
        return bool(self._offered or self._overlaps)


def kind_of(participant: Participant, use: Use) -> str:
    """The HSM's code for a key of this use."""
    return participant.mac.key_type if use is Use.MAC else use.value[2]


def known_keys(participant: Participant) -> frozenset[str]:
    """Every key that is agreed with it now."""
    return frozenset(key for key in participant.keys.model_dump().values() if key is not None)


def with_key(network: Configuration, participant: str, use: Use, key: str, *, keep_old: bool) -> Configuration:
    """The network with another key agreed; the old one is kept beside it where it may still be used."""
    keys = network.participants[participant].keys
    old = getattr(keys, use.agreed) if keep_old else None
    return _agreed(network, participant, {use.agreed: key, f"previous_{use.agreed}": old})


def without_old(network: Configuration, participant: str, use: Use) -> Configuration:
    """The network with no key but the one in use."""
    return _agreed(network, participant, {f"previous_{use.agreed}": None})


def _agreed(network: Configuration, participant: str, changes: dict[str, str | None]) -> Configuration:
    one = network.participants[participant]
    changed = one.model_copy(update={"keys": one.keys.model_copy(update=changes)})
    return replace(network, participants={**network.participants, participant: changed})
