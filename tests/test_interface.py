"""The interface specification says what the code does: it is what the tables give, and its examples happen."""

from __future__ import annotations

import re

import pytest

from docs.interface import EXAMPLES, PAGE, PURCHASE, example, page
from protocols import codes
from protocols.dialects import dialect_named
from protocols.framing import framing_named
from switch.mandatory import MANDATORY
from tests.switch.desk import Desk

ASCII = dialect_named("iso87_ascii")
WRITTEN = PAGE.read_text(encoding="utf-8")


def test_the_page_is_what_the_tables_give() -> None:
    assert page() == WRITTEN, "write it anew: python -m docs.interface"


def test_every_example_decodes_with_nothing_left_over() -> None:
    blocks = re.findall(r"```hex\n([0-9a-f\n]+)```", WRITTEN)
    assert len(blocks) == 2 * len(EXAMPLES)
    for block in blocks:
        framer = framing_named("len2").framer()
        (frame,) = framer.feed(bytes.fromhex(block))
        assert framer.waiting == 0
        message = ASCII.decode(frame)
        assert ASCII.encode(message.mti, dict(message.items())) == frame


def test_every_example_is_what_the_switch_says() -> None:
    """In their order, as one conversation: the sandbox approves, and declines the amount that it declines."""
    desk = Desk()
    issuer, gateway = desk.issuer(), desk.gateway()
    for title in EXAMPLES:
        request, answer = example(title)
        desk.frames(gateway, request)
        if desk.silent(gateway):
            says = ASCII.decode(answer)
            desk.answers(issuer, desk.hears(issuer), says.response_code or "", reason=says.reason)
        heard = desk.hears(gateway)
        assert dict(heard.items()) == dict(ASCII.decode(answer).items()), title
        assert heard.mti == ASCII.decode(answer).mti


@pytest.mark.parametrize("mti", ["0100", "0120", "0200"])
def test_what_is_called_mandatory_is_missed(mti: str) -> None:
    for number in MANDATORY[mti]:
        desk = Desk()
        gateway = desk.gateway()
        desk.frames(gateway, ASCII.encode(mti, {n: value for n, value in PURCHASE.items() if n != number}))
        heard = desk.hears(gateway)
        assert (heard.response_code, heard.reason) == ("30", f"missing.de{number}")


def test_every_reason_and_every_response_code_is_on_the_page() -> None:
    for slug in (*codes.REASONS, *codes.REVERSAL_REASONS):
        assert f"`{slug}`" in WRITTEN
    for code in codes.RESPONSE_TITLES:
        assert f"| {code} |" in WRITTEN


def test_the_page_holds_no_card_number_but_in_its_examples() -> None:
    prose = re.sub(r"```hex\n[0-9a-f\n]+```", "", WRITTEN)
    assert PURCHASE[2] not in prose
