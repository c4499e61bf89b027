"""The kinds of field that only PIN commands have: accounts, PINs under the LMK, validation data, key serial numbers.

They keep to the rules of `fields.py`. Some have a length that nothing in front
of them says: a PIN block has 16 digits, or 32 under AES; a PIN under the LMK one
digit more than the PIN. What follows decides: such a part is given the parts
behind it, and is as long as leaves room for exactly those.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from protocols.hsm.codes import ACCOUNT, DECIMALISATION_TABLE, INPUT_DATA, PIN_UNDER_LMK
from protocols.hsm.fields import Part, UnreadableError, is_hex

PAN_SHORTEST, PAN_LONGEST = 13, 19
PIN_SHORTEST, PIN_LONGEST = 4, 12
ACCOUNT_LENGTH = 12
PAN_END = ";"
_TAIL = re.compile(r"[~%*\x19]|\Z")  # what may follow the last field; * begins a list of excluded PINs


def whole(parts: tuple[Part, ...]) -> str:
    """The regular expression of all these parts and the end of the fields."""
    patterns = [part.pattern() or "" for part in parts]
    return "".join(patterns) + r"(?=[~%*\x19]|\Z)"


def given(name: str, values: Mapping[str, str], code: str, default: str | None = None) -> str:
    """The field's value; refuses its absence."""
    value = values.get(name, default)
    if value is None:
        raise UnreadableError(name, code)
    return value


@dataclass(frozen=True, slots=True)
class Matched:
    """A field that a regular expression finds: `expression` has no groups of its own and is of upper case."""

    name: str
    expression: str
    code: str = INPUT_DATA
    default: str | None = None
    _compiled: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_compiled", re.compile(self.expression, re.IGNORECASE | re.ASCII))

    def read(self, text: str, at: int, found: dict[str, str], asked: Mapping[str, str]) -> int:
        match = self._compiled.match(text, at)
        if match is None:
            raise UnreadableError(self.name, self.code)
        found[self.name] = match[0].upper()
        return match.end()

    def write(self, values: Mapping[str, str], asked: Mapping[str, str]) -> str:
        value = given(self.name, values, self.code, self.default)
        if self._compiled.fullmatch(value) is None:
            raise UnreadableError(self.name, self.code)
        return value.upper()

    def names(self) -> tuple[str, ...]:
        return (self.name,)

    def pattern(self) -> str | None:
        return f"({self.expression})"


def account(name: str = "account") -> Matched:
    """The 12 rightmost digits of the PAN without its check digit; or the whole PAN and `;`, for ISO format 4."""
    expression = f"[0-9]{{12}}(?![0-9]{{1,7}};)|[0-9]{{{PAN_SHORTEST},{PAN_LONGEST}}};"
    return Matched(name, expression, ACCOUNT)


def validation_data() -> Matched:
    """Twelve characters with one N, where the last five digits of the account go in; or P and sixteen hex digits."""
    places = "|".join(f"[0-9A-F]{{{n}}}N[0-9A-F]{{{11 - n}}}" for n in range(12))
    return Matched("validation_data", f"{places}|P[0-9A-F]{{16}}")


def decimalisation_table(name: str = "decimalisation_table") -> Matched:
    """Sixteen digits in the clear or encrypted under a DES LMK, L and 32 under an AES LMK."""
    return Matched(name, "[0-9A-F]{16}|L[0-9A-F]{32}", DECIMALISATION_TABLE)


def offset(name: str = "offset") -> Matched:
    """Twelve characters: digits, one for each of the PIN's, and F behind them."""
    shapes = "|".join(f"[0-9]{{{n}}}F{{{12 - n}}}" for n in range(PIN_LONGEST, PIN_SHORTEST - 1, -1))
    return Matched(name, shapes)


def flag(name: str, allowed: str) -> Matched:
    """One of these characters, or nothing."""
    return Matched(name, f"[{re.escape(allowed)}]?", default="")


@dataclass(frozen=True, slots=True)
class SizedBlock:
    """An encrypted PIN block: 16 hex digits, or 32 under AES where exactly that leaves room for `then`.

    Where that does not decide, the key in the field `key` does.
    """

    name: str
    then: tuple[Part, ...] = ()
    key: str = ""
    _long: re.Pattern[str] = field(init=False, repr=False, compare=False)
    _short: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        behind = whole(self.then)
        object.__setattr__(self, "_long", re.compile("[0-9A-F]{32}" + behind, re.IGNORECASE | re.ASCII))
        object.__setattr__(self, "_short", re.compile("[0-9A-F]{16}" + behind, re.IGNORECASE | re.ASCII))

    def read(self, text: str, at: int, found: dict[str, str], asked: Mapping[str, str]) -> int:
        end = at + (32 if self._is_long(text, at, asked) else 16)
        found[self.name] = self._checked(text[at:end])
        return end

    def write(self, values: Mapping[str, str], asked: Mapping[str, str]) -> str:
        return self._checked(given(self.name, values, INPUT_DATA))

    def names(self) -> tuple[str, ...]:
        return (self.name,)

    def pattern(self) -> str | None:
        return "([0-9A-F]{16})"

    def _is_long(self, text: str, at: int, asked: Mapping[str, str]) -> bool:
        long, short = self._long.match(text, at), self._short.match(text, at)
        if bool(long) != bool(short):
            return bool(long)
        return is_aes_block(asked.get(self.key, ""))

    def _checked(self, value: str) -> str:
        if len(value) not in (16, 32) or not is_hex(value):
            raise UnreadableError(self.name, INPUT_DATA)
        return value.upper()


