"""ISO 8583:1987 and 1993, told in each other's words.

The network's internal form of a message is that of 1987. What crosses the border of a participant
who speaks the 1993 edition is told here: `from_internal` on the way out, `to_internal` on the way
in. Pure values on both sides, as a dialect's codec takes and gives them; how they become bytes is
the dialect's, and who has such a border is decided in `border`.

What one edition says and the other has no place for is not there on the other side. `LOST` names
every such loss with an example, and a test tries each: nothing else may get lost.

A matter of money: in 1993 a transaction is known by DE 11 and its local date and time (DE 12), and
so are originals (DE 56); in 1987 by DE 11 and DE 7. A 1987 original therefore leaves with the local
time that the reversal repeats; and because that says less, DE 90 whole goes along as transport data
(DE 59), which only an end that trusts the network reads back (`trusted`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

from protocols import codes
from protocols import elements as de
from protocols import mti as types
from protocols.card_acceptor import CITY, COUNTRY, NAME, CardAcceptor
from protocols.errors import FormatError
from protocols.original import LENGTH as ORIGINAL_LENGTH
from protocols.original import NOT_STATED
from protocols.pan import is_digits
from protocols.point_of_service import positions, taken

V1987: Final = "0"
V1993: Final = "1"
NO_VERSION: Final = "9"  # a message type of a version that its link does not speak: nobody knows it

# Data elements of 1993 that are something else in 1987, by their names of 1993.
DATE_TIME_LOCAL: Final = 12
POS_DATA_CODE: Final = 22
FUNCTION_CODE: Final = 24
MESSAGE_REASON_CODE: Final = 25
BUSINESS_CODE: Final = 26
ORIGINAL_AMOUNTS: Final = 30
ORIGINAL_DATA: Final = 56
TRANSPORT_DATA: Final = 59

# Element for element the same in both, but for the lengths that the functions below look after.
SAME: Final = frozenset(
    {
        *(de.PAN, de.PROCESSING_CODE, de.AMOUNT, de.SETTLEMENT_AMOUNT, de.BILLING_AMOUNT, de.TRANSMITTED_AT),
        *(de.BILLING_FEE, de.SETTLEMENT_RATE, de.BILLING_RATE, de.STAN, de.EXPIRY, de.CONVERSION_DATE),
        *(de.CAPTURE_DATE, de.MERCHANT_TYPE, de.ACQUIRER_COUNTRY, de.PAN_COUNTRY, de.FORWARDER_COUNTRY),
        *(de.CARD_SEQUENCE, de.APPROVAL_CODE_LENGTH, de.ACQUIRER_ID, de.FORWARDER_ID, de.EXTENDED_PAN),
        *(de.TRACK_2, de.TRACK_3, de.RRN, de.APPROVAL_CODE, de.TERMINAL_ID, de.CARD_ACCEPTOR_ID, de.TRACK_1),
        *(de.ADDITIONAL_NATIONAL, de.PRIVATE_DATA, de.CURRENCY, de.SETTLEMENT_CURRENCY, de.BILLING_CURRENCY),
        *(de.PIN_BLOCK, de.ICC_DATA, TRANSPORT_DATA, de.RESERVED_60, de.RESERVED_61, de.RESERVED_62, de.RESERVED_63),
        *(de.MAC, de.EXTENDED_PAYMENT_CODE, de.RECEIVER_COUNTRY, de.SETTLEMENT_COUNTRY, de.ACTION_DATE),
        *range(de.CREDITS_NUMBER, de.AUTHORIZATIONS_NUMBER + 1),
        *range(de.CREDITS_AMOUNT, de.DEBITS_REVERSAL_AMOUNT + 1),
        *range(de.NET_SETTLEMENT_AMOUNT, de.TRANSACTION_DESCRIPTION + 1),
        *range(de.RESERVED_111, de.MAC_2 + 1),
    }
)

Values = dict[int, str]


def from_internal(version: str, mti: str, values: Mapping[int, str], *, today: date) -> tuple[str, Values]:
    """The message type and the elements as a dialect of this version has them.

    `today` is the day to which a missing year is nearest.

    >>> from_internal("1", "0110", {11: "000001", 13: "1231", 12: "235959", 39: "51"}, today=date(2027, 1, 1))
    ('1110', {11: '000001', 12: '261231235959', 39: '116'})
    """
    if version != V1993:
        return mti, dict(values)
    said = {number: value for number, value in values.items() if number in SAME}
    for spell in _OUT:
        spell(_Crossing(mti, values, said, today))
    return V1993 + mti[1:], _sealed(said)


def to_internal(version: str, mti: str, values: Mapping[int, str], *, trusted: bool = False) -> tuple[str, Values]:
    """The message type and the elements as the network has them; FormatError names an element of the sender's.

    `trusted`: the other end is the network itself, and what it put into DE 59 is DE 90.

    >>> to_internal("1", "1110", {11: "000001", 12: "261231235959", 39: "116"})
    ('0110', {11: '000001', 12: '235959', 13: '1231', 39: '51'})
    """
    if version != V1993:
        return mti, dict(values)
    if mti[:1] != V1993:
        return NO_VERSION + mti[1:], {number: value for number, value in values.items() if number in SAME}
    mti = V1987 + mti[1:]
    said = {number: value for number, value in values.items() if number in SAME}
    crossing = _Crossing(mti, values, said, trusted=trusted)
    for understand in _IN:
        try:
            understand(crossing)
        except FormatError as error:
            raise FormatError(error.slug, element=error.element, mti=mti, readable=said) from None
    return mti, dict(sorted(_sealed(said).items()))


class _Crossing(NamedTuple):
    """A message on the border: what it is, all it said, and what it says so far on the other side."""

    mti: str  # of 1987, either way
    values: Mapping[int, str]
    said: Values
    today: date = date.min
    trusted: bool = False

    @property
    def kind(self) -> str:
        return types.mti_class(self.mti)

    @property
    def is_answer(self) -> bool:
        return types.is_answer(self.mti)


def _sealed(said: Values) -> Values:
    """The MAC stands in the last bit of the last bitmap, and a message may lose or gain its second bitmap."""
    seals = [said.pop(number) for number in (de.MAC, de.MAC_2) if number in said]
    if seals:
        said[de.MAC_2 if any(number > de.EXTENDED_BITMAP for number in said) else de.MAC] = seals[-1]
    return said


# --- Dates -----------------------------------------------------------------------------------


def dated(day: str, today: date) -> str | None:
    """MMDD as YYMMDD, in the year in which it is nearest to today; None where no near year has such a day.

    >>> dated("1231", date(2027, 1, 2)), dated("0101", date(2026, 12, 31)), dated("0229", date(2026, 6, 1))
    ('261231', '270101', None)
    """
    if len(day) != 4 or not is_digits(day):
        return None
    years = (today.year - 1, today.year, today.year + 1)
    days = [found for year in years if (found := _day(year, int(day[:2]), int(day[2:]))) is not None]
    nearest = min(days, key=lambda found: abs((found - today).days), default=None)
    return None if nearest is None else f"{nearest:%y%m%d}"


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _local_time_out(at: _Crossing) -> None:
    """DE 12 and 13 as one. A time without a day has that of its transmission; a day without a time has no place."""
    day = at.values.get(de.LOCAL_DATE) or at.values.get(de.TRANSMITTED_AT, "")[:4]
    if (time := at.values.get(de.LOCAL_TIME)) is not None and (whole := dated(day, at.today)) is not None:
        at.said[DATE_TIME_LOCAL] = whole + time


def _local_time_in(at: _Crossing) -> None:
    if (moment := at.values.get(DATE_TIME_LOCAL)) is not None:
        if len(moment) != 12 or not is_digits(moment):
            raise FormatError.in_element(DATE_TIME_LOCAL)
        at.said[de.LOCAL_TIME], at.said[de.LOCAL_DATE] = moment[6:], moment[2:6]


def _settlement_date_out(at: _Crossing) -> None:
    if (day := at.values.get(de.SETTLEMENT_DATE)) is not None and (whole := dated(day, at.today)) is not None:
        at.said[de.SETTLEMENT_DATE] = whole


def _settlement_date_in(at: _Crossing) -> None:
    if (day := at.values.get(de.SETTLEMENT_DATE)) is not None:
        at.said[de.SETTLEMENT_DATE] = day[2:]


# --- Where the card was taken ----------------------------------------------------------------

# A shop that the merchant finds suspicious: a condition in 1987, a reason to ask in 1993.
SUSPICIOUS: Final = "03"
MERCHANT_SUSPICIOUS: Final = "1511"


def _point_of_service_out(at: _Crossing) -> None:
    get = at.values.get
    condition = get(de.POS_CONDITION_CODE)
    code = positions(get(de.POS_ENTRY_MODE), condition, get(de.PIN_CAPTURE_CODE), has_pin=de.PIN_BLOCK in at.values)
    if code is not None:
        at.said[POS_DATA_CODE] = code
    if condition == SUSPICIOUS and at.kind != types.REVERSAL:
        at.said[MESSAGE_REASON_CODE] = MERCHANT_SUSPICIOUS
    if (merchant_type := get(de.MERCHANT_TYPE)) is not None:
        at.said[BUSINESS_CODE] = merchant_type


def _point_of_service_in(at: _Crossing) -> None:
    if (code := at.values.get(POS_DATA_CODE)) is not None:
        found = taken(code)
        at.said[de.POS_ENTRY_MODE], at.said[de.POS_CONDITION_CODE] = found.entry_mode, found.condition
        if found.pin_digits is not None:
            at.said[de.PIN_CAPTURE_CODE] = found.pin_digits
    if at.values.get(MESSAGE_REASON_CODE) == MERCHANT_SUSPICIOUS:
        at.said[de.POS_CONDITION_CODE] = SUSPICIOUS
    if (business := at.values.get(BUSINESS_CODE)) is not None:
        at.said[de.MERCHANT_TYPE] = business


POSTAL_CODE_AND_REGION: Final = 13  # of the 1993 DE 43, before three characters of country


def _card_acceptor_out(at: _Crossing) -> None:
    r"""Columns become parts: name\street\city\, postal code, region, country."""
    if (text := at.values.get(de.CARD_ACCEPTOR_NAME)) is None:
        return
    at.said[de.CARD_ACCEPTOR_NAME] = text
    if "\\" not in text:
        shop = CardAcceptor.parse(f"{text:<40.40}")
        blank = " " * POSTAL_CODE_AND_REGION
        at.said[de.CARD_ACCEPTOR_NAME] = f"{shop.name}\\\\{shop.city}\\{blank}{shop.country:<3}"


def _card_acceptor_in(at: _Crossing) -> None:
    """A country of three characters is left out: cut to two it would be another country."""
    if (text := at.values.get(de.CARD_ACCEPTOR_NAME)) is None:
        return
    parts = text.split("\\")
    if len(parts) == 4:
        country = parts[3][POSTAL_CODE_AND_REGION:].strip()
        text = CardAcceptor(parts[0][:NAME], parts[2][:CITY], country if len(country) <= COUNTRY else "").text
    at.said[de.CARD_ACCEPTOR_NAME] = f"{text:<40.40}"


# --- What is asked, and why ------------------------------------------------------------------

ORIGINAL_AUTHORIZATION: Final = "100"
INQUIRY: Final = "108"
FULL_REVERSAL: Final = "400"
PARTIAL_REVERSAL: Final = "401"

# DE 24 by the class of the message; DE 24 is of requests and advices.
FUNCTION_CODES: Final[Mapping[str, str]] = {
    types.AUTHORIZATION: ORIGINAL_AUTHORIZATION,
    types.FINANCIAL: "200",
    types.REVERSAL: FULL_REVERSAL,
    types.RECONCILIATION: "500",
    types.ADMINISTRATIVE: "650",  # unable to parse message: the only thing that this network says so
}
PREVIOUSLY_AUTHORIZED: Final = "201"

# DE 70 is DE 24 in 1993; sign-on, sign-off, key change, cut-over, echo.
MANAGEMENT_FUNCTIONS: Final[Mapping[str, str]] = {
    codes.SIGN_ON: "801",
    codes.SIGN_OFF: "802",
    codes.KEY_CHANGE: "811",
    codes.CUT_OVER: "821",
    codes.ECHO: "831",
}
_MANAGEMENT_CODES: Final = {function: code for code, function in MANAGEMENT_FUNCTIONS.items()}


def _function_out(at: _Crossing) -> None:
    if at.kind == types.NETWORK_MANAGEMENT:
        code = at.values.get(de.NETWORK_MANAGEMENT_CODE, "")
        function = MANAGEMENT_FUNCTIONS.get(code) or (code if code[:1] == types.NETWORK_MANAGEMENT else None)
    else:
        function = None if at.is_answer else _function_of(at)
    if function is not None:
        at.said[FUNCTION_CODE] = function


def _function_of(at: _Crossing) -> str | None:
    if at.kind == types.AUTHORIZATION and at.values.get(de.PROCESSING_CODE, "")[:2] == codes.BALANCE:
        return INQUIRY
    if at.kind == types.FINANCIAL and de.ORIGINAL in at.values:
        return PREVIOUSLY_AUTHORIZED
    return FUNCTION_CODES.get(at.kind)


def _function_in(at: _Crossing) -> None:
    """A code that the network does not know goes in as it came, to be refused by name and echoed as it came."""
    function = at.values.get(FUNCTION_CODE)
    if at.kind == types.NETWORK_MANAGEMENT and function is not None:
        at.said[de.NETWORK_MANAGEMENT_CODE] = _MANAGEMENT_CODES.get(function, function)


# Why a reversal is sent: DE 39 in 1987, the message reason code in 1993.
REVERSAL_REASONS: Final[Mapping[str, str]] = {
    "17": "4000",  # customer cancellation
    "22": "4002",  # suspected malfunction
    "32": "4004",  # completed partially
    "68": "4006",  # response received too late
}
UNSPECIFIED_REVERSAL: Final = "4001"
_REVERSAL_CODES: Final[Mapping[str, str]] = {
    **{reason: code for code, reason in REVERSAL_REASONS.items()},
    "4007": "22",  # card acceptor device unable to complete
    "4013": "68",  # unable to deliver to the point of service
    "4021": "68",  # timeout waiting for response
}


def _is_reversal(at: _Crossing) -> bool:
    return at.kind == types.REVERSAL and not at.is_answer


def _outcome_out(at: _Crossing) -> None:
    if (code := at.values.get(de.RESPONSE_CODE)) is None:
        return
    if _is_reversal(at):
        at.said[MESSAGE_REASON_CODE] = REVERSAL_REASONS.get(code, UNSPECIFIED_REVERSAL)
    else:
        at.said[de.RESPONSE_CODE] = codes.spelled(code, V1993, at.mti)


def _outcome_in(at: _Crossing) -> None:
    if _is_reversal(at):
        if (code := _REVERSAL_CODES.get(at.values.get(MESSAGE_REASON_CODE, ""))) is not None:
            at.said[de.RESPONSE_CODE] = code
    elif (action := at.values.get(de.RESPONSE_CODE)) is not None:
        at.said[de.RESPONSE_CODE] = _response_code(action, at.mti, at.values.get(de.REASON))


# Action codes that the table of codes does not have: by their first digit a denial (1), a denial
# with pick-up (2), or an error on the way (9). Any other may have moved money: "no reason to
# decline" is not acted on here, and the request it answers is in doubt.
_BY_CLASS: Final[Mapping[str, str]] = {"1": "05", "2": "04", "9": "96"}
IN_DOUBT: Final = "85"


def _response_code(action: str, mti: str, slug: str | None) -> str:
    """Several response codes share an action code; the network's own word in DE 44 says which it was."""
    known = codes.known_reason(slug) if slug is not None else None
    if known is not None and codes.spelled(known.response_code, V1993, mti) == action:
        return known.response_code
    try:
        return codes.understood(action, V1993, mti)
    except FormatError:
        return _BY_CLASS.get(action[:1], IN_DOUBT)


