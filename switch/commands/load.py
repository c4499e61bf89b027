"""`payswitch load …`: the load tester, a program of its own (`python -m loadtest`), which this process becomes."""

import sys
from typing import Annotated

from cyclopts import Parameter

from switch.commands._run_party import become


def load(*arguments: Annotated[str, Parameter(allow_leading_hyphen=True)]) -> int:
    """Load a host and audit the money: run, find-max, compare, report, replay, cards, serve, doctor, worker, selftest.

    `payswitch load run tour` begins; `payswitch load --help` and `payswitch load run --help` tell the rest.
    """
    become([sys.executable, "-m", "loadtest", *(arguments or ("--help",))])
