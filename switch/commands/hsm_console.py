"""`payswitch hsm-console`: a prompt to any HSM. The HSM's own tool does it, in a process of its own."""

import sys
from typing import Annotated

from cyclopts import Parameter

from switch.commands._run_party import become
from switch.place import Part


def hsm_console(*words: Annotated[str, Parameter(allow_leading_hyphen=True)]) -> int:
    """Ask an HSM, ours or anybody's, and read both ways field by field.

    Without a question: a prompt, at which `?` lists the commands, `? CC` tells what one is made of and `CC`
    asks for each field. With one: `payswitch hsm-console NC`, or `CW cvk=… pan=… expiry=… service_code=…`.
    Secrets are masked unless --clear says that they are of a test. All options: `python -m hsm_sim console --help`.

    Parameters
    ----------
    words
        --hsm HOST:PORT, --header N, --lmk NN, --udp, --tls, --clear; a command and name=value …
    """
    return become([sys.executable, "-m", Part.HSM, "console", *words])
