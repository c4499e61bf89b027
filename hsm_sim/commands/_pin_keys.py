"""The keys that PIN commands take, as rules that several of them declare."""

from hsm_sim.keys import ANY_CIPHER, DECRYPTS, DERIVES, ENCRYPTS, GENERATES, VERIFIES, KeyRule
from hsm_sim.primitives.des import DOUBLE, LENGTHS
from protocols.hsm import codes

TPK_USAGES = ("71", "P0")
BOTH = ("C", "N")  # a PIN change verifies and generates

TPK = KeyRule(
    "terminal_key",
    types=("002",),
    usages=TPK_USAGES,
    modes=DECRYPTS,
    algorithms=ANY_CIPHER,
    separated="70D",
)
ZPK = KeyRule("zone_key", types=("001",), modes=DECRYPTS, algorithms=ANY_CIPHER)
TO_ZPK = KeyRule(
    "zone_key",
    types=("001",),
    parity=codes.DESTINATION_PARITY,
    modes=ENCRYPTS,
    algorithms=ANY_CIPHER,
)
SOURCE_TPK = KeyRule(
    "source_key",
    types=("002",),
    usages=TPK_USAGES,
    modes=DECRYPTS,
    algorithms=ANY_CIPHER,
    separated="70D",
)
SOURCE_ZPK = KeyRule("source_key", types=("001",), modes=DECRYPTS, algorithms=ANY_CIPHER)
DESTINATION_ZPK = KeyRule(
    "destination_key",
    types=("001",),
    parity=codes.DESTINATION_PARITY,
    modes=ENCRYPTS,
    algorithms=ANY_CIPHER,
)
BDK = KeyRule(
    "bdk",
    types=("009",),
    lengths=(DOUBLE,),
    usages=("B0", "41", "42", "43", "44"),
    modes=DERIVES,
    algorithms=ANY_CIPHER,
)

# A PIN block's key the type of which the request says: ZPK or TPK.
OF_TYPE = KeyRule(
    "key",
    types=("001", "002", "70D"),
    chosen_by="key_type",
    separated="70D",
    usages=("72", *TPK_USAGES),
    modes=DECRYPTS,
    algorithms=ANY_CIPHER,
)


def pvk(
    modes: tuple[str, ...], usages: tuple[str, ...], lengths: tuple[int, ...], parity: str = codes.DESTINATION_PARITY
) -> KeyRule:
    """A PIN verification key. Its parity is 11 behind the key of a PIN block, 10 where it is the only key."""
    return KeyRule("pvk", types=("002",), parity=parity, lengths=lengths, usages=usages, modes=modes)


PVV_USAGES, IBM_USAGES = ("V0", "V2"), ("V0", "V1")
PVV_VERIFIES = pvk(VERIFIES, PVV_USAGES, (DOUBLE,))
PVV_GENERATES = pvk(GENERATES, PVV_USAGES, (DOUBLE,))
PVV_GENERATES_ALONE = pvk(GENERATES, PVV_USAGES, (DOUBLE,), codes.SOURCE_PARITY)
IBM_VERIFIES = pvk(VERIFIES, IBM_USAGES, LENGTHS)
IBM_GENERATES = pvk(GENERATES, IBM_USAGES, LENGTHS)
IBM_GENERATES_ALONE = pvk(GENERATES, IBM_USAGES, LENGTHS, codes.SOURCE_PARITY)
PVV_CHANGES = pvk(BOTH, PVV_USAGES, (DOUBLE,))
IBM_CHANGES = pvk(BOTH, IBM_USAGES, LENGTHS)
