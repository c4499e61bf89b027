"""The journal, read from its beginning, as lines for other programs; what is in a line is `journal_export`'s."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from switch.journal_export import holds_a_request, line_of
from switch.records import read
from switch.store import state
from switch.store.journal import Reader
from switch.store.seal import Tokens


async def journal_lines(reader: Reader, folder: Path, *, requests_only: bool = False) -> AsyncIterator[dict[str, Any]]:
    """Every record, in order. DamagedJournalError at the first batch that is not as it was written."""
    number = 0
    token = Tokens(state.data_key(folder)).token
    async for batch, records in reader.replay():
        for record in records:
            number += 1
            line = line_of(number, batch, read(record), token)
            if not requests_only or holds_a_request(line):
                yield line
