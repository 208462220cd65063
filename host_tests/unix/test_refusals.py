"""Servers that end a handshake since a session was offered: a month of connections to each."""

import socket
import threading
from contextlib import suppress

import pytest
from listener import Listener
from prelude import STREAM

_PRE_SHARED_KEY, _SESSION_TICKET = 41, 35
_ALERT = b"\x15\x03\x03\x00\x02\x02\x28"  # handshake_failure


class Turns:
    """Forwards connection after connection to `targets` in turn, but for those whose ClientHello
    offers a session, if `refuse` is what is sent to them (bytes; then they are closed)."""

    def __init__(self, *targets, refuse=None):
        self._targets, self._refuse = targets, refuse
        self._count = 0
        self._listener = Listener(self._serve)
        self.port = self._listener.port

    def close(self):
        self._listener.close()

    def _serve(self, client):
        target = self._targets[self._count % len(self._targets)]
        self._count += 1
        with client, suppress(OSError):
            hello = _record(client)
            if self._refuse is not None and offers(hello):
                client.sendall(self._refuse)
                return
            with socket.create_connection(("127.0.0.1", target)) as server:
                server.sendall(hello)
                back = threading.Thread(target=_pump, args=(server, client))
                back.start()
                _pump(client, server)
                back.join()


def _record(sock):
    head = sock.recv(5, socket.MSG_WAITALL)
    return head + sock.recv(int.from_bytes(head[3:5], "big"), socket.MSG_WAITALL)


def _pump(a, b):
    with suppress(OSError):
        while data := a.recv(65536):
            b.sendall(data)
        b.shutdown(socket.SHUT_WR)


def offers(hello):
    """Whether a ClientHello (a whole record) offers a ticket."""
    at = 5 + 4 + 2 + 32
    at += 1 + hello[at]
    at += 2 + int.from_bytes(hello[at : at + 2], "big")
    at += 1 + hello[at]
    at += 2
    while at < len(hello):
        kind, length = (int.from_bytes(hello[i : i + 2], "big") for i in (at, at + 2))
        if kind == _PRE_SHARED_KEY or (kind == _SESSION_TICKET and length):
            return True
        at += 4 + length
    return False


MONTH = """
class Clock:
    seconds = 10**6
    def now(self):
        return self.seconds
clock = Clock()
cache = tlsresume.SessionCache(clock=clock)
ctx = client(sessions=cache)
outcomes = ""
for n in range(COUNT):
    try:
        outcomes += "r" if once(ctx, PORT) else "f"
    except OSError:
        outcomes += "-"
    clock.seconds += EVERY
result(outcomes=outcomes, refused=cache.counted("refused"), failed=cache.counted("failed"))
"""


@pytest.fixture
def turns(starter):
    yield from starter(Turns)


@pytest.fixture
def month(run, pytestconfig):
    """Connect each half hour, with --long each ten minutes, for 30 days."""
    every = 600 if pytestconfig.getoption("long") else 1800
    count = 30 * 86400 // every
    return lambda port: run(MONTH, PORT=port, COUNT=count, EVERY=every, timeout=900)


# Until it is a day from one to the next, and then one a day.
AT_MOST = 30 + 5


@pytest.mark.parametrize("refuse", (_ALERT, b""), ids=("alert", "close"))
@pytest.mark.parametrize("version", ("1.2", "1.3"))
def test_who_refuses_each_offer_costs_a_connection_a_day(month, server, turns, version, refuse):
    got = month(turns(server(version=version).port, refuse=refuse).port)
    assert "--" not in got["outcomes"] and "r" not in got["outcomes"]
    assert 4 <= got["outcomes"].count("-") == got["refused"] <= AT_MOST


def test_nodes_of_two_versions_cost_a_connection_a_day(month, server, turns):
    got = month(turns(server(version="1.2").port, server(version="1.3").port).port)
    assert "--" not in got["outcomes"]
    assert got["outcomes"].count("-") == got["refused"] <= AT_MOST


def test_nodes_that_share_no_tickets_cost_none(month, server, turns):
    got = month(turns(server(version="1.2").port, server(version="1.2").port).port)
    assert "-" not in got["outcomes"] and got["refused"] == 0


@pytest.mark.parametrize("version", ("1.2", "1.3"))
def test_a_server_that_refuses_no_more_resumes_again(run, server, turns, version):
    s = server(version=version)
    got = run(
        MONTH
        + """
bad = outcomes
outcomes = ""
for n in range(300):
    outcomes += "r" if once(ctx, OTHER, server_port=PORT) else "f"
    clock.seconds += EVERY
left = [item[4] for item in cache.sessions() if not item[3]]
result(bad=bad.count("-"), good=outcomes, left=left)
""",
        PORT=turns(s.port, refuse=_ALERT).port,
        OTHER=s.port,
        COUNT=60,
        EVERY=600,
    )
    # OpenSSL's tickets of TLS 1.2 live two hours from the first handshake: then a full one.
    assert got["bad"] >= 3 and "ff" not in got["good"][150:] and got["left"] == []


FAILS = """
class Failing(Stream):
    fails = False
    def readinto(self, buf):
        return -ERRNO if self.fails else super().readinto(buf)
ctx = client()
def connect(fails):
    stream = Failing()
    stream.fails = fails == "handshake"
    s = ctx.wrap_socket(stream, server_hostname="localhost", server_port=PORT)
    stream.fails = fails == "data"
    try:
        echo(s)
        return s.session_reused
    finally:
        s.close()
connect(None)
errors = []
for _ in range(3):
    try:
        connect(WHEN)
    except OSError as e:
        errors.append(abs(e.errno))
len(ctx.sessions)
left = len(list(ctx.sessions.sessions()))
refused = ctx.session_stats()["refused"]
result(errors=errors, left=left, refused=refused, reused=connect(None))
"""


@pytest.mark.parametrize("errno", (110, 104))
@pytest.mark.parametrize(
    "version, when, left",
    # A ticket of TLS 1.3 is used once, and its handshake brings new ones with the data alone.
    (("1.2", "handshake", 1), ("1.2", "data", 1), ("1.3", "handshake", 4), ("1.3", "data", 1)),
)
def test_a_failure_of_the_network_forgets_nothing(run, server, version, errno, when, left):
    port = server(version=version, tickets=4).port
    got = run(STREAM + FAILS, PORT=port, WHEN=when, ERRNO=errno)
    assert got == {"errors": [errno] * 3, "left": left, "refused": 0, "reused": True}
