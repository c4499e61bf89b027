"""A flow: what one customer's visit consists of, as a small state machine in TOML, in the manner of SIPp.

One file each in `flows/`, or in a folder of the user's own. Steps, in order, until one says otherwise:

    command  a host command to an HSM, instead of `send`: `command`, `fields` by name, the `expected` error code, and in
             `answers` what fields of the answer must be
    call     a call of a store API, instead of `send`: `method`, `path`, a `body` by name, the `expected` status
    send     a message: `mti`, and `elements` by name or number. `$name` stands for what the scenario gives (VALUES) or
             what a step has saved; an element whose value is not given is left out
    expect   wait for the answer to what was sent last; `save` keeps elements of it; a timeout ends the flow, after
             what the scenario says about timeouts, or goes on at `on_timeout`
    branch   go on at another step: `on` by DE 39 of the last answer (`"*"` is any other), or `chance` and `else`
    pause    for `for_s`: a number, a distribution, or `$parameter`
    reverse  what was sent first: a reversal with DE 90, for the reason `why`
    repeat   send the last message again, as its repeat

`next` and `end` may stand where a step's `name` may. What can be set from a mix is a parameter, with its usual value.
Pure: who sends is `traffic`, and `host_commands` for an HSM.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from loadtest.distribution import Distribution
from loadtest.usage import UsageError
from protocols.elements import ELEMENTS, element_named
from protocols.errors import LocalProtocolError
from protocols.hsm import LAYOUTS
from protocols.mti import answer_to, has_answer, repeat_of

FOLDER: Final = Path(__file__).parent / "flows"
NEXT, END = "next", "end"
#: What `$name` may stand for without having been saved.
VALUES: Final = frozenset(
    {
        *("pan", "expiry", "amount", "currency", "track_2"),
        *("stan", "rrn", "transmitted_at", "local_time", "local_date", "original"),
        *("terminal_id", "card_acceptor_id", "card_acceptor_name", "acquirer_id", "forwarder_id"),
        *("pin_block", "icc_data", "card_sequence"),
    }
)
#: The same in a host command; besides, `$keys.NAME` is what the scenario has under `[keys]`.
COMMAND_VALUES: Final = frozenset({"pan", "expiry", "account", "service_code"})
#: And in a call of a store API: the amount as text, the currency by its letters.
CALL_VALUES: Final = frozenset({"amount", "currency"})
KEYS: Final = "keys."
#: Why somebody takes a payment back -> DE 39 of the reversal.
WHY: Final[Mapping[str, str]] = {"customer_cancel": "17", "timeout": "68", "malfunction": "22", "late": "68"}

Mti = Annotated[str, Field(pattern=r"^0[0-9]{3}$")]


class _Step(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str | None = None


class Send(_Step):
    do: Literal["send"]
    mti: Mti
    elements: dict[str, str]

    @model_validator(mode="after")
    def _can_be_sent(self) -> Self:
        for key, value in self.elements.items():
            number_of(key)
            if value.startswith("$") and value[1:] not in VALUES and not value.startswith("$saved."):
                raise ValueError(f"{value} stands for nothing; there are {', '.join(sorted(VALUES))} and saved.NAME")
        if not has_answer(self.mti):
            raise ValueError(f"nothing answers {self.mti}")
        return self

    @property
    def by_number(self) -> Mapping[int, str]:
        return {number_of(key): value for key, value in self.elements.items()}


class Command(_Step):
    do: Literal["command"]
    command: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9]$")]
    fields: dict[str, str] = Field(default_factory=dict)
    expected: Annotated[str, Field(pattern=r"^[0-9A-Z]{2}$")] = "00"
    answers: dict[str, str] = Field(default_factory=dict)  # field of the answer -> what it must be

    @model_validator(mode="after")
    def _can_be_asked(self) -> Self:
        layout = LAYOUTS.get(self.command)
        if layout is None:
            raise ValueError(f"there is no host command {self.command}")
        for given, known in ((self.fields, layout.request_names), (self.answers, layout.answer_names)):
            for name in given:
                if name not in known:
                    raise ValueError(f"{self.command} has no field {name}; it has {', '.join(known) or 'none'}")
        for value in (*self.fields.values(), *self.answers.values()):
            if not value.startswith("$") or value[1:] in COMMAND_VALUES or value.startswith(("$saved.", f"${KEYS}")):
                continue
            raise ValueError(f"{value} stands for nothing; there are {', '.join(sorted(COMMAND_VALUES))}, keys.NAME")
        return self

    @property
    def mti(self) -> str:
        """What it is counted under."""
        return self.command


class Call(_Step):
    do: Literal["call"]
    method: Literal["GET", "POST", "DELETE"] = "POST"
    path: Annotated[str, Field(pattern=r"^/[!-~]*$")]  # `$saved.NAME` may be a part of it
    body: dict[str, str | int | bool] = Field(default_factory=dict)
    expected: Annotated[str, Field(pattern=r"^[1-5][0-9]{2}( [a-z0-9._-]+)?$")] | None = None

    @model_validator(mode="after")
    def _can_be_said(self) -> Self:
        for name in sorted(self.wants):
            if name not in CALL_VALUES and not name.startswith(("saved.", KEYS)):
                raise ValueError(f"${name} stands for nothing; there are {', '.join(sorted(CALL_VALUES))}, keys.NAME")
        return self

    @property
    def wants(self) -> frozenset[str]:
        """What is filled in."""
        said = (*self.path.split("/"), *self.body.values())
        return frozenset(one[1:] for one in said if isinstance(one, str) and one.startswith("$"))

    @property
    def mti(self) -> str:
        """What it is counted under."""
        return f"{self.method} {self.path}"


class Expect(_Step):
    do: Literal["expect"]
    save: dict[str, str | int] = Field(default_factory=dict)  # name -> element, or field of an HSM's answer
    on_timeout: str = END


class Branch(_Step):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    do: Literal["branch"]
    on: dict[str, str] = Field(default_factory=dict)
    chance: float | str | None = None
    otherwise: Annotated[str, Field(alias="else")] = END


class Pause(_Step):
    do: Literal["pause"]
    for_s: Distribution | str


class Reverse(_Step):
    do: Literal["reverse"]
    why: str | tuple[str, ...] = "customer_cancel"


class Repeat(_Step):
    do: Literal["repeat"]


Asking = Send | Command | Call
Sending = Asking | Reverse
AnyStep = Asking | Expect | Branch | Pause | Reverse | Repeat
Step = Annotated[Asking | Expect | Branch | Pause | Reverse | Repeat, Field(discriminator="do")]


class Flow(BaseModel):
    """What one file says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    foretold: bool = False  # the card's entry says what DE 39 must be
    parameters: dict[str, Any] = Field(default_factory=dict)
    step: Annotated[tuple[Step, ...], Field(min_length=1, max_length=100)]

    @model_validator(mode="after")
    def _leads_somewhere(self) -> Self:
        names = [one.name for one in self.step if one.name] + [NEXT, END]
        for one in self.step:
            for label in _labels(one):
                if label not in names:
                    raise ValueError(f"no step is called {label}")
        if not isinstance(self.step[0], Asking):
            raise ValueError("a flow begins with send, with command or with call")
        return self

    @model_validator(mode="after")
    def _is_about_one_thing(self) -> Self:
        kinds = {type(one) for one in self.step if isinstance(one, Asking | Reverse | Repeat)} - {Reverse, Repeat}
        goes_back = any(isinstance(one, Reverse | Repeat) for one in self.step)
        if len(kinds) > 1 or (goes_back and kinds != {Send}):
            raise ValueError("a flow sends messages or asks host commands or makes calls, not both")
        for one in self.step:
            for field in one.save.values() if isinstance(one, Expect) else ():
                self._check_saved(str(field))
        return self

    def _check_saved(self, field: str) -> None:
        """Whether an answer may have it: an element, a field of a command's answer, anything of a store's."""
        if self.target == "payments":
            number_of(field)
        elif self.target == "hsm":
            asked = [one for one in self.step if isinstance(one, Command)]
            if field not in {name for one in asked for name in LAYOUTS[one.command].answer_names}:
                raise ValueError(f"no command of this flow answers with {field}")

    @property
    def target(self) -> str:
        """The kind of target that it is for."""
        return TARGETS[type(self.step[0])]