REASON_LONGEST: Final = 25


def _reason_out(at: _Crossing) -> None:
    if (text := at.values.get(de.REASON)) is not None:
        at.said[de.REASON] = text


def _reason_in(at: _Crossing) -> None:
    if (text := at.values.get(de.REASON)) is not None:
        at.said[de.REASON] = text[:REASON_LONGEST]


# --- Originals, and amounts that replace others ----------------------------------------------


def _original_out(at: _Crossing) -> None:
    """DE 56: message type, STAN, local date and time, acquirer. In an answer it is the echo of what was read."""
    if (text := at.values.get(de.ORIGINAL)) is None:
        return
    mti, stan, moment, acquirer = V1993 + text[1:4], text[4:10], text[10:20], text[20:31].lstrip("0")
    local = None if at.is_answer else at.said.get(DATE_TIME_LOCAL)
    if local is None:
        local = (dated(moment[:4], at.today) or f"{at.today:%y}{moment[:4]}") + moment[4:]
    at.said[ORIGINAL_DATA] = f"{mti}{stan}{local}{len(acquirer):02d}{acquirer}"
    if not at.is_answer:
        at.said[TRANSPORT_DATA] = text


def _original_in(at: _Crossing) -> None:
    if (text := at.values.get(ORIGINAL_DATA)) is None:
        return
    stated = text[24:]
    if len(text) < 24 or not is_digits(text) or int(text[22:24]) != len(stated) or len(stated) > len(NOT_STATED):
        raise FormatError.in_element(ORIGINAL_DATA)
    number = V1987 + text[1:10]
    transported = at.values.get(TRANSPORT_DATA, "")
    if len(transported) == ORIGINAL_LENGTH and transported[:10] == number and is_digits(transported):
        del at.said[TRANSPORT_DATA]
        if at.trusted:
            at.said[de.ORIGINAL] = transported
            return
    at.said[de.ORIGINAL] = f"{number}{text[12:22]}{stated:>011}{NOT_STATED}"


