"""A socket that lwIP has no connection for any more is left alone: its setsockopt would write to
address 0 (extmod/modlwip.c)."""

import socket
import struct
from contextlib import closing

import pytest
from listener import Listener

START = """
import uctypes
start = uctypes.bytearray_at(0, 64)
def marked():
    start[:] = b"\\xff" * 64
def unchanged():
    return bytes(start) == b"\\xff" * 64
def raw(port):
    s = socket.socket()
    s.connect(socket.getaddrinfo(HOST, port)[0][-1])
    s.settimeout(5)
    return s
"""


def reset(sock):
    """Read something, then end the connection by an RST."""
    sock.recv(1000)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


@pytest.mark.parametrize("when", ("before", "in the handshake"))
def test_a_reset_writes_nowhere(plain_board, when):
    with closing(Listener(reset, "0.0.0.0")) as listener:
        got = plain_board.run(
            START
            + """
s = raw(PORT)
if BEFORE:
    s.write(b"x")
    try:
        s.read(1)
    except OSError:
        pass
kept = bytes(start)
marked()
try:
    client().wrap_socket(s, server_hostname="localhost")
except OSError as e:
    raised = str(e)
ok = unchanged()
start[:] = kept
result(raised=raised, ok=ok)
""",
            PORT=listener.port,
            BEFORE=when == "before",
        )
    assert got["raised"] and got["ok"]
