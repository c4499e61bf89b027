"""The server over real sockets: any cut of the stream, many frames in one segment, too many connections, bad frames."""

import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest
import structlog
import trio
import trio.testing

from hsm_sim.server import serve
from hsm_sim.settings import Settings
from protocols.framing import framing_named
from protocols.hsm import FRAME_MAX, build_request
from tests.hsm_sim.known import BLOCK_UNDER_K2, GOOD, K1_ZPK

NC_ANSWER = b"ND0026860400000000001500-0023"


def framed(*frames: bytes) -> bytes:
    return b"".join(struct.pack(">H", len(frame)) + frame for frame in frames)


def numbered(count: int) -> list[bytes]:
    return [b"%04d" % n for n in range(count)]


@asynccontextmanager
async def hsm(**settings) -> AsyncIterator[int]:
    async with trio.open_nursery() as nursery:
        port = await nursery.start(partial(serve, Settings(**settings), host="127.0.0.1", port=0))
        with trio.fail_after(60):
            yield port
        nursery.cancel_scope.cancel()


async def dial(port: int) -> trio.SocketStream:
    return await trio.open_tcp_stream("127.0.0.1", port)


async def heard(stream: trio.abc.ReceiveStream, count: int) -> list[bytes]:
    """So many answers; fewer when the stream ends before."""
    framer = framing_named("len2").framer()
    frames: list[bytes] = []
    while len(frames) < count:
        data = await stream.receive_some(65536)
        if not data:
            break
        frames += framer.feed(bytes(data))
    return frames


async def test_a_frame_cut_at_every_byte_is_answered() -> None:
    request = framed(b"0001NC")
    async with hsm() as port, await dial(port) as stream:
        for cut in range(1, len(request)):
            await stream.send_all(request[:cut])
            await trio.testing.wait_all_tasks_blocked()
            await stream.send_all(request[cut:])
            assert await heard(stream, 1) == [b"0001" + NC_ANSWER]


async def test_fifty_frames_in_one_segment_get_fifty_answers_in_order() -> None:
    headers = numbered(50)
    async with hsm() as port, await dial(port) as stream:
        await stream.send_all(framed(*[header + b"NC" for header in headers]))
        assert await heard(stream, 50) == [header + NC_ANSWER for header in headers]


async def test_an_answer_comes_in_one_piece() -> None:
    """Common clients do a single receive."""
    async with hsm() as port, await dial(port) as stream:
        for _ in range(20):
            await stream.send_all(framed(b"0001NC"))
            assert await stream.receive_some(65536) == framed(b"0001" + NC_ANSWER)


async def test_pin_blocks_are_translated_for_many_clients_at_once() -> None:
    async with hsm() as port:

        async def client() -> None:
            async with await dial(port) as stream:
                headers = numbered(20)
                await stream.send_all(framed(*[build_request("CC", header, **GOOD["CC"]) for header in headers]))
                expected = b"CD0004" + BLOCK_UNDER_K2.encode() + b"01"
                assert await heard(stream, 20) == [header + expected for header in headers]

        async with trio.open_nursery() as nursery:
            for _ in range(8):
                nursery.start_soon(client)


async def test_a_frame_too_short_closes_the_link_after_the_answers_before_it() -> None:
    async with hsm() as port, await dial(port) as stream, await dial(port) as other:
        with structlog.testing.capture_logs() as logs:
            await stream.send_all(framed(b"0001NC", b"0002N", b"0003NC"))
            assert await heard(stream, 3) == [b"0001" + NC_ANSWER]
        assert [line["reason"] for line in logs if line["log_level"] == "warning"] == [
            "request shorter than its header and command"
        ]
        await other.send_all(framed(b"0004NC"))
        assert await heard(other, 1) == [b"0004" + NC_ANSWER]


