"""What an API key may do. Pure; who asks for which is in the table of endpoints."""

from __future__ import annotations

from enum import StrEnum


class Scope(StrEnum):
    READ = "payments:read"
    WRITE = "payments:write"  # register, finalize, pay by token, capture, reverse
    REFUND = "payments:refund"  # money out of the shop: a key of its own for whoever packs the parcels
    TOKENS = "tokens"
    WEBHOOKS = "webhooks"
    KEYS = "keys"  # make and revoke API keys
