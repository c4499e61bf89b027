"""Step 7: the holder raises the card's limit in online banking, and the next purchase knows."""

from switch.tour.step import APPROVED, Answer, AtTill, Fact, InBanking, Line, Step


def purchase(amount: str) -> AtTill:
    """At the market, in the card's own currency."""
    return AtTill("nbk", "SOUKWATANI00001", "ecommerce", "climber", amount, "KWD")


STEP = Step(
    7,
    "The holder raises the limit",
    (
        Line("A card with limit KWD 100 spends 120.000: over it, this once", purchase("120.000"), APPROVED),
        Line("40.000 more: the allowance is used", purchase("40.000"), Answer("61", "overlimit.used")),
        Line(
            "The holder signs in to WataniOnline and chooses the limit of KWD 200",
            InBanking("fatma", "watani-1001", "climber", "200.000"),
            Fact("limit is 200.000"),
        ),
        Line("The same 40.000 again: it passes", purchase("40.000"), APPROVED),
    ),
)
