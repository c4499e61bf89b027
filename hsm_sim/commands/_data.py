"""What M0, M2 and M4 share: a data key or the DUKPT key of a transaction, the mode, and data in three spellings."""

from collections.abc import Mapping
from typing import NamedTuple

from hsm_sim.commands._dukpt import base_key, transaction_key
from hsm_sim.errors import RefusedError
from hsm_sim.keys import ANY_CIPHER, Keyring, KeyRule
from hsm_sim.primitives import dukpt_aes, dukpt_tdes
from hsm_sim.primitives.aes import AesKey
from hsm_sim.primitives.ciphering import MODES, Mode, chain_value, deciphered, enciphered
from hsm_sim.primitives.des import DesKey
from hsm_sim.primitives.mac import block_of
from protocols.hsm import codes
from protocols.hsm.byte_fields import is_base_key
from protocols.hsm.fields import is_hex
from protocols.hsm.layouts import data

BINARY, HEX, TEXT = "0", "1", "2"
DES_PURPOSE, AES_PURPOSE = dukpt_tdes.Purpose.DATA_REQUEST, dukpt_aes.Purpose.DATA_ENCRYPTION


class DataKey(NamedTuple):
    """What may stand in one key field of a data command: a data key, or a base derivation key."""

    prefix: str
    data: KeyRule
    base: KeyRule

    def all(self) -> tuple[KeyRule, ...]:
        return (self.data, self.base)


def data_key(prefix: str, modes: tuple[str, ...], parity: str = codes.SOURCE_PARITY) -> DataKey:
    """The rules for the key field `prefix`key."""
    field, chosen_by = f"{prefix}key", f"{prefix}key_type"
    types = ("00A", "00B", "30B")
    of_data = KeyRule(field, types, parity=parity, chosen_by=chosen_by, modes=modes, algorithms=ANY_CIPHER)
    return DataKey(prefix, of_data, base_key(field, chosen_by, parity))


class Cipher(NamedTuple):
    """A key, a mode and an IV, ready to work."""

    key: DesKey | AesKey
    mode: Mode
    iv: bytes

    def encrypt(self, clear: bytes) -> bytes:
        self._check(clear)
        return enciphered(self.key, self.mode, clear, self.iv)

    def decrypt(self, encrypted: bytes) -> bytes:
        self._check(encrypted)
        return deciphered(self.key, self.mode, encrypted, self.iv)

    def chain_value(self, encrypted: bytes) -> dict[str, str]:
        """The answer's IV, to go on with; none where the mode has none."""
        return {"iv": chain_value(encrypted, self.iv).hex().upper()} if self.mode.chained else {}

    def _check(self, message: bytes) -> None:
        if not message or (self.mode.whole_blocks and len(message) % block_of(self.key)):
            raise RefusedError(data.LENGTH)


def cipher(rules: DataKey, fields: Mapping[str, str], keys: Keyring) -> Cipher:
    """The key and mode that the request names."""
    prefix = rules.prefix
    key = _key(rules, fields, keys)
    iv = bytes.fromhex(fields.get(f"{prefix}iv", "")) or bytes(block_of(key))
    if len(iv) != block_of(key):
        raise RefusedError(codes.INPUT_DATA)
    return Cipher(key, MODES[data.MODES[fields[f"{prefix}mode"]]], iv)


def _key(rules: DataKey, fields: Mapping[str, str], keys: Keyring) -> DesKey | AesKey:
    prefix = rules.prefix
    if not is_base_key(fields[f"{prefix}key_type"], fields[f"{prefix}key"]):
        return keys.open(rules.data, fields)
    return transaction_key(rules.base, fields[f"{prefix}ksn"], fields, keys, DES_PURPOSE, AES_PURPOSE)


def taken(fields: Mapping[str, str], enciphered_already: bool) -> bytes:
    """The message as bytes: text must be printable, and what is enciphered is no text."""
    text, spelling = fields["message"], fields["input_format"]
    if spelling == HEX:
        if len(text) % 2 or not (is_hex(text) or text == ""):
            raise RefusedError(data.MESSAGE_FORMAT)
        return bytes.fromhex(text)
    if spelling == TEXT and enciphered_already:
        raise RefusedError(data.INPUT_FORMAT)
    if spelling == TEXT and not _is_text(text):
        raise RefusedError(data.MESSAGE_FORMAT)
    return text.encode("latin-1")


def given(message: bytes, fields: Mapping[str, str], enciphered_now: bool) -> str:
    """The message as it travels, in the format that was asked for."""
    spelling = fields["output_format"]
    if spelling == HEX:
        return message.hex().upper()
    text = message.decode("latin-1")
    if spelling == TEXT and enciphered_now:
        raise RefusedError(data.OUTPUT_FORMAT)
    if spelling == TEXT and not _is_text(text):
        raise RefusedError(data.MESSAGE_FORMAT)
    return text


def _is_text(text: str) -> bool:
    """Printable ASCII, line ends and tabs."""
    return text.isascii() and text.translate(_WHITE).isprintable()


_WHITE = {ord(character): None for character in "\r\n\t\0"}  # zeros fill a last block
