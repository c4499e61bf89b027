"""What the translations share: a PIN block from one key and format to another, the PIN and the account unchanged."""

from collections.abc import Mapping

from hsm_sim.command import Answer, Randomness, done
from hsm_sim.errors import RefusedError
from hsm_sim.keys import Keyring, KeyRule
from hsm_sim.pin_blocks import block_of, pin_in
from hsm_sim.primitives.aes import AesKey
from hsm_sim.primitives.des import DesKey
from hsm_sim.primitives.pin_block import PIN_LONGEST, PIN_SHORTEST
from protocols.hsm import HsmRequest, codes

ISO_0 = "01"  # what a DUKPT terminal sends where the layout has no room to say


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
    account, into = fields["account"], fields["destination_format"]
    pin = pin_in(source_key, fields.get("source_format", ISO_0), fields["pin_block"], account)
    if len(pin) > _maximum_pin_length(fields.get("maximum_pin_length")):
        raise RefusedError(codes.PIN_LENGTH)
    block = block_of(destination_key, into, pin, account, randomness)
    return done(pin_length=f"{len(pin):02d}", pin_block=block, format=into)


def _maximum_pin_length(digits: str | None) -> int:
    if digits is None:
        return PIN_LONGEST
    length = int(digits)
    if not PIN_SHORTEST <= length <= PIN_LONGEST:
        raise RefusedError(codes.INPUT_DATA)
    return length
