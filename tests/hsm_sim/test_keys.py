"""Key separation: every command with every wrong key, under every LMK, and what else a key can be refused for.

The rules of all commands are the table; a command that declares rules and has a
good request in `known.py` is tried here by itself.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import pytest

from hsm_sim import key_block
from hsm_sim.commands import COMMANDS
from hsm_sim.errors import RefusedError
from hsm_sim.key_block import Attributes
from hsm_sim.key_scheme import KEY_SCHEMES, wrap
from hsm_sim.keys import ALGORITHM_OF, KeyRule, KeyStore
from hsm_sim.lmk import KEY_TYPES, SECRET_TYPES
from hsm_sim.primitives.des import DesKey
from hsm_sim.settings import Settings
from tests.hsm_sim.known import GOOD, K1, K1_CVK, K1_ZPK, K2_ZPK, Bench
from tests.hsm_sim.known_keys import BLOCK_CHANGES, LMK_00, under_lmk_00

STORE = KeyStore(Settings())
BLOCK_LMKS = ("01", "02")
ABOUT_THIS_KEY = {"A1", "A3", "A4", "A5", "A6", "A7", "A8", "A9"}
# BW takes keys of the old LMK, which the tests of BW try.
ANOTHER_LMK = ("BW",)


def _in_play(code: str, rule: KeyRule) -> bool:
    """Whether the good request of this command has a DES key in this rule's field, opened by this rule."""
    if rule.types[0] in SECRET_TYPES or rule.field not in GOOD[code] or not set(rule.algorithms) & {"D", "T"}:
        return False
    try:
        STORE.ring("00").open(rule, GOOD[code])
    except RefusedError:
        return False
    return True


def _rules() -> Iterator[tuple[str, KeyRule]]:
    """Command and rule, one for each field; where several rules have a field, the one that the good request obeys."""
    for code, command in COMMANDS.items():
        fields: dict[str, list[KeyRule]] = {}
        for rule in command.keys:
            if code not in ANOTHER_LMK and _in_play(code, rule):
                fields.setdefault(rule.field, []).append(rule)
        yield from ((code, rule) for rule in _obeyed(code, list(fields.values())))


def _obeyed(code: str, alternatives: list[list[KeyRule]]) -> tuple[KeyRule, ...]:
    """Of several rules for a field the one that this request is judged by, found by asking."""
    choices = list(product(*alternatives))
    for rules in choices if len(choices) > 1 else ():
        blocks = {rule.field: _sealed(code, rule, "01") for rule in rules}
        fields = {**GOOD[code], **blocks, **BLOCK_CHANGES.get(code, {})}
        if Bench().ask(code, lmk_id="01", **fields).error not in ABOUT_THIS_KEY:
            return rules
    return choices[0]


def _right_type(code: str, rule: KeyRule) -> str:
    return rule.type_for(GOOD[code])


def _of_length(clear: bytes, scheme: str) -> bytes:
    return (clear * 2)[: KEY_SCHEMES[scheme].length]


def _usages(code: str, rule: KeyRule) -> frozenset[str]:
    return rule.usages_for({**GOOD[code], **BLOCK_CHANGES.get(code, {})})


def _sealed(code: str, rule: KeyRule, lmk_id: str, clear: bytes | None = None, **said: str) -> str:
    """The key of the good request, or another, as a block that this rule takes, unless `said` spoils it."""
    clear = clear or STORE.ring("00").open(rule, GOOD[code]).clear
    usages = rule.usages or KEY_TYPES[_right_type(code, rule)].usages
    asked = BLOCK_CHANGES.get(code, {}).get("key_usage", "")
    wanted = next(usage for usage in (asked, *usages) if usage in _usages(code, rule))
    attributes = Attributes(wanted, ALGORITHM_OF[len(clear)], exportability="E")
    attributes = replace(attributes, **said)
    return key_block.wrap(STORE.ring(lmk_id).lmk.key, attributes, clear, bytes, lmk_id)


IN_PLAY = list(_rules())
RULES = [pytest.param(code, rule, id=f"{code}-{rule.field}") for code, rule in IN_PLAY]
COMMANDS_IN_PLAY = sorted({code for code, _ in IN_PLAY})


@pytest.fixture(scope="module")
def bench() -> Bench:
    """One for all that is asked here: a refusal changes nothing, and making one is dearer than asking it."""
    return Bench()


def test_every_command_that_takes_a_cipher_key_is_tried() -> None:
    takes = {
        code
        for code, command in COMMANDS.items()
        if any(rule.types[0] in KEY_TYPES for rule in command.keys) and code not in ANOTHER_LMK
    }
    assert takes - set(COMMANDS_IN_PLAY) == set()


# The variant LMK.


@pytest.mark.parametrize(("code", "rule"), RULES)
def test_a_key_of_any_other_type_is_bad_parity(bench: Bench, code: str, rule: KeyRule) -> None:
    for key_type in KEY_TYPES:
        if key_type != _right_type(code, rule):
            error = bench.ask_good(code, **{rule.field: under_lmk_00(key_type, K1)}).error
            assert error == rule.parity, key_type


