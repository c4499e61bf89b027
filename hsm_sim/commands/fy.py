"""FY: make an elliptic-curve key pair. Only key-block LMKs: a curve's key has no key type."""

from hsm_sim.command import Answer, Command, Randomness, done
from hsm_sim.errors import RefusedError
from hsm_sim.key_block import Attributes
from hsm_sim.keys import Keyring
from hsm_sim.lmk import LmkKind
from hsm_sim.primitives import ecc
from protocols.hsm import LAYOUTS, HsmRequest, codes
from protocols.hsm.layouts.public_keys import CURVES

USAGE, ALGORITHM = "03", "E"
MODES = "SDNXT"


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """The public key in DER, and the private key in a block."""
    fields = request.fields
    if keys.lmk.kind is LmkKind.VARIANT:
        raise RefusedError(codes.LMK_SCHEME)
    if fields["mode_of_use"] not in MODES:
        raise RefusedError(codes.BLOCK_MODE)
    public, private = ecc.generated(CURVES[fields["curve"]], randomness)
    attributes = Attributes(USAGE, ALGORITHM, fields["mode_of_use"], fields["key_version"], fields["exportability"])
    sealed = keys.seal_bytes(private, key_type="", attributes=attributes, random=randomness)
    return done(public_key=public.decode("latin-1"), private_key=sealed)


COMMAND = Command(LAYOUTS["FY"], answer, slow=True)
