"""Step 14: the brokerage that was to follow: an account is funded over the internet, nothing is bought."""

from switch.tour.step import APPROVED, Answer, AtTill, Line, Step


def at_the_brokerage(card: str, do: str, to: str | None = None) -> AtTill:
    """KWD 50.000, on the internet."""
    return AtTill("nbk", "BROKERAGE000001", "ecommerce", card, "50.000", "KWD", do=do, to=to)


STEP = Step(
    14,
    "Brokerage",
    (
        Line(
            "A debit card puts KWD 50.000 into an account that NBK holds",
            at_the_brokerage("holder", "funding", "nbk-3003"),
            APPROVED,
        ),
        Line(
            "It is used to buy securities directly",
            at_the_brokerage("holder", "purchase"),
            Answer("57", "type.purchase"),
        ),
        Line("A credit card is tried", at_the_brokerage("customer", "purchase"), Answer("57", "merchant_type.6211")),
    ),
)
