"""Which kinds of transaction move money at all, and which only ask.

Which kinds there are, and how they are called, is in `protocols.codes`.
"""

from __future__ import annotations

from protocols.codes import BALANCE, PIN_CHANGE, VERIFICATION

#: These may carry an amount of zero: they ask, they do not pay.
WITHOUT_AMOUNT = frozenset({BALANCE, VERIFICATION, PIN_CHANGE})


def moved(processing_type: str, amount: int) -> int:
    """How much an approval of this amount moves, in the same minor units; which way, the processing code says.

    >>> moved("00", 500), moved("20", 500), moved("31", 500)
    (500, 500, 0)
    """
    return 0 if processing_type in WITHOUT_AMOUNT else amount
