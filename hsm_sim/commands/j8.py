"""J8: health counters: starts, tampers, wrong PINs."""

from hsm_sim.command import Answer, Station, done, telling
from hsm_sim.commands._period import counted, period
from hsm_sim.figures import HOUR, MINUTE
from protocols.hsm import LAYOUTS, HsmRequest


def tells(request: HsmRequest, station: Station) -> Answer:
    """Wrong PINs are those of the last minute and of the last hour."""
    figures = station.figures
    return done(
        **period(station),
        reboots=counted(figures.reboots, 10),
        tampers=counted(figures.tampers, 10),
        pin_failures_minute=counted(figures.failures_within(MINUTE), 7),
        pin_failures_hour=counted(figures.failures_within(HOUR), 5),
        pin_attacks=counted(figures.attacks, 8),
    )


COMMAND = telling(LAYOUTS["J8"], tells)
