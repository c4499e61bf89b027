"""EW: sign data with an RSA private key."""

from hsm_sim.command import Answer, Command, Randomness, done
from hsm_sim.commands._rsa import PRIVATE, private_key
from hsm_sim.errors import RefusedError
from hsm_sim.keys import Keyring
from hsm_sim.primitives import rsa
from protocols.hsm import LAYOUTS, HsmRequest
from protocols.hsm.layouts.public_keys import HASHES, PADDINGS

TOO_SHORT = "78"  # a modulus that does not hold the hash


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """The signature, as long as the modulus."""
    fields = request.fields
    key, message = private_key(fields, keys), fields["message"].encode("latin-1")
    try:
        value = rsa.signed(key, HASHES[fields["hash"]], message, PADDINGS[fields["padding"]] == "pss")
    except ValueError:
        raise RefusedError(TOO_SHORT) from None
    return done(signature=value.decode("latin-1"))


COMMAND = Command(LAYOUTS["EW"], answer, keys=(PRIVATE,))
