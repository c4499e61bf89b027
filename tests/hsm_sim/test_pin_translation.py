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


# What DES keys make of it: the error code on the wire. (Format 4 is of AES keys: test_pins_under_every_lmk.)
DES = ("01", "02", "03", "04", "05", "34", "35", "47")
WIRE = {
    (source, to): "00" if verdict(source, to) in (Verdict.ALLOWED, Verdict.BY_SETTING) else "23"
    for source, to in product(DES, DES)
} | {cell: "23" for code in DES for cell in ((code, "48"), ("48", code))}


def _asked(bench: Bench, source: str, destination: str) -> tuple[str, str]:
    layout = FORMATS[source].layout if source in FORMATS else None
    clear = pin_block.build(layout if layout and layout != "4" else "0", "1234", ACCOUNT, bytes).hex()
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
    return pin_block.read(FORMATS[code].layout or "", DesKey(K2).decrypt(bytes.fromhex(block)), ACCOUNT)


@pytest.mark.parametrize("chip", ["41", "42"])
def test_what_is_under_a_chips_own_key_can_be_neither_read_nor_made(bench: Bench, chip: str) -> None:
    assert _asked(bench, chip, "01")[0] == "23"
    assert _asked(bench, "01", chip)[0] == "23"


@pytest.mark.parametrize("unknown", ["00", "06", "99"])
def test_an_unknown_format_is_no_format(bench: Bench, unknown: str) -> None:
    assert _asked(bench, unknown, "01")[0] == "23"
    assert _asked(bench, "01", unknown)[0] == "23"


@pytest.mark.parametrize("disabled", sorted(FORMATS))
def test_every_format_can_be_disabled_and_answers_69_then(disabled: str) -> None:
    bench = Bench(disabled_pin_formats=[disabled])
    assert _asked(bench, disabled, "47" if disabled != "47" else "01")[0] == "69"
    assert _asked(bench, "47" if disabled != "47" else "01", disabled)[0] == "69"


def test_the_rule_can_be_turned_off_and_its_two_open_cells_be_decided() -> None:
    assert translation_refusal("01", "05", Settings(pci_pin_translation=False)) is None
    assert translation_refusal("05", "05", Settings(iso1_to_iso1=False)) == "23"
    assert translation_refusal("01", "34", Settings(iso2_to_chip=True)) is None
    assert translation_refusal("34", "01", Settings(iso2_to_chip=True)) == "23"
    assert format_refusal("47", Settings(disabled_pin_formats=frozenset({"47"}))) == "69"
    assert {translation_refusal(a, b, Settings()) for a, b in product(FORMATS, FORMATS)} == {None, "23"}


def test_no_format_reads_another_ones_block_as_its_own_but_by_its_rule(bench: Bench) -> None:
    clear = pin_block.build("3", "1234", ACCOUNT, bytes).hex()
    for wrong in ("01", "02", "03", "05", "35"):
        assert bench.ask_good("CC", pin_block=block_under(K1, clear), source_format=wrong).error in ("20", "24")
