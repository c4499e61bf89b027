"""M0: encrypt data."""

from hsm_sim.command import Answer, Command, Randomness, done
from hsm_sim.commands._data import cipher, data_key, given, taken
from hsm_sim.keys import ENCRYPTS, Keyring
from protocols.hsm import LAYOUTS, HsmRequest

KEY = data_key("", ENCRYPTS)


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """The data enciphered, and the IV to go on with."""
    fields = request.fields
    with_key = cipher(KEY, fields, keys)
    hidden = with_key.encrypt(taken(fields, enciphered_already=False))
    return done(message=given(hidden, fields, enciphered_now=True), **with_key.chain_value(hidden))


COMMAND = Command(LAYOUTS["M0"], answer, keys=KEY.all())
