"""G0: translate a PIN block from a DUKPT terminal's key to a zone's (ZPK), or to another DUKPT key.

A second account number may stand behind the first; if it is another one, 23: the
account never changes in a translation.
"""

from collections.abc import Mapping

from hsm_sim.command import Answer, Command, Randomness
from hsm_sim.commands._dukpt_pin import pin_key
from hsm_sim.commands._translate import carried_over
from hsm_sim.errors import RefusedError
from hsm_sim.keys import ANY_CIPHER, DERIVES, ENCRYPTS, Keyring, KeyRule
from hsm_sim.pin_blocks import account_of
from hsm_sim.primitives.aes import AesKey
from hsm_sim.primitives.des import DOUBLE, DesKey
from protocols.hsm import LAYOUTS, HsmRequest, codes
from protocols.hsm.layouts.pins import BDK_FLAGS, DESTINATION_FLAGS

NO_FLAG = ""
BDKS = tuple(BDK_FLAGS.values())

BDK = KeyRule(
    "bdk",
    types=BDKS,
    lengths=(DOUBLE,),
    chosen_by="bdk_flag",
    choices=BDK_FLAGS,
    modes=DERIVES,
    algorithms=ANY_CIPHER,
)
TO_ZPK = KeyRule(
    "destination_key",
    types=(DESTINATION_FLAGS[NO_FLAG],),
    parity=codes.DESTINATION_PARITY,
    modes=ENCRYPTS,
    algorithms=ANY_CIPHER,
)
TO_BDK = KeyRule(
    "destination_key",
    types=BDKS,
    parity=codes.DESTINATION_PARITY,
    lengths=(DOUBLE,),
    chosen_by="destination_flag",
    choices=DESTINATION_FLAGS,
    modes=DERIVES,
    algorithms=ANY_CIPHER,
)


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """The PIN block under the destination key."""
    fields = request.fields
    _check_account(fields)
    keys.pin_rules.check_translation(fields["source_format"], fields["destination_format"])
    source = pin_key(BDK, fields["ksn"], fields, keys, fields["source_format"])
    return carried_over(fields, source, _destination(fields, keys), randomness)


def _destination(fields: Mapping[str, str], keys: Keyring) -> DesKey | AesKey:
    if fields["destination_flag"] == NO_FLAG:
        return keys.open(TO_ZPK, fields)
    return pin_key(TO_BDK, fields["new_ksn"], fields, keys, fields["destination_format"])


def _check_account(fields: Mapping[str, str]) -> None:
    second = fields.get("second_account", "").removeprefix(";")
    if second and account_of(second) != account_of(fields["account"]):
        raise RefusedError(codes.PIN_BLOCK_FORMAT)


COMMAND = Command(LAYOUTS["G0"], answer, keys=(BDK, TO_ZPK, TO_BDK))
