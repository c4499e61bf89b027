"""A link: one connection on which whole frames come in and go out.

It knows framing, time limits and what the system has taken off our hands. It keeps out what a
frame means: no MTI, no sign-on, no answer is known here.

Three rules shape it. Reading is big: one read of 64 KiB may bring fifty frames, and all of them are
handed on at once. Writing never waits: `send` joins the frames, makes one attempt, and leaves the
rest to one flusher task, so a peer that does not read holds up nobody but itself. And a link always
knows which frames never left (`unsent`), because an approval that nobody heard must be reversed.

`SocketLink` sits on a plain non-blocking socket and is the quick one. `StreamLink` is the same over
any Trio stream: TLS, and memory streams in tests. One suite of tests holds them equal.
"""

from __future__ import annotations

import socket
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from itertools import repeat
from typing import Final

import trio

from protocols.errors import RemoteProtocolError
from protocols.framing import Framing
from protocols.runtime.tls_words import in_words, is_about_certificates

READ_SIZE: Final = 64 * 1024  # more brings nothing: this is what one wake-up finds at full load
FRAME_TIMEOUT_S: Final = 10.0  # for the whole frame, however it drips
WRITE_TIMEOUT_S: Final = 10.0  # a peer that takes nothing for so long is not reading
USER_TIMEOUT_S: Final = 15.0  # the kernel gives up unacknowledged data; a half-open peer is noticed
OUTPUT_BOUND: Final = 4 * 1024 * 1024  # ten seconds of answers at 2 000 a second: such a peer is lost already
SIGNS_OF_LIFE_MAX: Final = 10  # frames of no bytes in any second; hosts that send them do so every few seconds
STREAM_WRITE_MAX: Final = 16 * 1024  # one TLS record: a write that failed has shown the peer not one frame


