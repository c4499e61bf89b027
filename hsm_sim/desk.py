"""The desk: a request frame in, an answer frame out, and a count of both. The HSM without its wires.

Pure: randomness comes in, defects and audit entries go to whoever asked to hear of them. Nothing
that happens here closes a connection, except a frame too short to be answered.

Most frames are answered on the spot. What must wait (a slow command, a fault switched on that
delays or swallows) comes back as `Held`: whoever has the wires decides where it waits, and `answer`
is for those that do not care.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

from hsm_sim.command import Answer, Command, Randomness, Station
from hsm_sim.commands import COMMANDS
from hsm_sim.errors import RefusedError
from hsm_sim.faults import Fault, Faults, Kind
from hsm_sim.figures import PIN_CHECKS, UNKNOWN, Figures
from hsm_sim.keys import KeyStore, standing
from hsm_sim.settings import Settings
from protocols.hsm import HsmRequest, codes, pack_answer, read_request

NO_FIELDS: Mapping[str, str] = {}

Defect = Callable[[str, Exception], None]


class AuditEntry(NamedTuple):
    """One line of the audit log: what was asked for, under which LMK, with which result. Never a key, PIN or PAN."""

    command: str
    lmk_id: str
    error: str
    check_value: str | None  # six digits of the key that was made or moved


Audit = Callable[[AuditEntry], None]


@dataclass(frozen=True, slots=True)
class Held:
    """A request that cannot be answered at once: faults to suffer first, or a command that takes long."""

    request: HsmRequest = field(repr=False)
    command: Command | None
    faults: tuple[Fault, ...] = ()

    @property
    def is_slow(self) -> bool:
        """Whether the work belongs into a thread."""
        return self.command is not None and self.command.slow and self.request.error == codes.DONE


class Done(NamedTuple):
    """Work that was done, perhaps in a thread, and not counted yet."""

    answer: Answer
    packed: bytes
    defect: Exception | None = None


def _nobody(what: object, error: object = None) -> None:
    """Nobody asked to hear of it."""


class Desk:
    """One HSM: its LMKs, its commands, its figures, its faults."""

    def __init__(
        self,
        settings: Settings,
        randomness: Randomness,
        on_defect: Defect = _nobody,
        *,
        figures: Figures | None = None,
        faults: Faults | None = None,
        on_audit: Audit = _nobody,
        store: KeyStore | None = None,
    ) -> None:
        self.settings = settings
        self.figures = figures = Figures(standing) if figures is None else figures
        self.faults = Faults(lambda: 0.0) if faults is None else faults
        self.counts = figures.counts  # (command, error code) -> how often
        self.store = KeyStore(settings, clock=figures.clock) if store is None else store
        self._station = Station(settings, figures, self.store, self.faults, self.answer)
        self._randomness = randomness
        self._on_defect = on_defect
        self._on_audit = on_audit
        self._header_length = settings.header_length
        self._commands = {code: one for code, one in COMMANDS.items() if code not in settings.disabled_commands}
        self._audited = audited(settings.audit)
        self._watched = self._audited | PIN_CHECKS  # of which more is told than a count

    def answer(self, frame: bytes, port_lmk: str | None = None) -> bytes:
        """The answer to one request, whatever it takes, faults left aside.

        Raises RemoteProtocolError when the frame is shorter than header and command.
        """
        taken = self.take(frame, port_lmk)
        return self.finish(taken, self.work(taken)) if isinstance(taken, Held) else taken

    def take(self, frame: bytes, port_lmk: str | None = None) -> bytes | Held:
        """The answer, or the request held back. `port_lmk`: the LMK that the port it came by stands for.

        Raises RemoteProtocolError when the frame is shorter than header and command.
        """
        request = read_request(frame, self._header_length)
        if port_lmk is not None:
            _select(request, port_lmk)
        code = request.command
        command = self._commands.get(code)
        if self.faults.active and (struck := self.faults.strikes(code)):
            return Held(request, command, struck)
        if command is not None and command.slow:
            return Held(request, command)
        if code in self._watched or command is None:
            return self._noted(request, self._worked(request, command))
        try:  # nearly every request: done, counted, and nobody else is to hear of it
            error, fields = self._answered(request, command)
            packed = pack_answer(request, error, fields)
        except RefusedError as refused:
            return self._noted(request, self._refused(request, refused.code))
        except Exception as ours:
            return self._noted(request, self._refused(request, codes.DEFECT, ours))
        self.counts[code, error] += 1
        return packed

    def work(self, held: Held) -> Done:
        """What a held request comes to. Touches nothing that the loop reads: a thread may do it."""
        for fault in held.faults:
            if fault.kind in CODES:
                return self._refused(held.request, CODES[fault.kind] or fault.code)
        return self._worked(held.request, held.command)

    def finish(self, held: Held, done: Done) -> bytes:
        """Count what was done, and tell of it; the answer."""
        return self._noted(held.request, done)

    def _worked(self, request: HsmRequest, command: Command | None) -> Done:
        defect = None
        try:
            answer = self._answered(request, command)
            return Done(answer, pack_answer(request, answer.error, answer.fields))
        except RefusedError as refused:
            code = refused.code
        except Exception as ours:
            code, defect = codes.DEFECT, ours
        return self._refused(request, code, defect)

    @staticmethod
    def _refused(request: HsmRequest, code: str, defect: Exception | None = None) -> Done:
        return Done(Answer(code, NO_FIELDS), pack_answer(request, code, NO_FIELDS), defect)

    def _noted(self, request: HsmRequest, done: Done) -> bytes:
        command, error = request.command, done.answer.error
        if error == codes.NOT_VERIFIED and command in PIN_CHECKS:
            self.figures.answered(command, error)
        else:
            self.counts[command if command in COMMANDS else UNKNOWN, error] += 1
        if done.defect is not None:
            self._on_defect(command, done.defect)
        if command in self._audited:
            check_value = done.answer.fields.get("check_value")
            lmk_id = request.lmk_id or self.settings.default_lmk
            self._on_audit(AuditEntry(command, lmk_id, error, check_value[:6] if check_value else None))
        return done.packed

    def _answered(self, request: HsmRequest, command: Command | None) -> Answer:
        if command is None:
            return Answer(codes.UNKNOWN_COMMAND, NO_FIELDS)
        if request.error != codes.DONE:
            return Answer(request.error, NO_FIELDS)
        if command.tells is not None and (request.lmk_id is None or self.store.ring(request.lmk_id) is not None):
            return command.tells(request, self._station)
        keys = None if self.figures.tampered else self.store.ring(request.lmk_id)
        if keys is None:
            return Answer(codes.LMK_ID, NO_FIELDS)
        if command.needs_authorised and not keys.lmk.authorised:
            return Answer(codes.NOT_AUTHORISED, NO_FIELDS)
        if request.command in PIN_CHECKS and self.figures.refuses_pins:
            return Answer(codes.FRAUD, NO_FIELDS)
        return command.answer(request, keys, self._randomness)


#: Faults that are an answer: its code (None: the fault's own).
CODES: Mapping[Kind, str | None] = {Kind.DISABLE: codes.UNKNOWN_COMMAND, Kind.ERROR: None}


def _select(request: HsmRequest, port_lmk: str) -> None:
    """The port's LMK, unless the request names another: then the two do not agree."""
    if request.lmk_id is None:
        request.lmk_id = port_lmk
    elif request.lmk_id != port_lmk and request.error == codes.DONE:
        request.error = codes.LMK_ID


@cache
def audited(which: str) -> frozenset[str]:
    """The commands of which the audit log tells: those that make, move or tell a key or a clear PIN, or all of them.

    >>> sorted({"A0", "CC", "NC", "BA"} & audited("keys"))
    ['A0', 'BA']
    """
    if which == "all":
        return frozenset(COMMANDS)
    if which == "none":
        return frozenset()
    return frozenset(code for code, command in COMMANDS.items() if _is_about_keys(command))


def _is_about_keys(command: Command) -> bool:
    if command.tells is not None or command.code == "NC":
        return False
    return command.needs_authorised or any(
        name == "check_value" or name == "key" or name.endswith("_key") for name in command.layout.answer_names
    )
