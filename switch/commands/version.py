"""`payswitch version`."""

from importlib.metadata import version as installed_version

from switch.commands._terminal import say


def version() -> None:
    """Print the version of the program."""
    say(installed_version("payswitch"))
