"""A PIN on its way from the terminal's zone into the issuer's: what the HSM is asked, what its answer means.

Pure. The block is never opened here; it goes into the HSM under one key and comes out under another.
"""

from __future__ import annotations

from protocols import elements as de
from protocols.hsm import HsmAnswer
from switch.configuration import Configuration
from switch.request import Request
from switch.story import AskHsm

ISO_0 = "01"  # the HSM's code of the PIN block format that both zones use
PIN_LONGEST = "12"

#: HSM errors that speak of the block (no valid PIN, account, length), not of keys or of the device.
UNREADABLE = frozenset({"20", "22", "24"})


def translation(request: Request, network: Configuration, *, previous: bool = False) -> AskHsm | None:
    """What to ask the HSM before the issuer can be asked; None where there is no PIN or no keys are agreed.

    `previous`: by the zone key before the one in use, where that may still be used.
    """
    block = request.message.get(de.PIN_BLOCK)
    if block is None or request.issued is None or request.issued.product.pin_untouched:
        return None
    keys = request.participant.keys
    ours = (keys.terminal_zpk or keys.zpk) if not previous else None if keys.terminal_zpk else keys.previous_zpk
    theirs = network.participants[request.issued.issuer].keys.zpk
    if ours is None or theirs is None:
        return None
    return AskHsm(
        "CC",
        {
            "source_key": ours,
            "destination_key": theirs,
            "maximum_pin_length": PIN_LONGEST,
            "pin_block": block,
            "source_format": ISO_0,
            "destination_format": ISO_0,
            "account": request.card_number[-13:-1],
        },
    )


def trouble(answer: object) -> str | None:
    """Why there is no translated block: to the holder a block nobody can open is a wrong PIN."""
    if not isinstance(answer, HsmAnswer):
        return "hsm.down"
    if answer.done:
        return None
    return "pin.wrong" if answer.error in UNREADABLE else "hsm.down"


def translated_block(answer: object) -> str:
    """The block under the issuer's key."""
    assert isinstance(answer, HsmAnswer)
    return answer.fields["pin_block"]
