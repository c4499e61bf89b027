"""The agreement between a participant and the network: who it is, and how to talk to it.

One TOML file each. Pydantic reads them, every problem of every file is reported at once; a
framing or a dialect that nobody made is a problem, and so is a deadline that does not shrink
inwards. Keys stand here under the HSM's LMK only. What the switch does with an agreement, and
what a bank keeps in its books, is not here.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import replace
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from protocols import dialects, framings
from protocols.codec.layout import ECHOED
from protocols.dialect import Dialect
from protocols.dialect_file import SUFFIXES, load_dialects
from protocols.dialects import dialect_named, is_dialect
from protocols.elements import AMOUNT, STAN, TERMINAL_ID
from protocols.errors import LocalProtocolError
from protocols.framing import Framing, framing_named
from protocols.header import Header, swapping
from protocols.mti import AUTHORIZATION, FINANCIAL, RECONCILIATION, REVERSAL, is_answer, mti_class
from protocols.network import NetworkError, called, explained, read_toml, toml_files

#: By these, besides DE 11, an answer is held against its request; an agreement may say otherwise.
MATCH_KEYS: Final = (AMOUNT, TERMINAL_ID)
#: The elements by which an agreement may have it done. DE 7, 12 and 13 are among them: some hosts make their own.
COMPARABLE: Final = ECHOED - {STAN}

#: The classes of messages that are sealed where a key is agreed. A link's own messages and rejects are not.
SEALED: Final = frozenset({AUTHORIZATION, FINANCIAL, REVERSAL, RECONCILIATION})


class Role(StrEnum):
    """What a participant does on the network."""

    GATEWAY = "gateway"  # sends requests for shops
    ACQUIRER = "acquirer"  # has contracts with shops, owns terminals
    ISSUER = "issuer"  # has contracts with cardholders, answers requests
    HOST = "host"  # an acquirer's own host, which decides on requests of its merchants (never said: `host` implies it)


class SignOn(StrEnum):
    """Whether a link must sign on before it may send financial messages."""

    REQUIRED = "required"
    OPTIONAL = "optional"


class HeaderAnswer(StrEnum):
    """What becomes of a header, where the framing has one, in the answer."""

    ECHO = "echo"  # it comes back as it was
    SWAP = "swap"  # its source and its destination change places


def _a_framing(name: str) -> str:
    try:
        framing_named(name)
    except LocalProtocolError:
        known = ", ".join((*framings.names(), "header(n)"))
        raise PydanticCustomError("framing", "there is no such framing; there are {known}", {"known": known}) from None
    return name


def _a_dialect(name: str) -> str:
    """One of ours, or a file of the network's own; whether that one is there is seen when all are."""
    if name not in dialects.names() and not name.endswith(SUFFIXES):
        known = ", ".join(dialects.names())
        raise PydanticCustomError("dialect", "there is no such dialect; there are {known}", {"known": known})
    return name


class _Agreed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


FramingName = Annotated[str, AfterValidator(_a_framing)]
DialectName = Annotated[str, AfterValidator(_a_dialect)]
Hex = Annotated[str, Field(pattern=r"^([0-9A-Fa-f]{2})+$")]
Seconds = Annotated[float, Field(gt=0, le=300)]


def _echoed(number: int) -> int:
    """An element that the network has every answer echo: the only ones that can be held against each other."""
    if number not in COMPARABLE:
        known = ", ".join(map(str, sorted(COMPARABLE)))
        raise PydanticCustomError("match", "no answer echoes it; there are {known}", {"known": known})
    return number


MatchKey = Annotated[int, AfterValidator(_echoed)]


class Deadlines(_Agreed):
    """How long each leg may take, in seconds. They shrink inwards, so the outer leg always hears from the inner."""

    gateway_s: Seconds = 15.0
    acquirer_s: Seconds = 12.0
    issuer_s: Seconds = 8.0
    hsm_s: Seconds = 1.0


