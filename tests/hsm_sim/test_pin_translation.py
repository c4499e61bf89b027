"""PCI PIN requirement 3-3: every cell of the table, as a rule and on the wire."""

from itertools import product

import pytest

from hsm_sim.pin_translation import FORMATS, Verdict, format_refusal, translation_refusal, verdict
from hsm_sim.primitives import pin_block
from hsm_sim.primitives.des import DesKey
from hsm_sim.settings import Settings
from tests.hsm_sim.known import ACCOUNT, K1, K2, Bench, block_under

YES, NO, CHIP, SETTING = Verdict.ALLOWED, Verdict.FORBIDDEN, Verdict.TO_CHIP_ONLY, Verdict.BY_SETTING

# One example of each: ISO 0, 3, 4; 1; 2; legacy.
COLUMNS = ("01", "47", "48", "05", "34", "03")
CELLS = {
    "01": (YES, YES, YES, NO, CHIP, NO),
    "47": (YES, YES, YES, NO, CHIP, NO),
    "48": (YES, YES, YES, NO, CHIP, NO),
    "05": (YES, YES, YES, SETTING, CHIP, NO),
    "34": (NO, NO, NO, NO, NO, NO),
    "03": (YES, YES, YES, NO, NO, YES),
}
TABLE = [(source, to, cell) for source, row in CELLS.items() for to, cell in zip(COLUMNS, row, strict=True)]


@pytest.mark.parametrize(("source", "destination", "cell"), TABLE)
def test_the_rule_says_of_each_cell(source: str, destination: str, cell: Verdict) -> None:
    assert verdict(source, destination) is cell


# What DES keys and the formats that are built make of it: the error code on the wire.
WIRE = {
    ("01", "01"): "00", ("01", "05"): "23", ("01", "34"): "23", ("01", "47"): "00", ("01", "48"): "23",
    ("05", "01"): "00", ("05", "05"): "00", ("05", "34"): "23", ("05", "47"): "00", ("05", "48"): "23",
    ("34", "01"): "23", ("34", "05"): "23", ("34", "34"): "23", ("34", "47"): "23", ("34", "48"): "23",
    ("47", "01"): "00", ("47", "05"): "23", ("47", "34"): "23", ("47", "47"): "00", ("47", "48"): "23",
    ("48", "01"): "23", ("48", "05"): "23", ("48", "34"): "23", ("48", "47"): "23", ("48", "48"): "23",
}  # fmt: skip
LEGACY = [code for code, row in FORMATS.items() if row.iso is None and code != "48"]


def _asked(bench: Bench, source: str, destination: str) -> tuple[str, str]:
    number = (FORMATS[source].iso if source in FORMATS else None) or "0"
    clear = pin_block.build(number, "1234", ACCOUNT, bytes).hex()
    answer = bench.ask_good(
        "CC", pin_block=block_under(K1, clear), source_format=source, destination_format=destination
    )
    return answer.error, answer.fields.get("pin_block", "")


@pytest.mark.parametrize(("source", "destination"), WIRE)
def test_the_hsm_translates_what_the_table_allows(bench: Bench, source: str, destination: str) -> None:
    error, block = _asked(bench, source, destination)
    assert error == WIRE[source, destination]
    if error == "00":
        assert _pin(block, destination) == "1234"


def _pin(block: str, code: str) -> str:
    return pin_block.read(FORMATS[code].iso or "", DesKey(K2).decrypt(bytes.fromhex(block)), ACCOUNT)


@pytest.mark.parametrize("legacy", LEGACY)
def test_legacy_formats_are_disabled(bench: Bench, legacy: str) -> None:
    assert _asked(bench, legacy, "01")[0] == "69"
    assert _asked(bench, "01", legacy)[0] == "69"


@pytest.mark.parametrize("unknown", ["00", "06", "99"])
def test_an_unknown_format_is_no_format(bench: Bench, unknown: str) -> None:
    assert _asked(bench, unknown, "01")[0] == "23"
    assert _asked(bench, "01", unknown)[0] == "23"


def test_a_format_can_be_disabled_and_the_rule_turned_off() -> None:
    assert format_refusal("47", Settings(disabled_pin_formats=frozenset({"47"}))) == "69"
    assert translation_refusal("01", "05", Settings(pci_pin_translation=False)) is None
    assert translation_refusal("05", "05", Settings(iso1_to_iso1=False)) == "23"
    assert {translation_refusal(a, b, Settings()) for a, b in product(FORMATS, FORMATS)} == {None, "23", "69"}
