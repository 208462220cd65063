"""A socket's life, cut short or used wrongly: what happens is what happens without us."""

import socket

import pytest
from prelude import STREAM

SCRIPT = (
    STREAM
    + """
def wrap(ctx, stream, **kwargs):
    return ctx.wrap_socket(stream, server_hostname="localhost", server_port=PORT, **kwargs)
def error(f, *args):
    try:
        return repr(f(*args))
    except Exception as e:
        return repr(e)
def half(ctx):
    "A connection in the middle of the server's answer in its handshake."
    stream = Stream()
    stream.left = 100
    kwargs = {} if ctx is native else {"server_port": PORT}
    s = ctx.wrap_socket(
        stream, server_hostname="localhost", do_handshake_on_connect=False, **kwargs)
    assert s.read(1) is None and stream.left == 0
    return s
def unanswered(ctx):
    "A connection whose ClientHello is out."
    s = connect(ctx, QUIET, do_handshake_on_connect=False)
    s.setblocking(False)
    assert s.read(1) is None
    return s
def forget():
    "Collect what is lost, and what was on the stack."
    deep = lambda n: n and deep(n - 1)
    deep(30)
    gc.collect()
native = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
native.load_verify_locations(CA)
"""
)

both = pytest.mark.parametrize("version", ("1.2", "1.3"))


@pytest.fixture
def live(run, server):
    """Run a script that ends with `result(...)` against a server of this version."""

    def live(version, script, **variables):
        port = server(version=version).port
        with socket.create_server(("127.0.0.1", 0)) as quiet:
            address = quiet.getsockname()
            return run(SCRIPT + script, PORT=port, QUIET=address[1], **variables)

    return live


USES = """
def uses(s):
    return [error(f) for f in (
        lambda: s.read(1), lambda: s.write(b"x"), lambda: s.readline(), lambda: s.close())]
"""  # cipher() and setblocking() of a closed socket are upstream's own null pointers


@both
def test_use_after_close_is_an_error_and_no_more(live, version):
    got = live(
        version,
        USES
        + """
def closed(ctx):
    s = connect(ctx, PORT)
    echo(s)
    s.close()
    return uses(s)
ctx = client()
result(ours=closed(ctx), theirs=closed(native), next=once(ctx, PORT), left=tlsresume.poll())
""",
    )
    assert got["ours"] == got["theirs"]
    assert (got["next"], got["left"]) == (True, None)


@both
def test_a_close_in_the_middle_of_a_handshake_leaves_nothing(live, version):
    got = live(
        version,
        USES
        + """
def closed(ctx):
    s = half(ctx)
    s.close()
    s.close()
    return uses(s)
ctx = client()
once(ctx, PORT)
ours = closed(ctx)
number = len(ctx.sessions)
result(ours=ours, theirs=closed(native), number=number, left=tlsresume.poll(),
       next=[once(ctx, PORT) for _ in range(2)])
""",
    )
    assert got["ours"] == got["theirs"]
    assert got["left"] is None
    assert got["next"][-1] is True


@both
def test_a_handshake_that_is_collected_leaves_nothing(live, version):
    got = live(
        version,
        """
ctx = client()
for _ in range(5):
    unanswered(ctx)
forget()
result(left=tlsresume.poll(), next=[once(ctx, PORT) for _ in range(2)])
""",
    )
    assert got == {"left": None, "next": [False, True]}


@both
def test_a_context_is_collected_before_its_sockets(live, version):
    got = live(
        version,
        """
def sockets():
    ctx = client()
    return [connect(ctx, PORT) for _ in range(3)], unanswered(ctx)
def use():
    open, _ = sockets()
    forget()
    return [echo(s).decode() for s in open]
lines = use()
forget()
ctx = client()
result(lines=lines, left=tlsresume.poll(), next=[once(ctx, PORT) for _ in range(2)])
""",
    )
    assert got["lines"] == ["hello\n"] * 3
    assert (got["left"], got["next"]) == (None, [False, True])


@both
def test_a_cache_is_collected_before_what_it_would_have_got(live, version):
    got = live(
        version,
        """
def lose():
    ctx = client()
    connect(ctx, PORT).close()
    return unanswered(ctx)
s = lose()
forget()
tlsresume.poll()
s.close()
result(left=tlsresume.poll())
""",
    )
    assert got["left"] is None


