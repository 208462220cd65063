"""TLS 1.3: tickets whenever the server sends them, and reads that do not notice."""

import socket
import time

import pytest
from counting_proxy import CountingProxy

LINE = b"hello\n"
AT_ONCE = lambda n: (*["ticket"] * n, "read", LINE)  # noqa: E731

SCRIPTS = {
    **{f"{n} at once": AT_ONCE(n) for n in (1, 2, 8)},
    "after the response": ("read", LINE, "ticket"),
    "between the halves of a response": ("read", LINE[:3], "ticket", "ticket", LINE[3:]),
    "before a response": ("read", "ticket", LINE),
}

READS = {
    "readline": "def answer(s): return s.readline()",
    "read": "def answer(s): return s.read(6)",
    "read of all": "def answer(s): return s.read(3) + s.read(3)",
    "readinto": """
def answer(s):
    buf, n = bytearray(6), 0
    while n < 6:
        n += s.readinto(memoryview(buf)[n:])
    return bytes(buf)
""",
    "non-blocking": """
import select
def answer(s):
    s.setblocking(False)
    p = select.poll()
    p.register(s, select.POLLIN)
    got = b""
    while len(got) < 6:
        data = s.read(6 - len(got))
        if data is None:
            p.poll()
        else:
            got += data
    s.setblocking(True)
    return got
""",
}

TALK = """
import select
def arrived(s):
    p = select.poll()
    p.register(s, select.POLLIN)
    p.poll()
def half_a_second():
    wait = tlsresume.poll()
    while wait is not None:
        time.sleep_ms(wait)
        wait = tlsresume.poll()
def talk(ctx, wait_for_more=False):
    s = connect(ctx, PORT)
    s.write(b"x\\n")
    got = answer(s).decode()
    if wait_for_more:
        arrived(s)
    reused = s.session_reused
    s.close()
    return got, reused
"""


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("script", SCRIPTS)
def test_reads_are_undisturbed_and_the_second_connection_resumes(run, tickets, script, read):
    server = tickets(SCRIPTS[script])
    got = run(
        READS[read] + TALK + "ctx = client()\nresult(talks=[talk(ctx, LATE), talk(ctx, LATE)])",
        PORT=server.port,
        LATE=SCRIPTS[script][-1] == "ticket",
    )
    assert got["talks"] == [[LINE.decode(), False], [LINE.decode(), True]]
    assert server.reused == [False, True]


@pytest.mark.parametrize("script", SCRIPTS)
def test_asyncio_reads_are_undisturbed(run, tickets, script):
    server = tickets((*SCRIPTS[script], "read", LINE))
    got = run(
        """
import asyncio
async def talk(ctx):
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", PORT, ssl=ctx, server_hostname="localhost"
    )
    answers = []
    for read in (reader.readline, lambda: reader.readexactly(6)):
        writer.write(b"x\\n")
        await writer.drain()
        answers.append((await read()).decode())
    writer.close()
    await writer.wait_closed()
    return answers
async def main():
    ctx = client()
    return await talk(ctx), await talk(ctx)
result(answers=asyncio.run(main()))
""",
        PORT=server.port,
    )
    assert got["answers"] == [[LINE.decode()] * 2] * 2
    assert server.reused == [False, True]


def test_a_server_without_tickets_is_never_resumed(run, tickets):
    server = tickets(AT_ONCE(0))
    got = run(
        READS["readline"]
        + TALK
        + "ctx = client()\nresult(reused=[talk(ctx)[1] for _ in range(3)], n=len(ctx.sessions))",
        PORT=server.port,
    )
    assert got == {"reused": [False] * 3, "n": 0}
    assert server.reused == [False] * 3


def test_who_only_publishes_gets_the_ticket_at_the_close(run, tickets):
    server = tickets(("read", "ticket", "read"))
    got = run(
        TALK
        + """
ctx = client()
def publish():
    s = connect(ctx, PORT)
    s.write(b"x\\n")
    arrived(s)
    s.write(b"y\\n")
    reused = s.session_reused
    s.close()
    return reused
result(published=[publish(), publish()])
""",
        PORT=server.port,
    )
    assert got["published"] == [False, True] == server.reused


def test_each_look_leaves_application_data_alone(run, tickets):
    server = tickets(("read", "ticket", LINE, "ticket", LINE))
    got = run(
        TALK
        + """
ctx = client()
s = connect(ctx, PORT)
s.write(b"x\\n")
arrived(s)
half_a_second()
lines = [s.readline().decode()]
half_a_second()
n = len(ctx.sessions)
lines.append(s.readline().decode())
s.close()
result(n=n, lines=lines, stats=ctx.session_stats())
""",
        PORT=server.port,
    )
    assert got["n"] == 1 and got["lines"] == [LINE.decode()] * 2
    assert got["stats"]["harvested_poll"] == got["stats"]["harvested_close"] == 1


