"""MY: verify a MAC, and only if it holds make one of the same message under another key."""

from hmac import compare_digest

from hsm_sim.command import Answer, Command, Randomness, checked, done
from hsm_sim.commands._mac import MAC_DIGITS, digits, message_of, opened, rules
from hsm_sim.commands._mac import ONLY as ONLY_PART
from hsm_sim.errors import RefusedError
from hsm_sim.keys import GENERATES, VERIFIES, Keyring
from protocols.hsm import LAYOUTS, HsmRequest, codes
from protocols.hsm.layouts import macs

SOURCE = rules("key", "key_type", VERIFIES)
DESTINATION = rules("destination_key", "destination_key_type", GENERATES, codes.DESTINATION_PARITY)


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """The new MAC, or 01. Whole messages only."""
    fields = request.fields
    if fields["mode"] != ONLY_PART:
        raise RefusedError(macs.MODE)
    source, destination = opened(SOURCE, fields, keys), opened(DESTINATION, fields, keys)
    message, size = message_of(fields), MAC_DIGITS[fields["mac_size"]]
    if not compare_digest(digits(source.value(message, None))[:size], fields["mac"]):
        return checked(False)
    return done(destination_mac=digits(destination.value(message, None))[:size])


COMMAND = Command(LAYOUTS["MY"], answer, keys=(*SOURCE.all(), *DESTINATION.all()))
