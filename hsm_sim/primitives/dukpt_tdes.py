"""TDES DUKPT (ANSI X9.24-1): a key a transaction, from a base derivation key (BDK) and a key serial number (KSN).

A KSN is ten bytes; its last 21 bits count transactions. The initial key belongs
to a device, the transaction key to one count; what is used is a variant of the
transaction key, one for each purpose. Which BDK, and how a KSN is written on the
wire, is decided elsewhere.
"""

from enum import Enum
from functools import lru_cache

from hsm_sim.primitives.des import BLOCK, DOUBLE, DesKey, encrypted_once, xor

KSN_LENGTH = 10
COUNTER_BITS = 21
COUNTER_MASK = (1 << COUNTER_BITS) - 1
_REGISTER_MASK = (1 << 64) - 1 - COUNTER_MASK  # the last eight bytes of a KSN without the counter
DEVICES_KEPT = 1024  # initial keys kept ready, one a device: half of what a key of a low counter costs
TRANSACTIONS_KEPT = 256  # transaction keys: a PIN and its MAC come with one KSN, often in two commands
_HALVES_MASK = bytes.fromhex("C0C0C0C000000000" * 2)


class Purpose(Enum):
    """What a key is for, and the mask that makes it of the transaction key (X9.24-1, A.4.1)."""

    PIN = bytes.fromhex("00000000000000FF" * 2)
    MAC_REQUEST = bytes.fromhex("000000000000FF00" * 2)
    MAC_RESPONSE = bytes.fromhex("00000000FF000000" * 2)
    DATA_REQUEST = bytes.fromhex("0000000000FF0000" * 2)
    DATA_RESPONSE = bytes.fromhex("000000FF00000000" * 2)


_UNDER_ITSELF = (Purpose.DATA_REQUEST, Purpose.DATA_RESPONSE)


@lru_cache(maxsize=DEVICES_KEPT)
def _initial(bdk: DesKey, serial: bytes) -> bytes:
    return bdk.encrypt(serial) + encrypted_once(xor(bdk.clear, _HALVES_MASK), serial)


def initial_key(bdk: DesKey, ksn: bytes) -> bytes:
    """The sixteen bytes a device starts with. `bdk` is of double length, `ksn` ten bytes.

    >>> bdk = DesKey(bytes.fromhex("0123456789ABCDEFFEDCBA9876543210"))
    >>> initial_key(bdk, bytes.fromhex("FFFF9876543210E00001")).hex()
    '6ac292faa1315b4d858ab3a3d7d5933a'
    """
    if len(bdk.clear) != DOUBLE or len(ksn) != KSN_LENGTH:
        raise ValueError("a BDK has 16 bytes and a KSN 10")
    serial = (int.from_bytes(ksn, "big") & ~COUNTER_MASK).to_bytes(KSN_LENGTH, "big")[:BLOCK]
    return _initial(bdk, serial)


@lru_cache(maxsize=TRANSACTIONS_KEPT)
def transaction_key(initial: bytes, ksn: bytes) -> bytes:
    """The sixteen bytes of the transaction that `ksn` counts: one step for each set bit of the counter, highest first.

    >>> ipek = bytes.fromhex("6AC292FAA1315B4D858AB3A3D7D5933A")
    >>> transaction_key(ipek, bytes.fromhex("FFFF9876543210E00001")).hex()
    '042666b49184cfa368de9628d0397bc9'
    """
    counter = int.from_bytes(ksn, "big") & COUNTER_MASK
    register = int.from_bytes(ksn[-BLOCK:], "big") & _REGISTER_MASK
    key = initial
    for bit in reversed(range(COUNTER_BITS)):
        if counter & (1 << bit):
            register |= 1 << bit
            key = _next_key(key, register.to_bytes(BLOCK, "big"))
    return key


def _next_key(key: bytes, register: bytes) -> bytes:
    """The non-reversible step: each half from the register and both halves of the key."""
    return _half(xor(key, _HALVES_MASK), register) + _half(key, register)


def _half(key: bytes, register: bytes) -> bytes:
    left, right = key[:BLOCK], key[BLOCK:]
    return xor(encrypted_once(left, xor(register, right)), right)


def key_for(purpose: Purpose, transaction: bytes) -> DesKey:
    """The key for this purpose; a data key is encrypted under itself besides.

    >>> key_for(Purpose.PIN, bytes.fromhex("042666B49184CFA368DE9628D0397BC9")).clear.hex()
    '042666b49184cf5c68de9628d0397b36'
    """
    key = DesKey(xor(transaction, purpose.value))
    return DesKey(key.encrypt(key.clear)) if purpose in _UNDER_ITSELF else key


def derived(bdk: DesKey, ksn: bytes, purpose: Purpose) -> DesKey:
    """All three steps: the key for this purpose, of this transaction."""
    return key_for(purpose, transaction_key(initial_key(bdk, ksn), ksn))
