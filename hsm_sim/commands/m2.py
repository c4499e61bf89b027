"""M2: decrypt data."""

from hsm_sim.command import Answer, Command, Randomness, done
from hsm_sim.commands._data import cipher, data_key, given, taken
from hsm_sim.keys import DECRYPTS, Keyring
from protocols.hsm import LAYOUTS, HsmRequest

KEY = data_key("", DECRYPTS)


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """The data in the clear, and the IV to go on with."""
    fields = request.fields
    with_key = cipher(KEY, fields, keys)
    hidden = taken(fields, enciphered_already=True)
    clear = with_key.decrypt(hidden)
    return done(message=given(clear, fields, enciphered_now=False), **with_key.chain_value(hidden))


COMMAND = Command(LAYOUTS["M2"], answer, keys=KEY.all())
