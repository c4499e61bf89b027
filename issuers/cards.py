"""The list of test cards: what a person or a test needs to use them, and what each is for. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from issuers.bank import Bank, CardFile, Sample

Entry = dict[str, str | None]


def card_list(banks: Iterable[Bank]) -> list[Entry]:
    """All cards of the banks, with their numbers in clear: they are nobody's."""
    return [entry for bank in banks for entry in (*_issued(bank), *_samples(bank))]


def _issued(bank: Bank) -> Iterator[Entry]:
    for card in bank.cards:
        yield _entry(bank, card, card.product, card.pin, card.state.value, card.limit)


def _samples(bank: Bank) -> Iterator[Entry]:
    for sample in bank.samples:
        yield _entry(bank, sample, bank.id, None, "active", None)


def _entry(bank: Bank, card: CardFile | Sample, product: str, pin: str | None, state: str, limit: str | None) -> Entry:
    return {
        "pan": card.pan,
        "product": product,
        "expiry": card.expiry,
        "pin": pin,
        "state": state,
        "limit": limit,
        "note": card.note,
        "issuer": bank.id,
    }
