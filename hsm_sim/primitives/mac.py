"""Message authentication codes of ISO 9797-1 over DES: algorithms 1 and 3, the paddings, and long messages in parts.

Algorithm 1 is CBC-MAC with the whole key; algorithm 3 (the retail MAC of ANSI
X9.19) chains with the first part of a double-length key and ends with all of it.
The state between two parts is the last block so far.
"""

from hsm_sim.primitives.des import BLOCK, DOUBLE, DesKey

START = bytes(BLOCK)


def padded(message: bytes, method: int) -> bytes:
    """Method 0: as it is; 1: zeros to the block; 2: 80 and zeros to the block. ISO 9797-1, 6.3.

    >>> padded(b"abc", 1).hex(), padded(b"abc", 2).hex(), padded(b"", 1).hex()
    ('6162630000000000', '6162638000000000', '0000000000000000')
    """
    if method == 2:
        message += b"\x80"
    if method == 0:
        return message
    return message + bytes(-len(message) % BLOCK or (0 if message else BLOCK))


def chained(key: DesKey, algorithm: int, blocks: bytes, state: bytes = START) -> bytes:
    """The state after these whole blocks, when more will follow."""
    if len(blocks) % BLOCK or not blocks:
        raise ValueError("a MAC chains whole blocks")
    chaining = key.first_part if algorithm == 3 else key
    return chaining.encrypt_cbc(blocks, state)[-BLOCK:]


def mac(key: DesKey, algorithm: int, blocks: bytes, state: bytes = START) -> bytes:
    """The eight bytes of the MAC after the last, padded blocks.

    >>> key = DesKey(bytes.fromhex("0123456789ABCDEFFEDCBA9876543210"))
    >>> mac(key, 3, b"Now is the time for all ").hex().upper()
    'A1C72E74EA3FA9B6'
    """
    last = chained(key, algorithm, blocks, state)
    if algorithm == 1:
        return last
    if len(key.clear) != DOUBLE:
        raise ValueError("algorithm 3 wants a double-length key")
    return key.encrypt(key.first_part.decrypt(last))
