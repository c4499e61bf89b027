"""A gateway's own house: which participant it is, which merchants it sends for, where it dials.

Pure: `gateways/NAME.toml` beside the participant's agreement in, one value out. The
agreement (dialect, framing, institution id, deadlines) is the network's; what stands in the
gateway's own file is only what the gateway decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from acquirers.merchant import Merchant, load_merchants
from acquirers.pin_pad import PinPad
from acquirers.sealer import Sealer
from acquirers.store_api.settings import StoreApiFile
from protocols.network import NetworkError, called, explained, read_toml, toml_files
from protocols.participant import Participant, Role, load_participants

EVERY_MERCHANT = "*"


class GatewayFile(BaseModel):
    """What one `gateways/NAME.toml` says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    participant: str
    dials: str  # the switch's port, by name or as host:port
    tls: bool = False  # mutual TLS at a host:port; of a named port the network's file says whether it is
    merchants: Annotated[tuple[str, ...], Field(min_length=1)]
    makes_rrn: bool = False  # whether DE 37 is made here; else the switch makes one
    officers: frozenset[str] = frozenset()  # who may approve a transfer; two of them must
    test_zpk: SecretStr | None = None  # the zone PIN key in clear: test keys only
    test_mac_key: SecretStr | None = None  # the same of the key that seals messages, where one is agreed
    store_api: StoreApiFile | None = None  # where internet shops come in over HTTP


@dataclass(frozen=True, slots=True)
class House:
    """One gateway, with everything it needs to make a request."""

    name: str
    title: str
    participant: Participant
    dials: str
    tls: bool
    merchants: Mapping[str, Merchant]
    acquirer_ids: Mapping[str, str]  # participant id of a merchant's bank -> DE 32
    makes_rrn: bool
    sealer: Sealer | None  # None: its messages are not sealed
    pin_pad: PinPad | None  # None: no key is agreed, so no PIN can be entered
    store_api: StoreApiFile | None = None
    officers: frozenset[str] = frozenset()  # who may approve a transfer

    @property
    def is_acquirer(self) -> bool:
        """A bank names itself in DE 32; a gateway for other banks' shops in DE 33."""
        return self.participant.has(Role.ACQUIRER)

    def acquirer_of(self, merchant: Merchant) -> str:
        """DE 32: the bank that has the contract with the merchant."""
        return self.acquirer_ids[merchant.acquirer]

    @property
    def forwarder_id(self) -> str | None:
        """DE 33, where the gateway is not the bank itself."""
        return None if self.is_acquirer else self.participant.institution_id


def load_house(name: str, directory: Path | None = None) -> House:
    """The gateway of that name; NetworkError lists everything wrong with its files."""
    participants = load_participants(directory)
    merchants = load_merchants(directory)
    path = _path_of(name, directory)
    try:
        file = GatewayFile.model_validate(read_toml(path))
        pin_pad = PinPad(file.test_zpk.get_secret_value()) if file.test_zpk else None
    except ValidationError as error:
        raise NetworkError(explained(called(path), error)) from None
    except ValueError as error:
        raise NetworkError([f"{called(path)}: test_zpk: {error}"]) from None
    sealer = _sealer(file, participants, path)
    if problems := _disagreements(file, participants, merchants):
        raise NetworkError([f"{called(path)}: {problem}" for problem in problems])
    return House(
        name=name,
        title=file.title,
        participant=participants[file.participant],
        dials=file.dials,
        tls=file.tls,
        merchants=merchants if EVERY_MERCHANT in file.merchants else {id_: merchants[id_] for id_ in file.merchants},
        acquirer_ids={id_: one.institution_id for id_, one in participants.items() if one.has(Role.ACQUIRER)},
        makes_rrn=file.makes_rrn,
        sealer=sealer,
        pin_pad=pin_pad,
        store_api=file.store_api,
        officers=file.officers,
    )


def _sealer(file: GatewayFile, participants: Mapping[str, Participant], path: Path) -> Sealer | None:
    """What seals its messages; the agreement and the gateway's own file must agree that they are sealed."""
    agreed = participants.get(file.participant)
    is_agreed = agreed is not None and agreed.mac_key is not None
    if is_agreed != (file.test_mac_key is not None):
        missing = "test_mac_key" if is_agreed else "keys.mac_key in the agreement"
        raise NetworkError([f"{called(path)}: messages are sealed by both ends or by none: {missing} is missing"])
    if agreed is None or file.test_mac_key is None:
        return None
    try:
        return Sealer(file.test_mac_key.get_secret_value(), agreed.mac)
    except ValueError as error:
        raise NetworkError([f"{called(path)}: test_mac_key: {error}"]) from None


def _path_of(name: str, directory: Path | None) -> Path:
    paths = {path.stem: path for path in toml_files(directory, "gateways")}
    try:
        return paths[name]
    except KeyError:
        raise NetworkError([f"gateways: no {name}.toml; there are {', '.join(paths) or 'none'}"]) from None


def _disagreements(
    file: GatewayFile, participants: Mapping[str, Participant], merchants: Mapping[str, Merchant]
) -> list[str]:
    """What the file says that the network's other files do not know."""
    problems = []
    if file.participant not in participants:
        problems.append(f"participant: there is no participant {file.participant!r}")
    for id_ in file.merchants:
        if id_ != EVERY_MERCHANT and id_ not in merchants:
            problems.append(f"merchants: there is no merchant {id_!r}")
    for key in file.store_api.keys if file.store_api else ():
        if key.merchant not in file.merchants and EVERY_MERCHANT not in file.merchants:
            problems.append(f"store_api.keys: {key.merchant!r} is not among this gateway's merchants")
    for merchant in merchants.values():
        bank = participants.get(merchant.acquirer)
        if bank is None or not bank.has(Role.ACQUIRER):
            problems.append(f"merchants: {merchant.id}'s bank {merchant.acquirer!r} is no acquirer of this network")
    return problems
