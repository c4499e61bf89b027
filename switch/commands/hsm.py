"""`payswitch hsm`: the simulated HSM in the foreground."""

from pathlib import Path

from switch.certificates import keep_up
from switch.commands._run_party import become
from switch.home import certificate_folder
from switch.place import DEMONSTRATION, Part, Party, Place
from switch.shell.clock import today


def hsm(*, place: Place = DEMONSTRATION, lmk_passphrase: Path | None = None) -> int:
    """Run the simulated HSM until it is told to stop: TCP and UDP 1500, mutual TLS 2500.

    Parameters
    ----------
    lmk_passphrase
        A file with the passphrase that opens the LMKs of a key ceremony; without it they stay closed.
    """
    keep_up(certificate_folder(place.state), place.network, today())
    opening = () if lmk_passphrase is None else ("--lmk-passphrase", str(lmk_passphrase))
    return become([*Party(Part.HSM).command(place), *opening])
