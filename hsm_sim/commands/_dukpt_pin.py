"""What the DUKPT PIN commands share: the block a terminal sent, opened; and the MAC that may come with it."""

from collections.abc import Mapping
from hmac import compare_digest

from hsm_sim.commands._dukpt import transaction_key
from hsm_sim.commands._pin_keys import BDK
from hsm_sim.keys import Keyring, KeyRule
from hsm_sim.pin_blocks import pin_in
from hsm_sim.pin_translation import ISO_4
from hsm_sim.primitives import dukpt_aes, dukpt_tdes
from hsm_sim.primitives.aes import AesKey
from hsm_sim.primitives.des import DesKey
from hsm_sim.primitives.mac import CMAC, RETAIL, mac, padded
from protocols.hsm.pin_fields import is_aes_block

ISO_0 = "01"
WITH_MAC = "1"


def pin_key(rule: KeyRule, ksn: str, fields: Mapping[str, str], keys: Keyring, code: str) -> DesKey | AesKey:
    """The PIN key of this transaction, for a block of format `code`. Raises RefusedError.

    Under an AES base key a block of another format than 4 can only have been made with a TDES key derived from it.
    """
    tdes = keys.settings.tdes_pins_of_aes_bdks and code != ISO_4
    purposes = dukpt_tdes.Purpose.PIN, dukpt_aes.Purpose.PIN
    return transaction_key(rule, ksn, fields, keys, *purposes, tdes_of_aes=tdes)


def format_sent(fields: Mapping[str, str]) -> str:
    """The format of a terminal's block; where the layout does not say, 0, or 4 under AES."""
    return fields.get("format") or (ISO_4 if is_aes_block(fields["bdk"]) else ISO_0)


def pin_sent(fields: Mapping[str, str], keys: Keyring) -> str:
    """The PIN in the terminal's block. Raises RefusedError."""
    code = format_sent(fields)
    keys.pin_rules.check_carried(code)
    return pin_in(pin_key(BDK, fields["ksn"], fields, keys, code), code, fields["pin_block"], fields["account"])


def mac_holds(fields: Mapping[str, str], keys: Keyring) -> bool:
    """Whether the MAC that came with the PIN is right; true where none came. Algorithm 3, or CMAC under AES."""
    if fields["mode"] != WITH_MAC:
        return True
    key = transaction_key(
        BDK, fields["ksn"], fields, keys, dukpt_tdes.Purpose.MAC_REQUEST, dukpt_aes.Purpose.MAC_GENERATION
    )
    message = fields["message"].encode("latin-1")
    value = mac(key, CMAC, message) if isinstance(key, AesKey) else mac(key, RETAIL, padded(message, 1))
    return compare_digest(value.hex().upper()[: len(fields["mac"])], fields["mac"])