class Link(ABC):
    """One connection. Made by a listener or a dialler; belongs to the task that handles it.

    The nursery runs the flusher and must outlive the link. Only one task may receive.
    """

    def __init__(self, framing: Framing, nursery: trio.Nursery, *, name: str, bound: int = OUTPUT_BOUND) -> None:
        self.name = name
        self.closed = False
        self.close_reason: str | None = None
        self._nursery = nursery
        self._bound = bound
        self._framer = framing.framer()
        self._pack, self._pack_all = framing.pack, framing.pack_all
        self._ended_by_peer = False
        self._frame_time_left = FRAME_TIMEOUT_S
        self._alive_at: deque[float] = deque(maxlen=SIGNS_OF_LIFE_MAX)  # when the last signs of life came
        self._waiting: deque[tuple[bytes, object]] = deque()  # (what is left of the frame, its token)
        self._waiting_bytes = 0
        self._unsent: list[object] = []
        self._flusher_gone: trio.Event | None = None  # there while a flusher runs

    def __repr__(self) -> str:
        state = f"closed: {self.close_reason}" if self.closed else "open"
        return f"<{type(self).__name__} {self.name} {state}>"

    # Receiving

    async def receive(self) -> list[bytes]:
        """At least one whole frame, in order; `[]` when the peer has ended or the link is closed.

        Raises RemoteProtocolError, the link being closed, when the framing is broken, when a frame
        takes longer than FRAME_TIMEOUT_S, when the stream ends inside one, or when there are too many
        of no bytes.
        """
        while not self.closed:
            if self._framer.broken is not None:  # what was whole before the break has been handed on
                raise self._broken(self._framer.broken.reason)
            data = await self._read_in_time()
            if not data:
                return self._ended()
            if frames := self._frames_of(data):
                return frames
        return []

    async def _read_in_time(self) -> bytes:
        """What comes next. The time for a frame runs only while we listen, never while we are busy elsewhere."""
        if not self._framer.waiting:
            return await self._read()
        began = trio.current_time()
        with trio.move_on_after(self._frame_time_left) as patience:
            data = await self._read()
        if patience.cancelled_caught:
            raise self.too_slow()
        self._frame_time_left -= trio.current_time() - began
        return data

    def too_slow(self) -> RemoteProtocolError:
        """A frame dripped for too long: the link is closed, and this is why."""
        return self._broken(f"a frame was not complete after {FRAME_TIMEOUT_S:g} s{self._framer.advice()}")

    def _frames_of(self, data: bytes) -> list[bytes]:
        """What is whole now. Where the framing breaks, the framer says so afterwards."""
        framer = self._framer
        alive = framer.signs_of_life
        try:
            frames = framer.feed(data)
        except RemoteProtocolError:  # at once: nothing was whole before
            return []
        if framer.signs_of_life != alive and self._is_flooded(framer.signs_of_life - alive):
            framer.broken = RemoteProtocolError(f"more than {SIGNS_OF_LIFE_MAX} frames of no bytes in a second")
        if frames or not framer.waiting:
            self._frame_time_left = FRAME_TIMEOUT_S
        return frames

    def _is_flooded(self, count: int) -> bool:
        """Whether so many more signs of life, now, are more than SIGNS_OF_LIFE_MAX in a second."""
        times, now = self._alive_at, trio.current_time()
        for _ in range(min(count, SIGNS_OF_LIFE_MAX + 1)):
            if len(times) == SIGNS_OF_LIFE_MAX and now - times[0] < 1.0:
                return True
            times.append(now)
        return False

    def _ended(self) -> list[bytes]:
        if self._framer.waiting and not self.closed:
            raise self._broken(f"the stream ended inside a frame{self._framer.advice()}")
        self._ended_by_peer = True
        return []

    def _broken(self, reason: str) -> RemoteProtocolError:
        self.abort(reason)
        return RemoteProtocolError(reason)

    # Sending

    def send(self, frames: Sequence[bytes], tokens: Sequence[object] | None = None) -> None:
        """Give the frames to the system, now or as soon as it takes them. Never waits; a lost link is no error here.

        A token names its frame to `unsent`. On a closed link every token is unsent at once. Raises
        LocalProtocolError, nothing being sent, for a frame that the framing cannot carry.
        """
        if self.closed:
            self._unsent.extend(tokens or ())
            return
        if self._waiting or self._flusher_gone is not None:
            self._keep(frames, tokens)
            self._check_bound()
        else:
            self._first_attempt(frames, tokens)

    @abstractmethod
    def _first_attempt(self, frames: Sequence[bytes], tokens: Sequence[object] | None) -> None:
        """Nothing waits: try at once and keep what the system would not take."""

    def _keep(self, frames: Sequence[bytes], tokens: Sequence[object] | None) -> None:
        pack = self._pack
        packed = [pack(frame) for frame in frames]
        self._waiting.extend(zip(packed, repeat(None) if tokens is None else tokens, strict=tokens is not None))
        self._waiting_bytes += sum(map(len, packed))

    def _taken(self, count: int) -> None:
        """The system took so many bytes of what waits."""
        self._waiting_bytes -= count
        while count:
            rest, token = self._waiting.popleft()
            if len(rest) > count:
                self._waiting.appendleft((rest[count:], token))
                return
            count -= len(rest)

    def _check_bound(self) -> None:
        if self._waiting_bytes > self._bound:
            self.abort(f"the peer does not read: more than {self._bound} bytes wait for it")

    def _start_flusher(self) -> None:
        self._flusher_gone = trio.Event()
        self._nursery.start_soon(self._flush, self._flusher_gone, name=f"flusher of {self.name}")

    async def _flush(self, gone: trio.Event) -> None:
        try:
            while self._waiting and not self.closed:
                with trio.move_on_after(WRITE_TIMEOUT_S) as patience:
                    await self._push()
                if patience.cancelled_caught:
                    self.abort(f"the peer took nothing for {WRITE_TIMEOUT_S:g} s")
        finally:
            if self._waiting and not self.closed:
                # Cancelled: half a frame may be out, and nothing can follow half a frame.
                self.abort("cancelled while sending")
            self._flusher_gone = None
            gone.set()

    @abstractmethod
    async def _push(self) -> None:
        """Wait until the system takes something of what waits. Errors close the link."""

    # Closing

    def unsent(self) -> list[object]:
        """Tokens of frames that did not wholly go to the system before the link closed. Each is given once.

        Complete after `aclose`. Empty while the link is open.
        """
        unsent, self._unsent = self._unsent, []
        return [token for token in unsent if token is not None]

    def abort(self, reason: str) -> None:
        """Close now; what waits is unsent. The first reason stays."""
        if self.closed:
            return
        self.closed = True
        self.close_reason = reason
        self._unsent.extend(token for _, token in self._waiting)
        self._waiting.clear()
        self._waiting_bytes = 0
        self._let_go()

    async def aclose(self) -> None:
        """Hand over what waits, as long as the peer takes it, then close."""
        try:
            if self._flusher_gone is not None:
                await self._flusher_gone.wait()
            await self._say_goodbye()
        finally:
            self.abort("ended by the peer" if self._ended_by_peer else "closed")
            with trio.move_on_after(WRITE_TIMEOUT_S, shield=True):  # it ends at once; then `unsent` is complete
                while self._flusher_gone is not None:
                    await self._flusher_gone.wait()

    async def _say_goodbye(self) -> None:
        await trio.lowlevel.checkpoint()

    @abstractmethod
    async def _read(self) -> bytes:
        """Some bytes, or none when there will be no more. Errors close the link."""

    @abstractmethod
    def _let_go(self) -> None:
        """Release the connection; whoever waits on it wakes up."""


