"""The settings of the simulated HSM, read from hsm.toml: what an operator of a real one would set at its console.

Everything that is unverified against a device is a setting here. All problems of
a file are reported at once, as `file: path: message`.
"""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from protocols.network import NetworkError, explained, read_toml, source

CONTROL_HOST = "127.0.0.1"  # the control port takes orders from this machine alone

_LmkId = Annotated[str, Field(pattern=r"^[0-9]{2}$")]
_Code = Annotated[str, Field(pattern=r"^[0-9]{2}$")]


class _Setting(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LmkSetting(_Setting):
    """One LMK: which published set it holds, what NC says of it, and whether it is in the authorised state."""

    id: _LmkId
    set: Literal["test-variant", "test-3des-block", "test-aes-block"]
    old_set: Literal["test-variant", "test-variant-old"] | None = None  # from which BW moves keys; None: 12
    check_value: Annotated[str, Field(pattern=r"^[0-9A-F]{16}$")]
    authorised: bool = False


TEST_LMKS = (
    LmkSetting(
        id="00", set="test-variant", old_set="test-variant-old", check_value="2686040000000000", authorised=True
    ),
    LmkSetting(id="01", set="test-3des-block", old_set="test-variant", check_value="8E0EC00000000000", authorised=True),
    LmkSetting(id="02", set="test-aes-block", old_set="test-variant", check_value="9D04A00000000000", authorised=True),
)


class Settings(_Setting):
    """One simulated HSM."""

    port: str = "hsm"  # a name of the network's port table, or host:port; TCP, and UDP where that is on
    udp: bool = True
    tls_port: str | None = None  # mutual TLS, and only that; None: there is none
    control_port: str | None = None  # faults on purpose: JSON lines, always on this machine alone; None: there is none
    port_selects_lmk: bool = False  # TCP ports `port` + 1 + n for LMK n as well
    idle_s: Annotated[float, Field(ge=0)] = 0  # a connection that says nothing for so long is closed; 0: never
    drain_s: Annotated[float, Field(ge=0, le=60)] = 3  # for what is in hand when told to stop
    slow_workers: Annotated[int, Field(ge=1, le=64)] = 2  # threads for commands that take long (RSA keys)
    serial: Annotated[str, Field(pattern=r"^[0-9A-Za-z]{12}$")] = "SIMULATOR001"  # what the health commands say
    j2_delimiter: Annotated[str, Field(pattern=r"^[ -~]$")] = ";"
    audit: Literal["none", "keys", "all"] = "keys"  # a log line for commands that make or move keys
    # Wrong PINs until PIN checks are answered 39 (until a test clears it); 0: nobody watches.
    pin_failures_a_minute: Annotated[int, Field(ge=0)] = 0
    pin_failures_an_hour: Annotated[int, Field(ge=0)] = 0
    pin_attack: Annotated[int, Field(ge=0)] = 0
    header_length: Annotated[int, Field(ge=0, le=255)] = 4
    connections: Annotated[int, Field(ge=1, le=4096)] = 128
    firmware: Annotated[str, Field(pattern=r"^[!-~]{9}$")] = "1500-0023"
    default_lmk: _LmkId = "00"
    disabled_commands: frozenset[Annotated[str, Field(min_length=2, max_length=2)]] = frozenset()
    disabled_pin_formats: frozenset[_Code] = frozenset()
    pci_pin_translation: bool = True  # PCI PIN requirement 3-3; off only to rehearse an old estate
    iso1_to_iso1: bool = True
    iso2_to_chip: bool = False  # ISO formats 0, 1, 3, 4 to 2, where this HSM is known to speak to chips
    clear_decimalisation_tables: bool = True  # sixteen digits are a table as it is; else they are decrypted like any
    strong_decimalisation_tables: bool = False  # 25 for a table of fewer than eight different digits
    excluded_pins: frozenset[Annotated[str, Field(pattern=r"^[0-9]{4,12}$")]] = frozenset()  # nobody may choose: 86
    tdes_pins_of_aes_bdks: bool = False  # formats 0, 1, 3 under an AES BDK, by a TDES key derived from it; else 23
    dukpt_response_macs: bool = False  # GW makes MACs with the key for answers; else with that of the request
    # Who pads the data of a cryptogram: "scheme" pads as VIS, M/Chip or EMV says, "host" leaves that to who asks.
    cryptogram_padding: Literal["scheme", "host"] = "scheme"
    wrong_signature: Literal["01", "02"] = "02"  # what EY answers when a signature is not of this message
    x9_17_under_lmk: bool = True  # whether 32H, X and Y keys are taken under the LMK; else 26
    separate_type_002: bool = False  # under a variant LMK: TPKs are of type 70D and no more of 002
    refuse_equal_halves: bool = False  # 75 for a double-length key that is a single one twice
    cached_keys: Annotated[int, Field(ge=1, le=1_000_000)] = 4096  # opened keys kept ready, per LMK
    lmk: tuple[LmkSetting, ...] = TEST_LMKS
    own_lmks: tuple[_LmkId, ...] = ()  # from a key ceremony, without which this HSM does not start

    @model_validator(mode="after")
    def _lmks_fit(self) -> Self:
        ids = [lmk.id for lmk in self.lmk]
        if len(set(ids)) != len(ids):
            raise ValueError("lmk: two LMKs have the same id")
        if self.default_lmk not in (*ids, *self.own_lmks):
            raise ValueError("default_lmk: no LMK has this id")
        return self


def load(directory: Path | None = None) -> Settings:
    """The settings of a network's folder, or those delivered. Raises NetworkError with every problem."""
    path = source(directory, "hsm.toml")
    try:
        return Settings.model_validate(read_toml(path))
    except ValidationError as error:
        raise NetworkError(explained(path.name, error)) from None
