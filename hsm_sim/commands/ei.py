"""EI: make an RSA key pair. Slow: it is done in a thread."""

from collections.abc import Mapping
from secrets import token_bytes

from hsm_sim.command import Answer, Command, Randomness, done
from hsm_sim.errors import RefusedError
from hsm_sim.key_block import Attributes
from hsm_sim.keys import Keyring
from hsm_sim.primitives import rsa
from protocols.hsm import LAYOUTS, HsmRequest
from protocols.hsm.layouts.public_keys import ENCODINGS, EVEN_EXPONENT, EXPONENT_LENGTH, LENGTH

# What the key is for -> usage and mode of use in its block.
USES = {"0": ("03", "S"), "1": ("03", "D"), "2": ("03", "N"), "3": ("04", "N"), "4": ("06", "D"), "5": ("05", "D")}
USUAL_EXPONENT = 65537
EXPONENT_BITS_MOST = 64
SIGNED = ENCODINGS[1]
PRIVATE_TYPE = "00C"


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """The public key in DER, and the private key under the LMK."""
    fields = request.fields
    bits, exponent = _bits(fields), _exponent(fields)
    private = rsa.generated(bits, exponent, None if randomness is token_bytes else randomness)
    public = rsa.public_der(rsa.private_key(private).public_key(), fields["encoding"] == SIGNED)
    usage, mode = USES[fields["use"]]
    attributes = Attributes(usage, "R", mode, fields.get("key_version", "00"), fields.get("exportability", "N"))
    sealed = keys.seal_bytes(private, key_type=PRIVATE_TYPE, attributes=attributes, random=randomness)
    return done(public_key=public.decode("latin-1"), private_key=sealed)


def _bits(fields: Mapping[str, str]) -> int:
    bits = int(fields["bits"])
    if not rsa.BITS_LEAST <= bits <= rsa.BITS_MOST:
        raise RefusedError(LENGTH)
    return bits


def _exponent(fields: Mapping[str, str]) -> int:
    if "exponent" not in fields:
        return USUAL_EXPONENT
    exponent = int.from_bytes(fields["exponent"].encode("latin-1"), "big")
    if exponent % 2 == 0:
        raise RefusedError(EVEN_EXPONENT)
    if exponent < 3 or exponent.bit_length() > EXPONENT_BITS_MOST:
        raise RefusedError(EXPONENT_LENGTH)
    return exponent


COMMAND = Command(LAYOUTS["EI"], answer, slow=True)
