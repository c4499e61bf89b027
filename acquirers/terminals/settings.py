"""`terminals.toml`: what is on the test cards of this network, and which terminals testers may work at. Pure.

Keys stand here in clear where a card or a PIN pad has them in clear, and under the HSM's LMK where the acquirer keeps
them. All are test keys, and nobody's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from protocols.network import NetworkError, explained, read_toml, source

FILE = "terminals.toml"
Hex32 = Annotated[str, Field(pattern=r"^[0-9A-F]{32}$")]


class _Said(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ChipFile(_Said):
    """What a bank puts on its cards; the longest prefix counts."""

    prefix: Annotated[str, Field(pattern=r"^[0-9]{0,11}$")]
    mk_ac: Hex32 = Field(repr=False)  # the issuer's master key of cryptograms: each card has its own, made of it
    cvk: Hex32 = Field(repr=False)  # the codes of stripe and chip are made with it
    scheme: Literal["vis", "mchip"] = "vis"
    service_code: Annotated[str, Field(pattern=r"^[0-9]{3}$")] = "201"  # 2: a chip is there, and shall be used
    sequence: Annotated[str, Field(pattern=r"^[0-9]{2}$")] = "01"
    application: Annotated[str, Field(pattern=r"^([0-9A-F]{2}){5,16}$")] = "F0504159535701"  # 84: nobody's registered
    verifies: tuple[Literal["pin", "signature", "none"], ...] = ("pin", "signature", "none")  # in this order
    is_contactless: bool = True


class TerminalFile(_Said):
    """One terminal: where it stands, what it can read, how it guards PINs."""

    id: Annotated[str, Field(pattern=r"^[A-Z0-9 ]{8}$")]
    merchant: str
    gateway: str  # by whose link it speaks: a file in gateways/
    kind: Literal["shop", "atm"] = "shop"
    reads: frozenset[Literal["insert", "tap", "swipe", "type"]] = frozenset(("insert", "tap", "swipe", "type"))
    pin: Literal["tpk", "dukpt", "aes-dukpt", "none"] = "tpk"
    tap_without_pin: str = "0"  # in the merchant's first currency: above it a tapped card wants its PIN
    zpk: str | None = None  # the zone's key under the LMK, where the agreement's is under another LMK
    lmk: Annotated[str, Field(pattern=r"^[0-9]{2}$")] | None = None  # None: the HSM's default
    tpk: str | None = None  # under the LMK, as the acquirer keeps it
    tmk: str | None = None  # the same: under it new terminal keys are sent
    bdk: str | None = None  # the same: the base key of DUKPT
    test_tpk: Hex32 | None = Field(default=None, repr=False)
    test_tmk: Hex32 | None = Field(default=None, repr=False)
    test_initial_key: Hex32 | None = Field(default=None, repr=False)
    serial: Annotated[str, Field(pattern=r"^([0-9A-F]{16}|[0-9A-F]{20})$")] | None = None  # with its counter at zero


class _File(_Said):
    card: tuple[ChipFile, ...] = ()
    terminal: tuple[TerminalFile, ...] = ()


@dataclass(frozen=True, slots=True)
class Equipment:
    """All of it."""

    cards: tuple[ChipFile, ...]
    terminals: Mapping[str, TerminalFile]

    def issued(self, number: str) -> ChipFile | None:
        """What is on a card of this number, or None: no bank says."""
        fitting = [one for one in self.cards if number.startswith(one.prefix)]
        return max(fitting, key=lambda one: len(one.prefix), default=None)


#: What a terminal must have for each way of guarding a PIN.
_NEEDED: Mapping[str, tuple[str, ...]] = {
    "none": (),
    "tpk": ("tpk", "test_tpk"),
    "dukpt": ("bdk", "test_initial_key", "serial"),
    "aes-dukpt": ("bdk", "test_initial_key", "serial"),
}


def load_equipment(directory: Path | None = None) -> Equipment:
    """The network's, or none where a network has no such file; NetworkError lists every problem."""
    path = source(directory, FILE)
    if not path.is_file():
        return Equipment((), {})
    try:
        file = _File.model_validate(read_toml(path))
    except ValidationError as error:
        raise NetworkError(explained(path.name, error)) from None
    problems = []
    for one in file.terminal:
        problems += [f"{path.name}: {one.id}: {name} is missing" for name in _NEEDED[one.pin] if not getattr(one, name)]
        if (one.tmk is None) != (one.test_tmk is None):
            problems.append(f"{path.name}: {one.id}: tmk and test_tmk are one key, and both must be there")
    terminals = {one.id: one for one in file.terminal}
    if len(terminals) < len(file.terminal):
        problems.append(f"{path.name}: a terminal stands there twice")
    if problems:
        raise NetworkError(problems)
    return Equipment(file.card, terminals)
