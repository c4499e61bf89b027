"""What an issuer is owed: a reversal (0420) of what it may have approved, or an advice (0120) of what we approved.

Pure: elements of the message to be sent, made once and never changed afterwards, so that every
repeat is the same message. When it is sent, and how often, is store and forward's business.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from protocols import elements as de
from protocols import subelements
from protocols.codes import APPROVED, reason
from protocols.message import Message
from protocols.original import Original
from switch.instant import Instant
from switch.memory import Past
from switch.request import Request
from switch.story import Debt, Verdict
from switch.transaction import Transaction

REVERSAL, ADVICE = Debt.REVERSAL, Debt.ADVICE

#: Elements of the original that a reversal or advice repeats.
REPEATED = (2, 3, 4, 6, 10, 12, 13, 14, 16, 18, 19, 22, 23, 25, 32, 33, 37, 41, 42, 43, 49, 51)

#: What else of a gateway's advice its issuer hears, and which part of its private data.
TOLD = (de.TRANSMITTED_AT, de.APPROVAL_CODE, de.RESPONSE_CODE)
TOLD_PRIVATELY = (subelements.PAYMENT_FACILITATOR, subelements.COMPLETION_PART)

#: Why an increase of an authorization is undone whose authorization was taken back (reversal reasons).
WITH_ITS_ORIGINAL = "reversal.customer"


#: A request that we have answered ourselves, because all it asks is ours to say, reaches its issuer as an advice.
AS_ADVICE = {"0200": "0220"}


class Owing(NamedTuple):
    """A message owed, less its STAN."""

    mti: str
    elements: dict[int, str]


def creditor(transaction: Transaction, verdict: Verdict) -> str:
    """Who is owed."""
    if verdict.reverses is not None:
        return issuer_of(verdict.reverses)
    if transaction.issuer is not None:  # it was asked, or would have been; who it is, its story decided
        return transaction.issuer
    issued = transaction.request.issued
    assert issued is not None
    return issued.issuer


def values(transaction: Transaction, verdict: Verdict, now: Instant) -> Owing | None:
    """What the end of a story owes, or None."""
    if verdict.debt is None:
        return None
    request = transaction.request
    if verdict.debt is Debt.ADVICE:
        return advice(transaction, verdict, now)
    if verdict.reverses is not None:
        owing = reversal_of(verdict.reverses, "reversal.customer", now)
        if (part := verdict.replacement or request.message.get(de.REPLACEMENT_AMOUNTS)) is not None:
            owing.elements[de.REPLACEMENT_AMOUNTS] = part
        return owing
    seen = as_seen(transaction)
    return reversal(seen, request.mti, transaction.stan or "", None, "reversal.timeout", now)


def as_seen(transaction: Transaction) -> Message:
    """The request as its issuer saw it, or would have."""
    assert transaction.kept_frame is not None
    return transaction.request.message.dialect.decode(transaction.kept_frame)


def advice(transaction: Transaction, verdict: Verdict, now: Instant) -> Owing:
    """A 0120: what was decided in the issuer's place, or what a gateway tells it."""
    request = transaction.request
    if transaction.kept_frame is None:
        return passed_on(request, verdict)
    seen = as_seen(transaction)
    elements = repeated(seen)
    elements |= {
        de.TRANSMITTED_AT: now.transmitted_at(),
        de.APPROVAL_CODE: verdict.approval_code or f"{transaction.number % 1_000_000:06d}",
        de.RESPONSE_CODE: APPROVED,
        de.ORIGINAL: original_of(seen, request.mti, transaction.stan or "").text,
    }
    return Owing("0120", elements)


def passed_on(request: Request, verdict: Verdict) -> Owing:
    """An advice that came in, for the issuer: its own words and DE 7, and what the holder is billed.

    Its DE 90 names an original by numbers that the issuer never saw: one that we know is named by ours.
    """
    told = {n: value for n in (*TOLD, *REPEATED) if (value := request.message.get(n)) is not None}
    if private := told_privately(request.message):
        told[de.PRIVATE_DATA] = private
    if verdict.about is not None:
        told[de.ORIGINAL] = name_of(verdict.about).text
        if verdict.approval_code is not None:
            told[de.APPROVAL_CODE] = verdict.approval_code
    return Owing(AS_ADVICE.get(request.mti, request.mti), told | (verdict.elements or {}))


def told_privately(message: Message) -> str:
    """Of DE 48, what the issuer of an advice is told; nothing that may not be kept."""
    try:
        found = subelements.parse(message.get(de.PRIVATE_DATA) or "")
    except subelements.SubelementError:
        return ""
    return subelements.pack({number: found[number] for number in TOLD_PRIVATELY if number in found})


def name_of(past: Past) -> Original:
    """DE 90 for an earlier transaction, as its issuer knows it."""
    record = past.sent or past.answered
    assert record is not None
    return original_of(past.message, record.mti, record.stan or "")


def reversal_of(past: Past, why: str, now: Instant) -> Owing:
    """A 0420 for an earlier transaction."""
    message, record = past.message, past.sent or past.answered
    assert record is not None
    approval_code = past.answered.approval_code if past.answered else None
    return reversal(message, record.mti, record.stan or "", approval_code, why, now)


def reversal(seen: Message, mti: str, stan: str, approval_code: str | None, why: str, now: Instant) -> Owing:
    """A 0420 for a request as its issuer saw it."""
    elements = repeated(seen)
    elements |= {
        de.TRANSMITTED_AT: now.transmitted_at(),
        de.RESPONSE_CODE: reason(why).response_code,
        de.ORIGINAL: original_of(seen, mti, stan).text,
    }
    if approval_code is not None:
        elements[de.APPROVAL_CODE] = approval_code
    return Owing("0420", elements)


def repeated(seen: Message) -> dict[int, str]:
    """Of the original, what its reversal or advice repeats."""
    return {number: value for number in REPEATED if (value := seen.get(number)) is not None}


def original_of(seen: Message, mti: str, stan: str) -> Original:
    """DE 90: the request by the numbers that its issuer knows it by."""
    acquirer, forwarder = seen.get(de.ACQUIRER_ID) or "", seen.get(de.FORWARDER_ID) or ""
    return Original(mti, stan, seen.get(de.TRANSMITTED_AT) or "0" * 10, acquirer, forwarder)


def issuer_of(past: Past) -> str:
    """The issuer of an earlier transaction that was sent, or stood in for."""
    record: Any = past.sent or past.answered
    issuer: str = record.issuer
    return issuer
