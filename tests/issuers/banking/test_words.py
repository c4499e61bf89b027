"""The words of the pages: every language has all of them, and every reason that a bank may give."""

from __future__ import annotations

import doctest
import hashlib
import re
from pathlib import Path

import pytest

from issuers.banking import attempts, forms, language, serve, sessions, views
from issuers.banking.language import Language
from issuers.banking.languages import LANGUAGES
from issuers.banking.site import HERE
from issuers.book import CardState
from protocols import codes

EN, AR = LANGUAGES["en"], LANGUAGES["ar"]
ISSUERS = HERE.parent
SLUG = re.compile(r'"([a-z_]+\.[a-z_.]+)"')


def places(words: str) -> list[str]:
    return sorted(re.findall(r"\{(\w+)\}", words))


@pytest.mark.parametrize("module", [attempts, forms, language, serve, sessions, views])
def test_doctests(module: object) -> None:
    assert doctest.testmod(module).failed == 0  # type: ignore[arg-type]


@pytest.mark.parametrize("one", LANGUAGES.values(), ids=LANGUAGES)
def test_no_language_misses_a_word_and_none_has_one_too_many(one: Language) -> None:
    assert set(one.words) == set(EN.words)
    assert all(words.strip() for words in one.words.values())
    assert {key: places(words) for key, words in one.words.items()} == {k: places(w) for k, w in EN.words.items()}
    assert len(one.months) == 12


def test_every_word_that_a_template_says_is_in_the_table() -> None:
    said = set()
    for template in (HERE / "templates").glob("*.html"):
        said |= set(re.findall(r"t\('([^']+)'[,)]", template.read_text()))
    assert said and said <= set(EN.words)


def test_arabic_is_arabic() -> None:
    assert AR.direction == "rtl"
    for words in (*AR.words.values(), *AR.reasons.values(), *AR.refusals.values()):
        assert re.search("[\u0600-\u06ff]", words), words


def test_arabic_knows_every_reason_for_which_a_bank_declines() -> None:
    said = set()
    for file in ("decide", "decision", "proofs", "advise", "reverse", "desk", "ask"):
        said |= set(SLUG.findall((ISSUERS / f"{file}.py").read_text()))
    reasons = said & set(codes.REASONS) | {f"card.{state}" for state in CardState if f"card.{state}" in codes.REASONS}
    assert reasons - set(AR.reasons) == set()
    assert len(reasons) > 20


def test_arabic_knows_every_refusal_of_the_counter_that_a_holder_can_meet() -> None:
    said = set(re.findall(r'TellerRefusedError\(\s*"([a-z_.]+)"', (ISSUERS / "teller.py").read_text()))
    said |= {f"card.{state}" for state in CardState}
    assert said - set(AR.refusals) == set()


def test_a_reason_without_words_is_still_said_in_the_readers_language() -> None:
    assert AR.reason("never.heard", "Never heard.") == AR.words["decline.other"]
    assert EN.reason("never.heard", "Never heard.") == "Never heard."


def test_what_is_put_into_words_is_escaped() -> None:
    assert "<b>" not in EN.say("payment.disputed", reason="<b>")


def test_htmx_is_as_its_authors_ship_it() -> None:
    static = HERE / "static"
    lines = [line.split() for line in Path(static, "CHECKSUMS").read_text().splitlines() if not line.startswith("#")]
    assert len(lines) == 2
    for digest, name in lines:
        assert hashlib.sha256((static / name).read_bytes()).hexdigest() == digest


def test_no_template_has_a_script_or_a_style_of_its_own() -> None:
    for template in (HERE / "templates").glob("*.html"):
        text = template.read_text()
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?! src=\"/static/)|hx-on", text), template.name
