"""Step 12: a company pays another; two officers approve before it is sent."""

from switch.tour.step import APPROVED, AtTill, Fact, Follow, Line, Step

STEP = Step(
    12,
    "From company to company",
    (
        Line(
            "A company asks for AED 1500.00 to go to another's account",
            AtTill("comtrust", "UAEMALL00000001", "ecommerce", "company", "1500.00", "AED", "transfer", to="nbd-3002"),
            Fact("2 approvals missing"),
        ),
        Line("One officer approves it", Follow("comtrust", "approve", officer="amal"), Fact("1 approvals missing")),
        Line("Another one does, and it is sent", Follow("comtrust", "approve", officer="badr"), APPROVED),
    ),
)
