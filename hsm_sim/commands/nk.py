"""NK: several commands in one frame, answered in one frame, each as if it had come alone.

A command that takes long (EI, FY) or is a chain itself is answered 68 in here: nobody else would be served meanwhile.
"""

from hsm_sim.command import Answer, Station, done, telling
from hsm_sim.errors import RefusedError
from protocols.hsm import FRAME_MAX, LAYOUTS, HsmRequest, codes, response_code
from protocols.hsm.byte_fields import chained, unchained
from protocols.hsm.layouts.diagnostics import WITH_HEADERS

NOT_CHAINED = frozenset({"NK", "EI", "FY"})
COMMAND_LENGTH = 2


def tells(request: HsmRequest, station: Station) -> Answer:
    """The answers, in the order of the requests. Where these have no header of their own, nor have the answers."""
    fields = request.fields
    length = station.settings.header_length
    own = fields["header_flag"] == WITH_HEADERS
    asked = list(unchained(fields["requests"]))
    if not asked or any(len(frame) < COMMAND_LENGTH + own * length for frame in asked):
        raise RefusedError(codes.INPUT_DATA)
    frames = asked if own else ["\0" * length + frame for frame in asked]
    answers = [_answered(frame, length, request.lmk_id, station) for frame in frames]
    chain = chained(one if own else one[length:] for one in answers)
    if len(chain) > FRAME_MAX:
        raise RefusedError(codes.DATA_LENGTH)
    return done(commands=fields["commands"], answers=chain)


def _answered(frame: str, length: int, lmk_id: str | None, station: Station) -> str:
    command = frame[length : length + COMMAND_LENGTH]
    if command in NOT_CHAINED:
        return frame[:length] + response_code(command) + codes.UNKNOWN_COMMAND
    return station.desk(frame.encode("latin-1"), lmk_id).decode("latin-1")


COMMAND = telling(LAYOUTS["NK"], tells)
