"""A key ceremony: components, their check values, an LMK formed, kept under a passphrase, opened and put to work."""

import json
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsm_sim import ceremony, own_lmks
from hsm_sim.keys import KeyStore
from hsm_sim.lmk import LmkKind
from hsm_sim.own_lmks import COMPONENT_LENGTHS, CeremonyError, component_check_value, formed, opened, save
from hsm_sim.primitives import at_rest
from hsm_sim.primitives.des import has_odd_parity
from hsm_sim.settings import Settings
from tests.hsm_sim.known import Bench, a_few

PASSPHRASE = "correct horse battery"
CHEAP = at_rest.COST_LEAST


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test needs no 64 MiB for a passphrase."""
    monkeypatch.setattr(own_lmks.save, "__defaults__", (CHEAP,))


def _component(kind: LmkKind, seed: int) -> bytes:
    return bytes((seed * 31 + n * 7 + n * n) % 256 for n in range(COMPONENT_LENGTHS[kind]))


class Custodians:
    """People who type what they are asked for, in order."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)

    def __call__(self, question: str) -> str:
        return self.answers.pop(0)

    @classmethod
    def of(cls, kind: LmkKind, *components: bytes) -> "Custodians":
        typed = [text for one in components for text in (one.hex(" ", 2), component_check_value(kind, one))]
        return cls(*typed, PASSPHRASE, PASSPHRASE)


def _form(state: Path, kind: LmkKind, ask: Custodians, *more: str) -> int:
    asked = ["form", kind.value, "--id", "10", "--components", "2", "--state", str(state), *more]
    return ceremony.main(asked, ask)


