"""A6: take a key that came under a ZMK, in any scheme, under the LMK."""

from hsm_sim.command import Answer, Command, Randomness
from hsm_sim.commands._hmac_keys import is_hmac_key, taken_in
from hsm_sim.commands._keys import IMPORTING_ZMK, form_of_import, imported, key_type_asked
from hsm_sim.keys import Keyring, check_value
from protocols.hsm import LAYOUTS, HsmRequest, codes


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """The key under the LMK and its check value; 01 when its parity had to be corrected first."""
    fields = request.fields
    key_type = key_type_asked(fields, keys)
    zmk = keys.open(IMPORTING_ZMK, fields)
    if is_hmac_key(fields):
        return taken_in(zmk, fields, keys, randomness)
    came = imported(zmk, fields["key"])
    form = form_of_import(came, key_type, fields["scheme"], fields, keys)
    given = {"key": form.seal(keys, came.key, randomness), "check_value": check_value(came.key)}
    return Answer(codes.NOT_VERIFIED if came.corrected else codes.DONE, given)


COMMAND = Command(LAYOUTS["A6"], answer, keys=(IMPORTING_ZMK,))
