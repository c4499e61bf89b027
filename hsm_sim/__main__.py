"""`python -m hsm_sim`: the simulated HSM, and the small tools that belong to it.

`python -m hsm_sim [options]` runs the HSM; `python -m hsm_sim TOOL …` runs one of the tools below,
each in a file of its own with a `main(arguments)` that returns an exit code. Only what is asked for is loaded.
"""

import sys
from collections.abc import Sequence
from importlib import import_module

TOOLS = {  # word -> module with `main(arguments) -> exit code`
    "ceremony": "hsm_sim.ceremony",
    "console": "hsm_sim.console",
    "encrypt-table": "hsm_sim.encrypt_table",
    "explain": "hsm_sim.explain",
    "fault": "hsm_sim.fault",
}


def main(given: Sequence[str] | None = None) -> int:
    """Run the HSM or a tool; the exit code."""
    arguments = list(sys.argv[1:] if given is None else given)
    if arguments and arguments[0] in TOOLS:
        return int(import_module(TOOLS[arguments[0]]).main(arguments[1:]))
    return int(import_module("hsm_sim.process").main(arguments, TOOLS))


if __name__ == "__main__":
    sys.exit(main())
