"""Step 2: never at a cash machine."""

from switch.tour.step import Answer, AtTill, Line, Pin, Step

STEP = Step(
    2,
    "Not at a cash machine",
    (
        Line(
            "The same card asks for KWD 10.000 at NBK's cash machine, with the right PIN",
            AtTill("nbk", "NBKATM000000001", "atm", "shopper", "10.000", "KWD", do="cash", pin=Pin.RIGHT),
            Answer("57", "channel.atm"),
        ),
    ),
)
