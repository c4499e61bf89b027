"""How a shop's gateway asks a bank whether its holder is there: the messages of 3-D Secure, as JSON.

AReq asks, ARes says (at once, or after a challenge), CReq goes with the buyer's browser to the bank and CRes comes
back with it, RReq and RRes bring the result without the browser. Names of members and the letters of
`transStatus` are those of EMV 3-D Secure 2.2 (message elements, annex A), so that somebody's own access control
server can stand where ours does; of some hundred elements these are the ones that we act on. RReq goes from the
gateway to the bank here, and the other way in EMV: so no bank needs a way into a gateway.

Pure: shapes and tables. Who must be challenged is the bank's business.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

VERSION: Final = "2.2.0"
BROWSER: Final = "02"  # deviceChannel
PAYMENT: Final = "01"  # messageCategory
MESSAGE_MAX: Final = 16 * 1024

Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{20,64}$")]
#: An address that stands in a header of ours: nothing in it may end the header or the directive.
Address = Annotated[
    str, Field(max_length=500, pattern=r"^https?://[A-Za-z0-9.\-]+(:[0-9]{1,5})?(/[A-Za-z0-9/_.~-]*)?$")
]


class Status(StrEnum):
    """`transStatus`."""

    AUTHENTICATED = "Y"
    NOT_AUTHENTICATED = "N"
    ATTEMPTED = "A"  # the bank takes part, and this holder could not be asked
    CHALLENGE = "C"  # the holder is to be asked first
    REJECTED = "R"  # the bank asks that no authorization be tried
    UNAVAILABLE = "U"  # nobody could say


#: DE 48.42 by what the bank said; what is not here is 07: an encrypted channel, and nothing more.
INDICATORS: Final[Mapping[Status, str]] = {Status.AUTHENTICATED: "05", Status.ATTEMPTED: "06"}
NOT_AUTHENTICATED_INDICATOR: Final = "07"
#: After these no authorization is tried.
REFUSED: Final = frozenset({Status.NOT_AUTHENTICATED, Status.REJECTED})


#: Our names and EMV's.
MEMBERS: Final[Mapping[str, str]] = {
    "version": "messageVersion",
    "type": "messageType",
    "category": "messageCategory",
    "device_channel": "deviceChannel",
    "server_id": "threeDSServerTransID",
    "pan": "acctNumber",
    "expiry": "cardExpiryDate",
    "amount": "purchaseAmount",
    "currency": "purchaseCurrency",
    "acquirer_id": "acquirerBIN",
    "card_acceptor_id": "acquirerMerchantID",
    "merchant_type": "mcc",
    "merchant_name": "merchantName",
    "language": "browserLanguage",
    "notification_url": "notificationURL",
    "acs_id": "acsTransID",
    "directory_id": "dsTransID",
    "status": "transStatus",
    "reason": "transStatusReason",
    "indicator": "eci",
    "value": "authenticationValue",
    "acs_url": "acsURL",
    "window": "challengeWindowSize",
    "completed": "challengeCompletionInd",
}


class _Message(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, alias_generator=MEMBERS.__getitem__, validate_by_name=True)

    version: str = VERSION

    @property
    def json_text(self) -> str:
        """As it travels."""
        return self.model_dump_json(by_alias=True, exclude_none=True)


class AReq(_Message):
    """Authentication request."""

    type: Literal["AReq"] = "AReq"
    category: Literal["01"] = "01"
    device_channel: Literal["02"] = "02"
    server_id: Id
    pan: Annotated[str, Field(pattern=r"^[0-9]{12,19}$")] = Field(repr=False)
    expiry: Annotated[str, Field(pattern=r"^[0-9]{4}$")]  # YYMM
    amount: Annotated[str, Field(pattern=r"^[0-9]{1,12}$")]  # minor units
    currency: Annotated[str, Field(pattern=r"^[0-9]{3}$")]  # ISO 4217, numeric
    acquirer_id: Annotated[str, Field(pattern=r"^[0-9]{1,11}$")]
    card_acceptor_id: Annotated[str, Field(pattern=r"^[!-~ ]{1,15}$")]
    merchant_type: Annotated[str, Field(pattern=r"^[0-9]{4}$")]
    merchant_name: Annotated[str, Field(min_length=1, max_length=40)]
    language: Annotated[str, Field(max_length=8)] = "en"
    notification_url: Address  # where the browser goes afterwards


class Result(_Message):
    """What ARes and RRes share."""

    server_id: Id
    acs_id: Id
    directory_id: Id
    status: Status
    reason: str | None = None
    indicator: Annotated[str, Field(pattern=r"^[0-9]{2}$")] | None = None
    value: Annotated[str, Field(max_length=28)] | None = Field(None, repr=False)


class ARes(Result):
    """Authentication response."""

    type: Literal["ARes"] = "ARes"
    acs_url: Address | None = None  # where the browser takes the CReq


class CReq(_Message):
    """Challenge request: what the browser takes to the bank. It names the transaction and holds no secret."""

    type: Literal["CReq"] = "CReq"
    server_id: Id
    acs_id: Id
    window: Literal["05"] = "05"  # full screen


class CRes(_Message):
    """Challenge response: what the browser brings back. The gateway believes RRes only."""

    type: Literal["CRes"] = "CRes"
    server_id: Id
    acs_id: Id
    completed: Literal["Y", "N"] = "Y"
    status: Status


class RReq(_Message):
    """Results request."""

    type: Literal["RReq"] = "RReq"
    server_id: Id
    acs_id: Id


class RRes(Result):
    """Results response: what the ARes would have said, had the holder not been asked first."""

    type: Literal["RRes"] = "RRes"


def packed(message: CReq | CRes) -> str:
    """As a browser carries it: base64url without the padding.

    >>> unpacked(CReq, packed(CReq(server_id="s" * 20, acs_id="a" * 20))).acs_id
    'aaaaaaaaaaaaaaaaaaaa'
    """
    return base64.urlsafe_b64encode(message.json_text.encode()).decode().rstrip("=")


def unpacked(of: type[CReq], text: str) -> CReq | None:
    """What a browser brought; None where it is nothing of ours.

    >>> unpacked(CReq, "!") is unpacked(CReq, "e30") is None
    True
    """
    try:
        return of.model_validate_json(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValidationError, ValueError):
        return None


def indicator(status: Status) -> str:
    """DE 48.42 after this status.

    >>> [indicator(one) for one in (Status.AUTHENTICATED, Status.ATTEMPTED, Status.UNAVAILABLE)]
    ['05', '06', '07']
    """
    return INDICATORS.get(status, NOT_AUTHENTICATED_INDICATOR)
