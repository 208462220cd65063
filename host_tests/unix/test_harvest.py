"""When sessions are taken: 500 ms after negotiation, at close, in a read."""

import socket
import threading

import pytest


def test_after_half_a_second_an_open_connection_is_in_the_cache(run, server):
    s = server(version="1.2")
    got = run(
        """
ctx = client()
start = time.ticks_ms()
s = connect(ctx, PORT)
echo(s)
while not len(ctx.sessions):
    time.sleep_ms(5)
waited = time.ticks_diff(time.ticks_ms(), start)
neighbour = once(ctx, PORT)
stats = ctx.session_stats()
result(waited=waited, neighbour=neighbour, polled=stats["harvested_poll"])
""",
        PORT=s.port,
    )
    assert got["waited"] >= 500
    assert got["neighbour"] is True
    assert got["polled"] == 1


def test_the_half_second_begins_when_the_negotiation_ends(run, server):
    s = server(version="1.2")
    got = run(
        """
ctx = client()
s = connect(ctx, PORT, do_handshake_on_connect=False)
wait = tlsresume.poll()
time.sleep_ms(600)
still = len(ctx.sessions)
start = time.ticks_ms()
echo(s)
while not len(ctx.sessions):
    time.sleep_ms(5)
result(wait=wait, still=still, waited=time.ticks_diff(time.ticks_ms(), start))
""",
        PORT=s.port,
    )
    assert got["wait"] == 500
    assert got["still"] == 0
    assert got["waited"] >= 500


def test_poll_tells_when_it_is_worth_a_call(run, server):
    s = server(version="1.2")
    got = run(
        """
ctx = client()
nothing = tlsresume.poll()
s = connect(ctx, PORT)
wait = tlsresume.poll()
time.sleep_ms(wait + 1)
result(nothing=nothing, wait=wait, after=tlsresume.poll(), number=len(ctx.sessions))
""",
        PORT=s.port,
    )
    assert got["nothing"] is None
    assert 0 < got["wait"] <= 500
    assert got["after"] is None
    assert got["number"] == 1


def test_a_connection_is_polled_once(run, server):
    s = server(version="1.2")
    got = run(
        """
ctx = client()
s = connect(ctx, PORT)
time.sleep_ms(510)
tlsresume.poll()
tlsresume.poll()
s.close()
stats = ctx.session_stats()
result(poll=stats["harvested_poll"], close=stats["harvested_close"])
""",
        PORT=s.port,
    )
    assert got == {"poll": 1, "close": 0}


def test_asyncio_polls_by_itself_and_leaves_no_task(run, server):
    s = server(version="1.2")
    got = run(
        """
import asyncio
from asyncio import core
async def main():
    ctx = client()
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", PORT, ssl=ctx, server_hostname="localhost")
    writer.write(b"hello\\n")
    await writer.drain()
    await reader.readline()
    count = ctx.sessions.counted
    while not count("harvested_poll"):
        await asyncio.sleep_ms(10)
    await asyncio.sleep_ms(10)
    left = core._task_queue.peek() is not None
    second = await asyncio.open_connection(
        "127.0.0.1", PORT, ssl=ctx, server_hostname="localhost")
    second[1].write(b"hello\\n")
    await second[1].drain()
    await second[0].readline()
    return dict(left=left, neighbour=second[1].s.session_reused)
result(**asyncio.run(main()))
""",
        PORT=s.port,
    )
    assert got == {"left": False, "neighbour": True}


def test_a_second_event_loop_polls_as_the_first_did(run, server):
    s = server(version="1.2")
    got = run(
        """
import asyncio
async def main(ctx):
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", PORT, ssl=ctx, server_hostname="localhost")
    writer.write(b"hello\\n")
    await writer.drain()
    await reader.readline()
async def wait(ctx):
    await main(ctx)
    while not ctx.sessions.counted("harvested_poll"):
        await asyncio.sleep_ms(10)
ctx = client()
asyncio.run(main(ctx))
asyncio.new_event_loop()
ctx = client()
asyncio.run(wait(ctx))
result(ok=True)
""",
        PORT=s.port,
        timeout=20,
    )
    assert got["ok"]


