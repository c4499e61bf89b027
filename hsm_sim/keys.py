"""Keys as the commands meet them: opened under the LMK, permitted here, of good parity, and kept ready.

A command declares a `KeyRule` for each key it takes; the rules of all commands
are the one table behind key separation, the documents and the test that tries
every command with every wrong key:

    ZPK = KeyRule("zone_key", types=("001",), modes=DECRYPTS)                    # DES only
    BDK = KeyRule("bdk", types=("009", "609"), modes=DERIVES, algorithms=ANY_CIPHER, lengths=(DOUBLE,))
    PVK = KeyRule("pvk", types=("002",), usages=("V0", "V2"), modes=VERIFIES)    # 002 is PVK, TMK and TPK: say which
    HMAC = KeyRule("key", types=("10C",), modes=GENERATES, algorithms=("H",))

`types` are the variant key types (LMK 00); `usages` (left out: those of `types`
in the table of lmk.py), `modes` and `algorithms` are what a key block under LMK
01 or 02 may say. Then:

    keys.open(rule, fields)       DesKey or AesKey; AesKey only where `algorithms` has "A"
    keys.open_des(rule, fields)   the same for rules without "A": a DesKey
    keys.opened_bytes(rule, fields) the clear bytes of an HMAC secret with its Attributes
    keys.open_bytes(rule, fields) the clear bytes of an HMAC or RSA secret; hand them to a primitive at once
    keys.opened(rule, fields)     the key with its Attributes (None under a variant LMK)
    keys.seal(...), keys.seal_bytes(...)  a clear key under this LMK as it travels
    keys.lmk.kind, .key, .pin_key, .derived(0x54)

Opening costs forty microseconds and is remembered in a bounded table per LMK;
using an opened key costs half of one.
"""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from hsm_sim import key_block
from hsm_sim.errors import RefusedError
from hsm_sim.key_block import Attributes
from hsm_sim.key_scheme import KEY_SCHEMES, is_key_block, parse, unwrap, wrap
from hsm_sim.lmk import KEY_TYPES, OF_THE_HEADER, SECRET_TYPES, SETS, Lmk, LmkKind
from hsm_sim.pin_translation import PinRules
from hsm_sim.primitives import aes, des
from hsm_sim.primitives.aes import AesKey
from hsm_sim.primitives.des import DOUBLE, LENGTHS, SINGLE, DesKey, has_odd_parity
from hsm_sim.primitives.enclosed import NotEnclosedError, disclosed, enclosed
from hsm_sim.settings import Settings
from hsm_sim.validity import check_usable
from protocols.hsm import codes

# Modes of use as a rule permits them; N is "any", which a header may always say.
ENCRYPTS = ("B", "E", "N")
DECRYPTS = ("B", "D", "N")
GENERATES = ("C", "G", "N")
VERIFIES = ("C", "V", "N")
DERIVES = ("X", "N")
SIGNS = ("S", "T", "N")
ANY_MODE = ("B", "C", "D", "E", "G", "N", "S", "T", "V", "X", "Y")

DES = ("D", "T")
ANY_CIPHER = ("D", "T", "A")
ALGORITHM_OF = {SINGLE: "D", DOUBLE: "T", des.TRIPLE: "T"}
SHARED_TYPE = "002"  # by PVK, TMK and TPK
DERIVED_TYPES = {**KEY_TYPES, **SECRET_TYPES}

Random = Callable[[int], bytes]  # so many random bytes
Clock = Callable[[], datetime]  # of keys that say when they may be used


