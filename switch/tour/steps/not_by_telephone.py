"""Step 4: a telephone is not the internet."""

from switch.tour.step import Answer, AtTill, Line, Step

STEP = Step(
    4,
    "Not by telephone",
    (
        Line(
            "Its number is read to Gulf Mart over the telephone",
            AtTill("nbd", "GULFMART0000001", "telephone", "shopper", "25.00", "AED"),
            Answer("57", "channel.moto"),
        ),
    ),
)
