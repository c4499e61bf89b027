"""The scenario: what to send where, how fast and for how long, and what counts as good. TOML, read with pydantic.

Every problem is reported at once, and an unknown key with the nearest known one. The JSON Schema that is shipped
(`scenario.schema.json`) is made of these models. How the load is then made is `plan`'s, `flow`'s and `traffic`'s.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from hashlib import sha256
from json import dumps
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from loadtest.arrivals import AnyArrivals
from loadtest.distribution import Distribution, Share
from loadtest.threshold import Threshold
from loadtest.usage import UsageError

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,40}$")]
Positive = Annotated[float, Field(gt=0)]
Digits = Annotated[str, Field(pattern=r"^[0-9]{1,11}$")]
Elements = tuple[Annotated[int, Field(ge=2, le=128)], ...]
MATCH: Final[dict[str, Elements]] = {"default": (11, 41), "0800": (7, 11)}  # a 0810 seldom has a terminal
MIXES: Final = Path(__file__).parent / "mixes"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Tls(_Part):
    """TLS: the authority of the host, the name in its certificate; our own certificate and key where it asks."""

    ca: Path
    certificate: Path | None = None  # None: only the host shows who it is
    key: Path | None = None
    name: str | None = None  # None: the host as it is dialled


class Target(_Part):
    """Who is to be loaded, and how he speaks."""

    kind: Literal["payments", "hsm", "store"] = "payments"  # hsm: host commands; store: a store API, over HTTP
    header_length: Annotated[int, Field(ge=1, le=255)] = 4  # hsm: bytes in front of a command, echoed
    lmk_id: Annotated[str, Field(pattern=r"^[0-9]{2}$")] | None = None  # hsm: None is its default
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8583
    dialect: str = "iso87_ascii"  # a name, or the path of a TOML or JSON dialect
    framing: str | None = None  # None: the dialect's usual one
    keep_alive: bool = False  # a frame of no bytes is a sign of life
    header: Annotated[str, Field(pattern=r"^([0-9A-Fa-f]{2})+$")] | None = None  # before our own messages, where one is
    participant: str = "lab"  # for people; the numbers below are what is sent
    acquirer_id: Digits | None = None  # DE 32
    forwarder_id: Digits | None = None  # DE 33
    tls: Tls | None = None


Pick = Literal["round_robin", "per_terminal", "hash_terminal"]


class Links(_Part):
    count: Annotated[int, Field(ge=1, le=1024)] = 8
    sign_on: bool = True
    echo_every_s: Annotated[float, Field(ge=0)] = 30.0  # 0: never
    max_in_flight: Annotated[int, Field(ge=1, le=100_000)] = 64  # per link
    pick: Pick = "round_robin"


class Closed(_Part):
    """So many users, each waiting for its answer before it asks again: familiar, and hides stalls."""

    users: Annotated[int, Field(ge=1, le=100_000)]
    for_s: Positive
    think_s: Distribution = Distribution(fixed=0.0)


class PlanPart(_Part):
    seed: int = 7
    warm_up_s: Annotated[float, Field(ge=0)] = 0.0  # the first so many seconds are not measured
    arrivals: Annotated[tuple[AnyArrivals, ...], Field(max_length=1000)] = ()
    closed: Closed | None = None

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Self:
        if bool(self.arrivals) == (self.closed is not None):
            raise ValueError("either arrivals or closed, and one of them")
        if self.warm_up_s >= self.lasts_s:
            raise ValueError(f"warm_up_s leaves nothing to measure of {self.lasts_s:g} s")
        return self

    @property
    def lasts_s(self) -> float:
        return self.closed.for_s if self.closed else sum(one.lasts_s for one in self.arrivals)

    @property
    def highest_per_s(self) -> float:
        return max((one.highest_per_s for one in self.arrivals), default=0.0)


class Weighted(BaseModel):
    """A flow's weight, and what the flow lets be set: `{ weight = 8, completed = 0.9 }`."""

    model_config = ConfigDict(frozen=True, extra="allow")

    weight: Annotated[float, Field(ge=0)]

    @model_validator(mode="before")
    @classmethod
    def _number(cls, given: Any) -> Any:
        return {"weight": given} if isinstance(given, int | float) and not isinstance(given, bool) else given

    @property
    def settings(self) -> Mapping[str, Any]:
        return self.__pydantic_extra__ or {}


class Cards(_Part):
    """A file that `cards` made, or numbers of a test prefix made up from the seed."""

    file: Path | None = None
    prefix: Annotated[str, Field(pattern=r"^[0-9]{1,11}(:[0-9]{1,2})?$")] = "978410:16"
    i_own_these: bool = False  # a prefix outside the test ranges
    count: Annotated[int, Field(ge=1, le=10_000_000)] = 1000
    pick: str | dict[str, Any] = "uniform"