async def test_a_frame_longer_than_the_largest_buffer_closes_its_link_and_no_other() -> None:
    async with hsm() as port, await dial(port) as stream, await dial(port) as other:
        with structlog.testing.capture_logs() as logs:
            await stream.send_all(framed(b"0001NC") + struct.pack(">H", FRAME_MAX + 1) + b"0002B2")
            assert await heard(stream, 2) == [b"0001" + NC_ANSWER]
        assert sum(line["log_level"] == "warning" for line in logs) == 1
        await other.send_all(framed(b"0003B20000", b"0004NC"))
        assert await heard(other, 2) == [b"0003B300", b"0004" + NC_ANSWER]


async def test_a_field_of_ten_thousand_bytes_is_answered_and_the_link_stays() -> None:
    async with hsm() as port, await dial(port) as stream:
        await stream.send_all(framed(b"0001CW" + b"9" * 9_999, b"0002B2270F" + b"x" * 9_999, b"0003NC"))
        first, second, third = await heard_long(stream, 3)
        assert first == b"0001CX15"
        assert second == b"0002B300" + b"x" * 9_999
        assert third == b"0003" + NC_ANSWER


async def heard_long(stream: trio.abc.ReceiveStream, count: int) -> list[bytes]:
    framer = framing_named("len2", longest=32 * 1024).framer()
    frames: list[bytes] = []
    while len(frames) < count:
        frames += framer.feed(bytes(await stream.receive_some(65536)))
    return frames


async def test_one_connection_too_many_is_closed_with_a_reason() -> None:
    async with hsm(connections=2) as port, await dial(port) as first, await dial(port) as second:
        for stream in (first, second):
            await stream.send_all(framed(b"0001NC"))
            await heard(stream, 1)
        with structlog.testing.capture_logs() as logs:
            async with await dial(port) as third:
                assert await heard(third, 1) == []
        assert ["more than 2 links" in line["reason"] for line in logs] == [True]
        await first.send_all(framed(b"0002NC"))
        assert len(await heard(first, 1)) == 1


async def test_two_hundred_connections_in_turn_leak_nothing() -> None:
    async with hsm(connections=1) as port:
        for _ in range(200):
            async with await dial(port) as stream:
                await stream.send_all(framed(b"0001NC"))
                await stream.send_eof()
                assert await heard(stream, 2) == [b"0001" + NC_ANSWER]


async def test_the_log_counts_and_shows_no_field() -> None:
    with structlog.testing.capture_logs() as logs:
        async with hsm() as port, await dial(port) as stream:
            pin = build_request("BA", b"0001", **GOOD["BA"])
            await stream.send_all(framed(pin, build_request("CC", b"0002", **GOOD["CC"]), b"0003ZZ4111111111111111"))
            await heard(stream, 3)
    assert [line["counts"] for line in logs if "counts" in line] == [{"BA 00": 1, "CC 00": 1, "unknown 68": 1}]
    for secret in ("1234F", K1_ZPK, "4111111111111111"):
        assert secret not in repr(logs)


async def test_a_defect_is_logged_by_its_place_and_nothing_else() -> None:
    def broken(count: int) -> bytes:
        raise ZeroDivisionError("PIN 1234")

    with structlog.testing.capture_logs() as logs:
        async with trio.open_nursery() as nursery:
            port = await nursery.start(partial(serve, Settings(), host="127.0.0.1", port=0, randomness=broken))
            with trio.fail_after(60):
                async with await dial(port) as stream:
                    asked = {**GOOD["CC"], "destination_format": "47"}
                    await stream.send_all(framed(build_request("CC", b"0001", **asked), b"0002NC"))
                    assert await heard(stream, 2) == [b"0001CD41", b"0002" + NC_ANSWER]
            nursery.cancel_scope.cancel()
    (line,) = [line for line in logs if line["event"] == "defect"]
    assert (line["command"], line["error"]) == ("CC", "ZeroDivisionError")
    assert "1234" not in repr(line)


@pytest.mark.parametrize("length", [0, 12])
async def test_the_header_length_is_a_setting(length: int) -> None:
    async with hsm(header_length=length) as port, await dial(port) as stream:
        header = bytes(range(length))
        await stream.send_all(framed(header + b"NC"))
        assert await heard(stream, 1) == [header + NC_ANSWER]
