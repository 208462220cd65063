"""Where the heap is full, or a session too large, a connection works, and nothing spins."""

import ctypes

import pytest
from ticket_server import TicketServer

versions = pytest.mark.parametrize("version", ("1.2", "1.3"))

_MAX_PROTOCOL, _TLS1_2 = 124, 0x0303


class BigTicketServer(TicketServer):
    """A TicketServer of one version whose tickets carry `size` bytes of the application's."""

    def __init__(self, certificate, script, version, size):
        self._version, self._data = version, bytes(size)
        super().__init__(certificate, script)

    def _configure(self, *args):
        super()._configure(*args)
        lib, p, i = self._lib, ctypes.c_void_p, ctypes.c_int
        if self._version == "1.2":
            for which in (_MAX_PROTOCOL - 1, _MAX_PROTOCOL):
                lib.SSL_CTX_ctrl(self._context, which, _TLS1_2, None)
            lib.SSL_CTX_set_num_tickets(self._context, 1)
        lib.SSL_get_session.restype, lib.SSL_get_session.argtypes = p, (p,)
        lib.SSL_SESSION_set1_ticket_appdata.argtypes = p, ctypes.c_char_p, ctypes.c_size_t
        self._make = ctypes.CFUNCTYPE(i, p, p)(
            lambda ssl, _: lib.SSL_SESSION_set1_ticket_appdata(
                lib.SSL_get_session(ssl), self._data, len(self._data)
            )
        )
        lib.SSL_CTX_set_session_ticket_cb.argtypes = p, p, p, p
        make = ctypes.cast(self._make, p)
        lib.SSL_CTX_set_session_ticket_cb(self._context, make, None, None)


@pytest.fixture
def big(certs, starter):
    yield from starter(
        lambda version, size: BigTicketServer(
            certs.server,
            ["ticket"] * (version == "1.3") + [b"hello\n", "read", b"x"],
            version,
            size,
        )
    )


SPY = """
from tlsresume import harvest
import micropython
class Spy:
    "_tlsresume; counts what is taken, and how long it is; full: it has no memory to."
    full = False
    takes = longest = 0
    def __init__(self, module):
        for name in dir(module):
            if name != "take":
                setattr(self, name, getattr(module, name))
        self.module = module
    def take(self, age):
        self.takes += 1
        try:
            if self.full:
                micropython.heap_lock()
            taken = self.module.take(age)
        finally:
            if self.full:
                micropython.heap_unlock()
        if taken is not None and taken[2] is not None:
            self.longest = max(self.longest, len(taken[2]))
        return taken
spy = harvest._tlsresume = Spy(harvest._tlsresume)
"""


@versions
@pytest.mark.parametrize("closed", (False, True))
def test_a_session_that_is_larger_than_is_kept_is_never_packed(run, big, version, closed):
    port = [big(version, size).port for size in (100, 15000)]
    got = run(
        SPY
        + """
harvest.DELAY = 0
ctx = client()
def talk(port):
    spy.longest = 0
    s = connect(ctx, port)
    s.readline()
    if CLOSED:
        s.close()
    due = tlsresume.poll()
    s.close()
    kept = len(ctx.sessions)
    ctx.sessions.clear()
    return [due, kept, spy.longest > 0]
result(small=talk(PORT[0]), large=talk(PORT[1]))
""",
        PORT=port,
        CLOSED=closed,
    )
    assert got == {"small": [None, 1, True], "large": [None, 0, False]}


@versions
def test_without_memory_the_harvest_gives_up_until_the_close(run, server, version):
    s = server(version=version)
    got = run(
        SPY
        + """
harvest.DELAY = 0
ctx = client()
s = connect(ctx, PORT)
echo(s)
spy.full = True
n = 0
while tlsresume.poll() is not None and n < 50:
    n += 1
spy.full = False
s.close()
result(n=n, reused=once(ctx, PORT))
""",
        PORT=s.port,
    )
    assert got["n"] <= 3 and got["reused"] is True


@versions
def test_asyncio_does_not_spin_where_the_heap_is_full(run, server, version):
    s = server(version=version)
    got = run(
        SPY
        + """
import asyncio
async def main():
    ctx = client()
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", PORT, ssl=ctx, server_hostname="localhost")
    writer.write(b"hello\\n")
    await writer.drain()
    await reader.readline()
    spy.full, spy.takes, turns = True, 0, 0
    while harvest._queue is not None and turns < 1000:
        turns += 1
        await asyncio.sleep_ms(10)
    spy.full = False
    done = harvest._queue is None
    takes = spy.takes
    writer.close()
    await writer.wait_closed()
    return dict(done=done, few=takes < 10, kept=len(ctx.sessions))
result(**asyncio.run(main()))
""",
        PORT=s.port,
    )
    assert got == {"done": True, "few": True, "kept": 1}


PLACES = {
    "the look-up": "cache.take = failing(cache.take)",
    "the clock": "clock = Storage(); clock.now = failing(cache._clock.now); cache._clock = clock",
    "the name": "tlsresume.context._name = failing(tlsresume.context._name)",
    "the harvest": "harvest.poll = cache.pull = failing(harvest.poll)",
    "a counter": "cache.count = failing(cache.count)",
    "the fingerprint": "ctx._configuration.fingerprint = failing(ctx.fingerprint)",
    "the storage": "cache.store = Storage()",
    "the adoption": "tlsresume.context._tlsresume = Locked(tlsresume.context._tlsresume)",
}


@pytest.mark.parametrize("handshake", (True, False))
@pytest.mark.parametrize("first", (True, False))
@pytest.mark.parametrize("place", PLACES)
def test_a_connection_without_memory_for_it_works_and_says_that_it_is_not_resumed(
    run, server, place, first, handshake
):
    s = server(version="1.2")
    got = run(
        """
import micropython
from tlsresume import harvest
armed = []
def failing(function):
    def fails(*args, **kwargs):
        if armed:
            raise MemoryError
        return function(*args, **kwargs)
    return fails
class Storage:
    tick = failing(lambda self: None)
class Locked:
    def __init__(self, module):
        for name in dir(module):
            if name != "adopt":
                setattr(self, name, getattr(module, name))
        self.module = module
    def adopt(self, socket, context, owner, packed, age):
        adopt = self.module.adopt
        micropython.heap_lock()
        try:
            return adopt(socket, context, owner, packed, age)
        finally:
            micropython.heap_unlock()
ctx = client()
cache = ctx.sessions
if not FIRST:
    once(ctx, PORT), len(cache)
exec(PLACE)
armed.append(0)
s = connect(ctx, PORT, do_handshake_on_connect=HANDSHAKE)
armed.clear()
before = s.session_reused
line = echo(s).decode()
reused, session = s.session_reused, s.session
s.close()
result(before=before, line=line, reused=reused)
""",
        PORT=s.port,
        PLACE=PLACES[place],
        FIRST=first,
        HANDSHAKE=handshake,
    )
    assert got == {"before": False, "line": "hello\n", "reused": False}
    assert s.reused(1 if first else 2) == [False] * (1 if first else 2)
