"""PIN blocks as the commands meet them: a PIN out of an encrypted block, and into one, by format, key and account.

An account travels as twelve digits or as the whole PAN and `;`. Formats 0 and 3
take twelve digits out of either; format 4 takes the whole PAN where it has it,
and otherwise the twelve digits, as if they were all.
"""

from hsm_sim.errors import RefusedError
from hsm_sim.pin_translation import FORMATS, ISO_4
from hsm_sim.primitives import iso4, pin_block
from hsm_sim.primitives.aes import AesKey
from hsm_sim.primitives.des import DesKey
from hsm_sim.primitives.pin_block import PIN_LONGEST, PIN_SHORTEST, Fill, NoPinError, PinLengthError, length_in_format_0
from protocols.hsm import codes

DES_DIGITS, AES_DIGITS = 16, 32  # of an encrypted PIN block
ACCOUNT_DIGITS = 12


def account_of(account: str) -> str:
    """The twelve digits.

    >>> account_of("411111111111"), account_of("4111111111111234;")
    ('411111111111', '111111111123')
    """
    return account if len(account) == ACCOUNT_DIGITS else account[-ACCOUNT_DIGITS - 2 : -2]


def pan_of(account: str) -> str:
    """All digits that came.

    >>> pan_of("411111111111"), pan_of("4111111111111111;")
    ('411111111111', '4111111111111111')
    """
    return account.rstrip(";")


def pin_in(key: DesKey | AesKey, code: str, block: str, account: str) -> str:
    """The PIN in an encrypted block of a usable format. Raises RefusedError: 15 its length, 20 no PIN, 23, 24."""
    try:
        if isinstance(key, AesKey):
            return iso4.pin_of(key, _aes_block(code, block), pan_of(account))
        layout = _des_layout(code)
        if len(block) != DES_DIGITS:
            raise RefusedError(codes.INPUT_DATA)
        twelve = account if len(account) == ACCOUNT_DIGITS else _digits(code, account)
        return pin_block.read(layout, key.decrypt(bytes.fromhex(block)), twelve)
    except NoPinError:
        raise RefusedError(codes.NO_VALID_PIN) from None
    except PinLengthError:
        raise RefusedError(codes.PIN_LENGTH) from None


def block_of(key: DesKey | AesKey, code: str, pin: str, account: str, fill: Fill) -> str:
    """The PIN in an encrypted block of a usable format, in hex. Raises RefusedError: 23, 24."""
    try:
        if isinstance(key, AesKey):
            _check_aes(code)
            return iso4.enciphered(key, iso4.pin_field(pin, fill), pan_of(account)).hex().upper()
        twelve = account if len(account) == ACCOUNT_DIGITS else _digits(code, account)
        clear = pin_block.build(_des_layout(code), pin, twelve, fill)
    except PinLengthError:
        raise RefusedError(codes.PIN_LENGTH) from None
    return key.encrypt(clear).hex().upper()


def handed_on(source: DesKey, destination: DesKey, block: str, account: str) -> tuple[int, str]:
    """A block of format 0 from one key to another: the PIN's length, and the block. Raises RefusedError: 15, 20, 24.

    There is no filling of chance in it: the same PIN under the same account is the same clear block, so it is looked
    at and need not be built anew. Half of all that an HSM is asked is this.
    """
    if len(block) != DES_DIGITS:
        raise RefusedError(codes.INPUT_DATA)
    try:
        clear = source.decrypt(bytes.fromhex(block))
        length = length_in_format_0(clear, account if len(account) == ACCOUNT_DIGITS else account_of(account))
    except NoPinError:
        raise RefusedError(codes.NO_VALID_PIN) from None
    except PinLengthError:
        raise RefusedError(codes.PIN_LENGTH) from None
    return length, destination.encrypt(clear).hex().upper()


def check_length(pin: str) -> None:
    """Refuses a PIN shorter than 4 or longer than 12 digits."""
    if not PIN_SHORTEST <= len(pin) <= PIN_LONGEST:
        raise RefusedError(codes.PIN_LENGTH)


def _digits(code: str, account: str) -> str:
    """The twelve of a whole PAN that this format takes."""
    return account[:ACCOUNT_DIGITS] if FORMATS[code].leftmost else account_of(account)


# Every PIN asks, so it is worked out once: format -> its name. A block of format 4 under a DES key there is not.
_DES_LAYOUTS = {row.code: row.layout for row in FORMATS.values() if row.layout is not None and row.code != ISO_4}


def _des_layout(code: str) -> str:
    layout = _DES_LAYOUTS.get(code)
    if layout is None:
        raise RefusedError(codes.PIN_BLOCK_FORMAT)
    return layout


def _check_aes(code: str) -> None:
    if code != ISO_4:
        raise RefusedError(codes.PIN_BLOCK_FORMAT)


def _aes_block(code: str, digits: str) -> bytes:
    _check_aes(code)
    if len(digits) != AES_DIGITS:
        raise RefusedError(codes.INPUT_DATA)
    return bytes.fromhex(digits)