@pytest.mark.parametrize(("code", "rule"), RULES)
def test_a_key_of_a_length_the_rule_does_not_name_is_27(bench: Bench, code: str, rule: KeyRule) -> None:
    for scheme in ("Z", "T"):
        wire = under_lmk_00(_right_type(code, rule), _of_length(K1, scheme), scheme)
        wire = "Z" + wire if scheme == "Z" else wire
        error = bench.ask_good(code, **{rule.field: wire}).error
        if KEY_SCHEMES[scheme].length not in rule.lengths:
            assert error == "27"
        else:
            assert error != rule.parity


@pytest.mark.parametrize(("code", "rule"), RULES)
def test_a_key_block_under_a_variant_lmk_is_a1(bench: Bench, code: str, rule: KeyRule) -> None:
    block = "S0007272TN00S0001DAB3EC2129A356229483B6A92D358D7F87818C4730C886EF76471AAC"
    assert bench.ask_good(code, **{rule.field: block}).error == "A1"


@pytest.mark.parametrize(("code", "rule"), RULES)
def test_a_zero_key_is_refused(bench: Bench, code: str, rule: KeyRule) -> None:
    zero = under_lmk_00(_right_type(code, rule), bytes(16))
    assert bench.ask_good(code, **{rule.field: zero}).error == rule.parity


# The key-block LMKs.


def _asked(bench: Bench, code: str, lmk_id: str, **changes: str) -> str:
    """What the command answers when all its keys are blocks under this LMK, but for these changes."""
    blocks = {rule.field: _sealed(code, rule, lmk_id) for other, rule in IN_PLAY if other == code}
    fields = {**GOOD[code], **blocks, **BLOCK_CHANGES.get(code, {}), **changes}
    return bench.ask(code, lmk_id=lmk_id, **fields).error


@pytest.mark.parametrize("lmk_id", BLOCK_LMKS)
@pytest.mark.parametrize(("code", "rule"), RULES)
def test_a_block_must_say_what_the_rule_wants(bench: Bench, code: str, rule: KeyRule, lmk_id: str) -> None:
    field = rule.field
    usages = _usages(code, rule)
    for usage in ("72", "12", "B0", "E0", "K0", "61", "M3", "V1", "zz"):
        if usage not in usages:
            spoilt = _sealed(code, rule, lmk_id, usage=usage)
            assert _asked(bench, code, lmk_id, **{field: spoilt}) == "A6", usage
    assert _asked(bench, code, lmk_id, **{field: _sealed(code, rule, lmk_id, algorithm="E")}) == "A7"
    for mode in "BCDEGVXz":
        if mode not in rule.modes:
            assert _asked(bench, code, lmk_id, **{field: _sealed(code, rule, lmk_id, mode=mode)}) == "A8", mode
    if not rule.component:
        assert _asked(bench, code, lmk_id, **{field: _sealed(code, rule, lmk_id, version="c1")}) == "A9"


@pytest.mark.parametrize("lmk_id", BLOCK_LMKS)
@pytest.mark.parametrize(("code", "rule"), RULES)
def test_the_header_is_believed_after_the_mac_and_not_before(
    bench: Bench, code: str, rule: KeyRule, lmk_id: str
) -> None:
    field, good = rule.field, _sealed(code, rule, lmk_id)
    flipped = good[:-1] + ("0" if good[-1] != "0" else "1")
    assert _asked(bench, code, lmk_id, **{field: flipped}) == "A4"
    for at in (6, 8, 9, 10, 12):  # usage, algorithm, mode, version, exportability: right or wrong, the MAC comes first
        changed = good[:at] + ("9" if good[at] != "9" else "8") + good[at + 1 :]
        assert _asked(bench, code, lmk_id, **{field: changed}) == "A4", at


@pytest.mark.parametrize("lmk_id", BLOCK_LMKS)
@pytest.mark.parametrize(("code", "rule"), RULES)
def test_a_key_of_another_lmk_is_a3_or_a1(bench: Bench, code: str, rule: KeyRule, lmk_id: str) -> None:
    other = {"01": "02", "02": "01"}[lmk_id]
    assert _asked(bench, code, lmk_id, **{rule.field: _sealed(code, rule, other)}) == "A1"
    attributes = Attributes("72", "T")
    block = key_block.wrap(STORE.ring(lmk_id).lmk.key, attributes, K1, bytes, "07")
    assert _asked(bench, code, lmk_id, **{rule.field: block}) == "A3"
    assert _asked(bench, code, lmk_id, **{rule.field: under_lmk_00(_right_type(code, rule), K1)}) == "A1"


@pytest.mark.parametrize("lmk_id", BLOCK_LMKS)
@pytest.mark.parametrize(("code", "rule"), RULES)
def test_a_block_with_a_key_too_short_is_27(bench: Bench, code: str, rule: KeyRule, lmk_id: str) -> None:
    if 8 not in rule.lengths:
        single = _sealed(code, rule, lmk_id, K1[:8])
        assert _asked(bench, code, lmk_id, **{rule.field: single}) == "27"
    lying = _sealed(code, rule, lmk_id, K1, algorithm="D")
    assert _asked(bench, code, lmk_id, **{rule.field: lying}) == "A5"


