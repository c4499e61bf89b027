"""J2: utilisation, as seconds spent in each tenth of the load."""

from hsm_sim.command import Answer, Station, done, telling
from hsm_sim.commands._period import counted, period, seconds
from protocols.hsm import LAYOUTS, HsmRequest
from protocols.hsm.rows import row_name


def tells(request: HsmRequest, station: Station) -> Answer:
    """Ten bands; a second counts where the share of it falls that was spent on requests."""
    fields = period(station) | {"seconds": seconds(station)}
    for number, (low, high, spent) in enumerate(station.figures.load(), 1):
        row = {
            "from": f"{low:03d}",
            "to": f"{high:03d}",
            "periods": counted(spent, 10),
            "delimiter": station.settings.j2_delimiter,
        }
        fields |= {row_name("load", number, name): value for name, value in row.items()}
    return done(**fields)


COMMAND = telling(LAYOUTS["J2"], tells)
