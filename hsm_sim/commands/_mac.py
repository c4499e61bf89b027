"""What M6 and M8 share: the MAC of a message, whole or in parts.

Only a last part is padded; a first or middle part must be whole blocks, and its
answer is the state to carry on from.
"""

from hsm_sim.errors import RefusedError
from hsm_sim.keys import Keyring, KeyRule
from hsm_sim.primitives.des import BLOCK, DOUBLE, DesKey
from hsm_sim.primitives.mac import chained, mac, padded
from protocols.hsm import HsmRequest, codes
from protocols.hsm.fields import is_hex
from protocols.hsm.layouts import macs

KEY = KeyRule("key", types=("003", "008"), chosen_by="key_type")
RETAIL = 3
MORE_FOLLOWS = "12"
HEX_INPUT = "1"
MAC_DIGITS = {"0": 8, "1": 16}


def more_follows(request: HsmRequest) -> bool:
    """A first or middle part: no MAC yet."""
    return request.fields["mode"] in MORE_FOLLOWS


def state_after(request: HsmRequest, keys: Keyring) -> str:
    """The state after this part, for the next request's IV."""
    key, algorithm = _opened(request, keys)
    message = _message(request)
    if len(message) % BLOCK or not message:
        raise RefusedError(macs.LENGTH)
    return chained(key, algorithm, message, _start(request)).hex().upper()


def mac_of(request: HsmRequest, keys: Keyring) -> str:
    """The MAC, as many digits as were asked for."""
    key, algorithm = _opened(request, keys)
    blocks = padded(_message(request), int(request.fields["padding"]))
    if len(blocks) % BLOCK or not blocks:
        raise RefusedError(macs.LENGTH)
    value = mac(key, algorithm, blocks, _start(request)).hex().upper()
    return value[: MAC_DIGITS[request.fields["mac_size"]]]


def _opened(request: HsmRequest, keys: Keyring) -> tuple[DesKey, int]:
    key = keys.open_des(KEY, request.fields)
    algorithm = int(request.fields["algorithm"])
    if algorithm == RETAIL and len(key.clear) != DOUBLE:
        raise RefusedError(codes.KEY_LENGTH)
    return key, algorithm


def _start(request: HsmRequest) -> bytes:
    return bytes.fromhex(request.fields.get("iv", "00" * BLOCK))


def _message(request: HsmRequest) -> bytes:
    text = request.fields["message"]
    if request.fields["input_format"] != HEX_INPUT:
        return text.encode("latin-1")
    if len(text) % 2 or not (is_hex(text) or text == ""):
        raise RefusedError(codes.INPUT_DATA)
    return bytes.fromhex(text)
