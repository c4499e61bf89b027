"""All host commands, by code: one file each, which declares COMMAND.

Files that begin with _ hold what siblings share.
"""

from collections.abc import Mapping

from hsm_sim.command import Command
from protocols.catalog import declared

COMMANDS: Mapping[str, Command] = {command.code: command for command in declared(__name__, "COMMAND")}
