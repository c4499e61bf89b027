"""Keys on their way: under a ZMK, a TMK or a TR-31 protection key, in any scheme, there and back.

What may be exported, and what is believed of an imported key, is decided by the
commands (`commands/_keys.py`); here it is written and read.
"""

from hsm_sim import key_block
from hsm_sim.errors import RefusedError
from hsm_sim.key_block import RESERVED, THALES, TR31, UNDER_NO_LMK, Attributes, Random
from hsm_sim.key_scheme import KEY_SCHEMES, parse, unwrap, wrap
from hsm_sim.primitives.aes import AesKey
from hsm_sim.primitives.des import SINGLE, DesKey
from protocols.hsm import codes

DEFAULT_VERSION = {DesKey: "B", AesKey: "D"}  # of TR-31, by the protection key


def under_zmk(
    zmk: DesKey | AesKey,
    key: DesKey | AesKey,
    scheme: str,
    attributes: Attributes,
    random: Random,
    tr31_version: str | None = None,
) -> str:
    """A key under a ZMK in this scheme; `attributes` count in key blocks only. Raises RefusedError: 26 cannot be."""
    if scheme == THALES:
        return key_block.wrap(zmk, attributes, key.clear, random, UNDER_NO_LMK)
    if scheme == TR31:
        version = tr31_version or DEFAULT_VERSION[type(zmk)]
        return key_block.wrap(zmk, attributes, key.clear, random, RESERVED, version)
    if scheme not in KEY_SCHEMES or isinstance(zmk, AesKey) or isinstance(key, AesKey):
        raise RefusedError(codes.KEY_SCHEME)
    if KEY_SCHEMES[scheme].length != len(key.clear) or len(zmk.clear) == SINGLE:
        raise RefusedError(codes.KEY_SCHEME)
    return wrap(zmk.clear, KEY_SCHEMES[scheme], key.clear)


def from_zmk(zmk: DesKey | AesKey, wire: str) -> tuple[bytes, Attributes | None]:
    """The clear bytes that came under a ZMK, and what their header says: None where there is none."""
    if wire[0] in (THALES, TR31):
        return key_block.unwrap(zmk, wire, UNDER_NO_LMK)
    if isinstance(zmk, AesKey):
        raise RefusedError(codes.KEY_SCHEME)
    return unwrap(zmk.clear, *parse(wire)), None
