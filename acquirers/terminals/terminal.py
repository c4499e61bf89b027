"""What a terminal decides: how the card was read, how its holder is verified, and what of that the request says.

Pure. An order, a card and a way of reading it in; the elements of a request out (DE 14, 22, 23, 35, 52, 54, 55, 48.93),
and the PINs that the acquirer must still bring under its zone's key (`key_room`). What is bought where, and what the
network makes of it, is `transaction`'s and the switch's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from acquirers.merchant import Merchant
from acquirers.terminals.card import Card
from acquirers.terminals.settings import TerminalFile
from acquirers.transaction import Request, Stamp
from protocols import additional_amounts, tlv
from protocols import elements as de
from protocols.money import Amount

INSERT, TAP, SWIPE, TYPE, FALLBACK = "insert", "tap", "swipe", "type", "fallback"
ENTRY_MODES: Final[Mapping[str, str]] = {INSERT: "05", TAP: "07", SWIPE: "90", FALLBACK: "80", TYPE: "01"}
CHIP_READ: Final = frozenset({INSERT, TAP})
CHIP_SERVICE_CODES: Final = ("2", "6")  # the first digit of a stripe's service code: there is a chip, use it

#: DE 22, its third digit: whether a PIN can be entered.
PIN_ENTRY: Final = {True: "1", False: "2"}

#: How the holder was verified: the CVM results (9F34: method, condition, result) and bits of the third byte of the
#: terminal verification results. EMV book 3, C3 and C5; book 4, A4.
BY_PIN, BY_SIGNATURE, BY_NOTHING, FAILED = "pin", "signature", "none", "failed"
METHODS: Final[Mapping[str, tuple[str, int]]] = {
    BY_PIN: ("020300", 0x04),
    BY_SIGNATURE: ("1E0300", 0x00),
    BY_NOTHING: ("1F0302", 0x00),
    FAILED: ("3F0001", 0x80),
}
PAD_MISSING, PIN_BYPASSED = 0x10, 0x08
OFFLINE_AUTHENTICATION_NOT_DONE, ABOVE_FLOOR_LIMIT = 0x80, 0x80  # of the first and of the fourth byte

TERMINAL_TYPES: Final = {"shop": "21", "atm": "14"}  # attended, online only; a bank's, unattended, online only
CAPABILITIES: Final = {"shop": "E06800", "atm": "604000"}  # reads; verifies by online PIN (and signature, nothing)
COUNTRIES: Final = {"AE": "0784", "KW": "0414"}  # ISO 3166, as 9F1A has it
ELSEWHERE: Final = "0000"


class UnreadableCardError(ValueError):
    """The card cannot be read that way here; the text says what to do instead."""


@dataclass(frozen=True, slots=True)
class Verification:
    """How the holder is to be verified, and what that leaves in the results."""

    method: str
    bits: int = 0

    @property
    def results(self) -> str:
        return METHODS[self.method][0]

    @property
    def verification_results(self) -> str:
        """Tag 95."""
        third = METHODS[self.method][1] | self.bits
        return bytes((OFFLINE_AUTHENTICATION_NOT_DONE, 0, third, ABOVE_FLOOR_LIMIT, 0)).hex().upper()


@dataclass(frozen=True, slots=True)
class Presented:
    """A card, how it is read, and what its holder does at the pad."""

    card: Card
    how: str
    pin: str | None = field(default=None, repr=False)
    new_pin: str | None = field(default=None, repr=False)
    cash: Amount | None = None  # of a purchase with cash back


def must_be_readable(terminal: TerminalFile, presented: Presented) -> None:
    """UnreadableCardError where this terminal does not take the card this way."""
    card, how = presented.card, presented.how
    if (SWIPE if how == FALLBACK else how) not in terminal.reads:
        raise UnreadableCardError(f"{terminal.id} cannot {how} a card; it can {', '.join(sorted(terminal.reads))}")
    if how == TAP and not card.issued.is_contactless:
        raise UnreadableCardError("this card is not contactless: insert it")
    if how in CHIP_READ and card.chip_is_broken:
        raise UnreadableCardError("the chip does not answer: fall back to the stripe")
    has_chip = card.issued.service_code[0] in CHIP_SERVICE_CODES
    if how == SWIPE and has_chip and INSERT in terminal.reads:
        raise UnreadableCardError("this card has a chip: insert it (fallback, where the chip cannot be read)")


def verification(terminal: TerminalFile, presented: Presented, amount: Amount, merchant: Merchant) -> Verification:
    """The first method of the card's list that this place and this holder can do."""
    has_pad = terminal.pin != "none"
    if terminal.kind == "atm":
        return Verification(BY_PIN) if presented.pin is not None else Verification(FAILED, PIN_BYPASSED)
    if presented.how == TAP and not is_above(terminal.tap_without_pin, amount, merchant):
        return Verification(BY_NOTHING)
    bits = 0
    for method in presented.card.issued.verifies:
        if method != BY_PIN:
            return Verification(method, bits)
        if has_pad and presented.pin is not None:
            return Verification(BY_PIN)
        bits |= PIN_BYPASSED if has_pad else PAD_MISSING
    return Verification(FAILED, bits)