TIMER = """
class Timer:
    "What machine.Timer is on boards; the unix port has none."
    ONE_SHOT = 0
    armed = None
    inits = 0
    def init(self, mode, period, callback):
        self.inits += 1
        if self.inits == BROKEN:
            raise OSError("no timer is free")
        self.armed = period, callback
    def deinit(self):
        self.armed = None
timer = Timer()
"""


def test_a_timer_polls(run, server):
    s = server(version="1.2")
    got = run(
        TIMER
        + """
tlsresume.use_timer(timer)
ctx = client()
s = connect(ctx, PORT)
period, callback = timer.armed
timer.armed = None
time.sleep_ms(period)
callback(timer)
time.sleep_ms(1)
polled = ctx.sessions.counted("harvested_poll")
result(period=period, polled=polled, again=timer.armed)
""",
        PORT=s.port,
        BROKEN=0,
    )
    assert 0 < got["period"] <= 501
    assert got["polled"] == 1 and got["again"] is None


def test_a_connection_closed_early_is_harvested_at_its_close(run, server):
    s = server(version="1.2")
    got = run(
        """
ctx = client()
connect(ctx, PORT).close()
stats = ctx.session_stats()
result(close=stats["harvested_close"], poll=stats["harvested_poll"], number=stats["number"])
""",
        PORT=s.port,
    )
    assert got == {"close": 1, "poll": 0, "number": 1}


def test_a_connection_that_is_collected_unclosed_is_harvested(run, server):
    s = server(version="1.2")
    got = run(
        """
import gc
ctx = client()
def lose():
    echo(connect(ctx, PORT))
lose()
deep = lambda n: n and deep(n - 1)
deep(30)
gc.collect()
result(close=ctx.session_stats()["harvested_close"], reused=once(ctx, PORT))
""",
        PORT=s.port,
    )
    assert got == {"close": 1, "reused": True}


def test_a_session_ages_while_it_waits_to_be_taken(run, server):
    s = server(version="1.2")
    got = run(
        """
ctx = client(sessions=tlsresume.SessionCache(timeout=1))
once(ctx, PORT)
time.sleep_ms(1100)
result(number=len(ctx.sessions))
""",
        PORT=s.port,
    )
    assert got == {"number": 0}


def test_closing_twice_harvests_once(run, server):
    s = server(version="1.2")
    got = run(
        """
ctx = client()
s = connect(ctx, PORT)
s.close()
s.close()
result(close=ctx.session_stats()["harvested_close"])
""",
        PORT=s.port,
    )
    assert got == {"close": 1}


def test_what_waits_to_be_taken_is_bounded(run, server):
    s = server(version="1.2")
    got = run(
        """
tlsresume.harvest.DELAY = 3600000
ctx = client()
pull = ctx.sessions.pull
ctx.sessions.pull = None  # or those that are open for 500 ms would be taken meanwhile
all = [connect(ctx, PORT) for _ in range(40)]
ctx.sessions.pull = pull
for s in all:
    s.close()
result(close=ctx.session_stats()["harvested_close"])
""",
        PORT=s.port,
    )
    assert 4 <= got["close"] <= 16  # of 8 KiB, certificates among them


def test_a_failed_handshake_leaves_nothing(run, server, certs):
    s = server(version="1.2")
    got = run(
        """
ctx = client()
errors = []
for _ in range(2):
    try:
        connect(ctx, PORT)
    except ValueError as e:
        errors.append(str(e))
stats = ctx.session_stats()
result(errors=errors, number=stats["number"], failed=stats["failed"])
""",
        PORT=s.port,
        CA=certs.other_ca.der,
    )
    assert len(got["errors"]) == 2
    assert got["number"] == 0
    assert got["failed"] == 2


def test_a_handshake_that_fails_in_a_read_leaves_nothing(run, server, certs):
    s = server(version="1.2")
    got = run(
        """
ctx = client()
s = connect(ctx, PORT, do_handshake_on_connect=False)
try:
    echo(s)
    error = None
except ValueError as e:
    error = str(e)
stats = ctx.session_stats()
result(error=error, number=stats["number"], failed=stats["failed"])
""",
        PORT=s.port,
        CA=certs.other_ca.der,
    )
    assert got["error"]
    assert got["number"] == 0
    assert got["failed"] == 1


