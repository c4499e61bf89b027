"""`payswitch hsm-explain`: an HSM frame in words. The HSM's own tool does it, in a process of its own."""

import sys
from typing import Annotated

from cyclopts import Parameter

from switch.commands._run_party import become
from switch.place import Part


def hsm_explain(*words: Annotated[str, Parameter(allow_leading_hyphen=True)]) -> int:
    """Tell an HSM frame field by field, secrets masked. It asks no HSM anything.

    Parameters
    ----------
    words
        The frame as text or hex, with or without its length in front; --hex, --header N, --clear.
    """
    return become([sys.executable, "-m", Part.HSM, "explain", *words])
