"""What CA and CC share: a PIN block from one key and format to another, the PIN and the account unchanged."""

from hsm_sim.command import Answer, Randomness, done
from hsm_sim.errors import RefusedError
from hsm_sim.keys import Keyring, KeyRule
from hsm_sim.pin_translation import block_of, des_block, pin_in
from hsm_sim.primitives.pin_block import PIN_LONGEST, PIN_SHORTEST
from protocols.hsm import HsmRequest, codes


def translated(request: HsmRequest, keys: Keyring, randomness: Randomness, source: KeyRule, to: KeyRule) -> Answer:
    """The PIN block under the destination key, in the destination format."""
    fields = request.fields
    into = fields["destination_format"]
    keys.pin_rules.check_translation(fields["source_format"], into)
    source_key = keys.open_des(source, fields)
    destination_key = keys.open_des(to, fields)
    account = fields["account"]
    pin = pin_in(fields["source_format"], source_key.decrypt(des_block(fields["pin_block"])), account)
    if len(pin) > _maximum_pin_length(fields["maximum_pin_length"]):
        raise RefusedError(codes.PIN_LENGTH)
    block = destination_key.encrypt(block_of(into, pin, account, randomness))
    return done(pin_length=f"{len(pin):02d}", pin_block=block.hex().upper(), format=into)


def _maximum_pin_length(digits: str) -> int:
    length = int(digits)
    if not PIN_SHORTEST <= length <= PIN_LONGEST:
        raise RefusedError(codes.INPUT_DATA)
    return length
