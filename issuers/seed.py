"""How a bank begins: the accounts and cards of its file, as effects on empty books.

The same file gives the same books every time. What is there already is left as it is, so a bank
that has been running only gains what its file has gained. Pure; PIN verification values are
missing at first, because only the HSM can make them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from issuers.accounts import Account, moved
from issuers.ask import Tokens
from issuers.bank import AccountFile, Bank, CardFile, Moment
from issuers.book import Book, Card, Effect
from issuers.decision import disputes_account, fee_account, network_account, opening_account, suspense_account
from protocols.pan import Pan


def seeds(bank: Bank, book: Book, tokens: Tokens, moment: Moment) -> tuple[Effect, ...]:
    """What the books still lack."""
    if bank.currency is None:
        return ()
    own = (line for code in _currencies(bank) for line in _own_accounts(code, book))
    return (*own, *_accounts(bank, book), *_cards(bank, book, tokens, moment))


def _currencies(bank: Bank) -> Iterable[str]:
    return dict.fromkeys(code for code in (bank.currency, *(one.currency for one in bank.accounts)) if code)


def _own_accounts(code: str, book: Book) -> Iterator[Effect]:
    for own in (network_account, opening_account, suspense_account, fee_account, disputes_account):
        name = own(code)
        if name not in book.ledger.accounts:
            yield Account(name, code, own=True)


def _accounts(bank: Bank, book: Book) -> Iterator[Effect]:
    for account in bank.accounts:
        if account.id not in book.ledger.accounts:
            yield from _opened(bank, account)


def _opened(bank: Bank, account: AccountFile) -> Iterator[Effect]:
    code = account.currency or bank.currency or ""
    yield Account(account.id, code, bank.minor(account.credit_limit, code), account.holder)
    if opening := bank.minor(account.opening, code):
        yield moved(f"opening/{account.id}", opening_account(code), account.id, opening, "opening balance")


def _cards(bank: Bank, book: Book, tokens: Tokens, moment: Moment) -> Iterator[Effect]:
    for card in bank.cards:
        pan = Pan(card.pan)
        token = tokens.of(pan)
        if token not in book.cards:
            yield _issued(bank, card, token, pan.masked, moment)


def _issued(bank: Bank, card: CardFile, token: str, masked: str, moment: Moment) -> Card:
    return Card(
        token,
        masked,
        card.product,
        card.account,
        card.expiry,
        card.state,
        limit=None if card.limit is None else bank.minor(card.limit),
        cycle=moment.cycle(bank.limits[card.product].cycle),
        spent=bank.minor(card.spent),
        overlimits=card.overlimits,
        day=moment.day,
    )
