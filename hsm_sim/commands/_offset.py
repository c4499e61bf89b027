"""What the IBM 3624 commands share: the natural PIN of a card, offsets, and the warning about a long PVK.

An offset has one digit for each of the PIN's: a PIN of another length is another
PIN. A PVK that is not of single length works and is warned of with 02.
"""

from collections.abc import Mapping
from hmac import compare_digest

from hsm_sim.command import Answer
from hsm_sim.commands._pin_keys import IBM_VERIFIES
from hsm_sim.decimalisation import table_in
from hsm_sim.errors import RefusedError
from hsm_sim.keys import Keyring, KeyRule
from hsm_sim.pin_blocks import account_of, pin_in
from hsm_sim.primitives.des import SINGLE, DesKey
from hsm_sim.primitives.ibm3624 import natural_pin, offset_of, pin_with
from hsm_sim.primitives.pin_block import PIN_LONGEST, PIN_SHORTEST
from protocols.hsm import HsmRequest, codes

OFFSET_LENGTH = 12
FILL = "F"
INSERTED = 5  # digits of the account that take the place of N
WHOLE = "P"  # validation data that is complete already


def natural(fields: Mapping[str, str], keys: Keyring, pvk: DesKey, length: int) -> str:
    """The first digits of the card's natural PIN. Raises RefusedError 25."""
    table = table_in(keys.lmk, keys.settings, fields["decimalisation_table"])
    return natural_pin(pvk, _data(fields), table, length)


def offset_for(fields: Mapping[str, str], keys: Keyring, pvk: DesKey, pin: str) -> str:
    """The offset of this PIN, filled."""
    return offset_of(pin, natural(fields, keys, pvk, len(pin))).ljust(OFFSET_LENGTH, FILL)


def pin_from(fields: Mapping[str, str], keys: Keyring, pvk: DesKey) -> str:
    """The PIN that the offset sent makes."""
    offset = fields["offset"].rstrip(FILL)
    return pin_with(offset, natural(fields, keys, pvk, len(offset)))


def offset_holds(fields: Mapping[str, str], keys: Keyring, pvk: DesKey, pin: str) -> bool:
    """Whether the offset that was sent is this PIN's."""
    return compare_digest(offset_for(fields, keys, pvk, pin), fields["offset"])


def offset_verified(request: HsmRequest, keys: Keyring, pin_key: KeyRule) -> Answer:
    """00 or 02 when the PIN in the block has this offset, 01 when it has another."""
    fields = request.fields
    keys.pin_rules.check_carried(fields["format"])
    block_key = keys.open(pin_key, fields)
    pvk = keys.open_des(IBM_VERIFIES, fields)
    pin = pin_in(block_key, fields["format"], fields["pin_block"], fields["account"])
    return verdict(fields, keys, pvk, pin)


def verdict(fields: Mapping[str, str], keys: Keyring, pvk: DesKey, pin: str) -> Answer:
    """The answer to a PIN that is open. Raises RefusedError 24: shorter or longer than the request takes."""
    if not minimum(fields) <= len(pin) <= int(fields.get("maximum_pin_length", PIN_LONGEST)):
        raise RefusedError(codes.PIN_LENGTH)
    if not offset_holds(fields, keys, pvk, pin):
        return Answer(codes.NOT_VERIFIED, {})
    return Answer(warning(pvk), {})


def minimum(fields: Mapping[str, str]) -> int:
    """The shortest PIN this request takes. Raises RefusedError 15."""
    length = int(fields["minimum_length"])
    if not PIN_SHORTEST <= length <= PIN_LONGEST:
        raise RefusedError(codes.INPUT_DATA)
    return length


def warning(pvk: DesKey) -> str:
    """02 for a PVK that is not of single length, 00 for one that is."""
    return codes.DONE if len(pvk.clear) == SINGLE else codes.PVK_NOT_SINGLE


def _data(fields: Mapping[str, str]) -> bytes:
    given = fields["validation_data"]
    if given.startswith(WHOLE):
        return bytes.fromhex(given[1:])
    return bytes.fromhex(given.replace("N", account_of(fields["account"])[-INSERTED:]))
