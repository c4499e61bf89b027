"""What the network's answers say: DE 39, the reason in DE 44, reversal reasons, DE 70 and DE 3.

One table of reasons. Each has a slug for machines (DE 44, at most 25 characters),
the response code it travels with (DE 39), a sentence for people, and whether sending
the same again later can help. *When* a reason applies is for the rule, product or
account that gives it. No rule compares a spelled code: published lists disagree, and a
dialect spells DE 39 its own way (`spelled`, `understood`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from protocols.elements import ELEMENTS
from protocols.errors import FormatError, LocalProtocolError
from protocols.pan import is_digits

APPROVED: Final = "00"
PARTIALLY_APPROVED: Final = "10"
SLUG_MAX: Final = 25  # DE 44 is ans ..25


# Approvals of ISO 8583:1987 that this network does not use: honour with identification, approved
# (VIP), approved and update track 3, no reason to decline. Whoever sends one may have moved money.
_FOREIGN_APPROVALS: Final = frozenset({"08", "11", "16", "85"})


def is_approval(response_code: str | None) -> bool:
    """Whether the issuer let money move: in full (00) or in part (10).

    >>> is_approval("00"), is_approval("10"), is_approval("51"), is_approval(None)
    (True, True, False, False)
    """
    return response_code in (APPROVED, PARTIALLY_APPROVED)


def is_decline(response_code: str | None) -> bool:
    """Whether the issuer surely let no money move.

    What is neither an approval nor a decline is no outcome at all: the request is in doubt.

    >>> is_decline("51"), is_decline("N7"), is_decline("00"), is_decline("11"), is_decline("zz"), is_decline(None)
    (True, True, False, False, False, False)
    """
    if response_code is None or len(response_code) != 2 or not set(response_code) <= _RESPONSE_ALPHABET:
        return False
    return not is_approval(response_code) and response_code not in _FOREIGN_APPROVALS


_RESPONSE_ALPHABET: Final = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")


# DE 39 as ISO 8583:1987 and its users name it; N7 is the schemes' own.
RESPONSE_TITLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "00": "Approved",
        "01": "Refer to card issuer",
        "03": "Invalid merchant",
        "04": "Pick up card",
        "05": "Do not honour",
        "06": "Error",
        "10": "Approved for a partial amount",
        "12": "Invalid transaction",
        "13": "Invalid amount",
        "14": "Invalid card number",
        "15": "No such issuer",
        "17": "Customer cancellation",
        "22": "Suspected malfunction",
        "25": "Unable to locate the original",
        "30": "Format error",
        "32": "Completed partially",
        "41": "Lost card",
        "43": "Stolen card",
        "51": "Not sufficient funds",
        "54": "Expired card",
        "55": "Incorrect PIN",
        "57": "Transaction not permitted to cardholder",
        "58": "Transaction not permitted to terminal",
        "59": "Suspected fraud",
        "61": "Exceeds amount limit",
        "62": "Restricted card",
        "63": "Security violation",
        "65": "Exceeds frequency limit",
        "68": "Response received too late",
        "75": "Allowable number of PIN tries exceeded",
        "91": "Issuer or switch is inoperative",
        "92": "Destination cannot be found for routing",
        "94": "Duplicate transmission",
        "95": "Reconciliation error",
        "96": "System malfunction",
        "N7": "Card verification code mismatch",
    }
)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an answer is not a plain approval.

    `retry` is about sending the very same request again a little later, with
    nothing corrected: only trouble in the network passes by itself.
    """

    slug: str
    response_code: str
    title: str
    retry: bool = False


AGAIN: Final = True

