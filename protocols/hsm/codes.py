"""Error codes of the host commands, by name, and what each says.

01 is the only one that means "the check said no"; everything else but 00 means
"the question was wrong". A few commands (M6, M8) give single codes a meaning of
their own, which stands with their layout.
"""

from collections.abc import Mapping

DONE = "00"
NOT_VERIFIED = "01"
PVK_NOT_SINGLE = "02"
KEY_TYPE_CODE = "04"
KEY_LENGTH_FLAG = "05"
SOURCE_PARITY = "10"
DESTINATION_PARITY = "11"
USER_STORAGE = "12"
LMK_ID = "13"
PIN_UNDER_LMK = "14"
INPUT_DATA = "15"
NOT_AUTHORISED = "17"
NO_VALID_PIN = "20"
INDEX = "21"
ACCOUNT = "22"
PIN_BLOCK_FORMAT = "23"
PIN_LENGTH = "24"
DECIMALISATION_TABLE = "25"
KEY_SCHEME = "26"
KEY_LENGTH = "27"
KEY_TYPE = "28"
KEY_FUNCTION = "29"
FRAUD = "39"
DEFECT = "41"
UNKNOWN_COMMAND = "68"
FORMAT_DISABLED = "69"
EQUAL_HALVES = "75"
DATA_LENGTH = "80"
PIN_MISMATCH = "81"
EXCLUDED_PIN = "86"
LMK_SCHEME = "A1"
BLOCK_LMK_ID = "A3"
BLOCK_MAC = "A4"
BLOCK_LENGTH = "A5"
BLOCK_USAGE = "A6"
BLOCK_ALGORITHM = "A7"
BLOCK_MODE = "A8"
BLOCK_VERSION = "A9"
BLOCK_EXPORT = "AA"
BLOCK_OPTIONAL_COUNT = "AB"
BLOCK_OPTIONAL = "AC"
BLOCK_STATUS = "AD"
BLOCK_START = "AE"
BLOCK_END = "AF"
BLOCK_HEADER = "B2"
COMPONENTS = "B5"
REPEATED_OPTIONAL = "BC"

TITLES: Mapping[str, str] = {
    DONE: "done",
    NOT_VERIFIED: "verification failed",
    PVK_NOT_SINGLE: "PVK not of single length (a warning)",
    KEY_TYPE_CODE: "key type code",
    KEY_LENGTH_FLAG: "key length flag",
    SOURCE_PARITY: "source key parity",
    DESTINATION_PARITY: "destination key parity, or all zeros",
    USER_STORAGE: "user storage",
    LMK_ID: "LMK id",
    PIN_UNDER_LMK: "PIN under LMK invalid",
    INPUT_DATA: "input data",
    NOT_AUTHORISED: "not in the authorised state",
    NO_VALID_PIN: "PIN block holds no valid PIN",
    INDEX: "index",
    ACCOUNT: "account number",
    PIN_BLOCK_FORMAT: "PIN block format, or a translation that is not allowed",
    PIN_LENGTH: "PIN shorter than 4 or longer than 12",
    DECIMALISATION_TABLE: "decimalisation table",
    KEY_SCHEME: "key scheme",
    KEY_LENGTH: "key length",
    KEY_TYPE: "key type",
    KEY_FUNCTION: "function not permitted for this key",
    FRAUD: "fraud detection",
    DEFECT: "internal",
    UNKNOWN_COMMAND: "disabled or unknown command",
    FORMAT_DISABLED: "PIN block format disabled",
    EQUAL_HALVES: "single-length key masquerading as double",
    DATA_LENGTH: "data length",
    PIN_MISMATCH: "PIN length mismatch",
    EXCLUDED_PIN: "PIN on the list of excluded ones",
    LMK_SCHEME: "LMK scheme",
    BLOCK_LMK_ID: "LMK id in a key block",
    BLOCK_MAC: "authenticator of a key block",
    BLOCK_LENGTH: "length of the key in a key block",
    BLOCK_USAGE: "key usage",
    BLOCK_ALGORITHM: "key algorithm",
    BLOCK_MODE: "mode of use",
    BLOCK_VERSION: "key version",
    BLOCK_EXPORT: "exportability",
    BLOCK_OPTIONAL_COUNT: "number of optional blocks",
    BLOCK_OPTIONAL: "optional block of a key block",
    BLOCK_STATUS: "status of a key",
    BLOCK_START: "first day of a key: still to come, or no date",
    BLOCK_END: "last day of a key: past, or no date",
    BLOCK_HEADER: "header of a key block",
    COMPONENTS: "components that do not go together",
    REPEATED_OPTIONAL: "optional block that comes twice",
}
