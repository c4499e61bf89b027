"""The kinds of field a host command is made of: how each is read from a frame and written into one.

A layout is a tuple of these parts. Each part reads from a text at an offset and
says where the next one begins; each writes the same characters back. Both ends
use them: the HSM reads requests and writes answers, a client the reverse.

The text of a frame is its bytes as Latin-1, one character a byte, so binary
data passes through unharmed. What a part cannot read it refuses with
`UnreadableError`, which names the field and the error code a payShield would answer,
and never repeats the value. What the values *mean* is no business of this file.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from protocols.hsm.codes import INPUT_DATA, KEY_SCHEME

# How many characters follow each scheme letter; S and R say it themselves in characters 2 to 5.
KEY_SCHEMES = {"U": 32, "T": 48, "X": 32, "Y": 48, "Z": 16}
KEY_BLOCK_SCHEMES = "SR"
KEY_BLOCK_SHORTEST = 16  # its header

_HEX = re.compile(r"[0-9A-Fa-f]*")
_DIGITS_AND_FILL = re.compile(r"[0-9F]*")
_PRINTABLE = re.compile(r"[ -~]*")


class UnreadableError(Exception):
    """A field that is not what its layout says: which one, and the error code that says so."""

    def __init__(self, field: str, code: str) -> None:
        super().__init__(f"field {field} cannot be read ({code})")
        self.field = field
        self.code = code


class Part(Protocol):
    """One step of a layout. `asked` is the request, on which an answer's shape may depend."""

    def read(self, text: str, at: int, found: dict[str, str], asked: Mapping[str, str]) -> int:
        """Put what stands at `at` into `found`; the offset behind it."""

    def write(self, values: Mapping[str, str], asked: Mapping[str, str]) -> str:
        """The characters that read back as `values`."""

    def names(self) -> tuple[str, ...]:
        """The fields this part may hold."""

    def pattern(self) -> str | None:
        """One group of a regular expression that finds what `read` does in most frames, or None.

        It need not match all that `read` takes (lower case, key blocks), but what
        it matches must read the same. Layouts made of such parts are read in one go.
        """


def is_digits(text: str) -> bool:
    """ASCII digits only, and at least one: `isdigit` alone also takes "²".

    >>> is_digits("0123"), is_digits("12²"), is_digits("")
    (True, False, False)
    """
    return text.isascii() and text.isdigit()


def is_hex(text: str) -> bool:
    """Hex digits only (an empty text is none): `bytes.fromhex` alone also takes spaces.

    >>> is_hex("0aF"), is_hex("0 F"), is_hex("")
    (True, False, False)
    """
    return text != "" and _HEX.fullmatch(text) is not None


def _given(name: str, values: Mapping[str, str], default: str | None, code: str) -> str:
    value = values.get(name, default)
    if value is None:
        raise UnreadableError(name, code)
    return value


@dataclass(frozen=True, slots=True)
class Digits:
    """`nN`: so many decimal digits."""

    name: str
    length: int
    code: str = INPUT_DATA
    default: str | None = None

    def read(self, text: str, at: int, found: dict[str, str], asked: Mapping[str, str]) -> int:
        end = at + self.length
        found[self.name] = self._checked(text[at:end])
        return end

    def write(self, values: Mapping[str, str], asked: Mapping[str, str]) -> str:
        return self._checked(_given(self.name, values, self.default, self.code))

    def names(self) -> tuple[str, ...]:
        return (self.name,)

    def pattern(self) -> str | None:
        return f"([0-9]{{{self.length}}})"

    def _checked(self, value: str) -> str:
        if len(value) != self.length or not (value.isascii() and value.isdigit()):
            raise UnreadableError(self.name, self.code)
        return value


