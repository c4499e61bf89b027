"""A4: form a key from two to nine components, each encrypted under the LMK, by XOR."""

from collections.abc import Mapping
from dataclasses import replace
from functools import reduce

from hsm_sim.command import Answer, Command, Randomness, done
from hsm_sim.commands._keys import CIPHER_USAGES, Form, key_type_asked, new_form, optional_blocks, scheme_asked
from hsm_sim.errors import RefusedError
from hsm_sim.keys import ANY_CIPHER, Keyring, KeyRule, Opened, check_value
from hsm_sim.lmk import KEY_TYPES
from hsm_sim.primitives.aes import AesKey
from hsm_sim.primitives.des import DesKey, with_odd_parity, xor
from hsm_sim.usages import check
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
    opened = [keys.opened(rule, fields) for rule in COMPONENTS[:count]]
    form, length = _of_components(fields, keys, opened[0]) if _says_version_alone(fields) else new_form(fields, keys)
    if any(len(one.key.clear) != length for one in opened):
        raise RefusedError(codes.KEY_LENGTH)
    for one in opened:
        if form.attributes is not None and one.attributes is not None:
            if one.attributes.usage != form.attributes.usage:
                raise RefusedError(codes.BLOCK_USAGE)
            if one.attributes.algorithm != form.attributes.algorithm:
                raise RefusedError(codes.BLOCK_ALGORITHM)
            if _says_version_alone(fields) and one.attributes.mode != form.attributes.mode:
                raise RefusedError(codes.COMPONENTS)
    clear = reduce(xor, (one.key.clear for one in opened))
    if not any(clear):  # the same component twice
        raise RefusedError(codes.DESTINATION_PARITY)
    aes = isinstance(opened[0].key, AesKey)
    key: DesKey | AesKey = AesKey(clear) if aes else DesKey(with_odd_parity(clear))
    return done(key=form.seal(keys, key, randomness), check_value=check_value(key))


def _says_version_alone(fields: Mapping[str, str]) -> bool:
    return "key_version" in fields and "key_usage" not in fields


def _of_components(fields: Mapping[str, str], keys: Keyring, first: Opened) -> tuple[Form, int]:
    """What the key is to be, where `#` says its version alone: its components say the rest."""
    key_type, scheme = key_type_asked(fields, keys), scheme_asked(fields["scheme"], keys)
    if first.attributes is None:
        return Form(key_type, scheme), len(first.key.clear)
    optional = optional_blocks(fields.get("key_optional", ""))
    said = replace(first.attributes, version=fields["key_version"], optional=optional)
    return Form(key_type, scheme, check(said)), len(first.key.clear)


COMMAND = Command(LAYOUTS["A4"], answer, keys=COMPONENTS)