# In the order of the refusals: format, link, duplicate, card number, issuer, product,
# merchant and terminal, then what only the issuer can know, then trouble in the network.
_TABLE: Final = (
    Reason("format.mti", "30", "The message type could not be read."),
    Reason("format.bitmap", "30", "The list of what the message holds (its bitmap) could not be read."),
    Reason("format.frame", "30", "The message is longer or shorter than what it says it holds."),
    Reason("pan.differs", "30", "The card number and the card's track or chip do not say the same."),
    Reason("link.not_signed_on", "58", "This participant has not signed on to the network."),
    Reason("key.refused", "63", "The new key was refused: it is not new, or its check value is wrong."),
    Reason("mac.invalid", "63", "The message was changed on its way, or not sealed by its sender."),
    Reason("duplicate.differs", "94", "This message number was used before, for another payment."),
    Reason("duplicate.old", "94", "This payment was made so long ago that its answer is no longer kept."),
    Reason("reversed.first", "94", "This payment was cancelled before it arrived; nothing was taken."),
    Reason("totals.differ", "95", "The totals are not those of the network."),
    Reason("reversed.undelivered", "68", "The approval could not be delivered in time, so the payment was cancelled."),
    Reason("pan.luhn", "14", "The card number is mistyped: its check digit is wrong."),
    Reason("issuer.unknown", "15", "No bank in this network issues cards with this number."),
    Reason("channel.ecommerce", "57", "This card cannot be used on the internet."),
    Reason("channel.moto", "57", "This card cannot be used by mail or telephone."),
    Reason("channel.recurring", "57", "This card cannot be used for recurring payments."),
    Reason("channel.pos", "57", "This card cannot be used in a shop."),
    Reason("channel.atm", "57", "This card cannot be used at a cash machine."),
    Reason("type.purchase", "57", "This card cannot be used for purchases."),
    Reason("type.cash", "57", "This card cannot be used to draw cash."),
    Reason("type.cash_back", "57", "This card cannot be used for cash with a purchase."),
    Reason("type.funding", "57", "This card cannot be used to fund an account."),
    Reason("type.refund", "57", "This card cannot take refunds."),
    Reason("type.credit", "57", "This card cannot receive money from others."),
    Reason("type.deposit", "57", "This card cannot be used for deposits."),
    Reason("type.balance", "57", "This card cannot be asked for its balance."),
    Reason("type.verification", "57", "This card cannot be verified without a payment."),
    Reason("type.transfer", "57", "This card cannot be used for transfers."),
    Reason("type.bill_payment", "57", "This card cannot be used to pay bills."),
    Reason("type.pin_change", "57", "The PIN of this card cannot be changed here."),
    Reason("pin.missing", "57", "This card needs its PIN here."),
    Reason("merchant.unknown", "03", "This shop is not known to the network."),
    Reason("terminal.not_allowed", "58", "This terminal may not do this."),
    Reason("type.unknown", "12", "The network does not know this kind of transaction."),
    Reason("management.unknown", "12", "The network does not know this network management code."),
    Reason("currency.unknown", "12", "No such currency."),
    Reason("rate.none", "12", "Nobody exchanges this currency into the card's."),
    Reason("currency.differs", "12", "The currency is not that of the original payment."),
    Reason("amount.zero", "13", "The amount is zero."),
    Reason("amount.too_large", "13", "The amount is larger than the network can book."),
    Reason("cash_back.above_amount", "13", "The cash is more than the whole amount."),
    Reason("amount.above_original", "13", "The amount is larger than that of the original payment."),
    Reason("original.unknown", "25", "The original payment could not be found."),
    Reason("original.reversed", "12", "The original payment was cancelled."),
    Reason("original.completed", "12", "The reserved amount has been taken already."),
    Reason("original.expired", "12", "The reserved amount has expired."),
    Reason("capture.above_hold", "61", "The amount is larger than what was reserved."),
    Reason("card.unknown", "14", "The bank has not issued a card with this number."),
    Reason("card.expired", "54", "The card has expired."),
    Reason("expiry.differs", "54", "The expiry date is not that of the card."),
    Reason("card.lost", "41", "The card was reported lost."),
    Reason("card.stolen", "43", "The card was reported stolen."),
    Reason("card.blocked", "62", "The card is blocked."),
    Reason("card.frozen", "62", "The cardholder has frozen the card."),
    Reason("virtual.used", "62", "This number was for one payment, and that has been made."),
    Reason("virtual.merchant", "57", "This number was made for another shop."),
    Reason("card.pick_up", "04", "The bank asks to keep the card."),
    Reason("account.unknown", "14", "The bank has no such account."),
    Reason("pin.wrong", "55", "The PIN is wrong."),
    Reason("pin.tries", "75", "The PIN was wrong too often."),
    Reason("cvv.mismatch", "63", "The card's magnetic stripe is not genuine."),
    Reason("icvv.mismatch", "63", "The card's chip data are not genuine."),
    Reason("arqc.mismatch", "63", "The card's chip did not make this cryptogram."),
    Reason("cavv.mismatch", "63", "The cardholder's authentication is not genuine."),
    Reason("cavv.replayed", "63", "This authentication of the cardholder was used before."),
    Reason("cavv.differs", "63", "The cardholder was authenticated for another payment."),
    Reason("chip.differs", "63", "The card's chip has signed another amount."),
    Reason("chip.results", "63", "The terminal could not verify the card or its holder."),
    Reason("fallback.refused", "57", "This card's chip must be read, not its stripe."),
    Reason("cvv.missing", "63", "This payment must bring the code of the card's magnetic stripe."),
    Reason("icvv.missing", "63", "This payment must bring the code of the card's chip."),
    Reason("arqc.missing", "63", "This payment must bring a cryptogram of the card's chip."),
    Reason("cavv.missing", "63", "The cardholder must be authenticated for this payment."),
    Reason("cvv2.missing", "N7", "This payment must bring the three digits from the back of the card."),
    Reason("cvv2.mismatch", "N7", "The three digits from the back of the card are wrong."),
    Reason("funds", "51", "There is not enough money in the account."),
    Reason("limit.exceeded", "61", "The amount is above the card's limit."),
    Reason("overlimit.used", "61", "The amount is above the card's limit, and going over it was allowed only once."),
    Reason("count.exceeded", "65", "The card was used too often today."),
    Reason("velocity.exceeded", "65", "Too many attempts in a short time."),
    Reason("fraud.suspected", "59", "The bank suspects fraud."),
    Reason("refer.issuer", "01", "The bank wants to be called."),
    Reason("do.not.honour", "05", "The bank declined without saying why."),
    Reason("partial", "10", "Only a part of the amount was approved."),
    Reason("issuer.timeout", "91", "The bank did not answer in time.", AGAIN),
    Reason("issuer.down", "91", "The bank cannot be reached.", AGAIN),
    Reason("route.none", "92", "There is no way to this bank."),
    Reason("switch.error", "96", "The network had a fault of its own; nothing was taken.", AGAIN),
    Reason("switch.busy", "96", "The network is too busy; nothing was taken.", AGAIN),
    Reason("switch.stopping", "96", "The network is being stopped; nothing was taken.", AGAIN),
    Reason("stan.exhausted", "96", "Too many payments are waiting for this bank; nothing was taken.", AGAIN),
    Reason("hsm.down", "96", "The security module cannot be reached; nothing was taken.", AGAIN),
)

