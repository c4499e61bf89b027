"""Which PIN block formats there are, and which may be translated into which (PCI PIN requirement 3-3): one table.

Format 4 is for AES keys and the others are for DES keys; `pin_blocks.py` sees to
that, for it has the keys. Formats 41 and 42 carry a PIN to a chip under the
chip's own key, which no layout of a PIN command brings, so they are known here
and usable nowhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from hsm_sim.errors import RefusedError
from hsm_sim.settings import Settings
from protocols.hsm import codes


class Family(Enum):
    """Formats that the rule treats alike."""

    BOUND = auto()  # to the account: ISO 0, 3 and 4
    ISO_1 = auto()
    ISO_2 = auto()
    LEGACY = auto()


class Verdict(Enum):
    """What the rule says of a translation."""

    ALLOWED = auto()
    FORBIDDEN = auto()
    TO_CHIP_ONLY = auto()
    BY_SETTING = auto()


@dataclass(frozen=True, slots=True)
class PinFormat:
    """One PIN block format: its two-digit code, its title, its family, and its name in `primitives/pin_block.py`."""

    code: str
    title: str
    family: Family
    layout: str | None  # None: it cannot be read without the chip's own key
    leftmost: bool = False  # its account is the first twelve digits of the PAN, not the last


FORMATS: Mapping[str, PinFormat] = {
    row.code: row
    for row in (
        PinFormat("01", "ISO format 0", Family.BOUND, "0"),
        PinFormat("02", "Docutel", Family.LEGACY, "docutel"),
        PinFormat("03", "Diebold and IBM", Family.LEGACY, "diebold"),
        PinFormat("04", "PLUS", Family.LEGACY, "0", leftmost=True),
        PinFormat("05", "ISO format 1", Family.ISO_1, "1"),
        PinFormat("34", "ISO format 2", Family.ISO_2, "2"),
        PinFormat("35", "Mastercard PayNow", Family.LEGACY, "paynow"),
        PinFormat("41", "Visa PIN change without the old PIN", Family.LEGACY, None),
        PinFormat("42", "Visa PIN change with the old PIN", Family.LEGACY, None),
        PinFormat("47", "ISO format 3", Family.BOUND, "3"),
        PinFormat("48", "ISO format 4", Family.BOUND, "4"),
    )
}
ISO_4 = "48"
BOUND_EXAMPLE = "01"  # a PIN kept under the LMK is bound to its account, as one in this format is

# From family -> to family -> verdict.
RULE: Mapping[Family, Mapping[Family, Verdict]] = {
    Family.BOUND: {
        Family.BOUND: Verdict.ALLOWED,
        Family.ISO_1: Verdict.FORBIDDEN,
        Family.ISO_2: Verdict.TO_CHIP_ONLY,
        Family.LEGACY: Verdict.FORBIDDEN,
    },
    Family.ISO_1: {
        Family.BOUND: Verdict.ALLOWED,
        Family.ISO_1: Verdict.BY_SETTING,
        Family.ISO_2: Verdict.TO_CHIP_ONLY,
        Family.LEGACY: Verdict.FORBIDDEN,
    },
    Family.ISO_2: dict.fromkeys(Family, Verdict.FORBIDDEN),
    Family.LEGACY: {
        Family.BOUND: Verdict.ALLOWED,
        Family.ISO_1: Verdict.FORBIDDEN,
        Family.ISO_2: Verdict.FORBIDDEN,
        Family.LEGACY: Verdict.ALLOWED,
    },
}


def format_refusal(code: str, settings: Settings) -> str | None:
    """Why blocks of this format cannot be used at all: an error code, or None.

    >>> format_refusal("01", Settings()), format_refusal("99", Settings()), format_refusal("41", Settings())
    (None, '23', '23')
    """
    found = FORMATS.get(code)
    if found is None:
        return codes.PIN_BLOCK_FORMAT
    if code in settings.disabled_pin_formats:
        return codes.FORMAT_DISABLED
    return codes.PIN_BLOCK_FORMAT if found.layout is None else None


def verdict(source: str, destination: str) -> Verdict:
    """What the rule says of a translation between two known formats."""
    return RULE[FORMATS[source].family][FORMATS[destination].family]


def translation_refusal(source: str, destination: str, settings: Settings) -> str | None:
    """Why this translation must not be done: an error code, or None.

    >>> translation_refusal("01", "47", Settings()), translation_refusal("01", "05", Settings())
    (None, '23')
    """
    refusal = format_refusal(source, settings) or format_refusal(destination, settings)
    if refusal or not settings.pci_pin_translation:
        return refusal
    permitted = {
        Verdict.ALLOWED: True,
        Verdict.FORBIDDEN: False,
        Verdict.TO_CHIP_ONLY: settings.iso2_to_chip,
        Verdict.BY_SETTING: settings.iso1_to_iso1,
    }
    return None if permitted[verdict(source, destination)] else codes.PIN_BLOCK_FORMAT


def carried_refusal(code: str, settings: Settings) -> str | None:
    """Why no network carries a PIN in this format: as above, and format 2 is between terminal and chip only."""
    refusal = format_refusal(code, settings)
    if refusal or FORMATS[code].family is not Family.ISO_2:
        return refusal
    return codes.PIN_BLOCK_FORMAT


class PinRules:
    """The refusals above worked out once for one HSM's settings, because every PIN asks."""

    def __init__(self, settings: Settings) -> None:
        self._carried = {code: carried_refusal(code, settings) for code in FORMATS}
        self._translations = {
            (source, destination): translation_refusal(source, destination, settings)
            for source in FORMATS
            for destination in FORMATS
        }

    def check_carried(self, code: str) -> None:
        """Refuses a format in which no PIN can come to be verified."""
        if refusal := self._carried.get(code, codes.PIN_BLOCK_FORMAT):
            raise RefusedError(refusal)

    def check_translation(self, source: str, destination: str) -> None:
        """Refuses a translation that must not be done."""
        if refusal := self._translations.get((source, destination), codes.PIN_BLOCK_FORMAT):
            raise RefusedError(refusal)