def test_a_session_whose_offer_ends_in_failure_is_forgotten(run, server):
    s = server(version="1.2")
    got = run(
        """
ctx = client()
once(ctx, PORT)
before = len(ctx.sessions)
dead = socket.socket()
dead.bind(socket.getaddrinfo("127.0.0.1", 0)[0][-1])
dead.listen(1)
class Broken:
    pass
entry = ctx.sessions.get("localhost", PORT, ctx.fingerprint())
import io
class Garbage(io.IOBase):
    "A server that answers a ClientHello with an alert."
    def __init__(self):
        self.answer = b"\\x15\\x03\\x03\\x00\\x02\\x02\\x28"
    def write(self, data):
        return len(data)
    def readinto(self, buf):
        n = min(len(buf), len(self.answer))
        buf[:n] = self.answer[:n]
        self.answer = self.answer[n:]
        return n
    def ioctl(self, request, arg):
        return 0
try:
    ctx.wrap_socket(Garbage(), server_hostname="localhost", server_port=PORT)
    error = None
except OSError as e:
    error = str(e)
result(before=before, error=error, after=len(ctx.sessions))
""",
        PORT=s.port,
    )
    assert got["before"] == 1
    assert "FATAL_ALERT" in got["error"]
    assert got["after"] == 0


@pytest.mark.parametrize("polled", (False, True))
def test_what_a_fatal_alert_ended_is_not_resumed(run, server, polled):
    s = server(version="1.2")
    got = run(
        """
class Tapped:
    pass
import io
class Tamper(io.IOBase):
    "Passes everything, and after `spoil` damages what comes in."
    def __init__(self, sock):
        self.sock = sock
        self.spoil = False
    def write(self, data):
        return self.sock.write(data)
    def readinto(self, buf):
        n = self.sock.readinto(buf)
        if self.spoil and n > 5:
            buf[n - 1] ^= 1
        return n
    def ioctl(self, request, arg):
        if request == 4:
            self.sock.close()
        return 0
ctx = client()
raw = socket.socket()
raw.connect(socket.getaddrinfo("127.0.0.1", PORT)[0][-1])
tamper = Tamper(raw)
s = ctx.wrap_socket(tamper, server_hostname="localhost", server_port=PORT)
echo(s)
if POLLED:
    time.sleep_ms(tlsresume.poll() + 1)
    assert len(ctx.sessions) == 1
tamper.spoil = True
try:
    echo(s)
    error = None
except OSError as e:
    error = str(e)
s.close()
result(error=error, number=len(ctx.sessions), failed=ctx.session_stats()["failed"])
""",
        PORT=s.port,
        POLLED=polled,
    )
    assert "-29056" in got["error"]  # MBEDTLS_ERR_SSL_INVALID_MAC, from 1.28 on with its name
    assert got["number"] == 0
    assert got["failed"] == 1


def test_a_timer_is_told_about_where_it_is_given(run):
    got = run(
        TIMER
        + """
try:
    tlsresume.use_timer(timer)
except OSError as e:
    result(error=str(e))
""",
        BROKEN=1,
    )
    assert got["error"] == "no timer is free"


def test_a_timer_that_fails_later_costs_no_connection(run, server):
    s = server(version="1.2")
    got = run(
        TIMER
        + """
tlsresume.use_timer(timer)
ctx = client()
result(reused=[once(ctx, PORT), once(ctx, PORT)], inits=timer.inits)
""",
        PORT=s.port,
        BROKEN=2,
    )
    assert got == {"reused": [False, True], "inits": 3}


def test_a_full_queue_of_callbacks_arms_the_timer_again(run):
    got = run(
        TIMER
        + """
class Full:
    @staticmethod
    def schedule(function, argument):
        raise RuntimeError("schedule queue full")
sys.modules["micropython"] = Full
tlsresume.use_timer(timer)
timer.armed[1](timer)
result(inits=timer.inits)
""",
        BROKEN=0,
    )
    assert got["inits"] == 2


