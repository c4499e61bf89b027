"""Mutual TLS: the certificate says who is there, and whoever has no good one is told so and kept out."""

from __future__ import annotations

import random
import signal
import socket
import ssl
import warnings
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
import structlog.testing
import trio
import trio.testing

from protocols import pki
from protocols.framing import Framing, framing_named
from protocols.runtime import tls as tls_module
from protocols.runtime.dialer import keep_dialled
from protocols.runtime.exits import ConfigurationError
from protocols.runtime.link import Link
from protocols.runtime.listener import Guest, NotWelcomeError, TlsEntrance, serve, serve_links
from protocols.runtime.tls import Credentials, HandshakeError, keep_current, tls_dial, wrapped

HOST = "127.0.0.1"
NOW = datetime.now(UTC)
AUTHORITY = pki.make_authority("Gulf", NOW)
LEN2 = framing_named("len2")
PLAIN_ECHO = bytes.fromhex("001C") + b"0800822000000000000004000000"


def lay(folder: Path, name: str, one: pki.Credential, authority: pki.Credential = AUTHORITY) -> Credentials:
    """A party's files in a folder of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "authority.crt").write_bytes(authority.certificate)
    (folder / f"{name}.crt").write_bytes(one.certificate)
    (folder / f"{name}.key").touch(mode=0o600)
    (folder / f"{name}.key").write_bytes(one.key)
    return Credentials.of(name, folder)


def issued(name: str) -> pki.Credential:
    return pki.issue(AUTHORITY, name, [HOST], NOW)


@pytest.fixture(scope="module")
def switch(tmp_path_factory: pytest.TempPathFactory) -> Credentials:
    return lay(tmp_path_factory.mktemp("switch"), "switch", issued("switch"))


@pytest.fixture(scope="module")
def comtrust(tmp_path_factory: pytest.TempPathFactory) -> Credentials:
    return lay(tmp_path_factory.mktemp("comtrust"), "comtrust", issued("comtrust"))


class Tally(Counter[str]):
    """A count that can be waited for."""

    def __init__(self) -> None:
        super().__init__()
        self._changed = trio.Event()

    def __setitem__(self, reason: str, count: int) -> None:
        super().__setitem__(reason, count)
        self._changed.set()
        self._changed = trio.Event()

    async def reach(self, count: int) -> None:
        while self.total() < count:
            await self._changed.wait()


class Port:
    """A port with an entrance that echoes to comtrust, behind its name, and to nobody else."""

    def __init__(self, credentials: Credentials) -> None:
        self.refusals = Tally()
        self.entrance = TlsEntrance(credentials, self.guest, self.refusals)
        self.number = 0

    def guest(self, name: str) -> Guest:
        if name != "comtrust":
            raise NotWelcomeError("its certificate names no gateway")
        return LEN2, partial(self.echo, name)

    async def echo(self, name: str, link: Link) -> None:
        while frames := await link.receive():
            link.send([name.encode() + b" said " + frame for frame in frames])

    async def refusal(self, count: int = 1) -> str:
        """The one reason for which so many were refused."""
        await self.refusals.reach(count)
        (reason,) = self.refusals
        return reason


@pytest.fixture
async def port(nursery: trio.Nursery, switch: Credentials) -> Port:
    made = Port(switch)
    made.number = await nursery.start(serve, HOST, 0, made.entrance)
    return made


async def asked(stream: trio.abc.Stream, text: bytes) -> bytes:
    await stream.send_all(LEN2.pack(text))
    return bytes(await stream.receive_some(1000))[2:]


async def dialled(port: Port, credentials: Credentials, peer: str = "switch") -> trio.abc.Stream:
    stream = await tls_dial(credentials, peer)(HOST, port.number)
    assert isinstance(stream, trio.abc.Stream)
    return stream


async def shaken(port: Port, context: ssl.SSLContext) -> None:
    """A stranger's attempt, to its end: a handshake that fails, or a link that ends at once."""
    tcp = await trio.open_tcp_stream(HOST, port.number)
    stream = trio.SSLStream(tcp, context, server_hostname="switch")
    try:
        await stream.do_handshake()
        assert await stream.receive_some(1) == b""
    except trio.BrokenResourceError:
        pass
    finally:
        await trio.aclose_forcefully(stream)


