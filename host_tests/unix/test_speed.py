"""Instructions, two things in one run against each other."""

import pytest
from instructions import count
from prelude import PRELUDE

# Resumption by hand: what the package does, without it.
BY_HAND = """
import _tlsresume
native = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
native.load_verify_locations(CA)
def by_hand(packed):
    s = socket.socket()
    s.connect(ADDRESS)
    s.setsockopt(6, 1, 1)
    s = native.wrap_socket(s, server_hostname="localhost", do_handshake_on_connect=False)
    _tlsresume.adopt(s, native, None, packed, 0)
    _tlsresume.handshake(s)
    assert s.session_reused is (packed is not None)
    s.close()
    return _last()
def _last():
    packed = None
    event = _tlsresume.take(500)
    while event is not None:
        packed = event[2] or packed
        event = _tlsresume.take(500)
    return packed
"""
PACKAGE = """
ctx = client()
def through_the_package():
    s = socket.socket()
    s.connect(ADDRESS)
    ctx.wrap_socket(s, server_hostname="localhost").close()
"""


@pytest.fixture
def instructions(micropython, certs):
    def instructions(script, repeat, port=0, ca=certs.ca.der):
        given = f"HOST = '127.0.0.1'\nCA = {ca!r}\nPORT = {port}\n{PRELUDE}"
        given += 'ADDRESS = socket.getaddrinfo("127.0.0.1", PORT)[0][-1]\n'
        return count(micropython, given + script, repeat)

    return instructions


def test_the_package_costs_little_beyond_the_c_module(instructions, openssl):
    port = openssl("-tls1_2", "-rev").port
    hand = instructions(
        BY_HAND + "packed = by_hand(None)", "packed = by_hand(packed) or packed", port
    )
    package = instructions(PACKAGE + "through_the_package()", "through_the_package()", port)
    print(f"resumed: by hand {hand:.0f}, through the package {package:.0f} instructions")
    assert package <= 1.15 * hand


def test_a_resumed_handshake_is_a_small_part_of_a_full_one(instructions, openssl):
    port = openssl("-tls1_2", "-rev").port
    full = instructions(PACKAGE, "ctx.sessions.clear()\nthrough_the_package()", port)
    resumed = instructions(PACKAGE + "through_the_package()", "through_the_package()", port)
    print(f"TLS 1.2: full {full:.0f}, resumed {resumed:.0f} instructions: {full / resumed:.1f} x")
    assert full >= 25 * resumed


TRANSFER = """
def open(ctx):
    s = socket.socket()
    s.connect(ADDRESS)
    s = ctx.wrap_socket(s, server_hostname="localhost")
    s.write(b"hello\\n")
    s.readline()
    return s
line = b"x" * 4095 + b"\\n"
buf = bytearray(4096)
def transfer(s):
    for _ in range(64):
        s.write(line)
        s.readinto(buf)
"""


@pytest.mark.parametrize("version", ("1.2",))
def test_an_adopted_socket_transfers_as_a_plain_one(instructions, server, version):
    port = server(version=version).port
    plain = "native = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)\nnative.load_verify_locations(CA)\n"
    native = instructions(plain + TRANSFER + "s = open(native)", "transfer(s)", port)
    adopted = instructions(TRANSFER + "s = open(client())", "transfer(s)", port)
    print(f"256 KiB each way: plain {native:.0f}, adopted {adopted:.0f} instructions")
    assert adopted <= 1.005 * native


def test_a_look_up_costs_the_same_in_a_large_cache(instructions):
    fill = """
from tlsresume.cache import SessionCache
cache = SessionCache(max=N)
for i in range(N):
    cache.put("host%d" % i, 443, b"s" * 100, 7200)
"""
    small, large = (
        instructions(f"N = {n}\n{fill}", "for _ in range(20): cache.get('host5', 443)")
        for n in (10, 1000)
    )
    print(f"20 look-ups: {small:.0f} among 10, {large:.0f} among 1000")
    assert large <= 1.2 * small
