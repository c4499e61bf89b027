"""The traffic to an HSM: host commands instead of messages, many in flight, each found again by its header.

Plan, lanes, clocks, ledger and counts are `traffic`'s; here is what differs: a command is written by its layout in
`protocols.hsm`, an answer belongs to the request whose header it bears, and its error code stands where DE 39 stands.
An answer in which a field is not what the flow says it must be is `altered`; another error code than the expected one
is `unexpected`. Nothing is reversed: what was not answered is lost. Pure. No field's value is in a finding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from loadtest.flow import KEYS, Asking, Command, Expect, Flow, Program
from loadtest.lane import Lane, Visit
from loadtest.ledger import Entry, MatchKey
from loadtest.messages import LINK
from loadtest.result import NO_CODE
from loadtest.scenario import Scenario
from loadtest.strays import UNMATCHED, UNREADABLE
from loadtest.template import AUDITED, Template, Values, picker_of
from loadtest.traffic import Traffic
from loadtest.usage import UsageError
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.framing import Framing
from protocols.hsm import HsmAnswer, pack_request, read_answer, response_code

HOST_COMMANDS: Final = "host commands"  # in the place of a dialect's name
SERVICE_CODE: Final = "101"
DOES: Final = {"payments": "sends messages", "hsm": "asks host commands", "store": "makes calls"}
STAN, PAN = 11, 2  # where the audit looks for a number and for a card
_NOTHING: Final = (None,) * len(AUDITED)
_HEADER: Final = "stan"  # the name under which `traffic` gives each request its number


class Headers:
    """One header after another, of so many characters: numbers in base 36, round and round."""

    DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

    def __init__(self, length: int) -> None:
        self._length, self._number = length, 0

    def next(self) -> str:
        """
        >>> headers = Headers(2)
        >>> [headers.next() for _ in range(38)][-3:]
        ['0Z', '10', '11']
        """
        number, found = self._number, ""
        self._number += 1
        for _ in range(min(self._length, 8)):
            number, digit = divmod(number, len(self.DIGITS))
            found = self.DIGITS[digit] + found
        return found.rjust(self._length, "0")


class CommandTemplate(Template):
    """A command of one step. `values` are its header and what its fields and wanted answers leave open."""

    def __init__(self, step: Command, framing: Framing, lmk_id: str | None) -> None:
        self.step = step
        self.mti, self.answer = step.command, response_code(step.command)
        self.constants, self.is_patched = {}, False
        names = {value[1:] for value in (*step.fields.values(), *step.answers.values()) if value.startswith("$")}
        self.holes = (_HEADER, *sorted(names))
        self.numbers = ()
        self.fill = picker_of(self.holes)
        self._framing, self._lmk_id = framing, lmk_id
        self._place = {name: place for place, name in enumerate(self.holes)}
        self.audited = self.getter(AUDITED)
        self.key = self.header

    def header(self, values: Values) -> tuple[str | None, ...]:
        return values[:1]

    def getter(self, numbers: Sequence[int]) -> Callable[[Values], tuple[str | None, ...]]:
        """Nothing of a command is an element."""
        return lambda values: _NOTHING

    def value(self, number: int, values: Values) -> str | None:
        if number == STAN:
            return values[0]
        place = self._place.get("pan") if number == PAN else None
        return values[place] if place is not None else None

    def fields(self, values: Values) -> dict[str, str]:
        """The request's fields."""
        return self._set(self.step.fields, values)

    def wanted(self, values: Values) -> dict[str, str]:
        """What the answer's fields must be."""
        return self._set(self.step.answers, values)

    def render(self, values: Values) -> bytes:
        header = values[0].encode("ascii")
        return self._framing.pack(pack_request(self.mti, header, self.fields(values), lmk_id=self._lmk_id))

    def _set(self, given: Mapping[str, str], values: Values) -> dict[str, str]:
        place = self._place
        return {name: values[place[said[1:]]] if said.startswith("$") else said for name, said in given.items()}