async def test_the_certificate_names_who_is_there(port: Port, comtrust: Credentials) -> None:
    async with await dialled(port, comtrust) as stream:
        assert await asked(stream, b"hello") == b"comtrust said hello"
    assert not port.refusals


def stranger(credentials: Credentials | None = None, **settings: object) -> ssl.SSLContext:
    """A client that trusts our authority and shows what it has: nothing, unless credentials are given."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=AUTHORITY.certificate.decode())
    for name, value in settings.items():
        setattr(context, name, value)
    if credentials is not None:
        certificate, key, _ = credentials._files
        context.load_cert_chain(certificate, key)
    return context


FOREIGN = pki.make_authority("Gulf", NOW)
LONG_AGO = NOW - timedelta(days=100)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize(
    ("shown", "reason"),
    [
        (None, "it has no certificate"),
        (pki.issue(FOREIGN, "comtrust", [], NOW), "its certificate is not of our authority"),
        (pki.make_authority("comtrust", NOW), "its certificate is not of our authority"),
        (pki.issue(AUTHORITY, "comtrust", [], LONG_AGO), "its certificate has expired"),
        (pki.issue(AUTHORITY, "comtrust", [], NOW + timedelta(days=1)), "its certificate is not valid yet"),
        (issued("sandbox"), "its certificate names no gateway"),
    ],
    ids=["missing", "foreign", "self-signed", "expired", "early", "wrong"],
)
async def test_a_bad_certificate_is_refused_with_a_reason_and_nobody_else_notices(
    port: Port,
    comtrust: Credentials,
    tmp_path: Path,
    shown: pki.Credential | None,
    reason: str,
    version: ssl.TLSVersion,
) -> None:
    async with await dialled(port, comtrust) as good:
        assert await asked(good, b"before") == b"comtrust said before"
        credentials = None if shown is None else lay(tmp_path, "stranger", shown)
        with structlog.testing.capture_logs() as lines:
            for _ in range(3):
                await shaken(port, stranger(credentials, maximum_version=version))
            assert await port.refusal(3) == reason
        assert {(line["event"], line["reason"]) for line in lines} == {("TLS refused", reason)}
        assert await asked(good, b"after") == b"comtrust said after"


async def test_tls_before_1_2_is_refused(port: Port, comtrust: Credentials) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context = stranger(comtrust, minimum_version=ssl.TLSVersion.TLSv1, maximum_version=ssl.TLSVersion.TLSv1_1)
    context.set_ciphers("ALL:@SECLEVEL=0")
    await shaken(port, context)
    assert await port.refusal() == "it speaks no TLS of version 1.2 or later"


@pytest.mark.parametrize(
    "data", [PLAIN_ECHO, b"GET / HTTP/1.1\r\n\r\n", b"SSH-2.0-x\r\n", bytes(64)], ids=["plain", "http", "ssh", "zeros"]
)
async def test_what_is_not_tls_ends_at_the_handshake(port: Port, data: bytes) -> None:
    async with await trio.open_tcp_stream(HOST, port.number) as stream:
        await stream.send_all(data)
        while await stream.receive_some():  # an alert at most
            pass
    assert await port.refusal() == "what it sends is not TLS"


async def test_whoever_says_nothing_is_let_go(port: Port, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls_module, "HANDSHAKE_TIMEOUT_S", 0.05)
    async with await trio.open_tcp_stream(HOST, port.number) as stream:
        assert await stream.receive_some() == b""
    assert await port.refusal() == "no handshake within 0.05 s"


async def test_whoever_leaves_in_the_middle_costs_nothing(port: Port, comtrust: Credentials) -> None:
    stream = await trio.open_tcp_stream(HOST, port.number)
    await stream.send_all(b"\x16\x03\x01")
    await stream.aclose()
    assert await port.refusal() == "it hung up during the handshake"
    async with await dialled(port, comtrust) as stream:
        assert await asked(stream, b"hello") == b"comtrust said hello"


async def test_a_certificate_with_two_names_names_nobody(port: Port, comtrust: Credentials) -> None:
    assert tls_module.common_names({"subject": ((("commonName", "a"),), (("commonName", "b"),))}) == ["a", "b"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tls_module, "common_names", lambda certificate: ["a", "b"])
        await shaken(port, stranger(comtrust))
    assert await port.refusal() == "its certificate has 2 common names, where one says who it is"


async def test_a_resumed_session_does_not_outlive_its_certificate(
    port: Port, comtrust: Credentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In TLS 1.2 a client may come back without showing it."""
    context = stranger(comtrust, maximum_version=ssl.TLSVersion.TLSv1_2)

    def ask(session: ssl.SSLSession | None) -> tuple[ssl.SSLSession | None, bytes]:
        connection = socket.create_connection((HOST, port.number), 5)
        with context.wrap_socket(connection, server_hostname="switch", session=session) as secured:
            assert secured.session_reused is (session is not None)
            secured.sendall(LEN2.pack(b"hello"))
            heard = secured.recv(100)
            with suppress(OSError):
                secured.unwrap()  # without a farewell the session is forgotten
            return secured.session, heard

    session, heard = await trio.to_thread.run_sync(ask, None)
    assert heard
    assert (await trio.to_thread.run_sync(ask, session))[1] == heard
    later = NOW + pki.CERTIFICATE_LASTS + timedelta(seconds=1)
    monkeypatch.setattr(tls_module.time, "time", later.timestamp)
    with suppress(ConnectionError):
        assert (await trio.to_thread.run_sync(ask, session))[1] == b""
    assert await port.refusal() == "its certificate has expired"


