"""What the MAC commands share: which key may make which MAC, and the MAC of a message, whole or in parts.

Only a last part is padded; a first or middle part must be whole blocks, and its
answer is the state to carry on from. A CMAC pads by itself, so the padding asked
for means nothing to it. An HMAC key says so in its key block, and its usage says
which hash; it has no state that would fit an IV, so it takes whole messages only.
"""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from hsm_sim.errors import RefusedError
from hsm_sim.keys import ANY_CIPHER, ANY_MODE, DES, Keyring, KeyRule
from hsm_sim.primitives.aes import AesKey
from hsm_sim.primitives.des import DOUBLE, DesKey
from hsm_sim.primitives.digest import hmac_of
from hsm_sim.primitives.mac import CBC, CMAC, RETAIL, block_of, chained, mac, padded
from protocols.hsm import HsmRequest, codes
from protocols.hsm.byte_fields import algorithm_of, usage_of
from protocols.hsm.fields import is_hex
from protocols.hsm.layouts import macs

ALGORITHMS: Mapping[str, int] = {"1": CBC, "3": RETAIL, "5": CMAC, "6": CMAC}
USAGES: Mapping[int, tuple[str, ...]] = {CBC: ("M0", "M1"), RETAIL: ("M3",), CMAC: ("M5", "M6")}
HASH_OF_USAGE = {"61": "sha1", "62": "sha224", "63": "sha256", "64": "sha384", "65": "sha512", "M7": "sha256"}
ONLY, LAST = "0", "3"
MORE_FOLLOWS = "12"
HEX_INPUT = "1"
WITH_LENGTH = 3  # the padding that begins with the length of the whole
MAC_DIGITS = {"0": 8, "1": 16}


class Rules(NamedTuple):
    """What may stand in one key field of a MAC command: a rule for each algorithm, and one for HMAC."""

    ciphers: Mapping[int, KeyRule]
    hmac: KeyRule

    def all(self) -> tuple[KeyRule, ...]:
        return (*self.ciphers.values(), self.hmac)


def rules(field: str, chosen_by: str, modes: tuple[str, ...], parity: str = codes.SOURCE_PARITY) -> Rules:
    """The rules for one key field."""
    of_ciphers = {
        algorithm: KeyRule(
            field,
            types=("003", "008"),
            parity=parity,
            chosen_by=chosen_by,
            usages=usages,
            modes=modes,
            algorithms=DES if algorithm == RETAIL else ANY_CIPHER,
        )
        for algorithm, usages in USAGES.items()
    }
    of_hmac = KeyRule(field, types=("10C",), parity=parity, chosen_by=chosen_by, modes=modes, algorithms=("H",))
    return Rules(of_ciphers, of_hmac)


class Maker(Protocol):
    """A key that makes MACs by one method."""

    def state_after(self, message: bytes, start: bytes | None) -> bytes:
        """The state after a part that is not the last."""

    def value(self, message: bytes, start: bytes | None) -> bytes:
        """The whole MAC after the last part, or of the only one."""


class CipherMaker(NamedTuple):
    """A MAC of ISO 9797-1 or a CMAC. `length`: the code for data that are no whole blocks."""

    key: DesKey | AesKey
    algorithm: int
    padding: int
    length: str = macs.LENGTH

    def state_after(self, message: bytes, start: bytes | None) -> bytes:
        if len(message) % block_of(self.key) or not message:
            raise RefusedError(self.length)
        if self.padding == WITH_LENGTH and self.algorithm != CMAC:
            raise RefusedError(macs.PADDING)
        return chained(self.key, self.algorithm, message, start)

    def value(self, message: bytes, start: bytes | None) -> bytes:
        if self.algorithm == CMAC:
            if start is not None and not message:
                raise RefusedError(self.length)
            return mac(self.key, CMAC, message, start)
        if self.padding == WITH_LENGTH and start is not None:
            raise RefusedError(macs.PADDING)
        blocks = self._padded(message, start)
        if len(blocks) % block_of(self.key) or not (blocks or start):
            raise RefusedError(self.length)
        return mac(self.key, self.algorithm, blocks, start)

    def _padded(self, message: bytes, start: bytes | None) -> bytes:
        """An empty last part ends where the one before it did, unless the padding has a bit of its own."""
        if not message and start is not None and self.padding == 1:
            return b""
        return padded(message, self.padding, block_of(self.key))


