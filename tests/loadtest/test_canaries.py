"""L16: no secret in any output: cards, PINs, PIN blocks, cryptograms, seals and keys are searched for in all of it."""

from __future__ import annotations

import json
from pathlib import Path

from loadtest.card_file import Kind, TestCard, write_cards
from loadtest.commands.report import write_report
from loadtest.commands.run import verdict
from loadtest.result import Result
from loadtest.result_wire import to_wire
from tests.canaries import Canary, found_in
from tests.loadtest.test_proofs import MAC_KEY, MK_AC, PAN, ZPK_UNDER_LMK, Host, run_against, with_proofs
from tests.loadtest.test_store import KEY, against, agreeable, said

PIN = "739418"  # of six digits, so that it is not found by chance


def left_of(result: Result, folder: Path) -> dict[str, bytes]:
    """Everything that a run writes, says, and ships to a coordinator."""
    result.write(folder)
    write_report(result, folder)
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    told = "\n".join(verdict(result)) + repr(result) + json.dumps(to_wire(result))
    return {**files, "told": told.encode()}


async def test_nothing_that_a_run_leaves_has_a_card_a_pin_or_a_key(tmp_path: Path) -> None:
    file = tmp_path / "cards.bin"
    write_cards(file, [TestCard(PAN, "2912", Kind.LOST, "784", pin=PIN)], 1, 7)
    host = Host(MK_AC)  # it seals under another key, so that there are findings, with their keys
    security = {"mac": {"test_key": MAC_KEY}}
    result = await run_against(host, with_proofs({"file": str(file)}, more_security=security))
    assert {finding.name for finding in result.audit.findings if finding.keys} == {"altered", "unexpected"}
    secrets = [Canary("PAN", PAN), Canary("PIN", PIN), Canary("chip key", MK_AC, is_binary=True)]
    secrets += [Canary("MAC key", MAC_KEY, is_binary=True), Canary("PIN key", ZPK_UNDER_LMK)]
    for message in host.heard:
        for number in (52, 55, 64):
            if value := message.get(number):
                secrets.append(Canary(f"DE {number}", value, is_binary=True))
    assert len(secrets) > 20
    (tmp_path / "run").mkdir()
    left = left_of(result, tmp_path / "run")
    assert {"summary.json", "seconds.csv", "audit.json", "hist.hlog", "report.html"} <= left.keys()
    for name, data in left.items():
        assert found_in(data, secrets, name) == []
    planted = left["told"] + f"… {PAN} …".encode()
    assert found_in(planted, secrets, "planted")


async def test_nothing_that_a_run_leaves_has_a_shops_key(tmp_path: Path) -> None:
    refused = said(402, {"slug": "payment.declined", "detail": KEY})  # a host that says it back
    result, _ = await against(lambda number, path, body: refused if number % 3 == 0 else agreeable(number, path, body))
    for name, data in left_of(result, tmp_path).items():
        assert found_in(data, [Canary("key", KEY)], name) == []
