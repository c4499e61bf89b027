"""Keys as the commands meet them: opened under the LMK, of the right type, of good parity, and kept ready.

A command declares a `KeyRule` for each key it takes; the rules of all commands
are the one table behind key separation, the documents and the test that tries
every command with every wrong key. Opening costs forty microseconds and is
remembered in a bounded table per LMK; using an opened key costs half of one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from hsm_sim.errors import RefusedError
from hsm_sim.key_scheme import KeyScheme, is_key_block, parse, unwrap, wrap
from hsm_sim.lmk import KEY_TYPES, SETS, Lmk
from hsm_sim.pin_translation import PinRules
from hsm_sim.primitives.des import DOUBLE, LENGTHS, SINGLE, DesKey, has_odd_parity
from hsm_sim.settings import Settings
from protocols.hsm import codes


@dataclass(frozen=True, slots=True)
class KeyRule:
    """What may stand in one key field of a command.

    `types`: the permitted key types, the first unless the field `chosen_by` says
    which. `parity`: the code for bad parity, which is also what a key of another
    type answers, for under the wrong variant a key opens as noise.
    """

    field: str
    types: tuple[str, ...]
    parity: str = codes.SOURCE_PARITY
    lengths: tuple[int, ...] = LENGTHS
    chosen_by: str | None = None
    choices: Mapping[str, str] | None = None  # value of `chosen_by` -> key type; None: the value is the type

    def type_for(self, fields: Mapping[str, str]) -> str:
        """The key type this request names; refuses one that does not exist or is not permitted here."""
        if self.chosen_by is None:
            return self.types[0]
        chosen = fields.get(self.chosen_by, "")
        key_type = chosen if self.choices is None else self.choices.get(chosen, self.types[0])
        if key_type not in KEY_TYPES:
            raise RefusedError(codes.KEY_TYPE_CODE)
        if key_type not in self.types:
            raise RefusedError(codes.KEY_TYPE)
        return key_type


class _NoiseError(Exception):
    """Opened without parity: a key of another type, or none at all."""


class Keyring:
    """One LMK at work: opens keys under it, writes keys under it."""

    def __init__(self, lmk: Lmk, settings: Settings) -> None:
        self.lmk = lmk
        self.settings = settings
        self.pin_rules = PinRules(settings)
        self._opened = lru_cache(maxsize=settings.cached_keys)(self._opened_anew)

    def __repr__(self) -> str:
        return f"<Keyring of LMK {self.lmk.id}>"

    def open(self, rule: KeyRule, fields: Mapping[str, str]) -> DesKey:
        """The key in the rule's field, ready to use. Raises RefusedError with the code of what is wrong with it."""
        key_type = rule.types[0] if rule.chosen_by is None else rule.type_for(fields)
        try:
            key = self._opened(fields[rule.field], key_type)
        except _NoiseError:
            raise RefusedError(_length_before(rule, fields[rule.field]) or rule.parity) from None
        if len(key.clear) not in rule.lengths:
            raise RefusedError(codes.KEY_LENGTH)
        return key

    def _opened_anew(self, wire: str, key_type: str) -> DesKey:
        if is_key_block(wire):
            raise RefusedError(codes.LMK_SCHEME)
        scheme, encrypted = parse(wire)
        if scheme.is_x9_17 and not self.settings.x9_17_under_lmk:
            raise RefusedError(codes.KEY_SCHEME)
        clear = unwrap(self.lmk.pair(key_type), scheme, encrypted)
        if not has_odd_parity(clear):
            raise _NoiseError
        if self.settings.refuse_equal_halves and len(clear) == DOUBLE and clear[:SINGLE] == clear[SINGLE:]:
            raise RefusedError(codes.EQUAL_HALVES)
        return DesKey(clear)

    def seal(self, key_type: str, scheme: KeyScheme, clear: bytes) -> str:
        """A clear key under this LMK, as it travels."""
        return wrap(self.lmk.pair(key_type), scheme, clear)


def _length_before(rule: KeyRule, wire: str) -> str | None:
    """The length stands outside the encryption, so it is judged first: a single-length key is not "bad parity"."""
    return None if parse(wire)[0].length in rule.lengths else codes.KEY_LENGTH


class KeyStore:
    """All LMKs that are loaded."""

    def __init__(self, settings: Settings) -> None:
        self._default = settings.default_lmk
        self._rings = {
            lmk.id: Keyring(Lmk(lmk.id, SETS[lmk.set], lmk.check_value, lmk.authorised), settings)
            for lmk in settings.lmk
        }

    def ring(self, lmk_id: str | None) -> Keyring | None:
        """The keyring of this LMK id (None: the default one), or None when it is not loaded."""
        return self._rings.get(self._default if lmk_id is None else lmk_id)
