"""A ticket opens where it was given, for as long as it was given, and as it was given."""

import pytest
from board_server import Client

KEY = "ticket_key=bytes(range(32))"
VERSIONS = ("1.2", "1.3")


@pytest.fixture(params=VERSIONS)
def version(request):
    return request.param


@pytest.fixture
def client(certs, version):
    return Client(version, certs.ca.pem)


def connect_twice(client, first, second):
    """Connect to one server, then to the other; whether that was resumed, and what it counted."""
    client.connect(first.port)
    return client.connect(second.port), second.stats()


# Keys.


@pytest.mark.parametrize(
    "first, second, opens",
    [
        (KEY, KEY, True),
        (KEY, "ticket_key=(bytes(32), bytes(range(32)))", True),
        ("ticket_key=(bytes(range(32)), bytes(32))", KEY, True),
        ("ticket_key=(bytes(32), bytes(range(32)))", KEY, False),
        (KEY, "ticket_key=bytes(32)", False),
        (KEY, "", False),
        ("", "", False),
    ],
)
def test_a_ticket_opens_at_another_server_that_has_its_key(
    board_server, client, first, second, opens
):
    reused, stats = connect_twice(client, board_server(first), board_server(second))
    assert reused == opens
    assert (stats["hits"], stats["foreign"]) == (opens, not opens)


def test_a_key_that_is_replaced_opens_what_it_has_sealed(board_server, client):
    s = board_server(KEY)
    client.connect(s.port)
    s.ask("ctx.set_ticket_key(bytes(32))")
    assert client.connect(s.port)
    s.ask("ctx.set_ticket_key(bytes(range(1, 33)))")
    # In TLS 1.3 the second key has sealed a ticket since; in 1.2 there is still the first one's.
    assert client.connect(s.port) == (client.context.minimum_version.name == "TLSv1_3")


def test_a_key_of_the_rtc_memory_is_taken(board_server, client):
    class_ = "class Key:\n    def key(self): return bytes(range(32))\nctx = new(ticket_key=Key())"
    reused, _ = connect_twice(client, board_server(KEY), board_server(program=class_))
    assert reused


@pytest.mark.parametrize(
    "argument, error",
    [
        ("ticket_key=bytes(31)", "ValueError"),
        ("ticket_key=bytes(33)", "ValueError"),
        ("ticket_key=b''", "ValueError"),
        ("ticket_key=()", "ValueError"),
        ("ticket_key=(bytes(32), bytes(32), bytes(32))", "ValueError"),
        ("ticket_key=(bytes(32), bytes(1))", "ValueError"),
        ("ticket_key='x' * 32", "TypeError"),
        ("ticket_key=1", "TypeError"),
        ("ticket_lifetime=0", "ValueError"),
        ("ticket_lifetime=-1", "ValueError"),
        ("ticket_lifetime=None", "TypeError"),
    ],
)
def test_a_key_and_a_lifetime_that_cannot_be_are_refused(run, argument, error):
    script = f"""
try:
    tlsresume.SSLContext(tls.PROTOCOL_TLS_SERVER, {argument})
    result(error=None)
except Exception as e:
    result(error=type(e).__name__, text=str(e))
"""
    got = run(script)
    assert got["error"] == error and got["text"]


def test_keys_that_are_drawn_change_each_week_and_open_for_one_more(run):
    got = run(
        """
from tlsresume import server
class Clock:
    t = 0
    def now(self): return self.t
server.clock = Clock()
keys = server.StartKeys()
pairs = []
for day in (0, 6, 7, 13, 14):
    server.clock.t = day * 86400
    pairs.append(keys.current())
a, b, c, d, e = pairs
result(first=len(a), same=a is b, c=[len(c), c[1] == a[0], c[0] != a[0]], d=d is c, e=e[1] == c[0])
"""
    )
    assert got == {"first": 1, "same": True, "c": [2, True, True], "d": True, "e": True}


# Time.

CLOCK = """
import tlsresume.server
class Time:
    ahead = 0
    gmtime = time.gmtime
    def time(self): return time.time() + self.ahead
clock = tlsresume.server.time = Time()
"""


@pytest.mark.parametrize(
    "ahead, opens",
    [(0, True), (900, True), (1001, False), (-2, False), (-86400, False), (10**8, False)],
)
def test_a_ticket_opens_for_its_lifetime_by_a_clock_that_goes_on(
    board_server, client, ahead, opens
):
    s = board_server(f"{KEY}, ticket_lifetime=1000", program=CLOCK)
    client.connect(s.port)
    s.ask(f"setattr(clock, 'ahead', {ahead})")
    assert client.connect(s.port) == opens
    stats = s.stats()
    assert (stats["hits"], stats["timeouts"]) == (opens, not opens)


def test_before_the_clock_is_set_a_ticket_is_good_for_this_start(board_server, client):
    unset = CLOCK + "clock.ahead = -time.time() + 50"
    a, b = board_server(KEY, program=unset), board_server(KEY, program=unset)
    client.connect(a.port)
    assert client.connect(a.port)
    assert not client.connect(b.port)
    a.ask("setattr(clock, 'ahead', 0)")
    client.connect(a.port)
    assert client.connect(a.port)


