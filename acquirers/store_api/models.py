"""What shops say and are told: the bodies of the store API, as pydantic models.

The same models check requests, write answers and make the OpenAPI document, so that the three
cannot disagree. Amounts are text in major units with the currency's decimals ("12.500" of KWD):
there is no float anywhere. No body has a field for a card number: it is typed on the hosted page only.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from acquirers.store_api.scope import Scope

Money = Annotated[
    str,
    Field(
        pattern=r"^[0-9]{1,9}(\.[0-9]{1,3})?$",
        description="Major units as decimal text, never finer than the currency: 120.00 AED, 12.500 KWD.",
        examples=["120.00"],
    ),
]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$", examples=["AED"])]
PaymentId = Annotated[str, Field(pattern=r"^pay_[a-z2-7]{26}$")]
TokenId = Annotated[str, Field(pattern=r"^tok_[a-z2-7]{26}$")]
#: What may come in as text: no control characters, for it is shown to people and stands in logs.
Words = Annotated[str, StringConstraints(min_length=1, max_length=140, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")]
WebAddress = Annotated[
    str, StringConstraints(max_length=500, pattern=r"^https?://[A-Za-z0-9.\-]+(:[0-9]{1,5})?(/[!-~]*)?$")
]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Channel(StrEnum):
    ECOMMERCE = "ecommerce"  # the holder is there, on the page or with a token
    MOTO = "moto"  # mail or telephone order: the shop's clerk types
    RECURRING = "recurring"  # the shop charges a stored credential; nobody is there


class CaptureWhen(StrEnum):
    AUTOMATIC = "automatic"  # the money moves at once (0200)
    MANUAL = "manual"  # it is held (0100) until captured (0220)


class NewPayment(_Body):
    """Register a payment. With `token` it is paid at once; without, the buyer is sent to `page_url`."""

    amount: Money
    currency: Currency
    capture: CaptureWhen = CaptureWhen.AUTOMATIC
    channel: Channel = Channel.ECOMMERCE
    token: TokenId | None = Field(
        default=None, description="A stored card. Without it the card is typed on the hosted page."
    )
    store_card: bool = Field(default=False, description="Offer to store the card: the payment then has a `token`.")
    order_reference: Words | None = None
    description: Words | None = Field(default=None, description="What the buyer reads on the page.")
    return_url: WebAddress | None = Field(
        default=None, description="Where the buyer is sent afterwards, with ?payment=ID."
    )
    locale: Literal["en", "ar"] = "en"
    sub_merchant: Annotated[str, Field(pattern=r"^[A-Z0-9-]{1,22}$")] | None = Field(
        default=None, description="The mall's tenant or the market's seller who is paid (DE 48.37)."
    )


class Capture(_Body):
    """Take what was held, or a part of it. With `part`, one of several; without, what is left is let go."""

    amount: Money | None = Field(default=None, description="Without it: all that is left.")
    part: Annotated[int, Field(ge=1, le=99)] | None = Field(default=None, description="Which capture this is ...")
    parts: Annotated[int, Field(ge=1, le=99)] | None = Field(default=None, description="... of how many (DE 48.62).")


class Reverse(_Body):
    """Undo a payment as if it had not been; of a held amount also a part."""

    amount: Money | None = Field(
        default=None, description="Without it: all of it. With it: take back so much of what is held."
    )


class Refund(_Body):
    """Send money back to the card."""

    amount: Money | None = Field(default=None, description="Without it: all that is left.")


class Finalize(_Body):
    """The shop has heard of the outcome. Nothing need be said."""


class OperationKind(StrEnum):
    PURCHASE = "purchase"
    AUTHORIZATION = "authorization"
    CAPTURE = "capture"
    REVERSAL = "reversal"
    REFUND = "refund"


class OperationStatus(StrEnum):
    SENT = "sent"  # on its way
    APPROVED = "approved"
    DECLINED = "declined"
    NOT_SENT = "not_sent"  # there was no link: nothing happened
    UNKNOWN = "unknown"  # nobody answered: it is being reversed, or (a capture, a reversal) told until it arrives
    REVERSED = "reversed"  # it was unknown, and its reversal has arrived
    PARKED = "parked"  # what had to be told was refused: people must look


class Operation(_Body):
    """One message to the switch, and what came of it."""

    id: str
    kind: OperationKind
    status: OperationStatus
    amount: Money
    approved_amount: Money | None = None
    response_code: str | None = Field(default=None, description="DE 39")
    reason: str | None = Field(default=None, description="The reason's slug (DE 44)")
    explanation: str | None = None
    approval_code: str | None = Field(default=None, description="DE 38")
    rrn: str | None = Field(default=None, description="DE 37")
    stan: str | None = Field(default=None, description="DE 11")
    eci: str | None = Field(default=None, description="DE 48.42: 05 authenticated, 06 attempted, 07 not")
    at: AwareDatetime


class PaymentStatus(StrEnum):
    REGISTERED = "registered"  # waits for the buyer
    PROCESSING = "processing"
    AUTHORIZED = "authorized"  # held, nothing captured yet
    PARTIALLY_CAPTURED = "partially_captured"
    CAPTURED = "captured"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"
    DECLINED = "declined"
    UNKNOWN = "unknown"  # nobody knows what the bank did: being reversed. Hand over nothing.
    REVERSED = "reversed"
    CANCELLED = "cancelled"  # by the buyer or the shop, before anything was sent
    EXPIRED = "expired"  # the buyer never came, or the shop never heard


class CardShown(_Body):
    """As much of a card as a shop may see."""

    masked: Annotated[str, Field(examples=["941410******0017"])]
    expiry: Annotated[str, Field(pattern=r"^[0-9]{4}$", description="YYMM", examples=["2912"])]


class Payment(_Body):
    """A payment and everything that was done with it."""

    id: PaymentId
    status: PaymentStatus
    message: str = Field(description="The status in a sentence.")
    merchant: str
    sub_merchant: str | None = None
    amount: Money
    currency: Currency
    captured_amount: Money
    refunded_amount: Money
    capture: CaptureWhen
    channel: Channel
    order_reference: str | None = None
    description: str | None = None
    return_url: str | None = None
    locale: str = "en"
    page_url: str | None = Field(default=None, description="Where to send the buyer. Nobody else may learn it.")
    card: CardShown | None = None
    token: TokenId | None = None
    store_card: bool = False
    finalized_at: AwareDatetime | None = None
    created_at: AwareDatetime
    operations: tuple[Operation, ...] = ()


class PaymentList(_Body):
    payments: tuple[Payment, ...]
    next_after: PaymentId | None = Field(default=None, description="Ask again with ?after= this for older ones.")


class Token(_Body):
    """A card that the shop may charge without seeing it."""

    id: TokenId
    card: CardShown
    created_at: AwareDatetime


class Event(StrEnum):
    AUTHORIZED = "payment.authorized"
    CAPTURED = "payment.captured"
    DECLINED = "payment.declined"
    UNKNOWN = "payment.unknown"
    REVERSED = "payment.reversed"
    REFUNDED = "payment.refunded"
    EXPIRED = "payment.expired"


class NewWebhook(_Body):
    """Tell this address about these events."""

    url: WebAddress
    events: Annotated[tuple[Event, ...], Field(min_length=1, max_length=len(Event))] = tuple(Event)


class Webhook(_Body):
    id: Annotated[str, Field(pattern=r"^whk_[a-z2-7]{26}$")]
    url: str
    events: tuple[Event, ...]
    secret: str | None = Field(default=None, description="What deliveries are signed with. Told once, when it is made.")
    waiting: int = Field(default=0, description="Deliveries that have not arrived yet.")
    given_up: int = Field(default=0, description="Deliveries that nobody took for three days.")


class WebhookList(_Body):
    webhooks: tuple[Webhook, ...]


class EventBody(_Body):
    """What a webhook receives."""

    id: Annotated[str, Field(pattern=r"^evt_[a-z2-7]{26}$")]
    type: Event
    at: AwareDatetime
    payment: Payment


class NewKey(_Body):
    """Make an API key; it may do no more than the key that makes it."""

    scopes: Annotated[tuple[Scope, ...], Field(min_length=1, max_length=len(Scope))]
    label: Words | None = None


class ApiKey(_Body):
    id: Annotated[str, Field(pattern=r"^key_[a-z2-7]{26}$")]
    scopes: tuple[Scope, ...]
    label: str | None = None
    secret: str | None = Field(default=None, description="The key itself. Told once, when it is made.")


class ApiKeyList(_Body):
    keys: tuple[ApiKey, ...]


class ProblemDocument(BaseModel):
    """What went wrong (RFC 9457). `slug` is for programs, `title` for people."""

    model_config = ConfigDict(extra="forbid")

    type: str
    title: str
    status: int
    slug: str
    detail: str | None = None
    response_code: str | None = Field(default=None, description="DE 39, where the network said something")
    reason: str | None = Field(default=None, description="The reason's slug (DE 44)")
    problems: list[str] | None = Field(default=None, description="Each fault of the request, with its path")
    payment: Payment | None = Field(default=None, description="The payment as it is now")