def wants_pin(terminal: TerminalFile, presented: Presented, amount: Amount, merchant: Merchant) -> bool:
    """Whether the pad asks for the PIN, should the holder have one."""
    would = replace(presented, pin="0000") if presented.pin is None else presented
    return terminal.pin != "none" and verification(terminal, would, amount, merchant).method == BY_PIN


def is_above(limit: str, amount: Amount, merchant: Merchant) -> bool:
    """Whether an amount is above a limit in the merchant's first currency; another currency always is."""
    most = Amount.parse(limit, merchant.currencies[0])
    return amount.currency.code != most.currency.code or amount.minor > most.minor


def elements(
    terminal: TerminalFile, presented: Presented, request: Request, stamp: Stamp, merchant: Merchant, nonce: bytes
) -> dict[int, str]:
    """What the way of reading adds to a request. `nonce`: four unpredictable bytes, for the chip."""
    card, how = presented.card, presented.how
    found = {de.EXPIRY: card.expiry, de.POS_ENTRY_MODE: ENTRY_MODES[how] + PIN_ENTRY[terminal.pin != "none"]}
    if presented.cash is not None:
        found[de.ADDITIONAL_AMOUNTS] = additional_amounts.AdditionalAmount(
            "00", additional_amounts.CASH_BACK, presented.cash.currency.number, -presented.cash.minor
        ).text
    if how in (SWIPE, FALLBACK):
        found[de.TRACK_2] = card.stripe()
    if how in CHIP_READ:
        found[de.TRACK_2] = card.chip_track().replace("D", "=")
        found[de.CARD_SEQUENCE] = card.issued.sequence.rjust(3, "0")
        found[de.ICC_DATA] = icc_data(terminal, presented, request, stamp, merchant, nonce)
    return found


def icc_data(
    terminal: TerminalFile, presented: Presented, request: Request, stamp: Stamp, merchant: Merchant, nonce: bytes
) -> str:
    """DE 55: what the terminal told the chip, and what the chip said to it."""
    amount = Amount.parse("0", merchant.currencies[0])
    minor = int(request.values[de.AMOUNT])
    paid = replace(amount, minor=minor)
    how = verification(terminal, presented, paid, merchant)
    told = {
        "9F02": f"{minor:012d}",
        "9F03": f"{presented.cash.minor if presented.cash else 0:012d}",
        "9F1A": COUNTRIES.get(merchant.country, ELSEWHERE),
        "95": how.verification_results,
        "5F2A": request.values[de.CURRENCY].rjust(4, "0"),
        "9A": f"{merchant.local(stamp.at):%y%m%d}",
        "9C": request.values[de.PROCESSING_CODE][:2],
        "9F37": nonce.hex().upper(),
    }
    own = {
        "9F33": CAPABILITIES[terminal.kind],
        "9F34": how.results,
        "9F35": TERMINAL_TYPES[terminal.kind],
        "9F41": stamp.stan.rjust(8, "0"),
    }
    said = {**told, **own, **presented.card.sign(told)}
    return tlv.pack(tlv.Tlv(tag, bytes.fromhex(value)) for tag, value in said.items()).hex().upper()
