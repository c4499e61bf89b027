"""Step 6: the card's limit, and the one time in its life that it may be exceeded."""

from switch.tour.step import APPROVED, Answer, AtTill, Line, Step


def purchase(amount: str) -> AtTill:
    """At the market, in the card's own currency: no rate blurs the limit."""
    return AtTill("nbk", "SOUKWATANI00001", "ecommerce", "spender", amount, "KWD")


STEP = Step(
    6,
    "Over the limit, once only",
    (
        Line("A card with limit KWD 200 spends 120.000 in Souk Al-Watani", purchase("120.000"), APPROVED),
        Line("It spends 80.000 more: the limit is reached, not exceeded", purchase("80.000"), APPROVED),
        Line("15.000 over the limit: allowed, once in the card's life", purchase("15.000"), APPROVED),
        Line("1.000 more: the allowance is used", purchase("1.000"), Answer("61", "overlimit.used")),
    ),
)