@pytest.mark.parametrize("version, days", [("1.2", 1), ("1.3", 7)])
def test_the_last_full_handshake_is_never_longer_ago_than_the_ceiling(
    board_server, certs, version, days
):
    s = board_server(f"{KEY}, ticket_lifetime=604800", program=CLOCK)
    client = Client(version, certs.ca.pem)
    client.connect(s.port)
    reused = []
    for hours in range(5, 24 * days + 10, 5):
        s.ask(f"setattr(clock, 'ahead', {hours * 3600})")
        reused.append(client.connect(s.port))
    assert reused == [True] * (24 * days // 5) + [False] + reused[24 * days // 5 + 1 :]
    assert s.stats()["unproven"] >= 1


# Configuration.

DEMAND = "ctx.load_verify_locations(CLIENT_CA); ctx.verify_mode = tls.CERT_REQUIRED"


@pytest.fixture
def demand(certs):
    return f"CLIENT_CA = {certs.ca.der!r}\n{DEMAND}"


def test_a_ticket_of_a_context_that_asks_for_no_certificate_opens_at_none_that_does(
    board_server, client, demand
):
    lax, strict = board_server(KEY), board_server(KEY, program=demand)
    client.connect(lax.port)
    with pytest.raises(OSError):
        client.connect(strict.port)
    assert strict.stats()["hits"] == 0


@pytest.mark.parametrize(
    "change",
    [
        "ctx.verify_mode = tls.CERT_OPTIONAL",
        "ctx.load_verify_locations(CERT)",
        "ctx.load_cert_chain(CERT, KEY)",
        "ctx.set_ciphers(ctx.get_ciphers()[:-1])",
        "ctx.verify_callback = lambda cert, depth: 0",
    ],
)
def test_a_change_of_the_configuration_ends_the_tickets_before_it(board_server, client, change):
    s = board_server(KEY)
    client.connect(s.port)
    assert client.connect(s.port)
    s.ask(change)
    assert [client.connect(s.port) for _ in range(2)] == [False, True]


def test_a_change_within_a_handshake_leaves_it_without_a_ticket(board_server, client):
    program = """
changes = 1
def serve(c):
    global changes
    s = ctx.wrap_socket(Stream(c), server_side=True, do_handshake_on_connect=False)
    line = s.readline()
    seen.append(s.session_reused)
    s.write(line)
    s.close()
import io
class Stream(io.IOBase):
    def __init__(self, sock):
        self.sock = sock
        self.wrote = 0
    def readinto(self, buf):
        global changes
        if changes and self.wrote > 300:  # the ClientHello has been answered, and by no retry
            changes -= 1
            ctx.verify_mode = tls.CERT_OPTIONAL
            ctx.wrap_socket(Nothing(), server_side=True, do_handshake_on_connect=False)
        return self.sock.readinto(buf)
    def write(self, data):
        self.wrote += len(data)
        return self.sock.write(data)
    def ioctl(self, request, arg):
        if request == 4: self.sock.close()
        return arg if request == 3 else 0
class Nothing(Stream):
    def __init__(self): pass
    def ioctl(self, request, arg): return 0
"""
    s = board_server(KEY, program=program)
    assert [client.connect(s.port) for _ in range(3)] == [False, False, True]


# What a client does to a ticket.

TAMPER = """
ctx = client(sessions=False)
s = connect(ctx, PORT)
echo(s)
session = s.session.serialize()
s.close()
at = session.find(bytes(NAME))
length = int.from_bytes(session[at - 2:at], "big")
assert 100 < length < 400
def offer(changed):
    return once(ctx, PORT, session=tlsresume.SSLSession(bytes(changed)))
def flip(bit):
    changed = bytearray(session)
    changed[at + bit // 8] ^= 1 << bit % 8
    return offer(changed)
"""


@pytest.fixture
def tamper(board_server, run, micropython, micropython_tls12, version):
    """Run a script after TAMPER against a server; returns its result and the server's counts."""

    def tamper(script, **variables):
        s = board_server(KEY)
        Client(version).connect(s.port)  # the keys are made at the first connection
        firmware = {"1.2": micropython_tls12, "1.3": micropython}[version]
        name = s.ask("list(ctx._tickets._state[16:20])")
        got = run(
            TAMPER + script, PORT=s.port, NAME=name, firmware=firmware, timeout=600, **variables
        )
        return got, s.stats()

    return tamper


def test_a_ticket_with_any_bit_changed_is_declined(tamper, pytestconfig):
    stride = 1 if pytestconfig.getoption("--long") else 7
    script = """
bits = list(range(0, length * 8, STRIDE))
result(resumed=[bit for bit in bits if flip(bit)], tried=len(bits), as_it_was=offer(session))
"""
    got, stats = tamper(script, STRIDE=stride)
    assert got["resumed"] == [] and got["as_it_was"]
    assert (stats["foreign"], stats["hits"]) == (got["tried"], 1)


def test_a_ticket_of_another_length_is_declined(tamper, pytestconfig):
    # The length that stands before the ticket is changed with it.
    stride = 1 if pytestconfig.getoption("--long") else 10
    script = """
def cut(n, more=b""):
    ticket = (session[at:at + length] + more)[:n]
    return offer(session[:at - 2] + n.to_bytes(2, "big") + ticket + session[at + length:])
tried = [cut(n) for n in range(1, length, STRIDE)] + [cut(length + n, bytes(n)) for n in (1, 100)]
result(resumed=[i for i, reused in enumerate(tried) if reused])
"""
    got, stats = tamper(script, STRIDE=stride)
    assert got["resumed"] == [] and stats["hits"] == 0