def standing() -> datetime:
    """A clock that stands still, for whoever has none."""
    return datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class KeyRule:
    """What may stand in one key field of a command.

    `types`: the permitted key types, the first unless the field `chosen_by` says
    which. `parity`: the code for bad parity, which is also what a key of another
    type answers, for under the wrong variant a key opens as noise. `lengths` are
    those of DES keys. `usages`, `modes`, `algorithms`: what a key block may say.
    `separated`: the type in place of 002, where that is not shared by setting.
    """

    field: str
    types: tuple[str, ...]
    parity: str = codes.SOURCE_PARITY
    lengths: tuple[int, ...] = LENGTHS
    chosen_by: str | None = None
    choices: Mapping[str, str] | None = None  # value of `chosen_by` -> key type; None: the value is the type
    usages: tuple[str, ...] = ()  # left out: those of `types`
    modes: tuple[str, ...] = ANY_MODE
    algorithms: tuple[str, ...] = DES
    separated: str | None = None
    component: bool = False  # a component of a key (version c…) will do as well

    _usages: frozenset[str] = dataclasses.field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        permitted = self.usages or [usage for one in self.types for usage in DERIVED_TYPES[one].usages]
        object.__setattr__(self, "_usages", frozenset(permitted))

    def type_for(self, fields: Mapping[str, str]) -> str:
        """The key type this request names; refuses one that does not exist or is not permitted here."""
        if self.chosen_by is None:
            return self.types[0]
        key_type = self._chosen(fields)
        if key_type == OF_THE_HEADER:
            raise RefusedError(codes.LMK_SCHEME)
        if key_type not in DERIVED_TYPES:
            raise RefusedError(codes.KEY_TYPE_CODE)
        if key_type not in self.types:
            raise RefusedError(codes.KEY_TYPE)
        return key_type

    def usages_for(self, fields: Mapping[str, str]) -> frozenset[str]:
        """The usages a key block may have here: the rule's, fewer where the request names a key type."""
        if self.chosen_by is None or self._chosen(fields) in (OF_THE_HEADER, ""):
            return self._usages
        return self._usages.intersection(DERIVED_TYPES[self.type_for(fields)].usages)

    def _chosen(self, fields: Mapping[str, str]) -> str:
        chosen = fields.get(self.chosen_by or "", "")
        return chosen if self.choices is None else self.choices.get(chosen, self.types[0])


class Opened(NamedTuple):
    """A key ready to use, and what its block said of it; None under a variant LMK."""

    key: DesKey | AesKey
    attributes: Attributes | None


class _NoiseError(Exception):
    """Opened without parity: a key of another type, or none at all."""


class Keyring(ABC):
    """One LMK at work: opens keys under it, writes keys under it."""

    def __init__(self, lmk: Lmk, settings: Settings, clock: Clock) -> None:
        self.lmk = lmk
        self.settings = settings
        self.clock = clock
        self.pin_rules = PinRules(settings)
        # What BW moves keys from. Its LMK has no old one itself.
        self.old: Keyring | None = None if lmk.old is None else ring_of(Lmk(lmk.id, lmk.old), settings, clock)

    def __repr__(self) -> str:
        return f"<Keyring of LMK {self.lmk.id}>"

    @abstractmethod
    def open(self, rule: KeyRule, fields: Mapping[str, str]) -> DesKey | AesKey:
        """The key in the rule's field, ready to use. Raises RefusedError with the code of what is wrong with it."""

    @abstractmethod
    def opened(self, rule: KeyRule, fields: Mapping[str, str]) -> Opened:
        """The same, with what its block says of it."""

    @abstractmethod
    def open_bytes(self, rule: KeyRule, fields: Mapping[str, str]) -> bytes:
        """The clear bytes of a secret that is no DES or AES key. Only for a primitive's hands."""

    def opened_bytes(self, rule: KeyRule, fields: Mapping[str, str]) -> tuple[bytes, Attributes]:
        """The same with what its block says of it; refuses (A1) under an LMK that has no blocks."""
        raise RefusedError(codes.LMK_SCHEME)

    @abstractmethod
    def seal(
        self,
        clear: bytes,
        *,
        key_type: str = "",
        scheme: str = "",
        attributes: Attributes | None = None,
        random: Random | None = None,
    ) -> str:
        """A clear DES or AES key under this LMK, as it travels.

        A variant LMK needs `key_type` and `scheme` (Z U T X Y), a key-block LMK
        `attributes` and `random`; what the other kind needs is ignored.
        """

    @abstractmethod
    def seal_bytes(self, clear: bytes, *, key_type: str, attributes: Attributes, random: Random) -> str:
        """A secret that is no DES or AES key: a key block, or under a variant LMK bytes of our own form as Latin-1."""

    def open_des(self, rule: KeyRule, fields: Mapping[str, str]) -> DesKey:
        """`open` for a rule that permits DES keys only."""
        key = self.open(rule, fields)
        if not isinstance(key, DesKey):
            raise TypeError(f"the rule for {rule.field} permits more than DES keys")
        return key


