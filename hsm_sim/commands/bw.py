"""BW: move a key from the old LMK to the new one; from a variant LMK to a key-block LMK the request says the header."""

from dataclasses import replace

from hsm_sim.command import Answer, Command, Randomness, done
from hsm_sim.commands._keys import Form, algorithm_of, bare, header_asked, is_bare_key, is_variant, scheme_asked
from hsm_sim.commands.bu import BY_PAIR, BY_TYPE, LENGTH_FLAGS, PAIR_TYPES, SIX_DIGITS, TYPE_FOLLOWS
from hsm_sim.errors import RefusedError
from hsm_sim.key_block import THALES
from hsm_sim.key_scheme import parse
from hsm_sim.keys import Keyring, check_value_in_full
from hsm_sim.usages import check
from protocols.hsm import LAYOUTS, HsmRequest, codes

CHECK_VALUE_TOO = "1"  # of `!`: the check value follows the key


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """The key under the new LMK."""
    fields = request.fields
    if keys.old is None:  # no old LMK was loaded
        raise RefusedError(codes.USER_STORAGE)
    if fields["pair_code"] != TYPE_FOLLOWS and fields["pair_code"] not in PAIR_TYPES:
        raise RefusedError(codes.KEY_TYPE_CODE)
    rule = BY_TYPE if fields["pair_code"] == TYPE_FOLLOWS else BY_PAIR
    key = keys.old.open(rule, fields)
    if len(key.clear) != LENGTH_FLAGS.get(fields["key_length"]):
        raise RefusedError(codes.KEY_LENGTH_FLAG)
    came_as = parse(fields["key"])[0].letter
    scheme = scheme_asked(fields.get("scheme", came_as if is_variant(keys) else THALES), keys)
    form = Form(rule.type_for(fields), scheme)
    if not is_variant(keys):
        asked = header_asked(fields)
        if asked is None:
            raise RefusedError(codes.INPUT_DATA)
        if asked.algorithm not in ("", algorithm_of(key)):
            raise RefusedError(codes.BLOCK_ALGORITHM)
        form = replace(form, attributes=check(replace(asked, algorithm=algorithm_of(key))))
    is_bare = "scheme" not in fields and is_bare_key(fields["key"])
    moved = {"key": bare(form.seal(keys, key, randomness), is_bare)}
    if fields.get("check_value_flag") == CHECK_VALUE_TOO:
        value = check_value_in_full(key)
        moved["check_value"] = value[:6] if fields.get("check_value_type") == SIX_DIGITS else value[:16]
    return done(**moved)


COMMAND = Command(LAYOUTS["BW"], answer, needs_authorised=True)