class Keys(_Agreed):
    """Working keys, each as the HSM gave it out: encrypted under its LMK."""

    zpk: str | None = None  # zone PIN key: the PIN block of DE 52 travels under it to and from the institution
    terminal_zpk: str | None = None  # the same for what its terminals send us, where that is another key
    mac_key: str | None = None  # seals its messages (DE 64, 128), those that it sends and those that it gets
    zmk: str | None = None  # zone master key: new working keys travel under it (0800, 161)
    previous_zpk: str | None = None  # the one before, while messages under it may still be on their way
    previous_mac_key: str | None = None


class Mac(_Agreed):
    """How messages are sealed, where a `mac_key` is agreed."""

    algorithm: Literal["1", "3"] = "3"  # of ISO 9797-1: 1 with a single or double key, 3 the retail MAC
    padding: Literal["1", "2"] = "1"  # of ISO 9797-1: 1 zeros, 2 a one and zeros
    digits: Literal[8, 16] = 16  # a short one stands at the front of DE 64, zeros behind it
    key: Literal["tak", "zak"] = "zak"  # what kind of key it is to the HSM
    on: frozenset[Literal["requests", "answers"]] = frozenset({"requests", "answers"})  # of financial messages

    @property
    def key_type(self) -> str:
        """The HSM's code of that kind."""
        return "003" if self.key == "tak" else "008"


