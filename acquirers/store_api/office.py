"""The office: the desk with the keys, webhooks and answers of the shops beside it.

What needs no switch: who may come in, which answer a repeated request gets, who is told of news. Secrets
are told once and kept as digests (API keys) or sealed (webhooks). Calls are one synchronous stretch each.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from acquirers.store_api.desk import Desk
from acquirers.store_api.models import ApiKey, NewKey, NewWebhook, Webhook
from acquirers.store_api.payment import operation_of
from acquirers.store_api.problem import Problem
from acquirers.store_api.scope import Scope
from acquirers.store_api.settings import TestKey
from acquirers.store_api.verdict import judge

WEBHOOKS_MAX = 16  # of one shop
KEYS_MAX = 64
ANSWERS_LAST_S = 7 * 86400.0  # whoever repeats a request after a week means another one


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose API key it is, and what it may do."""

    merchant: str
    scopes: frozenset[Scope]


@dataclass(frozen=True, slots=True)
class Given:
    """The answer that an Idempotency-Key has got; `status` None: it is being worked on."""

    digest: str
    status: int | None
    body: str | None


class Office:
    """One gateway's shops."""

    def __init__(
        self, desk: Desk, keys: Iterable[TestKey], utc: Callable[[], datetime], new_id: Callable[[str], str]
    ) -> None:
        self.desk, self.books = desk, desk.books
        self._utc, self._new_id = utc, new_id
        self._test_keys = {
            _digest(key.test_key.get_secret_value()): Caller(key.merchant, frozenset(key.scopes)) for key in keys
        }

    # --- who may come in

    def caller(self, authorization: str) -> Caller:
        """Who has this key; the problem `key.missing` when nobody has."""
        scheme, _, key = authorization.partition(" ")
        if scheme.lower() != "bearer" or not key:
            raise Problem("key.missing")
        digest = _digest(key.strip())
        if (found := self._test_keys.get(digest)) is not None:
            return found
        row = self.books.row("SELECT merchant, document FROM api_keys WHERE digest = ?", digest)
        if row is None or row[0] not in self.desk.house.merchants:
            raise Problem("key.missing")
        return Caller(row[0], frozenset(ApiKey.model_validate_json(row[1]).scopes))

    def make_key(self, merchant: str, new: NewKey, scopes: frozenset[Scope]) -> ApiKey:
        """A key that may do no more than its maker."""
        if not set(new.scopes) <= scopes:
            raise Problem("key.scope", "A key cannot give what it has not got.")
        if len(self.keys(merchant)) >= KEYS_MAX:
            raise Problem("too.many")
        secret = f"sk_{secrets.token_hex(24)}"
        key = ApiKey(id=self._new_id("key"), scopes=tuple(dict.fromkeys(new.scopes)), label=new.label)
        self.books.rows(
            "INSERT INTO api_keys VALUES (?, ?, ?, ?)", key.id, merchant, _digest(secret), key.model_dump_json()
        )
        return key.model_copy(update={"secret": secret})

    def keys(self, merchant: str) -> list[ApiKey]:
        found = self.books.rows("SELECT document FROM api_keys WHERE merchant = ? ORDER BY rowid", merchant)
        return [ApiKey.model_validate_json(document) for (document,) in found]

    def revoke(self, merchant: str, id_: str) -> None:
        self._delete("api_keys", merchant, id_)

    # --- who is told

    def make_webhook(self, merchant: str, new: NewWebhook) -> Webhook:
        """An address, and a secret to sign with."""
        if len(self.webhooks(merchant)) >= WEBHOOKS_MAX:
            raise Problem("too.many")
        webhook = Webhook(id=self._new_id("whk"), url=new.url, events=tuple(dict.fromkeys(new.events)))
        secret = f"whsec_{secrets.token_hex(24)}"
        sealed = self.desk.vault.seal(secret.encode(), webhook.id)
        self.books.rows(
            "INSERT INTO webhooks VALUES (?, ?, ?, ?)", webhook.id, merchant, sealed, webhook.model_dump_json()
        )
        return webhook.model_copy(update={"secret": secret})

    def webhooks(self, merchant: str) -> list[Webhook]:
        found = self.books.rows("SELECT document FROM webhooks WHERE merchant = ? ORDER BY rowid", merchant)
        return [self._counted(Webhook.model_validate_json(document)) for (document,) in found]

    def _counted(self, webhook: Webhook) -> Webhook:
        counts = self.books.row("SELECT count(due), count(*) FROM deliveries WHERE webhook = ?", webhook.id) or (0, 0)
        return webhook.model_copy(update={"waiting": counts[0], "given_up": counts[1] - counts[0]})

    def remove_webhook(self, merchant: str, id_: str) -> None:
        with self.books.together():
            self._delete("webhooks", merchant, id_)
            self.books.rows("DELETE FROM deliveries WHERE webhook = ?", id_)

    def _delete(self, table: str, merchant: str, id_: str) -> None:
        if not self.books.rows(f"DELETE FROM {table} WHERE id = ? AND merchant = ? RETURNING id", id_, merchant):
            raise Problem("not.found")

    # --- answers that are given again

    def given(self, merchant: str, key: str) -> Given | None:
        row = self.books.row("SELECT digest, status, body FROM answers WHERE merchant = ? AND key = ?", merchant, key)
        return Given(*row) if row else None

    def take_up(self, merchant: str, key: str, digest: str) -> None:
        """This request is being worked on."""
        now = self._utc().timestamp()
        self.books.rows("INSERT INTO answers VALUES (?, ?, ?, NULL, NULL, ?)", merchant, key, digest, now)

    def give(self, merchant: str, key: str, status: int, body: str) -> None:
        """And this is its answer, for as long as answers are kept."""
        self.books.rows(
            "UPDATE answers SET status = ?, body = ? WHERE merchant = ? AND key = ?", status, body, merchant, key
        )

    def let_go(self, merchant: str, key: str) -> None:
        """Nothing happened: the key may be used again."""
        self.books.rows("DELETE FROM answers WHERE merchant = ? AND key = ? AND status IS NULL", merchant, key)

    def resume(self) -> None:
        """Answer what an earlier life was working on, from what it has left behind; forget what is old."""
        self.books.rows("DELETE FROM answers WHERE at < ?", self._utc().timestamp() - ANSWERS_LAST_S)
        for merchant, key in self.books.rows("SELECT merchant, key FROM answers WHERE status IS NULL"):
            self.resume_one(merchant, key)

    def resume_one(self, merchant: str, key: str) -> None:
        """Answer one from what is in the books; where nothing is, nothing happened."""
        given = self.given(merchant, key)
        if given is None or given.status is not None:
            return
        sent = next(iter(self.books.messages_keyed(merchant, key)), None)
        kept = self.books.payment(sent.payment) if sent else self.books.payment_keyed(merchant, key)
        if kept is None:
            self.let_go(merchant, key)
            return
        operation = operation_of(kept.payment, sent.id) if sent else None
        try:
            judge(kept.payment, operation)
        except Problem as problem:
            self.give(merchant, key, problem.kind.status, json.dumps(problem.document()))
        else:
            status = 201 if kept.key == key else 200
            self.give(merchant, key, status, kept.payment.model_dump_json(exclude_none=True))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def same(one: str, other: str) -> bool:
    """Whether two digests are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(one, other)
