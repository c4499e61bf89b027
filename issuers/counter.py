"""The counter of a running bank: actions made true at once, views of the books as they are.

Every method of `Counter` is complete when it returns: decided, recorded, and seen by the next payment. It is
synchronous, because nothing may come between looking and acting; it waits for the disk and nothing else, except
`number`, which may ask the HSM for the three digits. `wait_for_news` waits until something was recorded.

`COMMANDS` names what the admin socket offers: a word, and the keyword arguments of the method.
"""

from __future__ import annotations

import inspect
import secrets
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from pydantic import ValidationError

from issuers import proofs, teller
from issuers.book import CardState, Effect
from issuers.host import Host
from issuers.script import Script
from issuers.teller import BANK, Holder, Line, TellerRefusedError
from protocols.money import Amount
from protocols.pan import Pan
from protocols.runtime.hsm_client import HsmDown


class Counter:
    """One bank's counter, for one holder or (no name) for the bank itself."""

    def __init__(self, host: Host, holder: str | None = None) -> None:
        self.host = host
        self.holder = BANK if holder is None else Holder(holder)

    # Seeing

    def holders(self) -> list[str]:
        """Who has accounts here."""
        return sorted({one.holder for one in self.host.store.accounts.values() if one.holder})

    def accounts(self) -> list[Line]:
        return teller.accounts_seen(self.host.store, self.holder)

    def cards(self) -> list[Line]:
        return teller.cards_seen(self.host.store, self.host.bank, self.holder, self.host.moment())

    def statement(self, most: int = teller.STATEMENT_MOST) -> list[Line]:
        return teller.statement(self.host.store, self.holder, most)

    def entries(self, account: str, most: int = teller.STATEMENT_MOST) -> list[Line]:
        return teller.entries(self.host.store, self.holder, account, most)

    def events(self, most: int = teller.STATEMENT_MOST) -> list[Line]:
        return teller.events(self.host.store, self.holder, most)

    async def wait_for_news(self) -> None:
        """Until something was recorded; then look."""
        await self.host.news.wait()

    # Acting

    def transfer(self, source: str, target: str, amount: str, text: str = "") -> None:
        self._act(teller.transfer, source, target, self._minor(amount, source), text)

    def pay_card(self, card: str, source: str, amount: str) -> None:
        self._act(teller.pay_card, self._token(card), source, self._minor(amount, source))

    def set_limit(self, card: str, limit: str) -> None:
        token = self._token(card)
        held = self.host.store.cards.get(token)
        offered = self.host.bank.products[held.product].limits_offered if held else ()
        allowed = tuple(map(self.host.bank.minor, offered))
        self._act(teller.set_limit, token, self._minor(limit), allowed)

    def freeze(self, card: str) -> None:
        self._act(teller.freeze, self._token(card))

    def unfreeze(self, card: str) -> None:
        self._act(teller.unfreeze, self._token(card))

    def set_state(self, card: str, state: str) -> None:
        try:
            wanted = CardState(state)
        except ValueError:
            raise TellerRefusedError("state.unknown", f"One of: {', '.join(CardState)}.") from None
        self._act(teller.set_state, self._token(card), wanted)

    def cancel_hold(self, payment: str) -> None:
        self._act(teller.cancel_hold, payment, key=payment)

    def dispute(self, payment: str, reason: str) -> None:
        self._act(teller.dispute, payment, reason, key=payment)

    async def number(self, card: str, merchant: str = "", amount: str | None = None) -> Line:
        """A new one-time number, in clear, this once: `pan`, `expiry`, `cvv2` (None where the bank has no CVK)."""
        token, host = self._token(card), self.host
        held = teller.card_of(host.store.book(), self.holder, token)
        product = host.bank.products[held.product]
        pan = self._fresh(product.prefix)
        cvv2 = await self._cvv2(pan, held.expiry)
        most = None if amount is None else self._minor(amount)
        made = (pan, host.store.tokens.of(pan), held.expiry, merchant, most)
        self._act(teller.new_number, token, *made)
        return {"pan": pan.clear(), "expiry": held.expiry, "cvv2": cvv2, "token": host.store.tokens.of(pan)}

    def end_number(self, token: str) -> None:
        self._act(teller.end_number, token)

    def _fresh(self, prefix: str) -> Pan:
        while True:
            pan = teller.drawn_number(prefix, f"{secrets.randbelow(10**15):015d}")
            token = self.host.store.tokens.of(pan)
            if token not in self.host.store.cards and token not in self.host.store.virtuals:
                return pan

    async def _cvv2(self, pan: Pan, expiry: str) -> str | None:
        key, hsm = self.host.bank.keys.cvk, self.host.hsm
        if key is None or hsm is None:
            return None
        fields = {"cvk": key, "pan": pan.clear(), "expiry": expiry, "service_code": proofs.CVV2_SERVICE_CODE}
        try:
            answer = await hsm.ask("CW", **fields)
        except HsmDown:
            raise TellerRefusedError("hsm.down", "The bank cannot make a number just now.") from None
        return answer.fields["cvv"] if answer.done else None

    # The bank's time, and testers' scripts

    def close_day(self) -> Line:
        self._only_the_bank()
        self.host.act(None, teller.close_day)
        ended = self.host.sweep()
        return {"day": self.host.moment().day, "holds_expired": ended}

    def close_cycle(self) -> Line:
        self._only_the_bank()
        self.host.act(None, teller.close_cycle)
        return {"cycle": self.host.moment().cycle("month")}

    def sweep(self) -> Line:
        self._only_the_bank()
        return {"holds_expired": self.host.sweep()}

    def script(self, doing: str, **wanted: Any) -> Line:
        """Add one; its number."""
        self._only_the_bank()
        try:
            script = Script.model_validate({"do": doing, **wanted})
        except ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
            raise TellerRefusedError("script.wrong", wrong) from None
        return {"number": self.host.playbook.add(script)}

    def scripts(self) -> list[Line]:
        self._only_the_bank()
        return [{"number": number, **script.shown()} for number, script in self.host.playbook.all().items()]

    def script_remove(self, number: int) -> Line:
        self._only_the_bank()
        return {"removed": self.host.playbook.remove(number)}

    def script_clear(self) -> Line:
        self._only_the_bank()
        return {"removed": self.host.playbook.clear()}

    # How

    def _act(self, decide: Callable[..., tuple[Effect, ...]], *arguments: Any, key: str | None = None) -> None:
        def with_holder(book: Any, moment: Any) -> tuple[Effect, ...]:
            return decide(book, moment, self.holder, *arguments)

        self.host.act(key, with_holder)

    def _only_the_bank(self) -> None:
        if self.holder.name is not None:
            raise TellerRefusedError("bank.only", "Only the bank can do this.")

    def _minor(self, amount: str, account: str | None = None) -> int:
        """An amount as people write it, in the currency of the account or the bank."""
        known = self.host.store.accounts.get(account or "")
        try:
            return Amount.parse(amount, known.currency if known else self.host.bank.currency or "").minor
        except ValueError:
            raise TellerRefusedError("amount.wrong", "This is not an amount.") from None

    def _token(self, card: str) -> str:
        """A card by its token, or, for testers, by its whole number."""
        return self.host.store.tokens.of(Pan(card)) if card.isdigit() and 12 <= len(card) <= 19 else card


COMMANDS: Final = (
    "holders",
    "accounts",
    "cards",
    "statement",
    "entries",
    "events",
    "transfer",
    "pay_card",
    "set_limit",
    "freeze",
    "unfreeze",
    "set_state",
    "cancel_hold",
    "dispute",
    "number",
    "end_number",
    "close_day",
    "close_cycle",
    "sweep",
    "script",
    "scripts",
    "script_remove",
    "script_clear",
)


def command(host: Host, word: str, holder: str | None, arguments: Mapping[str, Any]) -> Callable[[], Any]:
    """What a word means; TellerRefusedError where it means nothing."""
    if word not in COMMANDS:
        raise TellerRefusedError("command.unknown", f"There is no command {word!r}; there are {', '.join(COMMANDS)}.")
    method = getattr(Counter(host, holder), word)
    takes = inspect.signature(method)
    try:
        takes.bind(**arguments)
    except TypeError:
        names = (name if one.default is one.empty else f"[{name}]" for name, one in takes.parameters.items())
        raise TellerRefusedError("request.wrong", f"{word} takes {', '.join(names) or 'nothing'}.") from None
    return partial(method, **arguments)
