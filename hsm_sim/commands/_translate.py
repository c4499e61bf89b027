"""What the translations share: a PIN block from one key and format to another, the PIN and the account unchanged."""

from collections.abc import Mapping

from hsm_sim.command import Answer, Randomness
from hsm_sim.errors import RefusedError
from hsm_sim.keys import Keyring, KeyRule
from hsm_sim.pin_blocks import block_of, handed_on, pin_in
from hsm_sim.primitives.aes import AesKey
from hsm_sim.primitives.des import DesKey
from hsm_sim.primitives.pin_block import PIN_LONGEST, PIN_SHORTEST
from protocols.hsm import HsmRequest, codes

LONGEST = str(PIN_LONGEST)
MAXIMA = {f"{length:02d}": length for length in range(PIN_SHORTEST, PIN_LONGEST + 1)}  # two digits -> longest PIN
TWO_DIGITS = {length: digits for digits, length in MAXIMA.items()}
ISO_0 = "01"


def translated(request: HsmRequest, keys: Keyring, randomness: Randomness, source: KeyRule, to: KeyRule) -> Answer:
    """The PIN block under the destination key, in the destination format."""
    fields = request.fields
    keys.pin_rules.check_translation(fields["source_format"], fields["destination_format"])
    return carried_over(fields, keys.open(source, fields), keys.open(to, fields), randomness)


def carried_over(
    fields: Mapping[str, str],
    source_key: DesKey | AesKey,
    destination_key: DesKey | AesKey,
    randomness: Randomness,
) -> Answer:
    """The same with keys that are open and a translation that is allowed."""
    account, came, into = fields["account"], fields["source_format"], fields["destination_format"]
    if came == into == ISO_0 and isinstance(source_key, DesKey) and isinstance(destination_key, DesKey):
        length, block = handed_on(source_key, destination_key, fields["pin_block"], account)
        _check_maximum(length, fields)
    else:
        pin = pin_in(source_key, came, fields["pin_block"], account)
        length = len(pin)
        _check_maximum(length, fields)
        block = block_of(destination_key, into, pin, account, randomness)
    return Answer(codes.DONE, {"pin_length": TWO_DIGITS[length], "pin_block": block, "format": into})


def _check_maximum(length: int, fields: Mapping[str, str]) -> None:
    most = MAXIMA.get(fields.get("maximum_pin_length", LONGEST))
    if most is None:
        raise RefusedError(codes.INPUT_DATA)
    if length > most:
        raise RefusedError(codes.PIN_LENGTH)