@pytest.mark.parametrize("lmk_id", BLOCK_LMKS)
@pytest.mark.parametrize("code", COMMANDS_IN_PLAY)
def test_good_keys_as_blocks_are_good_keys(bench: Bench, code: str, lmk_id: str) -> None:
    about_keys = {"10", "11", "27", "28", "29", "A1", "A3", "A4", "A5", "A6", "A7", "A8", "A9", "AA", "41"}
    assert _asked(bench, code, lmk_id) not in about_keys


# Settings, spellings, order.


def test_the_same_key_is_taken_in_every_double_length_spelling(bench: Bench) -> None:
    plain = under_lmk_00("402", K1, "X")
    for wire in (K1_CVK, plain, plain[1:]):
        assert bench.ask_good("CW", cvk=wire).fields == {"cvv": "366"}


def test_x9_17_under_the_lmk_can_be_refused() -> None:
    bench = Bench(x9_17_under_lmk=False)
    assert bench.ask_good("CW", cvk=under_lmk_00("402", K1, "X")).error == "26"
    assert bench.ask_good("CW").error == "00"
    assert bench.ask_good("A0", mode="0", scheme="X").error == "26"


def test_a_single_key_twice_can_be_refused() -> None:
    masquerading = under_lmk_00("001", K1[:8] * 2)
    assert Bench().ask_good("CC", destination_key=masquerading).error == "00"
    assert Bench(refuse_equal_halves=True).ask_good("CC", destination_key=masquerading).error == "75"
    block = key_block.wrap(STORE.ring("01").lmk.key, Attributes("72", "T"), K1[:8] * 2, bytes, "01")
    asked = {"pair_code": "FF", "key_length": "F", "key": block}
    assert Bench().ask("BU", lmk_id="01", **asked).error == "00"
    assert Bench(refuse_equal_halves=True).ask("BU", lmk_id="01", **asked).error == "75"


def test_both_keys_bad_is_the_source_keys_fault(bench: Bench) -> None:
    wrong = under_lmk_00("002", K1)
    assert bench.ask_good("CC", source_key=wrong, destination_key=wrong).error == "10"


def test_keys_are_remembered_up_to_a_bound_and_shown_never() -> None:
    bench = Bench(cached_keys=1)
    for _ in range(3):
        assert bench.ask_good("CC").error == "00"
    for lmk_id in ("00", "01", "02"):
        ring = KeyStore(bench.settings).ring(lmk_id)
        assert repr(ring) == f"<Keyring of LMK {lmk_id}>"
        assert "material" not in repr(ring.lmk)
    assert repr(DesKey(K1)) == "<DesKey of 16 bytes>"


def test_bu_by_pair_code_takes_the_pair_without_a_variant(bench: Bench) -> None:
    by_pair = {"pair_code": "01", "key_length": "1"}
    assert bench.ask("BU", **by_pair, key=K2_ZPK).fields["check_value"].startswith("B71A17")
    assert bench.ask("BU", **by_pair, key=under_lmk_00("002", K1)).error == "10"


def test_every_key_type_of_the_variant_lmk_is_noise_under_every_other() -> None:
    for key_type in KEY_TYPES:
        wire = wrap(LMK_00.pair(key_type), KEY_SCHEMES["U"], K1)
        opens = [other for other in KEY_TYPES if _opens(KeyRule("key", types=(other,)), wire)]
        assert opens == [key_type]
    assert under_lmk_00("001", K1) == K1_ZPK


def _opens(rule: KeyRule, wire: str) -> bool:
    try:
        STORE.ring("00").open(rule, {"key": wire})
    except RefusedError:
        return False
    return True


# What the table above itself must say, in words of its own: a key for making is none for checking.
@pytest.mark.parametrize(
    ("code", "field", "usage", "good", "wrong"),
    [
        ("CW", "cvk", "13", "CGN", "VBEDX"),
        ("CY", "cvk", "13", "CVN", "GBEDX"),
        ("CC", "source_key", "72", "BDN", "ECGVX"),
        ("CC", "destination_key", "P0", "BEN", "DCGVX"),
        ("DC", "pvk", "V2", "CVN", "GBEDX"),
        ("A8", "zmk", "52", "BEN", "DCGVX"),
        ("A6", "zmk", "K1", "BDN", "ECGVX"),
    ],
)
def test_modes_of_use_are_those_of_x9_143(
    bench: Bench, code: str, field: str, usage: str, good: str, wrong: str
) -> None:
    rule = next(rule for other, rule in IN_PLAY if (other, rule.field) == (code, field))
    for mode in good + wrong:
        block = _sealed(code, rule, "01", usage=usage, mode=mode)
        error = _asked(bench, code, "01", **{field: block})
        assert (error == "A8") == (mode in wrong), mode
