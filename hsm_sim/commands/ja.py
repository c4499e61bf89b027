"""JA: make a random PIN, which nobody sees: it comes under the LMK."""

from hsm_sim.command import Answer, Command, Randomness, done
from hsm_sim.keys import Keyring
from hsm_sim.lmk_pins import under_lmk
from hsm_sim.pin_blocks import check_length
from protocols.hsm import LAYOUTS, HsmRequest

USUAL_LENGTH = 4
FAIR = 250  # a byte below it gives every digit the same chance
TRIES = 100  # of getting enough fair bytes and a PIN that is not excluded; one will do, nearly always


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """The PIN under the LMK."""
    fields = request.fields
    length = int(fields["pin_length"] or USUAL_LENGTH)
    check_length("0" * length)
    pin = random_pin(length, keys.settings.excluded_pins, randomness)
    return done(pin_under_lmk=under_lmk(keys.lmk, fields["account"], pin))


def random_pin(length: int, excluded: frozenset[str], randomness: Randomness) -> str:
    """So many digits, each as likely as any other, and no excluded PIN."""
    for _ in range(TRIES):
        fair = [byte % 10 for byte in randomness(2 * length) if byte < FAIR]
        pin = "".join(map(str, fair[:length]))
        if len(pin) == length and pin not in excluded:
            return pin
    raise RuntimeError("the source of randomness repeats itself, or every PIN is excluded")


COMMAND = Command(LAYOUTS["JA"], answer)
