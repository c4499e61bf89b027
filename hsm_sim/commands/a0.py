"""A0: make a key (modes 0, 1) or derive an initial DUKPT key (A, B); in modes 1 and B hand it out under a ZMK too."""

from collections.abc import Mapping

from hsm_sim.command import Answer, Command, Randomness, done
from hsm_sim.commands._keys import EXPORTING_ZMK, Form, exported, fresh_key, new_form
from hsm_sim.errors import RefusedError
from hsm_sim.keys import ANY_CIPHER, DERIVES, Keyring, KeyRule, check_value
from hsm_sim.lmk import OF_THE_HEADER
from hsm_sim.primitives import dukpt_aes, dukpt_tdes
from hsm_sim.primitives.aes import AesKey
from hsm_sim.primitives.des import DOUBLE, DesKey, with_odd_parity
from protocols.hsm import LAYOUTS, HsmRequest, codes

BDK_5 = "5"  # of AES only, so it has no key type: its header says what it is
BDK_5_USAGES = ("44", "B0")

BDK = KeyRule(
    "bdk",
    types=("009", "609", "809", "909"),
    lengths=(DOUBLE,),
    chosen_by="bdk_type",
    choices={"1": "009", "2": "609", "3": "809", "4": "909", BDK_5: OF_THE_HEADER},
    usages=("B0", "41", "42", "43", "44"),
    modes=DERIVES,
    algorithms=ANY_CIPHER,
)
DERIVING = "AB"
EXPORTING = "1B"
IKEY_TYPE, IKEY_USAGE = "302", "B1"
KEY_ID_DIGITS, KSN_DIGITS = 16, 20  # what goes into an initial key: the KSN without its counter


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """The key under the LMK, perhaps under the ZMK too, and its check value."""
    fields = request.fields
    form, length = new_form(fields, keys)
    zmk = keys.open(EXPORTING_ZMK, fields) if fields["mode"] in EXPORTING else None
    if fields["mode"] in DERIVING:
        key = _derived(fields, form, keys)
    elif form.attributes is not None and form.attributes.algorithm == "A":
        key = AesKey(randomness(length))
    else:
        key = DesKey(fresh_key(length, randomness))
    given = {"key": form.seal(keys, key, randomness), "check_value": check_value(key)}
    if zmk is not None:
        given["exported_key"] = exported(key, form, zmk, fields["export_scheme"], fields, keys, randomness)
    return done(**given)


def _derived(fields: Mapping[str, str], form: Form, keys: Keyring) -> DesKey | AesKey:
    """The initial key of the device whose KSN this is (ANSI X9.24, parts 1 and 3)."""
    if form.attributes is None and form.key_type != IKEY_TYPE:
        raise RefusedError(codes.KEY_TYPE)
    if form.attributes is not None and form.attributes.usage != IKEY_USAGE:
        raise RefusedError(codes.BLOCK_USAGE)
    bdk, said = keys.opened(BDK, fields)
    if fields["bdk_type"] == BDK_5 and said is not None:
        if said.usage not in BDK_5_USAGES:
            raise RefusedError(codes.BLOCK_USAGE)
        if said.algorithm != "A":
            raise RefusedError(codes.BLOCK_ALGORITHM)
    if form.attributes is not None and (form.attributes.algorithm == "A") != isinstance(bdk, AesKey):
        raise RefusedError(codes.BLOCK_ALGORITHM)
    key_id = bytes.fromhex(fields["ksn"].ljust(KEY_ID_DIGITS, "0")[:KEY_ID_DIGITS])
    if isinstance(bdk, AesKey):
        return AesKey(dukpt_aes.initial_key(bdk.clear, key_id))
    initial = dukpt_tdes.initial_key(bdk, key_id + bytes(KSN_DIGITS // 2 - len(key_id)))
    return DesKey(with_odd_parity(initial))


COMMAND = Command(LAYOUTS["A0"], answer, keys=(EXPORTING_ZMK, BDK))
