"""ME: verify a MAC under a TAK, and only if it holds make one under another; the old form."""

from hmac import compare_digest

from hsm_sim.command import Answer, Command, Randomness, checked, done
from hsm_sim.commands._mac import digits, opened_by_length, rule_by_length
from hsm_sim.keys import Keyring
from protocols.hsm import LAYOUTS, HsmRequest, codes

SOURCE = rule_by_length("key", ("003",))
DESTINATION = rule_by_length("destination_key", ("003",), codes.DESTINATION_PARITY)


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """The new MAC, or 01."""
    fields = request.fields
    message, given = fields["message"].encode("latin-1"), fields["mac"]
    source, destination = opened_by_length(SOURCE, fields, keys), opened_by_length(DESTINATION, fields, keys)
    if not compare_digest(digits(source.value(message, None))[: len(given)], given):
        return checked(False)
    return done(mac=digits(destination.value(message, None))[: len(given)])


COMMAND = Command(LAYOUTS["ME"], answer, keys=(SOURCE, DESTINATION))
