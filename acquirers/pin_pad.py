"""The PIN pad: turns the digits a holder types into the block that travels in DE 52.

Pure. ISO 9564-1 format 0 (the PIN bound to the card number), enciphered with triple DES
under the zone PIN key (ZPK) that the gateway shares with the network. The pad knows the key
in clear, as a pad does; it shows neither key nor PIN to anybody.
"""

from __future__ import annotations

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

from protocols.pan import Pan

ASCII_DIGITS = frozenset("0123456789")
SHORTEST, LONGEST = 4, 12  # ISO 9564-1: four to twelve digits


class PinError(ValueError):
    """What was typed is no PIN. Never says what was typed."""


class PinPad:
    """Enciphers PINs under one zone PIN key.

    >>> PinPad("A4702516B3808068AD2943B50BD60107").pin_block("1234", Pan("4111111111111111"))
    'C6CF62084B7FF1FD'
    >>> PinPad("A4702516B3808068AD2943B50BD60107")
    <PinPad>
    """

    __slots__ = ("_cipher",)

    def __init__(self, key: str) -> None:
        """`key`: the ZPK in clear, double length (32 hex digits) or triple (48)."""
        clear = _key_bytes(key)
        whole = clear if len(clear) == 24 else clear + clear[:8]  # double length: the first half again
        self._cipher = Cipher(TripleDES(whole), modes.ECB())

    def pin_block(self, pin: str, pan: Pan) -> str:
        """DE 52: the PIN for this card, enciphered, as sixteen hex digits."""
        clear = clear_block(pin, pan)
        return self._cipher.encryptor().update(clear).hex().upper()

    def __repr__(self) -> str:
        return "<PinPad>"


def _key_bytes(key: str) -> bytes:
    try:
        clear = bytes.fromhex(key)
    except ValueError:
        clear = b""
    if len(clear) not in (16, 24) or len(key) != 2 * len(clear):
        raise ValueError("a zone PIN key is 32 or 48 hex digits")
    return clear


def clear_block(pin: str, pan: Pan) -> bytes:
    """ISO 9564-1 format 0: control nibble 0, length, PIN, filled with F; exclusive-or the account's twelve digits."""
    if not SHORTEST <= len(pin) <= LONGEST or not ASCII_DIGITS.issuperset(pin):
        raise PinError("a PIN is four to twelve digits")
    typed = bytes.fromhex(f"0{len(pin):X}{pin:F<14}")
    account = bytes.fromhex(f"0000{pan.account12}")
    return bytes(left ^ right for left, right in zip(typed, account, strict=True))
