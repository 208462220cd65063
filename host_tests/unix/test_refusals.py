"""Connections that fail since a session was offered: a month of them to each kind of server."""

import socket
import struct
import threading
from contextlib import suppress

import pytest
from listener import Listener
from prelude import STREAM

_PRE_SHARED_KEY, _SESSION_TICKET = 41, 35
_ALERT = b"\x15\x03\x03\x00\x02\x02\x28"  # handshake_failure


class Turns:
    """Forwards connection after connection to `targets` in turn. Of `every` so many, one whose
    ClientHello offers a session is handed to `refuse` instead, with what was said and the target.
    """

    def __init__(self, *targets, refuse=None, every=1):
        self._targets, self._refuse, self._every = targets, refuse, every
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
            if self._refuse and self._count % self._every == 0 and offers(hello):
                self._refuse(client, hello, target)
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


def alert(client, hello, target):
    client.sendall(_ALERT)


def close(client, hello, target):
    pass


def http(client, hello, target):
    """A captive portal's, or any server's on a port that is not TLS's."""
    client.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://192.168.4.1/\r\n\r\n")


def reset(client, hello, target):
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def close_after_the_answer(client, hello, target):
    with socket.create_connection(("127.0.0.1", target)) as server:
        server.sendall(hello)
        client.sendall(_record(server))


def spoil_the_finished(client, hello, target):
    """For the client the handshake is over then; the server answers by an alert."""
    with socket.create_connection(("127.0.0.1", target)) as server:
        server.sendall(hello)
        back = threading.Thread(target=_pump, args=(server, client))
        back.start()
        flight = bytearray(client.recv(65536))
        flight[-1] ^= 1
        server.sendall(flight)
        _pump(client, server)
        back.join()


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
    """Connect each hour, with --long each ten minutes, for 30 days."""
    every = 600 if pytestconfig.getoption("long") else 3600
    count = 30 * 86400 // every
    return lambda port: run(MONTH, PORT=port, COUNT=count, EVERY=every, timeout=900)


# Until it is a day from one to the next, and then one a day.
AT_MOST = 30 + 5


@pytest.mark.parametrize("refuse", (alert, close, spoil_the_finished))
@pytest.mark.parametrize("version", ("1.2", "1.3"))
def test_who_refuses_each_offer_costs_a_connection_a_day(month, server, turns, version, refuse):
    got = month(turns(server(version=version).port, refuse=refuse).port)
    assert "--" not in got["outcomes"] and "r" not in got["outcomes"]
    assert 4 <= got["outcomes"].count("-") == got["refused"] <= AT_MOST


@pytest.mark.parametrize(
    "version, refuse",
    (("1.2", reset), ("1.3", reset), ("1.2", http), ("1.3", close_after_the_answer)),
)
def test_whose_network_fails_with_each_offer_does_too(month, server, turns, version, refuse):
    got = month(turns(server(version=version).port, refuse=refuse).port)
    # The first may be chance, and is tried again.
    assert got["outcomes"][:3] == "f--" and "--" not in got["outcomes"][3:]
    assert "r" not in got["outcomes"]
    assert 4 <= got["outcomes"].count("-") <= AT_MOST + 10 and got["refused"] == 0


@pytest.mark.parametrize("every, refuse", ((10, alert), (2, reset)))
def test_one_node_of_several_costs_hardly_more(month, server, turns, every, refuse):
    got = month(turns(server(version="1.3").port, refuse=refuse, every=every).port)
    assert "--" not in got["outcomes"]
    assert 0 < got["outcomes"].count("-") <= AT_MOST + 15


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
        PORT=turns(s.port, refuse=alert).port,
        OTHER=s.port,
        COUNT=60,
        EVERY=600,
    )
    # OpenSSL's tickets of TLS 1.2 live two hours from the first handshake: then a full one.
    assert got["bad"] >= 3 and "ff" not in got["good"][150:] and got["left"] == []


