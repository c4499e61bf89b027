"""Running one other party in the foreground: this process becomes it.

The parties meet on the wire, never in an import; so the command line hands over to the party's
own. Signals and exit codes are then the party's, without anybody in between.
"""

import os
import sys
from collections.abc import Sequence
from typing import NoReturn


def become(command: Sequence[str]) -> NoReturn:
    """Replace this process. Does not return."""
    sys.stdout.flush()
    os.execv(command[0], list(command))
