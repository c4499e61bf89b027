"""KA: the check value of a key, in the older form."""

from hsm_sim.command import Answer, Command, Randomness, done
from hsm_sim.commands._keys import is_variant
from hsm_sim.commands.bu import BY_PAIR, PAIR_TYPES, SIX_DIGITS, TYPE_FOLLOWS
from hsm_sim.errors import RefusedError
from hsm_sim.keys import Keyring, check_value_in_full
from protocols.hsm import LAYOUTS, HsmRequest, codes


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """The check value, 16 digits unless six were asked for."""
    fields = request.fields
    if fields["pair_code"] not in (PAIR_TYPES if is_variant(keys) else (TYPE_FOLLOWS,)):
        raise RefusedError(codes.KEY_TYPE_CODE)
    value = check_value_in_full(keys.open(BY_PAIR, fields))
    return done(check_value=value[:6] if fields.get("check_value_type") == SIX_DIGITS else value[:16])


COMMAND = Command(LAYOUTS["KA"], answer, keys=(BY_PAIR,))
