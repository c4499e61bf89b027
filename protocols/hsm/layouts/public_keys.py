"""Layouts of the RSA and elliptic-curve commands: make a pair, import a public key, sign, verify.

Keys in DER, data and signatures are raw bytes. A private key is as long as its
4N says, or a key block behind FFFF.
"""

from protocols.hsm.byte_fields import Der, Exponent, PublicKey, Secret, Sized
from protocols.hsm.codes import DATA_LENGTH
from protocols.hsm.fields import Choice, Digits, Mark, Optional, Part, Text
from protocols.hsm.key_fields import LmkId
from protocols.hsm.layout import Layout

USE, ENCODING, LENGTH, EXPONENT_LENGTH, EVEN_EXPONENT = "05", "03", "04", "06", "08"
SIGNING_KEY, KEY_FLAG, HASH, SIGNATURE, PADDING = "03", "04", "05", "06", "07"

ENCODINGS = ("01", "02")  # DER with integers as they are; with the byte that keeps them positive
HASHES = {"01": "sha1", "02": "md5", "05": "sha224", "06": "sha256", "07": "sha384", "08": "sha512"}
PADDINGS = {"01": "pkcs1", "04": "pss"}
CURVES = {"00": "P-256", "01": "P-384", "02": "P-521"}

_ATTRIBUTES: tuple[Part, ...] = (
    Text("mode_of_use", 1),
    Text("key_version", 2),
    Text("exportability", 1),
    Digits("optional_blocks", 2),
)
_SIGNATURE: tuple[Part, ...] = (
    Choice("hash", tuple(HASHES), HASH),
    Choice("signature_type", ("01",), SIGNATURE),  # RSA
    Choice("padding", tuple(PADDINGS), PADDING),
)

LAYOUTS = (
    Layout(
        "EI",
        "make an RSA key pair",
        request=(
            Choice("use", ("0", "1", "2", "3", "4", "5"), USE),
            Digits("bits", 4, LENGTH),
            Choice("encoding", ENCODINGS, ENCODING),
            Exponent("exponent", EXPONENT_LENGTH),
            LmkId(),
            Optional("#", (Text("key_version", 2), Digits("optional_blocks", 2))),
            LmkId(),
            Optional("&", (Text("exportability", 1),)),
        ),
        answer=(Der("public_key"), Secret("private_key")),
    ),
    Layout(
        "EO",
        "import an RSA public key",
        request=(
            Choice("encoding", ENCODINGS, ENCODING),
            Der("public_key", LENGTH),
            Optional("~", ()),
            LmkId(),
            Optional("#", _ATTRIBUTES),
        ),
        answer=(PublicKey("public_key"),),
    ),
    Layout(
        "EW",
        "sign with an RSA private key",
        request=(
            *_SIGNATURE,
            Sized("message", 4, code=DATA_LENGTH),
            Mark(";"),
            Choice("key_flag", ("99",), KEY_FLAG),
            Secret("private_key"),
        ),
        answer=(Sized("signature", 4),),
    ),
    Layout(
        "EY",
        "verify an RSA signature",
        request=(
            *_SIGNATURE,
            Sized("signature", 4, code=DATA_LENGTH),
            Mark(";"),
            Sized("message", 4, code=DATA_LENGTH),
            Mark(";"),
            PublicKey("public_key"),
        ),
    ),
    Layout(
        "FY",
        "make an elliptic-curve key pair",
        request=(
            Choice("algorithm", ("01",), LENGTH),
            Choice("curve", tuple(CURVES)),
            Choice("encoding", ("03",), ENCODING),
            LmkId(),
            Mark("#"),
            *_ATTRIBUTES,
        ),
        answer=(Sized("public_key", 4), Secret("private_key")),
    ),
)