SPEND = """
ctx = client(reuse_tickets=REUSE)
result(reused=[talk(ctx)[1] for _ in range(6)], stats=ctx.session_stats())
"""


@pytest.mark.parametrize("reuse", (False, True))
@pytest.mark.parametrize("once", (False, True))
def test_tickets_are_spent_one_by_one_and_the_last_again_if_told(run, tickets, once, reuse):
    # Three tickets, on the first connection only.
    server = tickets(AT_ONCE(3), once=once, first=True)
    got = run(READS["readline"] + TALK + SPEND, PORT=server.port, REUSE=reuse)
    more = reuse and not once
    assert got["reused"] == [False, True, True, True, more, more] == server.reused
    # The server's word on the fourth offer of a spent ticket is taken once.
    assert got["stats"]["declined"] == (1 if reuse and once else 0)


def test_an_entry_keeps_the_newest_tickets_that_fit(run, tickets):
    server = tickets(AT_ONCE(8))
    got = run(
        READS["readline"]
        + TALK
        + """
ctx = client()
talk(ctx)
len(ctx.sessions)
sizes = [len(x[3]) for x in ctx.sessions.sessions()]
result(sizes=sizes)
""",
        PORT=server.port,
    )
    assert 2 <= len(got["sizes"]) and sum(got["sizes"]) <= 2048


def test_connections_at_the_same_time_each_bring_a_ticket(run, tickets):
    server = tickets(("read", LINE, "ticket", "read", LINE))
    got = run(
        READS["readline"]
        + """
ctx = client()
def round(n):
    all = [connect(ctx, PORT) for _ in range(n)]
    reused = [s.session_reused for s in all]
    for _ in range(2):
        for s in all:
            s.write(b"x\\n")
            answer(s)
    for s in all:
        s.close()
    return reused
result(first=round(3), second=round(4))
""",
        PORT=server.port,
    )
    assert got == {"first": [False] * 3, "second": [True] * 3 + [False]}


def test_a_server_that_wants_another_key_share_resumes(run, tickets):
    """HelloRetryRequest: RFC 8446 4.1.4."""
    server = tickets(AT_ONCE(1), groups="P-384")
    got = run(
        READS["readline"]
        + TALK
        + "ctx = client()\nresult(talks=[talk(ctx)[1] for _ in range(3)])",
        PORT=server.port,
    )
    assert got["talks"] == [False, True, True] == server.reused


def test_another_hash_than_the_tickets_is_a_full_handshake(run, tickets):
    """RFC 8446 4.2.11: a PSK goes with the hash of its cipher suite."""
    server = tickets(AT_ONCE(1))
    server.set_ciphersuites("TLS_AES_128_GCM_SHA256")
    change = tickets((Change(server), LINE))
    got = run(
        READS["readline"]
        + TALK
        + """
ctx = client()
before = [talk(ctx)[1], talk(ctx)[1]]
connect(client(), CHANGE).readline()
result(before=before, after=[talk(ctx)[1], talk(ctx)[1]])
""",
        PORT=server.port,
        CHANGE=change.port,
    )
    assert got == {"before": [False, True], "after": [False, True]}
    assert server.reused == [False, True, False, True]


class Change:
    """A step of a script."""

    def __init__(self, server):
        self.server = server

    def wait(self):
        self.server.set_ciphersuites("TLS_AES_256_GCM_SHA384")


STEP = """
ctx = client()
def step(port):
    try:
        return once(ctx, port, server_port=1)
    except OSError:
        return "refused"
result(steps=[step(port) for port in PORTS])
"""


def test_a_server_that_goes_back_to_tls_12_refuses_its_old_session_once(run, server):
    """What Mbed TLS's offer of a ticket of TLS 1.3 without TLS 1.2 costs."""
    new, old = server(version="1.3"), server(version="1.2")
    got = run(STEP, PORTS=[new.port] * 2 + [old.port] * 3)
    assert got["steps"] == [False, True, "refused", False, True]


def test_a_server_that_adds_tls_13_costs_a_full_handshake(run, server):
    old, new = server(version="1.2"), server()
    got = run(STEP, PORTS=[old.port] * 2 + [new.port] * 2)
    assert got["steps"] == [False, True] * 2


def test_a_server_that_gives_up_tls_12_refuses_its_old_session_once(run, server):
    """What Mbed TLS's offer of a session of TLS 1.2 without TLS 1.3 costs."""
    old, new = server(version="1.2"), server(version="1.3")
    got = run(STEP, PORTS=[old.port] * 2 + [new.port] * 3)
    assert got["steps"] == [False, True, "refused", False, True]