@both
@pytest.mark.parametrize("request_", ("read", "write", 3, 4))
def test_a_stream_that_raises_costs_its_own_connection_alone(live, version, request_):
    """In the handshake, in a look for the session, in the close."""
    got = live(
        version,
        """
class Unplugged(Exception):
    pass
def broken(request):
    if armed and request == REQUEST:
        raise Unplugged
armed = False
ctx = client()
s = wrap(ctx, Stream(broken))
echo(s)
armed = True
time.sleep_ms(510)
other = [once(ctx, PORT) for _ in range(2)]
ours = error(s.close)
left = tlsresume.poll()
armed = False
s = native.wrap_socket(Stream(broken), server_hostname="localhost")
echo(s)
armed = True
theirs = error(s.close)
ends = [error(wrap, ctx, Stream(broken)) for ctx in (ctx,)]
armed = False
forget()
result(ours=ours, theirs=theirs, other=other, left=[left, tlsresume.poll()], next=once(ctx, PORT))
""",
        REQUEST=request_,
    )
    assert got["ours"] == got["theirs"]
    assert got["other"][1] is True
    assert got["left"] == [None, None]
    assert got["next"] in (True, False)


@both
def test_a_stream_that_closes_the_socket_within_its_read_is_as_without_us(live, version):
    got = live(
        version,
        """
def closing(wrapped):
    holder = []
    def on(request):
        if request == "read" and holder:
            holder.pop().close()
            raise OSError(5)
    s = wrapped(Stream(on))
    echo(s)
    holder.append(s)
    return [error(s.read, 1), error(s.read, 1)]
ctx = client()
result(ours=closing(lambda s: wrap(ctx, s)),
       theirs=closing(lambda s: native.wrap_socket(s, server_hostname="localhost")),
       left=tlsresume.poll(), next=[once(ctx, PORT) for _ in range(2)])
""",
    )
    assert got["ours"] == got["theirs"]
    assert got["left"] is None
    assert got["next"][-1] is True


VERIFY = """
class Refused(Exception):
    pass
def connections(ctx, act):
    "Without and with a handshake in wrap_socket; the callback acts on the socket."
    sockets = []
    def callback(cert, depth):
        return act(sockets)
    ctx.verify_callback = callback
    seen = [error(connect, ctx, PORT)]
    s = connect(ctx, PORT, do_handshake_on_connect=False)
    sockets.append(s)
    seen.append(error(s.write, b"x"))
    seen.append(error(s.close))
    ctx.verify_callback = None
    return seen
def act(sockets):
    raise Refused
"""


@both
def test_a_verify_callback_that_raises_is_as_without_us(live, version):
    got = live(
        version,
        VERIFY
        + """
ctx = client()
ours = connections(ctx, act)
forget()
result(ours=ours, theirs=connections(native, act), left=tlsresume.poll(),
       next=[once(ctx, PORT) for _ in range(2)])
""",
    )
    assert got["ours"] == got["theirs"]
    assert (got["left"], got["next"]) == (None, [False, True])


def test_installing_twice_keeps_the_cache_and_undoes_all(live):
    got = live(
        "1.2",
        """
first = tlsresume.install()
second = tlsresume.install()
import ssl
def context():
    import tls
    ctx = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    ctx.load_verify_locations(CA)
    return ctx
reused = [once(context(), PORT) for _ in range(2)]
third = tlsresume.install(tlsresume.SessionCache("third"))
other = [once(context(), PORT) for _ in range(2)]
tlsresume.uninstall()
tlsresume.uninstall()
import tls
result(same=first is second, emptied=len(first), reused=reused, other=other,
       undone=tls.SSLContext is type(native) and "ssl" not in sys.modules)
""",
    )
    assert got["same"] and got["undone"]
    assert got["emptied"] == 0
    assert got["reused"] == got["other"] == [False, True]


INTERRUPTED = """
import _thread, micropython, select
def interrupt(read, callback):
    "Block in read(); a callback runs in the middle, once the other thread has seen it blocked."
    def signal():
        micropython.schedule(callback, 0)
        gc.collect()  # interrupts the system call that the main thread is blocked in
    def thread():
        while not called:
            time.sleep_ms(20)
            signal()
    called = []
    inner = callback
    def callback(x):
        if not called:
            called.append(True)
            inner(x)
    _thread.start_new_thread(thread, ())
    got = read()
    assert called
    return got
def arrived(s):
    p = select.poll()
    p.register(s, select.POLLIN)
    p.poll()
"""


