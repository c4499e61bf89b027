"""The HSM's wires over real sockets: TLS, UDP, ports of LMKs, faults switched on, slow commands, draining."""

import json
import os
import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog
import trio
import trio.testing

from hsm_sim import desk as desk_module
from hsm_sim.command import Answer, Command, done
from hsm_sim.server import Bound, Server, Wires, hex_address
from hsm_sim.settings import Settings
from protocols import pki
from protocols.hsm import LAYOUTS, build_request
from protocols.runtime.tls import Credentials, tls_dial
from tests.hsm_sim.known import GOOD
from tests.hsm_sim.test_server import NC_ANSWER, dial, framed, heard, numbered

HERE = "127.0.0.1"
NOW = datetime.now(UTC)
AUTHORITY = pki.make_authority("test", NOW)


def laid(folder: Path, name: str, authority: pki.Credential = AUTHORITY) -> Credentials:
    """Credentials on disk, as the parties have theirs."""
    folder.mkdir(exist_ok=True)
    made = pki.issue(authority, name, [HERE], NOW)
    (folder / "authority.crt").write_bytes(AUTHORITY.certificate)
    (folder / f"{name}.crt").write_bytes(made.certificate)
    (folder / f"{name}.key").write_bytes(made.key)
    (folder / f"{name}.key").chmod(0o600)
    return Credentials.of(name, folder)


@asynccontextmanager
async def box(stop: trio.Event | None = None, wires: dict | None = None, **settings) -> AsyncIterator[tuple]:
    """A running HSM: the server, and where it listens."""
    server = Server(Settings(**settings), draw=lambda: 0.5)
    async with trio.open_nursery() as nursery:
        bound = await nursery.start(server.run, Wires(HERE, 0, **(wires or {})), stop)
        with trio.fail_after(60):
            yield server, bound
        nursery.cancel_scope.cancel()


async def asked(stream: trio.abc.Stream, *frames: bytes) -> list[bytes]:
    await stream.send_all(framed(*frames))
    return await heard(stream, len(frames))


async def told(bound: Bound, **order: object) -> dict:
    async with await trio.open_tcp_stream(HERE, bound.control) as stream:
        await stream.send_all(json.dumps(order).encode() + b"\n")
        answer = b""
        while not answer.endswith(b"\n"):
            answer += bytes(await stream.receive_some())
    return dict(json.loads(answer))


# --- the same everywhere


async def test_the_same_question_has_the_same_answer_over_tcp_udp_and_tls(tmp_path: Path) -> None:
    credentials = laid(tmp_path, "hsm")
    client = laid(tmp_path, "switch")
    questions = [build_request(code, b"0001", **GOOD[code]) for code in ("NC", "CC", "CW", "B2")]
    questions += [b"0001ZZ", b"0001NC%99", b"0001NC\x19\x00\x19\xff"]
    async with box(wires={"udp": True, "tls": (HERE, 0), "credentials": credentials}) as (_, bound):
        async with await dial(bound.tcp) as stream:
            over_tcp = await asked(stream, *questions)
        async with await tls_dial(client, "hsm")(HERE, bound.tls) as stream:
            over_tls = await asked(stream, *questions)
        over_udp = [await asked_by_datagram(bound.udp, question) for question in questions]
    assert over_tcp == over_tls == over_udp
    assert over_tcp[0] == b"0001" + NC_ANSWER


async def asked_by_datagram(port: int, frame: bytes) -> bytes | None:
    """The answer's frame; None when there is none within a moment."""
    with trio.socket.socket(trio.socket.AF_INET, trio.socket.SOCK_DGRAM) as sock:
        await sock.sendto(framed(frame), (HERE, port))
        with trio.move_on_after(5):
            data, _ = await sock.recvfrom(65535)
            assert int.from_bytes(data[:2], "big") == len(data) - 2
            return bytes(data[2:])
    return None


async def test_udp_drops_what_is_no_frame_and_answers_the_next() -> None:
    async with box(wires={"udp": True}) as (server, bound):
        with (
            trio.socket.socket(trio.socket.AF_INET, trio.socket.SOCK_DGRAM) as sock,
            structlog.testing.capture_logs() as logs,
        ):
            for noise in (b"", b"\x00", b"\x00\x07four", b"\x00\x050001N", os.urandom(300)):
                await sock.sendto(noise, (HERE, bound.udp))
            await sock.sendto(framed(b"0002NC"), (HERE, bound.udp))
            data, _ = await sock.recvfrom(65535)
        assert data == framed(b"0002" + NC_ANSWER)
        assert server.figures.traffic.broken_received == 5
        assert {line["event"] for line in logs} == {"datagram dropped"}


