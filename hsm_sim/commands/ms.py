"""MS: the MAC of a large message, block by block, by X9.9 or X9.19, under a TAK or ZAK."""

from hsm_sim.command import Answer, Command, Randomness, done
from hsm_sim.commands._mac import digits, message_of, more_follows, opened_by_length, start_of
from hsm_sim.commands._mac import rule_by_length as _rule
from hsm_sim.errors import RefusedError
from hsm_sim.keys import Keyring, KeyRule
from hsm_sim.primitives.des import DOUBLE, SINGLE
from protocols.hsm import LAYOUTS, HsmRequest, codes

LENGTHS = {"0": SINGLE, "1": DOUBLE}
RULES = {"0": _rule("key", ("003",)), "1": _rule("key", ("008",))}


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """The MAC; or, when more follows, the state to go on from."""
    fields = request.fields
    maker = opened_by_length(RULES[fields["key_type"]], fields, keys)
    if len(maker.key.clear) != LENGTHS[fields["key_length"]]:
        raise RefusedError(codes.KEY_LENGTH)
    message = message_of(fields, "message_type")
    if more_follows(request):
        return done(iv=digits(maker.state_after(message, start_of(fields))))
    return done(mac=digits(maker.value(message, start_of(fields))))


def _keys() -> tuple[KeyRule, ...]:
    return tuple(RULES.values())


COMMAND = Command(LAYOUTS["MS"], answer, keys=_keys())
