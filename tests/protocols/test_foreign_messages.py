"""Other people's messages: nothing is left over when they are read, and they are written again byte for byte."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import iso8583
import pytest

from protocols.dialect import Dialect
from protocols.dialect_file import dialect_from
from protocols.dialects import dialect_named, names
from tests.protocols.wire import told

VECTORS = Path(__file__).parents[1] / "vectors"
MESSAGES = tomllib.loads((VECTORS / "messages.toml").read_text(encoding="utf-8"))["message"]
BY_TITLE = [pytest.param(message, id=message["title"]) for message in MESSAGES]
OFTEN = 4  # often enough that the quick functions are at work


def spoken(message: dict[str, Any]) -> Dialect:
    """The dialect of a message, with its header as our own."""
    dialect = dialect_from("theirs.toml", message["own"]) if "own" in message else dialect_named(message["dialect"])
    if dialect.header is None:
        return dialect
    return dialect.headed(replace(dialect.header, own=bytes.fromhex(message["header"])))


@cache
def elements_of(title: str) -> dict[int, str]:
    (message,) = (one for one in MESSAGES if one["title"] == title)
    return {int(number): value for number, value in message["elements"].items()}


@pytest.mark.parametrize("message", BY_TITLE)
def test_it_is_read_and_nothing_is_left_over(message: dict[str, Any]) -> None:
    dialect, frame = spoken(message), bytes.fromhex(message["hex"])
    for _ in range(OFTEN):
        read = dialect.decode(frame)
        assert (read.mti, dict(read.items())) == (message["mti"], elements_of(message["title"]))
        assert read.header.hex() == message.get("header", "")


@pytest.mark.parametrize("message", BY_TITLE)
def test_it_is_written_again_byte_for_byte(message: dict[str, Any]) -> None:
    dialect, frame = spoken(message), bytes.fromhex(message["hex"])
    for _ in range(OFTEN):
        assert dialect.encode(message["mti"], elements_of(message["title"])) == frame
        assert dialect.decode(frame).patched({}) == frame


@pytest.mark.parametrize("message", BY_TITLE)
def test_pyiso8583_says_the_same(message: dict[str, Any]) -> None:
    dialect, frame = spoken(message), bytes.fromhex(message["hex"])
    document, _ = iso8583.decode(frame[len(message.get("header", "")) // 2 :], dialect.spec)
    carried = {key: value for key, value in document.items() if key not in ("t", "p", "1")}
    assert carried == told(dialect, elements_of(message["title"]))


def test_every_dialect_has_a_message_but_the_plainest() -> None:
    """`iso87_ascii_binmap` is pyiso8583's own default, and nobody was found who wrote one down."""
    assert set(names()) - {message.get("dialect") for message in MESSAGES} == {"iso87_ascii_binmap"}
