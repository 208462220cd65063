"""A TCP proxy that counts what passes, and may hold it up."""

import selectors
import socket
import threading
import time
from collections import deque
from contextlib import suppress

from listener import Listener
from tcp_info import segments


class CountingProxy:
    """Forwards `port` of `address` (0: a free one) to `target`, a port of 127.0.0.1, each
    connection in a thread.

    `delay` in seconds is what every chunk is under way, each way: half a round trip. `counts` is
    a list `[bytes out, bytes in]` a connection, `turns` how often the direction turned to "in":
    round trips, `heads` what came out first (a ClientHello), `segments` the Segments between the
    client and here of each that has ended, in the order of the connections.
    """

    def __init__(self, target, delay=0.0, address="127.0.0.1", port=0):
        self.target = target
        self.delay = delay
        self.counts = []
        self.turns = []
        self.heads = []
        self.segments = []
        self._lock = threading.Lock()
        self._ended = threading.Semaphore(0)
        self._listener = Listener(self._forward, address, port)
        self.port = self._listener.port

    def wait(self, connections, timeout=10):
        """Until so many connections more have ended, each within `timeout` s: their counts are
        final. Raises TimeoutError."""
        for _ in range(connections):
            if not self._ended.acquire(timeout=timeout):
                raise TimeoutError(f"a connection is still open after {timeout} s")

    def close(self):
        self._listener.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def _forward(self, client):
        with self._lock:
            number = len(self.counts)
            self.counts.append([0, 0])
            self.turns.append(0)
            self.heads.append(b"")
            self.segments.append(None)
        try:
            with client:
                with suppress(OSError):
                    with socket.create_connection(("127.0.0.1", self.target)) as server:
                        server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                        with selectors.DefaultSelector() as selector:
                            self._pump(selector, (client, server), number)
                with suppress(OSError):  # a faulty proxy may have closed it
                    self.segments[number] = segments(client)
        finally:
            self._ended.release()

    def _pump(self, selector, ends, number):
        for way, end in enumerate(ends):
            selector.register(end, selectors.EVENT_READ, way)
        under_way = deque()  # (when it arrives, which way, what): all take the same time
        last = 1
        while selector.get_map() or under_way:
            wait = max(0, under_way[0][0] - time.monotonic()) if under_way else None
            for key, _ in selector.select(wait):
                way = key.data
                data = key.fileobj.recv(65536)
                under_way.append((time.monotonic() + self.delay, way, data))
                if not data:
                    selector.unregister(key.fileobj)
                    continue
                self._count(number, way, last, data)
                last = way
            while under_way and under_way[0][0] <= time.monotonic():
                _, way, data = under_way.popleft()
                if data:
                    self._pass_on(data, ends, way, number)
                else:
                    ends[1 - way].shutdown(socket.SHUT_WR)

    def _count(self, number, way, last, data):
        if self.counts[number] == [0, 0]:
            self.heads[number] = data
        self.counts[number][way] += len(data)
        if way == 1 and last == 0:
            self.turns[number] += 1

    def _pass_on(self, data, ends, way, number):
        ends[1 - way].sendall(data)