NO_FEES: Final = "C00000000" * 2
NO_AMOUNT: Final = "0" * 12


def _replacement_out(at: _Crossing) -> None:
    """A partial reversal: 1987 has the old amount in DE 4 and the new one in DE 95, 1993 the new one and the old."""
    if (text := at.values.get(de.REPLACEMENT_AMOUNTS)) is None or not _is_reversal(at):
        return
    was, settled = at.values.get(de.AMOUNT, NO_AMOUNT), at.values.get(de.SETTLEMENT_AMOUNT)
    at.said[FUNCTION_CODE] = PARTIAL_REVERSAL
    at.said[ORIGINAL_AMOUNTS] = was + (settled or NO_AMOUNT)
    at.said[de.AMOUNT] = text[:12]
    if settled is not None:
        at.said[de.SETTLEMENT_AMOUNT] = text[12:24]


def _replacement_in(at: _Crossing) -> None:
    if at.values.get(FUNCTION_CODE) != PARTIAL_REVERSAL or not _is_reversal(at):
        return
    was = at.values.get(ORIGINAL_AMOUNTS)
    if was is None:  # taken for a full reversal, it would give too much back
        raise FormatError.missing(ORIGINAL_AMOUNTS)
    now, settled = at.values.get(de.AMOUNT, NO_AMOUNT), at.values.get(de.SETTLEMENT_AMOUNT)
    at.said[de.REPLACEMENT_AMOUNTS] = now + (settled or NO_AMOUNT) + NO_FEES
    at.said[de.AMOUNT] = was[:12]
    if settled is not None:
        at.said[de.SETTLEMENT_AMOUNT] = was[12:]


