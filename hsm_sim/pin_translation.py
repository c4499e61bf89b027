"""Which PIN block formats there are, and which may be translated into which (PCI PIN requirement 3-3): one table.

Format 4 is for AES keys and format 2 for chips, so between the DES keys we have
neither is a destination. The legacy formats have their place in the table and
are not built; they answer as disabled ones do.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from hsm_sim.errors import RefusedError
from hsm_sim.primitives import pin_block
from hsm_sim.primitives.pin_block import Fill, NoPinError, PinLengthError
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
    """One PIN block format: its two-digit code, its name, its family, and its ISO number where there is one."""

    code: str
    title: str
    family: Family
    iso: str | None = None  # None: not built


FORMATS: Mapping[str, PinFormat] = {
    row.code: row
    for row in (
        PinFormat("01", "ISO format 0", Family.BOUND, "0"),
        PinFormat("02", "Docutel", Family.LEGACY),
        PinFormat("03", "Diebold and IBM", Family.LEGACY),
        PinFormat("04", "PLUS", Family.LEGACY),
        PinFormat("05", "ISO format 1", Family.ISO_1, "1"),
        PinFormat("34", "ISO format 2", Family.ISO_2, "2"),
        PinFormat("35", "Mastercard PayNow", Family.LEGACY),
        PinFormat("41", "Visa PIN change without the old PIN", Family.LEGACY),
        PinFormat("42", "Visa PIN change with the old PIN", Family.LEGACY),
        PinFormat("47", "ISO format 3", Family.BOUND, "3"),
        PinFormat("48", "ISO format 4", Family.BOUND),
    )
}
AES_ONLY = "48"
DES_BLOCK_DIGITS = 16

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
    """Why blocks of this format cannot be used under a DES key: an error code, or None.

    >>> format_refusal("01", Settings()), format_refusal("99", Settings()), format_refusal("48", Settings())
    (None, '23', '23')
    """
    found = FORMATS.get(code)
    if found is None:
        return codes.PIN_BLOCK_FORMAT
    if code in settings.disabled_pin_formats or found.family is Family.LEGACY:
        return codes.FORMAT_DISABLED
    return codes.PIN_BLOCK_FORMAT if code == AES_ONLY else None


def verdict(source: str, destination: str) -> Verdict:
    """What the rule says of a translation between two known formats."""
    return RULE[FORMATS[source].family][FORMATS[destination].family]


def translation_refusal(source: str, destination: str, settings: Settings) -> str | None:
    """Why this translation must not be done between two DES keys: an error code, or None.

    >>> translation_refusal("01", "47", Settings()), translation_refusal("01", "05", Settings())
    (None, '23')
    """
    refusal = format_refusal(source, settings) or format_refusal(destination, settings)
    if refusal or not settings.pci_pin_translation:
        return refusal
    said = verdict(source, destination)
    if said is Verdict.ALLOWED or (said is Verdict.BY_SETTING and settings.iso1_to_iso1):
        return None
    return codes.PIN_BLOCK_FORMAT


class PinRules:
    """The two refusals above worked out once for one HSM's settings, because every PIN asks."""

    def __init__(self, settings: Settings) -> None:
        self._formats = {code: format_refusal(code, settings) for code in FORMATS}
        self._translations = {
            (source, destination): translation_refusal(source, destination, settings)
            for source in FORMATS
            for destination in FORMATS
        }

    def check_format(self, code: str) -> None:
        """Refuses a format that cannot be used."""
        if refusal := self._formats.get(code, codes.PIN_BLOCK_FORMAT):
            raise RefusedError(refusal)

    def check_translation(self, source: str, destination: str) -> None:
        """Refuses a translation that must not be done."""
        if refusal := self._translations.get((source, destination), codes.PIN_BLOCK_FORMAT):
            raise RefusedError(refusal)


def des_block(digits: str) -> bytes:
    """The eight bytes of a PIN block; the longer ones belong to AES keys, which this format is not for."""
    if len(digits) != DES_BLOCK_DIGITS:
        raise RefusedError(codes.INPUT_DATA)
    return bytes.fromhex(digits)


def pin_in(code: str, block: bytes, account: str) -> str:
    """The PIN in a clear block of a usable format. Raises RefusedError: 20 no PIN, 24 its length."""
    try:
        return pin_block.read(FORMATS[code].iso or "", block, account)
    except NoPinError:
        raise RefusedError(codes.NO_VALID_PIN) from None
    except PinLengthError:
        raise RefusedError(codes.PIN_LENGTH) from None


def block_of(code: str, pin: str, account: str, fill: Fill) -> bytes:
    """The clear block of a usable format."""
    return pin_block.build(FORMATS[code].iso or "", pin, account, fill)
