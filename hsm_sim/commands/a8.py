"""A8: hand out a key under a ZMK, in any scheme, if its type or its header lets it go."""

from hsm_sim.command import Answer, Command, Randomness, done
from hsm_sim.commands._hmac_keys import handed_out, is_hmac_key
from hsm_sim.commands._keys import CIPHER_USAGES, EXPORTING_ZMK, Form, exported, key_type_asked
from hsm_sim.keys import ANY_CIPHER, Keyring, KeyRule, check_value
from hsm_sim.lmk import KEY_TYPES
from protocols.hsm import LAYOUTS, HsmRequest, codes

KEY = KeyRule(
    "key",
    types=tuple(KEY_TYPES),
    parity=codes.DESTINATION_PARITY,
    chosen_by="key_type",
    usages=CIPHER_USAGES,
    algorithms=ANY_CIPHER,
)


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """The key under the ZMK and its check value."""
    fields = request.fields
    key_type = key_type_asked(fields, keys)
    zmk = keys.open(EXPORTING_ZMK, fields)
    if is_hmac_key(fields):
        return handed_out(zmk, fields, keys, randomness)
    opened = keys.opened(KEY, fields)
    form = Form(key_type, "", opened.attributes)
    given = exported(opened.key, form, zmk, fields["scheme"], fields, keys, randomness)
    return done(exported_key=given, check_value=check_value(opened.key))


COMMAND = Command(LAYOUTS["A8"], answer, keys=(EXPORTING_ZMK, KEY))
