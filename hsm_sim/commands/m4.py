"""M4: data from one key and mode to another; the clear data stay inside."""

from hsm_sim.command import Answer, Command, Randomness, done
from hsm_sim.commands._data import Cipher, cipher, data_key, given, taken
from hsm_sim.keys import DECRYPTS, ENCRYPTS, Keyring
from protocols.hsm import LAYOUTS, HsmRequest, codes

SOURCE = data_key("source_", DECRYPTS)
DESTINATION = data_key("destination_", ENCRYPTS, codes.DESTINATION_PARITY)


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """The data under the other key, and both IVs to go on with."""
    fields = request.fields
    source, destination = cipher(SOURCE, fields, keys), cipher(DESTINATION, fields, keys)
    before = taken(fields, enciphered_already=True)
    after = destination.encrypt(source.decrypt(before))
    return done(
        message=given(after, fields, enciphered_now=True),
        **_named("source_", source, before),
        **_named("destination_", destination, after),
    )


def _named(prefix: str, with_key: Cipher, hidden: bytes) -> dict[str, str]:
    return {prefix + name: value for name, value in with_key.chain_value(hidden).items()}


COMMAND = Command(LAYOUTS["M4"], answer, keys=(*SOURCE.all(), *DESTINATION.all()))
