"""The oracle over what a real network left behind: its journal, a bank's book, and what a client did and heard."""

from __future__ import annotations

import hashlib
import itertools
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.network import SWITCH, RunningNetwork, running_network
from tests.oracle.__main__ import main
from tests.peers.client import Client, Fields, pack, reversal_of


@pytest.fixture(scope="module")
def network() -> Iterator[RunningNetwork]:
    with running_network() as running:
        yield running


class Historian:
    """A client that writes down what it asks and hears."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.lines: list[dict[str, Any]] = []
        self._ids = itertools.count(1)

    def asks(self, mti: str, fields: Fields) -> int:
        id_ = next(self._ids)
        self.client.send(pack(mti, fields))
        self._note("invoke", id_, mti, fields)
        return id_

    def hears(self, id_: int) -> Fields:
        mti, fields = self.client.receive()
        self._note("ok", id_, mti, fields)
        return fields

    def never_hears(self, id_: int) -> None:
        self.lines.append({"book": "history", "event": "unknown", "id": id_, "at": time.time()})

    def _note(self, event: str, id_: int, mti: str, fields: Fields) -> None:
        card = hashlib.sha256(fields.get(2, "").encode()).hexdigest()[:16]
        told = {str(number): value for number, value in fields.items() if number not in (2, 14)}
        line = {"book": "history", "event": event, "id": id_, "at": time.time(), "participant": "lab", "mti": mti}
        self.lines.append(line | {"card": card, "elements": told})


def test_a_day_with_a_kill_in_it_keeps_every_promise(
    network: RunningNetwork, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    card = next(one for one in network.cards() if (one["issuer"], one["product"]) == ("nbk", "classic-credit"))
    with Client(network.host, network.ports["lab"]) as client:
        day = Historian(client)
        bought = [client.purchase(card["pan"], 1000 + n, "414", de14=card["expiry"]) for n in range(8)]
        for fields in bought[:4]:
            day.hears(day.asks("0100", fields))
        day.hears(day.asks("0101", bought[0]))  # the same again
        day.hears(day.asks("0100", {**bought[1], 4: "000000009999"}))  # another payment under its name
        assert day.hears(day.asks("0420", reversal_of(client, "0100", bought[2])))[39] == "00"
        open_ends = [day.asks("0100", fields) for fields in bought[4:]]
        network.kill(SWITCH)
    for id_ in open_ends:
        day.never_hears(id_)
    network.start(SWITCH)
    with Client(network.host, network.ports["lab"]) as client:
        day.client = client
        for fields in bought[4:]:  # in doubt: reverse, never resend
            assert day.hears(day.asks("0420", reversal_of(client, "0100", fields)))[39] == "00"
    network.settled()

    exported = network.run("switch", "journal", "export")
    assert exported.returncode == 0
    assert card["pan"] not in exported.stdout
    (tmp_path / "journal.jsonl").write_text(exported.stdout)
    (tmp_path / "history.jsonl").write_text("".join(json.dumps(line) + "\n" for line in day.lines))
    bank = network.place.state / "issuers" / "nbk.db"
    files = [str(tmp_path / "history.jsonl"), str(tmp_path / "journal.jsonl"), str(bank)]
    code = main(files)
    assert code == 0, capsys.readouterr().out

    told = (tmp_path / "journal.jsonl").read_text().splitlines()
    gone = next(number for number, line in enumerate(told) if '"kind":"settled"' in line)
    (tmp_path / "journal.jsonl").write_text("\n".join(told[:gone] + told[gone + 1 :]))
    assert main(files) == 5  # the same day with one acknowledgement taken out
