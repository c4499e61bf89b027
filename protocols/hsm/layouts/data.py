"""Layouts of the data commands: encrypt, decrypt, re-encrypt; hash; random bytes.

`message` is given as it is to travel: bytes as Latin-1 where its format is 0
(binary) or 2 (text), hex digits where it is 1; its length counts characters as
sent. After each chained mode the answer carries the IV to go on with.
"""

from protocols.hsm.byte_fields import AsLongAs, CipherBlock, Sized, WhenBaseKey
from protocols.hsm.codes import DATA_LENGTH, NOT_VERIFIED
from protocols.hsm.fields import Choice, Counted, Digits, Hex, Key, Part, When
from protocols.hsm.layout import Layout
from protocols.hsm.pin_fields import KeySerialNumber

MODE, INPUT_FORMAT, OUTPUT_FORMAT, KEY_TYPE, LENGTH = "02", "03", "04", "05", "06"
DESTINATION_MODE, DESTINATION_KEY_TYPE, MESSAGE_FORMAT = "07", "08", "35"

MODES = {"00": "ECB", "01": "CBC", "02": "CFB8", "03": "CFB"}
WITH_IV = ("01", "02", "03")
KEY_TYPES = ("00A", "00B", "30B", "009", "609", "809", "909", "FFF")
HASHES = {"01": "sha1", "02": "md5", "03": "mdc2", "05": "sha224", "06": "sha256", "07": "sha384", "08": "sha512"}
HASH_LENGTHS = {"01": 20, "02": 16, "03": 16, "05": 28, "06": 32, "07": 48, "08": 64}  # bytes

_FORMATS: tuple[Part, ...] = (
    Choice("input_format", ("0", "1", "2"), INPUT_FORMAT),
    Choice("output_format", ("0", "1", "2"), OUTPUT_FORMAT),
)


def _key(prefix: str, code: str) -> tuple[Part, ...]:
    """A key with its type; a base derivation key (BDK) with descriptor and serial number as well."""
    key_type, key, descriptor = f"{prefix}key_type", f"{prefix}key", f"{prefix}descriptor"
    serial = (Hex(descriptor, 3), KeySerialNumber(f"{prefix}ksn", descriptor, key))
    return (Choice(key_type, KEY_TYPES, code), Key(key), WhenBaseKey(key_type, key, serial))


def _iv(prefix: str) -> Part:
    return When(f"{prefix}mode", WITH_IV, (CipherBlock(f"{prefix}iv", f"{prefix}key"),))


_ONE_KEY = (Choice("mode", tuple(MODES), MODE), *_FORMATS, *_key("", KEY_TYPE), _iv(""), Counted("message", LENGTH))
_RESULT = (_iv(""), Counted("message", LENGTH))

LAYOUTS = (
    Layout("M0", "encrypt data", request=_ONE_KEY, answer=_RESULT),
    Layout("M2", "decrypt data", request=_ONE_KEY, answer=_RESULT),
    Layout(
        "M4",
        "re-encrypt data under another key",
        request=(
            Choice("source_mode", tuple(MODES), MODE),
            Choice("destination_mode", tuple(MODES), DESTINATION_MODE),
            *_FORMATS,
            *_key("source_", KEY_TYPE),
            *_key("destination_", DESTINATION_KEY_TYPE),
            _iv("source_"),
            _iv("destination_"),
            Counted("message", LENGTH),
        ),
        answer=(_iv("source_"), _iv("destination_"), Counted("message", LENGTH)),
    ),
    Layout(
        "GM",
        "hash",
        request=(Choice("hash", tuple(HASHES), "05"), Sized("message", 5, code=DATA_LENGTH)),
        answer=(AsLongAs("digest", "hash", HASH_LENGTHS),),
    ),
    Layout("N0", "random bytes", request=(Digits("length", 3, NOT_VERIFIED),), answer=(AsLongAs("random", "length"),)),
)
