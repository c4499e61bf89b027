"""PIN pads: what becomes of the digits a holder types, in the four ways in which terminals guard them. Pure.

A zone key (a gateway's own pad), a terminal key that is downloaded under a master key, or a key for every PIN (DUKPT)
of TDES or of AES. A pad knows its keys in clear, as a pad does; it shows neither key nor PIN to anybody.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from acquirers.pin_pad import PinError, clear_block
from acquirers.terminals import chip_keys, dukpt
from protocols.pan import Pan, is_digits

ISO_0, ISO_4 = "01", "48"  # the HSM's codes of PIN block formats
TDES_DESCRIPTOR, AES_DESCRIPTOR = "A05", "906"  # how the HSM is told what a key serial number is made of

Randomness = Callable[[int], bytes]  # so many unpredictable bytes
Count = Callable[[int, int], int]  # most bits set, bits in all -> the next counter of this pad, which is then used


@dataclass(frozen=True, slots=True)
class Entered:
    """An enciphered PIN as it leaves the pad: the block, its format, and the key serial number where keys are many."""

    block: str
    format: str = ISO_0
    serial: str = ""
    descriptor: str = ""

    def __repr__(self) -> str:
        return f"<Entered format {self.format}{' ' + self.serial if self.serial else ''}>"


class Pad(Protocol):
    """Something to type a PIN at."""

    def enter(self, pin: str, pan: Pan) -> Entered:
        """The PIN of this card, enciphered; PinError where what was typed is no PIN."""


class KeyedPad:
    """One key for every PIN: a terminal key (TPK), until another is downloaded.

    >>> KeyedPad(bytes.fromhex("A4702516B3808068AD2943B50BD60107")).enter("1234", Pan("4111111111111111")).block
    'C6CF62084B7FF1FD'
    """

    def __init__(self, key: bytes, master: bytes | None = None) -> None:
        """`key`: the terminal key, sixteen bytes. `master`: under which a new one is sent; None: none is."""
        self._key, self._master = key, master

    def enter(self, pin: str, pan: Pan) -> Entered:
        return Entered(chip_keys.encrypted(self._key, clear_block(pin, pan)).hex().upper())

    def take_key(self, under_master: str) -> None:
        """A new key came, `U` and 32 hex digits under the master key: it is used from now on."""
        if self._master is None:
            raise ValueError("this pad has no master key, so no key can be sent to it")
        self._key = from_under(self._master, under_master)


def from_under(master: bytes, key: str) -> bytes:
    """A key of double length out of scheme U: half i under the master with byte 8 XOR A6, 5A."""
    if len(key) != 33 or key[0] != "U":
        raise ValueError("a key is sent as U and 32 hex digits")
    halves = bytes.fromhex(key[1:17]), bytes.fromhex(key[17:])
    return b"".join(
        chip_keys.decrypted(_varied(master, mask), half) for half, mask in zip(halves, (0xA6, 0x5A), strict=True)
    )


def _varied(master: bytes, mask: int) -> bytes:
    return master[:8] + bytes((master[8] ^ mask,)) + master[9:]


class TdesDukptPad:
    """A key for every PIN, out of an initial key of TDES; format 0."""

    def __init__(self, initial: bytes, base: str, count: Count) -> None:
        """`base`: the key serial number with its counter at zero."""
        self._initial, self._base, self._count = initial, base, count

    def enter(self, pin: str, pan: Pan) -> Entered:
        clear = clear_block(pin, pan)
        serial = dukpt.tdes_serial(self._base, self._count(dukpt.TDES_SET_BITS_MAX, dukpt.TDES_COUNTER_BITS))
        block = chip_keys.encrypted(dukpt.tdes_pin_key(self._initial, serial), clear)
        return Entered(block.hex().upper(), ISO_0, serial.hex().upper(), TDES_DESCRIPTOR)


class AesDukptPad:
    """A key for every PIN, out of an initial key of AES; format 4."""

    def __init__(self, initial: bytes, key_id: str, count: Count, randomness: Randomness) -> None:
        self._initial, self._id, self._count, self._randomness = initial, key_id, count, randomness

    def enter(self, pin: str, pan: Pan) -> Entered:
        field = pin_field(pin, self._randomness(8))
        serial = dukpt.aes_serial(self._id, self._count(dukpt.AES_SET_BITS_MAX, dukpt.AES_COUNTER_BITS))
        key = dukpt.aes_pin_key(self._initial, serial)
        block = dukpt.aes(key, chip_keys.xor(dukpt.aes(key, field), pan_field(pan)))
        return Entered(block.hex().upper(), ISO_4, serial.hex().upper(), AES_DESCRIPTOR)


_SHORTEST: Final = 12  # digits of a PAN, as format 4 counts


def pin_field(pin: str, fill: bytes) -> bytes:
    """ISO 9564-1 format 4: 4, length, PIN, filled with A, and eight random bytes."""
    if not 4 <= len(pin) <= 12 or not is_digits(pin):
        raise PinError("a PIN is four to twelve digits")
    return bytes.fromhex(f"4{len(pin):X}{pin:A<14}") + fill


def pan_field(pan: Pan) -> bytes:
    """ISO 9564-1 format 4: how much longer than twelve digits the PAN is, the PAN, zeros.

    >>> pan_field(Pan("4111111111111111")).hex()
    '44111111111111111000000000000000'
    """
    digits = pan.clear().rjust(_SHORTEST, "0")
    return bytes.fromhex(f"{len(digits) - _SHORTEST}{digits}".ljust(32, "0"))
