"""The bank's desk: what is said to each message, between the frames that came in and those that go out.

Reads a frame, sends each kind of message to its decision, gives the same answer to whoever asks the
same again, and spells the answer. It does not wait and changes nothing: the host makes the effects
true and records them before anything is said.

A request is known by message type (a repeat counts as its first), STAN, DE 7, DE 32 and DE 41. The same
again gets the first answer; the same key about something else is 94.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from issuers import proofs, sandbox
from issuers.advise import advise, complete
from issuers.amounts import ORDINARY, Manner, wish_of
from issuers.ask import Ask, Pin, Tokens
from issuers.bank import Bank, Moment, Proof
from issuers.book import Book, Effect, Given
from issuers.decide import authorize
from issuers.decision import KINDS, MOVES_MONEY, Case, Decision, case_of, decline, refused
from issuers.reverse import reverse
from issuers.script import Features, Playbook
from protocols import codes, subelements
from protocols import elements as de
from protocols import mti as types
from protocols.dialect import Dialect
from protocols.errors import FormatError
from protocols.message import Message
from protocols.participant import SignOn
from protocols.session import CARRIES_TRAFFIC, SIGNALS, LinkState, step

# What an answer 30 may echo of a message that could not be read whole.
_ECHOED: Final = (
    de.PAN,
    de.PROCESSING_CODE,
    de.AMOUNT,
    de.TRANSMITTED_AT,
    de.STAN,
    de.LOCAL_TIME,
    de.LOCAL_DATE,
    de.ACQUIRER_ID,
    de.RRN,
    de.TERMINAL_ID,
    de.CARD_ACCEPTOR_ID,
    de.CURRENCY,
    de.NETWORK_MANAGEMENT_CODE,
    de.ORIGINAL,
)


@dataclass(frozen=True, slots=True)
class Reply:
    """A frame to send, and how."""

    frame: bytes
    manner: Manner = ORDINARY


@dataclass(frozen=True, slots=True)
class Noted:
    """Nothing is said to this: an answer nobody waits for, or what cannot even be declined."""

    reason: str


@dataclass(frozen=True, slots=True)
class Heard:
    """The answer to a 0800 of ours."""

    stan: str
    response_code: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What comes of one request: the answer (none yet while its PIN is verified), and what to record."""

    reply: Reply | None
    effects: tuple[Effect, ...] = ()


Reading = Ask | Message | Reply | Noted | Heard

_DECISIONS: Final[Mapping[str, Callable[[Ask, Book, Bank, Moment], Decision]]] = {
    "0100": authorize,
    "0200": authorize,
    "0120": advise,
    "0220": complete,
    "0400": reverse,
    "0420": reverse,
}
_DONE: Final[Mapping[int, str]] = {de.RESPONSE_CODE: codes.APPROVED}
_REQUESTS: Final = frozenset({"0100", "0200"})


