"""EO: import an RSA public key: from then on the HSM vouches for it. Only in the authorised state."""

from hsm_sim.command import Answer, Command, Randomness, done
from hsm_sim.commands._rsa import vouched
from hsm_sim.errors import RefusedError
from hsm_sim.key_block import Attributes
from hsm_sim.keys import Keyring
from hsm_sim.primitives import rsa
from protocols.hsm import LAYOUTS, HsmRequest
from protocols.hsm.layouts.public_keys import LENGTH

USAGE = "02"


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """The key as it travels from now on: behind an authenticator, or in a key block."""
    fields = request.fields
    written = fields["public_key"].encode("latin-1")
    try:
        rsa.public_key(written)
    except rsa.BadKeyError:
        raise RefusedError(LENGTH) from None
    mode, version = fields.get("mode_of_use", "N"), fields.get("key_version", "00")
    attributes = Attributes(USAGE, "R", mode, version, fields.get("exportability", "N"))
    return done(public_key=vouched(written, attributes, keys, randomness))


COMMAND = Command(LAYOUTS["EO"], answer, needs_authorised=True)
