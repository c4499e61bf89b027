"""Settlement lines: what each merchant and each tenant is owed, sales less refunds less the service charge. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from acquirers.hosting.contracts import Acquirer, Boarded
from acquirers.hosting.ledger import Leg
from protocols.codes import REFUND
from protocols.money import Amount, currency_numbered


@dataclass(slots=True)
class Line:
    """One line; amounts in minor units of the currency."""

    merchant: str
    tenant: str
    title: str
    currency: str
    sales: int = 0
    sold: int = 0
    refunds: int = 0
    refunded: int = 0
    charge: int = 0

    @property
    def net(self) -> int:
        return self.sold - self.refunded - self.charge

    def document(self) -> dict[str, object]:
        """For machines; amounts as decimal strings."""

        def text(minor: int) -> str:
            return str(Amount(minor, currency_numbered(self.currency)))

        return {
            "merchant": self.merchant,
            "sub_merchant": self.tenant or None,
            "title": self.title,
            "sales": self.sales,
            "sold": text(self.sold),
            "refunds": self.refunds,
            "refunded": text(self.refunded),
            "service_charge": text(self.charge),
            "net": text(self.net),
        }


def lines_of(legs: Iterable[Leg], acquirer: Acquirer, boarded: Callable[[str], Boarded]) -> list[Line]:
    """One line for each merchant, tenant and currency. What a completion has taken counts, not what it took it from."""
    found: dict[tuple[str, str, str], Line] = {}
    for leg in legs:
        key = leg.merchant, leg.tenant, leg.currency
        line = found.get(key)
        if line is None:
            title = acquirer.title_of(leg.merchant, leg.tenant, boarded(leg.merchant))
            line = found[key] = Line(leg.merchant, leg.tenant, title, leg.currency)
        if leg.type == REFUND:
            line.refunds, line.refunded = line.refunds + 1, line.refunded + leg.amount
        else:
            line.sales, line.sold = line.sales + 1, line.sold + leg.amount
    for line in found.values():
        line.charge = acquirer.charge(line.merchant, line.sold)
    return [found[key] for key in sorted(found)]