@dataclass(frozen=True, slots=True)
class Hex:
    """`nH`: so many hex digits; lower case is taken, upper case is what everybody gets."""

    name: str
    length: int
    code: str = INPUT_DATA

    def read(self, text: str, at: int, found: dict[str, str], asked: Mapping[str, str]) -> int:
        end = at + self.length
        found[self.name] = self._checked(text[at:end])
        return end

    def write(self, values: Mapping[str, str], asked: Mapping[str, str]) -> str:
        return self._checked(_given(self.name, values, None, self.code))

    def names(self) -> tuple[str, ...]:
        return (self.name,)

    def pattern(self) -> str | None:
        return f"([0-9A-F]{{{self.length}}})"

    def _checked(self, value: str) -> str:
        if len(value) != self.length or not is_hex(value):
            raise UnreadableError(self.name, self.code)
        return value.upper()


@dataclass(frozen=True, slots=True)
class Text:
    """`nA`: so many printable characters."""

    name: str
    length: int
    code: str = INPUT_DATA
    default: str | None = None

    def read(self, text: str, at: int, found: dict[str, str], asked: Mapping[str, str]) -> int:
        end = at + self.length
        found[self.name] = self._checked(text[at:end])
        return end

    def write(self, values: Mapping[str, str], asked: Mapping[str, str]) -> str:
        return self._checked(_given(self.name, values, self.default, self.code))

    def names(self) -> tuple[str, ...]:
        return (self.name,)

    def pattern(self) -> str | None:
        return f"([ -~]{{{self.length}}})"

    def _checked(self, value: str) -> str:
        if len(value) != self.length or _PRINTABLE.fullmatch(value) is None:
            raise UnreadableError(self.name, self.code)
        return value


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few fixed values, all of one length."""

    name: str
    allowed: tuple[str, ...]
    code: str = INPUT_DATA
    default: str | None = None

    def read(self, text: str, at: int, found: dict[str, str], asked: Mapping[str, str]) -> int:
        end = at + len(self.allowed[0])
        found[self.name] = self._checked(text[at:end])
        return end

    def write(self, values: Mapping[str, str], asked: Mapping[str, str]) -> str:
        return self._checked(_given(self.name, values, self.default, self.code))

    def names(self) -> tuple[str, ...]:
        return (self.name,)

    def pattern(self) -> str | None:
        return f"({'|'.join(map(re.escape, self.allowed))})"

    def _checked(self, value: str) -> str:
        if value not in self.allowed:
            raise UnreadableError(self.name, self.code)
        return value


@dataclass(frozen=True, slots=True)
class Key:
    """A key as it travels: a scheme letter and hex, a key block, or bare hex of a length the command fixes.

    Where the request says how long a bare key is, `bare_by` names that field and
    `bare_lengths` gives the length for each of its values.
    """

    name: str
    bare: int = 16
    bare_by: str | None = None
    bare_lengths: Mapping[str, int] | None = None

    def read(self, text: str, at: int, found: dict[str, str], asked: Mapping[str, str]) -> int:
        scheme = text[at : at + 1]
        if scheme in KEY_SCHEMES:
            end = at + 1 + KEY_SCHEMES[scheme]
            found[self.name] = scheme + self._hex(text[at + 1 : end], KEY_SCHEMES[scheme])
        elif scheme and scheme in KEY_BLOCK_SCHEMES:
            end = at + 1 + self._block_length(text[at + 2 : at + 6])
            found[self.name] = self._block(text[at:end], end - at)
        elif is_hex(scheme):
            length = self._bare_length(asked)
            end = at + length
            found[self.name] = self._hex(text[at:end], length)
        else:
            raise UnreadableError(self.name, KEY_SCHEME if scheme else INPUT_DATA)
        return end

    def write(self, values: Mapping[str, str], asked: Mapping[str, str]) -> str:
        value = _given(self.name, values, None, INPUT_DATA)
        again: dict[str, str] = {}
        if self.read(value, 0, again, asked) != len(value):
            raise UnreadableError(self.name, INPUT_DATA)
        return again[self.name]

    def names(self) -> tuple[str, ...]:
        return (self.name,)

    def pattern(self) -> str | None:
        schemes = "|".join(f"{letter}[0-9A-F]{{{length}}}" for letter, length in KEY_SCHEMES.items())
        return None if self.bare_by else f"({schemes}|[0-9A-F]{{{self.bare}}})"

    def _bare_length(self, asked: Mapping[str, str]) -> int:
        if self.bare_by is None or self.bare_lengths is None:
            return self.bare
        return self.bare_lengths.get(asked.get(self.bare_by, ""), self.bare)

    def _hex(self, value: str, length: int) -> str:
        if len(value) != length or not is_hex(value):
            raise UnreadableError(self.name, INPUT_DATA)
        return value.upper()

    def _block_length(self, digits: str) -> int:
        if len(digits) != 4 or not is_digits(digits) or int(digits) < KEY_BLOCK_SHORTEST:
            raise UnreadableError(self.name, INPUT_DATA)
        return int(digits)

    def _block(self, value: str, length: int) -> str:
        if len(value) != length or _PRINTABLE.fullmatch(value) is None:
            raise UnreadableError(self.name, INPUT_DATA)
        return value


@dataclass(frozen=True, slots=True)
class Until:
    """`nN ;`: digits up to a delimiter, which is read too."""

    name: str
    longest: int
    delimiter: str = ";"
    code: str = INPUT_DATA

    def read(self, text: str, at: int, found: dict[str, str], asked: Mapping[str, str]) -> int:
        end = text.find(self.delimiter, at, at + self.longest + 1)
        if end < 0:
            raise UnreadableError(self.name, self.code)
        found[self.name] = self._checked(text[at:end])
        return end + 1

    def write(self, values: Mapping[str, str], asked: Mapping[str, str]) -> str:
        return self._checked(_given(self.name, values, None, self.code)) + self.delimiter

    def names(self) -> tuple[str, ...]:
        return (self.name,)

    def pattern(self) -> str | None:
        return f"([0-9]{{1,{self.longest}}}){re.escape(self.delimiter)}"

    def _checked(self, value: str) -> str:
        if len(value) > self.longest or not is_digits(value):
            raise UnreadableError(self.name, self.code)
        return value


@dataclass(frozen=True, slots=True)
class Run:
    """Digits of no stated length: what is left of a run of them when the fields behind it,
    `followed_by` characters long, have taken theirs. `filled`: closed by at least one F."""

    name: str
    followed_by: int
    shortest: int
    longest: int
    code: str = INPUT_DATA
    filled: bool = False

    def read(self, text: str, at: int, found: dict[str, str], asked: Mapping[str, str]) -> int:
        run = _DIGITS_AND_FILL.match(text, at)
        end = (run.end() if run else at) - self.followed_by
        found[self.name] = self._checked(text[at:end] if end > at else "")
        return end

    def write(self, values: Mapping[str, str], asked: Mapping[str, str]) -> str:
        value = _given(self.name, values, None, self.code)
        return self._checked(value + "F" if self.filled and is_digits(value) else value)

    def names(self) -> tuple[str, ...]:
        return (self.name,)

    def pattern(self) -> str | None:
        return None

    def _checked(self, value: str) -> str:
        digits = value.rstrip("F")
        if not self.shortest <= len(value) <= self.longest or not is_digits(digits):
            raise UnreadableError(self.name, self.code)
        if self.filled != (len(digits) < len(value)):
            raise UnreadableError(self.name, self.code)
        return value


@dataclass(frozen=True, slots=True)
class PinBlock:
    """An encrypted PIN block: 16 hex digits, or 32 under AES (ISO format 4).

    Nothing in front of it says which, so the length of the whole does: 32 when a
    run of hex digits is exactly that much longer than the fields that follow.
    """

    name: str
    followed_by: int

    def read(self, text: str, at: int, found: dict[str, str], asked: Mapping[str, str]) -> int:
        end = at + (32 if self._is_long(text, at) else 16)
        found[self.name] = self._checked(text[at:end])
        return end

    def write(self, values: Mapping[str, str], asked: Mapping[str, str]) -> str:
        return self._checked(_given(self.name, values, None, INPUT_DATA))

    def names(self) -> tuple[str, ...]:
        return (self.name,)

    def pattern(self) -> str | None:
        return "([0-9A-F]{16})"

    def _is_long(self, text: str, at: int) -> bool:
        if len(text) - at < 32 + self.followed_by:
            return False
        run = _HEX.match(text, at)
        return run is not None and run.end() - at == 32 + self.followed_by

    def _checked(self, value: str) -> str:
        if len(value) not in (16, 32) or not is_hex(value):
            raise UnreadableError(self.name, INPUT_DATA)
        return value.upper()


@dataclass(frozen=True, slots=True)
class Counted:
    """A length of four hex digits, then that many bytes of anything."""

    name: str
    code: str = INPUT_DATA

    def read(self, text: str, at: int, found: dict[str, str], asked: Mapping[str, str]) -> int:
        digits = text[at : at + 4]
        if len(digits) != 4 or not is_hex(digits):
            raise UnreadableError(self.name, self.code)
        begin = at + 4
        end = begin + int(digits, 16)
        if end > len(text):
            raise UnreadableError(self.name, self.code)
        found[self.name] = text[begin:end]
        return end

    def write(self, values: Mapping[str, str], asked: Mapping[str, str]) -> str:
        value = _given(self.name, values, None, self.code)
        if len(value) > 0xFFFF:
            raise UnreadableError(self.name, self.code)
        return f"{len(value):04X}{value}"

    def names(self) -> tuple[str, ...]:
        return (self.name,)

    def pattern(self) -> str | None:
        return None


@dataclass(frozen=True, slots=True)
class Echoed:
    """The request's field once more: as long as it was there, or all that is left where the request is not known."""

    name: str

    def read(self, text: str, at: int, found: dict[str, str], asked: Mapping[str, str]) -> int:
        end = at + len(asked[self.name]) if self.name in asked else len(text)
        if end > len(text):
            raise UnreadableError(self.name, INPUT_DATA)
        found[self.name] = text[at:end]
        return end

    def write(self, values: Mapping[str, str], asked: Mapping[str, str]) -> str:
        return _given(self.name, values, None, INPUT_DATA)

    def names(self) -> tuple[str, ...]:
        return (self.name,)

    def pattern(self) -> str | None:
        return None


