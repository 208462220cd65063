"""A network that cuts and chops: each connection fails as it would without us, the next works."""

import pytest
from counting_proxy import CountingProxy
from faulty_proxy import IN, OUT, FaultyProxy

KINDS = ("TLS 1.2, tickets", "TLS 1.2, IDs", "TLS 1.3")

# Of TLS 1.3: tickets between the halves of a line.
SCRIPT = ("read", b"hel", "ticket", "ticket", b"lo\n", "read", "reused")

TALK = """
def talk(s):
    s.write(b"hello\\n")
    yield s.readline()
    s.write(b"reused?\\n")
    yield s.readline()
def works(ctx, port):
    "A connection that nothing disturbs; both sides agree on whether it was resumed."
    s = connect(ctx, port, server_port=DIRECT)
    line, reused = talk(s)
    assert (line, int(reused)) == (b"hello\\n", s.session_reused), (line, reused)
    s.close()
"""


@pytest.fixture
def start(server, tickets):
    """The port of a server of this kind."""

    def start(kind):
        if kind == "TLS 1.3":
            return tickets(SCRIPT).port
        return server(version="1.2", tickets=2 if kind.endswith("tickets") else False).port

    return start


def sizes(run, port):
    """Bytes out and in of a full connection and of a resumed one."""
    with FaultyProxy(port) as proxy:
        script = TALK + "ctx = client()\nworks(ctx, PORT)\nworks(ctx, PORT)\nresult()"
        run(script, PORT=proxy.port, DIRECT=port)
        return proxy.counts


# The same for both, whose messages would have other lengths else.
SUITES = ["TLS1-3-AES-128-GCM-SHA256", "TLS-ECDHE-ECDSA-WITH-AES-128-GCM-SHA256"]

CUT = """
known = {} # a list for each would stand in the middle of the heap, and hold up the largest
def outcome(ctx, **kwargs):
    "What the application sees: the lines that come, and the error."
    seen = []
    s = None
    try:
        s = connect(ctx, PORT, **kwargs)
        for line in talk(s):
            seen.append(line if line != b"1\\n" else b"0\\n")
    except OSError as e:
        seen.append("reset" if abs(e.errno) in (32, 104) else repr(e))
    if s is not None:
        s.close()
    return known.setdefault(repr(seen), seen)
native = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
native.load_verify_locations(CA)
native.set_ciphers(SUITES)
theirs = [outcome(native) for _ in range(FULL)]
ctx = client()
ctx.set_ciphers(SUITES)
def ours():
    if not RESUMED:
        ctx.sessions.clear()
    elif not len(ctx.sessions):
        works(ctx, DIRECT)
    seen = outcome(ctx, server_port=DIRECT)
    works(ctx, DIRECT)
    return seen
mine = [ours() for _ in range(RESUMED or FULL)]
if HOW == "rst":  # which overtakes what was sent before it, or does not
    strange = [x for x in theirs + mine if x[-1] not in ("reset", b"0\\n")]
elif RESUMED:
    strange = [x for x in mine if x not in theirs]
else:  # a signature's length varies by some bytes, and all that comes after it moves
    strange = [(i, x) for i, x in enumerate(mine) if x not in theirs[max(0, i - 4):i + 5]]
gc.collect()
result(strange=repr(strange), left=tlsresume.poll(), kinds=len(set(map(repr, theirs))))
"""


@pytest.mark.parametrize("resumed", (False, True), ids=("full", "resumed"))
@pytest.mark.parametrize("how", ("fin", "rst"))
@pytest.mark.parametrize("way", (OUT, IN), ids=("out", "in"))
@pytest.mark.parametrize("kind", KINDS)
def test_a_cut_at_any_byte_is_what_it_is_without_us(run, start, request, kind, way, how, resumed):
    port = start(kind)
    full, short = (size[way] for size in sizes(run, port))
    step = 1 if request.config.getoption("long") else 17
    faults = [(way, n, how) for n in range(0, full, step)]
    number = len(faults)
    again = [(way, n, how) for n in range(0, short, step)] if resumed else faults
    with FaultyProxy(port, faults + again) as proxy:
        got = run(
            TALK + CUT,
            timeout=1800,
            PORT=proxy.port,
            DIRECT=port,
            FULL=number,
            RESUMED=len(again) if resumed else 0,
            HOW=how,
            SUITES=SUITES,
        )
    assert got["strange"] == "[]"
    assert got["left"] is None
    assert got["kinds"] >= (2 if how == "fin" else 1)


READERS = {
    "blocking": """
def read(ctx):
    s = connect(ctx, PORT)
    lines = list(talk(s))
    s.close()
    return lines
""",
    "non-blocking": """
import select
def all_of(s, function, poll):
    while True:
        got = function()
        if got is not None:
            return got
        poll.poll()
def read(ctx):
    s = connect(ctx, PORT, do_handshake_on_connect=False)
    s.setblocking(False)
    poll = select.poll()
    poll.register(s, select.POLLIN | select.POLLOUT)
    lines = []
    for text in (b"hello\\n", b"reused?\\n"):
        all_of(s, lambda: s.write(text), poll)
        line = b""
        while not line.endswith(b"\\n"):
            line += all_of(s, lambda: s.read(1), poll)
        lines.append(line)
    s.close()
    return lines
""",
    "asyncio": """
import asyncio
async def talk_async(ctx):
    reader, writer = await asyncio.open_connection(
        HOST, PORT, ssl=ctx, server_hostname="localhost")
    lines = []
    for text in (b"hello\\n", b"reused?\\n"):
        writer.write(text)
        await writer.drain()
        lines.append(await reader.readline())
    writer.close()
    await writer.wait_closed()
    return lines
def read(ctx):
    return asyncio.run(talk_async(ctx))
""",
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("kind", KINDS)
def test_single_bytes_disturb_no_reader(run, start, kind, reader):
    port = start(kind)
    with FaultyProxy(port, single=True) as proxy:
        got = run(
            TALK + READERS[reader] + "ctx = client()\n"
            "lines = [[x.decode() for x in read(ctx)] for _ in range(3)]\n"
            "result(lines=lines, left=tlsresume.poll())",
            PORT=proxy.port,
            DIRECT=port,
        )
    assert got["lines"] == [["hello\n", f"{reused}\n"] for reused in (0, 1, 1)]
    assert got["left"] is None


@pytest.mark.parametrize("kind", KINDS)
def test_a_delay_of_every_piece_changes_nothing(run, start, kind):
    port = start(kind)
    with CountingProxy(port, delay=0.02) as proxy:
        script = TALK + "ctx = client()\nfor _ in range(3): works(ctx, PORT)\n"
        script += "result(hits=ctx.session_stats()['hits'])"
        got = run(script, PORT=proxy.port, DIRECT=port)
    assert got == {"hits": 2}
