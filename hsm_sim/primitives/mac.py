"""Message authentication codes of ISO 9797-1 over DES and AES: algorithms 1, 3 and 5 (CMAC), in parts where asked.

Algorithm 1 is CBC-MAC with the whole key; algorithm 3 (the retail MAC of ANSI
X9.19) chains with the first part of a double-length DES key and ends with all
of it; CMAC (NIST SP 800-38B) pads by itself and masks the last block. The state
between two parts is the last block so far: 8 bytes with DES, 16 with AES.
"""

from hsm_sim.primitives.aes import BLOCK as AES_BLOCK
from hsm_sim.primitives.aes import AesKey
from hsm_sim.primitives.des import BLOCK, DOUBLE, DesKey, xor

CBC, RETAIL, CMAC = 1, 3, 5  # as ISO 9797-1:2011 numbers them
_DOUBLING = {BLOCK: 0x1B, AES_BLOCK: 0x87}  # NIST SP 800-38B, 5.3: R_b by block length in bytes


def block_of(key: DesKey | AesKey) -> int:
    """Bytes a block."""
    return AES_BLOCK if isinstance(key, AesKey) else BLOCK


def padded(message: bytes, method: int, block: int = BLOCK) -> bytes:
    """Method 0: as it is; 1: zeros to the block; 2: 80 and zeros; 3: zeros, and the length in bits as a block in front.

    ISO 9797-1, 6.3. An empty message becomes one block of zeros by methods 1 and 3.

    >>> padded(b"abc", 1).hex(), padded(b"abc", 2).hex(), padded(b"", 1).hex()
    ('6162630000000000', '6162638000000000', '0000000000000000')
    >>> padded(b"abc", 3).hex()
    '00000000000000186162630000000000'
    """
    if method == 0:
        return message
    if method == 3:
        return (8 * len(message)).to_bytes(block, "big") + padded(message, 1, block)
    if method == 2:
        message += b"\x80"
    return message + bytes(-len(message) % block or (0 if message else block))


def chained(key: DesKey | AesKey, algorithm: int, blocks: bytes, state: bytes | None = None) -> bytes:
    """The state after these whole blocks, when more will follow."""
    block = block_of(key)
    if len(blocks) % block or not blocks:
        raise ValueError("a MAC chains whole blocks")
    chaining = key.first_part if algorithm == RETAIL and isinstance(key, DesKey) else key
    return chaining.encrypt_cbc(blocks, state or bytes(block))[-block:]


def mac(key: DesKey | AesKey, algorithm: int, blocks: bytes, state: bytes | None = None) -> bytes:
    """The MAC, one block long, after the last blocks: whole ones, padded, unless it is a CMAC.

    No blocks at all are taken after a state, which then was the last (not by CMAC, which must mask that one).

    >>> key = DesKey(bytes.fromhex("0123456789ABCDEFFEDCBA9876543210"))
    >>> mac(key, RETAIL, b"Now is the time for all ").hex().upper()
    'A1C72E74EA3FA9B6'
    """
    if algorithm == CMAC:
        return cmac(key, blocks, state)
    last = state if state is not None and not blocks else chained(key, algorithm, blocks, state)
    return last if algorithm == CBC else _retail_end(key, last)


def _retail_end(key: DesKey | AesKey, last: bytes) -> bytes:
    if not isinstance(key, DesKey) or len(key.clear) != DOUBLE:
        raise ValueError("algorithm 3 wants a double-length DES key")
    return key.encrypt(key.first_part.decrypt(last))


def cmac(key: DesKey | AesKey, message: bytes, state: bytes | None = None) -> bytes:
    """The CMAC of a message, or of its last part after the state of those before it.

    >>> cmac(DesKey(bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")), b"Hello, world!").hex().upper()
    '339F7934E25410EA'
    """
    if state is None:
        return key.cmac(message)
    if not message:
        raise ValueError("a CMAC masks its last block: the last part cannot be empty")
    block = block_of(key)
    at = (len(message) - 1) // block * block
    if at:
        state = chained(key, CMAC, message[:at], state)
    return key.encrypt(xor(state, _last_masked(key, message[at:], block)))


def _last_masked(key: DesKey | AesKey, last: bytes, block: int) -> bytes:
    mask = _doubled(key.encrypt(bytes(block)))
    if len(last) == block:
        return xor(last, mask)
    return xor(padded(last, 2, block), _doubled(mask))


def _doubled(value: bytes) -> bytes:
    """Times x in the field of the block length."""
    bits = 8 * len(value)
    shifted = int.from_bytes(value, "big") << 1
    if shifted >> bits:
        shifted ^= 1 << bits | _DOUBLING[len(value)]
    return shifted.to_bytes(len(value), "big")
