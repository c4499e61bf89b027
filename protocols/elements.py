"""The data dictionary of ISO 8583:1987: number, name, format and sensitivity of every element.

Numbers live here and nowhere else; other files use the names. How an element is
spelled in bytes belongs to a dialect; what it means to a product, a story or an
account belongs to them. `shown` is the one gate through which a value reaches a
person, and what the dictionary does not know does not pass it.

The titles, formats and lengths are those of ISO 8583:1987 (table of data elements);
where the standard leaves room (DE 54, 55) they follow pyiso8583's `specs.default`,
so that a tester's first client fits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from protocols import subelements
from protocols.errors import LocalProtocolError
from protocols.pan import masked

SECRET_MARK: Final = "[secret]"


class Kind(StrEnum):
    """What characters an element is made of."""

    N = "n"  # ASCII digits
    A = "a"  # letters
    AN = "an"  # letters and digits
    ANS = "ans"  # letters, digits, special characters
    B = "b"  # bytes; in the internal form their upper-case hex
    Z = "z"  # track data: digits, separator
    XN = "x+n"  # a sign (C or D), then digits


class Sensitivity(StrEnum):
    """Who may see an element, and whether it may be written down."""

    OPEN = "open"  # shown and journaled
    CARD = "card"  # shown masked; journaled only sealed
    PARTLY = "partly"  # shown and journaled without its secret subelements
    SECRET = "secret"  # never shown, never journaled


@dataclass(frozen=True, slots=True)
class Element:
    """One row of the dictionary.

    `length` is the fixed or the greatest length, in characters (bytes for kind B);
    `prefix` the number of length digits before the value: 0 fixed, 2 LL, 3 LLL.
    """

    number: int
    name: str
    title: str
    kind: Kind
    length: int
    prefix: int
    sensitivity: Sensitivity

    @property
    def is_fixed(self) -> bool:
        return self.prefix == 0


SECONDARY_BITMAP: Final = 1
PAN: Final = 2
PROCESSING_CODE: Final = 3
AMOUNT: Final = 4
SETTLEMENT_AMOUNT: Final = 5
BILLING_AMOUNT: Final = 6
TRANSMITTED_AT: Final = 7
BILLING_FEE: Final = 8
SETTLEMENT_RATE: Final = 9
BILLING_RATE: Final = 10
STAN: Final = 11
LOCAL_TIME: Final = 12
LOCAL_DATE: Final = 13
EXPIRY: Final = 14
SETTLEMENT_DATE: Final = 15
CONVERSION_DATE: Final = 16
CAPTURE_DATE: Final = 17
MERCHANT_TYPE: Final = 18
ACQUIRER_COUNTRY: Final = 19
PAN_COUNTRY: Final = 20
FORWARDER_COUNTRY: Final = 21
POS_ENTRY_MODE: Final = 22
CARD_SEQUENCE: Final = 23
NETWORK_ID: Final = 24
POS_CONDITION_CODE: Final = 25
PIN_CAPTURE_CODE: Final = 26
APPROVAL_CODE_LENGTH: Final = 27
TRANSACTION_FEE: Final = 28
SETTLEMENT_FEE: Final = 29
PROCESSING_FEE: Final = 30
SETTLEMENT_PROCESSING_FEE: Final = 31
ACQUIRER_ID: Final = 32
FORWARDER_ID: Final = 33
EXTENDED_PAN: Final = 34
TRACK_2: Final = 35
TRACK_3: Final = 36
RRN: Final = 37
APPROVAL_CODE: Final = 38
RESPONSE_CODE: Final = 39
SERVICE_RESTRICTION_CODE: Final = 40
TERMINAL_ID: Final = 41
CARD_ACCEPTOR_ID: Final = 42
CARD_ACCEPTOR_NAME: Final = 43
REASON: Final = 44
TRACK_1: Final = 45
ADDITIONAL_ISO: Final = 46
ADDITIONAL_NATIONAL: Final = 47
PRIVATE_DATA: Final = 48
CURRENCY: Final = 49
SETTLEMENT_CURRENCY: Final = 50
BILLING_CURRENCY: Final = 51
PIN_BLOCK: Final = 52
SECURITY_CONTROL: Final = 53
ADDITIONAL_AMOUNTS: Final = 54
ICC_DATA: Final = 55
RESERVED_56: Final = 56
RESERVED_57: Final = 57
RESERVED_58: Final = 58
RESERVED_59: Final = 59
RESERVED_60: Final = 60
RESERVED_61: Final = 61
RESERVED_62: Final = 62
RESERVED_63: Final = 63
MAC: Final = 64
EXTENDED_BITMAP: Final = 65
SETTLEMENT_CODE: Final = 66
EXTENDED_PAYMENT_CODE: Final = 67
RECEIVER_COUNTRY: Final = 68
SETTLEMENT_COUNTRY: Final = 69
NETWORK_MANAGEMENT_CODE: Final = 70
MESSAGE_NUMBER: Final = 71
LAST_MESSAGE_NUMBER: Final = 72
ACTION_DATE: Final = 73
CREDITS_NUMBER: Final = 74
CREDITS_REVERSAL_NUMBER: Final = 75
DEBITS_NUMBER: Final = 76
DEBITS_REVERSAL_NUMBER: Final = 77
TRANSFER_NUMBER: Final = 78
TRANSFER_REVERSAL_NUMBER: Final = 79
INQUIRIES_NUMBER: Final = 80
AUTHORIZATIONS_NUMBER: Final = 81
CREDITS_PROCESSING_FEE: Final = 82
CREDITS_TRANSACTION_FEE: Final = 83
DEBITS_PROCESSING_FEE: Final = 84
DEBITS_TRANSACTION_FEE: Final = 85
CREDITS_AMOUNT: Final = 86
CREDITS_REVERSAL_AMOUNT: Final = 87
DEBITS_AMOUNT: Final = 88
DEBITS_REVERSAL_AMOUNT: Final = 89
ORIGINAL: Final = 90
FILE_UPDATE_CODE: Final = 91
FILE_SECURITY_CODE: Final = 92
RESPONSE_INDICATOR: Final = 93
SERVICE_INDICATOR: Final = 94
REPLACEMENT_AMOUNTS: Final = 95
MESSAGE_SECURITY_CODE: Final = 96
NET_SETTLEMENT_AMOUNT: Final = 97
PAYEE: Final = 98
SETTLEMENT_INSTITUTION_ID: Final = 99
RECEIVER_ID: Final = 100
FILE_NAME: Final = 101
FROM_ACCOUNT: Final = 102
TO_ACCOUNT: Final = 103
TRANSACTION_DESCRIPTION: Final = 104
RESERVED_105: Final = 105
RESERVED_106: Final = 106
RESERVED_107: Final = 107
RESERVED_108: Final = 108
RESERVED_109: Final = 109
RESERVED_110: Final = 110
RESERVED_111: Final = 111
RESERVED_112: Final = 112
RESERVED_113: Final = 113
RESERVED_114: Final = 114
RESERVED_115: Final = 115
RESERVED_116: Final = 116
RESERVED_117: Final = 117
RESERVED_118: Final = 118
RESERVED_119: Final = 119
RESERVED_120: Final = 120
RESERVED_121: Final = 121
RESERVED_122: Final = 122
RESERVED_123: Final = 123
RESERVED_124: Final = 124
RESERVED_125: Final = 125
RESERVED_126: Final = 126
RESERVED_127: Final = 127
MAC_2: Final = 128

# (number, name, title, kind, length, prefix, sensitivity)
_ROWS: Final = (
    (SECONDARY_BITMAP, "secondary_bitmap", "Bitmap, secondary", Kind.B, 8, 0, Sensitivity.OPEN),
    (PAN, "pan", "Primary account number", Kind.N, 19, 2, Sensitivity.CARD),
    (PROCESSING_CODE, "processing_code", "Processing code", Kind.N, 6, 0, Sensitivity.OPEN),
    (AMOUNT, "amount", "Amount, transaction", Kind.N, 12, 0, Sensitivity.OPEN),
    (SETTLEMENT_AMOUNT, "settlement_amount", "Amount, settlement", Kind.N, 12, 0, Sensitivity.OPEN),
    (BILLING_AMOUNT, "billing_amount", "Amount, cardholder billing", Kind.N, 12, 0, Sensitivity.OPEN),
    (TRANSMITTED_AT, "transmitted_at", "Transmission date and time", Kind.N, 10, 0, Sensitivity.OPEN),
    (BILLING_FEE, "billing_fee", "Amount, cardholder billing fee", Kind.N, 8, 0, Sensitivity.OPEN),
    (SETTLEMENT_RATE, "settlement_rate", "Conversion rate, settlement", Kind.N, 8, 0, Sensitivity.OPEN),
    (BILLING_RATE, "billing_rate", "Conversion rate, cardholder billing", Kind.N, 8, 0, Sensitivity.OPEN),
    (STAN, "stan", "System trace audit number", Kind.N, 6, 0, Sensitivity.OPEN),
    (LOCAL_TIME, "local_time", "Time, local transaction", Kind.N, 6, 0, Sensitivity.OPEN),
    (LOCAL_DATE, "local_date", "Date, local transaction", Kind.N, 4, 0, Sensitivity.OPEN),
    (EXPIRY, "expiry", "Date, expiration", Kind.N, 4, 0, Sensitivity.OPEN),
    (SETTLEMENT_DATE, "settlement_date", "Date, settlement", Kind.N, 4, 0, Sensitivity.OPEN),
    (CONVERSION_DATE, "conversion_date", "Date, conversion", Kind.N, 4, 0, Sensitivity.OPEN),
    (CAPTURE_DATE, "capture_date", "Date, capture", Kind.N, 4, 0, Sensitivity.OPEN),
    (MERCHANT_TYPE, "merchant_type", "Merchant type", Kind.N, 4, 0, Sensitivity.OPEN),
    (ACQUIRER_COUNTRY, "acquirer_country", "Acquiring institution country code", Kind.N, 3, 0, Sensitivity.OPEN),
    (PAN_COUNTRY, "pan_country", "Primary account number country code", Kind.N, 3, 0, Sensitivity.OPEN),
    (FORWARDER_COUNTRY, "forwarder_country", "Forwarding institution country code", Kind.N, 3, 0, Sensitivity.OPEN),
    (POS_ENTRY_MODE, "pos_entry_mode", "Point of service entry mode", Kind.N, 3, 0, Sensitivity.OPEN),
    (CARD_SEQUENCE, "card_sequence", "Card sequence number", Kind.N, 3, 0, Sensitivity.OPEN),
    (NETWORK_ID, "network_id", "Network international identifier", Kind.N, 3, 0, Sensitivity.OPEN),
    (POS_CONDITION_CODE, "pos_condition_code", "Point of service condition code", Kind.N, 2, 0, Sensitivity.OPEN),
    (PIN_CAPTURE_CODE, "pin_capture_code", "Point of service PIN capture code", Kind.N, 2, 0, Sensitivity.OPEN),
    (
        APPROVAL_CODE_LENGTH,
        "approval_code_length",
        "Authorization identification response length",
        Kind.N,
        1,
        0,
        Sensitivity.OPEN,
    ),
    (TRANSACTION_FEE, "transaction_fee", "Amount, transaction fee", Kind.XN, 9, 0, Sensitivity.OPEN),
    (SETTLEMENT_FEE, "settlement_fee", "Amount, settlement fee", Kind.XN, 9, 0, Sensitivity.OPEN),
    (PROCESSING_FEE, "processing_fee", "Amount, transaction processing fee", Kind.XN, 9, 0, Sensitivity.OPEN),
    (
        SETTLEMENT_PROCESSING_FEE,
        "settlement_processing_fee",
        "Amount, settlement processing fee",
        Kind.XN,
        9,
        0,
        Sensitivity.OPEN,
    ),
    (ACQUIRER_ID, "acquirer_id", "Acquiring institution identification code", Kind.N, 11, 2, Sensitivity.OPEN),
    (FORWARDER_ID, "forwarder_id", "Forwarding institution identification code", Kind.N, 11, 2, Sensitivity.OPEN),
    (EXTENDED_PAN, "extended_pan", "Primary account number, extended", Kind.ANS, 28, 2, Sensitivity.CARD),
    (TRACK_2, "track_2", "Track 2 data", Kind.Z, 37, 2, Sensitivity.SECRET),
    (TRACK_3, "track_3", "Track 3 data", Kind.Z, 104, 3, Sensitivity.SECRET),
    (RRN, "rrn", "Retrieval reference number", Kind.AN, 12, 0, Sensitivity.OPEN),
    (APPROVAL_CODE, "approval_code", "Authorization identification response", Kind.AN, 6, 0, Sensitivity.OPEN),
    (RESPONSE_CODE, "response_code", "Response code", Kind.AN, 2, 0, Sensitivity.OPEN),
    (SERVICE_RESTRICTION_CODE, "service_restriction_code", "Service restriction code", Kind.AN, 3, 0, Sensitivity.OPEN),
    (TERMINAL_ID, "terminal_id", "Card acceptor terminal identification", Kind.ANS, 8, 0, Sensitivity.OPEN),
    (CARD_ACCEPTOR_ID, "card_acceptor_id", "Card acceptor identification code", Kind.ANS, 15, 0, Sensitivity.OPEN),
    (CARD_ACCEPTOR_NAME, "card_acceptor_name", "Card acceptor name and location", Kind.ANS, 40, 0, Sensitivity.OPEN),
    (REASON, "reason", "Additional response data", Kind.ANS, 25, 2, Sensitivity.OPEN),
    (TRACK_1, "track_1", "Track 1 data", Kind.ANS, 76, 2, Sensitivity.SECRET),
    (ADDITIONAL_ISO, "additional_iso", "Additional data, ISO", Kind.ANS, 999, 3, Sensitivity.SECRET),
    (ADDITIONAL_NATIONAL, "additional_national", "Additional data, national", Kind.ANS, 999, 3, Sensitivity.SECRET),
    (PRIVATE_DATA, "private_data", "Additional data, private", Kind.ANS, 999, 3, Sensitivity.PARTLY),
    (CURRENCY, "currency", "Currency code, transaction", Kind.N, 3, 0, Sensitivity.OPEN),
    (SETTLEMENT_CURRENCY, "settlement_currency", "Currency code, settlement", Kind.N, 3, 0, Sensitivity.OPEN),
    (BILLING_CURRENCY, "billing_currency", "Currency code, cardholder billing", Kind.N, 3, 0, Sensitivity.OPEN),
    (PIN_BLOCK, "pin_block", "Personal identification number data", Kind.B, 8, 0, Sensitivity.SECRET),
    (SECURITY_CONTROL, "security_control", "Security related control information", Kind.N, 16, 0, Sensitivity.OPEN),
    (ADDITIONAL_AMOUNTS, "additional_amounts", "Additional amounts", Kind.AN, 240, 3, Sensitivity.OPEN),
    (ICC_DATA, "icc_data", "Integrated circuit card data", Kind.B, 255, 3, Sensitivity.SECRET),
    (RESERVED_56, "reserved_56", "Reserved, ISO", Kind.ANS, 999, 3, Sensitivity.SECRET),
    (RESERVED_57, "reserved_57", "Reserved, national", Kind.ANS, 999, 3, Sensitivity.SECRET),
    (RESERVED_58, "reserved_58", "Reserved, national", Kind.ANS, 999, 3, Sensitivity.SECRET),
    (RESERVED_59, "reserved_59", "Reserved, national", Kind.ANS, 999, 3, Sensitivity.SECRET),
    (RESERVED_60, "reserved_60", "Reserved, national", Kind.ANS, 999, 3, Sensitivity.SECRET),
    (RESERVED_61, "reserved_61", "Reserved, private", Kind.ANS, 999, 3, Sensitivity.SECRET),
    (RESERVED_62, "reserved_62", "Reserved, private", Kind.ANS, 999, 3, Sensitivity.SECRET),
    (RESERVED_63, "reserved_63", "Reserved, private", Kind.ANS, 999, 3, Sensitivity.SECRET),
    (MAC, "mac", "Message authentication code", Kind.B, 8, 0, Sensitivity.OPEN),
    (EXTENDED_BITMAP, "extended_bitmap", "Bitmap, extended", Kind.B, 8, 0, Sensitivity.OPEN),
    (SETTLEMENT_CODE, "settlement_code", "Settlement code", Kind.N, 1, 0, Sensitivity.OPEN),
    (EXTENDED_PAYMENT_CODE, "extended_payment_code", "Extended payment code", Kind.N, 2, 0, Sensitivity.OPEN),
    (RECEIVER_COUNTRY, "receiver_country", "Receiving institution country code", Kind.N, 3, 0, Sensitivity.OPEN),
    (SETTLEMENT_COUNTRY, "settlement_country", "Settlement institution country code", Kind.N, 3, 0, Sensitivity.OPEN),
    (
        NETWORK_MANAGEMENT_CODE,
        "network_management_code",
        "Network management information code",
        Kind.N,
        3,
        0,
        Sensitivity.OPEN,
    ),
    (MESSAGE_NUMBER, "message_number", "Message number", Kind.N, 4, 0, Sensitivity.OPEN),
    (LAST_MESSAGE_NUMBER, "last_message_number", "Message number, last", Kind.N, 4, 0, Sensitivity.OPEN),
    (ACTION_DATE, "action_date", "Date, action", Kind.N, 6, 0, Sensitivity.OPEN),
    (CREDITS_NUMBER, "credits_number", "Credits, number", Kind.N, 10, 0, Sensitivity.OPEN),
    (CREDITS_REVERSAL_NUMBER, "credits_reversal_number", "Credits, reversal number", Kind.N, 10, 0, Sensitivity.OPEN),
    (DEBITS_NUMBER, "debits_number", "Debits, number", Kind.N, 10, 0, Sensitivity.OPEN),
    (DEBITS_REVERSAL_NUMBER, "debits_reversal_number", "Debits, reversal number", Kind.N, 10, 0, Sensitivity.OPEN),
    (TRANSFER_NUMBER, "transfer_number", "Transfer, number", Kind.N, 10, 0, Sensitivity.OPEN),
    (
        TRANSFER_REVERSAL_NUMBER,
        "transfer_reversal_number",
        "Transfer, reversal number",
        Kind.N,
        10,
        0,
        Sensitivity.OPEN,
    ),
    (INQUIRIES_NUMBER, "inquiries_number", "Inquiries, number", Kind.N, 10, 0, Sensitivity.OPEN),
    (AUTHORIZATIONS_NUMBER, "authorizations_number", "Authorizations, number", Kind.N, 10, 0, Sensitivity.OPEN),
    (
        CREDITS_PROCESSING_FEE,
        "credits_processing_fee",
        "Credits, processing fee amount",
        Kind.N,
        12,
        0,
        Sensitivity.OPEN,
    ),
    (
        CREDITS_TRANSACTION_FEE,
        "credits_transaction_fee",
        "Credits, transaction fee amount",
        Kind.N,
        12,
        0,
        Sensitivity.OPEN,
    ),
    (DEBITS_PROCESSING_FEE, "debits_processing_fee", "Debits, processing fee amount", Kind.N, 12, 0, Sensitivity.OPEN),
    (
        DEBITS_TRANSACTION_FEE,
        "debits_transaction_fee",
        "Debits, transaction fee amount",
        Kind.N,
        12,
        0,
        Sensitivity.OPEN,
    ),
    (CREDITS_AMOUNT, "credits_amount", "Credits, amount", Kind.N, 16, 0, Sensitivity.OPEN),
    (CREDITS_REVERSAL_AMOUNT, "credits_reversal_amount", "Credits, reversal amount", Kind.N, 16, 0, Sensitivity.OPEN),
    (DEBITS_AMOUNT, "debits_amount", "Debits, amount", Kind.N, 16, 0, Sensitivity.OPEN),
    (DEBITS_REVERSAL_AMOUNT, "debits_reversal_amount", "Debits, reversal amount", Kind.N, 16, 0, Sensitivity.OPEN),
    (ORIGINAL, "original", "Original data elements", Kind.N, 42, 0, Sensitivity.OPEN),
    (FILE_UPDATE_CODE, "file_update_code", "File update code", Kind.AN, 1, 0, Sensitivity.OPEN),
    (FILE_SECURITY_CODE, "file_security_code", "File security code", Kind.AN, 2, 0, Sensitivity.OPEN),
    (RESPONSE_INDICATOR, "response_indicator", "Response indicator", Kind.N, 5, 0, Sensitivity.OPEN),
    (SERVICE_INDICATOR, "service_indicator", "Service indicator", Kind.AN, 7, 0, Sensitivity.OPEN),
    (REPLACEMENT_AMOUNTS, "replacement_amounts", "Replacement amounts", Kind.AN, 42, 0, Sensitivity.OPEN),
    (MESSAGE_SECURITY_CODE, "message_security_code", "Message security code", Kind.B, 8, 0, Sensitivity.SECRET),
    (NET_SETTLEMENT_AMOUNT, "net_settlement_amount", "Amount, net settlement", Kind.XN, 17, 0, Sensitivity.OPEN),
    (PAYEE, "payee", "Payee", Kind.ANS, 25, 0, Sensitivity.OPEN),
    (
        SETTLEMENT_INSTITUTION_ID,
        "settlement_institution_id",
        "Settlement institution identification code",
        Kind.N,
        11,
        2,
        Sensitivity.OPEN,
    ),
    (RECEIVER_ID, "receiver_id", "Receiving institution identification code", Kind.N, 11, 2, Sensitivity.OPEN),
    (FILE_NAME, "file_name", "File name", Kind.ANS, 17, 2, Sensitivity.OPEN),
    (FROM_ACCOUNT, "from_account", "Account identification 1", Kind.ANS, 28, 2, Sensitivity.CARD),
    (TO_ACCOUNT, "to_account", "Account identification 2", Kind.ANS, 28, 2, Sensitivity.CARD),
    (
        TRANSACTION_DESCRIPTION,
        "transaction_description",
        "Transaction description",
        Kind.ANS,
        100,
        3,
        Sensitivity.SECRET,
    ),
    (RESERVED_105, "reserved_105", "Reserved, ISO", Kind.ANS, 999, 3, Sensitivity.SECRET),
    (RESERVED_106, "reserved_106", "Reserved, ISO", Kind.ANS, 999, 3, Sensitivity.SECRET),
    (RESERVED_107, "reserved_107", "Reserved, ISO", Kind.ANS, 999, 3, Sensitivity.SECRET),
    (RESERVED_108, "reserved_108", "Reserved, ISO", Kind.ANS, 999, 3, Sensitivity.SECRET),
    (RESERVED_109, "reserved_109", "Reserved, ISO", Kind.ANS, 999, 3, Sensitivity.SECRET),
    (RESERVED_110, "reserved_110", "Reserved, ISO", Kind.ANS, 999, 3, Sensitivity.SECRET),
    (RESERVED_111, "reserved_111", "Reserved, ISO", Kind.ANS, 999, 3, Sensitivity.SECRET),
    (RESERVED_112, "reserved_112", "Reserved, national", Kind.ANS, 999, 3, Sensitivity.SECRET),
    (RESERVED_113, "reserved_113", "Reserved, national", Kind.ANS, 999, 3, Sensitivity.SECRET),
    (RESERVED_114, "reserved_114", "Reserved, national", Kind.ANS, 999, 3, Sensitivity.SECRET),
    (RESERVED_115, "reserved_115", "Reserved, national", Kind.ANS, 999, 3, Sensitivity.SECRET),
    (RESERVED_116, "reserved_116", "Reserved, national", Kind.ANS, 999, 3, Sensitivity.SECRET),
    (RESERVED_117, "reserved_117", "Reserved, national", Kind.ANS, 999, 3, Sensitivity.SECRET),
    (RESERVED_118, "reserved_118", "Reserved, national", Kind.ANS, 999, 3, Sensitivity.SECRET),
    (RESERVED_119, "reserved_119", "Reserved, national", Kind.ANS, 999, 3, Sensitivity.SECRET),
    (RESERVED_120, "reserved_120", "Reserved, private", Kind.ANS, 999, 3, Sensitivity.SECRET),
    (RESERVED_121, "reserved_121", "Reserved, private", Kind.ANS, 999, 3, Sensitivity.SECRET),
    (RESERVED_122, "reserved_122", "Reserved, private", Kind.ANS, 999, 3, Sensitivity.SECRET),
    (RESERVED_123, "reserved_123", "Reserved, private", Kind.ANS, 999, 3, Sensitivity.SECRET),
    (RESERVED_124, "reserved_124", "Reserved, private", Kind.ANS, 999, 3, Sensitivity.SECRET),
    (RESERVED_125, "reserved_125", "Reserved, private", Kind.ANS, 999, 3, Sensitivity.SECRET),
    (RESERVED_126, "reserved_126", "Reserved, private", Kind.ANS, 999, 3, Sensitivity.SECRET),
    (RESERVED_127, "reserved_127", "Reserved, private", Kind.ANS, 999, 3, Sensitivity.SECRET),
    (MAC_2, "mac_2", "Message authentication code, secondary", Kind.B, 8, 0, Sensitivity.OPEN),
)

ELEMENTS: Final[Mapping[int, Element]] = MappingProxyType({row[0]: Element(*row) for row in _ROWS})

_BY_NAME: Final = {element.name: element for element in ELEMENTS.values()}


def element_named(name: str) -> Element:
    """The element that other files know by this name.

    >>> element_named("pan").number
    2
    """
    try:
        return _BY_NAME[name]
    except KeyError:
        raise LocalProtocolError(f"no data element is called {name!r}") from None


def shown(number: int, value: str, dictionary: Mapping[int, Element] = ELEMENTS) -> str:
    """What a person may see of an element; of an unknown one, nothing.

    >>> shown(PAN, "9414100000000017"), shown(PIN_BLOCK, "0123456789ABCDEF"), shown(129, "?")
    ('941410******0017', '[secret]', '[secret]')
    >>> shown(CARD_ACCEPTOR_NAME, "Gulf Mart" + chr(27) + "[2J")
    'Gulf Mart\\\\x1b[2J'
    """
    element = dictionary.get(number)
    if element is None:
        return SECRET_MARK
    return printable(_SHOWN[element.sensitivity](value))


def printable(text: str) -> str:
    """The text with everything that could steer a terminal or forge a log line escaped."""
    if text.isascii() and text.isprintable():
        return text
    return text.encode("unicode_escape").decode("ascii")


_SHOWN: Final[Mapping[Sensitivity, Callable[[str], str]]] = {
    Sensitivity.OPEN: str,
    Sensitivity.CARD: masked,
    Sensitivity.PARTLY: subelements.shown,
    Sensitivity.SECRET: lambda _value: SECRET_MARK,
}
