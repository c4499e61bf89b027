"""What a key block's header may say: usages, with the algorithms and modes of use that go with each, as one table.

Usages of two digits are Thales' own, the others X9.143's (TR-31); both hold in
Thales' blocks, TR-31 takes its own only, so each of Thales' names the one that
goes out in its place. Which usage a command wants is in the command's KeyRule.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from hsm_sim.errors import RefusedError
from hsm_sim.key_block import Attributes
from hsm_sim.key_scheme import KEY_SCHEMES
from protocols.hsm import codes

BOTH_WAYS = "BDEN"
CHECKS = "CGVN"
DERIVES = "XN"
CIPHERS = "DTA"


@dataclass(frozen=True, slots=True)
class Usage:
    """One row: the code, what it stands for, its modes of use, its algorithms, and its code in TR-31."""

    code: str
    title: str
    modes: str
    algorithms: str = CIPHERS
    tr31: str = ""  # left out: the code itself

    @property
    def outside(self) -> str:
        return self.tr31 or self.code


USAGES: Mapping[str, Usage] = {
    row.code: row
    for row in (
        Usage("52", "ZMK", BOTH_WAYS, tr31="K0"),
        Usage("51", "TMK", BOTH_WAYS, tr31="K0"),
        Usage("72", "ZPK", BOTH_WAYS, tr31="P0"),
        Usage("71", "TPK", BOTH_WAYS, tr31="P0"),
        Usage("11", "CSC key", CHECKS, tr31="C0"),
        Usage("12", "CVC key", CHECKS, tr31="C0"),
        Usage("13", "CVV key", CHECKS, tr31="C0"),
        Usage("21", "DEK", BOTH_WAYS, tr31="D0"),
        Usage("22", "ZEK", BOTH_WAYS, tr31="D0"),
        Usage("23", "TEK", BOTH_WAYS, tr31="D0"),
        Usage("32", "dynamic CVC3 master key", DERIVES, tr31="E6"),
        Usage("41", "BDK-2", DERIVES, tr31="B0"),
        Usage("42", "BDK-3", DERIVES, tr31="B0"),
        Usage("43", "BDK-4", DERIVES, tr31="B0"),
        Usage("44", "BDK-5", DERIVES, tr31="B0"),
        Usage("61", "HMAC key, SHA-1", CHECKS, "H", "M7"),
        Usage("62", "HMAC key, SHA-224", CHECKS, "H", "M7"),
        Usage("63", "HMAC key, SHA-256", CHECKS, "H", "M7"),
        Usage("64", "HMAC key, SHA-384", CHECKS, "H", "M7"),
        Usage("65", "HMAC key, SHA-512", CHECKS, "H", "M7"),
        Usage("B0", "BDK", DERIVES),
        Usage("B1", "initial DUKPT key", DERIVES),
        Usage("C0", "card verification", CHECKS),
        Usage("D0", "data encryption", BOTH_WAYS),
        Usage("E0", "EMV application cryptograms", "XCGVN"),
        Usage("E1", "EMV secure messaging, confidentiality", "XBDEN"),
        Usage("E2", "EMV secure messaging, integrity", "XCGVN"),
        Usage("E3", "EMV data authentication code", "XCGVN"),
        Usage("E4", "EMV dynamic numbers", "XCGVN"),
        Usage("E5", "EMV card personalisation", "XBDECGVN"),
        Usage("E6", "EMV, other", "XBDECGVN"),
        Usage("K0", "key encryption", BOTH_WAYS),
        Usage("K1", "key block protection", BOTH_WAYS),
        Usage("M0", "MAC, ISO 16609", CHECKS),
        Usage("M1", "MAC, ISO 9797-1 algorithm 1", CHECKS),
        Usage("M2", "MAC, ISO 9797-1 algorithm 2", CHECKS),
        Usage("M3", "MAC, ISO 9797-1 algorithm 3", CHECKS),
        Usage("M4", "MAC, ISO 9797-1 algorithm 4", CHECKS),
        Usage("M5", "MAC, ISO 9797-1 algorithm 5", CHECKS),
        Usage("M6", "CMAC", CHECKS),
        Usage("M7", "HMAC", CHECKS, "H"),
        Usage("P0", "PIN encryption", BOTH_WAYS),
        Usage("V0", "PIN verification", CHECKS),
        Usage("V1", "PIN verification, IBM 3624", CHECKS),
        Usage("V2", "PIN verification, Visa PVV", CHECKS),
    )
}
EXPORTABILITY = "ENS"  # under any key, not at all, under a trusted key in a key block
LENGTHS = {"D1": 8, "T1": 8, "T2": 16, "T3": 24, "A1": 16, "A2": 24, "A3": 32}  # algorithm and size asked for -> bytes


def check(said: Attributes) -> Attributes:
    """These attributes, when a new key may have them. Raises RefusedError A6, A7, A8, A9 or AA, in this order."""
    usage = USAGES.get(said.usage)
    if usage is None:
        raise RefusedError(codes.BLOCK_USAGE)
    if said.algorithm not in usage.algorithms:
        raise RefusedError(codes.BLOCK_ALGORITHM)
    if said.mode not in usage.modes:
        raise RefusedError(codes.BLOCK_MODE)
    if not said.version.isdigit():
        raise RefusedError(codes.BLOCK_VERSION)
    if said.exportability not in EXPORTABILITY:
        raise RefusedError(codes.BLOCK_EXPORT)
    return said


def outside(usage: str) -> str:
    """The X9.143 usage that stands for this one in TR-31.

    >>> outside("72"), outside("B0")
    ('P0', 'B0')
    """
    return USAGES[usage].outside if usage in USAGES else usage


def check_export(said: Attributes, scheme: str) -> None:
    """AA unless the header lets the key out in this scheme: E in any, S in a key block."""
    if said.exportability == "E" or (said.exportability == "S" and scheme not in KEY_SCHEMES):
        return
    raise RefusedError(codes.BLOCK_EXPORT)
