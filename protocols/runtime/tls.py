"""Mutual TLS, 1.2 or later: both ends show a certificate, and the certificate says who is there.

A party's `Credentials` are read from its folder of certificates; from them come the two contexts, for whoever
dials in and for whom we dial. What is handed on is a stream like any other, and the name in the peer's certificate.
It keeps out who is welcome (the listener's owner knows) and how certificates are made (`protocols.pki`).

In TLS 1.3 a dialler has finished its handshake before the listener has looked at its certificate: a
handshake that went well on our side proves nothing about us. A link is up when a sign-on was answered.
"""

from __future__ import annotations

import signal
import socket
import ssl
import time
from pathlib import Path
from typing import Any, Final, cast

import structlog
import trio

from protocols.pki import AUTHORITY, certificate_file, key_file
from protocols.runtime.dialer import Dial, dial_tcp
from protocols.runtime.exits import ConfigurationError
from protocols.runtime.link import prepare
from protocols.runtime.tls_words import EXPIRED, in_words

HANDSHAKE_TIMEOUT_S: Final = 5.0  # it takes 10 ms; longer than a lost packet sent twice is nobody who wants to talk
LAST_WORD_S: Final = 1.0  # for the alert that tells the peer what is wrong with it
OTHERS: Final = 0o077

TlsStream = trio.SSLStream[trio.SocketStream]

log = structlog.get_logger()


class HandshakeError(ConnectionError):
    """No TLS with this peer. `reason` is for people, and holds nothing that the peer wrote."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Credentials:
    """A party's own certificate and key, and the authority that it trusts, ready for both ends of a link."""

    def __init__(self, certificate: Path, key: Path, authority: Path) -> None:
        """Raises ConfigurationError, with the file's name, when one cannot be used."""
        self._files = certificate, key, authority
        for path in self._files:
            if not path.exists():
                raise ConfigurationError(f"TLS needs {path}, which is not there: `payswitch pki init` makes it")
        self.listening = self._context(ssl.PROTOCOL_TLS_SERVER)
        self.dialling = self._context(ssl.PROTOCOL_TLS_CLIENT)

    @classmethod
    def of(cls, name: str, folder: Path) -> Credentials:
        """Those of a party, by its name, from a folder of certificates."""
        return cls(folder / certificate_file(name), folder / key_file(name), folder / certificate_file(AUTHORITY))

    def reload(self) -> None:
        """Read the files again, for handshakes from now on. On ConfigurationError everything is as before."""
        self._context(ssl.PROTOCOL_TLS_CLIENT)  # a trial: half a change to a live context could not be taken back
        self._fill(self.listening)
        self._fill(self.dialling)

    def _context(self, side: int) -> ssl.SSLContext:
        context = ssl.SSLContext(side)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.verify_mode = ssl.CERT_REQUIRED
        # A resumed session shows no certificate, only what we remember of one. (TLS 1.2 can still do it.)
        context.options |= ssl.OP_NO_TICKET
        if side == ssl.PROTOCOL_TLS_SERVER:
            context.num_tickets = 0
        self._fill(context)
        return context

    def _fill(self, context: ssl.SSLContext) -> None:
        certificate, key, authority = self._files
        _refuse_unless_private(key)
        try:
            context.load_cert_chain(certificate, key, password=_no_password)
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"{certificate}, {key.name}: {_why_unusable(error)}") from None
        try:
            context.load_verify_locations(authority)
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"{authority}: {_why_unusable(error)}") from None


def _no_password() -> str:
    raise ValueError("the key has a password, and nobody is there to type it")


def _refuse_unless_private(key: Path) -> None:
    try:
        mode = key.stat().st_mode
    except OSError as error:
        raise ConfigurationError(f"{key}: {error.strerror}") from None
    if mode & OTHERS:
        raise ConfigurationError(f"{key} may be read or written by others; it must have mode 0600")


