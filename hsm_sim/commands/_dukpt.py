"""What data and MAC commands share about DUKPT: the key of a transaction, from a base derivation key and a KSN.

The key is that of the request, which X9.24-1 also calls "both ways": a device
was seen to make its own MACs with it. A KSN of sixteen digits has FFFF in front.
"""

from collections.abc import Mapping

from hsm_sim.errors import RefusedError
from hsm_sim.keys import ANY_CIPHER, DERIVES, Keyring, KeyRule
from hsm_sim.primitives import dukpt_aes, dukpt_tdes
from hsm_sim.primitives.aes import AesKey
from hsm_sim.primitives.des import DOUBLE, DesKey
from protocols.hsm import codes
from protocols.hsm.byte_fields import BASE_KEY_TYPES

KSN_DIGITS = 20
BY_TYPE = tuple(BASE_KEY_TYPES)


def base_key(field: str, chosen_by: str | None = None, parity: str = codes.SOURCE_PARITY) -> KeyRule:
    """The rule for a base derivation key; of type 009 where no field names the type."""
    types = BY_TYPE if chosen_by else BY_TYPE[:1]
    usages = ("B0", "41", "42", "43", "44")
    return KeyRule(
        field,
        types=types,
        parity=parity,
        lengths=(DOUBLE,),
        chosen_by=chosen_by,
        usages=() if chosen_by else usages,
        modes=DERIVES,
        algorithms=ANY_CIPHER,
    )


def transaction_key(
    rule: KeyRule,
    ksn: str,
    fields: Mapping[str, str],
    keys: Keyring,
    des: dukpt_tdes.Purpose,
    aes: dukpt_aes.Purpose,
    *,
    tdes_of_aes: bool = False,
) -> DesKey | AesKey:
    """The key for this purpose; `ksn` is in hex. `tdes_of_aes`: a TDES key, even where the base key is of AES."""
    base = keys.open(rule, fields)
    if isinstance(base, DesKey):
        return dukpt_tdes.derived(base, bytes.fromhex(ksn.rjust(KSN_DIGITS, "F")), des)
    try:
        if tdes_of_aes:
            return DesKey(dukpt_aes.derived_tdes(base.clear, bytes.fromhex(ksn), aes))
        return AesKey(dukpt_aes.derived(base.clear, bytes.fromhex(ksn), aes))
    except dukpt_aes.BadCounterError:
        raise RefusedError(codes.INPUT_DATA) from None
