"""RY: make (mode 3) or verify (mode 4) the card security codes of an American Express card."""

from collections.abc import Mapping
from hmac import compare_digest

from hsm_sim.command import Answer, Command, Randomness, done
from hsm_sim.keys import Keyring, KeyRule
from hsm_sim.primitives.csc import card_security_codes
from hsm_sim.primitives.des import DOUBLE
from protocols.hsm import LAYOUTS, HsmRequest, codes
from protocols.hsm.layouts.cards import CSC_MAKES, CSC_VERIFIES

MODES = {CSC_MAKES: ("C", "G", "N"), CSC_VERIFIES: ("C", "V", "N")}
CSCK = {
    mode: KeyRule("csck", types=("402",), lengths=(DOUBLE,), usages=("11", "C0"), modes=modes)
    for mode, modes in MODES.items()
}
HOLDS, ABSENT, WRONG = "0", "1", "2"


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """The three codes; or of each code whether it holds, is absent (all F) or wrong, which is 01."""
    fields = request.fields
    key = keys.open_des(CSCK[fields["mode"]], fields)
    made = card_security_codes(key, fields["account"], fields["expiry"], fields.get("service_code", ""))._asdict()
    if fields["mode"] == CSC_MAKES:
        return done(mode=CSC_MAKES, **{f"csc_{length}": value for length, value in made.items()})
    results = {f"csc_{length}_result": _result(fields, length, value) for length, value in made.items()}
    error = codes.NOT_VERIFIED if WRONG in results.values() else codes.DONE
    return Answer(error, {"mode": CSC_VERIFIES, **results})


def _result(fields: Mapping[str, str], length: str, value: str) -> str:
    given = fields[f"csc_{length}"]
    if given == "F" * len(given):
        return ABSENT
    return HOLDS if compare_digest(given, value) else WRONG


COMMAND = Command(LAYOUTS["RY"], answer, keys=tuple(CSCK.values()))
