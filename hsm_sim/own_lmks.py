"""Own LMKs: formed from components in a key ceremony, kept encrypted in the HSM's folder, opened with a passphrase.

One JSON file of mode 0600. In clear stand each LMK's id, kind and check value;
they are bound to the encrypted secret. Who types the components is in `ceremony.py`.
"""

import json
import os
from collections.abc import Iterable, Mapping
from functools import reduce
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from hsm_sim.keys import check_value
from hsm_sim.lmk import TEST_VARIANT_PAIRS, Lmk, LmkKind, Material
from hsm_sim.primitives import at_rest
from hsm_sim.primitives.aes import AesKey
from hsm_sim.primitives.at_rest import LockedError
from hsm_sim.primitives.des import DOUBLE, SINGLE, DesKey, with_odd_parity, xor

FOLDER: Final = "hsm"  # of the state folder
FILE: Final = "lmks.json"
FILE_MODE: Final = 0o600
FEWEST_COMPONENTS, MOST_COMPONENTS = 2, 9
# Bytes of a component, by kind. The pairs of a variant LMK are derived from 32 bytes; real ones come on cards.
COMPONENT_LENGTHS: Mapping[LmkKind, int] = {LmkKind.VARIANT: 32, LmkKind.BLOCK_3DES: 24, LmkKind.BLOCK_AES: 32}


class CeremonyError(Exception):
    """What cannot become an LMK, or a file that cannot be opened: why, and nothing secret."""


def path_in(state: Path) -> Path:
    return state / FOLDER / FILE


def component_check_value(kind: LmkKind, component: bytes) -> str:
    """Six digits by which a custodian knows that a component was typed as it was written.

    >>> component_check_value(LmkKind.BLOCK_3DES, bytes.fromhex("0123456789ABCDEF8080808080808080FEDCBA9876543210"))
    '8E0EC0'
    """
    return check_value(_key(kind, component))


def formed(kind: LmkKind, components: Iterable[bytes]) -> bytes:
    """The secret that the components make by XOR. Raises CeremonyError for one that would be worth nothing."""
    parts = list(components)
    if not FEWEST_COMPONENTS <= len(parts) <= MOST_COMPONENTS:
        raise CeremonyError(f"an LMK has {FEWEST_COMPONENTS} to {MOST_COMPONENTS} components")
    if any(len(part) != COMPONENT_LENGTHS[kind] for part in parts):
        raise CeremonyError(f"a component of this kind has {COMPONENT_LENGTHS[kind]} bytes")
    if len(set(parts)) != len(parts):
        raise CeremonyError("two components are the same and would cancel each other")
    secret = reduce(xor, parts)
    if kind is LmkKind.BLOCK_3DES:
        secret = with_odd_parity(secret)
        if len({secret[at : at + SINGLE] for at in range(0, len(secret), SINGLE)}) < len(secret) // SINGLE:
            raise CeremonyError("two parts of the key are the same: it would be weaker than it looks")
    if not any(secret):
        raise CeremonyError("the components make nothing but zeros")
    return secret


def material_of(kind: LmkKind, secret: bytes) -> Material:
    """What an LMK is made of: one key, or twenty pairs out of HKDF (RFC 5869) of odd parity."""
    if kind is not LmkKind.VARIANT:
        return _key(kind, secret)
    return {first: with_odd_parity(_expanded(secret, first)) for first in TEST_VARIANT_PAIRS}


def save(state: Path, lmk_id: str, kind: LmkKind, secret: bytes, passphrase: str, cost: int = at_rest.COST) -> str:
    """Write one more LMK into the file, or in place of one of this id; the check value."""
    entries = {entry["id"]: entry for entry in listed(state)}
    told = {"id": lmk_id, "kind": kind.value, "check_value": component_check_value(kind, secret)}
    entries[lmk_id] = told | at_rest.locked(passphrase, secret, _about(told), cost)
    _write(path_in(state), [entries[name] for name in sorted(entries)])
    return told["check_value"]


def listed(state: Path) -> list[dict[str, str]]:
    """What stands in the file, without opening any of it. Raises CeremonyError for a file that is none."""
    path = path_in(state)
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        if any(not isinstance(entry[name], str) for entry in entries for name in ("id", "kind", "check_value")):
            raise TypeError
        return list(entries)
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError):
        raise CeremonyError(f"{path} is no file of LMKs") from None


def opened(state: Path, passphrase: str, authorised: bool = True) -> list[Lmk]:
    """All LMKs of the file. Raises CeremonyError when one does not open."""
    return [_opened(entry, passphrase, authorised) for entry in listed(state)]


def _opened(entry: Mapping[str, str], passphrase: str, authorised: bool) -> Lmk:
    try:
        kind = LmkKind(entry["kind"])
        secret = at_rest.unlocked(passphrase, entry, _about(entry))
    except (ValueError, LockedError):
        raise CeremonyError(f"LMK {entry['id']} does not open: the passphrase, or the file was changed") from None
    return Lmk(entry["id"], material_of(kind, secret), entry["check_value"].ljust(16, "0"), authorised, test=False)


def _about(entry: Mapping[str, str]) -> bytes:
    return "|".join((entry["id"], entry["kind"], entry["check_value"])).encode()


def _key(kind: LmkKind, secret: bytes) -> DesKey | AesKey:
    return DesKey(secret) if kind is LmkKind.BLOCK_3DES else AesKey(secret)


def _expanded(secret: bytes, pair: int) -> bytes:
    return HKDFExpand(SHA256(), DOUBLE, b"variant LMK pair %d" % pair).derive(secret)


def _write(path: Path, entries: list[dict[str, str]]) -> None:
    """Whole or not at all, readable by its owner alone."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = path.with_suffix(".new")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, FILE_MODE)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(json.dumps(entries, indent=1) + "\n")
        file.flush()
        os.fsync(descriptor)
    os.replace(unfinished, path)
