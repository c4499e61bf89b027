"""Step 11: the issuer is away, the switch stands in within limits, and tells it afterwards."""

from switch.tour.step import APPROVED, Answer, AtTill, Delivered, Fact, HostDown, HostUp, Line, Step


def purchase(card: str, amount: str) -> AtTill:
    """On the internet, where both cards may buy."""
    return AtTill("nbk", "SOUKWATANI00001", "ecommerce", card, amount, "KWD")


STEP = Step(
    11,
    "The issuer is away",
    (
        Line("The host of National Bank of Kuwait goes down", HostDown("nbk"), Fact("host is down")),
        Line("A credit card buys for KWD 30.000: the switch stands in", purchase("customer", "30.000"), APPROVED),
        Line(
            "An internet card buys for KWD 25.000: more than the switch may answer for",
            purchase("shopper", "25.000"),
            Answer("91", "issuer.down"),
        ),
        Line("The bank's host comes back", HostUp("nbk"), Fact("host is up")),
        Line("What was approved in its name is delivered to it", Delivered(), Fact("nothing waits")),
    ),
)
