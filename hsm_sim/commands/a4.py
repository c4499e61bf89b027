"""A4: form a key from two to nine components, each encrypted under the LMK, by XOR."""

from functools import reduce

from hsm_sim.command import Answer, Command, Randomness, done
from hsm_sim.commands._keys import CIPHER_USAGES, new_form
from hsm_sim.errors import RefusedError
from hsm_sim.keys import ANY_CIPHER, Keyring, KeyRule, check_value
from hsm_sim.lmk import KEY_TYPES
from hsm_sim.primitives.aes import AesKey
from hsm_sim.primitives.des import DesKey, with_odd_parity, xor
from protocols.hsm import LAYOUTS, HsmRequest, codes
from protocols.hsm.layouts.keys import COMPONENT_COUNT

FEWEST, MOST = 2, 9
COMPONENTS = tuple(
    KeyRule(
        f"component_{number}",
        types=tuple(KEY_TYPES),
        chosen_by="key_type",
        usages=CIPHER_USAGES,
        algorithms=ANY_CIPHER,
        component=True,
    )
    for number in range(1, MOST + 1)
)


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """The key and its check value."""
    fields = request.fields
    count = int(fields["components"])
    if not FEWEST <= count <= MOST:
        raise RefusedError(COMPONENT_COUNT)
    form, length = new_form(fields, keys)
    opened = [keys.opened(rule, fields) for rule in COMPONENTS[:count]]
    if any(len(one.key.clear) != length for one in opened):
        raise RefusedError(codes.KEY_LENGTH)
    for one in opened:
        if form.attributes is not None and one.attributes is not None:
            if one.attributes.usage != form.attributes.usage:
                raise RefusedError(codes.BLOCK_USAGE)
            if one.attributes.algorithm != form.attributes.algorithm:
                raise RefusedError(codes.BLOCK_ALGORITHM)
    clear = reduce(xor, (one.key.clear for one in opened))
    if not any(clear):  # the same component twice
        raise RefusedError(codes.DESTINATION_PARITY)
    aes = isinstance(opened[0].key, AesKey)
    key: DesKey | AesKey = AesKey(clear) if aes else DesKey(with_odd_parity(clear))
    return done(key=form.seal(keys, key, randomness), check_value=check_value(key))


COMMAND = Command(LAYOUTS["A4"], answer, keys=COMPONENTS)
