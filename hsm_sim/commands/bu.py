"""BU: the check value of a key."""

from hsm_sim.command import Answer, Command, Randomness, done
from hsm_sim.commands._hmac_keys import check_value_of, is_hmac_key
from hsm_sim.commands._keys import CIPHER_USAGES, is_variant
from hsm_sim.errors import RefusedError
from hsm_sim.keys import ANY_CIPHER, Keyring, KeyRule, check_value_in_full
from hsm_sim.lmk import KEY_TYPES, OF_THE_HEADER
from hsm_sim.primitives.aes import AesKey
from hsm_sim.primitives.des import DOUBLE, SINGLE, TRIPLE, DesKey
from protocols.hsm import LAYOUTS, HsmRequest, codes

# A pair code of two digits is the key type of that pair without a variant; FF: the key type follows the key.
PAIR_TYPES = {key_type[1:]: key_type for key_type in KEY_TYPES if key_type[0] == "0"}
PAIRS = tuple(PAIR_TYPES.values())
TYPE_FOLLOWS = "FF"
PAIR_CODES = {**PAIR_TYPES, TYPE_FOLLOWS: OF_THE_HEADER}

BY_PAIR = KeyRule(
    "key", types=PAIRS, chosen_by="pair_code", choices=PAIR_CODES, usages=CIPHER_USAGES, algorithms=ANY_CIPHER
)
BY_TYPE = KeyRule("key", types=tuple(KEY_TYPES), chosen_by="key_type", usages=CIPHER_USAGES, algorithms=ANY_CIPHER)

LENGTH_FLAGS = {"0": SINGLE, "1": DOUBLE, "2": TRIPLE}
BLOCK_FLAG = "F"
SIX_DIGITS = "1"


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """The check value, 16 digits unless six were asked for."""
    fields = request.fields
    value = check_value_in_full(_by_type(request, keys)) if is_variant(keys) else _by_header(request, keys)
    return done(check_value=value[:6] if fields.get("check_value_type") == SIX_DIGITS else value[:16])


def _by_type(request: HsmRequest, keys: Keyring) -> DesKey | AesKey:
    fields = request.fields
    if fields["key_length"] == BLOCK_FLAG:
        raise RefusedError(codes.LMK_SCHEME)
    if fields["pair_code"] == TYPE_FOLLOWS:
        key = keys.open(BY_TYPE, fields)
    elif fields["pair_code"] in PAIR_TYPES:
        key = keys.open(BY_PAIR, fields)
    else:
        raise RefusedError(codes.KEY_TYPE_CODE)
    if len(key.clear) != LENGTH_FLAGS[fields["key_length"]]:
        raise RefusedError(codes.KEY_LENGTH_FLAG)
    return key


def _by_header(request: HsmRequest, keys: Keyring) -> str:
    fields = request.fields
    if fields["pair_code"] != TYPE_FOLLOWS:
        raise RefusedError(codes.KEY_TYPE_CODE)
    return check_value_of(fields, keys) if is_hmac_key(fields) else check_value_in_full(keys.open(BY_TYPE, fields))


COMMAND = Command(LAYOUTS["BU"], answer, keys=(BY_PAIR, BY_TYPE))
