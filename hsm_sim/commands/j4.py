"""J4: how often each command was answered, whatever the answer. This one is not in its own count yet."""

from hsm_sim.command import Answer, Station, done, telling
from hsm_sim.commands._period import counted, period, seconds
from protocols.hsm import LAYOUTS, HsmRequest
from protocols.hsm.rows import row_name


def tells(request: HsmRequest, station: Station) -> Answer:
    """A row for each command that was asked for; codes that we do not know have none."""
    fields = period(station) | {"seconds": seconds(station)}
    for number, (command, count) in enumerate(station.figures.by_command().items(), 1):
        fields[row_name("answered", number, "command")] = command
        fields[row_name("answered", number, "count")] = counted(count, 12)
    return done(**fields)


COMMAND = telling(LAYOUTS["J4"], tells)