@pytest.mark.parametrize("version", ("1.2", "1.3"))
def test_the_server_name_is_the_same_on_resumption(run, server, version):
    server = server(version=version)
    run("ctx = client()\nfor _ in range(2): once(ctx, PORT)\nresult()", PORT=server.port)
    assert [one["name"] for one in server.wait(2)] == ["localhost"] * 2
    assert server.reused(2) == [False, True]


def test_the_age_of_a_ticket_is_told_by_our_clock(run, tickets):
    """RFC 8446 4.2.11.1: the age in milliseconds, plus a secret of the ticket."""
    server = tickets(AT_ONCE(1), first=True)
    proxy = CountingProxy(server.port)
    got = run(
        READS["readline"]
        + TALK
        + """
class Clock:
    seconds = 100
    def now(self):
        return self.seconds
clock = Clock()
ctx = client(sessions=tlsresume.SessionCache(clock=clock), reuse_tickets=True)
reused = [talk(ctx)[1], talk(ctx)[1]]
clock.seconds += 1000
reused.append(talk(ctx)[1])
result(reused=reused)
""",
        PORT=proxy.port,
    )
    assert got["reused"] == [False, True, True]
    first, second = (ticket_age(hello) for hello in proxy.heads[1:])
    assert (second - first) % 2**32 == pytest.approx(1_000_000, abs=60_000)


SLEPT = """
from tlsresume import snapshot
from tlsresume.store import File
awake = snapshot.now
snapshot.now = lambda: awake() + ASLEEP
ctx = client(storage=File(PATH, plaintext=True), reuse_tickets=True)
reused = [talk(ctx)[1] for _ in range(TIMES)]
assert ctx.save()
result(reused=reused)
"""


def test_the_age_of_a_stored_ticket_has_the_time_asleep_in_it(run, tickets, tmp_path):
    server = tickets(AT_ONCE(1), first=True)
    proxy = CountingProxy(server.port)
    given = {"PORT": proxy.port, "PATH": str(tmp_path / "sessions")}
    reused = [
        run(READS["readline"] + TALK + SLEPT, ASLEEP=asleep, TIMES=times, **given)["reused"]
        for asleep, times in ((0, 2), (1000, 1))
    ]
    assert reused == [[False, True], [True]]
    awake, asleep = (ticket_age(hello) for hello in proxy.heads[1:])
    assert (asleep - awake) % 2**32 == pytest.approx(1_000_000, abs=60_000)


def test_a_step_of_the_wall_clock_makes_no_ticket_older(run, tickets):
    """As NTP's, or of a board whose clock is set after it has connected."""
    server = tickets(AT_ONCE(1), first=True)
    proxy = CountingProxy(server.port)
    run(
        READS["readline"]
        + TALK
        + """
from tlsresume.clock import Clock
step = 0
clock = Clock(wall=lambda: time.time() + step)
ctx = client(sessions=tlsresume.SessionCache(clock=clock), reuse_tickets=True)
reused = [talk(ctx)[1], talk(ctx)[1]]
step = 1000
reused.append(talk(ctx)[1])
assert reused == [False, True, True]
result()
""",
        PORT=proxy.port,
    )
    first, second = (ticket_age(hello) for hello in proxy.heads[1:])
    assert (second - first + 1000) % 2**32 < 60_000  # ms, of which the seconds are ours


def ticket_age(hello):
    """The obfuscated_ticket_age of a ClientHello that ends with one pre_shared_key and its
    binder, a hash behind two lengths."""
    binder = next(n for n in (32, 48) if hello[-n - 3 : -n] == bytes((0, n + 1, n)))
    return int.from_bytes(hello[-binder - 7 : -binder - 3], "big")


def test_an_alert_that_the_poll_comes_upon_is_told_as_upstream_does(run, server, certs):
    """In TLS 1.3 a client's certificate is refused when its handshake is over."""
    s = server(version="1.3", client_ca=certs.ca.pem)
    got = run(
        TALK
        + """
def error(s, use):
    try:
        use(s)
    except OSError as e:
        return str(e)
read = lambda s: s.read(1)
def refused(context):
    s = connect(context, PORT)
    arrived(s)
    half_a_second()
    told = error(s, read), error(s, read), error(s, lambda s: s.write(b"x"))
    poll = select.poll()
    poll.register(s)
    told += (poll.poll(0)[0][1],)
    s.close()
    return told + (error(s, read),)
native = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
native.load_verify_locations(CA)
ctx = client()
result(errors=[refused(native), refused(ctx)], failed=ctx.session_stats()["failed"])
""",
        PORT=s.port,
    )
    theirs, ours = got["errors"]
    assert theirs == ours and None not in ours and got["failed"] == 1