ONE = "TIMES, AFTER = 1, 1"
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
for _ in range(TIMES):
    try:
        connect(WHEN)
    except OSError as e:
        errors.append(abs(e.errno))
len(ctx.sessions)
left = len([item for item in ctx.sessions.sessions() if item[3]])
refused = ctx.session_stats()["refused"]
reused = [connect(None) for _ in range(AFTER)]
result(errors=errors, left=left, refused=refused, reused=reused)
"""


@pytest.mark.parametrize("errno", (110, 104))
@pytest.mark.parametrize(
    "version, when, left",
    # A ticket of TLS 1.3 is used once, and its handshake brings new ones with the data alone.
    (("1.2", "handshake", 1), ("1.2", "data", 1), ("1.3", "handshake", 4), ("1.3", "data", 3)),
)
def test_a_failure_of_the_network_forgets_nothing(run, server, version, errno, when, left):
    port = server(version=version, tickets=4).port
    got = run(STREAM + ONE + FAILS, PORT=port, WHEN=when, ERRNO=errno)
    assert got == {"errors": [errno], "left": left, "refused": 0, "reused": [True]}


# From the second handshake in a row that is lost, the offer may be what loses it.
OUTAGE = "TIMES, AFTER = 6, 2" + FAILS


@pytest.mark.parametrize("version", ("1.2", "1.3"))
def test_after_an_outage_one_connection_makes_no_offer(run, server, version):
    port = server(version=version, tickets=4).port
    got = run(STREAM + OUTAGE, PORT=port, WHEN="handshake", ERRNO=110)
    assert got["errors"] == [110] * 6 and got["refused"] == 0
    assert got["reused"] == [False, True]


SIDE_BY_SIDE = """
ctx = client()
once(ctx, PORT)
open_ones = []
for _ in range(4):
    open_ones.append(connect(ctx, PORT, do_handshake_on_connect=False))
failed = 0
for s in open_ones:
    try:
        echo(s)
    except OSError:
        failed += 1
waits = [item[5] for item in ctx.sessions.sessions() if not item[3]]
reused = [once(ctx, PORT), once(ctx, OTHER, server_port=PORT)]
result(failed=failed, refused=ctx.session_stats()["refused"], waits=waits, reused=reused)
"""


def test_refusals_of_connections_side_by_side_are_one(run, server, turns):
    s = server(version="1.2")
    port = turns(s.port, refuse=alert).port
    got = run(SIDE_BY_SIDE, PORT=port, OTHER=s.port)
    assert got == {"failed": 4, "refused": 4, "waits": [0], "reused": [False, True]}


BROKEN = """
ctx = client()
once(ctx, PORT)
s = connect(ctx, PORT)
try:
    echo(s)
except OSError:
    tlsresume.poll()
result(reused=s.session_reused, refused=ctx.session_stats()["refused"])
"""


@pytest.mark.parametrize("version", ("1.2", "1.3"))
def test_a_resumed_connection_was_resumed_also_where_an_alert_has_ended_it(
    run, server, turns, version
):
    port = turns(server(version=version).port, refuse=spoil_the_finished).port
    assert run(BROKEN, PORT=port) == {"reused": True, "refused": 1}


RESET = """
def wake():
    return client(storage=tlsresume.store.File(PATH, plaintext=True))
ctx = wake()
once(ctx, PORT)
ctx.save()
woken = wake()
failed = False
try:
    once(woken, PORT)
except OSError:
    failed = True
ctx = wake()  # and nothing was saved by hand
again = [once(ctx, PORT), once(ctx, OTHER, server_port=PORT)]
result(failed=failed, again=again)
"""


@pytest.mark.parametrize("version", ("1.2", "1.3"))
def test_a_board_that_resets_where_it_fails_remembers_the_refusal(
    run, server, turns, tmp_path, version
):
    s = server(version=version)
    port = turns(s.port, refuse=alert).port
    got = run(RESET, PORT=port, OTHER=s.port, PATH=str(tmp_path / "sessions"))
    assert got["failed"] and got["again"] == [False, True]
