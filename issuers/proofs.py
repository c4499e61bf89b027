"""What shows that card and holder are genuine: stripe, chip, three digits, authentication, cryptogram.

What of it a request carries, what the HSM is asked about it, and what its answers mean. A product says
what is verified where it is carried (`verify`) and what must be carried (`demands`). Pure; nothing of
what is read here may be kept, printed or booked.

Track 2 after its separator (the schemes' common layout): expiry 4, service code 3, PVKI 1, PVV 4, CVV 3.
What a CAVV is made of stands in `cavv`; whether it was used before, the books say.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from issuers import cavv
from issuers.ask import Ask, Pin
from issuers.bank import Bank, BankKeys, Product, Proof
from issuers.book import Card
from protocols import codes, subelements, tlv
from protocols import elements as de
from protocols.channel import Channel
from protocols.errors import FormatError
from protocols.hsm import HsmAnswer
from protocols.pan import Pan, is_digits

ICVV_SERVICE_CODE: Final = "999"
CVV2_SERVICE_CODE: Final = "000"
PIN: Final = "pin"
ARPC_APPROVED: Final = "arpc.approved"
ARPC_DECLINED: Final = "arpc.declined"
ARC: Final = {"approved": b"00", "declined": b"05"}  # what the chip is told, EMV tag 8A
PIN_BLOCK_FORMAT: Final = "01"  # ISO 9564-1 format 0
DECIMALISATION: Final = "0123456789012345"
CHIP_ENTRY: Final = ("05", "07")
STRIPE_ENTRY: Final = ("02", "90", "91", "80")

# What the HSM can say about a PIN: verified, the same by a key longer than need be, not verified, no PIN in the
# block, PIN of a strange length. A block that decrypts to noise is a wrong PIN like any other. Whatever else it
# says is about our question.
PIN_VERDICTS: Final = {"00": Pin.RIGHT, "02": Pin.RIGHT, "01": Pin.WRONG, "20": Pin.WRONG, "24": Pin.WRONG}
PROOF_VERDICTS: Final = {"00": Pin.RIGHT, "01": Pin.WRONG}

REFUSALS: Final = {
    Proof.CVV: "cvv.mismatch",
    Proof.ICVV: "icvv.mismatch",
    Proof.CVV2: "cvv2.mismatch",
    Proof.CAVV: "cavv.mismatch",
    Proof.ARQC: "arqc.mismatch",
}
MISSING: Final = {proof: f"{proof.value}.missing" for proof in Proof}

Fields = dict[str, str | bytes]


class Question(NamedTuple):
    """One host command, and what its answer is about."""

    about: str
    command: str
    fields: Fields

    def __repr__(self) -> str:
        return f"<Question {self.command} about {self.about}>"


class Chip(NamedTuple):
    """What a cryptogram was made over, as tags 9F26, 9F36 and the rest have it."""

    arqc: bytes
    atc: bytes
    unpredictable: bytes
    data: bytes

    def __repr__(self) -> str:
        return "<Chip>"


# What a request carries


def offered(ask: Ask) -> frozenset[Proof]:
    """The proofs that a request carries."""
    found = set()
    if stripe(ask) is not None:
        found.add(Proof.ICVV if _entry(ask) in CHIP_ENTRY else Proof.CVV)
    private = ask.private
    if private.get(subelements.CARD_VERIFICATION_CODE):
        found.add(Proof.CVV2)
    if private.get(subelements.AUTHENTICATION_VALUE):
        found.add(Proof.CAVV)
    if de.ICC_DATA in ask.message and _has_cryptogram(ask):
        found.add(Proof.ARQC)
    return frozenset(found)


def to_verify(ask: Ask, product: Product) -> frozenset[Proof]:
    """Those that the product wants verified. An advice is never asked about: it has happened."""
    wanted = product.verify | product.demands
    return wanted & offered(ask) if wanted else frozenset()


def missing(ask: Ask, product: Product) -> str | None:
    """A proof that must be there and is not: which one depends on how the number came in."""
    if not product.demands:
        return None
    due = _due(ask) & product.demands
    absent = sorted(due - offered(ask))
    return MISSING[absent[0]] if absent else None


def _due(ask: Ask) -> frozenset[Proof]:
    if ask.channel is Channel.ECOMMERCE:
        return frozenset({Proof.CVV2, Proof.CAVV})
    if _entry(ask) in CHIP_ENTRY:
        return frozenset({Proof.ICVV, Proof.ARQC})
    if _entry(ask) in STRIPE_ENTRY:
        return frozenset({Proof.CVV})
    return frozenset({Proof.CVV2}) if ask.channel in (Channel.MOTO, Channel.KEYED) else frozenset()


def _entry(ask: Ask) -> str:
    return (ask.message.get(de.POS_ENTRY_MODE) or "")[:2]


def stripe(ask: Ask) -> tuple[str, str, str] | None:
    """Expiry, service code and CVV of track 2, or None."""
    _, separator, rest = (ask.message.get(de.TRACK_2) or "").replace("D", "=").partition("=")
    if not separator or len(rest) < 15 or not is_digits(rest[:15]):
        return None
    return rest[:4], rest[4:7], rest[12:15]


def _has_cryptogram(ask: Ask) -> bool:
    try:
        return _tags(ask).get(tlv.CRYPTOGRAM) is not None
    except FormatError:
        return True  # broken chip data are a proof that will not hold


def _tags(ask: Ask) -> dict[str, bytes]:
    return {one.tag: one.value for one in ask.message.chip_data if not one.is_constructed}


# Over these a cryptogram is made (EMV Book 2, 8.1.1): amounts, country, verification results, currency, date, type,
# unpredictable number, interchange profile, counter, and the chip's own results.
SIGNED: Final = ("9F02", "9F03", "9F1A", "95", "5F2A", "9A", "9C", "9F37", "82", "9F36")
APPLICATION_DATA: Final = "9F10"
VIS, MCHIP = "vis", "mchip"
_RESULTS_AT: Final = {VIS: slice(3, 7), MCHIP: slice(2, 8)}  # where the application data have the chip's results
_SCHEMES: Final = {VIS: "0", MCHIP: "1"}  # of KQ


def chip(ask: Ask, scheme: str = VIS) -> Chip | None:
    """What the HSM needs to know to verify the cryptogram; None where a tag is missing or broken."""
    try:
        tags = _tags(ask)
        data = b"".join(tags[tag] for tag in SIGNED) + tags[APPLICATION_DATA][_RESULTS_AT[scheme]]
        return Chip(tags[tlv.CRYPTOGRAM], tags["9F36"], tags["9F37"], data)
    except (FormatError, KeyError):
        return None


# What the HSM is asked


def questions(ask: Ask, card: Card, bank: Bank, zpk: str | None) -> list[Question]:
    """All that is to be asked about a request, side by side. What no key is there for answers itself: unknown."""
    product = bank.products[card.product]
    found = list(_pin_questions(ask, card, bank.keys, product, zpk))
    for proof in sorted(to_verify(ask, product)):
        found += _about_arqc(ask, bank.keys, product.chip) if proof is Proof.ARQC else _ABOUT[proof](ask, bank.keys)
    return found


def _pin_questions(ask: Ask, card: Card, keys: BankKeys, product: Product, zpk: str | None) -> Iterator[Question]:
    """Verify the PIN; where it is to be changed, the same question makes the new value."""
    pan = ask.message.pan
    if ask.pin is not Pin.UNVERIFIED or pan is None or zpk is None:
        return
    fields: Fields = {"pin_block": ask.message.pin_block or "", "format": PIN_BLOCK_FORMAT, "account": pan.account12}
    if product.pin == "offset" and keys.pin_verification:
        verify, change = "EA", "DU"
        fields |= {**_offset_fields(keys, pan), "offset": card.offset or ""}
    elif product.pin == "pvv" and keys.pvk:
        verify, change = "EC", "CU"
        fields |= {"pvk": keys.pvk, "pvki": keys.pvki, "pvv": card.pvv or ""}
    else:
        return
    if ask.type == codes.PIN_CHANGE:
        new: Fields = {"key_type": "001", "key": zpk, "new_pin_block": new_pin_block(ask) or ""}
        yield Question(PIN, change, fields | new)
    else:
        yield Question(PIN, verify, {**fields, "zone_key": zpk})


def new_pin_block(ask: Ask) -> str | None:
    """DE 48.93: the PIN that is to be, under the same key as the old one."""
    block = ask.private.get(subelements.NEW_PIN_BLOCK, "")
    return block if len(block) == 16 and set(block) <= set("0123456789ABCDEF") else None


def _offset_fields(keys: BankKeys, pan: Pan) -> Fields:
    return {
        "pvk": keys.pin_verification or "",
        "decimalisation_table": DECIMALISATION,
        "validation_data": pan.clear()[:10] + "N" + pan.clear()[-1],  # N: where the account's last digits go
    }


def making(keys: BankKeys, pan: Pan, pin_under_lmk: str, way: str) -> Question:
    """What makes a PVV or an offset of a PIN; `about` is the field of the answer that has it."""
    common: Fields = {"pin_under_lmk": pin_under_lmk, "account": pan.account12}
    if way == "offset":
        return Question("offset", "DE", {**common, **_offset_fields(keys, pan)})
    return Question("pvv", "DG", {**common, "pvk": keys.pvk or "", "pvki": keys.pvki})


def _cvv_question(proof: Proof, key: str | None, ask: Ask, expiry: str, service_code: str, cvv: str) -> list[Question]:
    pan = ask.message.pan
    if key is None or pan is None:
        return []
    fields: Fields = {"cvk": key, "cvv": cvv, "pan": pan.clear(), "expiry": expiry, "service_code": service_code}
    return [Question(proof.value, "CY", fields)]


def _about_cvv(ask: Ask, keys: BankKeys) -> list[Question]:
    expiry, service_code, cvv = stripe(ask) or ("0000", "000", "000")
    return _cvv_question(Proof.CVV, keys.cvk, ask, expiry, service_code, cvv)


def _about_icvv(ask: Ask, keys: BankKeys) -> list[Question]:
    expiry, _, cvv = stripe(ask) or ("0000", "000", "000")
    return _cvv_question(Proof.ICVV, keys.cvk, ask, expiry, ICVV_SERVICE_CODE, cvv)


def _about_cvv2(ask: Ask, keys: BankKeys) -> list[Question]:
    code = ask.private.get(subelements.CARD_VERIFICATION_CODE, "")
    if len(code) != 3 or not is_digits(code):
        return [_wrong(Proof.CVV2)]
    return _cvv_question(Proof.CVV2, keys.cvk, ask, ask.expiry or "0000", CVV2_SERVICE_CODE, code)


def _about_cavv(ask: Ask, keys: BankKeys) -> list[Question]:
    """The indicator of DE 48.42 may claim no more than the CAVV proves."""
    private = ask.private
    parts = cavv.read(private.get(subelements.AUTHENTICATION_VALUE, ""))
    if parts is None or not cavv.bears(parts, private.get(subelements.ELECTRONIC_COMMERCE_INDICATOR)):
        return [_wrong(Proof.CAVV)]
    return _cvv_question(Proof.CAVV, keys.cavk or keys.cvk, ask, parts.unpredictable, parts.results, parts.value)


def _about_arqc(ask: Ask, keys: BankKeys, scheme: str) -> list[Question]:
    """Verify, with the answer for an approval; and the answer for a decline, which nobody knows yet either."""
    found, pan = chip(ask, scheme), ask.message.pan
    if found is None:
        return [_wrong(Proof.ARQC)]
    if keys.mk_ac is None or pan is None:
        return []
    sequence = (ask.message.get(de.CARD_SEQUENCE) or "")[-2:].rjust(2, "0")
    common: Fields = {
        "scheme": _SCHEMES[scheme],
        "mk_ac": keys.mk_ac,
        "pan_block": bytes.fromhex((pan.clear() + sequence)[-16:].rjust(16, "0")),
        "atc": found.atc,
        "unpredictable_number": found.unpredictable,
        "arqc": found.arqc,
    }
    verify: Fields = {**common, "mode": "1", "data": found.data, "arc": ARC["approved"]}
    return [
        Question(ARPC_APPROVED, "KQ", verify),
        Question(ARPC_DECLINED, "KQ", {**common, "mode": "2", "arc": ARC["declined"]}),
    ]


def _wrong(proof: Proof) -> Question:
    """What needs no HSM to be wrong."""
    return Question(proof.value, "", {})


_ABOUT: Final = {
    Proof.CVV: _about_cvv,
    Proof.ICVV: _about_icvv,
    Proof.CVV2: _about_cvv2,
    Proof.CAVV: _about_cavv,
}


# What its answers mean


def hear(ask: Ask, question: Question, answer: HsmAnswer | None) -> bool:
    """Note what the HSM has said; None: it has said nothing. Whether the question was one that it takes."""
    error = answer.error if answer else None
    if question.about == PIN:
        ask.pin = PIN_VERDICTS.get(error or "", Pin.UNKNOWN)
        if answer is not None and ask.pin is Pin.RIGHT:
            ask.made = answer.fields.get("new_pvv") or answer.fields.get("new_offset")
        return answer is None or ask.pin is not Pin.UNKNOWN
    if question.about == ARPC_DECLINED:
        if answer and answer.done:
            ask.arpc["declined"] = _bytes(answer, "arpc")
        return True
    if question.about == ARPC_APPROVED:
        if answer and answer.done:
            ask.arpc["approved"] = _bytes(answer, "arpc")
        ask.proved[Proof.ARQC.value] = PROOF_VERDICTS.get(error or "", Pin.UNKNOWN)
        return answer is None or error in PROOF_VERDICTS
    verdict = PROOF_VERDICTS.get(error or "", Pin.UNKNOWN) if question.command else Pin.WRONG
    ask.proved[question.about] = verdict
    return answer is None or verdict is not Pin.UNKNOWN


def _bytes(answer: HsmAnswer, name: str) -> bytes:
    return answer.fields[name].encode("latin-1")


def complete(ask: Ask, product: Product) -> None:
    """All has been asked: what was to be verified and got no answer is unknown."""
    ask.all_asked = True
    if ask.pin is Pin.UNVERIFIED:
        ask.pin = Pin.UNKNOWN
    for proof in to_verify(ask, product):
        ask.proved.setdefault(proof.value, Pin.UNKNOWN)


def refusal(ask: Ask, card: Card) -> str | None:
    """The first proof that does not hold, or that nobody could verify. An old cryptogram is a wrong one."""
    for proof in Proof:
        verdict = ask.proved.get(proof.value)
        if verdict is Pin.WRONG:
            return REFUSALS[proof]
        if verdict is Pin.UNKNOWN:
            return "hsm.down"
    counter = chip_counter(ask)
    return REFUSALS[Proof.ARQC] if counter is not None and counter <= card.chip_counter else None


def chip_counter(ask: Ask) -> int | None:
    """The transaction counter of a chip whose cryptogram was right."""
    if ask.proved.get(Proof.ARQC.value) is not Pin.RIGHT:
        return None
    found = chip(ask)
    return int.from_bytes(found.atc, "big") if found else None


def chip_answer(ask: Ask, approved: bool) -> str | None:
    """DE 55 of the answer: tag 91 with the ARPC and what it says, and tag 8A; None where the chip was not verified."""
    word = "approved" if approved else "declined"
    arpc = ask.arpc.get(word)
    if arpc is None:
        return None
    return (b"\x91\x0a" + arpc + ARC[word] + b"\x8a\x02" + ARC[word]).hex().upper()
