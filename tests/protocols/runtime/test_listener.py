"""Connections come in, each has its own task, and no more come in than may."""

import errno
import socket
from functools import partial

import pytest
import structlog.testing
import trio

from protocols.runtime import listener as listener_module
from protocols.runtime.exits import FatalError, UnavailableError
from protocols.runtime.listener import accepted, listening_socket, serve_links

HOST = "127.0.0.1"


async def echo(link):
    while frames := await link.receive():
        link.send(frames)


async def connect(port):
    return await trio.open_tcp_stream(HOST, port)


async def asked(stream, text):
    await stream.send_all(packed(text))
    return (await stream.receive_some(1000))[2:]


def packed(text):
    return len(text).to_bytes(2, "big") + text


async def test_each_connection_is_served(nursery, framing):
    port = await nursery.start(serve_links, HOST, 0, framing, echo)
    for text in (b"one", b"two"):
        async with await connect(port) as stream:
            assert await asked(stream, text) == text


async def test_a_handler_that_fails_ends_its_own_link_only(nursery, framing):
    async def fails_on_bad(link):
        while frames := await link.receive():
            if b"bad" in frames:
                raise ZeroDivisionError
            link.send(frames)

    port = await nursery.start(serve_links, HOST, 0, framing, fails_on_bad)
    async with await connect(port) as good, await connect(port) as bad:
        assert await asked(good, b"hello")
        with structlog.testing.capture_logs() as lines:
            assert await asked(bad, b"bad") == b""
        assert [line["reason"] for line in lines] == ["its handler failed"]
        assert await asked(good, b"still there") == b"still there"


async def test_a_peer_that_breaks_the_framing_is_logged_once_a_second(nursery, framing):
    port = await nursery.start(serve_links, HOST, 0, framing, echo)
    with structlog.testing.capture_logs() as lines:
        for _ in range(5):
            async with await connect(port) as stream:
                await stream.send_all(bytes(2))
                assert await stream.receive_some(10) == b""
    assert [line["reason"] for line in lines] == ["a length of 0, which leaves no frame"]


async def test_the_fault_of_a_peer_is_found_inside_the_handlers_nursery(nursery, framing):
    async def receives_in_a_nursery(link):
        async with trio.open_nursery() as inner:
            inner.start_soon(link.receive)

    port = await nursery.start(serve_links, HOST, 0, framing, receives_in_a_nursery)
    with structlog.testing.capture_logs() as lines:
        async with await connect(port) as stream:
            await stream.send_all(bytes(2))
            assert await stream.receive_some(10) == b""
    assert lines[0]["log_level"] == "warning" and lines[0]["reason"] == "a length of 0, which leaves no frame"


async def test_a_fatal_error_ends_the_listener(framing):
    async def gives_up(link):
        raise FatalError("the journal is gone")

    async def knock(port):
        async with await connect(port) as stream:
            await stream.receive_some(1)

    with pytest.RaisesGroup(FatalError, allow_unwrapped=True, flatten_subgroups=True):
        async with trio.open_nursery() as nursery:
            port = await nursery.start(serve_links, HOST, 0, framing, gives_up)
            await knock(port)


async def test_one_connection_too_many_is_closed_at_once(nursery, framing):
    port = await nursery.start(
        lambda task_status: serve_links(HOST, 0, framing, echo, links=2, task_status=task_status)
    )
    async with await connect(port) as first, await connect(port) as second:
        assert await asked(first, b"1") and await asked(second, b"2")
        async with await connect(port) as third:
            assert await third.receive_some(1) == b""
    assert await admitted(port)


async def admitted(port):
    """Whether there is room again, as soon as the links that ended are gone."""
    while True:
        async with await connect(port) as stream:
            if await asked(stream, b"hello"):
                return True


async def test_one_host_may_not_take_every_place(nursery, framing):
    port = await nursery.start(partial(serve_links, HOST, 0, framing, echo, links_per_host=1))
    async with await connect(port) as first:
        assert await asked(first, b"1")
        with structlog.testing.capture_logs() as lines:
            async with await connect(port) as second:
                assert await second.receive_some(1) == b""
    assert lines[0]["reason"] == "more than 1 links from one host"


async def test_links_in_the_callers_nursery_outlive_the_listener(nursery, framing):
    accepting = trio.CancelScope()

    async def listen(task_status):
        with accepting:
            await serve_links(HOST, 0, framing, echo, nursery=nursery, task_status=task_status)

    port = await nursery.start(listen)
    async with await connect(port) as stream:
        assert await asked(stream, b"before")
        accepting.cancel()
        assert await asked(stream, b"after") == b"after"
        with pytest.raises(OSError):
            while True:  # until the listening socket is closed
                await (await connect(port)).aclose()
                await trio.lowlevel.checkpoint()


async def test_a_port_that_is_taken_is_said_so(framing):
    with await listening_socket(HOST, 0) as taken, pytest.raises(UnavailableError, match=r"cannot listen on .* in use"):
        await serve_links(HOST, taken.getsockname()[1], framing, echo)


async def test_workers_may_share_a_port():
    first = await listening_socket(HOST, 0, reuse_port=True)
    with first, await listening_socket(HOST, first.getsockname()[1], reuse_port=True) as second:
        assert second.getsockname() == first.getsockname()


class SpentListener:
    """A listening socket in a process that has no descriptors left."""

    def accept(self):
        raise OSError(errno.EMFILE, "Too many open files")


async def test_without_descriptors_it_waits_instead_of_dying(framing, nursery):
    door = listener_module._Door(listener_module.PlainEntrance(framing, echo), nursery, 10, 10)
    with structlog.testing.capture_logs() as lines:
        assert [door.admit_from(SpentListener()) for _ in range(3)] == [False] * 3
    assert [line["reason"] for line in lines] == ["cannot accept: Too many open files"]


async def test_a_wake_up_takes_a_bounded_number_of_connections():
    with await listening_socket(HOST, 0) as listener:
        port = listener.getsockname()[1]
        knocking = [socket.create_connection((HOST, port)) for _ in range(listener_module.ACCEPTS_PER_WAKE_UP + 5)]
        first = [sock for sock, _ in accepted(listener)]
        rest = [sock for sock, _ in accepted(listener)]
        for sock in (*knocking, *first, *rest):
            sock.close()
    assert (len(first), len(rest)) == (listener_module.ACCEPTS_PER_WAKE_UP, 5)


async def test_half_closed_after_a_request_still_gets_the_answer(nursery, framing):
    port = await nursery.start(serve_links, HOST, 0, framing, echo)
    async with await connect(port) as stream:
        await stream.send_all(packed(b"hello"))
        await stream.send_eof()
        assert await stream.receive_some(100) == packed(b"hello")
        assert await stream.receive_some(100) == b""
