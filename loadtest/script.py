"""The script of `serve`: how the answerer answers, as data. TOML, read with pydantic.

A fault is a share of the financial requests (`drop = 0.01`), or an exact number: `drop = { times = 7, every = 9 }`
is every ninth until seven were dropped; `after = 3` lets the first three pass. A request suffers one fault at most, the
first that fits in the order of `FAULTS`. The timeline counts from the first financial request.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from loadtest.distribution import Distribution, Share
from loadtest.usage import UsageError

FAULTS: Final = ("drop", "late", "double", "alter", "wrong_stan", "wrong_currency", "garbage", "swap", "without")
NO_CODES: Final = {"00": 1.0}


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Fault(_Part):
    """Which requests suffer it."""

    share: Share = 0.0
    times: Annotated[int, Field(ge=0)] | None = None
    every: Annotated[int, Field(ge=1)] = 1
    after: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="before")
    @classmethod
    def _number(cls, given: Any) -> Any:
        return {"share": given} if isinstance(given, int | float) and not isinstance(given, bool) else given


class Prefix(_Part):
    """Cards of one prefix are answered otherwise."""

    prefix: Annotated[str, Field(pattern=r"^[0-9]{1,11}$")]
    latency_ms: Distribution | None = None
    codes: dict[str, float] | None = None


class Event(_Part):
    """Something that happens at an instant: exactly one of them."""

    at_s: Annotated[float, Field(ge=0)]
    freeze_s: Annotated[float, Field(gt=0)] | None = None  # read nothing, answer nothing
    stop_reading_s: Annotated[float, Field(gt=0)] | None = None  # read nothing, but answer what was read
    close: bool = False  # every connection
    close_mid_frame: bool = False  # every connection, after half an answer
    refuse_s: Annotated[float, Field(gt=0)] | None = None  # close every connection, and those that come

    @model_validator(mode="after")
    def _one(self) -> Self:
        said = (self.freeze_s, self.stop_reading_s, self.close or None, self.close_mid_frame or None, self.refuse_s)
        if sum(one is not None for one in said) != 1:
            raise ValueError("exactly one of freeze_s, stop_reading_s, close, close_mid_frame, refuse_s")
        return self


class Acquirer(_Part):
    """Stand where an acquirer's own host stands: requests go on into the network, and its answers come back."""

    upstream: Annotated[str, Field(pattern=r"^.+:[0-9]{1,5}$")]  # HOST:PORT of the network, plain TCP
    institution_id: Annotated[str, Field(pattern=r"^[0-9]{1,11}$")]  # DE 32 of what goes on
    sign_on: bool = True


class Script(_Part):
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 0  # 0: a free one, which is announced
    dialect: str = "iso87_ascii"
    framing: str | None = None
    seed: int = 7
    latency_ms: Distribution = Distribution(fixed=0.0)
    codes: dict[str, float] = Field(default_factory=lambda: dict(NO_CODES))  # DE 39 -> weight
    prefix: tuple[Prefix, ...] = ()
    refuse_sign_on: bool = False
    answer_as: dict[str, str] = Field(default_factory=dict)  # request type -> the type of its answer, if not the usual
    leave_out: tuple[int, ...] = ()  # elements that answers lack
    late_ms: float = 1000.0  # how much later than usual a late answer comes
    faults: dict[str, Fault] = Field(default_factory=dict)
    timeline: tuple[Event, ...] = ()
    acquirer: Acquirer | None = None  # None: it stands where an issuer would, and decides by `codes`

    @model_validator(mode="after")
    def _known_faults(self) -> Self:
        for name in self.faults:
            if name not in FAULTS:
                raise ValueError(f"faults.{name}: there is no such fault; there are {', '.join(FAULTS)}")
        return self


def load_script(path: Path | None, **changes: Any) -> Script:
    """The script in a file, or an answerer that approves at once. UsageError lists every problem."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8")) if path is not None else {}
        given = {name: value for name, value in changes.items() if value is not None}
        return Script.model_validate({**content, **given})
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: {error}") from None
    except ValidationError as error:
        found = [f"{path or 'script'}: {'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        raise UsageError("\n".join(found)) from None