def _why_unusable(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return (error.reason or "not a certificate, or not its key").replace("_", " ").lower()
    return (error.strerror or "cannot be read") if isinstance(error, OSError) else str(error)


async def keep_current(credentials: Credentials) -> None:
    """Read the certificates again at every SIGHUP: renewed ones are shown from the next link on."""
    with trio.open_signal_receiver(signal.SIGHUP) as hangups:
        async for _ in hangups:
            try:
                credentials.reload()
            except ConfigurationError as error:
                log.error("certificates not reloaded", reason=str(error))
            else:
                log.info("certificates reloaded")


async def accept_tls(sock: socket.socket, credentials: Credentials) -> tuple[TlsStream, str]:
    """The stream over a connection that came in, and whom its certificate names. After HandshakeError it is closed."""
    stream = await _shaken_hands(sock, credentials.listening, None)
    certificate = stream.getpeercert() or {}
    names = common_names(certificate)
    if reason := _doubt(certificate, names):
        await trio.aclose_forcefully(stream)
        raise HandshakeError(reason)
    return stream, names[0]


def _doubt(certificate: Any, names: list[str]) -> str | None:
    """What OpenSSL does not look at: whom it names, and in a resumed session, whether it still holds."""
    if ssl.cert_time_to_seconds(certificate["notAfter"]) < time.time():
        return EXPIRED
    if len(names) != 1:
        return f"its certificate has {len(names)} common names, where one says who it is"
    return None


def tls_dial(credentials: Credentials, peer: str) -> Dial:
    """How to dial somebody whose certificate must name `peer`: for `keep_dialled`."""

    async def dial(host: str, port: int) -> TlsStream:
        return await _shaken_hands(await dial_tcp(host, port), credentials.dialling, peer)

    return dial


def wrapped(connection: socket.socket, credentials: Credentials, peer: str) -> ssl.SSLSocket:
    """The same over a plain blocking socket, for a single question. After HandshakeError it is closed."""
    try:
        return credentials.dialling.wrap_socket(connection, server_hostname=peer)
    except TimeoutError:
        reason = "no handshake in time"
    except (OSError, ValueError) as error:
        reason = in_words(error)
    connection.close()
    raise HandshakeError(reason)


def common_names(certificate: Any) -> list[str]:
    """The common names in a certificate's subject, as `getpeercert` tells them.

    >>> common_names({"subject": ((("organizationName", "NBK"),), (("commonName", "nbk"),))})
    ['nbk']
    """
    return [value for part in certificate.get("subject", ()) for kind, value in part if kind == "commonName"]


async def _shaken_hands(sock: socket.socket, context: ssl.SSLContext, peer: str | None) -> TlsStream:
    """A stream after its handshake; `peer` None: we are the one who was dialled."""
    prepare(sock)
    transport = trio.SocketStream(trio.socket.from_stdlib_socket(sock))
    overheard = _Overheard(context)
    stream = trio.SSLStream(
        transport,
        cast(ssl.SSLContext, overheard),
        server_hostname=peer,
        server_side=peer is None,
        https_compatible=True,  # many peers just hang up; that a frame was whole is for the framing to see
    )
    try:
        reason = await _failed_handshake(stream)
        if reason is None:
            return stream
        await _say_last_word(transport, overheard)
    except BaseException:
        await trio.aclose_forcefully(transport)
        raise
    await trio.aclose_forcefully(transport)
    raise HandshakeError(reason)


async def _failed_handshake(stream: TlsStream) -> str | None:
    """Why there was none; None when there was."""
    try:
        with trio.fail_after(HANDSHAKE_TIMEOUT_S):
            await stream.do_handshake()
    except trio.TooSlowError:
        return f"no handshake within {HANDSHAKE_TIMEOUT_S:g} s"
    except trio.BrokenResourceError as broken:
        return in_words(broken.__cause__)
    return None


async def _say_last_word(transport: trio.SocketStream, overheard: _Overheard) -> None:
    """Let the peer read the alert, and read off what it sends: to close before that is a reset, which takes it away."""
    with trio.move_on_after(LAST_WORD_S):
        try:
            await transport.send_all(overheard.alert())
            await transport.send_eof()
            while await transport.receive_some():
                pass
        except trio.BrokenResourceError:
            pass  # it does not listen


class _Overheard:
    """A context that remembers what is to go out: Trio drops the alert of a handshake that failed."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        self._outgoing: ssl.MemoryBIO | None = None

    def wrap_bio(self, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, **more: Any) -> ssl.SSLObject:
        """What Trio calls, once a connection."""
        self._outgoing = outgoing
        return self._context.wrap_bio(incoming, outgoing, **more)

    def alert(self) -> bytes:
        """What has not gone out."""
        return self._outgoing.read() if self._outgoing is not None else b""