#: By how a flow begins.
TARGETS: Final[Mapping[type, str]] = {Send: "payments", Command: "hsm", Call: "store"}


@dataclass(frozen=True)
class Program:
    """A flow made ready for a mix: its parameters are set and its labels are numbers of steps; -1 is the end."""

    name: str
    title: str
    foretold: bool
    steps: tuple[AnyStep, ...]
    jumps: Mapping[str, int]

    def goes_to(self, label: str, at: int) -> int:
        """Where a label leads from a step."""
        target = at + 1 if label == NEXT else self.jumps.get(label, -1)
        return target if target < len(self.steps) else -1


def number_of(key: str) -> int:
    """An element by its number or its name; ValueError where there is none."""
    try:
        number = int(key) if key.isdigit() else element_named(key).number
    except LocalProtocolError as error:
        raise ValueError(str(error)) from None
    if number not in ELEMENTS or number == 1:
        raise ValueError(f"there is no data element {number}")
    return number


def load_flow(name: str, folder: Path | None = None) -> Flow:
    """The flow of that name, from the user's folder or ours. UsageError lists every problem."""
    places = [place / f"{name}.toml" for place in (folder, FOLDER) if place is not None]
    path = next((place for place in places if place.exists()), None)
    if path is None:
        known = ", ".join(sorted(one.stem for place in (folder, FOLDER) if place for one in place.glob("*.toml")))
        raise UsageError(f"mix.{name}: there is no such flow; there are {known}")
    try:
        return TypeAdapter(Flow).validate_python(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        found = [f"{path}: {'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        raise UsageError("\n".join(found)) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise UsageError(f"{path}: {error}") from None


def program(name: str, flow: Flow, settings: Mapping[str, Any]) -> Program:
    """The flow with what a mix sets; UsageError for what the flow does not let be set."""
    for key in settings:
        if key not in flow.parameters:
            may = ", ".join(flow.parameters) or "nothing but its weight"
            raise UsageError(f"mix.{name}.{key}: the flow lets be set {may}")
    chosen = {**flow.parameters, **settings}
    try:
        steps = tuple(_with(one, chosen) for one in flow.step)
    except (ValidationError, ValueError) as error:
        raise UsageError(f"mix.{name}: {error}") from None
    jumps = {one.name: number for number, one in enumerate(flow.step) if one.name}
    return Program(name, flow.title, flow.foretold, steps, jumps)


def answers(mti: str) -> str:
    """The message type that answers this one."""
    return answer_to(mti)


def repeats(mti: str) -> str:
    """The message type of its repeat; itself where it has none."""
    try:
        return repeat_of(mti)
    except LocalProtocolError:
        return mti


def _labels(step: Any) -> list[str]:
    if isinstance(step, Branch):
        return [*step.on.values(), step.otherwise]
    return [step.on_timeout] if isinstance(step, Expect) else []


def _with(step: Any, chosen: Mapping[str, Any]) -> Any:
    """The step with `$parameter` replaced."""
    if isinstance(step, Pause):
        return step.model_copy(update={"for_s": Distribution.model_validate(_set(step.for_s, chosen))})
    if isinstance(step, Branch) and step.chance is not None:
        return step.model_copy(update={"chance": float(_set(step.chance, chosen))})
    if isinstance(step, Reverse):
        why = _set(step.why, chosen)
        reasons = (why,) if isinstance(why, str) else tuple(why)
        for reason in reasons:
            if reason not in WHY:
                raise ValueError(f"{reason} is no reason for a reversal; there are {', '.join(WHY)}")
        return step.model_copy(update={"why": reasons})
    return step


def _set(value: Any, chosen: Mapping[str, Any]) -> Any:
    if isinstance(value, str) and value.startswith("$"):
        if value[1:] not in chosen:
            raise ValueError(f"there is no parameter {value}")
        return chosen[value[1:]]
    return value
