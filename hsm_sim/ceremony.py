"""`python -m hsm_sim ceremony`: make components, form an LMK of one's own from them, list what there is.

Each custodian makes a component alone and writes it down; together they form the
LMK, one typing after the other, unseen; each component's check value must hold.
The LMK is kept under a passphrase (`own_lmks.py`). Components are shown once, to
their custodian, and nothing else secret ever is.
"""

from __future__ import annotations

import argparse
import getpass
import os
import secrets
import sys
from collections.abc import Callable, Sequence
from hmac import compare_digest
from pathlib import Path

from hsm_sim.lmk import LmkKind
from hsm_sim.own_lmks import (
    COMPONENT_LENGTHS,
    FEWEST_COMPONENTS,
    MOST_COMPONENTS,
    CeremonyError,
    component_check_value,
    formed,
    listed,
    path_in,
    save,
)
from protocols.hsm.fields import is_digits, is_hex
from protocols.runtime.exits import DONE, MISCONFIGURED

GROUP = 4  # digits between two spaces, as components are written by hand
PASSPHRASE_SHORTEST = 12

Ask = Callable[[str], str]  # a question whose answer is not shown


def main(given: Sequence[str], ask: Ask = getpass.getpass) -> int:
    """One step of a ceremony; the exit code."""
    asked = _arguments(given)
    try:
        return int(asked.step(asked, ask))
    except CeremonyError as error:
        print(error, file=sys.stderr)
        return MISCONFIGURED


def _component(asked: argparse.Namespace, ask: Ask) -> int:
    kind = LmkKind(asked.kind)
    component = secrets.token_bytes(COMPONENT_LENGTHS[kind])
    digits = component.hex().upper()
    print("component   ", " ".join(digits[at : at + GROUP] for at in range(0, len(digits), GROUP)))
    print("check value ", component_check_value(kind, component))
    print("Write both down; they are shown this once.")
    return DONE


def _form(asked: argparse.Namespace, ask: Ask) -> int:
    kind = LmkKind(asked.kind)
    if len(asked.id) != 2 or not is_digits(asked.id):
        raise CeremonyError("an LMK id has two digits")
    if any(entry["id"] == asked.id for entry in listed(asked.state)) and not asked.replace:
        raise CeremonyError(f"there is an LMK {asked.id} already (--replace puts this one in its place)")
    components = [_typed(kind, number, asked.components, ask) for number in range(1, asked.components + 1)]
    secret = formed(kind, components)
    value = save(asked.state, asked.id, kind, secret, _passphrase(asked.passphrase, ask))
    print(f"LMK {asked.id}, {kind.value}, check value {value}, is in {path_in(asked.state)}")
    return DONE


def _list(asked: argparse.Namespace, ask: Ask) -> int:
    for entry in listed(asked.state):
        print(f"LMK {entry['id']}  {entry['kind']:<10}  check value {entry['check_value']}")
    return DONE


def _typed(kind: LmkKind, number: int, count: int, ask: Ask) -> bytes:
    digits = ask(f"Component {number} of {count}: ").replace(" ", "")
    if len(digits) != 2 * COMPONENT_LENGTHS[kind] or not is_hex(digits):
        raise CeremonyError(f"component {number}: {2 * COMPONENT_LENGTHS[kind]} hexadecimal digits were expected")
    component = bytes.fromhex(digits)
    said = ask("Its check value: ").replace(" ", "").upper()
    if not compare_digest(said.encode(), component_check_value(kind, component).encode()):
        raise CeremonyError(f"component {number}: the check value does not hold")
    return component


def _passphrase(file: Path | None, ask: Ask) -> str:
    passphrase = read_passphrase(file) if file is not None else ask("Passphrase for the file of LMKs: ")
    if len(passphrase) < PASSPHRASE_SHORTEST:
        raise CeremonyError(f"a passphrase has at least {PASSPHRASE_SHORTEST} characters")
    if file is None and ask("Once more: ") != passphrase:
        raise CeremonyError("the two passphrases differ")
    return passphrase


def read_passphrase(file: Path) -> str:
    """The first line of a file that its owner alone can read. Raises CeremonyError."""
    try:
        if os.stat(file).st_mode & 0o077:
            raise CeremonyError(f"{file} can be read by others than its owner")
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise CeremonyError(f"{file} cannot be read") from None
    return lines[0] if lines else ""


def _arguments(given: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m hsm_sim ceremony", description="LMKs of your own.")
    steps = parser.add_subparsers(required=True, metavar="STEP")
    kinds = [kind.value for kind in LmkKind]

    component = steps.add_parser("component", help="make one component and its check value")
    component.add_argument("kind", choices=kinds)
    component.set_defaults(step=_component)

    form = steps.add_parser("form", help="form an LMK from components that are typed in")
    form.add_argument("kind", choices=kinds)
    form.add_argument("--id", required=True, metavar="NN", help="two digits: what %%NN will choose")
    form.add_argument("--components", type=int, default=3, choices=range(FEWEST_COMPONENTS, MOST_COMPONENTS + 1))
    form.add_argument("--replace", action="store_true", help="in place of an LMK of this id")
    form.add_argument("--passphrase", type=Path, metavar="FILE", help="take the passphrase from this file")
    form.add_argument("--state", type=Path, required=True, metavar="DIR", help="the state folder")
    form.set_defaults(step=_form)

    lines = steps.add_parser("list", help="ids, kinds and check values")
    lines.add_argument("--state", type=Path, required=True, metavar="DIR")
    lines.set_defaults(step=_list)
    return parser.parse_args(given)