class CommandTraffic(Traffic):
    """Traffic of host commands. The arguments are those of `Traffic`; `stans` are headers."""

    def __init__(self, scenario: Scenario, *given: Any, **named: Any) -> None:
        timeouts = scenario.timeouts.model_copy(update={"on_timeout": "ignore"})
        links = scenario.links.model_copy(update={"sign_on": False})
        super().__init__(scenario.model_copy(update={"timeouts": timeouts, "links": links}), *given, **named)
        self._header_length = scenario.target.header_length
        self._lmk_id = scenario.target.lmk_id
        self._fixed = {KEYS + name: value for name, value in scenario.keys.items()} | {"service_code": SERVICE_CODE}
        self._probe = CommandTemplate(Command(do="command", command="NC"), self._framing, self._lmk_id)

    def received(self, lane: Lane, frames: Iterable[bytes], now: int) -> None:
        width, still_open = self._header_length, self.ledger.open
        for frame in frames:
            lane.received += 1
            key: MatchKey = (frame[width : width + 2].decode("latin-1"), frame[:width].decode("latin-1"))
            entry = still_open.get(key) or self.ledger.doubt.get(key)
            if entry is None:
                self._nobodys(lane, key, frame, now)
                continue
            template, values = entry.template, entry.values
            assert isinstance(template, CommandTemplate)
            try:
                answer = read_answer(template.mti, frame, width, template.fields(values))
            except RemoteProtocolError:
                self._unreadable(lane, template.mti, now)
                continue
            if answer.done and any(answer.fields.get(name) != said for name, said in template.wanted(values).items()):
                self.ledger.altered(entry, "a field of the answer is not what it must be")
            self._answered(entry, answer, (answer.error, None, *_NOTHING), now)

    def _begin(self, program: Program, planned: int, now: int) -> None:
        values, card = self._customers.visit()
        values.update(self._fixed)
        values["account"] = card.pan[-13:-1]
        self._go_on(Visit(program, values, card, planned), now)

    def _template(self, step: Asking) -> Template:
        assert isinstance(step, Command)
        template = self.messages.templates[id(step)] = CommandTemplate(step, self._framing, self._lmk_id)
        self.messages.signs[template] = 0
        return template

    def launch(self, entry: Entry, lane: Lane, now: int) -> None:
        template = entry.template
        assert isinstance(template, CommandTemplate)
        entry.expected = template.step.expected
        super().launch(entry, lane, now)

    def _manage(self, lane: Lane, code: str, now: int) -> None:
        """A sign of life is an NC: an HSM knows no sign-on."""
        entry = self.messages.made(self._probe, dict(self.messages.moment(now)), LINK, now)
        entry.visit = code
        self.launch(entry, lane, now)

    def _saved(self, visit: Visit, step: Expect, message: Any) -> bool:
        assert isinstance(message, HsmAnswer)
        for name, field in step.save.items():
            value = message.fields.get(str(field))
            if value is None:
                return False
            visit.values[f"saved.{name}"] = value
        return True

    def _nobodys(self, lane: Lane, key: MatchKey, frame: bytes, now: int) -> None:
        """An answer again, or one to nothing that was asked."""
        if len(frame) < self._header_length + 4:
            self._unreadable(lane, "??", now)
            return
        code = frame[self._header_length + 2 :][:2].decode("latin-1")
        if (entry := self.ledger.settled.get(key)) is not None:
            counts = self.tally.row(entry.second, entry.flow, entry.mti, entry.code or NO_CODE, entry.link)
            counts.doubled += self.ledger.again(entry, code, None)
            return
        self.tally.row((now - self.start) // 10**9, UNMATCHED, "??", NO_CODE, lane.index).unmatched += 1
        self.strays.note("unknown_header", "An answer arrived with a header and a code that no open request has.")

    def _unreadable(self, lane: Lane, command: str, now: int) -> None:
        self.tally.row((now - self.start) // 10**9, UNREADABLE, command, NO_CODE, lane.index).garbage += 1
        self.strays.note(UNREADABLE, f"An answer to {command} arrived that cannot be read by its layout.")


def check_commands(scenario: Scenario, flows: Mapping[str, Flow]) -> None:
    """UsageError where a flow is not for this target, wants a key that is not there, or cannot be written."""
    is_hsm = scenario.target.kind == "hsm"
    for name, flow in flows.items():
        if flow.target != scenario.target.kind:
            raise UsageError(f'mix.{name}: the flow {DOES[flow.target]}; target.kind is "{scenario.target.kind}"')
        for step in flow.step:
            if isinstance(step, Command):
                _check_keys(name, step, scenario.keys)
    if is_hsm and any(
        scenario.chaos.model_dump(exclude={"drop_link_per_min", "half_close_per_min", "slow_link"}).values()
    ):
        raise UsageError(
            "chaos: of an HSM's traffic only links are disturbed: drop_link_per_min, half_close_per_min, slow_link"
        )


def _check_keys(name: str, step: Command, keys: Mapping[str, str]) -> None:
    said = [*step.fields.values(), *step.answers.values()]
    for value in said:
        if value.startswith(f"${KEYS}") and value.removeprefix(f"${KEYS}") not in keys:
            raise UsageError(f"keys: mix.{name} wants {value.removeprefix(f'${KEYS}')}, which is not there")
    fixed = {field: value for field, value in step.fields.items() if not value.startswith("$")}
    fixed |= {field: keys[said[6:]] for field, said in step.fields.items() if said.startswith(f"${KEYS}")}
    if len(fixed) == len(step.fields):  # all of it is known: then it can be tried now
        try:
            pack_request(step.command, b"0000", fixed)
        except LocalProtocolError as error:
            raise UsageError(f"mix.{name}: {error}") from None
