"""How a target speaks: its dialect, with a border where it needs one, and its framing, from what a scenario says.

A shell, because a border asks which year it is.
"""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from hashlib import sha256
from json import dumps, loads
from pathlib import Path

from loadtest.scenario import Target
from loadtest.usage import UsageError
from protocols.border import spoken
from protocols.dialect import Dialect
from protocols.dialect_file import dialect_from
from protocols.dialects import dialect_named
from protocols.errors import LocalProtocolError
from protocols.framing import Framing, framing_named
from protocols.header import MANNERS, Header
from protocols.hsm import FRAME_MAX


def dialect_for(target: Target) -> Dialect:
    """How to speak with the target. UsageError where there is no such dialect."""
    try:
        if target.dialect.endswith((".toml", ".json")):
            path = Path(target.dialect)
            text = path.read_text(encoding="utf-8")
            found = dialect_from(path.name, tomllib.loads(text) if path.suffix == ".toml" else loads(text))
        else:
            found = dialect_named(target.dialect)
        if target.header:
            own = bytes.fromhex(target.header)
            found = found.headed(_header(own))
        elif (length := framing_for(target).header_length) and found.header is None:
            found = found.headed(_header(bytes(length)))
    except OSError as error:
        raise UsageError(f"target.dialect: {target.dialect}: {error.strerror}") from None
    except (LocalProtocolError, ValueError) as error:
        raise UsageError(f"target.dialect: {error}") from None
    return spoken(found, lambda: datetime.now(UTC).date(), trusted=True)


def framing_for(target: Target) -> Framing:
    """Where messages end. UsageError where there is no such framing."""
    if target.kind == "hsm":
        return framing_named("len2", longest=FRAME_MAX)
    try:
        usual = "len2" if target.dialect.endswith((".toml", ".json")) else dialect_named(target.dialect).framing
        return framing_named(target.framing or usual, keep_alive=target.keep_alive)
    except LocalProtocolError as error:
        raise UsageError(f"target.framing: {error}") from None


def dialect_hash(dialect: Dialect) -> str:
    """Equal for equal specs."""
    said = dumps({key: dict(row) for key, row in dialect.spec.items()}, sort_keys=True, default=str)
    return sha256(said.encode()).hexdigest()[:16]


def _header(own: bytes) -> Header:
    """Ours; one that names two ends is turned round in an answer."""
    swaps = [name for name, manner in MANNERS.items() if manner.length == len(own)]
    return Header(len(own), swaps[0] if swaps else "echo", own)