ADDITIONAL_AMOUNTS_LONGEST: Final = 120  # six amounts of twenty; 1987 takes twelve


def _additional_amounts_out(at: _Crossing) -> None:
    if (text := at.values.get(de.ADDITIONAL_AMOUNTS)) is not None:
        at.said[de.ADDITIONAL_AMOUNTS] = text[:ADDITIONAL_AMOUNTS_LONGEST]


def _additional_amounts_in(at: _Crossing) -> None:
    if (text := at.values.get(de.ADDITIONAL_AMOUNTS)) is not None:
        at.said[de.ADDITIONAL_AMOUNTS] = text


# --- Elements that only differ in their size -------------------------------------------------


class _Fitted(NamedTuple):
    """An element of 1987 that is longer in 1993; it comes back only where it fits."""

    element: int
    length: int
    longer: int  # filled with zeros in front; the same length: of another kind only
    alphabet: str = "0123456789"

    def widened(self, value: str) -> str | None:
        return value.rjust(self.longer, "0") if set(value) <= set(self.alphabet) else None

    def narrowed(self, value: str) -> str | None:
        short = value[-self.length :]
        return short if short.rjust(self.longer, "0") == value and set(short) <= set(self.alphabet) else None


FITTED: Final = (
    _Fitted(de.SERVICE_RESTRICTION_CODE, 3, 3),
    _Fitted(de.SECURITY_CONTROL, 16, 16),  # up to 48 bytes in 1993; 16 digits are the hex of 8
    _Fitted(de.MESSAGE_NUMBER, 4, 8),
    _Fitted(de.MESSAGE_SECURITY_CODE, 16, 16, "0123456789ABCDEF"),
)


