"""The kinds of field that carry raw bytes, or are there only for some keys: data, MACs, cryptograms, RSA keys.

They keep to the rules of `fields.py`. The value of a field of bytes is Latin-1
text, one character a byte. Whether a field is there may depend on a key that
travelled before it: what its key block's header says of algorithm and usage is
read here without being believed, for only the HSM can check the block's MAC.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from protocols.hsm.codes import INPUT_DATA, KEY_SCHEME
from protocols.hsm.fields import KEY_BLOCK_SHORTEST, Part, UnreadableError, is_digits, is_hex

USAGE_AT, ALGORITHM_AT = slice(6, 8), slice(8, 9)  # in a block as it travels, its scheme letter first
BLOCK_LETTERS = ("S", "R")
DES_BLOCK, AES_BLOCK = 16, 32  # hex digits
BASE_KEY_TYPES = ("009", "609", "809", "909")
BASE_KEY_USAGES = ("B0", "41", "42", "43", "44")
BY_HEADER = "FFF"
AUTHENTICATOR = 4  # bytes in front of a public key, under a variant LMK
FRAME_LENGTH_DIGITS = 4  # in front of each frame of a chain
LENGTH_OF_BLOCK = "FFFF"  # stands for a length where a key block says its own
_END = re.compile(r"(?:~?%[0-9]{2})?(?:\x19.{0,32})?\Z", re.DOTALL)  # LMK id and trailer


def algorithm_of(wire: str) -> str:
    """What a key block says its key is for: D T A R E H; "" for a key that is no block.

    >>> algorithm_of("S10096B0AX00S0002"), algorithm_of("U" + "0" * 32)
    ('A', '')
    """
    return wire[ALGORITHM_AT] if wire.startswith(BLOCK_LETTERS) else ""


def usage_of(wire: str) -> str:
    """The usage a key block says; "" for a key that is no block.

    >>> usage_of("S10096B0AX00S0002")
    'B0'
    """
    return wire[USAGE_AT] if wire.startswith(BLOCK_LETTERS) else ""


def is_base_key(key_type: str, wire: str) -> bool:
    """Whether this is a base derivation key (BDK), which comes with a key serial number."""
    return key_type in BASE_KEY_TYPES or (key_type == BY_HEADER and usage_of(wire) in BASE_KEY_USAGES)


def _given(name: str, values: Mapping[str, str], code: str) -> str:
    value = values.get(name)
    if value is None:
        raise UnreadableError(name, code)
    return value


@dataclass(frozen=True, slots=True)
class Binary:
    """`nB`: so many bytes."""

    name: str
    length: int
    code: str = INPUT_DATA

    def read(self, text: str, at: int, found: dict[str, str], asked: Mapping[str, str]) -> int:
        end = at + self.length
        found[self.name] = self._checked(text[at:end])
        return end

    def write(self, values: Mapping[str, str], asked: Mapping[str, str]) -> str:
        return self._checked(_given(self.name, values, self.code))

    def names(self) -> tuple[str, ...]:
        return (self.name,)

    def pattern(self) -> str | None:
        return None

    def _checked(self, value: str) -> str:
        if len(value) != self.length:
            raise UnreadableError(self.name, self.code)
        return value


@dataclass(frozen=True, slots=True)
class Sized:
    """A length of `digits` digits to `base` 10 or 16, then that many bytes, `shortest` to `longest` of them."""

    name: str
    digits: int
    base: int = 10
    code: str = INPUT_DATA
    longest: int = 0xFFFF
    shortest: int = 0

    def read(self, text: str, at: int, found: dict[str, str], asked: Mapping[str, str]) -> int:
        begin = at + self.digits
        length = self._length(text[at:begin])
        end = begin + length
        if end > len(text):
            raise UnreadableError(self.name, self.code)
        found[self.name] = self._checked(text[begin:end])
        return end

    def write(self, values: Mapping[str, str], asked: Mapping[str, str]) -> str:
        value = self._checked(_given(self.name, values, self.code))
        spelled = f"{len(value):0{self.digits}X}" if self.base == 16 else f"{len(value):0{self.digits}d}"
        if len(spelled) > self.digits:
            raise UnreadableError(self.name, self.code)
        return spelled + value

    def names(self) -> tuple[str, ...]:
        return (self.name,)

    def pattern(self) -> str | None:
        return None

    def _length(self, digits: str) -> int:
        good = is_hex(digits) if self.base == 16 else is_digits(digits)
        if len(digits) != self.digits or not good:
            raise UnreadableError(self.name, self.code)
        return int(digits, self.base)

    def _checked(self, value: str) -> str:
        if not self.shortest <= len(value) <= self.longest:
            raise UnreadableError(self.name, self.code)
        return value


@dataclass(frozen=True, slots=True)
class Chain:
    """As many frames as the field `counted_by` says, each behind its length 4N; the value is all of them."""

    name: str
    counted_by: str

    def read(self, text: str, at: int, found: dict[str, str], asked: Mapping[str, str]) -> int:
        begin = at
        for _ in range(int(found[self.counted_by])):
            digits = text[at : at + FRAME_LENGTH_DIGITS]
            if len(digits) != FRAME_LENGTH_DIGITS or not is_digits(digits):
                raise UnreadableError(self.name, INPUT_DATA)
            at += FRAME_LENGTH_DIGITS + int(digits)
            if at > len(text):
                raise UnreadableError(self.name, INPUT_DATA)
        found[self.name] = text[begin:at]
        return at

    def write(self, values: Mapping[str, str], asked: Mapping[str, str]) -> str:
        value = _given(self.name, values, INPUT_DATA)
        counted = {self.counted_by: _given(self.counted_by, values, INPUT_DATA)}
        if not is_digits(counted[self.counted_by]) or self.read(value, 0, counted, asked) != len(value):
            raise UnreadableError(self.name, INPUT_DATA)
        return value

    def names(self) -> tuple[str, ...]:
        return (self.name,)

    def pattern(self) -> str | None:
        return None


def chained(frames: Iterable[str]) -> str:
    """Frames as a `Chain` holds them.

    >>> chained(["NC", "B20001x"])
    '0002NC0007B20001x'
    """
    return "".join(f"{len(frame):0{FRAME_LENGTH_DIGITS}d}{frame}" for frame in frames)


def unchained(chain: str) -> Iterator[str]:
    """The frames again.

    >>> list(unchained("0002NC0007B20001x"))
    ['NC', 'B20001x']
    """
    at = 0
    while at < len(chain):
        begin = at + FRAME_LENGTH_DIGITS
        at = begin + int(chain[at:begin])
        yield chain[begin:at]


@dataclass(frozen=True, slots=True)
class Rest:
    """All that is left before the LMK id and the trailer, of a command whose data has no length of its own."""

    name: str
    shortest: int = 1
    code: str = INPUT_DATA

    def read(self, text: str, at: int, found: dict[str, str], asked: Mapping[str, str]) -> int:
        tail = _END.search(text, at)
        end = tail.start() if tail else len(text)
        found[self.name] = self._checked(text[at:end])
        return end

    def write(self, values: Mapping[str, str], asked: Mapping[str, str]) -> str:
        return self._checked(_given(self.name, values, self.code))

    def names(self) -> tuple[str, ...]:
        return (self.name,)

    def pattern(self) -> str | None:
        return None

    def _checked(self, value: str) -> str:
        if len(value) < self.shortest:
            raise UnreadableError(self.name, self.code)
        return value


@dataclass(frozen=True, slots=True)
class Der:
    """A DER value, which says its own length."""

    name: str
    code: str = INPUT_DATA

    def read(self, text: str, at: int, found: dict[str, str], asked: Mapping[str, str]) -> int:
        end = at + self._length(text[at : at + 6])
        if end > len(text):
            raise UnreadableError(self.name, self.code)
        found[self.name] = text[at:end]
        return end

    def write(self, values: Mapping[str, str], asked: Mapping[str, str]) -> str:
        value = _given(self.name, values, self.code)
        if self._length(value[:6]) != len(value):
            raise UnreadableError(self.name, self.code)
        return value

    def names(self) -> tuple[str, ...]:
        return (self.name,)

    def pattern(self) -> str | None:
        return None

    def _length(self, head: str) -> int:
        """A sequence of up to 64 KB, tag and length included."""
        first = ord(head[1]) if len(head) > 1 and head[0] == "0" else 0xFF
        count = first & 0x7F if first >= 0x80 else 0
        digits = head[2 : 2 + count]
        if count > 2 or len(digits) != count:
            raise UnreadableError(self.name, self.code)
        return 2 + count + (int.from_bytes(digits.encode("latin-1"), "big") if count else first)


@dataclass(frozen=True, slots=True)
class Secret:
    """An RSA private key or HMAC key: its length 4N and so many bytes, or FFFF and a key block, which says its own.

    A key block of this kind may hold bytes where others hold hex.
    """

    name: str
    code: str = INPUT_DATA

    def read(self, text: str, at: int, found: dict[str, str], asked: Mapping[str, str]) -> int:
        head = text[at : at + 4]
        begin = at + 4
        length = self._block_length(text[begin : begin + 6]) if head == LENGTH_OF_BLOCK else self._length(head)
        found[self.name] = text[begin : begin + length]
        if begin + length > len(text):
            raise UnreadableError(self.name, self.code)
        return begin + length

    def write(self, values: Mapping[str, str], asked: Mapping[str, str]) -> str:
        value = _given(self.name, values, self.code)
        if not value.startswith(BLOCK_LETTERS):
            return f"{len(value):04d}{value}"
        if self._block_length(value[:6]) != len(value):
            raise UnreadableError(self.name, self.code)
        return LENGTH_OF_BLOCK + value

    def names(self) -> tuple[str, ...]:
        return (self.name,)

    def pattern(self) -> str | None:
        return None

    def _length(self, digits: str) -> int:
        if len(digits) != 4 or not is_digits(digits):
            raise UnreadableError(self.name, self.code)
        return int(digits)

    def _block_length(self, head: str) -> int:
        if not head.startswith(BLOCK_LETTERS):
            raise UnreadableError(self.name, KEY_SCHEME if head else self.code)
        if len(head) != 6 or not is_digits(head[2:]) or int(head[2:]) < KEY_BLOCK_SHORTEST:
            raise UnreadableError(self.name, self.code)
        return 1 + int(head[2:])


@dataclass(frozen=True, slots=True)
class CipherBlock:
    """One block in hex, as long as the cipher of the key in `key` has them: 32 digits for AES, else 16."""

    name: str
    key: str

    def read(self, text: str, at: int, found: dict[str, str], asked: Mapping[str, str]) -> int:
        end = at + self._length(asked)
        found[self.name] = self._checked(text[at:end], asked)
        return end

    def write(self, values: Mapping[str, str], asked: Mapping[str, str]) -> str:
        return self._checked(_given(self.name, values, INPUT_DATA), asked)

    def names(self) -> tuple[str, ...]:
        return (self.name,)

    def pattern(self) -> str | None:
        return None

    def _length(self, asked: Mapping[str, str]) -> int:
        return AES_BLOCK if algorithm_of(asked.get(self.key, "")) == "A" else DES_BLOCK

    def _checked(self, value: str, asked: Mapping[str, str]) -> str:
        if len(value) != self._length(asked) or not is_hex(value):
            raise UnreadableError(self.name, INPUT_DATA)
        return value.upper()


@dataclass(frozen=True, slots=True)
class WhenBaseKey:
    """Parts that are there when the key of type `key_type` in `key` is a base derivation key (BDK)."""

    key_type: str
    key: str
    parts: tuple[Part, ...]

    def read(self, text: str, at: int, found: dict[str, str], asked: Mapping[str, str]) -> int:
        if self._holds(asked):
            for part in self.parts:
                at = part.read(text, at, found, asked)
        return at

    def write(self, values: Mapping[str, str], asked: Mapping[str, str]) -> str:
        return "".join([part.write(values, asked) for part in self.parts]) if self._holds(asked) else ""

    def names(self) -> tuple[str, ...]:
        return tuple(name for part in self.parts for name in part.names())

    def pattern(self) -> str | None:
        return None

    def _holds(self, asked: Mapping[str, str]) -> bool:
        return is_base_key(asked.get(self.key_type, ""), asked.get(self.key, ""))


@dataclass(frozen=True, slots=True)
class AsLongAs:
    """As many bytes as the request asked for: its field `asked_by` is looked up in `lengths`, or is the number."""

    name: str
    asked_by: str
    lengths: Mapping[str, int] | None = None

    def read(self, text: str, at: int, found: dict[str, str], asked: Mapping[str, str]) -> int:
        end = at + self._length(asked, len(text) - at)
        if end > len(text):
            raise UnreadableError(self.name, INPUT_DATA)
        found[self.name] = text[at:end]
        return end

    def write(self, values: Mapping[str, str], asked: Mapping[str, str]) -> str:
        value = _given(self.name, values, INPUT_DATA)
        if len(value) != self._length(asked, len(value)):
            raise UnreadableError(self.name, INPUT_DATA)
        return value

    def names(self) -> tuple[str, ...]:
        return (self.name,)

    def pattern(self) -> str | None:
        return None

    def _length(self, asked: Mapping[str, str], unknown: int) -> int:
        """`unknown` where the request is not."""
        said = asked.get(self.asked_by)
        if said is None:
            return unknown
        return int(said) if self.lengths is None else self.lengths[said]


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key and what vouches for it: an authenticator of 4 bytes and the key in DER, or a key block."""

    name: str
    code: str = INPUT_DATA

    def read(self, text: str, at: int, found: dict[str, str], asked: Mapping[str, str]) -> int:
        block = text[at : at + 1] in BLOCK_LETTERS and is_digits(text[at + 2 : at + 6])
        if block:
            end = at + 1 + int(text[at + 2 : at + 6])
        else:
            end = Der(self.name, self.code).read(text, at + AUTHENTICATOR, {}, asked)
        found[self.name] = text[at:end]
        if end > len(text):
            raise UnreadableError(self.name, self.code)
        return end

    def write(self, values: Mapping[str, str], asked: Mapping[str, str]) -> str:
        value = _given(self.name, values, self.code)
        if self.read(value, 0, {}, asked) != len(value):
            raise UnreadableError(self.name, self.code)
        return value

    def names(self) -> tuple[str, ...]:
        return (self.name,)

    def pattern(self) -> str | None:
        return None


@dataclass(frozen=True, slots=True)
class Exponent:
    """A public exponent: its length in bits 4N, then as many bytes as hold them; left out where no digit follows."""

    name: str
    code: str = INPUT_DATA

    def read(self, text: str, at: int, found: dict[str, str], asked: Mapping[str, str]) -> int:
        if not is_digits(text[at : at + 1]):
            return at
        digits = text[at : at + 4]
        if len(digits) != 4 or not is_digits(digits):
            raise UnreadableError(self.name, self.code)
        begin = at + 4
        end = begin + (int(digits) + 7) // 8
        if end > len(text) or end == begin:
            raise UnreadableError(self.name, self.code)
        found[self.name] = text[begin:end]
        return end

    def write(self, values: Mapping[str, str], asked: Mapping[str, str]) -> str:
        value = values.get(self.name)
        if value is None:
            return ""
        bits = int.from_bytes(value.encode("latin-1"), "big").bit_length()
        if (bits + 7) // 8 != len(value):
            raise UnreadableError(self.name, self.code)
        return f"{bits:04d}{value}"

    def names(self) -> tuple[str, ...]:
        return (self.name,)

    def pattern(self) -> str | None:
        return None
