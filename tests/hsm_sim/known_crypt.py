"""Good requests for the MAC, data, EMV and public-key commands, under LMK 00; the same keys that `known.py` uses.

Cryptograms here were made by pyemv, MACs by psec, signatures and keys by
`cryptography`: none by the code they test.
"""

import hmac
from collections.abc import Mapping

import psec
import pyemv
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from hsm_sim.key_scheme import KEY_SCHEMES, wrap
from hsm_sim.lmk import TEST_VARIANT_PAIRS, Lmk
from hsm_sim.primitives.der import written
from hsm_sim.primitives.des import DesKey
from hsm_sim.primitives.enclosed import enclosed
from hsm_sim.primitives.mac import cmac

K = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")
K1 = bytes.fromhex("A4702516B3808068AD2943B50BD60107")
K2 = bytes.fromhex("253873023B89C776FE9B0D54C2587A85")
LMK = Lmk("00", TEST_VARIANT_PAIRS)


def under(key_type: str, clear: bytes = K1, scheme: str = "U") -> str:
    """A key of this type under LMK 00."""
    return wrap(LMK.pair(key_type), KEY_SCHEMES[scheme], clear)


def octets(value: bytes) -> str:
    """Bytes as fields carry them."""
    return value.decode("latin-1")


PAN, PSN = "4111111111111111", "01"
PAN_BLOCK = bytes.fromhex((PAN + PSN)[-16:])
ATC, UN, ARC, CSU = b"\x00\x2a", bytes.fromhex("52BF4585"), b"00", bytes.fromhex("03920000")
DATA = (
    bytes.fromhex("00000000999900000000000008408000048000084099123101") + UN + bytes.fromhex("1800") + ATC + b"\3\2\1"
)
VIS_KEY = pyemv.kd.derive_icc_mk_a(K1, PAN, PSN)
CSK_KEY = pyemv.kd.derive_common_sk(VIS_KEY, ATC + bytes(6))
VIS_ARQC = pyemv.ac.generate_ac(VIS_KEY, DATA, pyemv.ac.PaddingType.VISA)
CSK_ARQC = pyemv.ac.generate_ac(CSK_KEY, DATA)

MESSAGE = b"Now is the time for all "
MAC = psec.mac.generate_retail_mac(K1[:8], K1[8:], MESSAGE, 1)

# 1024 bits are enough for a test, and quick.
PRIVATE_KEY = rsa.generate_private_key(65537, 1024)
PUBLIC_DER = PRIVATE_KEY.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)
VOUCHED = cmac(DesKey(LMK.pair("00D")), PUBLIC_DER)[:4] + PUBLIC_DER
SIGNATURE = PRIVATE_KEY.sign(MESSAGE, padding.PKCS1v15(), hashes.SHA256())


def _private_der() -> bytes:
    numbers = PRIVATE_KEY.private_numbers()
    return written((numbers.p, numbers.q, numbers.dmp1, numbers.dmq1, numbers.iqmp), signed=False)


PRIVATE = octets(enclosed(DesKey(LMK.pair("00C")), _private_der()))
HMAC_KEY = octets(enclosed(DesKey(LMK.pair("10C")), bytes(range(32))))

_DATA = {"input_format": "1", "output_format": "1", "message": MESSAGE.hex().upper()}
_CARD = {"pan_block": octets(PAN_BLOCK), "atc": octets(ATC)}
_KU = {"mk_smi": under("209"), "pan_block": octets(PAN_BLOCK), "session_data": octets(bytes(6) + ATC)}
_SIGNED = {"hash": "06", "signature_type": "01", "padding": "01", "message": octets(MESSAGE)}
_BLOCK = {"mode": "0", "message": octets(MESSAGE)}
_HMAC = {"hash": "06", "key": HMAC_KEY, "message": octets(MESSAGE)}
HMAC_OF_MESSAGE = hmac.digest(bytes(range(32)), MESSAGE, "sha256")

