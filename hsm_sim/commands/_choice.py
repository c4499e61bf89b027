"""What the commands that give a PIN its PVV or offset share: is this a PIN that may be chosen?"""

from collections.abc import Mapping

from hsm_sim.errors import RefusedError
from hsm_sim.keys import Keyring
from protocols.hsm import codes


def check_choice(fields: Mapping[str, str], keys: Keyring, pin: str) -> None:
    """Refuses an excluded PIN: 86; and a list of excluded ones of another length: 81."""
    listed = fields["excluded_pins"].split(",") if "excluded_pins" in fields else []
    if listed and len(listed[0]) != len(pin):
        raise RefusedError(codes.PIN_MISMATCH)
    if pin in listed or pin in keys.settings.excluded_pins:
        raise RefusedError(codes.EXCLUDED_PIN)


def check_offset_length(minimum: int, pin: str) -> None:
    """Refuses a PIN shorter than the request's minimum: 81."""
    if len(pin) < minimum:
        raise RefusedError(codes.PIN_MISMATCH)
