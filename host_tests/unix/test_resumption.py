"""Connections resume by themselves, and say truly whether they did: here and at the server."""

from contextlib import closing

import pytest
from daemons import GnuTLS

MODES = {
    "ids": dict(version="1.2", tickets=False),
    "tickets": dict(version="1.2"),
    "tls13": dict(version="1.3"),
}


@pytest.fixture(params=MODES)
def mode(request):
    return MODES[request.param]


def test_every_connection_after_the_first_is_resumed(run, server, mode):
    s = server(**mode)
    got = run("ctx = client(); result(reused=[once(ctx, PORT) for _ in range(5)])", PORT=s.port)
    assert got["reused"] == s.reused(5) == [False, True, True, True, True]


@pytest.mark.parametrize("options", (["-tls1_2"], ["-tls1_2", "-no_ticket"], ["-tls1_3"]))
def test_openssl_s_server_resumes(run, openssl, options):
    s = openssl(*options, "-rev")
    got = run(
        """
        def talk(ctx):
            s = connect(ctx, PORT)
            echo(s)
            reused = s.session_reused
            s.close()
            return reused
        ctx = client()
        result(reused=[talk(ctx) for _ in range(4)])
        """.replace("\n        ", "\n"),
        PORT=s.port,
    )
    assert got["reused"] == [False, True, True, True]


def test_an_rsa_server_resumes(run, server, certs, mode):
    s = server(certificate=certs.rsa, **mode)
    got = run(
        "ctx = client(); result(reused=[once(ctx, PORT) for _ in range(3)])",
        PORT=s.port,
        CA=certs.rsa_ca.der,
    )
    assert got["reused"] == s.reused(3) == [False, True, True]


def test_a_handshake_left_to_the_first_write_resumes(run, server, mode):
    s = server(**mode)
    got = run(
        """
ctx = client()
reused = []
for _ in range(3):
    s = connect(ctx, PORT, do_handshake_on_connect=False)
    before = s.session_reused
    echo(s)
    reused.append([before, s.session_reused])
    s.close()
result(reused=reused)
""",
        PORT=s.port,
    )
    assert got["reused"] == [[False, False], [False, True], [False, True]]
    assert s.reused(3) == [False, True, True]


def test_a_non_blocking_socket_resumes(run, server, mode):
    s = server(**mode)
    got = run(
        """
import select
def talk(ctx):
    s = socket.socket()
    s.connect(socket.getaddrinfo("127.0.0.1", PORT)[0][-1])
    s.setblocking(False)
    s = ctx.wrap_socket(s, server_hostname="localhost", do_handshake_on_connect=False)
    poller = select.poll()
    poller.register(s, select.POLLOUT)
    while not s.write(b"hello\\n"):
        poller.poll(5000)
    poller.modify(s, select.POLLIN)
    got = b""
    while len(got) < 6:
        poller.poll(5000)
        got += s.read(6) or b""
    reused = s.session_reused
    s.close()
    return reused
ctx = client()
result(reused=[talk(ctx) for _ in range(3)])
""",
        PORT=s.port,
    )
    assert got["reused"] == s.reused(3) == [False, True, True]


def test_a_handshake_that_ends_in_a_non_blocking_read_earns_what_any_other_does(run, server, mode):
    s = server(**{"tickets": 1, **mode})  # of two, what one read finds depends on their haste
    got = run(
        """
import select
def talk(ctx):
    s = connect(ctx, PORT, do_handshake_on_connect=False)
    s.setblocking(False)
    poller = select.poll()
    poller.register(s, select.POLLIN)
    while s.session is None:
        s.read(1)
        poller.poll(5000)
    s.setblocking(True)
    echo(s)
    reused = s.session_reused
    s.close()
    return reused
ctx = client()
reused = [talk(ctx) for _ in range(3)]
len(ctx.sessions)
result(reused=reused, once=[once for *_, once in ctx.sessions.sessions()])
""",
        PORT=s.port,
    )
    tls13 = mode["version"] == "1.3"
    assert got["reused"] == s.reused(3) == [False, True, True]
    assert got["once"] == [tls13]


def test_asyncio_resumes(run, server, mode):
    s = server(**mode)
    got = run(
        """
import asyncio
async def talk(ctx):
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", PORT, ssl=ctx, server_hostname="localhost")
    writer.write(b"hello\\n")
    await writer.drain()
    assert await reader.readline() == b"hello\\n"
    reused = writer.s.session_reused
    writer.close()
    await writer.wait_closed()
    return reused
async def main():
    ctx = client()
    reused = []
    for _ in range(3):
        reused.append(await talk(ctx))
    return reused
result(reused=asyncio.run(main()))
""",
        PORT=s.port,
    )
    assert got["reused"] == s.reused(3) == [False, True, True]


