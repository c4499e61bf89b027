"""Writes `interface.md`, the interface specification: `python -m docs.interface`.

What is a table in the code is a table here, so that the page cannot say otherwise; what is prose
stands here. A test holds the file against what is written, and decodes every example on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from protocols import channel, codes, dialects, framings, session, subelements
from protocols import elements as de
from protocols.codec.layout import ECHOED
from protocols.dialects import dialect_named
from protocols.elements import ELEMENTS, Element, Kind
from protocols.framing import FRAME_MAX, framing_named
from protocols.mti import MESSAGE_TYPES, has_answer
from protocols.participant import Deadlines
from protocols.runtime.dialer import BACK_OFF_FIRST_S, BACK_OFF_MAX_S
from protocols.runtime.link import FRAME_TIMEOUT_S, WRITE_TIMEOUT_S
from switch.core import REJECTS_A_MINUTE_MAX
from switch.inspection import inspect_frame
from switch.issuer_answer import TOLD
from switch.mandatory import MANDATORY
from switch.saf import FIRST_WAIT_S, LONGEST_WAIT_S
from switch.stories.administrative import ADMINISTRATIVE
from switch.stories.network_management import TAKEN
from switch.totals import SPOKEN

PAGE = Path(__file__).with_suffix(".md")

MONEY = ("0100", "0120", "0200", "0220", "0400", "0420")  # message types about a payment that a gateway may begin
COLUMNS = (*MONEY, "0500", "0800")

#: Conditional elements: what makes a gateway send one. The rest is optional and travels on to the issuer.
CONDITIONS: Mapping[int, str] = {
    de.LOCAL_TIME: "time at the terminal; not in 0800",
    de.LOCAL_DATE: "date at the terminal; not in 0800",
    de.EXPIRY: "where the card's product looks at it; never in an answer",
    de.MERCHANT_TYPE: "where the card acceptor is not one the network knows; a known one keeps its own",
    de.POS_ENTRY_MODE: "how the number came in: decides the channel, see below",
    de.POS_CONDITION_CODE: "the circumstances: decides the channel, see below",
    de.ACQUIRER_ID: "the bank that has the contract with the merchant; in a sign-on, the acquirer that signs on",
    de.FORWARDER_ID: "a gateway that is not the bank itself; in a sign-on, the gateway that signs on",
    de.TRACK_2: "where the stripe was read; must be of the card in DE 2; never in an answer",
    de.RRN: "where the sender makes one; else the switch does (YDDDHHNNNNNN)",
    de.RESPONSE_CODE: "0120, 0220 and 0400/0420: what was decided, or why it is reversed",
    de.APPROVAL_CODE: "0120, 0220 and 0400/0420: of the approval that is meant",
    de.CARD_ACCEPTOR_ID: "always, but on the laboratory port",
    de.PRIVATE_DATA: "subelements, see below",
    de.PIN_BLOCK: "where a PIN was entered: ISO 9564-1 format 0 under the zone PIN key; never in an answer",
    de.ICC_DATA: "where a chip was read: BER-TLV; the issuer's own travels back in the answer",
    de.ORIGINAL: "reversals: the message that is meant; 0220: the authorization that it completes",
    de.REPLACEMENT_AMOUNTS: "partial reversals: what remains",
    de.NETWORK_MANAGEMENT_CODE: "0800",
    **dict.fromkeys((de.SETTLEMENT_DATE, de.SETTLEMENT_CURRENCY, *SPOKEN), "0500 and 0520, see Reconciliation"),
}
NOT_IN = {  # where a conditional element has no business
    "0800": frozenset(CONDITIONS) - {de.ACQUIRER_ID, de.FORWARDER_ID, de.NETWORK_MANAGEMENT_CODE},
    "0500": frozenset(CONDITIONS) - {de.SETTLEMENT_DATE, de.SETTLEMENT_CURRENCY, *SPOKEN},
    **dict.fromkeys(
        MONEY, frozenset({de.NETWORK_MANAGEMENT_CODE, de.SETTLEMENT_DATE, de.SETTLEMENT_CURRENCY, *SPOKEN})
    ),
}
REVERSALS_ONLY = frozenset({de.REPLACEMENT_AMOUNTS})
NAMES_AN_ORIGINAL = frozenset({"0220", "0400", "0420"})
TELLS_AN_OUTCOME = frozenset({de.RESPONSE_CODE, de.APPROVAL_CODE})  # an advice or a reversal does, a request does not

# --- the prose

INTRODUCTION = """# Interface specification

