"""What the commands share that go between PIN blocks and PINs kept under the LMK."""

from collections.abc import Mapping
from hmac import compare_digest

from hsm_sim.command import Answer, checked, done
from hsm_sim.keys import Keyring, KeyRule
from hsm_sim.lmk_pins import from_lmk, under_lmk
from hsm_sim.pin_blocks import pin_in


def pin_carried(fields: Mapping[str, str], keys: Keyring, rule: KeyRule, block: str = "pin_block") -> str:
    """The PIN in a block that a network carried here. Raises RefusedError."""
    keys.pin_rules.check_carried(fields["format"])
    return pin_in(keys.open(rule, fields), fields["format"], fields[block], fields["account"])


def same_as_kept(fields: Mapping[str, str], keys: Keyring, rule: KeyRule) -> Answer:
    """00 when the block's PIN is the kept one, else 01."""
    pin = pin_carried(fields, keys, rule)
    return checked(compare_digest(pin, from_lmk(keys.lmk, fields["account"], fields["pin_under_lmk"])))


def kept_from_block(fields: Mapping[str, str], keys: Keyring, rule: KeyRule) -> Answer:
    """The block's PIN under the LMK."""
    pin = pin_carried(fields, keys, rule)
    return done(pin_under_lmk=under_lmk(keys.lmk, fields["account"], pin))


def pin_kept(fields: Mapping[str, str], keys: Keyring) -> str:
    """The PIN under the LMK of this request. Raises RefusedError 14."""
    return from_lmk(keys.lmk, fields["account"], fields["pin_under_lmk"])
