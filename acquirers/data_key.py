"""The vault's data key: 32 bytes that lie on disk only as the HSM has wrapped them.

The file holds a data encryption key (DEK, type 00B) under the HSM's LMK, and the data key as host command
M0 encrypted it under that DEK (CBC, an IV of its own). M2 gives it back at every start; without that HSM,
or one with the same LMK, the file opens nothing. A check value tells a damaged file from a good one,
because CBC alone would hand back noise.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from pathlib import Path
from typing import Final, Protocol

from pydantic import BaseModel, ConfigDict, ValidationError

from acquirers.vault import KEY_BYTES
from protocols.hsm import HsmAnswer
from protocols.runtime.exits import DamagedStateError, UnavailableError

DEK: Final = "00B"
CBC, HEX = "01", "1"


class Asked(Protocol):
    """Of an HSM client, what is needed here."""

    async def ask(self, command: str, **fields: str | bytes) -> HsmAnswer: ...


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    dek: str  # under the LMK
    iv: str
    wrapped: str  # under the DEK
    check_value: str


async def open_data_key(path: Path, hsm: Asked, fresh: bytes) -> bytes:
    """The data key of the file; where there is none yet, `fresh` (32 random bytes) becomes it.

    DamagedStateError when the file is not what was written, UnavailableError when the HSM refuses.
    """
    file = _read(path) or await _make(path, hsm, fresh)
    answer = await _asked(hsm, "M2", _fields(file.dek, file.iv, file.wrapped))
    key = bytes.fromhex(answer.fields["message"])
    if len(key) != KEY_BYTES or not hmac.compare_digest(_check_value(key), file.check_value):
        raise DamagedStateError(f"{path}: the HSM opens it to something else than was wrapped")
    return key


def _read(path: Path) -> _File | None:
    try:
        return _File.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError):
        raise DamagedStateError(f"{path}: not a wrapped data key") from None


async def _make(path: Path, hsm: Asked, fresh: bytes) -> _File:
    if len(fresh) != KEY_BYTES:
        raise ValueError(f"a data key has {KEY_BYTES} bytes")
    dek = (await _asked(hsm, "A0", {"mode": "0", "key_type": DEK, "scheme": "U"})).fields["key"]
    iv = hashlib.sha256(fresh + b"iv").hexdigest()[:16].upper()  # one key, wrapped once: it need only be its own
    wrapped = (await _asked(hsm, "M0", _fields(dek, iv, fresh.hex().upper()))).fields["message"]
    file = _File(dek=dek, iv=iv, wrapped=wrapped, check_value=_check_value(fresh))
    _write(path, json.dumps(file.model_dump()).encode())
    return file


def _fields(dek: str, iv: str, message: str) -> dict[str, str | bytes]:
    how = {"mode": CBC, "input_format": HEX, "output_format": HEX, "key_type": DEK}
    return {**how, "key": dek, "iv": iv, "message": message}


async def _asked(hsm: Asked, command: str, fields: dict[str, str | bytes]) -> HsmAnswer:
    answer = await hsm.ask(command, **fields)
    if not answer.done:
        raise UnavailableError(f"the HSM answers {command} with {answer.error}: no data key, no vault")
    return answer


def _check_value(key: bytes) -> str:
    return hmac.digest(key, b"check value", hashlib.sha256).hex()[:6].upper()


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all, and on disk before anything is sealed under it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    descriptor = os.open(unfinished, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    try:
        os.write(descriptor, content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    os.replace(unfinished, path)
