"""Step 9: the PIN travels encrypted, the HSM translates it, the issuer verifies it and counts."""

from switch.tour.step import APPROVED, Answer, AtTill, Line, Pin, Step


def cash(card: str, pin: Pin) -> AtTill:
    """KWD 20.000 at NBK's cash machine, by chip: a new cryptogram each time."""
    return AtTill("nbk", "NBKATM000000001", "atm", card, "20.000", "KWD", do="cash", pin=pin, how="insert")


STEP = Step(
    9,
    "The PIN at the cash machine",
    (
        Line(
            "A debit card's chip takes KWD 20.000 from the cash machine, right PIN", cash("holder", Pin.RIGHT), APPROVED
        ),
        Line("Another one, wrong PIN", cash("forgetful", Pin.WRONG), Answer("55", "pin.wrong")),
        Line("Wrong again", cash("forgetful", Pin.WRONG), Answer("55", "pin.wrong")),
        Line("Wrong for the third time: the PIN is blocked", cash("forgetful", Pin.WRONG), Answer("75", "pin.tries")),
    ),
)
