"""EY: verify an RSA signature with a public key that EO imported."""

from hsm_sim.command import Answer, Command, Randomness, done
from hsm_sim.commands._rsa import PUBLIC, public_key
from hsm_sim.keys import Keyring
from hsm_sim.primitives import rsa
from protocols.hsm import LAYOUTS, HsmRequest
from protocols.hsm.layouts.public_keys import HASHES, PADDINGS


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """00, or what the settings say for a signature that is not of this message; 01 for a key nobody vouched for."""
    fields = request.fields
    key, signature = public_key(fields["public_key"], keys), fields["signature"].encode("latin-1")
    name, pss = HASHES[fields["hash"]], PADDINGS[fields["padding"]] == "pss"
    if rsa.is_signature(key, name, signature, fields["message"].encode("latin-1"), pss):
        return done()
    return Answer(keys.settings.wrong_signature, {})


COMMAND = Command(LAYOUTS["EY"], answer, keys=(PUBLIC,))
