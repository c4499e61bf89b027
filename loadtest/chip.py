"""The chip of a test card: its key, its counter, and the cryptogram over what a terminal tells it (DE 55).

As EMV 4.3 says (book 2: 8.1.1, A1.3.1, A1.4.1; book 3: annex A for the tags). A chip has its key in clear, and so has
this one: `mk_ac` is a test's. Everything is made before the run (`proofs`), because a cryptogram costs more than a
message. Pure: the unpredictable numbers and the day come in.
"""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

from protocols.tlv import Tlv, pack

BLOCK: Final = 8
VIS, MCHIP = "vis", "mchip"
#: Over these a cryptogram is made, in this order; the chip's own results follow.
SIGNED: Final = ("9F02", "9F03", "9F1A", "95", "5F2A", "9A", "9C", "9F37", "82", "9F36")
#: 9F10 of a first cryptogram that asks to go online, and where the chip's results stand in it.
APPLICATION_DATA: Final = {
    VIS: ("06010A03A00000", slice(3, 7)),  # cryptogram version 10
    MCHIP: ("0110A00003220000000000000000000000FF", slice(2, 8)),
}
#: What does not differ from card to card: no cash besides, nothing found wrong, holder verification and issuer
#: authentication supported, a terminal on line with a PIN pad, ARQC, an application of nobody's.
COMMON: Final = {"9F03": "0" * 12, "95": "0" * 10, "82": "1C00", "9F33": "604020", "9F27": "80", "84": "A0000000031010"}
HOLDER: Final = {True: "020000", False: "1F0302"}  # 9F34: PIN on line, or nobody asked


def card_key(issuer_key: bytes, pan: str, sequence: str) -> bytes:
    """A card's master key by option A: of the 16 rightmost digits of PAN and sequence number.

    >>> card_key(bytes(range(16)), "9414300000000013", "01").hex()[:8]
    '9ec4c145'
    """
    block = bytes.fromhex((pan + sequence)[-2 * BLOCK :].rjust(2 * BLOCK, "0"))
    return _odd(_triple(issuer_key, block + bytes(byte ^ 0xFF for byte in block)))


def cryptogram(key: bytes, scheme: str, counter: int, unpredictable: bytes, data: bytes) -> bytes:
    """The ARQC: eight bytes over `data`. VIS: under the card's own key; M/Chip: under a session key, data padded."""
    if scheme == VIS:
        return retail_mac(key, data + bytes(-len(data) % BLOCK))
    diversified = counter.to_bytes(2, "big") + bytes(2) + unpredictable
    left, right = (diversified[:2] + mark + diversified[3:] for mark in (b"\xf0", b"\x0f"))
    session = _odd(_triple(key, left + right))
    return retail_mac(session, data + b"\x80" + bytes(-(len(data) + 1) % BLOCK))


def retail_mac(key: bytes, blocks: bytes) -> bytes:
    """ISO 9797-1, algorithm 3: single DES chained all along, triple DES at the end. `blocks` are whole."""
    left, right = key[:BLOCK], key[BLOCK:]
    value = Cipher(TripleDES(left * 3), modes.CBC(bytes(BLOCK))).encryptor().update(blocks)[-BLOCK:]
    undone = Cipher(TripleDES(right * 3), modes.ECB()).decryptor().update(value)
    return Cipher(TripleDES(left * 3), modes.ECB()).encryptor().update(undone)


class Chip:
    """The chips of one issuer. Prints without its key.

    >>> Chip("A4702516B3808068AD2943B50BD60107", "01", "vis", "0784")
    <Chip vis>
    """

    def __init__(self, mk_ac: str, sequence: str, scheme: str, country: str) -> None:
        self._issuer_key, self.sequence, self._scheme, self._country = bytes.fromhex(mk_ac), sequence, scheme, country
        self._keys: dict[str, bytes] = {}  # by card: a hot one is asked often

    def __repr__(self) -> str:
        return f"<Chip {self._scheme}>"

    def data(
        self, pan: str, counter: int, unpredictable: bytes, day: str, asked: tuple[str, str, str], *, has_pin: bool
    ) -> str:
        """DE 55 in hex. `asked`: amount of twelve digits, currency, transaction type; `day`: YYMMDD."""
        amount, currency, kind = asked
        data, results = APPLICATION_DATA[self._scheme]
        said = {
            "9F02": amount,
            "9F1A": self._country,
            "5F2A": currency.rjust(4, "0"),
            "9A": day,
            "9C": kind,
            "9F37": unpredictable.hex(),
            "9F36": f"{counter:04X}",
            "9F10": data,
            "9F34": HOLDER[has_pin],
            **COMMON,
        }
        signed = bytes.fromhex("".join([said[tag] for tag in SIGNED])) + bytes.fromhex(data)[results]
        key = self._keys.get(pan)
        if key is None:
            key = self._keys[pan] = card_key(self._issuer_key, pan, self.sequence)
        said["9F26"] = cryptogram(key, self._scheme, counter, unpredictable, signed).hex()
        return pack(Tlv(tag, bytes.fromhex(value)) for tag, value in said.items()).hex().upper()


def _triple(key: bytes, data: bytes) -> bytes:
    return Cipher(TripleDES(key + key[:BLOCK]), modes.ECB()).encryptor().update(data)


def _odd(key: bytes) -> bytes:
    """Every byte with an odd number of ones, as keys of DES have it."""
    return bytes(byte ^ (1 if byte.bit_count() % 2 == 0 else 0) for byte in key)
