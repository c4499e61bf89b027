"""The vault's key lies on disk only wrapped, opens with the HSM that wrapped it, and a damaged file is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from acquirers.data_key import open_data_key
from protocols.hsm import HsmAnswer
from protocols.runtime.exits import DamagedStateError


class Hsm:
    """Turns data round: what matters here is who is asked for what."""

    async def ask(self, command: str, **fields: str | bytes) -> HsmAnswer:
        if command == "A0":
            return HsmAnswer(b"", "00", {"key": "U" + "1" * 32})
        return HsmAnswer(b"", "00", {"message": str(fields["message"])[::-1]})


async def test_the_key_is_wrapped_once_and_opened_ever_after(tmp_path: Path) -> None:
    path, key = tmp_path / "comtrust.key", bytes(range(32))
    assert await open_data_key(path, Hsm(), key) == key
    assert await open_data_key(path, Hsm(), bytes(32)) == key
    text = path.read_text()
    assert key.hex().upper() not in text.upper() and path.stat().st_mode & 0o077 == 0
    path.write_text(text.replace('"wrapped": "', '"wrapped": "00')[:-1] + "}")
    with pytest.raises(DamagedStateError):
        await open_data_key(path, Hsm(), bytes(32))
