"""The kinds of field that only key commands have: header attributes, an LMK id amid the fields, bare keys, and so on.

They keep to the rules of `fields.py`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from protocols.hsm.codes import INPUT_DATA
from protocols.hsm.fields import KEY_BLOCK_SCHEMES, KEY_SCHEMES, Key, UnreadableError, is_hex

LMK_ID_FIELD = "%"  # where an LMK id found amid the fields is kept until the envelope takes it
BARE_LENGTHS = (16, 32, 48)

_ATTRIBUTES = re.compile(
    r"(?:(?P<usage>[0-9A-Za-z]{2})(?P<algorithm>[A-Za-z][0-9])?(?P<mode>[A-Za-z])(?P<version>[0-9A-Za-z]{2}))?"
    r"(?P<exportability>[A-Za-z])(?P<count>[0-9]{2})?"
)
_VERSION_ALONE = re.compile(r"(?P<version>[0-9]{2})(?P<count>[0-9]{2})")
_LMK_ID = re.compile(r"%([0-9]{2})(?=[#&!])")
_ZMK_FLAG = re.compile(r";([01])|([01])(?=[SRUTXYZ])")
_HEX_RUN = re.compile(r"[0-9A-Fa-f]*")
_CHECK_VALUE_TAIL = re.compile(r"(?:;([0-9A-Z]{3})(?=;|[~%\x19]|\Z))?(?:;00([01]))?")


@dataclass(frozen=True, slots=True)
class KeyAttributes:
    """What a key block's header is to say, behind a marker: usage 2, [algorithm 2], mode 1, version 2, exportability 1,
    optional blocks 2N and those blocks (id 2, length 2H with both, data); or the exportability alone.

    Fields: `prefix` + usage, algorithm, mode, version, exportability, optional; what is not there is left out.
    """

    marker: str
    prefix: str
    of_components: bool = False  # version 2N and optional blocks alone will do: the components say the rest

    def read(self, text: str, at: int, found: dict[str, str], asked: Mapping[str, str]) -> int:
        if not text.startswith(self.marker, at):
            return at
        begin = at + len(self.marker)
        match = _VERSION_ALONE.match(text, begin) if self.of_components else None
        match = match or _ATTRIBUTES.match(text, begin)
        if match is None:
            raise UnreadableError(self.prefix + "usage", INPUT_DATA)
        said = match.groupdict()
        count = said.pop("count")
        found.update({self.prefix + name: value for name, value in said.items() if value is not None})
        end = self._behind_blocks(text, match.end(), int(count or 0))
        if end > match.end():
            found[self.prefix + "optional"] = text[match.end() : end]
        return end

    def write(self, values: Mapping[str, str], asked: Mapping[str, str]) -> str:
        if not any(name in values for name in self.names()):
            return ""
        optional = values.get(self.prefix + "optional", "")
        said = "".join(values.get(name, "") for name in self.names()[:-1])
        text = f"{self.marker}{said}{self._count(optional):02d}{optional}"
        if self.prefix + "usage" not in values and not (self.of_components and self.prefix + "version" in values):
            text = self.marker + said
        again: dict[str, str] = {}
        if self.read(text, 0, again, asked) != len(text):
            raise UnreadableError(self.prefix + "usage", INPUT_DATA)
        return text

    def names(self) -> tuple[str, ...]:
        return tuple(
            self.prefix + name for name in ("usage", "algorithm", "mode", "version", "exportability", "optional")
        )

    def pattern(self) -> str | None:
        return None

    def _behind_blocks(self, text: str, at: int, count: int) -> int:
        for _ in range(count):
            at = self._behind_block(text, at)
        return at

    def _behind_block(self, text: str, at: int) -> int:
        digits = text[at + 2 : at + 4]
        end = at + int(digits, 16) if len(digits) == 2 and is_hex(digits) else 0
        if not at + 4 <= end <= len(text):
            raise UnreadableError(self.prefix + "optional", INPUT_DATA)
        return end

    def _count(self, optional: str) -> int:
        at = count = 0
        while at < len(optional):
            at = self._behind_block(optional, at)
            count += 1
        return count


@dataclass(frozen=True, slots=True)
class LmkId:
    """`%nn` in front of a header's attributes; behind all fields it belongs to the envelope."""

    def read(self, text: str, at: int, found: dict[str, str], asked: Mapping[str, str]) -> int:
        match = _LMK_ID.match(text, at)
        if match is None:
            return at
        found[LMK_ID_FIELD] = match[1]
        return match.end()

    def write(self, values: Mapping[str, str], asked: Mapping[str, str]) -> str:
        return ""

    def names(self) -> tuple[str, ...]:
        return ()

    def pattern(self) -> str | None:
        return None


