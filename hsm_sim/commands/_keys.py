"""What the key commands share: what a key is to become under the LMK, and what its header may say when it leaves.

Under a variant LMK a key has a type and a scheme; under a key-block LMK a header,
which the request gives behind `#` and which comes along when a block is imported.
A header changed on the way may only become narrower.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from hsm_sim.command import Randomness
from hsm_sim.errors import RefusedError
from hsm_sim.key_block import THALES, TR31, Attributes
from hsm_sim.key_scheme import KEY_SCHEMES, is_key_block
from hsm_sim.keys import ALGORITHM_OF, ANY_CIPHER, DECRYPTS, ENCRYPTS, Keyring, KeyRule, key_of
from hsm_sim.lmk import KEY_TYPES, OF_THE_HEADER, LmkKind
from hsm_sim.primitives.aes import AesKey
from hsm_sim.primitives.des import DOUBLE, SINGLE, TRIPLE, DesKey, has_odd_parity, with_odd_parity
from hsm_sim.transport import from_zmk, under_zmk
from hsm_sim.usages import LENGTHS, USAGES, check, check_export, outside
from hsm_sim.validity import check_written
from protocols.hsm import codes

ZMK_TYPE = "000"
ZMK_USAGES = ("52", "K0", "K1")
TRIES = 8  # two equal parts once are already a wonder
CIPHER_USAGES = tuple(usage.code for usage in USAGES.values() if usage.algorithms != "H")
NARROWER = {"B": "DE", "C": "GV", "N": "BCDEGSTVXY"}  # mode of use -> those it may be narrowed to
FREER = "ENS"
LESS_FREE = {"E": "SN", "S": "N", "N": ""}

_ZMK_OR_TMK = {"0": "000", "1": "002"}


def zmk_rule(field: str, modes: tuple[str, ...]) -> KeyRule:
    """A ZMK, or a TMK where the request says so."""
    return KeyRule(
        field,
        types=("000", "002"),
        lengths=(DOUBLE, TRIPLE),
        chosen_by="export_flag",
        choices=_ZMK_OR_TMK,
        usages=("52", "51", "K0", "K1"),
        modes=modes,
        algorithms=ANY_CIPHER,
    )


EXPORTING_ZMK = zmk_rule("zmk", ENCRYPTS)
IMPORTING_ZMK = zmk_rule("zmk", DECRYPTS)


@dataclass(frozen=True, slots=True)
class Form:
    """What a key is under the LMK: type and scheme, or the header of a block."""

    key_type: str
    scheme: str
    attributes: Attributes | None = None  # under a key-block LMK, always

    def seal(self, keys: Keyring, key: DesKey | AesKey, randomness: Randomness) -> str:
        """The key in this form. Refuses a key that does not fit it."""
        if self.attributes is None:
            if isinstance(key, AesKey):
                raise RefusedError(codes.BLOCK_ALGORITHM)
            if KEY_SCHEMES[self.scheme].length != len(key.clear):
                raise RefusedError(codes.KEY_SCHEME)
        return keys.seal(
            key.clear, key_type=self.key_type, scheme=self.scheme, attributes=self.attributes, random=randomness
        )

    def header(self, key: DesKey | AesKey) -> Attributes:
        """What a block that takes the key elsewhere says: its own header, or what the key type stands for."""
        if self.attributes is not None:
            return self.attributes
        return Attributes(KEY_TYPES[self.key_type].usages[0], algorithm_of(key), exportability="E")


def is_variant(keys: Keyring) -> bool:
    return keys.lmk.kind is LmkKind.VARIANT


def key_type_asked(fields: Mapping[str, str], keys: Keyring) -> str:
    """The key type, which under a key-block LMK is FFF and under a variant LMK is not. Refuses any other."""
    code = fields["key_type"]
    if is_variant(keys):
        if code == OF_THE_HEADER:
            raise RefusedError(codes.LMK_SCHEME)
        if code not in KEY_TYPES:
            raise RefusedError(codes.KEY_TYPE_CODE)
    elif code != OF_THE_HEADER:
        raise RefusedError(codes.KEY_TYPE_CODE)
    return code


def scheme_asked(letter: str, keys: Keyring) -> str:
    """The scheme under the LMK. Refuses one that this LMK does not write."""
    if is_variant(keys) == (letter in (THALES, TR31)) or letter == TR31:
        raise RefusedError(codes.LMK_SCHEME)
    if letter != THALES and letter not in KEY_SCHEMES:
        raise RefusedError(codes.KEY_SCHEME)
    if letter in KEY_SCHEMES and KEY_SCHEMES[letter].is_x9_17 and not keys.settings.x9_17_under_lmk:
        raise RefusedError(codes.KEY_SCHEME)
    return letter


def header_asked(fields: Mapping[str, str], prefix: str = "key_") -> Attributes | None:
    """The header a request gives behind `#` or `&`, its algorithm empty where it names none; None: no header there."""
    if prefix + "usage" not in fields:
        return None
    return Attributes(
        fields[prefix + "usage"],
        fields.get(prefix + "algorithm", "")[:1],
        fields[prefix + "mode"],
        fields[prefix + "version"],
        fields[prefix + "exportability"],
        optional_blocks(fields.get(prefix + "optional", "")),
    )


def optional_blocks(text: str) -> tuple[tuple[str, str], ...]:
    """Optional blocks as a header has them: id, length, data, one after another."""
    found = []
    while text:
        end = int(text[2:4], 16)
        found.append((text[:2], text[4:end]))
        text = text[end:]
    if len({name for name, _ in found}) != len(found):
        raise RefusedError(codes.REPEATED_OPTIONAL)
    check_written(found)
    return tuple(found)


def new_form(fields: Mapping[str, str], keys: Keyring) -> tuple[Form, int]:
    """What a new key is to be, and how many bytes it has."""
    key_type = key_type_asked(fields, keys)
    scheme = scheme_asked(fields["scheme"], keys)
    if is_variant(keys):
        return Form(key_type, scheme), KEY_SCHEMES[scheme].length
    asked = header_asked(fields)
    if asked is None:
        raise RefusedError(codes.INPUT_DATA)
    length = LENGTHS.get(fields.get("key_algorithm", ""))
    if length is None:
        raise RefusedError(codes.BLOCK_ALGORITHM)
    if length == SINGLE:
        asked = replace(asked, algorithm=ALGORITHM_OF[SINGLE])
    return Form(key_type, scheme, check(asked)), length


def algorithm_of(key: DesKey | AesKey) -> str:
    """What a header says of this key."""
    return "A" if isinstance(key, AesKey) else ALGORITHM_OF[len(key.clear)]


def fresh_key(length: int, randomness: Randomness) -> bytes:
    """A DES key of odd parity, no two parts of it equal."""
    for _ in range(TRIES):
        clear = with_odd_parity(randomness(length))
        parts = {clear[at : at + SINGLE] for at in range(0, length, SINGLE)}
        if len(parts) == length // SINGLE:
            return clear
    raise RuntimeError("the source of randomness repeats itself")


def narrowed(said: Attributes, asked: Attributes | None, exportability: str | None) -> Attributes:
    """A header with what a request wants otherwise. Refuses what would widen it: A6, A7, A8, A9, AA."""
    if asked is not None:
        if outside(asked.usage) != outside(said.usage):
            raise RefusedError(codes.BLOCK_USAGE)
        if asked.algorithm not in ("", said.algorithm):
            raise RefusedError(codes.BLOCK_ALGORITHM)
        if asked.mode not in said.mode + NARROWER.get(said.mode, ""):
            raise RefusedError(codes.BLOCK_MODE)
        optional = asked.optional or said.optional
        said = replace(said, usage=asked.usage, mode=asked.mode, version=asked.version, optional=optional)
    if exportability is not None:
        if exportability not in said.exportability + LESS_FREE.get(said.exportability, ""):
            raise RefusedError(codes.BLOCK_EXPORT)
        said = replace(said, exportability=exportability)
    return said


def exported(
    key: DesKey | AesKey,
    form: Form,
    zmk: DesKey | AesKey,
    scheme: str,
    fields: Mapping[str, str],
    keys: Keyring,
    randomness: Randomness,
) -> str:
    """The key under the ZMK. Refuses what may not leave: 17 for a ZMK unless authorised, AA by its header."""
    header = form.header(key)
    if (form.key_type == ZMK_TYPE or (not is_variant(keys) and header.usage in ZMK_USAGES)) and not keys.lmk.authorised:
        raise RefusedError(codes.NOT_AUTHORISED)
    if not is_variant(keys):
        check_export(header, scheme)
    header = narrowed(header, header_asked(fields, "exported_"), fields.get("exported_exportability"))
    if scheme == TR31:
        header = replace(header, usage=outside(header.usage))
    return under_zmk(zmk, key, scheme, header, randomness, fields.get("tr31_version"))


@dataclass(frozen=True, slots=True)
class Imported:
    """A key that came under a ZMK: ready to use, its header where it had one, and whether its parity was set right."""

    key: DesKey | AesKey
    attributes: Attributes | None
    corrected: bool = False


def imported(zmk: DesKey | AesKey, wire: str) -> Imported:
    """The key that came. Refuses zeros (11), and a block that holds neither a DES nor an AES key (A7)."""
    clear, attributes = from_zmk(zmk, wire)
    if not any(clear):
        raise RefusedError(codes.DESTINATION_PARITY)
    if attributes is None:
        return Imported(DesKey(with_odd_parity(clear)), None, not has_odd_parity(clear))
    key = key_of(clear, attributes.algorithm)
    if key is None:
        raise RefusedError(codes.BLOCK_ALGORITHM)
    if isinstance(key, DesKey) and not has_odd_parity(clear):
        return Imported(DesKey(with_odd_parity(clear)), attributes, corrected=True)
    return Imported(key, attributes)


def form_of_import(
    came: Imported,
    key_type: str,
    scheme: str,
    fields: Mapping[str, str],
    keys: Keyring,
    usages: tuple[str, ...] = (),
) -> Form:
    """What an imported key becomes under the LMK. `usages`, where given, are all that the command takes."""
    scheme = scheme_asked(scheme, keys)
    said = came.attributes
    if is_variant(keys):
        permitted = usages or KEY_TYPES[key_type].usages
        if said is not None and said.usage not in {*permitted, *map(outside, permitted)}:
            raise RefusedError(codes.BLOCK_USAGE)
        return Form(key_type, scheme)
    asked = header_asked(fields)
    exportability = fields.get("key_exportability", fields.get("exported_exportability"))
    if said is not None:
        said = check(narrowed(said, asked or header_asked(fields, "exported_"), exportability))
    else:
        said = _given_header(came.key, asked, usages)
    if usages and said.usage not in usages:
        raise RefusedError(codes.BLOCK_USAGE)
    return Form(key_type, scheme, said)


def _given_header(key: DesKey | AesKey, asked: Attributes | None, usages: tuple[str, ...]) -> Attributes:
    """The header of a key that came without one: what the request says, else what the command stands for."""
    if asked is None:
        if not usages:
            raise RefusedError(codes.INPUT_DATA)
        return Attributes(usages[0], algorithm_of(key))
    if asked.algorithm not in ("", algorithm_of(key)):
        raise RefusedError(codes.BLOCK_ALGORITHM)
    return check(replace(asked, algorithm=algorithm_of(key)))


def bare(wire: str, is_bare: bool) -> str:
    """A key as it travels, without its letter where the older commands have none."""
    return wire[1:] if is_bare and wire[0] in ("X", "Y") else wire


def is_bare_key(wire: str) -> bool:
    """Whether a key came without a letter."""
    return wire[0] not in KEY_SCHEMES and not is_key_block(wire)