class VariantKeyring(Keyring):
    """A variant LMK: the key type chooses the pair, and a key of another type opens as noise."""

    def __init__(self, lmk: Lmk, settings: Settings, clock: Clock) -> None:
        super().__init__(lmk, settings, clock)
        self._opened = lru_cache(maxsize=settings.cached_keys)(self._opened_anew)
        self._separates = settings.separate_type_002

    def open(self, rule: KeyRule, fields: Mapping[str, str]) -> DesKey:
        key_type = rule.types[0] if rule.chosen_by is None else rule.type_for(fields)
        if self._separates and rule.separated is not None and key_type == SHARED_TYPE:
            key_type = rule.separated
        try:
            key = self._opened(fields[rule.field], key_type)
        except _NoiseError:
            raise RefusedError(_length_before(rule, fields[rule.field]) or rule.parity) from None
        if len(key.clear) not in rule.lengths:
            raise RefusedError(codes.KEY_LENGTH)
        return key

    def opened(self, rule: KeyRule, fields: Mapping[str, str]) -> Opened:
        return Opened(self.open(rule, fields), None)

    def open_bytes(self, rule: KeyRule, fields: Mapping[str, str]) -> bytes:
        if is_key_block(fields[rule.field]):
            raise RefusedError(codes.LMK_SCHEME)
        try:
            return disclosed(DesKey(self.lmk.pair(rule.type_for(fields))), fields[rule.field].encode("latin-1"))
        except NotEnclosedError:
            raise RefusedError(rule.parity) from None

    def seal(
        self,
        clear: bytes,
        *,
        key_type: str = "",
        scheme: str = "",
        attributes: Attributes | None = None,
        random: Random | None = None,
    ) -> str:
        return wrap(self.lmk.pair(key_type), KEY_SCHEMES[scheme], clear)

    def seal_bytes(self, clear: bytes, *, key_type: str, attributes: Attributes, random: Random) -> str:
        return enclosed(DesKey(self.lmk.pair(key_type)), clear).decode("latin-1")

    def _opened_anew(self, wire: str, key_type: str) -> DesKey:
        if is_key_block(wire):
            raise RefusedError(codes.LMK_SCHEME)
        scheme, encrypted = parse(wire)
        if scheme.is_x9_17 and not self.settings.x9_17_under_lmk:
            raise RefusedError(codes.KEY_SCHEME)
        clear = unwrap(self.lmk.pair(key_type), scheme, encrypted)
        if not has_odd_parity(clear):
            raise _NoiseError
        _check_halves(clear, self.settings)
        return DesKey(clear)


class BlockKeyring(Keyring):
    """A key-block LMK: the header says what a key is for, and once the MAC holds it is believed."""

    def __init__(self, lmk: Lmk, settings: Settings, clock: Clock) -> None:
        super().__init__(lmk, settings, clock)
        self._opened = lru_cache(maxsize=settings.cached_keys)(self._opened_anew)

    def open(self, rule: KeyRule, fields: Mapping[str, str]) -> DesKey | AesKey:
        return self.opened(rule, fields).key

    def opened(self, rule: KeyRule, fields: Mapping[str, str]) -> Opened:
        key, attributes = self._opened(fields[rule.field])
        self._check(rule, fields, attributes)
        if key is None:
            raise TypeError(f"the rule for {rule.field} permits what is no cipher's key: open its bytes")
        if isinstance(key, DesKey) and len(key.clear) not in rule.lengths:
            raise RefusedError(codes.KEY_LENGTH)
        return Opened(key, attributes)

    def open_bytes(self, rule: KeyRule, fields: Mapping[str, str]) -> bytes:
        return self.opened_bytes(rule, fields)[0]

    def opened_bytes(self, rule: KeyRule, fields: Mapping[str, str]) -> tuple[bytes, Attributes]:
        clear, attributes = self._unwrapped(fields[rule.field])
        self._check(rule, fields, attributes)
        return clear, attributes

    def _check(self, rule: KeyRule, fields: Mapping[str, str], said: Attributes) -> None:
        _check_attributes(rule, fields, said)
        if said.optional:
            check_usable(said.optional, self.clock())

    def seal(
        self,
        clear: bytes,
        *,
        key_type: str = "",
        scheme: str = "",
        attributes: Attributes | None = None,
        random: Random | None = None,
    ) -> str:
        if attributes is None or random is None:
            raise TypeError("a key block has attributes and padding")
        return key_block.wrap(self.lmk.key, attributes, clear, random, self.lmk.id)

    def seal_bytes(self, clear: bytes, *, key_type: str, attributes: Attributes, random: Random) -> str:
        return key_block.wrap(self.lmk.key, attributes, clear, random, self.lmk.id)

    def _unwrapped(self, wire: str) -> tuple[bytes, Attributes]:
        if wire[:1] != key_block.THALES:
            raise RefusedError(codes.LMK_SCHEME)
        return key_block.unwrap(self.lmk.key, wire, self.lmk.id)

    def _opened_anew(self, wire: str) -> "_OpenedBlock":
        clear, attributes = self._unwrapped(wire)
        key = key_of(clear, attributes.algorithm)
        if isinstance(key, DesKey):
            _check_halves(clear, self.settings)
        return _OpenedBlock(key, attributes)