class Participant(_Agreed):
    """One institution's agreement with the network."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]
    name: str
    roles: frozenset[Role]
    institution_id: Annotated[str, Field(pattern=r"^[0-9]{1,11}$")]  # DE 32 of an acquirer, DE 33 of a gateway
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None  # None: any
    dialect: DialectName = "iso87_ascii"
    framing: FramingName = "len2"
    header: Hex | None = None  # what we put before our own messages, where the framing or dialect has a header
    header_answer: HeaderAnswer | None = None  # None: as the dialect says; a TPDU is swapped, any other echoed
    keep_alive: bool = False  # a frame of length zero is a sign of life, not an error; up to ten a second
    dial: str | tuple[str, ...] | None = (
        None  # the issuer's port, by name or as host:port, or several; None: it dials us
    )
    host: str | None = None  # the port of an acquirer's own host: it decides; None: the switch applies its contracts
    links: Annotated[int, Field(ge=1, le=64)] = 1  # how many connections we dial, to each of its hosts
    tls: bool = False  # those connections are mutual TLS, and its certificate must name the participant
    sign_on: SignOn = SignOn.REQUIRED
    echo_s: Seconds = 30.0  # an idle link is asked whether it is there
    deadlines: Deadlines = Deadlines()
    partial_approval: bool = False  # takes DE 39 = 10
    keys: Keys = Keys()
    mac: Mac = Mac()
    skew_s: Annotated[float, Field(gt=0)] | None = None  # how far DE 7 of a request may be off; None: any day will do
    match: tuple[MatchKey, ...] = MATCH_KEYS  # besides DE 11: an answer that carries these must agree in them
    management_per_minute: Annotated[int, Field(ge=1)] | None = None  # 0800s that are taken on one link; None: all
    laboratory: bool = False  # merchants and terminals are taken as sent, no contract applies

    @property
    def dialled(self) -> tuple[str, ...]:
        """Where we dial: every host of an issuer that has several, none where it dials us."""
        if self.dial is None:
            return ()
        return (self.dial,) if isinstance(self.dial, str) else self.dial

    def has(self, role: Role) -> bool:
        """Whether the participant plays this part."""
        return role in self.roles

    @property
    def mac_key(self) -> str | None:
        """The key that seals its messages; None: they are not sealed."""
        return self.keys.mac_key

    def seals(self, mti: str) -> bool:
        """Whether a message of this type (of the network's form) carries a MAC between it and us."""
        if self.keys.mac_key is None or mti_class(mti) not in SEALED:
            return False
        return ("answers" if is_answer(mti) else "requests") in self.mac.on


def framing_of(participant: Participant) -> Framing:
    """Where the participant's messages end."""
    return framing_named(participant.framing, keep_alive=participant.keep_alive)


def dialect_of(participant: Participant) -> Dialect:
    """How the participant writes, with what comes before every message."""
    return _headed(dialect_named(participant.dialect), header_of(participant))


def header_of(participant: Participant) -> Header | None:
    """What comes before every message; LocalProtocolError where framing, dialect and agreement do not go together."""
    framing, usual = framing_named(participant.framing), _usual_header(participant.dialect)
    own, answer = bytes.fromhex(participant.header or ""), participant.header_answer
    if usual and framing.header_length not in (0, usual.length):
        raise LocalProtocolError(f"{usual.length} bytes in the dialect, and {framing.header_length} in {framing.name}")
    if usual and not answer:
        return replace(usual, own=own or usual.own)
    length = usual.length if usual else framing.header_length
    if length:
        return Header(length, swapping(length) if _swaps(framing, answer) else "echo", own)
    if own or answer:
        raise LocalProtocolError(f"neither {framing.name} nor the dialect has a place for one")
    return None


def _swaps(framing: Framing, answer: HeaderAnswer | None) -> bool:
    """A TPDU names two ends, so it is turned round unless the agreement says otherwise."""
    return answer is HeaderAnswer.SWAP or (answer is None and framing.name == "tpdu")


def _usual_header(dialect: str) -> Header | None:
    """What the dialect itself has before every message."""
    return dialect_named(dialect).header


@cache
def _headed(dialect: Dialect, header: Header | None) -> Dialect:
    """One object for all links that speak alike: it keeps the plans that were made for its bitmaps."""
    return dialect if header is None or header == dialect.header else dialect.headed(header)


def load_participants(directory: Path | None = None) -> Mapping[str, Participant]:
    """Every participant by id, and the dialects of the network's own; NetworkError lists all problems of all files."""
    problems: list[str] = []
    try:
        load_dialects(directory)
    except NetworkError as error:
        problems += error.problems
    try:
        found = gather(toml_files(directory, "participants"))
    except NetworkError as error:
        raise NetworkError(problems + error.problems) from None
    if problems:
        raise NetworkError(problems)
    return found


def gather(paths: Iterable[Path]) -> Mapping[str, Participant]:
    """Read agreements and hold them against each other."""
    problems: list[str] = []
    found: dict[str, Participant] = {}
    for path in paths:
        try:
            participant = Participant.model_validate(read_toml(path))
        except NetworkError as error:
            problems += error.problems
        except ValidationError as error:
            problems += explained(called(path), error)
        else:
            problems += [f"{called(path)}: {problem}" for problem in disagreements(participant, found)]
            found[participant.id] = participant
    if problems:
        raise NetworkError(problems)
    return found


def disagreements(participant: Participant, others: Mapping[str, Participant]) -> list[str]:
    """What no single value shows: twins, headers without a place, and deadlines that do not shrink inwards."""
    problems = []
    try:
        header_of(participant)
    except LocalProtocolError as error:
        problems.append(f"{'header' if is_dialect(participant.dialect) else 'dialect'}: {error}")
    if participant.id in others:
        problems.append(f"id: {participant.id!r} is taken by another file")
    twins = [other.id for other in others.values() if other.institution_id == participant.institution_id]
    if twins:
        problems.append(f"institution_id: {participant.institution_id} belongs to {twins[0]!r} already")
    deadlines = participant.deadlines
    chain = ("gateway_s", "acquirer_s", "issuer_s", "hsm_s")
    for outer, inner in itertools.pairwise(chain):
        if not getattr(deadlines, inner) < getattr(deadlines, outer):
            problems.append(f"deadlines.{inner}: must be shorter than {outer}, or nobody hears the answer")
    return problems
