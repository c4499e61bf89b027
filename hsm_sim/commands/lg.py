"""LG: from now on every answer comes later. For tests of what waits behind an HSM."""

from hsm_sim.command import Answer, Station, done, telling
from hsm_sim.faults import EVERY, Fault, Kind
from protocols.hsm import LAYOUTS, HsmRequest


def tells(request: HsmRequest, station: Station) -> Answer:
    """The delay in milliseconds; 000 ends it. It is a fault on purpose, and listed as one."""
    if ms := int(request.fields["milliseconds"]):
        station.faults.set(Fault(EVERY, Kind.DELAY, ms=ms))
    else:
        station.faults.clear(EVERY, Kind.DELAY)
    return done()


COMMAND = telling(LAYOUTS["LG"], tells)
