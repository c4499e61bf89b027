"""The desk: a request frame in, an answer frame out, and a count of both. The HSM without its wires.

Pure: randomness comes in, defects go to whoever asked to hear of them. Nothing
that happens here closes a connection, except a frame too short to be answered.
"""

from collections import Counter
from collections.abc import Callable, Mapping

from hsm_sim.command import Answer, Command, Randomness
from hsm_sim.commands import COMMANDS
from hsm_sim.errors import RefusedError
from hsm_sim.keys import KeyStore
from hsm_sim.settings import Settings
from protocols.hsm import HsmRequest, build_answer, codes, read_request

NO_FIELDS: Mapping[str, str] = {}
UNKNOWN = "unknown"  # how commands that we do not know are counted: peers choose codes, and a table has a bound

Defect = Callable[[str, Exception], None]


def _nobody(command: str, error: Exception) -> None:
    """Nobody asked to hear of defects."""


class Desk:
    """One HSM: its LMKs, its commands, its counters (command and error code -> how often)."""

    def __init__(self, settings: Settings, randomness: Randomness, on_defect: Defect = _nobody) -> None:
        self.settings = settings
        self.counts: Counter[tuple[str, str]] = Counter()
        self._store = KeyStore(settings)
        self._randomness = randomness
        self._on_defect = on_defect
        self._commands = {code: one for code, one in COMMANDS.items() if code not in settings.disabled_commands}

    def answer(self, frame: bytes) -> bytes:
        """The answer to one request. Raises RemoteProtocolError when the frame is shorter than header and command."""
        request = read_request(frame, self.settings.header_length)
        try:
            error, fields = self._answered(request)
            packed = build_answer(request, error, **fields)
        except RefusedError as refused:
            error = refused.code
            packed = build_answer(request, error)
        except Exception as defect:
            self._on_defect(request.command, defect)
            error = codes.DEFECT
            packed = build_answer(request, error)
        self.counts[request.command if request.command in COMMANDS else UNKNOWN, error] += 1
        return packed

    def _answered(self, request: HsmRequest) -> Answer:
        command = self._commands.get(request.command)
        if command is None:
            return Answer(codes.UNKNOWN_COMMAND, NO_FIELDS)
        if request.error != codes.DONE:
            return Answer(request.error, NO_FIELDS)
        return self._done(command, request)

    def _done(self, command: Command, request: HsmRequest) -> Answer:
        keys = self._store.ring(request.lmk_id)
        if keys is None:
            return Answer(codes.LMK_ID, NO_FIELDS)
        if command.needs_authorised and not keys.lmk.authorised:
            return Answer(codes.NOT_AUTHORISED, NO_FIELDS)
        return command.answer(request, keys, self._randomness)
