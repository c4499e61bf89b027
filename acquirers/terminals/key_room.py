"""The acquirer's key room: PINs from terminals go into the HSM under their keys and come out under the zone's.

The Trio shell around three host commands. CA (terminal key to zone key), G0 (DUKPT to zone key) and HC (a new terminal
key, under the terminal's master key for the wire and under the LMK for us). No PIN is ever clear on this side.
"""

from __future__ import annotations

from acquirers.terminals.pads import ISO_0, Entered, KeyedPad
from acquirers.terminals.settings import TerminalFile
from protocols.errors import LocalProtocolError
from protocols.hsm import HsmAnswer
from protocols.pan import Pan
from protocols.runtime.hsm_client import Hsm, HsmDown

PIN_LONGEST = "12"


class KeyRoomError(Exception):
    """The HSM did not do it; says with which code, or that it is away."""


class KeyRoom:
    """What is asked of the HSM for one terminal."""

    def __init__(self, hsm: Hsm, terminal: TerminalFile, zpk: str) -> None:
        """`zpk`: the zone key that is agreed with the network, under the LMK."""
        self._hsm, self._terminal, self._zpk, self._tpk = hsm, terminal, zpk, terminal.tpk

    async def to_zone(self, entered: Entered, pan: Pan) -> str:
        """DE 52: the block under the zone's key, format 0."""
        common = {
            "pin_block": entered.block,
            "source_format": entered.format,
            "destination_format": ISO_0,
            "account": pan.account12 if entered.format == ISO_0 else pan.clear() + ";",
            "destination_key": self._zpk,
        }
        if entered.serial:
            by = {"bdk": self._terminal.bdk or "", "descriptor": entered.descriptor, "ksn": entered.serial}
            answer = await self._ask("G0", **common, **by)
        else:
            answer = await self._ask("CA", **common, source_key=self._tpk or "", maximum_pin_length=PIN_LONGEST)
        return answer.fields["pin_block"]

    async def download(self, pad: KeyedPad) -> None:
        """A new terminal key, for the pad under its master key, for us under the LMK."""
        fields = {"tmk": self._terminal.tmk or "", "export_scheme": "U", "scheme": "U", "check_value_type": "1"}
        answer = await self._ask("HC", **fields)
        pad.take_key(answer.fields["exported_key"])
        self._tpk = answer.fields["key"]

    async def _ask(self, command: str, **fields: str) -> HsmAnswer:
        try:
            answer = await self._hsm.ask(command, **fields)
        except HsmDown as error:
            raise KeyRoomError(f"the HSM does not answer: {error}") from None
        except LocalProtocolError as error:
            raise KeyRoomError(str(error)) from None
        if not answer.done:
            raise KeyRoomError(f"the HSM answers {command} with {answer.error}")
        return answer
