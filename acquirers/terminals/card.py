"""A test card as a terminal meets it: a stripe, a chip that signs and that checks its issuer, and a number to type.

Pure. What the bank's personalisation put on it comes from `settings` (test keys in clear: these cards are nobody's);
how often its chip was used is kept by whoever holds the card (`store`). Nothing here prints what the card hides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from acquirers.terminals import chip_keys
from acquirers.terminals.settings import ChipFile
from protocols import tlv
from protocols.pan import Pan

ICVV_SERVICE_CODE: Final = "999"  # in place of the stripe's, so that what a chip tells cannot be made into a stripe
PVKI, NO_PVV = "1", "0000"  # of track 2: nobody verifies a PIN offline, so no value is written there

#: Over these a cryptogram is made, in this order (EMV book 2, 8.1.1); the chip's own results follow.
SIGNED: Final = ("9F02", "9F03", "9F1A", "95", "5F2A", "9A", "9C", "9F37", "82", "9F36")
APPLICATION_PROFILE: Final = "1C00"  # 82: holder verification, terminal risk management, issuer authentication
#: 9F10 by scheme, as of a first cryptogram that asks to go online, and where the chip's results stand in it.
APPLICATION_DATA: Final = {
    chip_keys.VIS: ("06010A03A00000", slice(3, 7)),
    chip_keys.MCHIP: ("0110A00003220000000000000000000000FF", slice(2, 8)),
}
ASKS_ONLINE, APPROVES, DECLINES = "80", "40", "00"  # 9F27: ARQC, TC, AAC


@dataclass(slots=True)
class Card:
    """One card. `counter` is the transaction counter that its chip has reached."""

    pan: Pan
    expiry: str = field(repr=False)
    issued: ChipFile
    next_counter: Callable[[], int] = field(repr=False)
    chip_is_broken: bool = False
    _arqc: bytes = field(default=b"", repr=False)

    def stripe(self) -> str:
        """Track 2, with the code that shows that it is the stripe's."""
        return self._track("=", self.issued.service_code, self.issued.service_code)

    def chip_track(self) -> str:
        """The same as the chip tells it: another code, so that nobody makes a stripe of it."""
        return self._track("D", self.issued.service_code, ICVV_SERVICE_CODE)

    def _track(self, separator: str, service_code: str, code_for: str) -> str:
        cvv = card_verification_value(self.issued.cvk, self.pan.clear(), self.expiry, code_for)
        return f"{self.pan.clear()}{separator}{self.expiry}{service_code}{PVKI}{NO_PVV}{cvv}"

    def sign(self, terminal: Mapping[str, str]) -> dict[str, str]:
        """The chip's first answer: the cryptogram (9F26) over what the terminal tells it, and what belongs to it.

        `terminal`: 9F02, 9F03, 9F1A, 95, 5F2A, 9A, 9C, 9F37 in hex. Every call is one more transaction of the chip.
        """
        data, results = APPLICATION_DATA[self.issued.scheme]
        counter = self.next_counter()
        own = {"82": APPLICATION_PROFILE, "9F36": f"{counter:04X}", "9F10": data, "5F34": self.issued.sequence}
        said = {**terminal, **own}
        signed = bytes.fromhex("".join(said[tag] for tag in SIGNED)) + bytes.fromhex(data)[results]
        unpredictable = bytes.fromhex(terminal["9F37"])
        self._arqc = chip_keys.cryptogram(self._key, self.issued.scheme, counter, unpredictable, signed)
        return {**own, "9F26": self._arqc.hex().upper(), "9F27": ASKS_ONLINE, "84": self.issued.application}

    def believes(self, icc_data: str | None) -> bool | None:
        """Whether the answer came from the issuer (tag 91); None where it brought nothing to tell by."""
        proof = _issuer_proof(icc_data)
        if proof is None:
            return None
        return chip_keys.answer_of(self._key, self._arqc, proof[8:10]) == proof[:8]

    @property
    def _key(self) -> bytes:
        return chip_keys.card_key(bytes.fromhex(self.issued.mk_ac), self.pan.clear(), self.issued.sequence)


def _issuer_proof(icc_data: str | None) -> bytes | None:
    try:
        found = tlv.by_tag(tlv.parse(bytes.fromhex(icc_data or ""))).get("91", b"")
    except (tlv.TlvError, ValueError):
        return None
    return found if len(found) >= 10 else None


def card_verification_value(key: str, pan: str, expiry: str, service_code: str) -> str:
    """The three digits of a stripe (CVV), or with service code 999 of a chip's track.

    >>> card_verification_value("0123456789ABCDEFFEDCBA9876543210", "4123456789012345", "8701", "101")
    '561'
    """
    whole = bytes.fromhex(key)
    data = bytes.fromhex((pan + expiry + service_code).ljust(32, "0"))
    first = chip_keys.encrypted_once(whole[:8], data[:8])
    digits = chip_keys.encrypted(whole, chip_keys.xor(first, data[8:])).hex()
    letters = (str(ord(one) - ord("a")) for one in digits if one.isalpha())
    return "".join((*filter(str.isdecimal, digits), *letters))[:3]
