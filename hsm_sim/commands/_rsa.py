"""What the RSA commands share: how a public key is vouched for, and which private key may sign.

Under a variant LMK a public key travels behind an authenticator of four bytes,
made under the pair of key type 00D; how a device makes it is not published.
"""

from collections.abc import Mapping
from hmac import compare_digest

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from hsm_sim.errors import RefusedError
from hsm_sim.key_block import Attributes
from hsm_sim.keys import ANY_MODE, SIGNS, Keyring, KeyRule, Random
from hsm_sim.lmk import LmkKind
from hsm_sim.primitives import rsa
from hsm_sim.primitives.des import DesKey
from hsm_sim.primitives.mac import cmac
from protocols.hsm import codes
from protocols.hsm.byte_fields import AUTHENTICATOR
from protocols.hsm.layouts import public_keys

PRIVATE = KeyRule("private_key", types=("00C",), usages=("03", "04"), modes=SIGNS, algorithms=("R",))
PUBLIC = KeyRule("public_key", types=("00D",), modes=ANY_MODE, algorithms=("R",))
PUBLIC_TYPE = "00D"


def vouched(key: bytes, attributes: Attributes, keys: Keyring, random: Random) -> str:
    """A public key, in DER, as it travels once it was imported."""
    if keys.lmk.kind is LmkKind.VARIANT:
        return (_authenticator(key, keys) + key).decode("latin-1")
    return keys.seal_bytes(key, key_type=PUBLIC_TYPE, attributes=attributes, random=random)


def public_key(wire: str, keys: Keyring) -> RSAPublicKey:
    """The key again. Refuses one that nobody vouched for."""
    fields = {PUBLIC.field: wire}
    try:
        if keys.lmk.kind is not LmkKind.VARIANT or wire.startswith(("S", "R")):
            return rsa.public_key(keys.open_bytes(PUBLIC, fields))[0]
        written = wire.encode("latin-1")
        if not compare_digest(_authenticator(written[AUTHENTICATOR:], keys), written[:AUTHENTICATOR]):
            raise RefusedError(codes.NOT_VERIFIED)
        return rsa.public_key(written[AUTHENTICATOR:])[0]
    except rsa.BadKeyError:
        raise RefusedError(public_keys.KEY_FLAG) from None


def private_key(fields: Mapping[str, str], keys: Keyring) -> RSAPrivateKey:
    """The private key in the request."""
    try:
        return rsa.private_key(keys.open_bytes(PRIVATE, fields))
    except rsa.BadKeyError:
        raise RefusedError(codes.SOURCE_PARITY) from None


def _authenticator(key: bytes, keys: Keyring) -> bytes:
    return cmac(DesKey(keys.lmk.pair(PUBLIC_TYPE)), key)[:AUTHENTICATOR]
