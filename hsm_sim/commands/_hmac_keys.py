"""HMAC keys in A6, A8 and BU: they come, go and are checked in key blocks only, S and TR-31.

They are of any length and no cipher's, so the rest of those commands has no place for them. Their check value is
ours, as none is published for this kind of key: the HMAC of nothing, of SHA-256 where the usage names no hash.
"""

from collections.abc import Mapping

from hsm_sim import key_block
from hsm_sim.command import Answer, Randomness, done
from hsm_sim.commands._hmac import OF_ANY_HASH, USAGE_OF_HASH
from hsm_sim.commands._keys import header_asked, is_variant, narrowed, scheme_asked
from hsm_sim.errors import RefusedError
from hsm_sim.key_block import RESERVED, TR31, UNDER_NO_LMK, VERSIONS
from hsm_sim.keys import Keyring, KeyRule
from hsm_sim.primitives.aes import AesKey
from hsm_sim.primitives.des import DesKey
from hsm_sim.primitives.digest import hmac_of
from hsm_sim.transport import DEFAULT_VERSION, from_zmk
from hsm_sim.usages import check, check_export, outside
from protocols.hsm import codes
from protocols.hsm.byte_fields import algorithm_of

ALGORITHM = "H"
KEY_TYPE = "10C"
KEY = KeyRule("key", types=(KEY_TYPE,), algorithms=(ALGORITHM,))
HASH_OF_USAGE = {OF_ANY_HASH: "sha256", **{usage: name for name, usage in USAGE_OF_HASH.items()}}


def is_hmac_key(fields: Mapping[str, str]) -> bool:
    """Whether the key in the request is a block that says so."""
    return algorithm_of(fields["key"]) == ALGORITHM


def check_value_in_full(secret: bytes, usage: str) -> str:
    """Forty digits or more.

    >>> check_value_in_full(b"key", "63")[:6]
    '5D5D13'
    """
    return hmac_of(secret, HASH_OF_USAGE[usage], b"").hex().upper()


def check_value_of(fields: Mapping[str, str], keys: Keyring) -> str:
    """BU's."""
    secret, said = keys.opened_bytes(KEY, fields)
    return check_value_in_full(secret, said.usage)


def handed_out(zmk: DesKey | AesKey, fields: Mapping[str, str], keys: Keyring, randomness: Randomness) -> Answer:
    """A8's answer. Refuses AA where its header keeps it here, and 26 for a scheme that has no header."""
    secret, said = keys.opened_bytes(KEY, fields)
    scheme = fields["scheme"]
    if scheme not in VERSIONS:
        raise RefusedError(codes.KEY_SCHEME)
    check_export(said, scheme)
    header = narrowed(said, header_asked(fields, "exported_"), fields.get("exported_exportability"))
    told = check_value_in_full(secret, said.usage)[:6]
    if scheme == TR31:
        version = fields.get("tr31_version") or DEFAULT_VERSION[type(zmk)]
        outer = key_block.Attributes(outside(header.usage), *_rest(header))
        return done(exported_key=key_block.wrap(zmk, outer, secret, randomness, RESERVED, version), check_value=told)
    return done(exported_key=key_block.wrap(zmk, header, secret, randomness, UNDER_NO_LMK), check_value=told)


def _rest(said: key_block.Attributes) -> tuple[str, str, str, str, tuple[tuple[str, str], ...]]:
    return said.algorithm, said.mode, said.version, said.exportability, said.optional


def taken_in(zmk: DesKey | AesKey, fields: Mapping[str, str], keys: Keyring, randomness: Randomness) -> Answer:
    """A6's answer. Refuses A7 under a variant LMK, which has no form for such a key that A6 could carry."""
    scheme_asked(fields["scheme"], keys)
    secret, said = from_zmk(zmk, fields["key"])
    if is_variant(keys):
        raise RefusedError(codes.BLOCK_ALGORITHM)
    if said is None or not any(secret):
        raise RefusedError(codes.DESTINATION_PARITY)
    asked = header_asked(fields) or header_asked(fields, "exported_")
    exportability = fields.get("key_exportability", fields.get("exported_exportability"))
    header = check(narrowed(said, asked, exportability))
    sealed = keys.seal_bytes(secret, key_type=KEY_TYPE, attributes=header, random=randomness)
    return done(key=sealed, check_value=check_value_in_full(secret, header.usage)[:6])
