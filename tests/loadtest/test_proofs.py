"""PIN, chip and MAC in the load: made before the run, right for the HSM of the bank, refused when they are not."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest
import trio

from acquirers.pin_pad import PinPad
from acquirers.sealer import Sealer
from acquirers.terminals import chip_keys
from hsm_sim.server import serve
from hsm_sim.settings import Settings
from loadtest.card_file import Kind, TestCard, write_cards
from loadtest.chip import MCHIP, SIGNED, VIS, Chip, card_key, cryptogram
from loadtest.chip_counters import ChipCounters
from loadtest.mac import Macs
from loadtest.result import Exit, Result
from loadtest.scenario import Scenario
from loadtest.shell.run import Run
from loadtest.usage import UsageError
from protocols import tlv
from protocols.dialects import dialect_named
from protocols.framing import framing_named
from protocols.hsm import HsmAnswer
from protocols.message import Message
from protocols.pan import Pan
from protocols.participant import Mac
from protocols.runtime.hsm_client import HsmClient
from protocols.seal import Unsealed, seal_of
from tests.loadtest.hosts import scenario

MK_AC, MK_AC_UNDER_LMK = "A4702516B3808068AD2943B50BD60107", "U22260952FF1720FA74FD6EBE96A86038"
ZPK, ZPK_UNDER_LMK = "A4702516B3808068AD2943B50BD60107", "UF820C9180B6F6C75F72BD2E8737229F1"
MAC_KEY = "0123456789ABCDEFFEDCBA9876543210"
PAN = "9784100000000019"


@pytest.mark.parametrize("scheme", [VIS, MCHIP])
def test_a_chip_signs_as_the_terminals_cards_do(scheme: str) -> None:
    """Two makers of the same thing, apart from each other."""
    key = card_key(bytes.fromhex(MK_AC), PAN, "01")
    assert key == chip_keys.card_key(bytes.fromhex(MK_AC), PAN, "01")
    data = bytes(range(37))
    assert cryptogram(key, scheme, 7, b"abcd", data) == chip_keys.cryptogram(key, scheme, 7, b"abcd", data)


def test_what_the_chip_says_is_what_the_message_asks_for() -> None:
    chip = Chip(MK_AC, "01", VIS, "0784")
    said = chip.data(PAN, 258, b"abcd", "261124", ("000000001250", "784", "01"), has_pin=True)
    tags = {one.tag: one.value.hex() for one in tlv.flat(tlv.parse(bytes.fromhex(said)))}
    assert (tags["9F02"], tags["5F2A"], tags["9C"], tags["9F36"]) == ("000000001250", "0784", "01", "0102")
    assert tags["9F34"].startswith("02")
    assert set(SIGNED) < set(tags)
    assert MK_AC not in repr(chip)


@pytest.mark.parametrize("algorithm", ["1", "3"])
@pytest.mark.parametrize("padding", ["1", "2"])
@pytest.mark.parametrize("digits", [8, 16])
def test_a_mac_is_that_of_the_gateways_sealer(algorithm: Any, padding: Any, digits: Any) -> None:
    agreed = Mac(algorithm=algorithm, padding=padding, digits=digits)
    for size in (1, 8, 23, 240):
        covered = bytes(range(size))
        ours = Macs(MAC_KEY, algorithm, padding, digits).of(covered)
        assert ours == Sealer(MAC_KEY, agreed).mac(covered).ljust(16, "0")


def test_a_counter_comes_once_also_in_the_next_run(tmp_path: Path) -> None:
    file = tmp_path / "cards.bin.counters"
    with ChipCounters(file, 3) as first:
        assert [first.next(1), first.next(1), first.next(2)] == [1, 2, 1]
    with ChipCounters(file, 3) as second:
        assert second.next(1) == 3
    with pytest.raises(UsageError, match="other cards"):
        ChipCounters(file, 4)


def test_a_chip_that_has_used_up_its_counter_is_told() -> None:
    with ChipCounters(None, 1) as counters:
        for _ in range(0xFFFF):
            counters.next(0)
        with pytest.raises(UsageError, match="used up"):
            counters.next(0)


class Host:
    """A host that keeps what it heard, approves it, and seals its answers where it has a key."""

    def __init__(self, key: str | None = None) -> None:
        self.heard: list[Message] = []
        self.sealer = Sealer(key, Mac()) if key else None
        self.is_right: list[bool] = []

    async def attend(self, stream: trio.SocketStream) -> None:
        dialect, framing = dialect_named("iso87_ascii"), framing_named("len2")
        framer = framing.framer()
        async for data in stream:
            for frame in framer.feed(bytes(data)):
                request = dialect.decode(frame)
                answer = request.answered({39: "00"})
                if self.sealer is not None and request.mti[1] != "8":
                    self.is_right.append(self.sealer.is_right(seal_of(request)))
                    unsealed = Unsealed(dialect, answer)
                    answer = unsealed.sealed(self.sealer.mac(unsealed.covered))
                self.heard.append(request)
                await stream.send_all(framing.pack(answer))


async def run_against(host: Host, made: Any) -> Result:
    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, host.attend, 0, host="127.0.0.1"))
        hsm = await nursery.start(partial(serve, Settings(), host="127.0.0.1", port=0))
        result = await Run(made(listeners[0].socket.getsockname()[1], hsm)).go()
        nursery.cancel_scope.cancel()
    return result


def with_proofs(
    cards: dict[str, Any], zpk: str = ZPK_UNDER_LMK, more_security: dict[str, Any] | None = None, **changes: Any
) -> Any:
    def made(port: int, hsm: int) -> Scenario:
        security = {"hsm": f"127.0.0.1:{hsm}", "pin": {"zpk": zpk}, "chip": {"mk_ac": MK_AC}, **(more_security or {})}
        given = {
            "mix": {"atm_withdrawal": 1},
            "values": {"cards": cards, "amount": {"min": 100, "uniform": [100, 900]}},
        }
        return scenario(port, 50.0, 0.5, security=security, **{**given, **changes})

    return made


async def kq(fields: dict[str, Any]) -> HsmAnswer:
    """Ask the HSM what a bank asks it."""
    async with trio.open_nursery() as nursery:
        port = await nursery.start(partial(serve, Settings(), host="127.0.0.1", port=0))
        client = HsmClient(("127.0.0.1", port), nursery, timeout_s=20.0)
        await client.wait_up()
        answer = await client.ask("KQ", **fields)
        nursery.cancel_scope.cancel()
    return answer


async def test_cash_brings_the_right_pin_and_a_cryptogram_that_the_banks_hsm_takes(tmp_path: Path) -> None:
    cards = [
        TestCard(PAN, "2912", Kind.ACTIVE, "784", pin="4321"),
        TestCard("9784100000000027", "2912", Kind.ACTIVE, "784"),
    ]
    file = tmp_path / "cards.bin"
    write_cards(file, cards, len(cards), 7)
    host = Host()
    result = await run_against(host, with_proofs({"file": str(file)}))
    heard = [message for message in host.heard if message.mti == "0200"]
    assert result.total().answered == len(heard) == 25
    pad, pins = PinPad(ZPK), {PAN: "4321", "9784100000000027": "1234"}
    counters: dict[str, list[int]] = {}
    for message in heard:
        pan = message.get(2) or ""
        assert message.get(52) == pad.pin_block(pins[pan], Pan(pan))
        tags = {one.tag: one.value for one in tlv.flat(tlv.parse(bytes.fromhex(message.get(55) or "")))}
        assert tags["9F02"].hex() == message.get(4)
        counters.setdefault(pan, []).append(int.from_bytes(tags["9F36"], "big"))
    assert all(counted == list(range(1, len(counted) + 1)) for counted in counters.values())
    asked = {
        "mode": "1",
        "scheme": "0",
        "mk_ac": MK_AC_UNDER_LMK,
        "pan_block": bytes.fromhex((pan + "01")[-16:]),
        "atc": tags["9F36"],
        "unpredictable_number": tags["9F37"],
        "arqc": tags["9F26"],
        "data": b"".join(tags[tag] for tag in SIGNED) + tags["9F10"][3:7],
        "arc": b"00",
    }
    assert (await kq(asked)).error == "00"
    assert (await kq({**asked, "arqc": bytes(8)})).error == "01"


async def test_what_nobody_can_make_is_left_out() -> None:
    host = Host()
    await run_against(host, lambda port, hsm: scenario(port, 20.0, 0.2, mix={"atm_withdrawal": 1}))
    assert {message.get(52) for message in host.heard} == {message.get(55) for message in host.heard} == {None}


async def test_in_closed_mode_chip_data_are_made_as_they_are_wanted() -> None:
    host = Host()
    closed = {"closed": {"users": 2, "for_s": 0.3, "think_s": 0.01}, "arrivals": []}
    result = await run_against(host, with_proofs({"count": 10}, plan=closed))
    heard = [message for message in host.heard if message.mti == "0200"]
    assert len(heard) == result.total().answered > 5
    assert all(message.get(52) and message.get(55) for message in heard)


async def test_messages_are_sealed_and_so_are_answers() -> None:
    host = Host(MAC_KEY)
    mac = {"mac": {"test_key": MAC_KEY}}
    result = await run_against(host, lambda port, hsm: scenario(port, 50.0, 0.4, security=mac, mix={"reversal": 1}))
    assert host.is_right == [True] * result.total(measured=False).sent
    assert not result.audit.failed, result.audit.findings


async def test_an_answer_with_a_wrong_mac_is_altered() -> None:
    host = Host(MK_AC)
    mac = {"mac": {"test_key": MAC_KEY}}
    result = await run_against(host, lambda port, hsm: scenario(port, 50.0, 0.2, security=mac))
    assert not any(host.is_right)
    assert result.audit.finding("altered").count == result.total().answered > 0
    assert Exit.AUDIT_FAILED in result.exits()


def test_pins_want_an_hsm_and_no_repr_shows_a_key() -> None:
    with pytest.raises(UsageError, match="made by an HSM"):
        scenario(1, security={"pin": {"zpk": "U00"}})
    made = scenario(
        1, security={"hsm": "h:1", "pin": {"zpk": ZPK}, "chip": {"mk_ac": MK_AC}, "mac": {"test_key": MAC_KEY}}
    )
    for said in (repr(made), repr(made.security), repr(made.security.mac), str(made.security.pin)):
        assert not any(key in said for key in (ZPK, MK_AC, MAC_KEY))


async def test_an_hsm_that_refuses_is_told_before_anything_is_sent() -> None:
    host = Host()
    wrong = with_proofs({"count": 10}, zpk="U" + "0" * 32)
    with pytest.RaisesGroup(pytest.RaisesExc(UsageError, match="refused"), flatten_subgroups=True):
        await run_against(host, wrong)
    assert host.heard == []


def test_random_numbers_of_chips_are_not_the_plans() -> None:
    """A run may be repeated under its seed; a cryptogram must not come twice."""
    chip = Chip(MK_AC, "01", VIS, "0784")
    draws = [Random(seed).randrange(0, 1 << 32).to_bytes(4, "big") for seed in (1, 2)]
    told = {chip.data(PAN, 1, draw, "261124", ("0" * 12, "784", "00"), has_pin=False) for draw in draws}
    assert len(told) == 2
