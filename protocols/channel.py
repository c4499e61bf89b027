"""Which way a card number reached the shop: over the internet, by telephone, on a terminal, at a cash machine.

One pure function over what the message claims. Whether a card may be used that
way is the product's business.

The message is a set of claims, and a shop chooses what it claims; so the claim that
is hardest to make by mistake wins, from the most physical to the least:

1. Cash (processing code 01) or a cash machine's merchant type is `ATM`, whatever else is said.
2. A card that was read (chip, stripe, contactless, fallback) was there: `POS`, even when
   the message also says "internet" or "telephone".
3. "Customer present, card not present" (DE 25 = 05) is a number keyed in at a shop: `KEYED`.
4. Mail or telephone order (DE 25 = 08) is `MOTO`, even with an e-commerce entry mode.
5. Only then e-commerce, and only where it is *stated*: DE 25 = 59, entry mode 81, or a
   stored credential (entry mode 10) with an e-commerce indicator.
6. A stored credential without that is `RECURRING`: the shop charged a number it keeps and
   nobody stood at a till or typed into a page. ISO 8583:1987 has no condition code for it
   (DE 25 = 04 is a cash register), so the entry mode is the only claim there is.
7. A number that was keyed in, and nothing more, is `KEYED`.
8. What states nothing is `POS`. Silence is never e-commerce.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from protocols import codes


class Channel(StrEnum):
    ECOMMERCE = "ecommerce"
    MOTO = "moto"  # mail or telephone order
    RECURRING = "recurring"
    POS = "pos"  # the card was there
    ATM = "atm"
    KEYED = "keyed"  # typed in at a shop's terminal

    @property
    def refusal_slug(self) -> str:
        """What DE 44 says when a product does not allow this channel; typing is done in a shop.

        >>> Channel.KEYED.refusal_slug, Channel.MOTO.refusal_slug
        ('channel.pos', 'channel.moto')
        """
        return "channel.pos" if self is Channel.KEYED else f"channel.{self.value}"


CASH_MACHINE: Final = "6011"  # merchant type: automated cash disbursement

# DE 22, its first two digits: how the card number came in.
KEY_ENTRY: Final = "01"
STORED_CREDENTIAL: Final = "10"
ELECTRONIC_COMMERCE: Final = "81"
CARD_READ: Final[Mapping[str, str]] = {
    "02": "magnetic stripe",
    "03": "bar code",
    "04": "optical character reader",
    "05": "chip",
    "07": "contactless chip",
    "80": "chip fallback to magnetic stripe",
    "90": "magnetic stripe, read whole",
    "91": "contactless magnetic stripe",
    "95": "chip, card verification may be unreliable",
}

CONTACTLESS: Final = frozenset({"07", "91"})  # of those: by a tap

# DE 25: the circumstances.
UNATTENDED_TERMINAL: Final = "02"
CARD_NOT_PRESENT: Final = "05"  # the customer is
MAIL_OR_TELEPHONE: Final = "08"
ELECTRONIC_COMMERCE_REQUEST: Final = "59"

# DE 48.42 of this network: authenticated, attempted, not authenticated, and in clear. The lower
# values are telephone and recurring orders in the schemes' lists, and state no such thing.
E_COMMERCE_INDICATORS: Final = frozenset({"05", "06", "07", "08"})
TELEPHONE_INDICATORS: Final = frozenset({"01", "04"})


def channel_of(
    processing_code: str | None,
    merchant_type: str | None,
    pos_entry_mode: str | None,
    pos_condition_code: str | None,
    eci: str | None,
    *,
    card_was_read: bool = False,
) -> Channel:
    """The channel that DE 3, 18, 22, 25 and the indicator in DE 48.42 add up to.

    An element that is not there is None. `card_was_read` is for a caller that can see
    track or chip data in the message, which no internet shop has.

    >>> channel_of("000000", "5732", "812", "59", None).value
    'ecommerce'
    >>> channel_of("000000", "5411", "012", "00", None).value
    'keyed'
    >>> channel_of("010000", "5732", "812", "59", "05").value
    'atm'
    """
    entry, condition = (pos_entry_mode or "")[:2], pos_condition_code
    if (processing_code or "")[:2] == codes.CASH or merchant_type == CASH_MACHINE:
        return Channel.ATM
    if card_was_read or entry in CARD_READ or condition == UNATTENDED_TERMINAL:
        return Channel.POS
    return _BY_CONDITION.get(condition or "") or _of_entry(entry, _indicator(eci))


_BY_CONDITION: Final[Mapping[str, Channel]] = {
    CARD_NOT_PRESENT: Channel.KEYED,
    MAIL_OR_TELEPHONE: Channel.MOTO,
    ELECTRONIC_COMMERCE_REQUEST: Channel.ECOMMERCE,
}


def _of_entry(entry: str, indicator: str) -> Channel:
    """What the entry mode says where the condition code says nothing."""
    if entry == STORED_CREDENTIAL:
        return _of_stored_credential(indicator)
    return _BY_ENTRY.get(entry, Channel.POS)


_BY_ENTRY: Final[Mapping[str, Channel]] = {
    ELECTRONIC_COMMERCE: Channel.ECOMMERCE,
    KEY_ENTRY: Channel.KEYED,
}


def _of_stored_credential(indicator: str) -> Channel:
    if indicator in E_COMMERCE_INDICATORS:
        return Channel.ECOMMERCE
    return Channel.MOTO if indicator in TELEPHONE_INDICATORS else Channel.RECURRING


def _indicator(eci: str | None) -> str:
    """Some gateways write the indicator with one digit.

    >>> _indicator("5"), _indicator(" 07"), _indicator(None)
    ('05', '07', '00')
    """
    return (eci or "").strip().rjust(2, "0")
