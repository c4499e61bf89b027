"""Whether a key may be used now: what the optional blocks of its key block say of status and dates.

Three blocks of Thales' own mean something: 00 a status (L live and T test may be
used, anything else may not), 03 the first hour of a key and 04 the last, as
YYYY:MM:DD:HH in UTC. All others are kept, covered by the MAC and handed on.
Nobody publishes which letters a status may have; these are ours.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

from hsm_sim.errors import RefusedError
from protocols.hsm import codes

STATUS, START, END = "00", "03", "04"
USABLE = ("L", "T")
DATE = "%Y:%m:%d:%H"

OptionalBlocks = Iterable[tuple[str, str]]  # (id, data)


def check_usable(optional: OptionalBlocks, now: datetime) -> None:
    """Refuses a key that is not live (AD), not yet (AE) or no more (AF) in use.

    >>> check_usable([("03", "2026:01:01:00"), ("04", "2026:12:31:23")], datetime(2026, 7, 1, tzinfo=UTC))
    """
    for name, data in optional:
        if name == STATUS and data not in USABLE:
            raise RefusedError(codes.BLOCK_STATUS)
        if name == START and now < _hour(data, codes.BLOCK_START):
            raise RefusedError(codes.BLOCK_START)
        if name == END and now.replace(minute=0, second=0, microsecond=0) > _hour(data, codes.BLOCK_END):
            raise RefusedError(codes.BLOCK_END)


def check_written(optional: OptionalBlocks) -> None:
    """Refuses what nobody could read again: an empty status (AD), a date that is none (AE, AF), an end before the
    start (AF)."""
    said = dict(optional)
    if said.get(STATUS) == "":
        raise RefusedError(codes.BLOCK_STATUS)
    start = _hour(said[START], codes.BLOCK_START) if START in said else None
    end = _hour(said[END], codes.BLOCK_END) if END in said else None
    if start is not None and end is not None and end < start:
        raise RefusedError(codes.BLOCK_END)


def _hour(text: str, code: str) -> datetime:
    try:
        return datetime.strptime(text, DATE).replace(tzinfo=UTC)
    except ValueError:
        raise RefusedError(code) from None