def _fitted_out(at: _Crossing) -> None:
    for row in FITTED:
        if (value := at.values.get(row.element)) is not None and (wide := row.widened(value)) is not None:
            at.said[row.element] = wide


def _fitted_in(at: _Crossing) -> None:
    for row in FITTED:
        if (value := at.values.get(row.element)) is not None and (narrow := row.narrowed(value)) is not None:
            at.said[row.element] = narrow


_OUT: Final[tuple[Callable[[_Crossing], None], ...]] = (
    *(_local_time_out, _settlement_date_out, _point_of_service_out, _card_acceptor_out, _function_out),
    *(_outcome_out, _reason_out, _original_out, _replacement_out, _additional_amounts_out, _fitted_out),
)
_IN: Final[tuple[Callable[[_Crossing], None], ...]] = (
    *(_local_time_in, _settlement_date_in, _point_of_service_in, _card_acceptor_in, _function_in),
    *(_outcome_in, _reason_in, _original_in, _replacement_in, _additional_amounts_in, _fitted_in),
)


# --- What has no place on the other side -----------------------------------------------------


class Loss(NamedTuple):
    """One thing that does not arrive: said with `element` = `value`, it comes back as `becomes`.

    `edition` is the one that can say it. `along` is what the message must also carry for the example.
    An empty value is silence, where the other edition cannot be silent.
    """

    edition: Literal["1987", "1993"]
    element: int
    value: str
    why: str
    becomes: str | None = None
    mti: str = "0100"
    along: Mapping[int, str] = MappingProxyType({})


