"""Threads that run at once, as on the unix port, which has no GIL: one cache, one module."""

import re

import pytest

THREADS = """
import _thread
_thread.stack_size(512 * 1024)
def in_threads(count, function):
    "Run function(number) in so many threads; returns their errors."
    errors = []
    running = [_thread.allocate_lock() for _ in range(count)]
    def run(number):
        try:
            function(number)
        except Exception as e:
            errors.append(repr(e))
        running[number].release()
    for number, lock in enumerate(running):
        lock.acquire()
        _thread.start_new_thread(run, (number,))
    for lock in running:
        lock.acquire()
    return errors
"""

HAMMER = """
cache = tlsresume.SessionCache(max=6)
def connected(ctx, port_in_tag):
    s = connect(ctx, PORT, server_port=port_in_tag)
    assert int(echo(s, b"reused?\\n")) == s.session_reused
    return s
def hammer(number):
    "Each thread has a context of its own, as Mbed TLS wants it; all share the cache."
    ctx = client(sessions=cache)
    for i in range(ROUNDS):
        connected(ctx, i % 3).close()
        s = connected(ctx, 3)
        tlsresume.poll()
        cache.put("thread%d" % number, i, bytes(100 + i % 7), 100)
        cache.get("thread%d" % (i % THREADS), i)
        cache.remove("thread%d" % number, i - 1)
        len(cache), list(cache)
        s.close()
        s.close()
client() # MicroPython's import has no lock: the first use is one thread's
errors = in_threads(THREADS, hammer)
last = client(sessions=cache)
connected(last, 0).close()
left = tlsresume.poll()
bounded = len(cache) <= 6
result(errors=errors, left=left, bounded=bounded, next=once(last, PORT, server_port=0))
"""

SHARED = {"errors": [], "left": None, "bounded": True, "next": True}


@pytest.mark.parametrize("version", ("1.2", "1.3"))
def test_many_threads_share_a_cache(run, server, request, version):
    rounds = 2000 if request.config.getoption("long") else 30
    port = server(version=version).port
    got = run(THREADS + HAMMER, PORT=port, THREADS=4, ROUNDS=rounds, timeout=7200)
    assert got == SHARED


@pytest.fixture(scope="session")
def micropython_tsan():
    """The Path of a unix port with ThreadSanitizer."""
    from build import build

    flags = ("CFLAGS_EXTRA=-fsanitize=thread -O1", "LDFLAGS_EXTRA=-fsanitize=thread", "STRIP=")
    return build("UNIX", *flags, name="UNIX_TSAN")


# Where upstream's unix port races by itself, as any program of two threads shows: dicts, and
# among them the globals of a module; the heap's statistics; threads that start; and locks, which
# one thread takes and another gives back.
UPSTREAM = ("/py/", "/ports/unix/")
TOP = re.compile(r"SUMMARY: ThreadSanitizer: .* (\S+?):\d+")


@pytest.mark.parametrize("version", ("1.2", "1.3"))
def test_thread_sanitizer_finds_nothing_but_upstreams_own(
    run, server, monkeypatch, tmp_path, micropython_tsan, version
):
    log = tmp_path / "tsan"
    monkeypatch.setenv("TSAN_OPTIONS", f"exitcode=0 log_path={log}")
    port = server(version=version).port
    got = run(
        THREADS + HAMMER, PORT=port, THREADS=3, ROUNDS=10, firmware=micropython_tsan, timeout=600
    )
    assert got == SHARED
    reports = "".join(path.read_text() for path in tmp_path.glob("tsan.*"))
    files = set(TOP.findall(reports))
    assert files  # it is at work
    assert [x for x in files if not any(part in x for part in UPSTREAM)] == []