@dataclass(frozen=True, slots=True)
class PinUnderLmk:
    """A PIN under the LMK: one digit more than it has, or M and 32 hex digits under an AES LMK.

    `then`: the parts behind it. Where the whole cannot be made out, it is as long
    as leaves room for `at_least` characters, and whoever is next finds the fault.
    """

    then: tuple[Part, ...] = ()
    at_least: int = 0
    name: str = "pin_under_lmk"
    _whole: re.Pattern[str] = field(init=False, repr=False, compare=False)
    _alone: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        expression = f"{self._expression}{whole(self.then)}"
        object.__setattr__(self, "_whole", re.compile(expression, re.IGNORECASE | re.ASCII))
        object.__setattr__(self, "_alone", re.compile(self._expression, re.IGNORECASE | re.ASCII))

    @property
    def _expression(self) -> str:
        return f"([0-9]{{{PIN_SHORTEST + 1},{PIN_LONGEST + 1}}}|M[0-9A-F]{{32}})"

    def read(self, text: str, at: int, found: dict[str, str], asked: Mapping[str, str]) -> int:
        match = self._whole.match(text, at) or self._alone.match(text, at, self._rest(text, at))
        if match is None:
            raise UnreadableError(self.name, PIN_UNDER_LMK)
        found[self.name] = match[1].upper()
        return match.end(1)

    def write(self, values: Mapping[str, str], asked: Mapping[str, str]) -> str:
        value = given(self.name, values, PIN_UNDER_LMK)
        if self._alone.fullmatch(value) is None:
            raise UnreadableError(self.name, PIN_UNDER_LMK)
        return value.upper()

    def names(self) -> tuple[str, ...]:
        return (self.name,)

    def pattern(self) -> str | None:
        return self._expression

    def _rest(self, text: str, at: int) -> int:
        tail = _TAIL.search(text, at)
        return max(at, (tail.start() if tail else len(text)) - self.at_least)


@dataclass(frozen=True, slots=True)
class KeySerialNumber:
    """A KSN as long as its descriptor says; 24 hex digits where the base key is a key block of AES.

    The descriptor's three hex digits are the lengths of the base key's id, of a
    sub-key id and of the device's id; five digits of counter follow.
    """

    name: str
    descriptor: str
    key: str

    def read(self, text: str, at: int, found: dict[str, str], asked: Mapping[str, str]) -> int:
        end = at + self._length(asked)
        found[self.name] = self._checked(text[at:end], asked)
        return end

    def write(self, values: Mapping[str, str], asked: Mapping[str, str]) -> str:
        return self._checked(given(self.name, values, INPUT_DATA), asked)

    def names(self) -> tuple[str, ...]:
        return (self.name,)

    def pattern(self) -> str | None:
        return None

    def _length(self, asked: Mapping[str, str]) -> int:
        if is_aes_block(asked.get(self.key, "")):
            return _AES_KSN
        length = sum(int(digit, 16) for digit in asked[self.descriptor]) + _COUNTER
        if not _KSN_SHORTEST <= length <= _KSN_LONGEST:
            raise UnreadableError(self.descriptor, INPUT_DATA)
        return length

    def _checked(self, value: str, asked: Mapping[str, str]) -> str:
        if len(value) != self._length(asked) or not is_hex(value):
            raise UnreadableError(self.name, INPUT_DATA)
        return value.upper()


_AES_KSN = 24
_COUNTER = 5
_KSN_SHORTEST, _KSN_LONGEST = 16, 20
_ALGORITHM_AT = 8  # S, version 1, length 4, usage 2: then the algorithm


def is_aes_block(wire: str) -> bool:
    """Whether a key as it travels says that it is a key block with an AES key.

    >>> is_aes_block("S10096B0AX00S0002"), is_aes_block("U" + "0" * 32)
    (True, False)
    """
    return wire[:1] == "S" and wire[_ALGORITHM_AT : _ALGORITHM_AT + 1] == "A"


@dataclass(frozen=True, slots=True)
class ExcludedPins:
    """`*`, count 2N, length 2N, and so many PINs of that length; left out where there are none.

    The value is the PINs with commas between them.
    """

    name: str = "excluded_pins"

    def read(self, text: str, at: int, found: dict[str, str], asked: Mapping[str, str]) -> int:
        if not text.startswith("*", at):
            return at
        head = text[at + 1 : at + 5]
        if len(head) != 4 or not (head.isascii() and head.isdigit()):
            raise UnreadableError(self.name, INPUT_DATA)
        count, length = int(head[:2]), int(head[2:])
        end = at + 5 + count * length
        pins = text[at + 5 : end]
        if len(pins) != count * length or not pins.isdigit() or not PIN_SHORTEST <= length <= PIN_LONGEST:
            raise UnreadableError(self.name, INPUT_DATA)
        found[self.name] = ",".join(pins[n : n + length] for n in range(0, len(pins), length))
        return end

    def write(self, values: Mapping[str, str], asked: Mapping[str, str]) -> str:
        value = values.get(self.name)
        if value is None:
            return ""
        pins = value.split(",")
        text = f"*{len(pins):02d}{len(pins[0]):02d}{''.join(pins)}"
        if self.read(text, 0, {}, asked) != len(text) or len({len(pin) for pin in pins}) != 1:
            raise UnreadableError(self.name, INPUT_DATA)
        return text

    def names(self) -> tuple[str, ...]:
        return (self.name,)

    def pattern(self) -> str | None:
        return None
