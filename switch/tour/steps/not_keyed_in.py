"""Step 5: e-commerce must be stated; a number keyed in without a word is taken for a shop's."""

from switch.tour.step import Answer, AtTill, Line, Step

STEP = Step(
    5,
    "Not keyed in without a word",
    (
        Line(
            "Its number is keyed in at Gulf Mart's terminal, claiming nothing",
            AtTill("nbd", "GULFMART0000001", "keyed", "shopper", "25.00", "AED"),
            Answer("57", "channel.pos"),
        ),
    ),
)
