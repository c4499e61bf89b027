"""One behaviour, two links: a plain socket and any Trio stream."""

import socket
from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing

from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.framing import framing_named
from protocols.runtime import link as link_module
from protocols.runtime.link import SocketLink, StreamLink, link_over

FRAME = b"x" * 200


class SocketWire:
    """A link on one end of a connected pair of sockets; the peer holds the other."""

    def __init__(self):
        self.ours, self._theirs = socket.socketpair()
        for end in (self.ours, self._theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        self._theirs.setblocking(False)

    async def peer_sends(self, data):
        stream = memoryview(data)
        while stream:
            await trio.lowlevel.wait_writable(self._theirs)
            stream = stream[self._theirs.send(stream) :]

    async def peer_reads(self):
        await trio.lowlevel.wait_readable(self._theirs)
        return self._theirs.recv(65536)

    def peer_ends(self):
        self._theirs.shutdown(socket.SHUT_WR)

    def peer_vanishes(self):
        trio.lowlevel.notify_closing(self._theirs)
        self._theirs.close()


class MemoryWire:
    """A link on one end of a pair of memory streams with a limit on what lies unread between them."""

    HOLDS = 4096

    def __init__(self):
        self.ours, self._theirs = trio.testing.memory_stream_pair()
        self._unread = 0
        self._room = trio.Event()
        pipe = self.ours.send_stream
        self._send_all, self._close = pipe.send_all, pipe.close
        pipe.send_all, pipe.close = self._send_when_there_is_room, self._close_and_wake
        self._closed = False

    async def _send_when_there_is_room(self, data):
        while self._unread > self.HOLDS and not self._closed:
            self._room = trio.Event()
            await self._room.wait()
        await self._send_all(data)
        self._unread += len(data)

    def _close_and_wake(self):
        self._closed = True
        self._room.set()
        self._close()

    async def peer_sends(self, data):
        await self._theirs.send_all(data)

    async def peer_reads(self):
        data = await self._theirs.receive_some(65536)
        self._unread -= len(data)
        self._room.set()
        return data

    def peer_ends(self):
        self._theirs.send_stream.close()

    def peer_vanishes(self):
        self._theirs.send_stream.close()
        self._theirs.receive_stream.close()
        self._unread = 0
        self._room.set()


@pytest.fixture(params=[SocketWire, MemoryWire])
def wire(request):
    made = request.param()
    yield made
    if isinstance(made, SocketWire):
        made.ours.close()
        made._theirs.close()


@asynccontextmanager
async def open_link(wire, framing, **bound):
    async with trio.open_nursery() as nursery:
        link = link_over(wire.ours, framing, nursery, name="peer", **bound)
        yield link
        await link.aclose()


def packed(*frames):
    return b"".join(len(frame).to_bytes(2, "big") + frame for frame in frames)


async def test_fifty_frames_in_one_segment_come_as_fifty_frames(wire, framing):
    async with open_link(wire, framing) as link:
        await wire.peer_sends(packed(b"one", b"two") * 25)
        assert await link.receive() == [b"one", b"two"] * 25


async def test_a_frame_cut_at_every_byte_comes_whole(wire, framing):
    async with open_link(wire, framing) as link, trio.open_nursery() as nursery:
        nursery.start_soon(send_byte_by_byte, wire, packed(b"0800"))
        assert await link.receive() == [b"0800"]


async def send_byte_by_byte(wire, data):
    for at in range(len(data)):
        await wire.peer_sends(data[at : at + 1])
        await trio.testing.wait_all_tasks_blocked()


async def test_what_is_sent_arrives_in_order(wire, framing):
    async with open_link(wire, framing) as link:
        link.send([b"one", b"two"])
        link.send([b"three"])
        await read_exactly(wire, packed(b"one", b"two", b"three"))


async def read_exactly(wire, expected):
    data = b""
    while len(data) < len(expected):
        data += await wire.peer_reads()
    assert data == expected


async def test_what_the_peer_does_not_take_at_once_waits_for_it(wire, framing):
    frames = [bytes([65 + n % 26]) * 200 for n in range(400)]
    async with open_link(wire, framing) as link:
        for at in range(0, len(frames), 10):
            link.send(frames[at : at + 10])
        await read_exactly(wire, packed(*frames))
    assert link.unsent() == []


async def test_the_end_of_the_stream_is_no_frames(wire, framing):
    async with open_link(wire, framing) as link:
        wire.peer_ends()
        assert await link.receive() == []
        assert not link.closed  # the answer to what came before may still go out
        link.send([b"0810"])
        await read_exactly(wire, packed(b"0810"))
    assert link.close_reason == "ended by the peer"


async def test_a_stream_that_ends_inside_a_frame_is_broken(wire, framing):
    async with open_link(wire, framing) as link:
        await wire.peer_sends(packed(b"0800")[:-1])
        wire.peer_ends()
        with pytest.raises(RemoteProtocolError, match="inside a frame"):
            await link.receive()
        assert link.closed


async def test_broken_framing_closes_the_link_with_its_reason(wire, framing):
    async with open_link(wire, framing) as link:
        await wire.peer_sends(bytes(2))
        with pytest.raises(RemoteProtocolError):
            await link.receive()
        assert link.close_reason == "a length of 0, which leaves no frame"
        assert await link.receive() == []


async def test_frames_before_the_break_are_handed_on_first(wire, framing):
    async with open_link(wire, framing) as link:
        await wire.peer_sends(packed(b"0800", b"0100") + bytes(2))
        assert await link.receive() == [b"0800", b"0100"]
        with pytest.raises(RemoteProtocolError, match="a length of 0"):
            await link.receive()


async def test_a_frame_the_framing_cannot_carry_is_our_mistake(wire, framing):
    async with open_link(wire, framing) as link:
        with pytest.raises(LocalProtocolError):
            link.send([b"0800", b""])
        link.send([b"0810"])
        await read_exactly(wire, packed(b"0810"))


async def test_signs_of_life_are_taken_where_agreed_and_hold_the_link_open(wire, autojump_clock):
    async with open_link(wire, framing_named("len2", keep_alive=True)) as link, trio.open_nursery() as nursery:
        nursery.start_soon(send_slowly, wire, [bytes(2)] * 40 + [packed(b"0800")])
        assert await link.receive() == [b"0800"]


async def send_slowly(wire, pieces):
    for piece in pieces:
        await wire.peer_sends(piece)
        await trio.sleep(0.11)  # nine a second


async def test_more_than_ten_signs_of_life_in_a_second_close_the_link(wire, autojump_clock):
    async with open_link(wire, framing_named("len2", keep_alive=True)) as link:
        await wire.peer_sends(bytes(2) * 10 + packed(b"0800"))
        assert await link.receive() == [b"0800"]
        await wire.peer_sends(bytes(2))
        with pytest.raises(RemoteProtocolError, match="more than 10 frames of no bytes in a second"):
            await link.receive()
        assert link.closed


async def test_a_flood_of_signs_of_life_closes_the_link_after_the_frames_it_brought(wire, autojump_clock):
    async with open_link(wire, framing_named("len2", keep_alive=True)) as link:
        await wire.peer_sends(packed(b"0800") + bytes(2 * 1500))
        assert await link.receive() == [b"0800"]
        with pytest.raises(RemoteProtocolError, match="more than 10 frames"):
            await link.receive()


ECHO = b"0800822000000000000004000000000000001123205144000001301"


async def test_a_frame_that_never_ends_because_its_length_counts_itself_says_so(wire, framing, autojump_clock):
    async with open_link(wire, framing) as link:
        await wire.peer_sends(framing_named("len2_incl").pack(ECHO))
        with pytest.raises(RemoteProtocolError, match="not complete after 10 s; it looks like len2_incl"):
            await link.receive()


async def test_a_stream_that_ends_inside_a_frame_says_what_would_have_fitted(wire, framing):
    async with open_link(wire, framing) as link:
        await wire.peer_sends(framing_named("len2_incl").pack(ECHO))
        wire.peer_ends()
        with pytest.raises(RemoteProtocolError, match="inside a frame; it looks like len2_incl"):
            await link.receive()


async def test_a_frame_followed_by_silence_closes_the_link_after_ten_seconds(wire, framing, autojump_clock):
    async with open_link(wire, framing) as link:
        await wire.peer_sends(packed(b"0800")[:2])
        began = trio.current_time()
        with pytest.raises(RemoteProtocolError, match="not complete after 10 s"):
            await link.receive()
        assert trio.current_time() - began == pytest.approx(10)


async def test_ten_seconds_are_for_the_frame_not_for_each_read(wire, framing, autojump_clock):
    async with open_link(wire, framing) as link, trio.open_nursery() as nursery:
        nursery.start_soon(drip, wire, packed(b"0800 and twenty more"))
        with pytest.raises(RemoteProtocolError, match="not complete"):
            await link.receive()
        assert trio.current_time() == pytest.approx(10)
        nursery.cancel_scope.cancel()


async def drip(wire, data):
    for at in range(len(data)):
        await wire.peer_sends(data[at : at + 1])
        await trio.sleep(1)


async def test_a_peer_may_be_silent_between_frames_for_as_long_as_it_likes(wire, framing, autojump_clock):
    async with open_link(wire, framing) as link:
        await wire.peer_sends(packed(b"0800") + packed(b"0800")[:1])
        assert await link.receive() == [b"0800"]
        await trio.sleep(60)  # we were busy, not the peer: its time has not run
        await wire.peer_sends(packed(b"0800")[1:])
        assert await link.receive() == [b"0800"]
        with trio.move_on_after(3600) as hour:
            await link.receive()
        assert hour.cancelled_caught and not link.closed


async def test_a_peer_that_never_reads_is_given_up_after_ten_seconds(wire, framing, autojump_clock):
    async with open_link(wire, framing) as link:
        link.send([FRAME] * 2000, list(range(2000)))
        assert await link.receive() == []
        assert trio.current_time() == pytest.approx(10)
        assert link.close_reason == "the peer took nothing for 10 s"
    unsent = link.unsent()
    assert unsent == list(range(unsent[0], 2000)) and unsent[0] > 0


async def test_more_than_the_bound_closes_the_link_at_once(wire, framing):
    async with open_link(wire, framing, bound=20_000) as link:
        for _ in range(10):
            link.send([FRAME] * 100)
        assert link.closed
        assert link.close_reason.startswith("the peer does not read: more than 20000 bytes")


async def test_frames_that_never_went_out_are_named_by_their_tokens_once(wire, framing):
    async with open_link(wire, framing) as link:
        link.send([FRAME] * 2000, [f"stan {n}" for n in range(2000)])
        await trio.testing.wait_all_tasks_blocked()
        link.abort("the test says so")
        link.send([b"0110"], ["after the end"])
    unsent = link.unsent()
    assert unsent[-2:] == ["stan 1999", "after the end"]
    assert "stan 0" not in unsent
    assert link.unsent() == []


async def test_a_frame_the_peer_read_is_never_unsent(wire, framing):
    async with open_link(wire, framing) as link:
        link.send([bytes([n % 251]) * 200 for n in range(2000)], list(range(2000)))
        seen = b""
        while len(seen) < 100_000:
            seen += await wire.peer_reads()
        wire.peer_vanishes()
        await link.receive()
    unsent = link.unsent()
    assert not set(unsent) & set(range(len(seen) // 202))
    assert unsent == list(range(2000 - len(unsent), 2000))


async def test_frames_without_a_token_are_nobodys_loss(wire, framing):
    async with open_link(wire, framing) as link:
        link.send([FRAME] * 2000)
        link.send([FRAME], ["the answer"])
        link.abort("enough")
    assert link.unsent() == ["the answer"]


async def test_a_peer_that_vanishes_ends_the_link_without_an_exception(wire, framing):
    async with open_link(wire, framing) as link:
        wire.peer_vanishes()
        assert await link.receive() == []
        for _ in range(3):
            link.send([FRAME], ["lost"])
            await trio.testing.wait_all_tasks_blocked()
        assert link.closed
    assert "lost" in link.unsent()


async def test_closing_hands_over_what_waits(wire, framing):
    frames = [bytes([n % 251]) * 200 for n in range(500)]
    async with trio.open_nursery() as nursery:
        link = link_over(wire.ours, framing, nursery, name="peer")
        link.send(frames, list(range(500)))
        nursery.start_soon(read_exactly, wire, packed(*frames))
        await link.aclose()
    assert link.unsent() == [] and link.close_reason == "closed"


async def test_abort_wakes_who_receives(wire, framing):
    async with open_link(wire, framing) as link, trio.open_nursery() as nursery:
        nursery.start_soon(abort_when_all_wait, link)
        assert await link.receive() == []


async def abort_when_all_wait(link):
    await trio.testing.wait_all_tasks_blocked()
    link.abort("the test says so")


async def test_cancelled_while_sending_closes_the_link(wire, framing):
    async with trio.open_nursery() as nursery:
        link = link_over(wire.ours, framing, nursery, name="peer")
        link.send([FRAME] * 2000, list(range(2000)))
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert link.close_reason == "cancelled while sending"
    assert link.unsent()[-1] == 1999


async def test_the_first_reason_for_closing_stays(wire, framing):
    async with open_link(wire, framing) as link:
        link.abort("first")
        link.abort("second")
        await link.aclose()
    assert link.close_reason == "first"
    assert "first" in repr(link)


async def test_the_link_is_the_one_that_fits_the_connection(wire, framing):
    async with open_link(wire, framing) as link:
        assert type(link) is (SocketLink if isinstance(wire, SocketWire) else StreamLink)


async def test_a_tcp_socket_does_not_wait_for_fuller_segments(framing):
    with socket.socket() as sock:
        link_module.prepare(sock)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 15_000
        assert not sock.getblocking()
