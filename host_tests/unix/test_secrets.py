"""No secret stays in memory when its session is gone: the process is searched from the outside."""

import ctypes
import os
import re
import subprocess

import pytest
from prelude import PRELUDE, RTC
from ticket_server import TicketServer

_MIN_PROTOCOL, _MAX_PROTOCOL, _TLS1_2 = 123, 124, 0x0303

# A record that does not decrypt.
_DAMAGED = b"\x17\x03\x03\x00\x20" + bytes(32)

LOOK = """
from tlsresume import harvest, snapshot
import _tlsresume
def talk(ctx, **kwargs):
    s = connect(ctx, PORT, **kwargs)
    assert s.readline() == b"hello\\n"
    return s
def look(what):
    "Forget what was on the stack; the test looks into the memory then."
    deep = lambda n: n and deep(n - 1)
    deep(30)
    gc.collect()
    print(what)
    sys.stdin.readline()
"""


class TellingServer(TicketServer):
    """A TicketServer of one version; `secrets` has what each of its sessions is resumed with:
    the master secret, in TLS 1.3 the pre-shared key of a ticket (bytes)."""

    def __init__(self, certificate, version, damaged):
        self._version = version
        self._socks = {}
        self.secrets = set()
        first = "ticket" if version == "1.3" else "session"
        super().__init__(certificate, [first, b"hello\n", "read", *["damaged"] * damaged])

    def _configure(self, *args):
        super()._configure(*args)
        lib, p = self._lib, ctypes.c_void_p
        if self._version == "1.2":
            for which in (_MIN_PROTOCOL, _MAX_PROTOCOL):
                lib.SSL_CTX_ctrl(self._context, which, _TLS1_2, None)
            lib.SSL_CTX_set_num_tickets(self._context, 1)
        lib.SSL_get_fd.argtypes = lib.SSL_get_session.argtypes = (p,)
        lib.SSL_get_session.restype = p
        lib.SSL_SESSION_get_master_key.argtypes = p, ctypes.c_char_p, ctypes.c_size_t

    def _serve(self, sock):
        self._socks[sock.fileno()] = sock
        super()._serve(sock)

    def _play(self, ssl, step):
        if step == "damaged":
            self._socks[self._lib.SSL_get_fd(ssl)].sendall(_DAMAGED)
            return
        if step != "session":
            super()._play(ssl, step)
        if step in ("ticket", "session"):
            key = ctypes.create_string_buffer(48)
            session = self._lib.SSL_get_session(ssl)
            length = self._lib.SSL_SESSION_get_master_key(session, key, len(key))
            self.secrets.add(key.raw[:length])