_NO_PLACE: Final = "the other edition has another element under this number"

_BARE_SHOP: Final = "Shop\\\\City\\" + " " * 16

LOST: Final = (
    # Of 1987, on its way to a 1993 end and back.
    Loss("1987", de.LOCAL_DATE, "1118", "a local date without a time: 1993 has both in one"),
    Loss("1987", de.LOCAL_DATE, "0229", "a 29 February that no near year has", along={12: "120000"}),
    Loss(
        "1987", de.LOCAL_DATE, "", "a time without a date: DE 7 has it", "1118", along={7: "1118110640", 12: "140640"}
    ),
    Loss("1987", de.SETTLEMENT_DATE, "0230", "a day that does not exist"),
    Loss("1987", de.POS_ENTRY_MODE, "062", "an entry mode that has no place in position 7", becomes="002"),
    Loss("1987", de.POS_ENTRY_MODE, "", "no entry mode beside a condition", "000", along={25: "08"}),
    Loss("1987", de.POS_ENTRY_MODE, "813", "a PIN capability without a meaning", becomes="810", along={25: "59"}),
    Loss("1987", de.POS_CONDITION_CODE, "71", "conditions other than 00 to 03, 05, 08 and 59", becomes="00"),
    Loss("1987", de.POS_CONDITION_CODE, "00", "that nobody said who was there", becomes="59", along={22: "812"}),
    Loss("1987", de.POS_CONDITION_CODE, "", "no condition beside an entry mode", "00", along={22: "051"}),
    Loss("1987", de.PIN_CAPTURE_CODE, "12", "PIN digits of a terminal that takes no PIN", along={22: "812"}),
    Loss("1987", de.NETWORK_ID, "001", "network international identifier: DE 24 is the function code"),
    Loss("1987", de.TRANSACTION_FEE, "C00000100", _NO_PLACE),
    Loss("1987", de.SETTLEMENT_FEE, "C00000100", _NO_PLACE),
    Loss("1987", de.PROCESSING_FEE, "C00000100", _NO_PLACE),
    Loss("1987", de.SETTLEMENT_PROCESSING_FEE, "C00000100", _NO_PLACE),
    Loss("1987", de.RESPONSE_CODE, "15", "no such issuer and no route share 908", becomes="92", mti="0110"),
    Loss("1987", de.RESPONSE_CODE, "N7", "a wrong code and a security violation share 122", becomes="63", mti="0110"),
    Loss("1987", de.RESPONSE_CODE, "68", "too late and inoperative are alike to us", becomes="91", mti="0110"),
    Loss("1987", de.RESPONSE_CODE, "R1", "codes without an action code: do not honour", becomes="05", mti="0110"),
    Loss("1987", de.RESPONSE_CODE, "05", "a reversal for a reason that has no reason code", mti="0420"),
    Loss("1987", de.SERVICE_RESTRICTION_CODE, "1A1", "letters in the service code"),
    Loss("1987", de.ADDITIONAL_ISO, "X", _NO_PLACE),
    Loss("1987", de.ADDITIONAL_AMOUNTS, "0002784C000000000001" * 7, "more than six", "0002784C000000000001" * 6),
    Loss("1987", de.RESERVED_56, "X", _NO_PLACE),
    Loss("1987", de.RESERVED_57, "X", _NO_PLACE),
    Loss("1987", de.RESERVED_58, "X", _NO_PLACE),
    Loss("1987", de.RESERVED_59, "X", "DE 90 travels there", mti="0420", along={90: "0100000001" + "0" * 32}),
    Loss("1987", de.SETTLEMENT_CODE, "1", _NO_PLACE),
    Loss("1987", de.NETWORK_MANAGEMENT_CODE, "999", "a code that no function code stands for", mti="0800"),
    Loss("1987", de.NETWORK_MANAGEMENT_CODE, "301", "network management in another message"),
    Loss("1987", de.LAST_MESSAGE_NUMBER, "0001", _NO_PLACE),
    Loss("1987", de.CREDITS_PROCESSING_FEE, "0" * 12, _NO_PLACE),
    Loss("1987", de.CREDITS_TRANSACTION_FEE, "0" * 12, _NO_PLACE),
    Loss("1987", de.DEBITS_PROCESSING_FEE, "0" * 12, _NO_PLACE),
    Loss("1987", de.DEBITS_TRANSACTION_FEE, "0" * 12, _NO_PLACE),
    Loss("1987", de.FILE_UPDATE_CODE, "1", _NO_PLACE),
    Loss("1987", de.FILE_SECURITY_CODE, "01", _NO_PLACE),
    Loss("1987", de.RESPONSE_INDICATOR, "00001", _NO_PLACE),
    Loss("1987", de.SERVICE_INDICATOR, "1", _NO_PLACE),
    Loss("1987", de.REPLACEMENT_AMOUNTS, "0" * 24 + NO_FEES, "replacement amounts of anything but a reversal"),
    *(Loss("1987", number, "X", _NO_PLACE) for number in range(de.RESERVED_105, de.RESERVED_110 + 1)),
    # Of 1993, on its way to a 1987 end and back.
    Loss("1993", 13, "2601", "date effective"),
    Loss("1993", 18, "", "a business code without a merchant type: they are one", "5732", along={26: "5732"}),
    Loss("1993", 24, "101", "functions but 108, 201, 401 and 8xx: the usual one of the class", "100"),
    Loss("1993", 25, "1006", "message reasons but 1511 and those of reversals"),
    Loss("1993", 25, "4021", "why a reversal is sent, more closely", "4006", mti="1420"),
    Loss("1993", 26, "", "a merchant type without a business code", "5732", along={18: "5732"}),
    Loss("1993", 28, "261118", "date of reconciliation"),
    Loss("1993", 29, "001", "reconciliation indicator"),
    Loss("1993", 30, "0" * 24, "original amounts of anything but a partial reversal"),
    Loss("1993", 31, "X", "acquirer reference data"),
    Loss("1993", 39, "116", "an action code in a reversal", mti="1420"),
    Loss("1993", 39, "001", "approvals with a string attached: in doubt", "100", mti="1110"),
    Loss("1993", 40, "ABC", "letters in the service code"),
    Loss("1993", 43, "Shop\\1 Street\\City\\12345     AN ARE", "all but name, city and two letters", _BARE_SHOP),
    Loss("1993", 44, "X" * 99, "more than 25 characters of additional response data", "X" * 25, mti="1110"),
    Loss("1993", 46, "0" * 34, "fees"),
    Loss("1993", 53, "00" * 48, "security related control information but 16 digits"),
    Loss("1993", 57, "001", "authorization life cycle"),
    Loss("1993", 58, "784001", "authorizing agent"),
    Loss("1993", 66, "0" * 34, "original fees"),
    Loss("1993", 70, "784", "country of the authorizing agent"),
    Loss("1993", 71, "00010000", "message numbers above 9999"),
    Loss("1993", 72, "X", "data record"),
    *(Loss("1993", number, "0" * 10, "numbers that 1987 does not count") for number in (82, 83, 84, 85, 90)),
    *(Loss("1993", number, "784", "country of destination, of origin") for number in (91, 92)),
    *(Loss("1993", number, "784001", "institution of destination, of origin") for number in (93, 94)),
    Loss("1993", 95, "X", "card issuer reference data"),
    Loss("1993", 96, "00" * 16, "key management data but 8 bytes"),
    *(Loss("1993", number, "0" * 16, "chargebacks") for number in (105, 106)),
    *(Loss("1993", number, "0" * 10, "chargebacks") for number in (107, 108)),
    *(Loss("1993", number, "0" * 34, "fee amounts") for number in (109, 110)),
)
