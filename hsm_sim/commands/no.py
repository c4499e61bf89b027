"""NO: buffers, protocol, sockets and firmware; or whether the settings keep the PCI rules."""

from hsm_sim.command import Answer, Station, done, telling
from protocols.hsm import LAYOUTS, HsmRequest

BUFFER_32K = "3"
TCP = "1"
COMPLIANT, NOT_COMPLIANT = "1", "0"


def tells(request: HsmRequest, station: Station) -> Answer:
    """`00`: how it is reached. `01`: not compliant while the rule for PIN translations is off."""
    settings = station.settings
    if request.fields["about"] == "01":
        return done(pci_compliance=COMPLIANT if settings.pci_pin_translation else NOT_COMPLIANT)
    return done(buffer=BUFFER_32K, protocol=TCP, sockets=f"{settings.connections:04d}", firmware=settings.firmware)


COMMAND = telling(LAYOUTS["NO"], tells)