class HmacMaker(NamedTuple):
    """An HMAC, of whole messages only."""

    key: bytes
    hash: str

    def state_after(self, message: bytes, start: bytes | None) -> bytes:
        raise RefusedError(macs.MODE)

    def value(self, message: bytes, start: bytes | None) -> bytes:
        if start is not None:
            raise RefusedError(macs.MODE)
        return hmac_of(self.key, self.hash, message)


def opened(rules_of: Rules, fields: Mapping[str, str], keys: Keyring) -> Maker:
    """The key in the field of these rules, for the algorithm and padding the request names."""
    wire = fields[rules_of.hmac.field]
    if algorithm_of(wire) == "H":
        return HmacMaker(keys.open_bytes(rules_of.hmac, fields), HASH_OF_USAGE[usage_of(wire)])
    algorithm = ALGORITHMS[fields["algorithm"]]
    key = keys.open(rules_of.ciphers[algorithm], fields)
    if algorithm == RETAIL and len(key.clear) != DOUBLE:
        raise RefusedError(codes.KEY_LENGTH)
    return CipherMaker(key, algorithm, int(fields["padding"]))


def opened_by_length(rule: KeyRule, fields: Mapping[str, str], keys: Keyring) -> CipherMaker:
    """For the commands that name no algorithm: X9.9 with a single-length key, X9.19 with a double one, CMAC with AES.

    A key block says by its usage which it is.
    """
    key, attributes = keys.opened(rule, fields)
    if attributes is None:
        algorithm = RETAIL if len(key.clear) == DOUBLE else CBC
    else:
        algorithm = next(one for one, usages in USAGES.items() if attributes.usage in usages)
    if algorithm == RETAIL and (isinstance(key, AesKey) or len(key.clear) != DOUBLE):
        raise RefusedError(codes.KEY_LENGTH)
    return CipherMaker(key, algorithm, 1, codes.DATA_LENGTH)


def rule_by_length(field: str, types: tuple[str, ...], parity: str = codes.SOURCE_PARITY, **more: str) -> KeyRule:
    """The rule for a key of such a command. `more`: `chosen_by`."""
    permitted = tuple(usage for usages in USAGES.values() for usage in usages)
    return KeyRule(
        field,
        types=types,
        parity=parity,
        usages=permitted,
        modes=ANY_MODE,
        algorithms=ANY_CIPHER,
        chosen_by=more.get("chosen_by"),
    )


def more_follows(request: HsmRequest) -> bool:
    """A first or middle part: no MAC yet."""
    return request.fields["mode"] in MORE_FOLLOWS


def state_after(rules_of: Rules, request: HsmRequest, keys: Keyring) -> str:
    """The state after this part, for the next request's IV."""
    maker = opened(rules_of, request.fields, keys)
    return digits(maker.state_after(message_of(request.fields), start_of(request.fields)))


def mac_of(rules_of: Rules, request: HsmRequest, keys: Keyring) -> str:
    """The MAC, as many digits as were asked for."""
    maker = opened(rules_of, request.fields, keys)
    value = digits(maker.value(message_of(request.fields), start_of(request.fields)))
    return value[: MAC_DIGITS[request.fields["mac_size"]]]


def digits(value: bytes) -> str:
    """As it travels."""
    return value.hex().upper()


def start_of(fields: Mapping[str, str]) -> bytes | None:
    """The state to go on from; None at the beginning of a message."""
    iv = fields.get("iv")
    return bytes.fromhex(iv) if iv is not None and fields["mode"] not in (ONLY, "1") else None


def message_of(fields: Mapping[str, str], format_field: str = "input_format", bad: str = codes.INPUT_DATA) -> bytes:
    """The message as bytes; `bad` is the code for hex that is none."""
    text = fields["message"]
    if fields[format_field] != HEX_INPUT:
        return text.encode("latin-1")
    if len(text) % 2 or not (is_hex(text) or text == ""):
        raise RefusedError(bad)
    return bytes.fromhex(text)
