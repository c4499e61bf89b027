"""The data dictionary of ISO 8583:1993, as far as it is not that of 1987.

The same numbers mean other things there: DE 39 is an action code of three digits, DE 22 a
data code of twelve positions, the original is DE 56. What an element of one version is in
the other belongs to the translation; here is what it is made of, and who may see it.
Titles, formats and lengths: ISO 8583:1993, table of data elements. Where the standard
reserves an element, its row of 1987 stands (so the lengths of DE 54 and DE 55 are as there).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from protocols.elements import ELEMENTS, Element, Kind, Sensitivity

_OPEN, _SECRET = Sensitivity.OPEN, Sensitivity.SECRET
_N, _AN, _ANS, _B = Kind.N, Kind.AN, Kind.ANS, Kind.B

_ROWS: Final = (
    (5, "reconciliation_amount", "Amount, reconciliation", _N, 12, 0, _OPEN),
    (9, "reconciliation_rate", "Conversion rate, reconciliation", _N, 8, 0, _OPEN),
    (12, "local_date_time", "Date and time, local transaction", _N, 12, 0, _OPEN),
    (13, "effective_date", "Date, effective", _N, 4, 0, _OPEN),
    (15, "settlement_date", "Date, settlement", _N, 6, 0, _OPEN),
    (22, "pos_data_code", "Point of service data code", _AN, 12, 0, _OPEN),
    (24, "function_code", "Function code", _N, 3, 0, _OPEN),
    (25, "message_reason_code", "Message reason code", _N, 4, 0, _OPEN),
    (26, "business_code", "Card acceptor business code", _N, 4, 0, _OPEN),
    (27, "approval_code_length", "Approval code length", _N, 1, 0, _OPEN),
    (28, "reconciliation_date", "Date, reconciliation", _N, 6, 0, _OPEN),
    (29, "reconciliation_indicator", "Reconciliation indicator", _N, 3, 0, _OPEN),
    (30, "original_amounts", "Amounts, original", _N, 24, 0, _OPEN),
    (31, "acquirer_reference", "Acquirer reference data", _ANS, 99, 2, _SECRET),
    (39, "action_code", "Action code", _N, 3, 0, _OPEN),
    (40, "service_code", "Service code", _N, 3, 0, _SECRET),  # it is part of what a track holds
    (43, "card_acceptor_name", "Card acceptor name and location", _ANS, 99, 2, _OPEN),
    (44, "reason", "Additional response data", _ANS, 99, 2, _OPEN),
    (46, "fee_amounts", "Amounts, fees", _ANS, 204, 3, _OPEN),
    (50, "reconciliation_currency", "Currency code, reconciliation", _N, 3, 0, _OPEN),
    (53, "security_control", "Security related control information", _B, 48, 2, _SECRET),
    (56, "original", "Original data elements", _N, 35, 2, _OPEN),
    (57, "life_cycle_code", "Authorization life cycle code", _N, 3, 0, _OPEN),
    (58, "authorizer_id", "Authorizing agent institution identification code", _N, 11, 2, _OPEN),
    (59, "transport_data", "Transport data", _ANS, 999, 3, _SECRET),
    (66, "original_fee_amounts", "Amounts, original fees", _ANS, 204, 3, _OPEN),
    (70, "authorizer_country", "Country code, authorizing agent institution", _N, 3, 0, _OPEN),
    (71, "message_number", "Message number", _N, 8, 0, _OPEN),
    (72, "data_record", "Data record", _ANS, 999, 3, _SECRET),
    (82, "inquiries_reversal_number", "Inquiries, reversal number", _N, 10, 0, _OPEN),
    (83, "payments_number", "Payments, number", _N, 10, 0, _OPEN),
    (84, "payments_reversal_number", "Payments, reversal number", _N, 10, 0, _OPEN),
    (85, "fee_collections_number", "Fee collections, number", _N, 10, 0, _OPEN),
    (90, "authorizations_reversal_number", "Authorizations, reversal number", _N, 10, 0, _OPEN),
    (91, "destination_country", "Country code, transaction destination institution", _N, 3, 0, _OPEN),
    (92, "originator_country", "Country code, transaction originator institution", _N, 3, 0, _OPEN),
    (93, "destination_id", "Transaction destination institution identification code", _N, 11, 2, _OPEN),
    (94, "originator_id", "Transaction originator institution identification code", _N, 11, 2, _OPEN),
    (95, "issuer_reference", "Card issuer reference data", _ANS, 99, 2, _SECRET),
    (96, "key_management_data", "Key management data", _B, 999, 3, _SECRET),
    (97, "net_reconciliation_amount", "Amount, net reconciliation", Kind.XN, 17, 0, _OPEN),
    (99, "settlement_institution_id", "Settlement institution identification code", _AN, 11, 2, _OPEN),
    (105, "credits_chargeback_amount", "Credits, chargeback amount", _N, 16, 0, _OPEN),
    (106, "debits_chargeback_amount", "Debits, chargeback amount", _N, 16, 0, _OPEN),
    (107, "credits_chargeback_number", "Credits, chargeback number", _N, 10, 0, _OPEN),
    (108, "debits_chargeback_number", "Debits, chargeback number", _N, 10, 0, _OPEN),
    (109, "credits_fee_amounts", "Credits, fee amounts", _ANS, 84, 2, _OPEN),
    (110, "debits_fee_amounts", "Debits, fee amounts", _ANS, 84, 2, _OPEN),
)


def _as_closed(element: Element) -> Element:
    """What may not be seen in one edition may not be seen in the other: peers mix them."""
    before = ELEMENTS[element.number].sensitivity
    return element if before is _OPEN else replace(element, sensitivity=before)


ELEMENTS_93: Final[Mapping[int, Element]] = MappingProxyType(
    {**ELEMENTS, **{row[0]: _as_closed(Element(*row)) for row in _ROWS}}
)