class _OpenedBlock(NamedTuple):
    key: DesKey | AesKey | None  # None: neither a DES nor an AES key
    attributes: Attributes


def key_of(clear: bytes, algorithm: str) -> DesKey | AesKey | None:
    """The key a block holds, by its header's algorithm; None: neither DES nor AES. Refuses a bad length."""
    if algorithm == "A":
        if len(clear) not in aes.LENGTHS:
            raise RefusedError(codes.BLOCK_LENGTH)
        return AesKey(clear)
    if algorithm not in DES:
        return None
    if ALGORITHM_OF.get(len(clear)) != algorithm:
        raise RefusedError(codes.BLOCK_LENGTH)
    return DesKey(clear)


def check_value_in_full(key: DesKey | AesKey) -> str:
    """A key's check value, sixteen digits or more: 3DES of zeros, or the CMAC of zeros under an AES key."""
    return aes.check_value(key) if isinstance(key, AesKey) else des.check_value(key)


def check_value(key: DesKey | AesKey) -> str:
    """The six digits that are quoted."""
    return check_value_in_full(key)[:6]


def _check_attributes(rule: KeyRule, fields: Mapping[str, str], said: Attributes) -> None:
    """Usage, algorithm, mode, version: in this order, and after the MAC."""
    if said.usage not in rule.usages_for(fields):
        raise RefusedError(codes.BLOCK_USAGE)
    if said.algorithm not in rule.algorithms:
        raise RefusedError(codes.BLOCK_ALGORITHM)
    if said.mode not in rule.modes:
        raise RefusedError(codes.BLOCK_MODE)
    if not (said.version.isdigit() or (rule.component and said.version.startswith("c"))):  # a component is no key yet
        raise RefusedError(codes.BLOCK_VERSION)


def _check_halves(clear: bytes, settings: Settings) -> None:
    if settings.refuse_equal_halves and len(clear) == DOUBLE and clear[:SINGLE] == clear[SINGLE:]:
        raise RefusedError(codes.EQUAL_HALVES)


def _length_before(rule: KeyRule, wire: str) -> str | None:
    """The length stands outside the encryption, so it is judged first: a single-length key is not "bad parity"."""
    return None if parse(wire)[0].length in rule.lengths else codes.KEY_LENGTH


def ring_of(lmk: Lmk, settings: Settings, clock: Clock = standing) -> Keyring:
    """The keyring that fits this LMK."""
    kind = VariantKeyring if lmk.kind is LmkKind.VARIANT else BlockKeyring
    return kind(lmk, settings, clock)


class KeyStore:
    """All LMKs that are loaded: the published ones the settings name, and `own` ones from a key ceremony."""

    def __init__(self, settings: Settings, own: Iterable[Lmk] = (), clock: Clock = standing) -> None:
        self._default = settings.default_lmk
        published = [
            Lmk(
                lmk.id,
                SETS[lmk.set],
                lmk.check_value,
                lmk.authorised,
                old=None if lmk.old_set is None else SETS[lmk.old_set],
            )
            for lmk in settings.lmk
        ]
        self._rings = {lmk.id: ring_of(lmk, settings, clock) for lmk in (*published, *own)}

    def lmks(self) -> tuple[Lmk, ...]:
        """Those that are loaded, in the order of the settings."""
        return tuple(ring.lmk for ring in self._rings.values())

    def ring(self, lmk_id: str | None) -> Keyring | None:
        """The keyring of this LMK id (None: the default one), or None when it is not loaded."""
        return self._rings.get(self._default if lmk_id is None else lmk_id)

    def rings(self) -> Mapping[str, Keyring]:
        """All of them, by LMK id."""
        return self._rings