@dataclass(frozen=True, slots=True)
class ZmkFlag:
    """`;` and what the next key is, 0 a ZMK or 1 a TMK; without `;` where a scheme's letter follows."""

    name: str

    def read(self, text: str, at: int, found: dict[str, str], asked: Mapping[str, str]) -> int:
        match = _ZMK_FLAG.match(text, at)
        if match is None:
            if text.startswith(";", at):
                raise UnreadableError(self.name, INPUT_DATA)
            return at
        found[self.name] = match[1] or match[2]
        return match.end()

    def write(self, values: Mapping[str, str], asked: Mapping[str, str]) -> str:
        value = values.get(self.name)
        if value is None:
            return ""
        if value not in ("0", "1"):
            raise UnreadableError(self.name, INPUT_DATA)
        return ";" + value

    def names(self) -> tuple[str, ...]:
        return (self.name,)

    def pattern(self) -> str | None:
        return None


@dataclass(frozen=True, slots=True)
class BareKey:
    """A key whose bare form may be 16, 32 or 48 digits: the run of hex digits it begins is that long, plus the digits
    of one of `tails`."""

    name: str
    tails: tuple[int, ...]

    def read(self, text: str, at: int, found: dict[str, str], asked: Mapping[str, str]) -> int:
        scheme = text[at : at + 1]
        tagged = scheme in KEY_SCHEMES or scheme in (*KEY_BLOCK_SCHEMES,)
        return Key(self.name, bare=0 if tagged else self._bare(text, at)).read(text, at, found, asked)

    def write(self, values: Mapping[str, str], asked: Mapping[str, str]) -> str:
        return Key(self.name, bare=len(values.get(self.name, ""))).write(values, asked)

    def names(self) -> tuple[str, ...]:
        return (self.name,)

    def pattern(self) -> str | None:
        return None

    def _bare(self, text: str, at: int) -> int:
        run = _HEX_RUN.match(text, at)
        length = run.end() - at if run else 0
        for bare in BARE_LENGTHS:
            if length - bare in self.tails:
                return bare
        raise UnreadableError(self.name, INPUT_DATA)


@dataclass(frozen=True, slots=True)
class HexRun:
    """All hex digits that stand here; there must be one of these many."""

    name: str
    lengths: tuple[int, ...]

    def read(self, text: str, at: int, found: dict[str, str], asked: Mapping[str, str]) -> int:
        run = _HEX_RUN.match(text, at)
        end = run.end() if run else at
        found[self.name] = self._checked(text[at:end])
        return end

    def write(self, values: Mapping[str, str], asked: Mapping[str, str]) -> str:
        return self._checked(values.get(self.name, ""))

    def names(self) -> tuple[str, ...]:
        return (self.name,)

    def pattern(self) -> str | None:
        return None

    def _checked(self, value: str) -> str:
        if len(value) not in self.lengths or not is_hex(value):
            raise UnreadableError(self.name, INPUT_DATA)
        return value.upper()


@dataclass(frozen=True, slots=True)
class Digits1or2:
    """A number of one or two digits that need not be there (an Atalla variant)."""

    name: str

    def read(self, text: str, at: int, found: dict[str, str], asked: Mapping[str, str]) -> int:
        end = at
        while end < at + 2 and text[end : end + 1] in tuple("0123456789"):
            end += 1
        if end > at:
            found[self.name] = text[at:end]
        return end

    def write(self, values: Mapping[str, str], asked: Mapping[str, str]) -> str:
        value = values.get(self.name, "")
        if value and not (len(value) <= 2 and value.isascii() and value.isdigit()):
            raise UnreadableError(self.name, INPUT_DATA)
        return value

    def names(self) -> tuple[str, ...]:
        return (self.name,)

    def pattern(self) -> str | None:
        return None


@dataclass(frozen=True, slots=True)
class CheckValueTail:
    """What may follow a key block in BU: `;` key type 3, `;00` type of check value 1. A key block needs neither;
    three characters that could be either are a key type only where the other follows, or where they are FFF."""

    def read(self, text: str, at: int, found: dict[str, str], asked: Mapping[str, str]) -> int:
        match = _CHECK_VALUE_TAIL.match(text, at)
        if match is None:
            return at
        found.update(self._told(match[1], match[2]))
        return match.end()

    def write(self, values: Mapping[str, str], asked: Mapping[str, str]) -> str:
        key_type, value_type = values.get("key_type"), values.get("check_value_type")
        return (f";{key_type}" if key_type else "") + (f";00{value_type}" if value_type else "")

    def names(self) -> tuple[str, ...]:
        return ("key_type", "check_value_type")

    def pattern(self) -> str | None:
        return None

    @staticmethod
    def _told(key_type: str | None, value_type: str | None) -> dict[str, str]:
        if value_type is None and key_type in ("000", "001"):
            return {"check_value_type": key_type[2:]}
        told = {"key_type": key_type, "check_value_type": value_type}
        return {name: value for name, value in told.items() if value is not None}
