"""Step 1: the card does what it was made for, in another currency than its own."""

from switch.tour.step import Answer, AtTill, Line, Step

STEP = Step(
    1,
    "The Internet Shopping Card buys abroad",
    (
        Line(
            "An internet card from Kuwait buys for AED 120.00 at uaemall.com",
            AtTill("comtrust", "UAEMALL00000001", "ecommerce", "shopper", "120.00", "AED"),
            Answer("00", billed_in="KWD"),
        ),
    ),
)
