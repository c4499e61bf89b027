"""A0: make a key, and in mode 1 hand it out under a ZMK or TMK as well.

Under a variant LMK a key block can neither be made nor exported: A1.
"""

from collections.abc import Mapping

from hsm_sim.command import Answer, Command, Randomness, done
from hsm_sim.errors import RefusedError
from hsm_sim.key_scheme import KEY_SCHEMES, KeyScheme, wrap
from hsm_sim.keys import Keyring, KeyRule
from hsm_sim.lmk import KEY_TYPES
from hsm_sim.primitives.des import DOUBLE, SINGLE, TRIPLE, DesKey, check_value, with_odd_parity
from protocols.hsm import LAYOUTS, HsmRequest, codes
from protocols.hsm.fields import KEY_BLOCK_SCHEMES

ZMK = KeyRule(
    "zmk",
    types=("000", "002"),
    lengths=(DOUBLE, TRIPLE),
    chosen_by="export_flag",
    choices={"0": "000", "1": "002"},
)
OF_THE_HEADER = "FFF"  # the key type stands in a key block's header
EXPORTED = "1"
ZMK_TYPE = "000"
TRIES = 8  # two equal parts once are already a wonder


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """A fresh key of odd parity under the LMK, perhaps under the ZMK too, and its check value."""
    fields = request.fields
    key_type = _key_type(fields["key_type"])
    scheme = _scheme(fields["scheme"])
    if fields["mode"] != EXPORTED:
        clear = fresh_key(scheme.length, randomness)
        return done(
            key=keys.seal(clear, key_type=key_type, scheme=scheme.letter), check_value=_short_check_value(clear)
        )
    return _exported(fields, key_type, scheme, keys, randomness)


def _exported(
    fields: Mapping[str, str], key_type: str, scheme: KeyScheme, keys: Keyring, randomness: Randomness
) -> Answer:
    if key_type == ZMK_TYPE and not keys.lmk.authorised:
        raise RefusedError(codes.NOT_AUTHORISED)
    export_scheme = _scheme(fields["export_scheme"])
    if export_scheme.length != scheme.length:
        raise RefusedError(codes.KEY_SCHEME)
    zmk = keys.open_des(ZMK, fields)
    clear = fresh_key(scheme.length, randomness)
    return done(
        key=keys.seal(clear, key_type=key_type, scheme=scheme.letter),
        exported_key=wrap(zmk.clear, export_scheme, clear),
        check_value=_short_check_value(clear),
    )


def _key_type(code: str) -> str:
    if code == OF_THE_HEADER:
        raise RefusedError(codes.LMK_SCHEME)
    if code not in KEY_TYPES:
        raise RefusedError(codes.KEY_TYPE_CODE)
    return code


def _scheme(letter: str) -> KeyScheme:
    if letter in KEY_BLOCK_SCHEMES:
        raise RefusedError(codes.LMK_SCHEME)
    if letter not in KEY_SCHEMES:
        raise RefusedError(codes.KEY_SCHEME)
    return KEY_SCHEMES[letter]


def fresh_key(length: int, randomness: Randomness) -> bytes:
    """A key of odd parity, no two parts of it equal."""
    for _ in range(TRIES):
        clear = with_odd_parity(randomness(length))
        parts = {clear[at : at + SINGLE] for at in range(0, length, SINGLE)}
        if len(parts) == length // SINGLE:
            return clear
    raise RuntimeError("the source of randomness repeats itself")


def _short_check_value(clear: bytes) -> str:
    return check_value(DesKey(clear))[:6]


COMMAND = Command(LAYOUTS["A0"], answer, keys=(ZMK,))