class Values(_Part):
    cards: Cards = Cards()
    amount: Distribution = Distribution(fixed=100.0)  # minor units
    currency: dict[str, Annotated[float, Field(ge=0)]] = Field(default_factory=lambda: {"AED": 1.0})
    terminals: Annotated[int, Field(ge=1, le=9999)] = 64  # LT000000 and so on, which marks test traffic
    terminal_ids: tuple[Annotated[str, Field(pattern=r"^[ -~]{8}$")], ...] = ()  # or these, which a contract names
    card_acceptor_id: Annotated[str, Field(max_length=15)] = "LOADTEST"
    first_stan: Annotated[int, Field(ge=1, le=999_999)] = 1  # near the end, it wraps soon
    skew_s: float = 0.0  # added to DE 7, 12 and 13

    @field_validator("amount", mode="before")
    @classmethod
    def _bounded(cls, given: Any) -> Any:
        """At least one minor unit, and what twelve digits hold."""
        given = {"fixed": given} if isinstance(given, int | float) else given
        return {"min": 1, "max": 999_999_999_999, **given} if isinstance(given, dict) else given


class Timeouts(_Part):
    answer_s: Annotated[float, Field(gt=0, le=3600)] = 15.0
    on_timeout: Literal["reverse", "repeat", "ignore"] = "reverse"
    reversal_mti: Literal["0400", "0420"] = "0420"
    repeats: Annotated[int, Field(ge=0, le=100)] = 3  # of a message, or of a reversal that is not acknowledged
    linger_s: Annotated[float, Field(ge=0)] | None = None  # at the end, for late answers; None: answer_s once more


class SlowLink(_Part):
    """So many links are read as slowly as this; 0 is never."""

    links: Annotated[int, Field(ge=1)] = 1
    bytes_per_s: Annotated[float, Field(ge=0)]


class Chaos(_Part):
    """Faults of our own making, all off by default. Shares are of messages; each is booked, so the audit knows."""

    duplicate: Share = 0.0  # the same message again, at once
    duplicate_later: Share = 0.0  # the same, up to a second later
    conflicting_duplicate: Share = 0.0  # the same key with another amount
    reversal_first: Share = 0.0  # a reversal before its original
    garbage: Share = 0.0  # a frame of noise besides
    bad_input: Share = 0.0  # a message damaged in one of the ways of `bad_input`, besides
    split: Share = 0.0  # a write cut in two in the middle of a frame
    drop_link_per_min: Annotated[float, Field(ge=0)] = 0.0
    half_close_per_min: Annotated[float, Field(ge=0)] = 0.0
    slow_link: SlowLink | None = None
    storm: Annotated[int, Field(ge=0, le=100_000)] = 0  # reversals of what is unknown, sent on every reconnect


class AuditPart(_Part):
    totals: bool = False  # ask for the target's totals before and after (0500), and compare what it gained with ours


Key = Annotated[str, Field(pattern=r"^[0-9A-F]{32}$", repr=False)]  # a test's, in clear


class PinPart(_Part):
    """PIN blocks (`$pin_block`), made by the HSM before the run: it must be in the authorised state (BA, then JG)."""

    zpk: Annotated[str, Field(repr=False)]  # the zone PIN key agreed with the host, under the HSM's LMK
    format: Annotated[str, Field(pattern=r"^[0-9]{2}$")] = "01"  # the HSM's code: ISO 9564 format 0
    usual: Annotated[str, Field(pattern=r"^[0-9]{4,12}$", repr=False)] = "1234"  # of cards whose file has none


class ChipPart(_Part):
    """Chip data (`$icc_data`, `$card_sequence`), with cryptograms (ARQC) made before the run."""

    mk_ac: Key  # the issuer's master key, as the chips of its test cards have it
    sequence: Annotated[str, Field(pattern=r"^[0-9]{2}$")] = "01"
    scheme: Literal["vis", "mchip"] = "vis"
    country: Annotated[str, Field(pattern=r"^[0-9]{3}$")] = "784"  # of the terminals


class MacPart(_Part):
    """Every message about money is sealed, and the seals of answers are looked at: a wrong one is `altered`."""

    test_key: Key
    algorithm: Literal["1", "3"] = "3"  # of ISO 9797-1
    padding: Literal["1", "2"] = "1"
    digits: Literal[8, 16] = 16
    answers: bool = True  # whether the host seals its answers


class Security(_Part):
    """What flows may ask for: an element whose value nobody can make is left out."""

    hsm: Annotated[str, Field(pattern=r"^.+:[0-9]{1,5}$")] | None = None
    lmk_id: Annotated[str, Field(pattern=r"^[0-9]{2}$")] | None = None
    pin: PinPart | None = None
    chip: ChipPart | None = None
    mac: MacPart | None = None

    @model_validator(mode="after")
    def _has_who_makes_it(self) -> Self:
        if self.pin is not None and self.hsm is None:
            raise ValueError('PIN blocks are made by an HSM: say which (hsm = "HOST:PORT")')
        return self


class Abort(_Part):
    when: str
    for_s: Annotated[float, Field(ge=0)] = 0.0

    @field_validator("when")
    @classmethod
    def _parses(cls, text: str) -> str:
        Threshold.parse(text)
        return text


