"""`payswitch version`."""

from importlib.metadata import version as installed_version

from protocols.compiled import build
from switch.commands._terminal import say


def version() -> None:
    """Print the version of the program, and whether it runs from its sources or compiled."""
    say(f"{installed_version('payswitch')} ({build()})")