class Wait:
    """A step of a script: until the client has connected to `port`."""

    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]

    def wait(self):
        self._listener.accept()[0].close()


def test_a_ticket_within_a_write_leaves_what_is_written_as_it_is(run, tickets):
    """A record that is half sent goes on with the application's next write of the same data."""
    full = Wait()
    total = 8 << 20
    server = tickets((full, "ticket", LINE, total))
    got = run(
        """
import hashlib, os
def talk(ctx):
    s = connect(ctx, PORT)
    s.setblocking(False)
    view = memoryview(DATA)
    at = 0
    refused = 0
    while refused < 20:  # until the network is full, and stays so
        n = s.write(view[at:at + 16384])
        at += n or 0
        refused = 0 if n else refused + 1
        n or time.sleep_ms(5)
    connect_plain(FULL)
    line = b""
    while len(line) < 6:
        line += s.read(6 - len(line)) or b""
    while at < len(DATA):
        at += s.write(view[at:at + 16384]) or 0
    s.setblocking(True)
    told = s.readline()
    s.close()
    return line.decode(), told.decode()
def connect_plain(port):
    s = socket.socket()
    s.connect(socket.getaddrinfo(HOST, port)[0][-1])
    s.close()
DATA = os.urandom(TOTAL)
result(ours=talk(client()), sent=hashlib.sha256(DATA).digest().hex())
""",
        PORT=server.port,
        FULL=full.port,
        TOTAL=total,
        heap="64M",
    )
    assert got["ours"] == [LINE.decode(), got["sent"] + "\n"]


def test_a_ticket_is_as_old_as_it_is_and_not_as_its_connection(run, tickets):
    second = Wait()
    server = tickets((LINE, second, "ticket", LINE))
    got = run(
        """
ctx = client()
s = connect(ctx, PORT)
s.readline()
time.sleep_ms(2100)
w = socket.socket()
w.connect(socket.getaddrinfo(HOST, SECOND)[0][-1])
s.readline()
s.close()
len(ctx.sessions)
result(ages=[(age, age + proof) for _, _, _, _, age, _, proof, _ in ctx.sessions.sessions()])
""",
        PORT=server.port,
        SECOND=second.port,
    )
    ((age, proof),) = got["ages"]
    assert age < 2 and proof <= 7 * 86400 - 2  # the peer's certificate was shown at its beginning


def test_a_read_that_ends_the_handshake_loses_nothing(run, tickets):
    """A stream that waits a while for data before it says that it would block."""
    server = tickets((Pause(0.7), LINE))
    got = run(
        """
import io, select
class Modem(io.IOBase):
    def __init__(self, s):
        self.s = s
        s.settimeout(0.5)
    def readinto(self, buf):
        try:
            return self.s.readinto(buf)
        except OSError as e:
            if e.errno != 110:
                raise
    def write(self, buf):
        return self.s.write(buf)
    def ioctl(self, request, argument):
        if request == 3:
            poll = select.poll()
            poll.register(self.s, argument)
            ready = poll.poll(0)
            return ready[0][1] if ready else 0
        return 0
def first(read):
    s = socket.socket()
    s.connect(socket.getaddrinfo(HOST, PORT)[0][-1])
    s = client().wrap_socket(Modem(s), server_hostname="localhost", do_handshake_on_connect=False)
    for _ in range(5):
        got = read(s)
        if got:
            return got.decode()
def into(s):
    buf = bytearray(6)
    return buf[:s.readinto(buf) or 0]
result(got=[first(lambda s: s.read(6)), first(into)])
""",
        PORT=server.port,
    )
    assert got["got"] == [LINE.decode()] * 2


class Pause:
    """A step of a script."""

    def __init__(self, seconds):
        self._seconds = seconds

    def wait(self):
        time.sleep(self._seconds)


def test_a_ticket_is_not_used_up_by_what_is_no_socket(run, server):
    s = server(version="1.3")
    got = run(
        """
ctx = client()
once(ctx, PORT)
def tickets():
    return sorted(bytes(item[3]) for item in ctx.sessions.sessions())
before = tickets()
try:
    ctx.wrap_socket(None, server_hostname="localhost", server_port=PORT)
    failed = False
except Exception:
    failed = True
after = tickets()
result(failed=failed, some=len(before) > 0, same=before == after, resumed=once(ctx, PORT))
""",
        PORT=s.port,
    )
    assert got == {"failed": True, "some": True, "same": True, "resumed": True}
