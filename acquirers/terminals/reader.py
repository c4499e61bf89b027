"""The card reader of a till: what a chip or a stripe adds to a request that a gateway has made. Pure.

For tills that type everything else by hand or from a script; the PIN is enciphered there, under the gateway's own key.
A terminal that `terminals.toml` does not know reads everything and has a PIN pad.
"""

from __future__ import annotations

from acquirers.merchant import Merchant
from acquirers.terminals import terminal as kernel
from acquirers.terminals.card import Card
from acquirers.terminals.pads import Randomness
from acquirers.terminals.settings import Equipment, TerminalFile
from acquirers.terminals.store import Counters
from acquirers.transaction import Place, Request, Stamp
from protocols import elements as de
from protocols.channel import CASH_MACHINE
from protocols.pan import Pan

NONCE = 4  # bytes of the unpredictable number, 9F37
LATEST = "2912"  # the expiry date of the test cards, where nobody says another


class Reader:
    """Reads cards at the terminals of one gateway."""

    def __init__(self, equipment: Equipment, counters: Counters, randomness: Randomness) -> None:
        self._equipment, self._counters, self._randomness = equipment, counters, randomness

    def read(self, how: str, pin: str | None, request: Request, place: Place, stamp: Stamp) -> Request:
        """The request with what the card says; ValueError where it cannot be read that way."""
        pan = Pan(request.values[de.PAN])
        issued = self._equipment.issued(pan.clear())
        if issued is None:
            raise ValueError("terminals.toml says of no bank what is on such a card")
        card = Card(pan, request.values.get(de.EXPIRY, LATEST), issued, self._counters.of_card(pan))
        terminal = self._terminal(place.terminal_id, place.merchant)
        presented = kernel.Presented(card, how, pin)
        kernel.must_be_readable(terminal, presented)
        added = kernel.elements(terminal, presented, request, stamp, place.merchant, self._randomness(NONCE))
        return Request(request.mti, dict(sorted({**request.values, **added}.items())))

    def _terminal(self, id_: str, merchant: Merchant) -> TerminalFile:
        known = self._equipment.terminals.get(id_)
        if known is not None:
            return known
        is_cash_machine = merchant.merchant_type == CASH_MACHINE
        return TerminalFile(id=id_, merchant=merchant.id, gateway="", kind="atm" if is_cash_machine else "shop")
