"""Key separation: every command with every wrong key, and what else a key can be refused for."""

import pytest

from hsm_sim.commands import COMMANDS
from hsm_sim.key_scheme import KEY_SCHEMES, wrap
from hsm_sim.keys import KeyRule, KeyStore
from hsm_sim.lmk import KEY_TYPES, TEST_VARIANT_PAIRS, Lmk
from tests.hsm_sim.known import GOOD, K1, K1_CVK, K1_ZPK, K2_ZPK, Bench

LMK = Lmk("00", TEST_VARIANT_PAIRS)
RULES = [
    pytest.param(code, rule, id=f"{code}-{rule.field}-{rule.chosen_by or rule.types[0]}")
    for code, command in COMMANDS.items()
    for rule in command.keys
    if rule.chosen_by != "pair_code"  # BU by pair code has a test of its own
]


def _under(key_type: str, scheme: str = "U", clear: bytes = K1) -> str:
    clear = (clear * 2)[: KEY_SCHEMES[scheme].length]
    return wrap(LMK.pair(key_type), KEY_SCHEMES[scheme], clear)


def _right_type(code: str, rule: KeyRule) -> str:
    return rule.type_for(GOOD[code])


@pytest.mark.parametrize(("code", "rule"), RULES)
def test_a_key_of_any_other_type_is_bad_parity(bench: Bench, code: str, rule: KeyRule) -> None:
    for key_type in KEY_TYPES:
        if key_type != _right_type(code, rule):
            assert bench.ask_good(code, **{rule.field: _under(key_type)}).error == rule.parity, key_type


@pytest.mark.parametrize(("code", "rule"), RULES)
def test_a_key_of_a_length_the_rule_does_not_name_is_27(bench: Bench, code: str, rule: KeyRule) -> None:
    for scheme in ("Z", "T"):
        wire = _under(_right_type(code, rule), scheme)
        wire = "Z" + wire if scheme == "Z" else wire
        expected = "27" if KEY_SCHEMES[scheme].length not in rule.lengths else None
        error = bench.ask_good(code, **{rule.field: wire}).error
        assert error == expected if expected else error != rule.parity


@pytest.mark.parametrize(("code", "rule"), RULES)
def test_a_key_block_under_a_variant_lmk_is_a1(bench: Bench, code: str, rule: KeyRule) -> None:
    block = "S0007272TN00S0001DAB3EC2129A356229483B6A92D358D7F87818C4730C886EF76471AAC"
    assert bench.ask_good(code, **{rule.field: block}).error == "A1"


@pytest.mark.parametrize(("code", "rule"), RULES)
def test_a_zero_key_is_refused(bench: Bench, code: str, rule: KeyRule) -> None:
    zero = wrap(LMK.pair(_right_type(code, rule)), KEY_SCHEMES["U"], bytes(16))
    assert bench.ask_good(code, **{rule.field: zero}).error == rule.parity


def test_the_same_key_is_taken_in_every_double_length_spelling(bench: Bench) -> None:
    plain = _under("402", "X")
    for wire in (K1_CVK, plain, plain[1:]):
        assert bench.ask_good("CW", cvk=wire).fields == {"cvv": "366"}


def test_x9_17_under_the_lmk_can_be_refused() -> None:
    bench = Bench(x9_17_under_lmk=False)
    assert bench.ask_good("CW", cvk=_under("402", "X")).error == "26"
    assert bench.ask_good("CW").error == "00"


def test_a_single_key_twice_can_be_refused() -> None:
    masquerading = _under("001", "U", K1[:8])
    assert Bench().ask_good("CC", destination_key=masquerading).error == "00"
    assert Bench(refuse_equal_halves=True).ask_good("CC", destination_key=masquerading).error == "75"


def test_both_keys_bad_is_the_source_keys_fault(bench: Bench) -> None:
    assert bench.ask_good("CC", source_key=_under("002"), destination_key=_under("002")).error == "10"


def test_keys_are_remembered_up_to_a_bound() -> None:
    bench = Bench(cached_keys=1)
    for _ in range(3):
        assert bench.ask_good("CC").error == "00"
    assert repr(K1_ZPK) not in repr(KeyStore(bench.settings).ring("00"))


def test_bu_by_pair_code_takes_the_pair_without_a_variant(bench: Bench) -> None:
    by_pair = {"pair_code": "01", "key_length": "1"}
    assert bench.ask("BU", **by_pair, key=K2_ZPK).fields["check_value"].startswith("B71A17")
    assert bench.ask("BU", **by_pair, key=_under("002")).error == "10"