def test_many_connections_at_once_resume_from_one_session(run, server):
    s = server(version="1.2")
    got = run(
        """
ctx = client()
once(ctx, PORT)
all = [connect(ctx, PORT) for _ in range(8)]
for s in all:
    echo(s)
result(reused=[s.session_reused for s in all])
""",
        PORT=s.port,
    )
    assert got["reused"] == s.reused(9)[1:] == [True] * 8


def test_a_server_that_has_forgotten_declines_and_the_new_session_takes_its_place(
    run, server, mode
):
    s = server(**mode)
    got = run(
        """
ctx = client()
first = [once(ctx, PORT), once(ctx, PORT)]
s = socket.socket()
s.connect(socket.getaddrinfo("127.0.0.1", CONTROL)[0][-1])
s.read(1)
after = [once(ctx, PORT), once(ctx, PORT)]
result(first=first, after=after, declined=ctx.session_stats()["declined"])
""",
        PORT=s.port,
        CONTROL=_on_connect(s.forget),
    )
    assert got == {"first": [False, True], "after": [False, True], "declined": 1}
    assert s.reused(4) == [False, True, False, True]


def _on_connect(action):
    """A port that runs `action` when it is connected to, and then answers a byte."""
    import socket
    import threading

    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        with listener, listener.accept()[0] as s:
            action()
            s.sendall(b".")

    threading.Thread(target=serve, daemon=True).start()
    return listener.getsockname()[1]


def test_a_server_that_never_resumes_costs_only_full_handshakes(run, openssl):
    s = openssl("-tls1_2", "-no_ticket", "-no_cache", "-rev")
    got = run(
        """
ctx = client()
reused = []
for _ in range(3):
    s = connect(ctx, PORT)
    echo(s)
    reused.append(s.session_reused)
    s.close()
result(reused=reused, number=len(ctx.sessions))
""",
        PORT=s.port,
    )
    assert got["reused"] == [False, False, False]


def test_garbage_in_the_entry_costs_a_full_handshake(run, server, mode):
    s = server(**mode)
    got = run(
        """
ctx = client()
once(ctx, PORT)
ctx.sessions.clear()
ctx.sessions.put("localhost", PORT, b"garbage", fingerprint=ctx.fingerprint())
reused = [once(ctx, PORT), once(ctx, PORT)]
result(reused=reused, rejected=ctx.session_stats()["rejected"])
""",
        PORT=s.port,
    )
    assert got == {"reused": [False, True], "rejected": 1}


def test_off_is_off(run, server, mode):
    s = server(**mode)
    got = run(
        """
ctx = client(sessions=False)
reused = [once(ctx, PORT) for _ in range(3)]
result(reused=reused, number=len(ctx.sessions), offered=ctx.session_stats()["offered"])
""",
        PORT=s.port,
    )
    assert got == {"reused": [False, False, False], "number": 0, "offered": 0}
    assert s.reused(3) == [False, False, False]


def test_a_session_that_has_expired_is_not_offered(run, server):
    s = server(version="1.2", tickets=False)
    got = run(
        """
class Clock:
    seconds = 0
    def now(self):
        return self.seconds
clock = Clock()
cache = tlsresume.SessionCache(timeout=60, clock=clock)
ctx = client(sessions=cache)
reused = [once(ctx, PORT)]
assert len(cache) == 1
clock.seconds = 59
reused.append(once(ctx, PORT))
clock.seconds = 60
reused.append(once(ctx, PORT))
stats = ctx.session_stats()
result(reused=reused, offered=stats["offered"], expired=stats["timeouts"])
""",
        PORT=s.port,
    )
    assert got == {"reused": [False, True, False], "offered": 1, "expired": 1}


def test_the_statistics_have_cpythons_names_and_ours(run, server):
    import ssl

    s = server(version="1.2")
    got = run(
        """
ctx = client()
for _ in range(4):
    once(ctx, PORT)
result(**ctx.session_stats())
""",
        PORT=s.port,
    )
    assert set(ssl.create_default_context().session_stats()) <= set(got)
    expected = dict(connect=4, connect_good=4, hits=3, offered=3, misses=1, number=1)
    assert {k: got[k] for k in expected} == expected
    assert got["harvested_close"] == 1, "resumed with the same session: nothing new to take"


@pytest.mark.parametrize("version", ("1.2", "1.3"))
def test_gnutls_resumes(run, certs, version):
    priority = f"NORMAL:-VERS-ALL:+VERS-TLS{version}"
    with closing(GnuTLS(certs.server, priority)) as s:
        got = run("ctx = client()\nresult(r=[once(ctx, PORT) for _ in range(4)])", PORT=s.port)
        assert got["r"] == [False, True, True, True]
        assert s.reused() == got["r"]
