"""What a kind of transaction does to the holder's account: takes, gives, or only asks.

Which kinds there are, and how they are called, is in `protocols.codes`.
"""

from __future__ import annotations

from protocols.codes import BALANCE, CREDIT, DEPOSIT, REFUND, VERIFICATION

#: These may carry an amount of zero: they ask, they do not pay.
WITHOUT_AMOUNT = frozenset({BALANCE, VERIFICATION})

#: These give to the holder; their effect on the holder's account is the other way round.
CREDITS = frozenset({REFUND, CREDIT, DEPOSIT})


def effect(processing_type: str, amount: int) -> int:
    """What an approval of this amount takes from the holder, in the same minor units; a credit is negative.

    >>> effect("00", 500), effect("20", 500), effect("31", 500)
    (500, -500, 0)
    """
    if processing_type in WITHOUT_AMOUNT:
        return 0
    return -amount if processing_type in CREDITS else amount
