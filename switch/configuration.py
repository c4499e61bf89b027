"""Everything the switch was told: participants, products, merchants, rates, listeners.

Read once at start from the network's files, all problems reported together. Immutable from
then on; whatever changes while the switch runs belongs to the core.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TypeVar

from protocols.money import Amount, convert, currency_numbered
from protocols.network import Network, NetworkError, load, source, toml_files
from protocols.participant import Keys, Participant, Role, load_participants
from protocols.pki import RESERVED
from switch.merchants import Merchant, load_merchants
from switch.product import Issued, load_products
from switch.rates import Quote, Rates, load_rates
from switch.request import Request
from switch.routing import Routes

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Billing:
    """An amount in the cardholder's currency, and the quote that made it."""

    amount: Amount
    quote: Quote
    day: date


@dataclass(frozen=True, slots=True)
class Configuration:
    """The network as its files describe it."""

    network: Network
    participants: Mapping[str, Participant]
    routes: Routes
    merchants: Mapping[str, Merchant]
    rates: Rates

    def billing(self, request: Request) -> Billing | None:
        """The amount in the card's currency; None where the merchant's is the card's, or the card has none.

        LookupError: nobody quotes a rate for the pair.
        """
        issued = request.issued
        if issued is None or issued.currency is None or issued.currency.number == request.currency:
            return None
        day = datetime.fromtimestamp(request.received_at, UTC).date()
        quote = self.rates.on(day, request.currency, issued.currency.number)
        if quote is None:
            raise LookupError("no rate for this pair of currencies")
        paid = Amount(request.amount, currency_numbered(request.currency))
        return Billing(convert(paid, issued.currency, quote.rate), quote, day)

    def host_of(self, request: Request) -> str | None:
        """The acquirer's own host, where one must be asked: not about what comes from that acquirer itself."""
        merchant = request.merchant
        if merchant is None or request.participant.laboratory or merchant.acquirer == request.participant.id:
            return None
        return host_name(merchant.acquirer) if self.participants[merchant.acquirer].host is not None else None

    @property
    def uses_tls(self) -> bool:
        """Whether the switch needs a certificate."""
        return bool(self.network.tls_ports) or any(one.tls and one.dial for one in self.participants.values())


def configure(directory: Path | None = None) -> Configuration:
    """Read a network's files; NetworkError lists every problem of every file."""
    problems: list[str] = []

    def read(what: Callable[[], T], otherwise: T) -> T:
        try:
            return what()
        except NetworkError as error:
            problems.extend(error.problems)
            return otherwise

    nobody: Mapping[str, Participant] = {}
    no_products: list[Issued] = []
    no_merchants: Mapping[str, Merchant] = {}
    network = read(lambda: load(directory), Network("", "", {}))
    participants = read(lambda: load_participants(directory), nobody)
    issued = read(lambda: load_products(toml_files(directory, "products")), no_products)
    merchants = read(lambda: load_merchants(source(directory, "merchants.toml")), no_merchants)
    rates = read(lambda: load_rates(source(directory, "rates.toml")), Rates(()))
    if not problems:
        problems += contradictions(network, participants, {one.issuer for one in issued}, merchants)
    if problems:
        raise NetworkError(problems)
    return Configuration(network, {**participants, **hosts_of(participants)}, Routes(issued), merchants, rates)


def hosts_of(participants: Mapping[str, Participant]) -> Mapping[str, Participant]:
    """The acquirers' own hosts, each a peer of its own: it hears requests as an issuer does, and has more time."""
    return {host_name(one.id): host_of(one) for one in participants.values() if one.host is not None}


def host_name(acquirer: str) -> str:
    """Nobody's id in an agreement has a dot."""
    return f"{acquirer}.host"


def host_of(acquirer: Participant) -> Participant:
    """The host's side of the acquirer's agreement."""
    agreed = {
        "id": host_name(acquirer.id),
        "roles": frozenset({Role.HOST}),
        "dial": acquirer.host,
        "host": None,
        "keys": Keys(zpk=acquirer.keys.terminal_zpk or acquirer.keys.zpk),
        "deadlines": acquirer.deadlines.model_copy(update={"issuer_s": acquirer.deadlines.acquirer_s}),
    }
    return acquirer.model_copy(update=agreed)


def contradictions(
    network: Network, participants: Mapping[str, Participant], issuers: set[str], merchants: Mapping[str, Merchant]
) -> list[str]:
    """What no single file shows: names that lead nowhere."""
    problems = [
        f"products: issuer {name!r} is not a participant that issues"
        for name in sorted(issuers)
        if name not in participants or not participants[name].has(Role.ISSUER)
    ]
    problems += [
        f"merchants.toml: {merchant.id}: acquirer {merchant.acquirer!r} is not a participant that acquires"
        for merchant in merchants.values()
        if merchant.acquirer not in participants or not participants[merchant.acquirer].has(Role.ACQUIRER)
    ]
    for listener in network.listeners:
        for name in (listener.participant, *listener.may_identify):
            if name is not None and name not in participants:
                problems.append(f"network.toml: listeners.{listener.port}: there is no participant {name!r}")
    problems += [
        f"participants: {name!r} cannot be anybody's id: it names a certificate of the network's own"
        for name in sorted(RESERVED & participants.keys())
    ]
    for participant in participants.values():
        for port in (*participant.dialled, participant.host):
            if port is not None:
                try:
                    network.address(port)
                except NetworkError as error:
                    problems += error.problems
    return problems