REASONS: Final[Mapping[str, Reason]] = MappingProxyType({reason.slug: reason for reason in _TABLE})

# Why a reversal is sent. The code goes into DE 39 of the 0400 or 0420.
_REVERSALS: Final = (
    Reason("reversal.customer", "17", "The customer changed their mind."),
    Reason("reversal.merchant", "17", "The shop cancelled the payment."),
    Reason("reversal.partial", "32", "Only a part was handed over."),
    Reason("reversal.timeout", "68", "The answer did not come in time; nobody knows what the bank did."),
    Reason("reversal.late", "68", "The approval came after the deadline."),
    Reason("reversal.undelivered", "68", "The approval could not be delivered."),
    Reason("reversal.restart", "22", "The switch was restarted while the request was out."),
    Reason("reversal.malfunction", "22", "The answer could not be used."),
)

REVERSAL_REASONS: Final[Mapping[str, Reason]] = MappingProxyType({reason.slug: reason for reason in _REVERSALS})

# What an issuer of another house means when it sends a bare response code.
_PLAIN: Final[Mapping[str, str]] = {
    "01": "refer.issuer",
    "03": "merchant.unknown",
    "04": "card.pick_up",
    "05": "do.not.honour",
    "10": "partial",
    "12": "type.unknown",
    "13": "amount.too_large",
    "14": "card.unknown",
    "15": "issuer.unknown",
    "25": "original.unknown",
    "41": "card.lost",
    "43": "card.stolen",
    "51": "funds",
    "54": "card.expired",
    "55": "pin.wrong",
    "58": "terminal.not_allowed",
    "59": "fraud.suspected",
    "61": "limit.exceeded",
    "62": "card.blocked",
    "63": "mac.invalid",
    "65": "count.exceeded",
    "68": "reversed.undelivered",
    "75": "pin.tries",
    "91": "issuer.down",
    "92": "route.none",
    "94": "duplicate.differs",
    "95": "totals.differ",
    "96": "switch.error",
    "N7": "cvv2.mismatch",
}


