"""JG: translate a PIN from the LMK to a zone's key (ZPK). Only into a block that is bound to the account."""

from hsm_sim.command import Answer, Command, Randomness, done
from hsm_sim.commands._kept import pin_kept
from hsm_sim.commands._pin_keys import TO_ZPK
from hsm_sim.keys import Keyring
from hsm_sim.pin_blocks import block_of
from hsm_sim.pin_translation import BOUND_EXAMPLE
from protocols.hsm import LAYOUTS, HsmRequest


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """The PIN block under the ZPK."""
    fields = request.fields
    keys.pin_rules.check_translation(BOUND_EXAMPLE, fields["format"])
    key = keys.open(TO_ZPK, fields)
    return done(pin_block=block_of(key, fields["format"], pin_kept(fields, keys), fields["account"], randomness))


COMMAND = Command(LAYOUTS["JG"], answer, keys=(TO_ZPK,))
