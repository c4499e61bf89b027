"""P12: a full disk declines, it does not corrupt; and what was promised, a reversal above all, still has room."""

from __future__ import annotations

from random import Random
from typing import cast

import pytest
import trio
import trio.testing

from protocols.network import NetworkError, load
from switch.core import Core
from switch.shell import node as shell
from switch.store.journal import Journal
from tests.switch.desk import NETWORK, Desk


def test_without_room_a_new_request_is_refused_and_leaves_no_record() -> None:
    desk = Desk()
    desk.issuer()
    shop = desk.gateway()
    records = len(desk.disk)
    desk.core.is_short_of_room = True
    desk.asks(shop)
    answer = desk.hears(shop)
    assert (answer.mti, answer.response_code) == ("0110", "96")
    assert answer.get(44) == "switch.error"
    assert len(desk.disk) == records


def test_without_room_a_reversal_is_recorded_and_reaches_the_bank() -> None:
    desk = Desk()
    bank, shop = desk.issuer(), desk.gateway()
    asked = desk.asks(shop)
    desk.answers(bank, desk.hears(bank), approval_code="A1B2C3")
    assert desk.hears(shop).response_code == "00"
    desk.core.is_short_of_room = True
    records = len(desk.disk)
    desk.reverses(shop, asked)
    assert desk.hears(shop).response_code == "00"
    assert len(desk.disk) > records
    assert desk.hears(bank).mti == "0420"


def test_without_room_a_repeat_hears_its_first_answer_and_what_is_in_flight_ends() -> None:
    desk = Desk()
    bank, shop = desk.issuer(), desk.gateway()
    asked = desk.asks(shop)
    desk.core.is_short_of_room = True
    desk.answers(bank, desk.hears(bank), approval_code="A1B2C3")
    first = desk.hears(shop)
    assert first.response_code == "00"
    desk.asks(shop, "0101", **asked)
    assert desk.hears(shop).get(38) == first.get(38)


def test_when_there_is_room_again_requests_go_through() -> None:
    desk = Desk()
    bank, shop = desk.issuer(), desk.gateway()
    desk.core.is_short_of_room = True
    desk.asks(shop)
    assert desk.hears(shop).response_code == "96"
    desk.core.is_short_of_room = False
    desk.asks(shop)  # the same again: what was refused without effect is asked as if for the first time
    desk.answers(bank, desk.hears(bank), approval_code="A1B2C3")
    assert desk.hears(shop).response_code == "00"


class Disk:
    """A disk that has as much room as the test says."""

    free = 10**12

    def free_bytes(self) -> int:
        return self.free


async def test_the_switch_notices_within_a_second_that_room_is_gone_or_back(
    autojump_clock: trio.testing.MockClock,
) -> None:
    disk = Disk()
    node = shell.Node(Core(NETWORK, Random(1)), cast(Journal, disk))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(node.keep_room)
        for free, is_short in ((10**12, False), (63 * 2**20, True), (64 * 2**20, False)):
            disk.free = free
            await trio.sleep(1.0)
            assert node.core.is_short_of_room is is_short
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(("said", "problem"), [("-1", "greater than or equal to 0"), ('"much"', "valid integer")])
def test_a_reserve_that_cannot_be_is_reported(tmp_path, said, problem) -> None:
    (tmp_path / "network.toml").write_text(f"journal_reserve_mib = {said}\n")
    with pytest.raises(NetworkError, match=problem):
        load(tmp_path)
