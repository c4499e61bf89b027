"""A dialled link comes back, politely."""

import random
import socket

import structlog.testing
import trio
import trio.testing

from protocols.runtime.dialer import BACK_OFF_MAX_S, dial_tcp, keep_dialled
from protocols.runtime.listener import listening_socket, serve_links

ADDRESS = ("127.0.0.1", 8601)


class Bank:
    """Answers the dial with a memory stream, or not at all."""

    def __init__(self):
        self.is_up = True
        self.dialled_at = []
        self.links = []

    async def dial(self, host, port):
        self.dialled_at.append(trio.current_time())
        await trio.lowlevel.checkpoint()
        if not self.is_up:
            raise ConnectionRefusedError(111, "Connection refused")
        ours, theirs = trio.testing.memory_stream_pair()
        self.links.append(theirs)
        return ours

    def waits(self):
        return [later - earlier for earlier, later in zip(self.dialled_at, self.dialled_at[1:], strict=False)]


async def hold(link):
    while await link.receive():
        pass


def dialled(bank, framing, seed=1):
    return lambda: keep_dialled(ADDRESS, framing, hold, name="nbk", random=random.Random(seed), dial=bank.dial)


async def test_the_waits_between_tries_grow_to_five_seconds(nursery, framing, autojump_clock):
    bank = Bank()
    bank.is_up = False
    nursery.start_soon(dialled(bank, framing))
    await trio.sleep(120)
    waits = bank.waits()
    assert 0.05 <= waits[0] <= 0.1
    assert all(BACK_OFF_MAX_S / 2 <= wait <= BACK_OFF_MAX_S for wait in waits[7:])


async def test_two_diallers_do_not_come_back_in_step(nursery, framing, autojump_clock):
    banks = [Bank(), Bank()]
    for seed, bank in enumerate(banks):
        bank.is_up = False
        nursery.start_soon(dialled(bank, framing, seed))
    await trio.sleep(60)
    assert banks[0].waits() != banks[1].waits()


async def test_a_bank_that_comes_back_is_dialled_within_five_seconds(nursery, framing, autojump_clock):
    bank = Bank()
    bank.is_up = False
    nursery.start_soon(dialled(bank, framing))
    await trio.sleep(600)
    bank.is_up, back_at = True, trio.current_time()
    await trio.sleep(BACK_OFF_MAX_S)
    assert len(bank.links) == 1 and bank.dialled_at[-1] - back_at <= BACK_OFF_MAX_S


async def test_a_link_that_held_is_dialled_again_soon(nursery, framing, autojump_clock):
    bank = Bank()
    nursery.start_soon(dialled(bank, framing))
    for _ in range(3):
        await trio.sleep(60)
        await bank.links[-1].aclose()
    await trio.sleep(1)
    assert all(59.8 <= wait <= 60.2 for wait in bank.waits())


async def test_a_link_that_is_closed_at_once_is_not_hammered(nursery, framing, autojump_clock):
    bank = Bank()
    nursery.start_soon(dialled(bank, framing))
    with trio.move_on_after(60):
        while True:
            await trio.sleep(0.01)
            await bank.links[-1].aclose()
    assert len(bank.dialled_at) < 30


async def test_a_dial_that_hangs_is_given_up(nursery, framing, autojump_clock):
    tries = []

    async def hangs(host, port):
        tries.append(trio.current_time())
        await trio.sleep_forever()

    nursery.start_soon(lambda: keep_dialled(ADDRESS, framing, hold, name="nbk", random=random.Random(1), dial=hangs))
    await trio.sleep(12)
    assert len(tries) == 3


async def test_a_bank_that_stays_down_is_one_line_not_one_a_try(nursery, framing, autojump_clock):
    bank = Bank()
    bank.is_up = False
    with structlog.testing.capture_logs() as lines:
        nursery.start_soon(dialled(bank, framing))
        await trio.sleep(600)
    assert [line["reason"] for line in lines] == ["cannot connect to 127.0.0.1:8601: Connection refused"]


async def test_over_tcp_it_speaks_with_a_listener(nursery, framing):
    heard = trio.Event()

    async def answer(link):
        while frames := await link.receive():
            link.send(frames)

    async def ask(link):
        link.send([b"0800"])
        assert await link.receive() == [b"0800"]
        heard.set()

    port = await nursery.start(serve_links, "127.0.0.1", 0, framing, answer)
    nursery.start_soon(lambda: keep_dialled(("127.0.0.1", port), framing, ask, name="nbk", random=random.Random(1)))
    await heard.wait()


async def test_a_dialled_socket_is_a_plain_one():
    with await listening_socket("127.0.0.1", 0) as listener, await dial_tcp(*listener.getsockname()) as sock:
        assert isinstance(sock, socket.socket)


async def test_a_closed_port_is_said_in_words(nursery, framing):
    with await listening_socket("127.0.0.1", 0) as listener:
        host, port = listener.getsockname()
    said = trio.Event()

    async def dial_and_tell(host, port):
        try:
            return await dial_tcp(host, port)
        finally:
            said.set()

    with structlog.testing.capture_logs() as lines:
        nursery.start_soon(
            lambda: keep_dialled((host, port), framing, hold, name="nbk", random=random.Random(1), dial=dial_and_tell)
        )
        await said.wait()
        await trio.testing.wait_all_tasks_blocked()
    assert lines[0]["reason"] == f"cannot connect to {host}:{port}: Connection refused"