async def test_a_tls_client_without_a_certificate_or_with_a_strangers_is_refused_and_others_do_not_notice(
    tmp_path: Path,
) -> None:
    credentials, client = laid(tmp_path / "a", "hsm"), laid(tmp_path / "a", "switch")
    stranger = laid(tmp_path / "b", "switch", pki.make_authority("elsewhere", NOW))
    async with (
        box(wires={"tls": (HERE, 0), "credentials": credentials}) as (_, bound),
        await tls_dial(client, "hsm")(HERE, bound.tls) as known,
        await dial(bound.tcp) as plain,
    ):
        assert await asked(known, b"0001NC") == [b"0001" + NC_ANSWER]
        assert await is_refused(stranger, bound.tls)
        assert await is_refused(None, bound.tls)
        assert await asked(known, b"0002NC") == [b"0002" + NC_ANSWER]
        assert await asked(plain, b"0003NC") == [b"0003" + NC_ANSWER]
        await trio.testing.wait_all_tasks_blocked()


async def is_refused(credentials: Credentials | None, port: int) -> bool:
    """In TLS 1.3 a dialler learns it by the first thing it reads."""
    import ssl

    if credentials is None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    else:
        context = credentials.dialling
    stream = trio.SSLStream(
        await trio.open_tcp_stream(HERE, port), context, server_hostname="hsm", https_compatible=True
    )
    try:
        await stream.send_all(framed(b"0009NC"))
        return await stream.receive_some() == b""
    except trio.BrokenResourceError:
        return True
    finally:
        await trio.aclose_forcefully(stream)


async def test_nothing_but_tls_is_spoken_on_the_tls_port(tmp_path: Path) -> None:
    async with (
        box(wires={"tls": (HERE, 0), "credentials": laid(tmp_path, "hsm")}) as (_, bound),
        await dial(bound.tls) as stream,
    ):
        await stream.send_all(framed(b"0001NC"))
        assert NC_ANSWER not in bytes(await stream.receive_some())


# --- bounds


async def test_two_hundred_connections_in_turn_leak_no_descriptor() -> None:
    async with box(connections=4) as (server, bound):
        for turn in range(200):
            async with await dial(bound.tcp) as stream:
                assert len(await asked(stream, b"0001NC")) == 1
            if turn == 10:
                await trio.testing.wait_all_tasks_blocked()
                before = len(os.listdir("/proc/self/fd"))
        await trio.testing.wait_all_tasks_blocked()
        assert len(os.listdir("/proc/self/fd")) <= before + 2
        assert len(server.figures.connections) == 0


async def test_all_doors_share_one_bound(tmp_path: Path) -> None:
    credentials, client = laid(tmp_path, "hsm"), laid(tmp_path, "switch")
    async with (
        box(connections=1, wires={"tls": (HERE, 0), "credentials": credentials}) as (server, bound),
        await tls_dial(client, "hsm")(HERE, bound.tls) as first,
    ):
        assert len(await asked(first, b"0001NC")) == 1
        async with await dial(bound.tcp) as second:
            assert await heard(second, 1) == []
        assert server.figures.traffic.refused_connections == 1


async def test_the_129th_connection_is_closed_and_the_log_says_why_and_a_place_is_free_again() -> None:
    async with box() as (server, bound), AsyncExitStack() as stack:
        streams = [await stack.enter_async_context(await dial(bound.tcp)) for _ in range(128)]
        for stream in streams:
            assert await asked(stream, b"0001NC") == [b"0001" + NC_ANSWER]
        with structlog.testing.capture_logs() as logs:
            async with await dial(bound.tcp) as one_too_many:
                assert await heard(one_too_many, 1) == []
        assert [line["reason"] for line in logs if "reason" in line] == ["more than 128 links"]
        assert await asked(streams[0], b"0002NC") == [b"0002" + NC_ANSWER]
        await streams[0].aclose()
        while len(server.figures.connections) > 127:
            await trio.lowlevel.checkpoint()
        async with await dial(bound.tcp) as the_next:
            assert await asked(the_next, b"0001NC") == [b"0001" + NC_ANSWER]


async def test_a_connection_that_says_nothing_for_too_long_is_closed() -> None:
    async with box(idle_s=0.05) as (_, bound), await dial(bound.tcp) as stream:
        assert await asked(stream, b"0001NC") == [b"0001" + NC_ANSWER]
        assert await heard(stream, 1) == []


