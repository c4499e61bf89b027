"""LS: verify an HMAC, whole or cut to no less than half. No layout of it is settled anywhere; this one is ours."""

from hmac import compare_digest

from hsm_sim.command import Answer, Command, Randomness, checked
from hsm_sim.commands._hmac import hmac_value, rule
from hsm_sim.errors import RefusedError
from hsm_sim.keys import VERIFIES, Keyring
from protocols.hsm import LAYOUTS, HsmRequest, codes

KEY = rule(VERIFIES)


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """00 or 01; 80 for one that is too long, or shorter than half (RFC 2104, 5)."""
    value, given = hmac_value(KEY, request, keys), request.fields["mac"].encode("latin-1")
    if not len(value) // 2 <= len(given) <= len(value):
        raise RefusedError(codes.DATA_LENGTH)
    return checked(compare_digest(value[: len(given)], given))


COMMAND = Command(LAYOUTS["LS"], answer, keys=(KEY,))
