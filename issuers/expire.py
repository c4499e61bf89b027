"""Holds that nobody came for: after their last day the money is the holder's again.

The transaction stays approved: switch and bank agree about it as before, and a completion that comes late
is charged all the same. Only the hold is gone, and what of the card's limit it took. Pure.
"""

from __future__ import annotations

from dataclasses import replace

from issuers.accounts import HoldState
from issuers.book import Book, Effect
from issuers.decision import charged, money, use_in


def expired(book: Book) -> tuple[Effect, ...]:
    """The end of every hold in this snapshot, which the store has chosen by its day."""
    effects: list[Effect] = []
    cards = dict(book.cards)
    for booking in book.bookings.values():
        after = replace(booking, amount=0, spent=0, cash=0, overlimit=False, count=0, withdrawals=0)
        effects += (*money(after, booking, HoldState.EXPIRED), after)
        card = cards.get(booking.card)
        if card is not None:
            cards[card.token] = charged(card, after, use_in(booking))
            effects.append(cards[card.token])
    return tuple(effects)