async def test_a_port_of_its_own_selects_the_lmk_and_another_in_the_request_is_13() -> None:
    async with box(port_selects_lmk=True) as (_, bound):
        assert set(bound.lmks) == {"00", "01", "02"}
        async with await dial(bound.lmks["01"]) as stream:
            own, same, other = await asked(stream, b"0001NC", b"0002NC%01", b"0003NC%00")
        assert own[6:] == same[6:] == b"008E0EC000000000001500-0023"
        assert other == b"0003ND13"


async def test_a_long_batch_lets_the_others_have_their_turn() -> None:
    async with box() as (_, bound), await dial(bound.tcp) as greedy, await dial(bound.tcp) as modest:
        headers = numbered(2000)
        await greedy.send_all(framed(*[header + b"NC" for header in headers]))
        assert await asked(modest, b"0001NC") == [b"0001" + NC_ANSWER]
        assert await heard(greedy, 2000) == [header + NC_ANSWER for header in headers]


async def test_random_bytes_never_stop_it_nor_reach_a_log() -> None:
    marker = b"4111111111111111"
    with structlog.testing.capture_logs() as logs:
        async with box(wires={"udp": True}) as (_, bound):
            for seed in range(20):
                noise = os.urandom(40 + seed * 7) + marker + os.urandom(100)
                async with await dial(bound.tcp) as stream:
                    await stream.send_all(framed(b"0001" + noise, noise) + noise)
                    await stream.send_eof()
                    try:
                        while await stream.receive_some():
                            pass
                    except trio.BrokenResourceError:
                        pass
                await asked_by_datagram(bound.udp, b"0001" + noise)
            async with await dial(bound.tcp) as stream:
                assert await asked(stream, b"0001NC") == [b"0001" + NC_ANSWER]
    assert marker.decode() not in repr(logs)
    assert not [line for line in logs if line["event"] == "defect"]


# --- slow commands


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """B2 takes until the event is set, in a thread."""
    gate = threading.Event()

    def answer(request, keys, randomness) -> Answer:
        assert gate.wait(60)
        return done(data=request.fields["data"])

    commands = {**desk_module.COMMANDS, "B2": Command(LAYOUTS["B2"], answer, slow=True)}
    monkeypatch.setattr(desk_module, "COMMANDS", commands)
    return gate


async def test_a_slow_command_holds_up_its_own_connection_in_order_and_no_other(slow: threading.Event) -> None:
    async with box() as (_, bound), await dial(bound.tcp) as first, await dial(bound.tcp) as second:
        await first.send_all(framed(b"0001NC", b"0002B20001x", b"0003NC"))
        assert await heard(first, 1) == [b"0001" + NC_ANSWER]
        assert await asked(second, b"0004NC") == [b"0004" + NC_ANSWER]
        slow.set()
        assert await heard(first, 2) == [b"0002B300x", b"0003" + NC_ANSWER]


async def test_told_to_stop_it_finishes_what_is_in_hand(slow: threading.Event) -> None:
    stop = trio.Event()
    async with box(stop) as (_, bound), await dial(bound.tcp) as stream:
        await stream.send_all(framed(b"0001NC", b"0002B20001x", b"0003NC"))
        assert await heard(stream, 1) == [b"0001" + NC_ANSWER]
        stop.set()
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(OSError):
            await dial(bound.tcp)
        slow.set()
        assert await heard(stream, 3) == [b"0002B300x", b"0003" + NC_ANSWER]


# --- faults on purpose


async def test_a_fault_is_switched_on_for_one_command_and_off_again() -> None:
    async with box(wires={"control_port": 0}) as (_, bound), await dial(bound.tcp) as stream:
        assert (await told(bound, do="set", command="NC", fault="error", code="39"))["ok"]
        with structlog.testing.capture_logs() as logs:
            assert await asked(stream, b"0001NC", b"0002B20001x") == [b"0001ND39", b"0002B300x"]
        assert [line["event"] for line in logs] == ["fault on purpose"]
        assert (await told(bound, do="show"))["struck"] == {"NC error": 1}
        assert (await told(bound, do="clear", command="NC"))["cleared"] == 1
        assert await asked(stream, b"0003NC") == [b"0003" + NC_ANSWER]


