"""The simulated HSM's desk at the end of no wire: the bank's questions are answered by the real commands.

And the little that a card, a chip and an access control server do with the keys, so that a test can make what
the bank must verify. The keys are the test keys of `tests/vectors/SOURCES.md`.
"""

from __future__ import annotations

import base64
from typing import Any

import trio

from hsm_sim.desk import Desk
from hsm_sim.primitives import emv
from hsm_sim.primitives.des import DesKey
from hsm_sim.settings import Settings
from issuers import proofs
from protocols.hsm import HsmAnswer, pack_request, read_answer
from protocols.runtime.hsm_client import OnAnswer

K = bytes(range(16))
CVK = "U21A646BD114E23B25B09D2BA887B822C"  # under test LMK 00, as in tests/hsm_sim/known.py
ZPK = "U235B54ED775B7F5A59FD9CF0F8FDCEF2"
ZPK_CLEAR = bytes.fromhex("253873023B89C776FE9B0D54C2587A85")
ZMK = "UD0FFD52137B5011DCE4B5537AD4BACF2"


def counted_up(count: int) -> bytes:
    return bytes(range(count))


class RealHsm:
    """The interface of an `HsmClient`, answered on the spot."""

    def __init__(self) -> None:
        self.desk = Desk(Settings(), counted_up)
        self.is_down = False

    def answer(self, command: str, fields: Any) -> HsmAnswer:
        frame = self.desk.answer(pack_request(command, b"0001", fields))
        assert isinstance(frame, bytes)
        return read_answer(command, frame, 4, fields)

    def submit(self, command: str, fields: Any, on_answer: OnAnswer) -> None:
        on_answer(self.answer(command, fields))

    async def ask(self, command: str, **fields: str | bytes) -> HsmAnswer:
        await trio.lowlevel.checkpoint()
        return self.answer(command, fields)

    async def wait_up(self) -> None:
        await trio.lowlevel.checkpoint()

    def made(self, key_type: str) -> str:
        """A key of that type, whose clear value is K."""
        return self.answer("A0", {"mode": "0", "key_type": key_type, "scheme": "U"}).fields["key"]

    def cvv(self, pan: str, expiry: str, service_code: str) -> str:
        fields = {"cvk": CVK, "pan": pan, "expiry": expiry, "service_code": service_code}
        return self.answer("CW", fields).fields["cvv"]

    def cavv(self, pan: str, unpredictable: str = "1234") -> str:
        value = self.cvv(pan, unpredictable, "002")
        return base64.b64encode(bytes([0, 2, 1]) + bytes.fromhex("0" + value + unpredictable) + bytes(13)).decode()


def pin_block(pan: str, pin: str) -> str:
    """ISO 9564-1 format 0 under the zone key."""
    clear = int(f"0{len(pin)}{pin}".ljust(16, "F"), 16) ^ int("0000" + pan[-13:-1], 16)
    return DesKey(ZPK_CLEAR).encrypt(clear.to_bytes(8, "big")).hex().upper()


class Chip:
    """A chip of cryptogram version 10 with the master key that the bank's MK-AC gives it."""

    def __init__(self, pan: str, mk_ac: bytes) -> None:
        from hsm_sim.commands._emv import card_key

        self.pan = pan
        self.key = card_key(DesKey(mk_ac), bytes.fromhex((pan + "00")[-16:]))
        self.counter = 0

    def tags(self, amount: int) -> dict[str, str]:
        self.counter += 1
        return {
            "9F02": f"{amount:012d}",
            "9F03": "0" * 12,
            "9F1A": "0414",
            "95": "0000000000",
            "5F2A": "0414",
            "9A": "270314",
            "9C": "00",
            "9F37": "01020304",
            "82": "1C00",
            "9F36": f"{self.counter:04X}",
            "9F10": "06010A03A00000",
        }

    def data(self, amount: int, spoil: bool = False) -> str:
        """DE 55, in hex."""
        tags = self.tags(amount)
        signed = bytes.fromhex("".join(tags[tag] for tag in proofs.SIGNED) + tags["9F10"][6:14])
        arqc = emv.cryptogram(self.key, signed, 1)
        self.arqc = arqc
        tags["9F26"] = (bytes(8) if spoil else arqc).hex()
        return "".join(f"{tag}{len(value) // 2:02X}{value}" for tag, value in tags.items()).upper()

    def accepts(self, answer: str, code: bytes) -> bool:
        """Whether the issuer is genuine: the ARPC of method 1 in tag 91."""
        expected = emv.arpc_of_code(self.key, self.arqc, code)
        return answer == ("910A" + (expected + code).hex() + "8A02" + code.hex()).upper()
