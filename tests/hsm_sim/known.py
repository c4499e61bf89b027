"""Keys and cryptograms the HSM's tests share: public, nobody's, and each with its place in tests/vectors/SOURCES.md."""

from collections.abc import Mapping

from hypothesis import settings

from hsm_sim.desk import Desk
from hsm_sim.primitives.des import DesKey
from hsm_sim.settings import Settings
from protocols.hsm import HsmAnswer, build_request, read_answer
from tests.hsm_sim.known_crypt import GOOD_CRYPT
from tests.hsm_sim.known_health import GOOD_HEALTH
from tests.hsm_sim.known_keys import GOOD_KEYS
from tests.hsm_sim.known_pins import GOOD_PINS

a_few = settings(max_examples=25)  # for what another library computes too: its ciphers are slow, and ours are its own

K = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")
K1 = bytes.fromhex("A4702516B3808068AD2943B50BD60107")
K2 = bytes.fromhex("253873023B89C776FE9B0D54C2587A85")
Z = bytes.fromhex("5EF201B5B6164ABA51ECCEA452BCF4FD")

# Under test LMK 00.
K1_ZPK = "UF820C9180B6F6C75F72BD2E8737229F1"
K2_ZPK = "U235B54ED775B7F5A59FD9CF0F8FDCEF2"
K1_PVK = "U6BC12F1E18A69972B123ED97057D78AC"  # type 002, so a TPK as well
K1_TPK = K1_PVK
K1_CVK = "U21A646BD114E23B25B09D2BA887B822C"
K1_TAK = "UBF9922F7896F31E620C8ED8D529A8FBB"
Z_ZMK = "UD0FFD52137B5011DCE4B5537AD4BACF2"

ACCOUNT = "111111111111"  # of 4111111111111111
BLOCK_UNDER_K1 = "C6CF62084B7FF1FD"  # PIN 1234, format 0, that account
BLOCK_UNDER_K2 = "E8036E5B8BE2DDE3"
PVV = "7292"  # of PIN 1234 under K1, PVKI 1

# One good request for each command: the soil for tests that spoil one field.
GOOD: Mapping[str, Mapping[str, str]] = {
    "NC": {},
    **GOOD_HEALTH,
    "B2": {"data": "hello"},
    **GOOD_KEYS,
    "CA": {
        "source_key": K1_TPK,
        "destination_key": K2_ZPK,
        "maximum_pin_length": "12",
        "pin_block": BLOCK_UNDER_K1,
        "source_format": "01",
        "destination_format": "01",
        "account": ACCOUNT,
    },
    "CC": {
        "source_key": K1_ZPK,
        "destination_key": K2_ZPK,
        "maximum_pin_length": "12",
        "pin_block": BLOCK_UNDER_K1,
        "source_format": "01",
        "destination_format": "01",
        "account": ACCOUNT,
    },
    "DC": {
        "terminal_key": K1_TPK,
        "pvk": K1_PVK,
        "pin_block": BLOCK_UNDER_K1,
        "format": "01",
        "account": ACCOUNT,
        "pvki": "1",
        "pvv": PVV,
    },
    "EC": {
        "zone_key": K1_ZPK,
        "pvk": K1_PVK,
        "pin_block": BLOCK_UNDER_K1,
        "format": "01",
        "account": ACCOUNT,
        "pvki": "1",
        "pvv": PVV,
    },
    **GOOD_PINS,
    **GOOD_CRYPT,
    "BA": {"pin": "1234F", "account": ACCOUNT},
    "DG": {"pvk": K1_PVK, "pin_under_lmk": "11595", "account": ACCOUNT, "pvki": "1"},
    "CW": {"cvk": K1_CVK, "pan": "4111111111111111", "expiry": "2512", "service_code": "101"},
    "CY": {"cvk": K1_CVK, "cvv": "366", "pan": "4111111111111111", "expiry": "2512", "service_code": "101"},
    "M6": {
        "mode": "0",
        "input_format": "2",
        "mac_size": "1",
        "algorithm": "3",
        "padding": "1",
        "key_type": "003",
        "key": K1_TAK,
        "message": "Hello, world!",
    },
    "M8": {
        "mode": "0",
        "input_format": "2",
        "mac_size": "1",
        "algorithm": "3",
        "padding": "1",
        "key_type": "003",
        "key": K1_TAK,
        "message": "Hello, world!",
        "mac": "0000000000000000",
    },
}


def counted_up(count: int) -> bytes:
    """Randomness that is none: 00 01 02 …"""
    return bytes(range(count))


class Bench:
    """A desk and somebody who asks it; a defect fails the test at once."""

    def __init__(self, randomness=counted_up, **settings) -> None:
        self.desk = Desk(Settings(**settings), randomness, self._fail)
        self.settings = self.desk.settings

    def ask(self, command: str, *, lmk_id: str | None = None, **fields: str) -> HsmAnswer:
        request = build_request(command, b"0001", lmk_id=lmk_id, **fields)
        return read_answer(command, self.desk.answer(request), asked=fields)

    def ask_good(self, command: str, **changes: str) -> HsmAnswer:
        return self.ask(command, **{**GOOD[command], **changes})

    @staticmethod
    def _fail(command: str, error: Exception) -> None:
        raise AssertionError(f"{command} has a defect") from error


def block_under(key: bytes, clear: str) -> str:
    """A clear PIN block, encrypted."""
    return DesKey(key).encrypt(bytes.fromhex(clear)).hex().upper()