@pytest.mark.parametrize("kind", LmkKind)
def test_an_lmk_of_two_components_is_formed_kept_and_put_to_work(
    kind: LmkKind, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = _component(kind, 1), _component(kind, 2)
    assert _form(tmp_path, kind, Custodians.of(kind, first, second)) == 0
    assert ceremony.main(["list", "--state", str(tmp_path)]) == 0
    secret = formed(kind, [first, second])
    value = component_check_value(kind, secret)
    shown = capsys.readouterr().out
    assert shown.count(value) == 2
    assert not any(part.hex().upper() in shown for part in (first, second, secret))

    file = own_lmks.path_in(tmp_path)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert secret.hex() not in file.read_text().lower()

    lmks = opened(tmp_path, PASSPHRASE)
    assert [(lmk.id, lmk.kind, lmk.check_value, lmk.test) for lmk in lmks] == [("10", kind, value + "0" * 10, False)]
    store = KeyStore(Settings(), lmks)
    bench = Bench()
    bench.desk = type(bench.desk)(Settings(), lambda count: bytes(range(1, count + 1)), store=store)
    asked = {"mode": "0", "key_type": "001", "scheme": "U"}
    if kind is not LmkKind.VARIANT:
        header = {"key_usage": "72", "key_algorithm": "T2", "key_mode": "N"}
        asked = {"mode": "0", "key_type": "FFF", "scheme": "S", **header, "key_version": "00"}
        asked["key_exportability"] = "N"
    made = bench.ask("A0", lmk_id="10", **asked)
    assert made.error == "00"
    assert bench.ask("NC", lmk_id="10").fields["check_value"] == value + "0" * 10


def test_the_pairs_of_an_own_variant_lmk_are_twenty_and_of_odd_parity() -> None:
    pairs = own_lmks.material_of(LmkKind.VARIANT, _component(LmkKind.VARIANT, 3))
    assert isinstance(pairs, dict)
    assert len(set(pairs.values())) == 20
    assert all(has_odd_parity(pair) for pair in pairs.values())


@pytest.mark.parametrize(
    ("answers", "complaint"),
    [
        (["00" * 31], "hexadecimal digits"),
        (["zz" * 32], "hexadecimal digits"),
        (["01" * 32, "000000"], "check value does not hold"),
    ],
)
def test_a_component_typed_wrong_ends_the_ceremony(
    answers: list[str], complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _form(tmp_path, LmkKind.BLOCK_AES, Custodians(*answers)) != 0
    said = capsys.readouterr().err
    assert complaint in said
    assert answers[0] not in said
    assert not own_lmks.path_in(tmp_path).exists()


def test_components_that_cancel_each_other_form_nothing() -> None:
    same = _component(LmkKind.BLOCK_AES, 1)
    for components in ([same], [same, same], [same] * 10, [same, same[:16]], [bytes(32), same, same]):
        with pytest.raises(CeremonyError):
            formed(LmkKind.BLOCK_AES, components)
    with pytest.raises(CeremonyError, match="weaker than it looks"):
        formed(LmkKind.BLOCK_3DES, [bytes(24), b"\x01\x23\x45\x67\x89\xab\xcd\xef" * 3])


def test_a_weak_passphrase_or_two_different_ones_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kind = LmkKind.BLOCK_AES
    for typed in (("short",), (PASSPHRASE, PASSPHRASE + "!")):
        custodians = Custodians.of(kind, _component(kind, 1), _component(kind, 2))
        custodians.answers[-2:] = typed
        assert _form(tmp_path, kind, custodians) != 0
    assert PASSPHRASE not in capsys.readouterr().err


def test_an_lmk_is_replaced_only_when_asked_to(tmp_path: Path) -> None:
    kind = LmkKind.BLOCK_AES
    first, second, third = (_component(kind, seed) for seed in (1, 2, 3))
    assert _form(tmp_path, kind, Custodians.of(kind, first, second)) == 0
    assert _form(tmp_path, kind, Custodians.of(kind, first, third)) != 0
    assert _form(tmp_path, kind, Custodians.of(kind, first, third), "--replace") == 0
    value = component_check_value(kind, formed(kind, [first, third]))
    assert [lmk.check_value[:6] for lmk in opened(tmp_path, PASSPHRASE)] == [value]


def test_a_file_that_was_changed_or_another_passphrase_opens_nothing(tmp_path: Path) -> None:
    save(tmp_path, "10", LmkKind.BLOCK_AES, _component(LmkKind.BLOCK_AES, 1), PASSPHRASE)
    with pytest.raises(CeremonyError):
        opened(tmp_path, PASSPHRASE + "!")
    path = own_lmks.path_in(tmp_path)
    good = json.loads(path.read_text())
    for name, value in (
        ("check_value", "000000"),
        ("id", "11"),
        ("kind", "3des-block"),
        ("kind", "?"),
        ("cost", "3"),
        ("cost", str(2**30)),
        ("salt", ""),
        ("nonce", "00"),
        ("secret", "00"),
        ("secret", 7),
    ):
        path.write_text(json.dumps([{**good[0], name: value}]))
        with pytest.raises(CeremonyError):
            opened(tmp_path, PASSPHRASE)
    for text in ("{", "7", '[{"id": 1}]', "[7]"):
        path.write_text(text)
        with pytest.raises(CeremonyError):
            opened(tmp_path, PASSPHRASE)


@a_few
@given(st.binary(max_size=400), st.binary(max_size=40), st.text(max_size=20))
def test_what_is_locked_is_unlocked(secret: bytes, about: bytes, passphrase: str) -> None:
    box = at_rest.locked(passphrase, secret, about, CHEAP)
    assert at_rest.unlocked(passphrase, box, about) == secret
    with pytest.raises(at_rest.LockedError):
        at_rest.unlocked(passphrase, box, about + b"!")


def test_a_component_is_shown_with_its_check_value_and_never_twice(capsys: pytest.CaptureFixture[str]) -> None:
    shown = []
    for _ in range(2):
        assert ceremony.main(["component", "aes-block"]) == 0
        shown.append(capsys.readouterr().out)
    assert shown[0] != shown[1]
    digits, value = (line.split("  ")[-1].strip() for line in shown[0].splitlines()[:2])
    component = bytes.fromhex(digits.split("component")[-1])
    assert component_check_value(LmkKind.BLOCK_AES, component) == value.split()[-1]


def test_a_passphrase_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "passphrase"
    file.write_text(PASSPHRASE + "\n")
    file.chmod(0o644)
    with pytest.raises(CeremonyError, match="others"):
        ceremony.read_passphrase(file)
    file.chmod(0o600)
    assert ceremony.read_passphrase(file) == PASSPHRASE
    with pytest.raises(CeremonyError):
        ceremony.read_passphrase(tmp_path / "absent")
