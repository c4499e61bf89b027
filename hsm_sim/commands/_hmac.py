"""What LQ and LS share: the HMAC of a message under a key that may only make HMACs."""

from hsm_sim.errors import RefusedError
from hsm_sim.keys import Keyring, KeyRule
from hsm_sim.primitives.digest import hmac_of
from protocols.hsm import HsmRequest, codes
from protocols.hsm.byte_fields import usage_of
from protocols.hsm.layouts.macs import HMAC_HASHES

OF_ANY_HASH = "M7"
USAGE_OF_HASH = {"sha1": "61", "sha224": "62", "sha256": "63", "sha384": "64", "sha512": "65"}


def rule(modes: tuple[str, ...]) -> KeyRule:
    """The rule for the key."""
    return KeyRule("key", types=("10C",), modes=modes, algorithms=("H",))


def hmac_value(key_rule: KeyRule, request: HsmRequest, keys: Keyring) -> bytes:
    """The whole HMAC; A6 where the key's block names another hash than the request."""
    fields = request.fields
    key = keys.open_bytes(key_rule, fields)
    name = HMAC_HASHES[fields["hash"]]
    if usage_of(fields["key"]) not in ("", OF_ANY_HASH, USAGE_OF_HASH[name]):
        raise RefusedError(codes.BLOCK_USAGE)
    return hmac_of(key, name, fields["message"].encode("latin-1"))
