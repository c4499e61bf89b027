"""GM: hash data."""

from hsm_sim.command import Answer, Command, Randomness, done
from hsm_sim.keys import Keyring
from hsm_sim.primitives.digest import digest
from protocols.hsm import LAYOUTS, HsmRequest
from protocols.hsm.layouts.data import HASHES


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """The digest, as bytes."""
    name, message = HASHES[request.fields["hash"]], request.fields["message"].encode("latin-1")
    return done(digest=digest(name, message).decode("latin-1"))


COMMAND = Command(LAYOUTS["GM"], answer)
