"""`payswitch hsm-ceremony`: LMKs of one's own for the HSM simulator. The HSM's own tool does it, as a process."""

import sys
from typing import Annotated

from cyclopts import Parameter

from switch.commands._run_party import become
from switch.place import Part


def hsm_ceremony(*words: Annotated[str, Parameter(allow_leading_hyphen=True)]) -> int:
    """Make key components, form an LMK from them, keep it under a passphrase, list what there is.

    `component aes-block`, `form aes-block --id 10 --components 3 --state var`, `list --state var`.

    Parameters
    ----------
    words
        What to do: see `python -m hsm_sim ceremony --help`.
    """
    return become([sys.executable, "-m", Part.HSM, "ceremony", *words])
