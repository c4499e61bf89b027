"""A key for every PIN (DUKPT), as a terminal makes it from the key it was given: TDES and AES. Pure.

ANSI X9.24-1 and X9.24-3, from the initial key on: a terminal never knows the base key that this came from. The
counter of what was used is kept by whoever keeps the terminal (`store`), because no number may come twice.
"""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from acquirers.terminals.chip_keys import BLOCK, encrypted_once, xor

TDES_COUNTER_BITS: Final = 21
TDES_COUNTER_MASK: Final = (1 << TDES_COUNTER_BITS) - 1
TDES_SET_BITS_MAX: Final = 10  # a terminal skips counters with more: X9.24-1, A.3
AES_COUNTER_BITS: Final = 32
AES_SET_BITS_MAX: Final = 16  # X9.24-3, 6.3.2
KEY_MASK: Final = bytes.fromhex("C0C0C0C000000000" * 2)
PIN_VARIANT: Final = bytes.fromhex("00000000000000FF" * 2)
_AES_PIN, _AES_DERIVATION = 0x1000, 0x8000
_AES_NUMBER: Final = {16: 2, 24: 3, 32: 4}  # of the standard, by length


def next_counter(counter: int, most_bits: int, bits: int) -> int:
    """The count after this one that a terminal may use; ValueError where the last was used.

    >>> next_counter(0, 10, 21), next_counter(0b1111111111, 10, 21)
    (1, 1024)
    """
    counter += 1
    while counter.bit_count() > most_bits:
        counter += counter & -counter  # the next number with the lowest ones carried on
    if counter >> bits:
        raise ValueError("this terminal has used up its keys")
    return counter


def tdes_serial(base: str, counter: int) -> bytes:
    """The key serial number of one count; `base` is twenty hex digits whose counter is zero."""
    return (int(base, 16) | counter).to_bytes(10, "big")


def tdes_pin_key(initial: bytes, serial: bytes) -> bytes:
    """The key for the PIN of this count.

    >>> ipek, serial = bytes.fromhex("6AC292FAA1315B4D858AB3A3D7D5933A"), bytes.fromhex("FFFF9876543210E00001")
    >>> tdes_pin_key(ipek, serial).hex()
    '042666b49184cf5c68de9628d0397b36'
    """
    counter = int.from_bytes(serial, "big") & TDES_COUNTER_MASK
    register = int.from_bytes(serial[-BLOCK:], "big") & ~TDES_COUNTER_MASK
    key = initial
    for bit in reversed(range(TDES_COUNTER_BITS)):
        if counter >> bit & 1:
            register |= 1 << bit
            key = _tdes_step(key, register.to_bytes(BLOCK, "big"))
    return xor(key, PIN_VARIANT)


def _tdes_step(key: bytes, register: bytes) -> bytes:
    return _tdes_half(xor(key, KEY_MASK), register) + _tdes_half(key, register)


def _tdes_half(key: bytes, register: bytes) -> bytes:
    left, right = key[:BLOCK], key[BLOCK:]
    return xor(encrypted_once(left, xor(register, right)), right)


def aes_serial(key_id: str, counter: int) -> bytes:
    """The same under AES: sixteen hex digits of the initial key's id, and the counter."""
    return bytes.fromhex(key_id) + counter.to_bytes(4, "big")


def aes_pin_key(initial: bytes, serial: bytes) -> bytes:
    """The key for the PIN of this count.

    >>> initial, serial = bytes.fromhex("1273671EA26AC29AFA4D1084127652A1"), bytes.fromhex("123456789012345600000001")
    >>> aes_pin_key(initial, serial).hex()
    'af8cb133a78f8dc2d1359f18527593fb'
    """
    counter = int.from_bytes(serial[8:], "big")
    key, so_far = initial, 0
    for bit in reversed(range(AES_COUNTER_BITS)):
        if counter >> bit & 1:
            so_far |= 1 << bit
            key = _aes_step(key, _AES_DERIVATION, serial, so_far)
    return _aes_step(key, _AES_PIN, serial, counter)


def _aes_step(key: bytes, usage: int, serial: bytes, counter: int) -> bytes:
    """Derivation data: version, block, usage, algorithm, length in bits, half the key's id, counter; X9.24-3, 6.3.3."""
    length = len(key)
    whole = b""
    for block in range(1, -(-length // 16) + 1):
        data = bytes((1, block)) + usage.to_bytes(2, "big") + _AES_NUMBER[length].to_bytes(2, "big")
        whole += aes(key, data + (8 * length).to_bytes(2, "big") + serial[4:8] + counter.to_bytes(4, "big"))
    return whole[:length]


def aes(key: bytes, block: bytes) -> bytes:
    """One block under AES."""
    return Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(block)
