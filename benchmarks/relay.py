"""A relay with no switch in it: what Trio itself can move. Usage: relay.py PORT (issuers: PORT + 1).

One task waits on an epoll descriptor of our own ("nested": Trio sees one descriptor, so its cost is
paid once per batch of ready sockets, not once per socket). Nothing is parsed: frames are counted by
their 2-byte length only, for an answer must return to the connection that asked: the issuer answers
in order, so a queue of (connection, frames) per link says whose the next answers are.
"""

import select
import socket
import sys
from collections import deque

import trio

IN, OUT = select.EPOLLIN, select.EPOLLOUT


class Conn:
    def __init__(self, sock, link):
        self.sock, self.link = sock, link  # a gateway connection's link; None: this is a link
        self.part, self.out = b"", []  # a frame's beginning that came; what to send in this tick
        self.blocked = False  # the peer's buffer is full: wait for OUT
        self.asked = deque()  # of a link: (connection, frames it is owed), oldest first


def whole(data, at, limit=sys.maxsize):
    """Where the whole frames from at on end, and how many they are; limit at most."""
    frames, size = 0, len(data)
    while frames < limit and at + 2 <= size and (end := at + 2 + (data[at] << 8 | data[at + 1])) <= size:
        at, frames = end, frames + 1
    return at, frames


class Relay:
    def __init__(self, port):
        self.epoll, self.conns, self.links, self.dirty, self.listeners = select.epoll(), {}, [], {}, {}
        for offset in (0, 1):
            listener = socket.create_server(("127.0.0.1", port + offset), backlog=1024)
            self.listeners[listener.fileno()] = listener, offset == 1
            self.epoll.register(listener, IN)

    def accept(self, listener, is_link):
        sock, _ = listener.accept()
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        link = None if is_link else self.links[len(self.conns) % len(self.links)]  # links come first
        conn = self.conns[sock.fileno()] = Conn(sock, link)
        self.links += [conn] if is_link else []
        self.epoll.register(sock, IN)

    def close(self, conn, _=None):
        del self.conns[conn.sock.fileno()]
        conn.sock.close()  # epoll forgets it too
        if conn in self.links:
            self.links.remove(conn)

    def post(self, conn, data):
        self.dirty[conn] = None
        conn.out.append(data)

    def forward(self, conn, data):
        end, frames = whole(data, 0)
        conn.link.asked.append((conn, frames))
        self.post(conn.link, data[:end])
        conn.part = data[end:]

    def give_back(self, link, data):
        at = 0
        while link.asked and at < len(data):
            owner, owed = link.asked[0]
            start, (at, frames) = at, whole(data, at, owed)
            self.post(owner, data[start:at])
            if frames < owed:
                link.asked[0] = owner, owed - frames
                break
            link.asked.popleft()
        link.part = data[at:]

    def send(self, conn):
        if conn.blocked or conn.sock.fileno() < 0:
            return
        data = b"".join(conn.out)
        try:
            sent = conn.sock.send(data)
        except OSError:  # full; or the peer is gone, and the next read finds out
            sent = 0
        conn.out = [data[sent:]] if sent < len(data) else []
        if conn.out:
            conn.blocked = True
            self.epoll.modify(conn.sock, IN | OUT)

    def tick(self):
        """One read from every ready socket, then one send to every socket with something to send."""
        for fd, events in self.epoll.poll(0, 1024):
            if fd in self.listeners:
                self.accept(*self.listeners[fd])
            elif conn := self.conns.get(fd):
                if events & OUT:
                    conn.blocked = False
                    self.epoll.modify(fd, IN)
                    self.dirty[conn] = None
                if events & ~OUT:
                    self.read(conn)
        for conn in self.dirty:
            self.send(conn)
        self.dirty.clear()

    def read(self, conn):
        try:
            data = conn.sock.recv(65536)
        except OSError:  # it was readable, so the peer is gone
            data = b""
        move = (self.forward if conn.link else self.give_back) if data else self.close
        move(conn, conn.part + data)


async def main():
    relay = Relay(int(sys.argv[1]))
    while True:
        await trio.lowlevel.wait_readable(relay.epoll.fileno())
        relay.tick()


trio.run(main)