# --- whoever dials


async def test_a_dialler_wants_the_right_name(port: Port, comtrust: Credentials) -> None:
    with pytest.raises(HandshakeError, match="its certificate names somebody else"):
        await dialled(port, comtrust, peer="nbk")
    # The alert tells the other side too.
    assert await port.refusal() == "it refuses our certificate"


async def test_a_dialler_wants_an_answerer_of_its_own_authority(port: Port, tmp_path: Path) -> None:
    elsewhere = lay(tmp_path, "comtrust", pki.issue(FOREIGN, "comtrust", [], NOW), FOREIGN)
    with pytest.raises(HandshakeError, match="its certificate is not of our authority"):
        await dialled(port, elsewhere)


async def test_a_dialler_that_finds_no_tls_says_so(nursery: trio.Nursery, comtrust: Credentials) -> None:
    async def echo(link: Link) -> None:
        await link.receive()

    number = await nursery.start(serve_links, HOST, 0, LEN2, echo)
    with pytest.raises(HandshakeError, match=r"hung up during the handshake|is not TLS"):
        await tls_dial(comtrust, "switch")(HOST, number)


Handler = Callable[[Link], Awaitable[None]]


def keep(
    port: Port, credentials: Credentials, handler: Handler, framing: Framing = LEN2
) -> Callable[[], Awaitable[None]]:
    dial = tls_dial(credentials, "switch")
    at = (HOST, port.number)
    return lambda: keep_dialled(at, framing, handler, name="switch", random=random.Random(1), dial=dial)


async def test_a_dialled_link_is_a_link_like_any_other(
    nursery: trio.Nursery, port: Port, comtrust: Credentials
) -> None:
    heard = trio.Event()

    async def ask(link: Link) -> None:
        link.send([b"one", b"two"])
        told = await link.receive()
        while len(told) < 2:
            told += await link.receive()
        assert told == [b"comtrust said one", b"comtrust said two"]
        heard.set()

    nursery.start_soon(keep(port, comtrust, ask))
    await heard.wait()


