"""MQ: the MAC of a large message, block by block, under a ZAK."""

from hsm_sim.command import Answer, Command, Randomness, done
from hsm_sim.commands._mac import digits, more_follows, opened_by_length, rule_by_length, start_of
from hsm_sim.keys import Keyring
from protocols.hsm import LAYOUTS, HsmRequest

ZAK = rule_by_length("key", ("008",))


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """The MAC; or, when more follows, the state to go on from."""
    fields = request.fields
    maker, message = opened_by_length(ZAK, fields, keys), fields["message"].encode("latin-1")
    if more_follows(request):
        return done(iv=digits(maker.state_after(message, start_of(fields))))
    return done(mac=digits(maker.value(message, start_of(fields))))


COMMAND = Command(LAYOUTS["MQ"], answer, keys=(ZAK,))