async def test_every_kind_of_fault_does_what_it_says() -> None:
    async with box(wires={"control_port": 0}) as (server, bound):
        async with await dial(bound.tcp) as stream:
            await told(bound, do="set", command="NC", fault="disable")
            assert await asked(stream, b"0001NC") == [b"0001ND68"]
            await told(bound, do="clear")
            await told(bound, do="set", command="NC", fault="drop", count=1)
            await stream.send_all(framed(b"0001NC", b"0002NC"))
            assert await heard(stream, 1) == [b"0002" + NC_ANSWER]
            await told(bound, do="set", command="*", fault="delay", ms=80)
            began = trio.current_time()
            assert await asked(stream, b"0003NC", b"0004NC") == [b"0003" + NC_ANSWER, b"0004" + NC_ANSWER]
            assert trio.current_time() - began >= 0.16
            await told(bound, do="clear")
            await told(bound, do="set", command="NC", fault="freeze")
            await stream.send_all(framed(b"0005NC", b"0006B20001x"))
            with trio.move_on_after(0.05) as silence:
                await heard(stream, 1)
            assert silence.cancelled_caught
            await told(bound, do="clear")
            assert await heard(stream, 2) == [b"0005" + NC_ANSWER, b"0006B300x"]
            await told(bound, do="set", command="NC", fault="close")
            await stream.send_all(framed(b"0007B20001x", b"0008NC", b"0009NC"))
            assert await heard(stream, 3) == [b"0007B300x"]
        assert server.faults.struck[("NC", "close")] == 1


async def test_a_tampered_box_says_so_and_has_no_keys_until_it_is_restored() -> None:
    async with box(wires={"control_port": 0}) as (server, bound), await dial(bound.tcp) as stream:
        cc = build_request("CC", b"0002", **GOOD["CC"])
        await told(bound, do="tamper", cause="07")
        nc, translated, state, health = await asked(stream, b"0001NC", cc, b"0003JK", b"0004J8")
        assert (nc, translated) == (b"0001ND13", b"0002CD13")
        assert b"207" in state and health[4:8] == b"J900"
        assert server.figures.tampers == 1
        await told(bound, do="restore")
        assert (await asked(stream, cc))[0][4:8] == b"CD00"


async def test_the_control_port_refuses_what_is_no_order() -> None:
    async with box(wires={"control_port": 0}) as (server, bound):
        for order in (
            {"do": "dance"},
            {"do": "set", "command": "CC", "fault": "rain"},
            {"do": "set", "command": "C", "fault": "drop"},
            {"do": "set", "command": "CC", "fault": "error", "rate": 2},
            {"do": "set", "command": "CC", "fault": "error", "pin": "1234"},
            {"do": "authorise", "lmk": "77"},
        ):
            assert not (await told(bound, **order))["ok"], order
        async with await trio.open_tcp_stream(HERE, bound.control) as stream:
            await stream.send_all(b"POST / HTTP/1.1\r\n" + b'{"do": "tamper"}\n')
            told_once = bytes(await stream.receive_some())
            assert b"not JSON" in told_once
            assert b"tampered" not in told_once
        assert server.figures.tampered is None


async def test_lg_delays_and_ra_leaves_the_authorised_state() -> None:
    async with box(wires={"control_port": 0}) as (_, bound), await dial(bound.tcp) as stream:
        pin = build_request("BA", b"0002", **GOOD["BA"])
        assert (await asked(stream, b"0001RA", pin)) == [b"0001RB00", b"0002BB17"]
        await told(bound, do="authorise")
        assert (await asked(stream, pin))[0][:8] == b"0002BB00"
        assert await asked(stream, b"0001LG030") == [b"0001LH00"]
        began = trio.current_time()
        assert len(await asked(stream, b"0001NC")) == 1
        assert trio.current_time() - began >= 0.03
        assert await asked(stream, b"0001LG000") == [b"0001LH00"]
        assert not (await told(bound, do="show"))["faults"]


# --- what is told


async def test_the_audit_log_names_command_lmk_check_value_and_result_and_no_key() -> None:
    with structlog.testing.capture_logs() as logs:
        async with box() as (_, bound), await dial(bound.tcp) as stream:
            made = await asked(stream, build_request("A0", b"0001", lmk_id="00", **GOOD["A0"]), b"0002NC")
    (line,) = [line for line in logs if line["event"] == "audit"]
    assert (line["command"], line["lmk"], line["result"]) == ("A0", "00", "00")
    assert line["key_check_value"] == made[0][-6:].decode()
    assert made[0][8:41].decode() not in repr(logs)


def test_addresses_are_told_as_ipv4() -> None:
    assert hex_address("::ffff:10.0.0.1") == "0A000001"


@pytest.mark.parametrize("length", [0, 4, 12, 255])
async def test_header_and_trailer_come_back_byte_for_byte(length: int) -> None:
    header, trailer = bytes(range(256))[:length], b"\x00\x19%99"
    async with box(header_length=length) as (_, bound), await dial(bound.tcp) as stream:
        assert await asked(stream, header + b"NC\x19" + trailer) == [header + NC_ANSWER + b"\x19" + trailer]