async def test_a_dialler_whose_certificate_is_refused_hears_why(
    nursery: trio.Nursery, port: Port, tmp_path: Path
) -> None:
    """In TLS 1.3 its handshake went well: it hears of it with the first thing that it reads."""
    expired = lay(tmp_path, "comtrust", pki.issue(AUTHORITY, "comtrust", [], LONG_AGO))
    closed: list[str | None] = []
    over = trio.Event()

    async def listen(link: Link) -> None:
        assert await link.receive() == []
        closed.append(link.close_reason)
        over.set()

    nursery.start_soon(keep(port, expired, listen))
    await over.wait()
    assert closed == ["receiving failed: it refuses our certificate: expired"]


async def test_a_blocking_socket_asks_one_question(port: Port, comtrust: Credentials) -> None:
    def ask() -> bytes:
        with wrapped(socket.create_connection((HOST, port.number), 5), comtrust, "switch") as connection:
            connection.sendall(LEN2.pack(b"hello"))
            return connection.recv(100)[2:]

    assert await trio.to_thread.run_sync(ask) == b"comtrust said hello"


# --- files


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nbk\.crt, which is not there: `payswitch pki init` makes it"):
        Credentials.of("nbk", tmp_path)


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    lay(tmp_path, "nbk", issued("nbk"))
    (tmp_path / "nbk.key").chmod(0o640)
    with pytest.raises(ConfigurationError, match="must have mode 0600"):
        Credentials.of("nbk", tmp_path)


@pytest.mark.parametrize("file", ["nbk.crt", "nbk.key", "authority.crt"])
def test_a_damaged_file_is_named_and_not_shown(tmp_path: Path, file: str) -> None:
    lay(tmp_path, "nbk", issued("nbk"))
    (tmp_path / file).write_text("rubbish")
    with pytest.raises(ConfigurationError, match=file) as caught:
        Credentials.of("nbk", tmp_path)
    assert "rubbish" not in str(caught.value)


def test_a_key_of_another_certificate_is_refused(tmp_path: Path) -> None:
    one, other = issued("nbk"), issued("nbk")
    with pytest.raises(ConfigurationError, match="mismatch"):
        lay(tmp_path, "nbk", pki.Credential(one.certificate, other.key))


async def test_renewed_certificates_are_shown_from_the_next_link_on(
    nursery: trio.Nursery, comtrust: Credentials, tmp_path: Path
) -> None:
    """As for SIGHUP, whose handling is one line more."""
    one = issued("switch")
    port = Port(lay(tmp_path, "switch", one))
    port.number = await nursery.start(serve, HOST, 0, port.entrance)

    async def serial() -> object:
        stream = await tls_dial(comtrust, "switch")(HOST, port.number)
        async with stream:
            return stream.getpeercert()["serialNumber"]

    first = await serial()
    (tmp_path / "switch.crt").write_bytes(pki.renewed(AUTHORITY, one.certificate, NOW))
    assert await serial() == first
    port.entrance._credentials.reload()
    second = await serial()
    assert second != first
    (tmp_path / "switch.crt").write_text("rubbish")
    with pytest.raises(ConfigurationError):
        port.entrance._credentials.reload()
    assert await serial() == second


class Reloaded(Credentials):
    """Tells when it was told to read its files again."""

    def __init__(self, *files: Path) -> None:
        super().__init__(*files)
        self.told = trio.Event()

    def reload(self) -> None:
        self.told.set()
        super().reload()


@pytest.mark.parametrize(("damaged", "says"), [(False, "certificates reloaded"), (True, "certificates not reloaded")])
async def test_a_hangup_is_the_signal_to_reload(
    nursery: trio.Nursery, tmp_path: Path, damaged: bool, says: str
) -> None:
    credentials = Reloaded(*lay(tmp_path, "switch", issued("switch"))._files)
    nursery.start_soon(keep_current, credentials)
    await trio.testing.wait_all_tasks_blocked()
    if damaged:
        (tmp_path / "switch.crt").unlink()
    with structlog.testing.capture_logs() as lines:
        signal.raise_signal(signal.SIGHUP)
        await credentials.told.wait()
        await trio.testing.wait_all_tasks_blocked()
    assert [line["event"] for line in lines] == [says]
