"""LO: move a decimalisation table from the old LMK to the present one. A clear one, where allowed, goes along."""

from hsm_sim.command import Answer, Command, Randomness, done
from hsm_sim.decimalisation import encrypted, table_in
from hsm_sim.errors import RefusedError
from hsm_sim.keys import Keyring
from protocols.hsm import LAYOUTS, HsmRequest, codes


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """The table under the present LMK."""
    if keys.old is None:
        raise RefusedError(codes.USER_STORAGE)
    table = table_in(keys.old.lmk, keys.settings, request.fields["decimalisation_table"])
    return done(decimalisation_table=encrypted(keys.lmk, table))


COMMAND = Command(LAYOUTS["LO"], answer)