class SocketLink(Link):
    """A link on a plain non-blocking socket: one receive and one send per wake-up, no stream layer between."""

    def __init__(
        self, sock: socket.socket, framing: Framing, nursery: trio.Nursery, *, name: str, bound: int = OUTPUT_BOUND
    ) -> None:
        super().__init__(framing, nursery, name=name, bound=bound)
        self._socket = sock
        self.on_close: Callable[[], None] | None = None  # for whoever reads in our place (`poll`)
        prepare(sock)

    @property
    def fileno(self) -> int:
        """The number of the socket; -1 when it is closed."""
        return self._socket.fileno()

    def bound_unread(self, size: int) -> None:
        """How many bytes, about, the system takes in before we read them; then TCP makes the peer wait."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)

    @property
    def is_inside_a_frame(self) -> bool:
        """Whether the beginning of a frame is there and its end is not."""
        return bool(self._framer.waiting)

    def read_now(self, take: Callable[[list[bytes]], None]) -> bool:
        """One read that does not wait; what is whole goes to `take`. False: there will be no more.

        For whoever knows that there is something to read; afterwards `leave` says what `receive` would have raised.
        """
        try:
            data = self._socket.recv(READ_SIZE)
        except BlockingIOError:
            return True
        except OSError as error:
            self.abort(f"receiving failed: {error.strerror}")
            return False
        if not data:
            self._ended_by_peer = True
            return False
        if frames := self._frames_of(data):
            take(frames)
        return not self.closed

    @property
    def is_broken(self) -> bool:
        """Whether what came after the last whole frame cannot be framed."""
        return self._framer.broken is not None

    def leave(self) -> None:
        """No more `read_now`. Raises RemoteProtocolError, the link being closed, where the peer left it broken."""
        if self.closed:
            return
        if self._framer.broken is not None:
            raise self._broken(self._framer.broken.reason)
        if self._ended_by_peer:
            self._ended()

    async def _read(self) -> bytes:
        while True:
            try:
                await trio.lowlevel.wait_readable(self._socket)
                return self._socket.recv(READ_SIZE)
            except BlockingIOError:
                continue  # woken for nothing; the kernel may do that
            except trio.ClosedResourceError:
                return b""
            except OSError as error:
                self.abort(f"receiving failed: {error.strerror}")
                return b""

    def _first_attempt(self, frames: Sequence[bytes], tokens: Sequence[object] | None) -> None:
        data = self._pack_all(frames)
        try:
            sent = self._socket.send(data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            self._keep(frames, tokens)
            self.abort(f"sending failed: {error.strerror}")
            return
        if sent == len(data):
            return  # nearly always: nothing was kept, nothing was counted
        self._keep(frames, tokens)
        self._taken(sent)
        self._check_bound()
        if not self.closed:
            self._start_flusher()

    async def _push(self) -> None:
        try:
            await trio.lowlevel.wait_writable(self._socket)
            self._taken(self._socket.send(self._next_write()))
        except BlockingIOError:
            pass
        except trio.ClosedResourceError:
            pass
        except OSError as error:
            self.abort(f"sending failed: {error.strerror}")

    def _next_write(self) -> bytes:
        """What waits, up to one write's worth: the rest would only be copied to be refused."""
        write, size = [], 0
        for rest, _ in self._waiting:
            write.append(rest)
            size += len(rest)
            if size >= READ_SIZE:
                break
        return b"".join(write)

    async def _say_goodbye(self) -> None:
        await trio.lowlevel.checkpoint()
        if not self.closed:
            try:
                self._socket.shutdown(socket.SHUT_WR)
            except OSError as error:
                self.abort(f"closing failed: {error.strerror}")

    def _let_go(self) -> None:
        if self.on_close is not None:
            self.on_close()
        # Before the close: Trio wakes who waits, and the number cannot be another socket's yet.
        trio.lowlevel.notify_closing(self._socket)
        self._socket.close()