@dataclass(frozen=True, slots=True)
class Optional:
    """Parts that are there when their marker is."""

    marker: str
    parts: tuple[Part, ...]

    def read(self, text: str, at: int, found: dict[str, str], asked: Mapping[str, str]) -> int:
        if not text.startswith(self.marker, at):
            return at
        at += len(self.marker)
        for part in self.parts:
            at = part.read(text, at, found, asked)
        return at

    def write(self, values: Mapping[str, str], asked: Mapping[str, str]) -> str:
        if not any(name in values for name in self.names()):
            return ""
        return self.marker + "".join(part.write(values, asked) for part in self.parts)

    def names(self) -> tuple[str, ...]:
        return tuple(name for part in self.parts for name in part.names())

    def pattern(self) -> str | None:
        return None


@dataclass(frozen=True, slots=True)
class When:
    """Parts that are there when the request's field has one of these values; "" stands for a field left out."""

    field: str
    values: tuple[str, ...]
    parts: tuple[Part, ...]

    def read(self, text: str, at: int, found: dict[str, str], asked: Mapping[str, str]) -> int:
        if asked.get(self.field, "") in self.values:
            for part in self.parts:
                at = part.read(text, at, found, asked)
        return at

    def write(self, values: Mapping[str, str], asked: Mapping[str, str]) -> str:
        if asked.get(self.field, "") not in self.values:
            return ""
        return "".join(part.write(values, asked) for part in self.parts)

    def names(self) -> tuple[str, ...]:
        return tuple(name for part in self.parts for name in part.names())

    def pattern(self) -> str | None:
        return None


@dataclass(frozen=True, slots=True)
class Mark:
    """A delimiter that must stand here."""

    mark: str

    def read(self, text: str, at: int, found: dict[str, str], asked: Mapping[str, str]) -> int:
        if not text.startswith(self.mark, at):
            raise UnreadableError(f"delimiter {self.mark}", INPUT_DATA)
        return at + len(self.mark)

    def write(self, values: Mapping[str, str], asked: Mapping[str, str]) -> str:
        return self.mark

    def names(self) -> tuple[str, ...]:
        return ()

    def pattern(self) -> str | None:
        return None
