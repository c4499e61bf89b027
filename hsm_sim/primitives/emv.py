"""EMV application cryptograms: a card's master keys, its session keys, ARQC and ARPC, and secure messaging of scripts.

After EMV 4.3 book 2, 8 and 9 and annexes A1.2 to A1.4; the session keys of the
schemes' own specifications are named so. Which scheme does what is the business
of the commands. Keys are double-length DES; derived keys get odd parity.
"""

from hashlib import sha1

from hsm_sim.primitives.des import BLOCK, DesKey, with_odd_parity, xor
from hsm_sim.primitives.mac import RETAIL, mac, padded

PAN_SHORT = 16  # digits; a longer PAN has a master key of its own by option B only
ONES = b"\xff"
HEIGHT_OF_BRANCH = {2: 16, 4: 8}  # both give every ATC a key of its own (EMV 4.1 book 2, A1.3)


def pan_block(pan: str, psn: str) -> bytes:
    """The 16 rightmost digits of PAN and PAN sequence number, zeros in front: 8 bytes (option A).

    >>> pan_block("4111111111111111", "01").hex()
    '1111111111111101'
    """
    return bytes.fromhex((pan + psn)[-2 * BLOCK :].zfill(2 * BLOCK))


def hashed_pan_block(pan: str, psn: str) -> bytes:
    """Option B: for a PAN of more than 16 digits eight bytes decimalised out of a SHA-1, else as option A."""
    if len(pan) <= PAN_SHORT:
        return pan_block(pan, psn)
    digits = pan + psn
    digest = sha1(bytes.fromhex("0" * (len(digits) % 2) + digits), usedforsecurity=False).hexdigest()
    decimal = "".join(filter(str.isdecimal, digest))
    letters = "".join(str(ord(letter) - ord("a")) for letter in digest if letter.isalpha())
    return bytes.fromhex((decimal + letters)[: 2 * BLOCK])


def card_key(issuer_key: DesKey, block: bytes) -> DesKey:
    """The ICC master key of the card with this PAN block: A1.4."""
    return DesKey(with_odd_parity(issuer_key.encrypt(block + xor(block, ONES * BLOCK))))


def common_session_key(key: DesKey, diversification: bytes) -> DesKey:
    """A1.3.1, and Mastercard's own with another diversification: 8 bytes, the third of which is replaced.

    CSK of an application cryptogram: ATC and six zeros. M/Chip: ATC, two zeros, unpredictable number.
    """
    left = diversification[:2] + b"\xf0" + diversification[3:]
    right = diversification[:2] + b"\x0f" + diversification[3:]
    return DesKey(with_odd_parity(key.encrypt(left + right)))


def visa_session_key(key: DesKey, atc: bytes) -> DesKey:
    """Visa's session key of secure messaging: the ATC XORed into the left half, its complement into the right."""
    mask = bytes(6) + atc + bytes(6) + xor(atc, ONES * 2)
    return DesKey(with_odd_parity(xor(key.clear, mask)))


def tree_session_key(key: DesKey, atc: bytes, branch: int, iv: bytes) -> DesKey:
    """EMV 2000: a key out of a tree of `branch` 2 or 4; `iv` is 16 bytes. EMV 4.1 book 2, A1.3."""
    number, height = int.from_bytes(atc, "big"), HEIGHT_OF_BRANCH[branch]
    grandparent, parent = iv, key.clear
    for level in range(height - 1, 0, -1):
        grandparent, parent = parent, _branch(parent, grandparent, number // branch**level % branch)
    return DesKey(with_odd_parity(xor(_branch(parent, grandparent, number % branch), grandparent)))


def _branch(parent: bytes, grandparent: bytes, number: int) -> bytes:
    mask = bytes(7) + bytes((number,)) + bytes(7) + bytes((number ^ 0xF0,))
    return DesKey(parent).encrypt(xor(grandparent, mask))


def cryptogram(key: DesKey, data: bytes, padding: int) -> bytes:
    """ARQC, TC or AAC: eight bytes. Padding 1 is Visa's of CVN 10, 2 everybody else's."""
    return mac(key, RETAIL, padded(data, padding))


def arpc_of_code(key: DesKey, arqc: bytes, arc: bytes) -> bytes:
    """ARPC by method 1: eight bytes from the ARQC and the authorisation response code. 8.2.1."""
    return key.encrypt(xor(arqc, arc + bytes(6)))


def arpc_of_status(key: DesKey, arqc: bytes, csu: bytes, proprietary: bytes = b"") -> bytes:
    """ARPC by method 2: four bytes from the ARQC, the card status update and 0 to 8 bytes more. 8.2.2."""
    return mac(key, RETAIL, padded(arqc + csu + proprietary, 2))[:4]


def command_mac(key: DesKey, command: bytes) -> bytes:
    """The MAC of an issuer's script command, eight bytes, of which a scheme sends four to eight. 9.2.3."""
    return mac(key, RETAIL, padded(command, 2))
