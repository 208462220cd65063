"""No session is offered to another endpoint than the one that it came from."""

import pytest
from counting_proxy import CountingProxy
from hypothesis import given
from hypothesis import strategies as st
from tlslite.constants import ExtensionType
from tlslite.messages import ClientHello
from tlslite.utils.codec import Parser
from tlsresume import snapshot
from tlsresume.cache import SessionCache

FINGERPRINT = b"f" * 32

# One server behind all of them, which would resume whatever it is offered. Each is an address,
# a port, and what wrap_socket is told.
ENDPOINTS = """
def spellings(one, two):
    for name in NAMES:
        yield "127.0.0.1", one, {"server_hostname": name}
    for look_alike in "a.example.%d" % one, "a.example.?":
        yield "127.0.0.1", one, {"server_hostname": look_alike}
    yield "127.0.0.1", two, {"server_hostname": "a.example"}
    yield "127.0.0.1", two, {"server_hostname": None}
    yield "127.0.0.2", one, {"server_hostname": None}
    for port in 1, 11, 111:
        yield "127.0.0.1", one, {"server_hostname": "a.example", "server_port": port}
def reused(ctx, endpoints):
    for address, port, told in endpoints:
        s = socket.socket()
        s.connect(socket.getaddrinfo(address, port)[0][-1])
        s = ctx.wrap_socket(s, **told)
        echo(s)
        yield s.session_reused
        s.close()
cache = tlsresume.SessionCache(max=100)
def context():
    ctx = tlsresume.SSLContext(tls.PROTOCOL_TLS_CLIENT, sessions=cache)
    ctx.verify_mode = tls.CERT_NONE
    return ctx
ctx = context()
"""

NAMES = (
    "a.example",
    "b.example",
    "a.example.",
    "a",
    "example",
    "xn--bcher-kva.example",
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f000001",
    "7f000001",
    "[7f000001]",
    "ip.7f000001",
    "IP.7f000001",
    "::1",
    "[::1]",
    "::ffff:127.0.0.1",
    None,
)


@pytest.mark.parametrize("way", ("list", "reversed"))
@pytest.mark.parametrize("version", ("1.2", "1.3"))
def test_no_endpoint_is_offered_the_session_of_one_before(run, server, version, way):
    s = server(version=version)
    with CountingProxy(s.port) as one, CountingProxy(s.port) as two:
        with CountingProxy(s.port, address="127.0.0.2", port=one.port):
            got = run(
                ENDPOINTS
                + f"""
endpoints = list({way}(list(spellings(ONE, TWO))))
first = list(reused(ctx, endpoints))
result(first=first, again=list(reused(ctx, endpoints)))
""",
                ONE=one.port,
                TWO=two.port,
                NAMES=NAMES,
            )
    # "ip." and "IP." are one name.
    assert got["first"].count(True) == 1
    assert all(got["again"])
    assert s.reused(len(got["first"]) * 2) == got["first"] + got["again"]


def test_an_international_name_and_its_punycode_are_two(run, tickets):
    s = tickets(["read", "ticket", b"hello\n"])
    got = run(
        ENDPOINTS
        + """
names = "b\xfccher.example", "xn--bcher-kva.example", "B\xdcCHER.example"
endpoints = [("127.0.0.1", PORT, {"server_hostname": name}) for name in names]
result(first=list(reused(ctx, endpoints)), again=list(reused(ctx, endpoints)))
""",
        PORT=s.port,
    )
    assert got == {"first": [False] * 3, "again": [True] * 3}


def test_another_configuration_at_the_same_endpoint_is_offered_nothing(run, server):
    s = server(version="1.2")
    with CountingProxy(s.port) as proxy:
        run(
            """
cache = tlsresume.SessionCache()
def context(*ciphers):
    ctx = tlsresume.SSLContext(tls.PROTOCOL_TLS_CLIENT, sessions=cache)
    ctx.load_verify_locations(CA)
    if ciphers:
        ctx.set_ciphers(ciphers)
    return ctx
one, two = "TLS-ECDHE-ECDSA-WITH-AES-256-GCM-SHA384", "TLS-ECDHE-ECDSA-WITH-AES-128-GCM-SHA256"
for ciphers in (one, two), (one,), (two, one), (), (one,):
    once(context(*ciphers), PORT)
result()
""",
            PORT=proxy.port,
        )
        assert s.reused(5) == [False] * 4 + [True]
        assert [offers_a_ticket(head) for head in proxy.heads] == [False] * 4 + [True]


def offers_a_ticket(head):
    """Whether this record is a ClientHello with a ticket of TLS 1.2 in it."""
    hello = ClientHello().parse(Parser(bytearray(head[6:])))
    return bool(hello.getExtension(ExtensionType.session_ticket).ticket)


def test_vhosts_that_share_a_storage_do_not_share_sessions():
    one, two = SessionCache("a.b"), SessionCache("a")
    one.put("c", 443, b"secret", fingerprint=FINGERPRINT)
    two.put("b.c", 443, b"other", fingerprint=FINGERPRINT)
    assert list(one) == list(two)
    with pytest.raises(ValueError):
        snapshot.load(two, snapshot.dump(one), 0)
    assert two.get("b.c", 443, FINGERPRINT) == b"other"


hosts = st.text(st.sampled_from("ab.?:0123[]ü"), max_size=6)
ports = st.none() | st.integers(1, 65535)
endpoints = st.tuples(hosts, ports, st.sampled_from((b"f" * 32, b"g" * 32)))


@given(put=endpoints, asked=endpoints)
def test_two_endpoints_are_one_only_if_they_are_equal(put, asked):
    cache = SessionCache()
    cache.put(put[0], put[1], b"secret", fingerprint=put[2])
    assert (cache.get(*asked) == b"secret") is (put == asked)


@given(put=endpoints)
def test_an_endpoint_is_the_same_after_a_reboot(put):
    cache, after = SessionCache(), SessionCache()
    cache.put(put[0], put[1], b"secret", fingerprint=put[2])
    snapshot.load(after, snapshot.dump(cache), 0)
    assert list(after.sessions())[0][:3] == (put[2], put[0], put[1])