def reason(slug: str) -> Reason:
    """The reason behind a slug of ours; asking for one that does not exist is our mistake.

    >>> reason("overlimit.used").response_code
    '61'
    >>> reason("format.de4")
    Reason(slug='format.de4', response_code='30', title='The amount, transaction (data element 4) could not be read.', \
retry=False)
    >>> reason("merchant_type.6011").response_code
    '57'
    """
    found = known_reason(slug)
    if found is None:
        raise LocalProtocolError("no such reason in the table of codes")
    return found


@lru_cache(maxsize=1024)  # a bound, because a peer's DE 44 may come this way
def known_reason(slug: str) -> Reason | None:
    """The same for a slug that a peer sent: None when it is not one of the network's.

    >>> known_reason("call your bank") is None
    True
    """
    return REASONS.get(slug) or REVERSAL_REASONS.get(slug) or _of_family(slug)


def plain_reason(response_code: str) -> Reason:
    """The reason for a response code that came without one.

    >>> plain_reason("51").slug, plain_reason("R1")
    ('funds', Reason(slug='do.not.honour', response_code='R1', title='The bank declined without saying why.', \
retry=False))
    """
    found = REASONS[_PLAIN.get(response_code, "do.not.honour")]
    return found if found.response_code == response_code else Reason(found.slug, response_code, found.title)


def response_title(response_code: str) -> str:
    """
    >>> response_title("51"), response_title("Q1")
    ('Not sufficient funds', 'Declined')
    """
    return RESPONSE_TITLES.get(response_code, "Declined")


def _of_family(slug: str) -> Reason | None:
    """Families are named by a number: an element that is broken or missing, a merchant type refused."""
    family, _, member = slug.partition(".")
    if family in _ELEMENT_FAMILIES:
        return _of_element(slug, member, _ELEMENT_FAMILIES[family])
    if family == "merchant_type" and len(member) == 4 and is_digits(member):
        return Reason(slug, "57", f"This card cannot be used at shops of this kind (merchant type {member}).")
    return None


_ELEMENT_FAMILIES: Final[Mapping[str, str]] = {"format": "could not be read", "missing": "is missing"}


def _of_element(slug: str, member: str, trouble: str) -> Reason | None:
    element = _ELEMENTS_BY_SLUG.get(member)
    if element is None:
        return None
    title = ELEMENTS[element].title
    return Reason(slug, "30", f"The {title[0].lower()}{title[1:]} (data element {element}) {trouble}.")


_ELEMENTS_BY_SLUG: Final[Mapping[str, int]] = {f"de{number}": number for number in ELEMENTS}


# --- DE 70 ---------------------------------------------------------------------------------

SIGN_ON: Final = "001"
SIGN_OFF: Final = "002"
KEY_CHANGE: Final = "161"
CUT_OVER: Final = "201"
ECHO: Final = "301"

NETWORK_MANAGEMENT_TITLES: Final[Mapping[str, str]] = MappingProxyType(
    {SIGN_ON: "sign-on", SIGN_OFF: "sign-off", KEY_CHANGE: "key change", CUT_OVER: "cut-over", ECHO: "echo"}
)


# --- DE 3, its first two digits --------------------------------------------------------------

PURCHASE: Final = "00"
CASH: Final = "01"
CASH_BACK: Final = "09"
FUNDING: Final = "10"
REFUND: Final = "20"
CREDIT: Final = "26"
DEPOSIT: Final = "28"
BALANCE: Final = "31"
VERIFICATION: Final = "38"
TRANSFER: Final = "40"
BILL_PAYMENT: Final = "50"
PIN_CHANGE: Final = "92"

# Code to the word that products and slugs use: `type.cash`.
TRANSACTION_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        PURCHASE: "purchase",
        CASH: "cash",
        CASH_BACK: "cash_back",
        FUNDING: "funding",
        REFUND: "refund",
        CREDIT: "credit",
        DEPOSIT: "deposit",
        BALANCE: "balance",
        VERIFICATION: "verification",
        TRANSFER: "transfer",
        BILL_PAYMENT: "bill_payment",
        PIN_CHANGE: "pin_change",
    }
)