def test_a_poll_in_the_middle_of_a_blocked_read_takes_nothing_away(run, tickets):
    """TLS 1.3: what the poll looks for comes the way that the read waits for."""
    server = tickets(("read", "ticket", b"hello\n"))
    got = run(
        INTERRUPTED
        + """
raw = socket.socket()
raw.connect(socket.getaddrinfo(HOST, PORT)[0][-1])
ctx = client()
s = ctx.wrap_socket(raw, server_hostname="localhost")
time.sleep_ms(tlsresume.poll() + 1)
def callback(_):
    s.write(b"x")
    arrived(raw)
    tlsresume.poll()
line = interrupt(s.readline, callback)
s.close()
result(line=line.decode(), number=len(ctx.sessions))
""",
        PORT=server.port,
        timeout=20,
    )
    assert got == {"line": "hello\n", "number": 1}


@both
def test_a_callback_closes_another_connection_in_the_middle_of_a_read(live, version):
    got = live(
        version,
        INTERRUPTED
        + """
ctx = client()
other = connect(ctx, PORT)
echo(other)
s = connect(ctx, PORT)
def callback(_):
    other.close()
    s.write(b"hello\\n")
line = interrupt(s.readline, callback)
s.close()
result(line=line.decode(), left=tlsresume.poll(), next=once(ctx, PORT))
""",
    )
    assert got == {"line": "hello\n", "left": None, "next": True}


@both
def test_another_thread_closes_what_the_main_one_does_not_use(live, version):
    got = live(
        version,
        INTERRUPTED
        + """
ctx = client()
sockets = [connect(ctx, PORT) for _ in range(8)]
s = connect(ctx, PORT)
def close():
    for other in sockets:
        other.close()
    closed.append(True)
closed = []
_thread.start_new_thread(close, ())
line = echo(s)
while not closed:
    line = echo(s)
s.close()
result(line=line.decode(), left=tlsresume.poll(), next=once(ctx, PORT))
""",
    )
    assert got == {"line": "hello\n", "left": None, "next": True}


def test_thousands_of_sockets_are_open_at_once(live):
    got = live(
        "1.2",
        """
class Still(io.IOBase):
    "A network on which nothing happens."
    def readinto(self, buf):
        return None
    def write(self, data):
        return len(data)
    def ioctl(self, request, arg):
        return 0
ctx = client()
once(ctx, PORT)
many = [wrap(ctx, Still(), do_handshake_on_connect=False) for _ in range(3000)]
among = once(ctx, PORT)
for s in many:
    s.close()
result(among=among, left=tlsresume.poll(), next=once(ctx, PORT))
""",
        heap="16M",
    )
    assert got == {"among": True, "left": None, "next": True}


@both
def test_a_callback_closes_the_socket_while_its_session_is_loaded(live, version):
    got = live(
        version,
        """
import micropython
ctx = client()
s = connect(ctx, PORT)
echo(s)
micropython.schedule(lambda _: s.close(), 0)
session = s.session  # runs Python, and so callbacks
result(session=session is not None, kept=len(ctx.sessions))
""",
    )
    assert got == {"session": True, "kept": 1}


def test_a_poll_of_the_stream_closes_the_socket(live):
    got = live(
        "1.3",
        """
closing = []
class Link(Stream):
    def ioctl(self, request, arg):
        if request == 3 and closing:
            closing.pop().close()
            return arg
        return super().ioctl(request, arg)
stream = Link()
ctx = client()
s = wrap(ctx, stream)
echo(s)
tlsresume.harvest.DELAY = 0
closing.append(s)
s.close()
tlsresume.poll()
result(closed=error(s.read, 1) != repr(b""), works=once(client(), PORT))
""",
    )
    assert got == {"closed": True, "works": False}


def test_a_handshake_whose_read_the_stream_ended_tells_its_outcome_and_age(live):
    got = live(
        "1.2",
        """
def on(request):
    "Raises where the read of the application would wait for data."
    if request == "read" and not ready.poll(300):
        raise ValueError
stream = Stream(on)
ready = select.poll()
ready.register(stream.sock, select.POLLIN)
ctx = client()
s = wrap(ctx, stream, do_handshake_on_connect=False)
raised = error(s.read, 1)
time.sleep_ms(2100)
s.close()
ages = [age for _, _, _, _, age, _, _, _ in ctx.sessions.sessions()]
result(raised=raised, good=ctx.session_stats()["connect_good"], old=[age >= 2 for age in ages])
""",
    )
    assert got == {"raised": "ValueError()", "good": 1, "old": [True]}