@pytest.fixture
def copies(certs, micropython, starter):
    """Run a script on the unix port; returns how many secrets are in its memory at each look."""
    servers = starter(lambda version, damaged: TellingServer(certs.server, version, damaged))
    start = next(servers)

    def copies(script, version, damaged=False, **variables):
        server = start(version, damaged)
        variables.update(HOST="127.0.0.1", PORT=server.port, CA=certs.ca.der)
        given = "".join(f"{k} = {v!r}\n" for k, v in variables.items())
        process = subprocess.Popen(
            [str(micropython), "-X", "heapsize=1M", "-c", given + PRELUDE + LOOK + script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        found = {}
        with process:
            for what in process.stdout:
                memory = _memory(process.pid)
                found[what.strip()] = sum(memory.count(secret) for secret in server.secrets)
                process.stdin.write("\n")
                process.stdin.flush()
        assert process.returncode == 0
        return found

    yield copies
    next(servers, None)


def _memory(pid):
    """What the process has written, or may have."""
    parts = []
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            start, end, access = re.match(r"(\w+)-(\w+) (\S+)", line).groups()
            if access.startswith("rw"):
                try:
                    memory.seek(int(start, 16))
                    parts.append(memory.read(int(end, 16) - int(start, 16)))
                except OSError:
                    pass  # the kernel's own
    return b"".join(parts)


pytestmark = [
    pytest.mark.unchecked(reason="a checker keeps what was freed"),
    pytest.mark.skipif(not os.path.exists("/proc/self/mem"), reason="needs Linux's /proc"),
]
versions = pytest.mark.parametrize("version", ("1.2", "1.3"))


@versions
def test_of_a_session_there_is_one_copy_and_none_when_it_is_forgotten(copies, version):
    got = copies(
        """
ctx = client()
look("before")
s = talk(ctx)
s.close()
assert len(ctx.sessions) == 1
look("kept")
ctx.sessions.clear()
look("cleared")
talk(ctx).close()
s = talk(ctx)
assert s.session_reused
s.close()
tlsresume.poll()
look("resumed")
ctx.sessions.remove("localhost", PORT)
look("removed")
""",
        version,
    )
    assert got == {"before": 0, "kept": 1, "cleared": 0, "resumed": 1, "removed": 0}


@versions
@pytest.mark.parametrize("polled", (False, True))
def test_a_connection_that_fails_leaves_nothing(copies, version, polled):
    """RFC 5246 7.2.2, RFC 8446 6.2: its session is not to be resumed."""
    got = copies(
        """
ctx = client()
s = talk(ctx)
look("open")
if POLLED:
    harvest.DELAY = 0
    tlsresume.poll()
    assert len(ctx.sessions) == 1
s.write(b"go")
try:
    s.read(1)
    raise SystemExit(1)
except OSError:
    pass
s.close()
tlsresume.poll()
assert len(ctx.sessions) == 0
look("failed")
""",
        version,
        damaged=True,
        POLLED=polled,
    )
    assert got["open"] >= 1 and got["failed"] == 0


@versions
def test_a_connection_that_is_collected_leaves_nothing_but_what_the_cache_has(copies, version):
    got = copies(
        """
ctx = client()
def lose():
    talk(ctx)
for _ in range(3):
    lose()
    look("lost")
ctx.sessions.clear()
tlsresume.poll()
look("cleared")
""",
        version,
    )
    assert got["cleared"] == 0


@versions
def test_each_use_of_a_sockets_session_is_of_the_same_copy(copies, version):
    got = copies(
        """
ctx = client(sessions=False)
s = talk(ctx)
look("open")
for _ in range(5):
    assert s.session is s.session
    s.session.has_ticket, s.session.id, s.session.timeout
look("used")
session = s.session
s.close()
tlsresume.poll()
look("closed")
_tlsresume.wipe(session._packed)
look("wiped")
""",
        version,
    )
    assert got["used"] == got["open"] + 1
    assert got["closed"] == 1 and got["wiped"] == 0


@versions
def test_an_offer_that_comes_to_nothing_leaves_nothing(copies, version):
    got = copies(
        """
ctx = client()
talk(ctx).close()
assert len(ctx.sessions) == 1
for _ in range(3):
    s = connect(ctx, PORT, do_handshake_on_connect=False)
    s.close()
tlsresume.poll()
assert len(ctx.sessions) == 1
look("given back")
ctx.sessions.clear()
look("cleared")
""",
        version,
    )
    assert got == {"given back": 1, "cleared": 0}


@versions
@pytest.mark.parametrize("puts", range(1, 7))
def test_half_a_snapshot_is_wiped(copies, version, puts):
    got = copies(
        """
ctx = client()
talk(ctx).close(), talk(ctx, name="a.example").close()
assert len(ctx.sessions) == 2
left = PUTS
real = snapshot._put
def put(out, at, data):
    global left
    at = real(out, at, data)
    left -= 1
    if not left:
        raise MemoryError
    return at
snapshot._put = put
try:
    snapshot.dump(ctx.sessions)
    raise SystemExit(1)
except MemoryError:
    pass
look("failed")
snapshot._put = real
data = snapshot.dump(ctx.sessions)
look("dumped")
_tlsresume.wipe(data)
look("wiped")
""",
        version,
        PUTS=puts,
    )
    assert got == {"failed": 2, "dumped": 4, "wiped": 2}


DUMP = (
    RTC
    + """
from tlsresume import harvest, snapshot
from tlsresume.store import RTCMemory
import micropython
harvest.DELAY = 10**6
cache = tlsresume.SessionCache()
ctx = client(sessions=cache, storage=RTCMemory())
other = client(sessions=cache)
other.verify_mode = tls.CERT_NONE
def loaded():
    copy = tlsresume.SessionCache()
    n = snapshot.load(copy, snapshot.dump(cache), 0)
    return [n, sorted(copy)]
for name in ("localhost", "a.example"):
    once(ctx, PORT, name, server_port=1)
len(cache)
expected = loaded()
"""
)


def test_what_is_harvested_while_a_snapshot_is_made_is_in_it_as_a_whole_or_not_at_all(run, server):
    s = server(version="1.2")
    got = run(
        DUMP
        + """
open_one = connect(other, PORT, server_port=1)
echo(open_one)
pull, pulls = cache.pull, 0
def late():
    "The 500 ms pass after the first look."
    global pulls
    pulls += 1
    if pulls == 2:
        harvest.DELAY = 0
    return pull()
cache.pull = late
dumped = loaded()
pulls, harvest.DELAY = 0, 10**6
cache.changes += 1
saved = ctx.save()
cache.pull = pull
result(same=dumped == expected, saved=saved, failed=ctx.session_stats()["save_failed"])
""",
        PORT=s.port,
    )
    assert got == {"same": True, "saved": True, "failed": 0}


def test_a_callback_in_the_middle_of_a_snapshot_changes_nothing_of_it(run, server):
    s = server(version="1.2")
    got = run(
        DUMP
        + """
connect(other, PORT, server_port=1).close()
seen = []
def meddle(n):
    cache.put("meddler", n, bytes(100), 100, bytes([n]) * 32)
    dump = lambda: snapshot.dump(cache)
    for forget in (cache.clear, lambda: cache.remove("a.example", 1), dump):
        try:
            forget()
            seen.append("changed")
        except RuntimeError:
            pass
    tlsresume.poll()
    seen.append("ran")
real = snapshot._put, snapshot._size
def interrupted(function):
    def then(*args):
        micropython.schedule(meddle, 1 + len(seen) % 200)
        value = function(*args)
        for _ in range(2):
            pass
        return value
    return then
snapshot._put, snapshot._size = interrupted(real[0]), interrupted(real[1])
harvest.DELAY = 0
dumped = snapshot.dump(cache)
snapshot._put, snapshot._size = real
ran = seen.count("ran") >= 6 and not seen.count("changed")
copy = tlsresume.SessionCache()
n = snapshot.load(copy, dumped, 0)
result(ran=ran, n=n, meddled=[x for x in copy if "meddler" in x])
""",
        PORT=s.port,
    )
    assert got == {"ran": True, "n": 3, "meddled": []}
