"""`python -m switch`: the switch as a party, started like the others; any other command by its name.

`python -m switch --network DIR` runs the switch, `python -m switch books --json` prints its books.
"""

import sys

from switch.cli import COMMANDS, main


def arguments(given: list[str]) -> list[str]:
    """
    >>> arguments(["--state", "var"]), arguments(["books", "--json"])
    (['switch', '--state', 'var'], ['books', '--json'])
    """
    return given if given[:1] and given[0] in COMMANDS else ["switch", *given]


if __name__ == "__main__":
    sys.exit(main(arguments(sys.argv[1:])))
