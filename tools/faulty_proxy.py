"""A TCP proxy that does to connections what networks do: it cuts them, or chops them up."""

import socket
import struct
import time

from counting_proxy import CountingProxy

OUT, IN = 0, 1


class FaultyProxy(CountingProxy):
    """`faults[n]` happens to connection n, if there is one.

    A fault is `(way, after, how)`: after so many bytes OUT or IN the connection ends, each way.
    `how`: "fin", a close that overtakes what was still to come, or "rst". With `single` all pass
    byte by byte.
    """

    def __init__(self, target, faults=(), single=False):
        self._faults = faults
        self._single = single
        super().__init__(target)

    def _pass_on(self, data, ends, way, number):
        to = ends[1 - way]
        if self._single:
            for byte in data:
                to.sendall(bytes((byte,)))
                time.sleep(0)  # the receiver's turn
            return
        fault = self._faults[number] if number < len(self._faults) else None
        if fault is None or fault[0] != way or self.counts[number][way] < fault[1]:
            to.sendall(data)
            return
        to.sendall(data[: fault[1] - self.counts[number][way] + len(data)])
        _end(ends[0], fault[2])
        raise ConnectionAbortedError  # ends the other way, too


def _end(client, how):
    if how == "rst":
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        return
    client.shutdown(socket.SHUT_WR)
    while client.recv(65536):
        pass  # closed with data unread, it would be a reset