GOOD_CRYPT: Mapping[str, Mapping[str, str]] = {
    "MY": {
        "mode": "0",
        "input_format": "0",
        "mac_size": "1",
        "algorithm": "3",
        "padding": "1",
        "key_type": "003",
        "key": under("003"),
        "destination_key_type": "008",
        "destination_key": under("008", K2),
        "message": octets(MESSAGE),
        "mac": MAC.hex().upper(),
    },
    "MA": {"key": under("003"), "message": octets(MESSAGE)},
    "MC": {"key": under("003"), "mac": MAC[:4].hex().upper(), "message": octets(MESSAGE)},
    "ME": {
        "key": under("003"),
        "destination_key": under("003", K2),
        "mac": MAC[:4].hex().upper(),
        "message": octets(MESSAGE),
    },
    "MQ": {**_BLOCK, "key": under("008")},
    "MS": {**_BLOCK, "key_type": "0", "key_length": "1", "message_type": "0", "key": under("003")},
    "GW": {
        "mode": "4",
        "method": "1",
        "bdk": under("009", K),
        "descriptor": "A05",
        "ksn": "FFFF9876543210E00001",
        "message": "4012345678909D987",
    },
    "LQ": _HMAC,
    "LS": {**_HMAC, "mac": octets(HMAC_OF_MESSAGE)},
    "M0": {**_DATA, "mode": "01", "key_type": "00A", "key": under("00A"), "iv": "0" * 16},
    "M2": {**_DATA, "mode": "01", "key_type": "00A", "key": under("00A"), "iv": "0" * 16},
    "M4": {
        **_DATA,
        "source_mode": "00",
        "destination_mode": "01",
        "source_key_type": "00A",
        "source_key": under("00A"),
        "destination_key_type": "00B",
        "destination_key": under("00B", K2),
        "destination_iv": "0" * 16,
    },
    "GM": {"hash": "06", "message": octets(MESSAGE)},
    "N0": {"length": "016"},
    "KQ": {
        "mode": "1",
        "scheme": "0",
        "mk_ac": under("109"),
        **_CARD,
        "unpredictable_number": octets(UN),
        "data": octets(DATA),
        "arqc": octets(VIS_ARQC),
        "arc": octets(ARC),
    },
    "KW": {
        "mode": "3",
        "scheme": "2",
        "mk_ac": under("109"),
        **_CARD,
        "data": octets(DATA),
        "arqc": octets(CSK_ARQC),
        "csu": octets(CSU),
        "proprietary": "",
    },
    "K2": {
        "mode": "0",
        "scheme": "00",
        "derivation": "0",
        "session": "2",
        "mk_ac": under("109"),
        "pan_psn": octets(bytes.fromhex(PAN + PSN)),
        "atc": octets(ATC),
        "unpredictable_number": octets(UN),
        "data": octets(DATA),
        "cryptogram": octets(CSK_ARQC[:4] + bytes(4)),
        "bit_map": octets(b"\xff" * 4 + bytes(4)),
        "reserved": octets(bytes(4)),
    },
    "KU": {"mode": "0", "scheme": "0", **_KU, "command_data": octets(bytes.fromhex("8418000008") + ATC + VIS_ARQC)},
    "KY": {
        "mode": "1",
        "scheme": "2",
        **_KU,
        "session_data": octets(CSK_ARQC),
        "command_data": octets(bytes.fromhex("8424000210")),
        "mk_smc": under("309", K2),
        "zek": under("00A"),
        "offset": "0005",
        "secret": octets(DesKey(K1).encrypt(bytes.fromhex("2499999999FFFFFF"))),
    },
    "EI": {"use": "0", "bits": "1024", "encoding": "02"},
    "EO": {"encoding": "02", "public_key": octets(PUBLIC_DER)},
    "EW": {**_SIGNED, "key_flag": "99", "private_key": PRIVATE},
    "EY": {**_SIGNED, "signature": octets(SIGNATURE), "public_key": octets(VOUCHED)},
    "FY": {  # answers A1 here: a curve's key has no key type
        "algorithm": "01",
        "curve": "00",
        "encoding": "03",
        "mode_of_use": "S",
        "key_version": "00",
        "exportability": "N",
        "optional_blocks": "00",
    },
}

# Some answer to each of them.
ANSWERS_CRYPT: Mapping[str, Mapping[str, str]] = {
    "MY": {"destination_mac": "A1C72E74EA3FA9B6"},
    "MA": {"mac": "A1C72E74"},
    "MC": {},
    "ME": {"mac": "A1C72E74"},
    "MQ": {"mac": "A1C72E74EA3FA9B6"},
    "MS": {"mac": "A1C72E74EA3FA9B6"},
    "GW": {"mac": "9CCC78173FC4FB64"},
    "LQ": {"mac": octets(HMAC_OF_MESSAGE)},
    "LS": {},
    "M0": {"iv": "0123456789ABCDEF", "message": "0123456789ABCDEF"},
    "M2": {"iv": "0123456789ABCDEF", "message": "0123456789ABCDEF"},
    "M4": {"destination_iv": "0123456789ABCDEF", "message": "0123456789ABCDEF"},
    "GM": {"digest": octets(bytes(range(16, 48)))},
    "N0": {"random": octets(bytes(range(16, 32)))},
    "KQ": {"arpc": octets(bytes(range(20, 28)))},
    "KW": {"arpc_mac": octets(bytes(range(20, 24))), "csu": octets(CSU)},
    "K2": {},
    "KU": {"mac": octets(bytes(range(20, 28)))},
    "KY": {"mac": octets(bytes(range(20, 28))), "ciphertext": octets(bytes(16))},
    "EI": {"public_key": octets(PUBLIC_DER), "private_key": PRIVATE},
    "EO": {"public_key": octets(VOUCHED)},
    "EW": {"signature": octets(SIGNATURE)},
    "EY": {},
    "FY": {"public_key": octets(PUBLIC_DER), "private_key": "S10040" + "03ES00N0002" + "0" * 24},
}