For whoever connects a gateway, an acquirer's host or an issuer's host to the network. ISO 8583:1987 is assumed to be
known; what this network makes of it stands here. What is agreed per participant (dialect, framing, deadlines, keys)
is in [participants.md](participants.md), and how to find out what two hosts disagree about in [doctor.md](doctor.md).

M means mandatory (without it: 30 and `missing.deN`), C conditional, O optional, E echoed from the request as received.
"""

MATCHING = """## Matching, repeats, reversals

A request is known by who asks, the class of its message type, DE 11, DE 41 and DE 7.

- *Repeat.* The same key and the same DE 2, 3, 4 and 49 get the first answer again, or wait for it if it is still on its
  way; the issuer sees one request. The same key with another card, amount, currency or kind is refused with 94.
- *The switch's own numbers.* An issuer sees a DE 11 of the switch's, unique while outstanding; the asker's comes back
  in the answer. An answer matches by issuer, message type and DE 11, and must agree in DE 4 and 41 where it has them.
- *Reversal.* 0400 and 0420 name the original in DE 90 (message type 4, DE 11 6, DE 7 10, acquirer 11, forwarder 11;
  both institutions all zeros mean "not stated"). They are answered 00 as soon as they are on disk; the issuer hears of
  it through store and forward. A second reversal gets the same answer and moves nothing. A 0420 is always
  acknowledged; a 0400 may be refused. DE 95 reverses a part: its first twelve digits are what remains.
- *Completion.* A 0220 says what a shop takes of what a 0100 reserved, and names that 0100 in DE 90; without DE 90 it
  tells of a refund or a sale that has happened. It is refused only for its format, its MAC, or because it cannot be
  kept. The issuer hears of it through store and forward, its original by the numbers that the issuer knows. More than
  was reserved, a second one, one after a reversal: acknowledged all the same, and people are told.
- *A request that was reversed before it arrived* is refused with 94 `reversed.first`.
- *Silence.* An issuer that does not answer in time: stand-in where the product allows (a 0120 follows), else 91, and a
  0420 follows. An answer that comes late and approves is reversed too.
- *Undelivered.* An approval that cannot be handed over is reversed at the issuer; a repeat hears 68
  `reversed.undelivered`.
"""

RECONCILIATION = """## Reconciliation

A 0500 or 0520 carries what its sender counted on a business date (DE 15, today without it) in one currency (DE 50,
else DE 49, else the agreed one), in any of DE 74 to 81, 86 to 89 and 97; the answer carries our totals in all of
them. Gateways and acquirers hear what they asked, in the currency of the transaction; issuers what they approved, in
the holder's.

Credits are 02xx with a DE 3 from 20 to 29, transfers 40 to 49, debits the rest; inquiries 30 to 39 and authorizations
(01xx) are counted and weigh nothing. DE 97 is credits less debits, reversals the other way round: C or D as the
cardholders' accounts see it. DE 66 is 1 in balance and 2 out of balance; then a 0500 is answered 95 `totals.differ`,
and a 0520 is acknowledged all the same. Who sends no totals only hears ours.

A 0600 or 0620 (somebody could not use what it got) is acknowledged and logged. A 0820 is logged and not answered.
"""

BAD_INPUT = f"""## What bad input gets

