"""AES DUKPT (ANSI X9.24-3): a key for every transaction, for AES keys of 128, 192 and 256 bits.

A KSN is twelve bytes: the initial key's id (eight) and a counter of 32 bits, of
which at most 16 are set. Every key is AES-ECB of derivation data, which says
what the key will be for. Which BDK, and how a KSN travels, is decided elsewhere.
"""

from collections.abc import Callable, Mapping
from enum import Enum
from functools import lru_cache

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

KSN_LENGTH = 12
ID_LENGTH = 8
COUNTER_BITS = 32
MOST_SET_BITS = 16
DEVICES_KEPT, TRANSACTIONS_KEPT = 1024, 256  # keys kept ready, as in dukpt_tdes
_BLOCK = 16
_VERSION = 1
_TWO_KEY_TDES = 0  # the standard's number for it
_ALGORITHMS: Mapping[int, int] = {16: 2, 24: 3, 32: 4}  # key length in bytes -> the standard's number for it


class Purpose(Enum):
    """Key usage indicators (X9.24-3, table 2)."""

    PIN = 0x1000
    MAC_GENERATION = 0x2000
    MAC_VERIFICATION = 0x2001
    MAC_BOTH_WAYS = 0x2002
    DATA_ENCRYPTION = 0x3000
    DATA_DECRYPTION = 0x3001
    DATA_BOTH_WAYS = 0x3002
    DERIVATION = 0x8000
    INITIAL = 0x8001


class BadCounterError(ValueError):
    """A counter with more than 16 bits set, or none: no device sends it."""


@lru_cache(maxsize=DEVICES_KEPT)
def initial_key(bdk: bytes, key_id: bytes) -> bytes:
    """The key a device starts with, as long as the BDK. `key_id`: the eight bytes in front of its KSNs.

    >>> bdk = bytes.fromhex("FEDCBA9876543210F1F1F1F1F1F1F1F1")
    >>> initial_key(bdk, bytes.fromhex("1234567890123456")).hex()
    '1273671ea26ac29afa4d1084127652a1'
    """
    return _key(bdk, Purpose.INITIAL, len(bdk), key_id)


@lru_cache(maxsize=TRANSACTIONS_KEPT)
def transaction_key(initial: bytes, ksn: bytes) -> bytes:
    """The derivation key of the transaction that `ksn` counts. Raises BadCounterError.

    >>> initial = bytes.fromhex("1273671EA26AC29AFA4D1084127652A1")
    >>> transaction_key(initial, bytes.fromhex("123456789012345600000001")).hex()
    '4f21b565bad9835e112b6465635eae44'
    """
    counter = int.from_bytes(ksn[ID_LENGTH:], "big")
    if not 1 <= counter.bit_count() <= MOST_SET_BITS:
        raise BadCounterError("counter")
    key, so_far = initial, 0
    for bit in reversed(range(COUNTER_BITS)):
        if counter & (1 << bit):
            so_far |= 1 << bit
            key = _key(key, Purpose.DERIVATION, len(key), _place(ksn, so_far))
    return key


def key_for(purpose: Purpose, transaction: bytes, ksn: bytes, length: int | None = None) -> bytes:
    """The clear key for this purpose; `length` in bytes, as long as the transaction's key unless said otherwise."""
    counter = int.from_bytes(ksn[ID_LENGTH:], "big")
    return _key(transaction, purpose, length or len(transaction), _place(ksn, counter))


def derived(bdk: bytes, ksn: bytes, purpose: Purpose, length: int | None = None) -> bytes:
    """All three steps: the clear key for this purpose, of this transaction. Raises BadCounterError.

    >>> bdk = bytes.fromhex("FEDCBA9876543210F1F1F1F1F1F1F1F1")
    >>> derived(bdk, bytes.fromhex("123456789012345600000001"), Purpose.PIN).hex()
    'af8cb133a78f8dc2d1359f18527593fb'
    """
    if len(ksn) != KSN_LENGTH:
        raise ValueError("a KSN has 12 bytes")
    transaction = transaction_key(initial_key(bdk, ksn[:ID_LENGTH]), ksn)
    return key_for(purpose, transaction, ksn, length)


def derived_tdes(bdk: bytes, ksn: bytes, purpose: Purpose) -> bytes:
    """The same for a terminal that still works with double-length TDES keys. Raises BadCounterError.

    >>> bdk, ksn = bytes.fromhex("FEDCBA9876543210F1F1F1F1F1F1F1F1"), bytes.fromhex("123456789012345600000001")
    >>> len(derived_tdes(bdk, ksn, Purpose.PIN)), derived_tdes(bdk, ksn, Purpose.PIN) == derived(bdk, ksn, Purpose.PIN)
    (16, False)
    """
    transaction = transaction_key(initial_key(bdk, ksn[:ID_LENGTH]), ksn)
    place = _place(ksn, int.from_bytes(ksn[ID_LENGTH:], "big"))
    return _encryptor(transaction)(_data(1, purpose, _BLOCK, place, _TWO_KEY_TDES))


def _place(ksn: bytes, counter: int) -> bytes:
    """Whose key and which: the last half of the initial key's id, and the counter (so far)."""
    return ksn[ID_LENGTH // 2 : ID_LENGTH] + counter.to_bytes(4, "big")


def _key(under: bytes, purpose: Purpose, length: int, place: bytes) -> bytes:
    """As many blocks of encrypted derivation data as the key is long."""
    encrypt = _encryptor(under)
    blocks = -(-length // _BLOCK)
    return b"".join(encrypt(_data(block + 1, purpose, length, place)) for block in range(blocks))[:length]


def _data(block: int, purpose: Purpose, length: int, place: bytes, algorithm: int | None = None) -> bytes:
    number = _ALGORITHMS[length] if algorithm is None else algorithm
    head = bytes((_VERSION, block)) + purpose.value.to_bytes(2, "big")
    return head + number.to_bytes(2, "big") + (length * 8).to_bytes(2, "big") + place


def _encryptor(key: bytes) -> Callable[[bytes], bytes]:
    return Cipher(algorithms.AES(key), modes.ECB()).encryptor().update
