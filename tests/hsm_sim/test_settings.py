"""hsm.toml: as delivered, and everything that can be wrong with it at once."""

from pathlib import Path

import pytest

from hsm_sim.settings import Settings, load
from protocols.network import NetworkError


def test_the_settings_as_delivered_are_the_defaults_with_tls_and_a_control_port() -> None:
    assert load() == Settings(tls_port="hsm_tls", control_port="hsm_control")


def test_all_problems_are_reported_at_once_and_no_value_is_repeated(tmp_path: Path) -> None:
    (tmp_path / "hsm.toml").write_text(
        'header_length = 256\nfirmware = "short"\ncolour = "red"\n[[lmk]]\nid = "0"\nset = "SECRET"\ncheck_value = ""\n'
    )
    with pytest.raises(NetworkError) as caught:
        load(tmp_path)
    places = {problem.split(": ")[1] for problem in caught.value.problems}
    assert places == {"header_length", "firmware", "colour", "lmk.0.id", "lmk.0.set", "lmk.0.check_value"}
    assert all(problem.startswith("hsm.toml: ") for problem in caught.value.problems)
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize(
    ("lmks", "default", "complaint"),
    [(["00", "00"], "00", "same id"), (["00"], "01", "no LMK has this id")],
)
def test_lmk_ids_must_fit_together(tmp_path: Path, lmks: list[str], default: str, complaint: str) -> None:
    tables = [f'[[lmk]]\nid = "{lmk}"\nset = "test-variant"\ncheck_value = "{"0" * 16}"\n' for lmk in lmks]
    (tmp_path / "hsm.toml").write_text(f'default_lmk = "{default}"\n' + "".join(tables))
    with pytest.raises(NetworkError, match=complaint):
        load(tmp_path)


def test_a_file_that_is_not_there_is_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match="cannot be read"):
        load(tmp_path)