| input | answer |
|---|---|
| an element is broken or missing | the answer's message type, DE 39 = 30, the element in DE 44; the link stays |
| not even DE 11 could be read | 0620 with 30; more than {REJECTS_A_MINUTE_MAX} a minute close the link |
| a message type that the network has not, or not on this link | 12 `type.unknown`, in its own answer or a 0620 |
| an answer nobody asked for | nothing; it is logged and counted |
| a length of zero, above {FRAME_MAX} bytes, or no number; TLS, HTTP or SSH on the plain port | the link is closed |
| before signing on, where the agreement requires it | 58 `link.not_signed_on` |

The order of refusals, of which the first that applies is the answer: format 30, link 58, duplicate 94, check digit 14,
no such prefix 15, product 57 or 61, merchant and terminal 03 or 58, then the issuer's own.
"""


# --- the page


def page() -> str:
    """The whole of it."""
    parts = (
        INTRODUCTION,
        *_transport(),
        *_messages(),
        *_values(),
        MATCHING,
        RECONCILIATION,
        *_timers(),
        *_answers(),
        BAD_INPUT,
    )
    return "\n".join((*parts, *_dictionary(), *_examples())).rstrip() + "\n"


def table(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A table of Markdown, with an empty line after it."""
    heads = list(columns)
    lines = [heads, ["---"] * len(heads), *([str(cell).replace("|", "\\|") for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _transport() -> Iterator[str]:
    yield (
        "## Transport\n\nTCP, or mutual TLS where agreed; gateways dial the switch, and the switch dials issuers. "
        "Any cut of the stream into segments is the same to us.\n"
    )
    named = [framing_named(name) for name in framings.names()]
    yield table(("framing", "what is in front of a message"), ((f"`{one.name}`", one.title) for one in named))
    spoken = [dialect_named(name) for name in dialects.names()]
    yield table(("dialect", "what it is"), ((f"`{one.name}`", one.title) for one in spoken))
    yield (
        "### The life of a link\n\nA 0800 moves a link from state to state. A step that is not in the table is refused "
        "with 58, any other DE 70 with 12 `management.unknown`.\n"
    )
    signals = {code: one for code, one in session.SIGNALS.items() if one in TAKEN}
    yield table(
        ("state", *(f"{one} ({code})" for code, one in signals.items())),
        ([state, *(row.get(one, "–") for one in signals.values())] for state, row in session.TRANSITIONS.items()),
    )


def _messages() -> Iterator[str]:
    yield "## Message types\n"
    yield table(("type", "meaning", "answer", "from a gateway"), map(_message_row, MESSAGE_TYPES))
    yield (
        "## Elements of requests and advices\n\n"
        "A repeat (0101, 0121, 0201, 0401, 0421) has the elements of its first. What is not listed is optional and "
        "travels on to the issuer as it came.\n"
    )
    yield table(("DE", "element", *COLUMNS, "when"), map(_request_row, _mentioned()))
    yield "## Elements of answers\n\nNothing else comes back: never DE 14, 35, 45, 52 or the code in DE 48.92.\n"
    yield table(("DE", "element", "", "when"), _answer_rows())


def _message_row(mti: str) -> tuple[str, str, str, str]:
    row = MESSAGE_TYPES[mti]
    first = f"{mti[:3]}0"
    taken = "taken" if first in {*MANDATORY, *ADMINISTRATIVE, "0820"} else "12" if has_answer(mti) else "–"
    return mti, row.title, row.answer or "–", taken


def _mentioned() -> list[int]:
    return sorted({number for numbers in MANDATORY.values() for number in numbers} | CONDITIONS.keys())


def _request_row(number: int) -> list[object]:
    marks = [_mark(number, mti) for mti in COLUMNS]
    return [number, ELEMENTS[number].title, *marks, CONDITIONS.get(number, "")]


def _mark(number: int, mti: str) -> str:
    if number in MANDATORY[mti]:
        return "M"
    is_reversal, tells = mti[1] == "4", mti[1] == "4" or mti[2] == "2"
    if number in NOT_IN[mti] or number not in CONDITIONS:
        return "–"
    if number == de.ORIGINAL and mti not in NAMES_AN_ORIGINAL:
        return "–"
    if (number in REVERSALS_ONLY and not is_reversal) or (number in TELLS_AN_OUTCOME and not tells):
        return "–"
    return "C"


def _answer_rows() -> Iterator[tuple[object, ...]]:
    when = {
        de.RESPONSE_CODE: "the outcome",
        de.APPROVAL_CODE: "approvals",
        de.REASON: "everything but an approval in full: why, as a word (see Reasons)",
        de.ADDITIONAL_AMOUNTS: "balances, or with 10 the amount that was asked for",
        de.ICC_DATA: "what the issuer says to the chip",
        de.BILLING_AMOUNT: "what the holder is billed, where that is another currency",
        de.BILLING_RATE: "the same", de.CONVERSION_DATE: "the same", de.BILLING_CURRENCY: "the same",
    }  # fmt: skip
    for number in sorted(ECHOED | when.keys() | set(TOLD)):
        mark = "M" if number == de.RESPONSE_CODE else "E" if number in ECHOED else "C"
        why = when.get(number, "smaller only with 10" if number == de.AMOUNT else "")
        yield number, ELEMENTS[number].title, mark, why


def _values() -> Iterator[str]:
    yield "## Values\n\n### Processing code (DE 3), first two digits\n"
    yield table(("code", "kind"), codes.TRANSACTION_TYPES.items())
    yield "### Network management (DE 70)\n"
    yield table(("code", "meaning"), codes.NETWORK_MANAGEMENT_TITLES.items())
    yield f"### Channel (DE 3, 18, 22, 25, 48.42)\n\n{_channel_rules()}\n"
    yield table(("DE 22", "the card was read by"), channel.CARD_READ.items())
    yield "### Private data (DE 48)\n\nA run of id (2 digits), length (2 digits), value. An id comes once.\n"
    known = subelements.SUBELEMENTS.items()
    secret = subelements.SECRET
    yield table(
        ("id", "what it is", ""), ((n, name, "never stored, never shown" if n in secret else "") for n, name in known)
    )
    yield (
        "Amounts are in minor units of their currency by ISO 4217 (KWD three digits, AED two, JPY none). "
        "DE 7 is UTC, DE 12 and 13 are local.\n"
    )


def _channel_rules() -> str:
    """The numbered rules, as the code's own opening has them."""
    text = channel.__doc__ or ""
    return text[text.index("1. ") :].rstrip() + "\n"


def _timers() -> Iterator[str]:
    yield "## Timers\n\nDefaults; the first four are agreed per participant and shrink inwards.\n"
    agreed = Deadlines()
    yield table(
        ("what", "seconds"),
        (
            ("a gateway waits for an answer", f"{agreed.gateway_s:g}"),
            ("an acquirer's host waits", f"{agreed.acquirer_s:g}"),
            ("the switch waits for an issuer", f"{agreed.issuer_s:g}"),
            ("the switch waits for the HSM", f"{agreed.hsm_s:g}"),
            ("a frame, from its first byte to its last", f"{FRAME_TIMEOUT_S:g}"),
            ("a peer that takes nothing of what we send", f"{WRITE_TIMEOUT_S:g}"),
            ("dialling again", f"{BACK_OFF_FIRST_S:g} to {BACK_OFF_MAX_S:g}"),
            ("a stored advice or reversal is sent again after", f"{FIRST_WAIT_S:g} to {LONGEST_WAIT_S:g}"),
        ),
    )


def _answers() -> Iterator[str]:
    yield "## Response codes (DE 39)\n"
    yield table(
        ("1987", "1993", "meaning"),
        ((code, codes.spelled(code, "1", "0110"), name) for code, name in codes.RESPONSE_TITLES.items()),
    )
    yield (
        "## Reasons (DE 44)\n\nAlso `format.deN` and `missing.deN` with 30, and `merchant_type.NNNN` with 57. "
        "*Again*: the same request may succeed a little later.\n"
    )
    yield table(("reason", "DE 39", "meaning", ""), map(_reason_row, codes.REASONS.values()))
    yield "## Why a reversal is sent (DE 39 of a 0400 or 0420)\n"
    yield table(("reason", "DE 39", "meaning", ""), map(_reason_row, codes.REVERSAL_REASONS.values()))


def _reason_row(reason: codes.Reason) -> tuple[str, str, str, str]:
    return f"`{reason.slug}`", reason.response_code, reason.title, "again" if reason.retry else ""


def _dictionary() -> Iterator[str]:
    yield "## Data elements\n\nIn `iso87_ascii`; `..` is a length of two digits in front, `...` of three.\n"
    yield table(("DE", "element", "format", "seen"), map(_element_row, ELEMENTS.values()))


def _element_row(element: Element) -> tuple[object, ...]:
    unit = " bytes" if element.kind is Kind.B else ""
    dots = {0: "", 2: "..", 3: "..."}[element.prefix]
    return (
        element.number,
        element.title,
        f"{element.kind.value} {dots}{element.length}{unit}",
        element.sensitivity.value,
    )


# --- examples: what a laboratory gateway says, and what it hears

PURCHASE = {
    2: "4111111111111111", 3: "000000", 4: "000000010000", 7: "1118110640", 11: "000001", 12: "140640", 13: "1118",
    14: "2912", 18: "5732", 22: "812", 25: "59", 32: "784001", 37: "632211000001", 41: "LAB00001",
    42: "LABORATORY00001", 49: "784",
}  # fmt: skip
REVERSAL = {
    **{number: PURCHASE[number] for number in (2, 3, 4, 12, 13, 32, 37, 41, 42, 49)},
    7: "1118110700", 11: "000002", 39: "17", 90: "010000000111181106400000078400100000000000",
}  # fmt: skip
ECHO = {7: "1118110640", 11: "000001", 70: "301"}

#: Title -> the request, and what its answer says beyond the echo.
EXAMPLES: Mapping[str, tuple[str, Mapping[int, str], Mapping[int, str]]] = {
    "An echo": ("0800", ECHO, {39: "00"}),
    "A purchase on the internet, approved": ("0100", PURCHASE, {38: "A1B2C3", 39: "00"}),
    "The same for more than there is": ("0100", {**PURCHASE, 4: "000000001051", 11: "000003"}, {39: "51", 44: "funds"}),
    "A card number that is mistyped": (
        "0100",
        {**PURCHASE, 2: "4111111111111112", 11: "000004"},
        {39: "14", 44: "pan.luhn"},
    ),
    "A purchase without a terminal": (
        "0100",
        {number: value for number, value in PURCHASE.items() if number != de.TERMINAL_ID},
        {39: "30", 44: "missing.de41"},
    ),
    "The purchase taken back": ("0400", REVERSAL, {39: "00"}),
}


def example(title: str) -> tuple[bytes, bytes]:
    """Request and answer as frames."""
    mti, values, says = EXAMPLES[title]
    request = dialect_named("iso87_ascii").encode(mti, values)
    return request, dialect_named("iso87_ascii").decode(request).answered(says)


def _examples() -> Iterator[str]:
    yield (
        "## Examples\n\nIn `iso87_ascii` with `len2`, hexadecimal, the length included. `payswitch inspect` takes each "
        "apart. The cards are test cards and nobody's.\n"
    )
    packed = framing_named("len2").pack
    for title in EXAMPLES:
        yield f"### {title}\n"
        for frame in example(title):
            one = inspect_frame("iso87_ascii", frame)
            said = " ".join(f"{row.number}={row.value.strip()}" for row in one.rows)
            yield f"{one.mti}, {one.title}: `{said}`\n\n```hex\n{_lines(packed(frame).hex())}\n```\n"


def _lines(text: str) -> str:
    return "\n".join(text[at : at + 96] for at in range(0, len(text), 96))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
