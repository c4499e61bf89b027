"""Where a card number leads: the longest prefix wins.

Pure lookup over what the products declare. The cost does not grow with the number of
prefixes: one dictionary look for each *length* of prefix in use.
"""

from __future__ import annotations

from collections.abc import Iterable

from switch.product import Issued


class Routes:
    """Prefix -> product and issuer."""

    __slots__ = ("_by_prefix", "_lengths", "longest")

    def __init__(self, issued: Iterable[Issued]) -> None:
        self._by_prefix = {one.prefix: one for one in issued}
        self._lengths = sorted({len(prefix) for prefix in self._by_prefix}, reverse=True)
        self.longest = max(self._lengths, default=0)  # no route looks at more digits than these

    def all(self) -> Iterable[Issued]:
        """Every prefix, with what it carries."""
        return self._by_prefix.values()

    def find(self, card_number: str) -> Issued | None:
        """The product that the number carries, or None: nobody here issues it."""
        for length in self._lengths:
            if (found := self._by_prefix.get(card_number[:length])) is not None:
                return found
        return None