class StreamLink(Link):
    """A link on any Trio stream.

    A stream does not say how much of a failed write went through, so writes are at most one TLS
    record long: an unfinished record cannot be read, so its frames count as unsent.
    """

    def __init__(
        self, stream: trio.abc.Stream, framing: Framing, nursery: trio.Nursery, *, name: str, bound: int = OUTPUT_BOUND
    ) -> None:
        super().__init__(framing, nursery, name=name, bound=bound)
        self._stream = stream

    async def _read(self) -> bytes:
        try:
            return bytes(await self._stream.receive_some(READ_SIZE))
        except trio.ClosedResourceError:
            return b""
        except trio.BrokenResourceError as broken:
            tls = is_about_certificates(broken.__cause__)
            self.abort(f"receiving failed: {in_words(broken.__cause__) if tls else 'the connection is broken'}")
            return b""

    def _first_attempt(self, frames: Sequence[bytes], tokens: Sequence[object] | None) -> None:
        self._keep(frames, tokens)
        self._check_bound()
        if not self.closed:
            self._start_flusher()

    async def _push(self) -> None:
        write = self._next_write()
        taken = False
        try:
            await self._stream.send_all(b"".join([packed for packed, _ in write]))
            taken = True
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # closed below, once what could not be written is back in its place
        finally:
            if not taken:  # also when time ran out or the task was cancelled
                self._put_back(write)
        if not taken:
            self.abort("sending failed: the connection is broken")

    def _next_write(self) -> list[tuple[bytes, object]]:
        """Whole frames off the front, at least one, at most STREAM_WRITE_MAX bytes if there are more."""
        write: list[tuple[bytes, object]] = []
        size = 0
        while self._waiting and (not write or size + len(self._waiting[0][0]) <= STREAM_WRITE_MAX):
            write.append(self._waiting.popleft())
            size += len(write[-1][0])
        self._waiting_bytes -= size
        return write

    def _put_back(self, write: list[tuple[bytes, object]]) -> None:
        if self.closed:
            self._unsent[:0] = [token for _, token in write]
            return
        self._waiting.extendleft(reversed(write))
        self._waiting_bytes += sum(len(packed) for packed, _ in write)

    async def _say_goodbye(self) -> None:
        if not self.closed:
            with trio.move_on_after(WRITE_TIMEOUT_S):  # TLS has a word to send first
                await self._stream.aclose()

    def _let_go(self) -> None:
        self._nursery.start_soon(trio.aclose_forcefully, self._stream)


def prepare(sock: socket.socket) -> None:
    """Non-blocking, no waiting for a fuller segment, and an end to waiting for a dead peer."""
    sock.setblocking(False)
    if sock.family in (socket.AF_INET, socket.AF_INET6):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(USER_TIMEOUT_S * 1000))


def link_over(
    connection: socket.socket | trio.abc.Stream,
    framing: Framing,
    nursery: trio.Nursery,
    *,
    name: str,
    bound: int = OUTPUT_BOUND,
) -> Link:
    """The link that fits: quick over a plain socket, general over a stream."""
    if isinstance(connection, socket.socket):
        return SocketLink(connection, framing, nursery, name=name, bound=bound)
    return StreamLink(connection, framing, nursery, name=name, bound=bound)
