"""MC: verify a MAC under a TAK; the old form."""

from hmac import compare_digest

from hsm_sim.command import Answer, Command, Randomness, checked
from hsm_sim.commands._mac import digits, opened_by_length, rule_by_length
from hsm_sim.keys import Keyring
from protocols.hsm import LAYOUTS, HsmRequest

TAK = rule_by_length("key", ("003",))


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """00 or 01."""
    message, given = request.fields["message"].encode("latin-1"), request.fields["mac"]
    expected = digits(opened_by_length(TAK, request.fields, keys).value(message, None))[: len(given)]
    return checked(compare_digest(expected, given))


COMMAND = Command(LAYOUTS["MC"], answer, keys=(TAK,))
