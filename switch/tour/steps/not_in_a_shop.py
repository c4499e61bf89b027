"""Step 3: never in an ordinary shop."""

from switch.tour.step import Answer, AtTill, Line, Pin, Step

STEP = Step(
    3,
    "Not in a shop",
    (
        Line(
            "The same card is put into the terminal at Gulf Mart, chip and PIN right",
            AtTill("nbd", "GULFMART0000001", "card_present", "shopper", "25.00", "AED", pin=Pin.RIGHT, how="insert"),
            Answer("57", "channel.pos"),
        ),
    ),
)