class Desk:
    """One bank's desk; it remembers nothing but its scripts."""

    def __init__(self, bank: Bank, dialect: Dialect, tokens: Tokens) -> None:
        self.bank = bank
        self.playbook = Playbook(bank.scripts)
        self._dialect = dialect
        self._tokens = tokens

    # In

    def read(self, frame: bytes) -> Reading:
        """An `Ask` to be decided, a `Message` of network management, or what can be said at once."""
        try:
            message = self._dialect.decode(frame)
            return self._sorted(message)
        except FormatError as error:
            return self._format_refusal(error)

    def _sorted(self, message: Message) -> Reading:
        mti = message.mti
        if types.mti_class(mti) == types.NETWORK_MANAGEMENT and types.has_answer(mti):
            return message
        if mti == types.answer_to("0800"):
            return Heard(message.stan or "", message.response_code or "")
        if types.is_known(mti) and types.first_of(mti) in _DECISIONS:
            return Ask(message, self._tokens)
        if types.has_answer(mti):
            return Reply(message.answered(_declined("type.unknown")))
        return Noted(f"nothing to say to {types.title(mti)}")

    def _format_refusal(self, error: FormatError) -> Reading:
        """30 with the element named, where so much could be read that the answer finds its request."""
        if error.mti is None or not types.has_answer(error.mti) or de.STAN not in error.readable:
            return Noted(f"cannot be read: {error}")
        echoed = {number: error.readable[number] for number in _ECHOED if number in error.readable}
        answer = echoed | {de.RESPONSE_CODE: "30", de.REASON: error.slug}
        return Reply(self._dialect.encode(types.answer_to(error.mti), answer))

    # Network management

    def manage(self, message: Message, state: LinkState) -> tuple[LinkState, Reply]:
        """Sign-on, sign-off and echo; the link's next state."""
        code = message.network_management_code or ""
        if code not in (codes.SIGN_ON, codes.SIGN_OFF, codes.ECHO):
            return state, Reply(message.answered(_declined("management.unknown")))
        return step(state, SIGNALS[code]), Reply(message.answered(_DONE))

    def asking(self, code: str, stan: int, transmitted_at: str, institution_id: str) -> bytes:
        """A 0800 of ours: sign-on, echo. It says who we are, where the link does not."""
        values = {
            de.TRANSMITTED_AT: transmitted_at,
            de.STAN: f"{stan:06d}",
            de.NETWORK_MANAGEMENT_CODE: code,
            **({de.ACQUIRER_ID: institution_id, de.FORWARDER_ID: institution_id} if institution_id else {}),
        }
        return self._dialect.encode("0800", values)

    def key_answer(self, message: Message, accepted: bool) -> Reply:
        """What is said to a new key."""
        return Reply(message.answered(_DONE if accepted else _declined("key.refused")))

    def link_refusal(self, ask: Ask, state: LinkState) -> Reply | None:
        """58 for whoever must sign on and has not. It has no effect and is not recorded."""
        if self.bank.sign_on is SignOn.OPTIONAL or state in CARRIES_TRAFFIC:
            return None
        return Reply(ask.message.answered(_declined("link.not_signed_on")))

    # Out

    def answer(self, ask: Ask, book: Book, moment: Moment) -> Outcome:
        """Decide one request on the snapshot."""
        given = book.given.get(ask.key)
        if given is not None:
            return self._again(ask, given)
        if ask.script is None and self.playbook and ask.mti in _REQUESTS:
            ask.script = self.playbook.take(_features(ask))
        decision = self._decision(ask, book, moment)
        if decision.ask_hsm:
            return Outcome(None, decision.effects)
        answer = _answer(decision) | _proved(ask, decision)
        booking = ask.booking_key if ask.original_key is None else ask.original_key
        given = Given(ask.key, ask.fingerprint, answer, moment.at, booking)
        return Outcome(self._reply(ask, answer), (*decision.effects, given))

    def differs(self, ask: Ask) -> Reply:
        """94: the key is another request's."""
        return Reply(ask.message.answered(_declined("duplicate.differs")))

    def fault(self, ask: Ask) -> Reply:
        """96: our own mistake, found before anything was changed."""
        return Reply(ask.message.answered(_declined("switch.error")))

    def _again(self, ask: Ask, given: Given) -> Outcome:
        if given.fingerprint != ask.fingerprint:
            return Outcome(self.differs(ask))
        if ask.mti in _REQUESTS:
            ask.script = self.playbook.lasting(_features(ask))
        return Outcome(self._reply(ask, given.answer))

    def _decision(self, ask: Ask, book: Book, moment: Moment) -> Decision:
        if ask.script is not None and ask.script.do == "decline" and ask.booking_key not in book.bookings:
            return _declined_by(ask, case_of(ask, book, self.bank, moment))
        if ask.mti in _REQUESTS and self.bank.books == "amounts":
            return sandbox.authorize(ask, book, self.bank, moment)
        return _DECISIONS[ask.mti](ask, book, self.bank, moment)

    def _reply(self, ask: Ask, answer: Mapping[int, str]) -> Reply:
        manner = self._manner(ask)
        frame = ask.message.answered({**answer, **_spoiled(ask, manner)})
        return Reply(b"\x00" * len(frame) if manner.garbage else frame, manner)

    def _manner(self, ask: Ask) -> Manner:
        """Scripts, and the table of amounts, also say how to answer, and to a repeat in the same way."""
        if ask.script is not None:
            return ask.script.wish.manner
        if not self.bank.amounts or ask.mti not in _REQUESTS or KINDS.get(ask.type) not in MOVES_MONEY:
            return ORDINARY
        return wish_of(self.bank.amounts, ask.transaction_amount).manner


def _features(ask: Ask) -> Features:
    pan = ask.message.pan
    return Features(
        pan.clear() if pan else "",
        ask.transaction_amount,
        ask.transaction_currency,
        ask.card_acceptor_id,
        ask.type,
        ask.mti,
    )


def _declined_by(ask: Ask, case: Case) -> Decision:
    assert ask.script is not None
    code = ask.script.wish.decline_with or "05"
    slug = ask.script.reason or codes.plain_reason(code).slug
    return Decision(code, slug, effects=(decline(case, code, slug),))


def _proved(ask: Ask, decision: Decision) -> dict[int, str]:
    """What the chip is told (DE 55), and whether the three digits were right (DE 48.87)."""
    said = {}
    if (chip := proofs.chip_answer(ask, codes.is_approval(decision.response_code))) is not None:
        said[de.ICC_DATA] = chip
    verdict = ask.proved.get(Proof.CVV2.value)
    if verdict in _CVV2_RESULTS:
        said[de.PRIVATE_DATA] = subelements.pack({subelements.CARD_VERIFICATION_RESULT: _CVV2_RESULTS[verdict]})
    return said


_CVV2_RESULTS: Final = {Pin.RIGHT: "M", Pin.WRONG: "N", Pin.UNKNOWN: "P"}  # matches, does not, not processed


def _spoiled(ask: Ask, manner: Manner) -> dict[int, str]:
    if not manner.wrong_stan:
        return {}
    stan = int(ask.message.stan or "0")
    return {de.STAN: f"{(stan + 500_000) % 1_000_000:06d}"}


def _declined(slug: str) -> dict[int, str]:
    return _answer(refused(slug))


def _answer(decision: Decision) -> dict[int, str]:
    """A decision as the elements that the answer adds to what it echoes."""
    said: dict[int, str | None] = {
        de.RESPONSE_CODE: decision.response_code,
        de.APPROVAL_CODE: decision.approval_code or None,
        de.REASON: decision.reason,
        de.AMOUNT: None if decision.amount is None else f"{decision.amount:012d}",
        de.BILLING_AMOUNT: None if decision.billing_amount is None else f"{decision.billing_amount:012d}",
        de.ADDITIONAL_AMOUNTS: decision.additional_amounts,
    }
    return {number: value for number, value in said.items() if value is not None}
