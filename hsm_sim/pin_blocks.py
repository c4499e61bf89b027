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
from hsm_sim.primitives.pin_block import PIN_LONGEST, PIN_SHORTEST, Fill, NoPinError, PinLengthError
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
        return pin_block.read(_des_layout(code), key.decrypt(_des_block(block)), _digits(code, account))
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
        clear = pin_block.build(_des_layout(code), pin, _digits(code, account), fill)
    except PinLengthError:
        raise RefusedError(codes.PIN_LENGTH) from None
    return key.encrypt(clear).hex().upper()


def check_length(pin: str) -> None:
    """Refuses a PIN shorter than 4 or longer than 12 digits."""
    if not PIN_SHORTEST <= len(pin) <= PIN_LONGEST:
        raise RefusedError(codes.PIN_LENGTH)


def _digits(code: str, account: str) -> str:
    if len(account) == ACCOUNT_DIGITS:
        return account
    return account[:ACCOUNT_DIGITS] if FORMATS[code].leftmost else account_of(account)


def _des_layout(code: str) -> str:
    """The format's name; a block of format 4 under a DES key there is not."""
    layout = FORMATS[code].layout
    if layout is None or code == ISO_4:
        raise RefusedError(codes.PIN_BLOCK_FORMAT)
    return layout


def _des_block(digits: str) -> bytes:
    if len(digits) != DES_DIGITS:
        raise RefusedError(codes.INPUT_DATA)
    return bytes.fromhex(digits)


def _check_aes(code: str) -> None:
    if code != ISO_4:
        raise RefusedError(codes.PIN_BLOCK_FORMAT)


def _aes_block(code: str, digits: str) -> bytes:
    _check_aes(code)
    if len(digits) != AES_DIGITS:
        raise RefusedError(codes.INPUT_DATA)
    return bytes.fromhex(digits)
