"""What the older key commands share: import, export and generation of one type of key each.

Without schemes keys are in the bare form they came in; a single key where
nothing came. Under a key-block LMK a key that comes without a header gets the
one the request says, or the usage the command stands for.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from hsm_sim.command import Answer, Command, Randomness, done
from hsm_sim.commands._keys import (
    EXPORTING_ZMK,
    IMPORTING_ZMK,
    Form,
    algorithm_of,
    bare,
    exported,
    form_of_import,
    fresh_key,
    header_asked,
    imported,
    is_bare_key,
    is_variant,
    scheme_asked,
)
from hsm_sim.errors import RefusedError
from hsm_sim.key_block import THALES, Attributes
from hsm_sim.key_scheme import KEY_SCHEMES, is_key_block, parse
from hsm_sim.keys import ANY_CIPHER, ENCRYPTS, Keyring, KeyRule, check_value_in_full
from hsm_sim.primitives.aes import AesKey
from hsm_sim.primitives.des import BLOCK, DOUBLE, LENGTHS, SINGLE, TRIPLE, DesKey
from hsm_sim.usages import LENGTHS as LENGTHS_ASKED
from hsm_sim.usages import check
from protocols.hsm import LAYOUTS, HsmRequest, codes

NOTHING_SAID = "0"  # a scheme that the command does not need
SIX_DIGITS = "1"
ATALLA_STEP = 8  # an Atalla variant is XORed, times this, into the first byte of each part of the ZMK

TMK = KeyRule(
    "tmk",
    types=("002", "80D"),
    lengths=(DOUBLE, TRIPLE),
    usages=("51", "52", "K0", "K1"),
    modes=ENCRYPTS,
    algorithms=ANY_CIPHER,
)


@dataclass(frozen=True, slots=True)
class Kind:
    """What a command makes or moves: the key type, what a key block may say, how long the key is where nobody says."""

    key_type: str
    usages: tuple[str, ...]
    bare_scheme: str = "Z"
    lengths: tuple[int, ...] = LENGTHS

    def rule(self, field: str = "key") -> KeyRule:
        return KeyRule(
            field,
            types=(self.key_type,),
            parity=codes.DESTINATION_PARITY,
            lengths=self.lengths,
            usages=self.usages,
            algorithms=ANY_CIPHER,
        )


ZPK = Kind("001", ("72", "P0"))
TPK = Kind("002", ("71", "P0", "51", "K0", "K1", "V0", "V1", "V2"))
PVK = Kind("002", ("V2", "V0", "V1"), "X", (DOUBLE,))
TAK = Kind("003", ("M3", "M0", "M1", "M2", "M4", "M5", "M6"))
CVK = Kind("402", ("13", "12", "11", "C0"), "X", (DOUBLE,))
BDK = Kind("009", ("B0", "41", "42", "43", "44"), "X", (DOUBLE,))
ZMK = Kind("000", ("52", "K0", "K1"), lengths=(DOUBLE, TRIPLE))
ZEK = Kind("00A", ("22", "D0"))
ZAK = Kind("008", ("M3", "M0", "M1", "M2", "M4", "M5", "M6"))
ZEK_OR_ZAK = {"0": ZEK, "1": ZAK}

Kinds = Kind | Mapping[str, Kind]  # one, or one by the request's flag


def importing(code: str, kinds: Kinds) -> Command:
    """A command that takes a key from under a ZMK."""

    def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
        fields = request.fields
        kind = _kind(kinds, fields)
        zmk = _varied(keys.open(IMPORTING_ZMK, fields), fields)
        came = imported(zmk, fields["key"])
        if isinstance(came.key, DesKey) and len(came.key.clear) not in kind.lengths:
            raise RefusedError(codes.KEY_LENGTH)
        scheme, is_bare = _scheme_under_lmk(fields, keys, came.key)
        form = form_of_import(came, kind.key_type, scheme, fields, keys, kind.usages)
        key = bare(form.seal(keys, came.key, randomness), is_bare)
        error = codes.NOT_VERIFIED if came.corrected else codes.DONE
        return Answer(error, {"key": key, "check_value": _check_value(came.key, fields)})

    return Command(LAYOUTS[code], answer, keys=(IMPORTING_ZMK,))


def exporting(code: str, kinds: Kinds) -> Command:
    """A command that hands a key out under a ZMK."""

    def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
        fields = request.fields
        kind = _kind(kinds, fields)
        zmk = keys.open(EXPORTING_ZMK, fields)
        opened = keys.opened(kind.rule(), fields)
        scheme, is_bare = _scheme_under_zmk(fields)
        form = Form(kind.key_type, "", opened.attributes)
        given = bare(exported(opened.key, form, zmk, scheme, fields, keys, randomness), is_bare)
        return done(exported_key=given, check_value=_check_value(opened.key, fields))

    return Command(LAYOUTS[code], answer, keys=(EXPORTING_ZMK, *_rules(kinds)))


def generating(code: str, kinds: Kinds, under: KeyRule | None = EXPORTING_ZMK) -> Command:
    """A command that makes a key, and hands it out under a ZMK or TMK where there is one."""

    def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
        fields = request.fields
        kind = _kind(kinds, fields)
        zmk = None if under is None else keys.open(under, fields)
        is_bare = fields.get("scheme", NOTHING_SAID) == NOTHING_SAID and is_variant(keys)
        form, key = _made(fields, kind, keys, randomness)
        given = {"key": bare(form.seal(keys, key, randomness), is_bare)}
        if zmk is not None:
            scheme = _said(fields, "export_scheme") or (THALES if isinstance(zmk, AesKey) else form.scheme)
            given["exported_key"] = bare(exported(key, form, zmk, scheme, fields, keys, randomness), is_bare)
        return done(**given, **_check_values(key, fields, request.command))

    return Command(LAYOUTS[code], answer, keys=() if under is None else (under,))


def _kind(kinds: Kinds, fields: Mapping[str, str]) -> Kind:
    return kinds if isinstance(kinds, Kind) else kinds[fields["flag"]]


def _rules(kinds: Kinds) -> tuple[KeyRule, ...]:
    """What key separation is told of the key: one rule, chosen by the flag where there is one."""
    if isinstance(kinds, Kind):
        return (kinds.rule(),)
    types = {flag: kind.key_type for flag, kind in kinds.items()}
    usages = tuple(dict.fromkeys(usage for kind in kinds.values() for usage in kind.usages))
    first = next(iter(kinds.values())).rule()
    return (replace(first, types=tuple(types.values()), chosen_by="flag", choices=types, usages=usages),)


def _said(fields: Mapping[str, str], name: str) -> str | None:
    """A scheme, unless nothing is said."""
    value = fields.get(name, NOTHING_SAID)
    return None if value == NOTHING_SAID else value


def _scheme_under_lmk(fields: Mapping[str, str], keys: Keyring, key: DesKey | AesKey) -> tuple[str, bool]:
    """The scheme an imported key gets, and whether it is written bare, as it came."""
    said = _said(fields, "scheme")
    if said is not None or not is_variant(keys):
        return said or THALES, False
    if is_key_block(fields["key"]):
        return {SINGLE: "Z", DOUBLE: "U", TRIPLE: "T"}[len(key.clear)], False
    return parse(fields["key"])[0].letter, is_bare_key(fields["key"])


def _scheme_under_zmk(fields: Mapping[str, str]) -> tuple[str, bool]:
    """The scheme an exported key gets: what is said, else that of the key under the LMK."""
    said = _said(fields, "export_scheme")
    if said is not None or is_key_block(fields["key"]):
        return said or THALES, False
    return parse(fields["key"])[0].letter, is_bare_key(fields["key"])


def _made(fields: Mapping[str, str], kind: Kind, keys: Keyring, randomness: Randomness) -> tuple[Form, DesKey | AesKey]:
    said = _said(fields, "scheme")
    if is_variant(keys):
        scheme = scheme_asked(said or kind.bare_scheme, keys)
        length = KEY_SCHEMES[scheme].length
        if length not in kind.lengths:
            raise RefusedError(codes.KEY_LENGTH)
        return Form(kind.key_type, scheme), DesKey(fresh_key(length, randomness))
    scheme = scheme_asked(said or THALES, keys)
    key = _of_algorithm(fields.get("key_algorithm", "T2"), randomness)
    header = header_asked(fields) or Attributes(kind.usages[0], algorithm_of(key), exportability="E")
    if header.usage not in kind.usages:
        raise RefusedError(codes.BLOCK_USAGE)
    return Form(kind.key_type, scheme, check(replace(header, algorithm=algorithm_of(key)))), key


def _of_algorithm(asked: str, randomness: Randomness) -> DesKey | AesKey:
    length = LENGTHS_ASKED.get(asked)
    if length is None:
        raise RefusedError(codes.BLOCK_ALGORITHM)
    return AesKey(randomness(length)) if asked[0] == "A" else DesKey(fresh_key(length, randomness))


def _varied(zmk: DesKey | AesKey, fields: Mapping[str, str]) -> DesKey | AesKey:
    """The ZMK as the sender's Atalla variant changes it."""
    variant = int(fields.get("atalla_variant", NOTHING_SAID))
    if variant == 0:
        return zmk
    if isinstance(zmk, AesKey) or variant * ATALLA_STEP > 0xFF:
        raise RefusedError(codes.INPUT_DATA)
    parts = (zmk.clear[at : at + BLOCK] for at in range(0, len(zmk.clear), BLOCK))
    return DesKey(b"".join(bytes((part[0] ^ variant * ATALLA_STEP,)) + part[1:] for part in parts))


def _check_value(key: DesKey | AesKey, fields: Mapping[str, str]) -> str:
    value = check_value_in_full(key)
    return value[:6] if fields.get("check_value_type") == SIX_DIGITS else value[:16]


def _check_values(key: DesKey | AesKey, fields: Mapping[str, str], command: str) -> dict[str, str]:
    """The check values a generation tells: none, one, or one for each half of a bare pair."""
    names = LAYOUTS[command].answer_names
    if "second_check_value" in names and "scheme" not in fields and isinstance(key, DesKey):
        halves = DesKey(key.clear[:SINGLE]), DesKey(key.clear[SINGLE:DOUBLE])
        return {"check_value": _check_value(halves[0], fields), "second_check_value": _check_value(halves[1], fields)}
    return {"check_value": _check_value(key, fields)} if "check_value" in names else {}
