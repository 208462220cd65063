"""Nagle's algorithm: off for the handshake, and then as it was."""

from contextlib import closing
from ssl import TLSVersion

import pytest
from counting_proxy import CountingProxy
from hasty_server import HastyServer

VERSIONS = "1.2", "1.3"

# What TCP_NODELAY is after wrap_socket, after the first write, and after the second.
STATES = """
import _tlsresume
def states(handshake=True, before=None, **kwargs):
    sock = socket.socket()
    sock.connect(socket.getaddrinfo(HOST, PORT)[0][-1])
    if before is not None:
        sock.setsockopt(6, 1, before)
    s = ctx.wrap_socket(
        sock, server_hostname="localhost", do_handshake_on_connect=handshake, **kwargs
    )
    told = [_tlsresume.nodelay(sock.fileno())]
    for text in b"x", b"y\\n":
        s.write(text)
        told.append(_tlsresume.nodelay(sock.fileno()))
    s.readline()
    told.append(bool(s.session_reused))
    s.close()
    return told
ctx = client()
"""


def test_it_is_off_until_a_handshake_with_the_last_word_has_had_a_first_write(run, server):
    got = run(STATES + "result(one=states(), two=states())", PORT=server(version="1.2").port)
    assert got["one"] == [False, False, False, False]
    assert got["two"] == [True, False, False, True]


def test_it_is_off_for_the_handshake_alone_in_tls_1_3(run, server):
    got = run(STATES + "result(one=states(), two=states())", PORT=server(version="1.3").port)
    assert got == {"one": [False, False, False, False], "two": [False, False, False, True]}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_handshake_within_the_first_write_leaves_it_on(run, server, version):
    got = run(
        STATES + "states()\nresult(two=states(handshake=False))", PORT=server(version=version).port
    )
    assert got["two"] == [True, False, False, True]


def test_what_the_application_has_set_stays(run, server):
    got = run(
        STATES + "states()\nresult(on=states(before=1), off=states(before=0))",
        PORT=server(version="1.2").port,
    )
    assert got == {"on": [True, True, True, True], "off": [True, False, False, True]}


def test_the_application_chooses(run, server):
    got = run(
        STATES + "states()\nresult(on=states(nodelay=True), off=states(nodelay=False))",
        PORT=server(version="1.2").port,
    )
    assert got == {"on": [True, True, True, True], "off": [False, False, False, True]}


@pytest.mark.parametrize("nodelay", (True, False))
def test_install_chooses_for_all(run, server, nodelay):
    got = run(
        STATES
        + """
tlsresume.install()
tlsresume.install(nodelay=NODELAY)
tlsresume.install()
ctx = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
ctx.load_verify_locations(CA)
states()
chosen = states()
tlsresume.install(tlsresume.SessionCache())
ctx = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
ctx.load_verify_locations(CA)
states()
result(chosen=chosen, anew=states())
""",
        PORT=server(version="1.2").port,
        NODELAY=nodelay,
    )
    assert got == {"chosen": [nodelay] * 3 + [True], "anew": [True, False, False, True]}


FIRST_BYTE = """
def first_byte(nodelay):
    s = connect(ctx, PORT, nodelay=nodelay)
    start = time.ticks_us()
    s.write(b"x\\n")
    s.readline()
    us = time.ticks_diff(time.ticks_us(), start)
    s.close()
    return us
ctx = client()
first_byte(None)
result(us=[sorted(first_byte(nodelay) for _ in range(9))[4] for nodelay in (None, False)])
"""


def test_a_first_write_does_not_wait_for_a_delayed_ack(run, server):
    handshake_alone, untouched = run(FIRST_BYTE, PORT=server(version="1.2").port)["us"]
    assert handshake_alone * 5 < untouched


# As requests writes, and many a program of its kind.
LINES = """
def get(ctx, **kwargs):
    s = connect(ctx, PORT, **kwargs)
    for text in (
        b"GET / HTTP/1.0\\r\\n", b"Connection", b": ", b"close", b"\\r\\n",
        b"Host", b": ", b"localhost", b"\\r\\n", b"\\r\\n",
    ) + (b"\\r\\n",) * SURPLUS:
        s.write(text)
    try:
        size = len(s.read())
    except OSError as e:
        size = str(e)
    s.close()
    return size
"""


@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_written_in_lines_goes_out_in_few_segments(run, openssl, version):
    s = openssl(f"-tls{version.replace('.', '_')}")
    with CountingProxy(s.port) as proxy:
        run(
            LINES
            + """
ctx = client()
for nodelay in None, None, None, None, None, True:
    get(ctx, nodelay=nodelay)
result()
""",
            PORT=proxy.port,
            SURPLUS=0,
        )
        proxy.wait(6)
        _, *by_itself, throughout = (one.data_came for one in proxy.segments)
    assert min(by_itself) + 3 < throughout


@pytest.mark.parametrize("version", (TLSVersion.TLSv1_2, TLSVersion.TLSv1_3))
@pytest.mark.parametrize("resumed", (False, True))
def test_an_updaters_line_too_many_comes_with_the_rest_of_its_request(
    run, certs, version, resumed
):
    with closing(HastyServer(certs.server, version, 300_000)) as s:
        got = run(
            LINES
            + """
ctx = client(sessions=None if RESUMED else False)
result(sizes=[get(ctx) for _ in range(8)], hits=ctx.session_stats()["hits"])
""",
            PORT=s.port,
            SURPLUS=1,
            RESUMED=resumed,
        )
    # A machine that is too busy to write all of it within a delayed ACK has one apart.
    assert s.surplus.count(b"\r\n") >= 7
    assert got["sizes"].count(300_019) >= 7
    assert got["hits"] == 7 * resumed