def transaction_type(processing_code: str) -> str | None:
    """The word for what DE 3 asks for, or None where the network has no such thing.

    >>> transaction_type("010000"), transaction_type("990000")
    ('cash', None)
    """
    return TRANSACTION_TYPES.get(processing_code[:2])


def type_refusal(processing_code: str) -> str:
    """The slug with which a product refuses this transaction type.

    >>> type_refusal("010000"), type_refusal("990000")
    ('type.cash', 'type.unknown')
    """
    return f"type.{transaction_type(processing_code) or 'unknown'}"


# --- Spellings of DE 39 ----------------------------------------------------------------------

# ISO 8583:1993 action codes for the network's own response codes. 00 is not among them: an
# action code also says what was accepted (see _ACCEPTED_1993).
_ACTION_CODES: Final[Mapping[str, str]] = {
    "01": "107",
    "03": "109",
    "04": "200",
    "05": "100",
    "10": "002",
    "12": "902",
    "13": "110",
    "14": "111",
    "15": "908",
    "25": "914",
    "30": "904",
    "41": "208",
    "43": "209",
    "51": "116",
    "54": "101",
    "55": "117",
    "57": "119",
    "58": "120",
    "59": "102",
    "61": "121",
    "62": "104",
    "63": "122",
    "65": "123",
    "68": "911",
    "75": "106",
    "91": "907",
    "92": "908",
    "94": "913",
    "95": "501",
    "96": "909",
    "N7": "122",
}

# 00 as the answer to something else than a purchase. An advice is acknowledged, not approved.
_ACCEPTED_1993: Final[Mapping[str, str]] = {
    "0130": "900",
    "0230": "900",
    "0410": "400",
    "0430": "400",
    "0510": "500",
    "0530": "500",
    "0610": "600",
    "0630": "600",
    "0810": "800",
}
_APPROVED_1993: Final = "000"
_DECLINED_1993: Final = "100"  # do not honour: an outcome with no spelling is never an approval

# Read back: one response code per action code. Where several were spelled alike, the commoner
# one; and the spellings we never send but may be sent. The approvals with a string attached
# (001, 003 …) are left out on purpose: they would have to be taken for a decline.
_RESPONSE_CODES: Final[Mapping[str, str]] = {
    **{action: code for code, action in _ACTION_CODES.items()},
    "000": APPROVED,
    "908": "92",
    "911": "91",
    "122": "63",
    "112": "57",
    "118": "14",
    "201": "54",
    "202": "59",
    "204": "62",
    "206": "75",
    "910": "91",
    "912": "91",
    "916": "63",
}


def spelled(response_code: str, version: str = "0", mti: str = "") -> str:
    """DE 39 as a dialect of this version writes it: two characters in 1987, an action code in 1993.

    `mti` is that of the message which carries it. Source: ISO 8583:1993, annex A (action
    codes). An outcome without an action code is spelled "do not honour", never as an approval.

    >>> spelled("51"), spelled("51", "1"), spelled("00", "1", "0110"), spelled("00", "1", "0430"), spelled("R1", "1")
    ('51', '116', '000', '400', '100')
    """
    if version != "1":
        return response_code
    if response_code == APPROVED:
        return _ACCEPTED_1993.get(mti, _APPROVED_1993)
    return _ACTION_CODES.get(response_code, _DECLINED_1993)


def understood(spelling: str, version: str = "0", mti: str = "") -> str:
    """The response code behind a spelling; FormatError (DE 39) where this version has no such code.

    "Accepted" counts only in an answer that can accept: 800 in an authorization answer is no approval.

    >>> understood("51"), understood("116", "1"), understood("800", "1", "0810")
    ('51', '51', '00')
    """
    if version != "1":
        return spelling
    if _accepts(spelling, mti):
        return APPROVED
    try:
        return _RESPONSE_CODES[spelling]
    except KeyError:
        raise FormatError.in_element(39, mti=mti or None) from None


def _accepts(spelling: str, mti: str) -> bool:
    """901 is 900 with liability accepted; to us both are an acknowledgement."""
    accepted = _ACCEPTED_1993.get(mti)
    return accepted is not None and ("900" if spelling == "901" else spelling) == accepted
