"""Decimalisation tables as they travel: in the clear where that is allowed, or encrypted under the LMK.

Sixteen digits are packed into eight bytes. Under a variant LMK the pair of the
PINs encrypts them, under a 3DES key-block LMK that LMK with every byte XOR 54;
under an AES LMK they are one block with eight zero bytes behind them, which
tells a table of another LMK. The latter two are as devices do it: a table that
was published of each opens here.
"""

from hsm_sim.errors import RefusedError
from hsm_sim.lmk import Lmk, LmkKind
from hsm_sim.primitives.aes import AesKey
from hsm_sim.primitives.des import DesKey
from hsm_sim.settings import Settings
from protocols.hsm import codes
from protocols.hsm.fields import is_digits

TABLE_PURPOSE = 0x54
AES_MARK = "L"
LENGTH = 16
FEWEST_DIGITS = 8  # different ones, in a table that is not weak
_CLOSING = bytes(8)


def table_in(lmk: Lmk, settings: Settings, wire: str) -> str:
    """The sixteen digits. Raises RefusedError 25: not a table, or a weak one where that matters."""
    table = wire if settings.clear_decimalisation_tables and is_digits(wire) else decrypted(lmk, wire)
    if not is_digits(table) or (settings.strong_decimalisation_tables and len(set(table)) < FEWEST_DIGITS):
        raise RefusedError(codes.DECIMALISATION_TABLE)
    return table


def encrypted(lmk: Lmk, table: str) -> str:
    """A table of sixteen digits as it travels under this LMK."""
    if len(table) != LENGTH or not is_digits(table):
        raise ValueError("a decimalisation table has sixteen digits")
    packed = bytes.fromhex(table)
    key = _key(lmk)
    if isinstance(key, AesKey):
        return AES_MARK + key.encrypt(packed + _CLOSING).hex().upper()
    return key.encrypt(packed).hex().upper()


def decrypted(lmk: Lmk, wire: str) -> str:
    """What an encrypted table holds. Raises RefusedError 25 where it is not of this LMK's kind."""
    key = _key(lmk)
    if wire.startswith(AES_MARK) != isinstance(key, AesKey):
        raise RefusedError(codes.DECIMALISATION_TABLE)
    packed = key.decrypt(bytes.fromhex(wire.removeprefix(AES_MARK)))
    if isinstance(key, AesKey) and not packed.endswith(_CLOSING):
        raise RefusedError(codes.DECIMALISATION_TABLE)
    return packed[: LENGTH // 2].hex().upper()


def _key(lmk: Lmk) -> DesKey | AesKey:
    return lmk.pin_key if lmk.kind is LmkKind.VARIANT else lmk.derived(TABLE_PURPOSE)
