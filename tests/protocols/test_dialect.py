"""The dialects, and what each of them declares."""

from __future__ import annotations

import pytest

from protocols.dialects import dialect_named, names
from protocols.errors import LocalProtocolError
from protocols.framing import framing_named
from tests import builders


def test_the_dialects_of_today_are_there() -> None:
    assert {"iso87_ascii", "iso87_ascii_binmap"} <= set(names())


@pytest.mark.parametrize("name", names())
def test_every_dialect_names_a_framing_that_exists(name: str) -> None:
    dialect = dialect_named(name)
    assert dialect.name == name
    assert framing_named(dialect.framing).name == dialect.framing


def test_a_binary_bitmap_is_eight_bytes() -> None:
    frame = builders.frame("0800", "iso87_ascii_binmap")
    assert frame == b"0800" + bytes.fromhex("82200000000000000400000000000000") + b"1123205144000001301"


def test_a_dialect_nobody_made_is_our_mistake() -> None:
    with pytest.raises(LocalProtocolError, match="iso87_ascii"):
        dialect_named("iso2012")
