"""JK: the state of this moment: interfaces, tampering, LMKs, suspicions."""

from hsm_sim.command import Answer, Station, done, telling
from hsm_sim.commands._period import date, time
from hsm_sim.lmk import Lmk, LmkKind
from protocols.hsm import LAYOUTS, HsmRequest
from protocols.hsm.rows import row_name

UP, DOWN = "1", "0"
GOOD, TAMPERED = "1", "2"
ALGORITHMS = {LmkKind.VARIANT: "0", LmkKind.BLOCK_3DES: "1", LmkKind.BLOCK_AES: "2"}
COMMENTS = {True: "published test LMK", False: "own LMK"}
ACTIVITIES = "00"  # no activity is authorised by itself: the state is for all of them


def tells(request: HsmRequest, station: Station) -> Answer:
    """A box that was opened has lost its LMKs, so it lists none."""
    figures = station.figures
    now = figures.clock()
    lmks = () if figures.tampered else station.store.lmks()
    fields = {
        "serial": station.settings.serial,
        "date": date(now),
        "time": time(now),
        "console_state": DOWN,  # there is none to sit at
        "manager_state": DOWN,
        "host_1_state": UP,
        "host_2_state": DOWN,
        "tamper_state": GOOD,
        "lmks": f"{len(lmks):02d}",
        "test_lmks": f"{sum(lmk.test for lmk in lmks):02d}",
        "old_lmks": f"{sum(lmk.old is not None for lmk in lmks):02d}",
        "fraud_detected": str(int(figures.suspects_fraud)),
        "pin_attack_detected": str(int(figures.suspects_attack)),
    }
    if figures.tampered:
        cause, when = figures.tampered
        fields |= {
            "tamper_state": TAMPERED,
            "tamper_cause": cause,
            "tamper_date": date(when),
            "tamper_time": time(when),
        }
    for number, lmk in enumerate(lmks, 1):
        fields |= {row_name("lmk", number, name): value for name, value in _told(lmk).items()}
    return done(**fields)


def _told(lmk: Lmk) -> dict[str, str]:
    return {
        "id": lmk.id,
        "authorised": str(int(lmk.authorised)),
        "activities": ACTIVITIES,
        "scheme": "V" if lmk.kind is LmkKind.VARIANT else "K",
        "algorithm": ALGORITHMS[lmk.kind],
        "status": "T" if lmk.test else "L",
        "comment": COMMENTS[lmk.test],
    }


COMMAND = telling(LAYOUTS["JK"], tells)