def test_a_task_that_had_no_memory_is_started_by_the_next_connection(run, server):
    s = server(version="1.2")
    got = run(
        """
import asyncio
from asyncio import core
started = []
create_task = core.create_task
def failing(coroutine):
    started.append(len(started))
    if len(started) == 1:
        raise MemoryError
    return create_task(coroutine)
async def main():
    core.create_task = failing
    ctx = client()
    connect(ctx, PORT)
    s = connect(ctx, PORT)
    while not ctx.sessions.counted("harvested_poll"):
        await asyncio.sleep_ms(10)
asyncio.run(main())
result(started=len(started))
""",
        PORT=s.port,
        timeout=20,
    )
    assert got["started"] == 2


def test_poll_raises_nothing_whatever_a_stream_in_python_does(run, server):
    s = server(version="1.2")
    got = run(
        """
import io
class Stream(io.IOBase):
    broken = False
    def __init__(self, sock):
        self.sock = sock
    def readinto(self, buf):
        return self.sock.readinto(buf)
    def write(self, buf):
        return self.sock.write(buf)
    def ioctl(self, request, argument):
        if self.broken:
            raise ValueError("broken")
        return argument if request == 3 else 0
stream = Stream(socket.socket())
stream.sock.connect(socket.getaddrinfo(HOST, PORT)[0][-1])
ctx = client()
s = ctx.wrap_socket(stream, server_hostname="localhost")
echo(s)
stream.broken = True
time.sleep_ms(510)
result(wait=tlsresume.poll(), neighbour=once(ctx, PORT))
""",
        PORT=s.port,
    )
    assert got["wait"] is None


@pytest.mark.parametrize("how", ("session", "no name"))
def test_connections_that_are_not_looked_up_leave_nothing_behind(run, server, how):
    s = server(version="1.2")
    got = run(
        """
import _tlsresume
ctx = client()
s = connect(ctx, PORT)
session = s.session
s.close()
given = {"session": session}
if HOW == "no name":
    ctx.verify_mode = tls.CERT_NONE
    given = {"name": None, "server_port": 1}
for _ in range(20):
    connect(ctx, PORT, **given).close()
waiting = 0
while _tlsresume.take(500):
    waiting += 1
result(waiting=waiting)
""",
        PORT=s.port,
        HOW=how,
    )
    assert got["waiting"] <= 2  # the last one's outcome, and its session


@pytest.mark.parametrize("blocking", (True, False))
def test_an_offer_that_the_network_swallows_is_not_made_again(run, server, blocking):
    """As a middlebox may, that closes the connection when it sees a session."""
    s = server(version="1.2")
    got = run(
        """
ctx = client()
once(ctx, PORT, server_port=1)
errors = []
for port in (SHUT, PORT):
    try:
        s = None
        s = connect(ctx, port, server_port=1, do_handshake_on_connect=BLOCKING)
        echo(s)
    except OSError as e:
        errors.append(port == SHUT)
    if s is not None:
        s.close()
stats = ctx.session_stats()
result(errors=errors, offered=stats["offered"], failed=stats["failed"])
""",
        PORT=s.port,
        SHUT=shut_at_once(),
        BLOCKING=blocking,
    )
    assert got == {"errors": [True], "offered": 1, "failed": 1}


@pytest.mark.parametrize("version", ("1.2", "1.3"))
def test_a_handshake_that_fails_costs_no_other_connection_its_session(run, server, version):
    s = server(version=version)
    got = run(
        """
ctx = client()
fails = connect(ctx, SHUT, server_port=1, do_handshake_on_connect=False)
once(ctx, PORT, server_port=1)
kept = len(ctx.sessions)
try:
    echo(fails)
except OSError:
    fails.close()
result(kept=kept, resumed=once(ctx, PORT, server_port=1), failed=ctx.session_stats()["failed"])
""",
        PORT=s.port,
        SHUT=shut_at_once(),
    )
    assert got == {"kept": 1, "resumed": True, "failed": 1}


def shut_at_once():
    """A port that reads the ClientHello, and closes."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        with listener, listener.accept()[0] as one:
            one.recv(4096)

    threading.Thread(target=serve, daemon=True).start()
    return listener.getsockname()[1]