class Thresholds(_Part):
    hold: tuple[str, ...] = ()
    abort: tuple[Abort, ...] = ()

    @field_validator("hold")
    @classmethod
    def _parse(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        for text in texts:
            Threshold.parse(text)
        return texts


class Scenario(_Part):
    name: str = "scenario"
    title: str = ""
    target: Target = Target()
    links: Links = Links()
    match: dict[str, Elements] = Field(default_factory=lambda: dict(MATCH))
    plan: PlanPart
    mix: Annotated[dict[str, Weighted], Field(min_length=1)]
    flows: Path | None = None  # a folder with flows of one's own, beside those that are shipped
    values: Values = Values()
    timeouts: Timeouts = Timeouts()
    chaos: Chaos = Chaos()
    audit: AuditPart = AuditPart()
    thresholds: Thresholds = Thresholds()
    security: Security = Field(default=Security(), repr=False)
    keys: dict[Name, str] = Field(
        default_factory=dict, repr=False
    )  # `$keys.NAME` of flows: an HSM's under its LMK, a shop's own

    @field_validator("mix")
    @classmethod
    def _weighs_something(cls, mix: dict[str, Weighted]) -> dict[str, Weighted]:
        if not any(one.weight for one in mix.values()):
            raise ValueError("all weights are 0")
        return mix

    @property
    def hash(self) -> str:
        """Equal for equal scenarios, whatever their spelling; the target's address does not count, the seed does."""
        content = self.model_dump(mode="json")
        for name in ("host", "port"):
            content["target"].pop(name)
        content.pop("title")
        return sha256(dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def load_scenario(path: Path, **changes: Any) -> Scenario:
    """The scenario in a file, or of a shipped mix by its name. UsageError lists every problem.

    Relative paths in it count from its own folder. `changes` are set on top: `{"plan.seed": 8}`.
    """
    file = path if path.suffix == ".toml" or path.exists() else MIXES / f"{path}.toml"
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        shipped = ", ".join(sorted(one.stem for one in MIXES.glob("*.toml")))
        raise UsageError(f"{path}: {error.strerror}; the mixes that are shipped are {shipped}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: {error}") from None
    for place, value in changes.items():
        _put(content, place.split("."), value)
    content.setdefault("name", file.stem)
    return made(content, str(file), file.parent)


def made(content: Mapping[str, Any], source: str = "scenario", folder: Path | None = None) -> Scenario:
    """The scenario that this content describes; UsageError lists every problem, one a line."""
    try:
        scenario = Scenario.model_validate(content)
    except ValidationError as error:
        raise UsageError("\n".join(problems(source, error))) from None
    return _from(folder, scenario) if folder else scenario


def problems(source: str, error: ValidationError) -> Iterable[str]:
    """Each problem in a line: where, and what; an unknown key with the nearest known one."""
    for one in error.errors():
        path = [str(part) for part in one["loc"]]
        where = ".".join(path)
        if one["type"] == "extra_forbidden":
            known = _keys_at(Scenario, one["loc"][:-1])
            near = difflib.get_close_matches(path[-1], known, 1, 0.5) or list(known)[:8]
            yield f"{source}: {where}: there is no such key; did you mean {' or '.join(near)}?"
        else:
            yield f"{source}: {where}: {one['msg'].removeprefix('Value error, ')}"


def schema() -> dict[str, Any]:
    """The JSON Schema of a scenario."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Scenario.model_json_schema()}


def _put(content: dict[str, Any], path: list[str], value: Any) -> None:
    *folders, last = path
    for folder in folders:
        content = content.setdefault(folder, {})
    content[last] = value


def _from(folder: Path, scenario: Scenario) -> Scenario:
    """With the files that it names found beside it."""

    def beside(path: Path | None) -> Path | None:
        return folder / path if path is not None else None

    target, cards = scenario.target, scenario.values.cards
    if target.dialect.endswith((".toml", ".json")):
        target = target.model_copy(update={"dialect": str(folder / target.dialect)})
    if target.tls:
        files = {name: beside(getattr(target.tls, name)) for name in ("ca", "certificate", "key")}
        target = target.model_copy(update={"tls": target.tls.model_copy(update=files)})
    values = scenario.values.model_copy(update={"cards": cards.model_copy(update={"file": beside(cards.file)})})
    return scenario.model_copy(update={"target": target, "values": values, "flows": beside(scenario.flows)})


def _keys_at(model: Any, path: tuple[int | str, ...]) -> list[str]:
    """The keys that the models know at a place."""
    if isinstance(model, type) and issubclass(model, BaseModel):
        if not path:
            return list(model.model_fields)
        field = model.model_fields.get(str(path[0]))
        return _keys_at(field.annotation, path[1:]) if field else _keys_at(model, path[1:])
    return [known for part in get_args(model) for known in _keys_at(part, path[1:] if _is_place(path) else path)]


def _is_place(path: tuple[int | str, ...]) -> bool:
    return bool(path) and isinstance(path[0], int)
