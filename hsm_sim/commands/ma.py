"""MA: make a MAC under a TAK; the old form, four bytes of it."""

from hsm_sim.command import Answer, Command, Randomness, done
from hsm_sim.commands._mac import digits, opened_by_length, rule_by_length
from hsm_sim.keys import Keyring
from protocols.hsm import LAYOUTS, HsmRequest

TAK = rule_by_length("key", ("003",))
MAC_LENGTH = 8  # digits


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """The MAC."""
    message = request.fields["message"].encode("latin-1")
    return done(mac=digits(opened_by_length(TAK, request.fields, keys).value(message, None))[:MAC_LENGTH])


COMMAND = Command(LAYOUTS["MA"], answer, keys=(TAK,))
