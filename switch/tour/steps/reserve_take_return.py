"""Step 10: a reservation that is taken in part, a refund, a reversal, and the same reversal again."""

from switch.tour.step import APPROVED, AtTill, Follow, Line, Step

MALL = ("comtrust", "UAEMALL00000001", "ecommerce")

STEP = Step(
    10,
    "Reserve, take a part, give back",
    (
        Line("A credit card reserves AED 300.00", AtTill(*MALL, "reserver", "300.00", "AED", do="preauth"), APPROVED),
        Line("The shop takes AED 180.00 of it", Follow("comtrust", "capture", "180.00"), APPROVED),
        Line("It gives AED 30.00 back", AtTill(*MALL, "reserver", "30.00", "AED", do="refund"), APPROVED),
        Line("The same card buys for AED 45.00", AtTill(*MALL, "reserver", "45.00", "AED"), APPROVED),
        Line("The purchase is reversed", Follow("comtrust", "reverse"), APPROVED),
        Line("The same reversal again: the first answer, and no second credit", Follow("comtrust", "again"), APPROVED),
    ),
)
