"""A PIN on its way from the terminal's zone into the issuer's: what the HSM is asked, what its answer means.

Pure. The block is never opened here; it goes into the HSM under one key and comes out under another.
"""

from __future__ import annotations

from typing import NamedTuple

from protocols import elements as de
from protocols import subelements
from protocols.codes import PIN_CHANGE
from protocols.hsm import HsmAnswer
from switch.configuration import Configuration
from switch.request import Request
from switch.story import AskHsm

ISO_0 = "01"  # the HSM's code of the PIN block format that both zones use
PIN_LONGEST = "12"

#: HSM errors that speak of the block (no valid PIN, account, length), not of keys or of the device.
UNREADABLE = frozenset({"20", "22", "24"})


class Block(NamedTuple):
    """A PIN block of a request, and the subelement of DE 48 that it stands in (None: DE 52)."""

    text: str
    subelement: str | None = None

    def __repr__(self) -> str:
        return "<Block>"


def blocks(request: Request) -> list[Block]:
    """The PIN, and of a change of PIN the one that is to be (DE 48.93)."""
    block = request.message.get(de.PIN_BLOCK)
    found = [] if block is None else [Block(block)]
    if request.processing_type == PIN_CHANGE:
        new = private_data(request, {}).get(subelements.NEW_PIN_BLOCK)
        found += [] if new is None else [Block(new, subelements.NEW_PIN_BLOCK)]
    return found


def private_data(request: Request, changes: dict[int, str | None]) -> dict[str, str]:
    """DE 48 as its issuer will see it."""
    try:
        return subelements.parse(changes.get(de.PRIVATE_DATA) or request.message.get(de.PRIVATE_DATA) or "")
    except subelements.SubelementError:
        return {}


def put(block: Block, translated: str, request: Request, changes: dict[int, str | None]) -> None:
    """The translated block where the other stood."""
    if block.subelement is None:
        changes[de.PIN_BLOCK] = translated
    else:
        changes[de.PRIVATE_DATA] = subelements.pack(private_data(request, changes) | {block.subelement: translated})


def translation(
    request: Request, network: Configuration, block: Block, *, previous: bool = False, to: str | None = None
) -> AskHsm | None:
    """What to ask the HSM before the issuer can be asked; None where no keys are agreed.

    `previous`: by the zone key before the one in use, where that may still be used. `to`: not to its issuer, but here.
    """
    if request.issued is None or request.issued.product.pin_untouched:
        return None
    keys = request.participant.keys
    ours = (keys.terminal_zpk or keys.zpk) if not previous else None if keys.terminal_zpk else keys.previous_zpk
    theirs = network.participants[to or request.issued.issuer].keys.zpk
    if ours is None or theirs is None:
        return None
    return AskHsm(
        "CC",
        {
            "source_key": ours,
            "destination_key": theirs,
            "maximum_pin_length": PIN_LONGEST,
            "pin_block": block.text,
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
