"""The compiled build: what is compiled is what would have run, and what is stale is not used."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fast import functions, rehearsal
from protocols import compiled
from protocols.codec import quick
from protocols.dialects import dialect_named
from protocols.elements import element_named
from switch.configuration import configure

Function = Callable[..., Any]

PURCHASE = {**rehearsal.PURCHASE, **rehearsal.INTERNET}
DIALECT = dialect_named("iso87_ascii")
FRAME = DIALECT.encode("0100", {element_named(name).number: value for name, value in PURCHASE.items() if value})


@cache
def twins() -> dict[str, tuple[Function, Function]]:
    """For every function that one purchase makes the codec write: as it is written, and as it would be compiled."""
    given_names: dict[str, dict[str, Any]] = {}
    write = quick._compiled

    def noting(name: str, lines: list[str], names: dict[str, Any]) -> Function:
        given_names["\n".join(lines)] = dict(names)
        return write(name, lines, names)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quick, "_compiled", noting)
        patch.setattr(quick, "beforehand", lambda _source: None)
        rehearsal.play(configure(), DIALECT.name, "0100", PURCHASE)
        text = functions.module((source, frozenset(names)) for source, names in given_names.items())
        module: dict[str, Any] = {}
        exec(text, module)
        found = {}
        for source, names in given_names.items():
            written = dict(names)
            exec(source, written)
            found[source] = written[source[4 : source.index("(")]], module["MAKERS"][source](names)
    return found


def of_kind(name: str) -> list[tuple[Function, Function]]:
    return [pair for source, pair in twins().items() if source.startswith(f"def {name}(")]


def outcome(function: Function, *arguments: object) -> object:
    try:
        return function(*arguments)
    except Exception as error:
        return type(error)


def test_the_rehearsal_makes_the_codec_write_the_lanes_functions() -> None:
    assert of_kind("enter")
    assert len(of_kind("fill")) >= 3  # towards the issuer, to disk, back to the asker


@given(at=st.integers(0, len(FRAME) - 1), byte=st.integers(0, 255), cut=st.integers(0, 3))
@settings(max_examples=200, deadline=None)
def test_a_compiled_gate_finds_what_the_written_one_finds(at: int, byte: int, cut: int) -> None:
    broken = FRAME[:at] + bytes((byte,)) + FRAME[at + 1 : len(FRAME) - cut]
    for written, made in of_kind("enter"):
        for frame in (FRAME, broken):
            assert outcome(made, frame) == outcome(written, frame)


def test_a_gate_of_these_tests_lets_their_frame_in() -> None:
    assert any(type(outcome(written, FRAME)) is tuple for written, _ in of_kind("enter"))


@given(value=st.binary(min_size=6, max_size=6))
@settings(max_examples=50, deadline=None)
def test_a_compiled_frame_is_the_written_one(value: bytes) -> None:
    anchors = DIALECT.decode(FRAME)._at
    for written, made in of_kind("fill"):
        assert outcome(made, FRAME, anchors, value) == outcome(written, FRAME, anchors, value)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(compiled, "FOLDER", tmp_path)
    monkeypatch.setattr(compiled, "_words", compiled.PURE)
    monkeypatch.delenv(compiled.SWITCH_OFF, raising=False)
    return tmp_path


def test_without_a_build_the_sources_run(folder: Path) -> None:
    compiled.use()
    assert compiled.build() == compiled.PURE


def test_a_build_of_other_sources_is_not_used_and_says_so(folder: Path) -> None:
    manifest = {"fingerprint": "of last week", "modules": {compiled.FUNCTIONS: "missing.so"}}
    (folder / compiled.MANIFEST).write_text(json.dumps(manifest))
    compiled.use()
    assert compiled.build() == compiled.STALE


def test_a_build_can_be_switched_off_for_one_process(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / compiled.MANIFEST).write_text("not even looked at")
    monkeypatch.setenv(compiled.SWITCH_OFF, "1")
    compiled.use()
    assert compiled.build() == compiled.PURE


def test_one_changed_letter_is_another_fingerprint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = tmp_path / "protocols" / "compiled.py"
    module.parent.mkdir()
    module.write_text("a = 1\n")
    monkeypatch.setattr(compiled, "__file__", str(module))
    before = compiled.fingerprint()
    (tmp_path / "switch").mkdir()
    assert compiled.fingerprint() == before
    (tmp_path / "switch" / "core.py").write_text("b = 1\n")
    with_core = compiled.fingerprint()
    (tmp_path / "switch" / "core.py").write_text("b = 2\n")
    assert len({before, with_core, compiled.fingerprint()}) == 3
