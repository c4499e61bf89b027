"""Step 2: never at a cash machine."""

from switch.tour.step import Answer, AtTill, Line, Pin, Step

STEP = Step(
    2,
    "Not at a cash machine",
    (
        Line(
            "The same card is inserted at NBK's cash machine for KWD 10.000, chip and PIN right",
            AtTill("nbk", "NBKATM000000001", "atm", "shopper", "10.000", "KWD", do="cash", pin=Pin.RIGHT, how="insert"),
            Answer("57", "channel.atm"),
        ),
    ),
)
