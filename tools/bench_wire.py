"""What passes on the wire, full and resumed: bytes, segments, round trips, and their time."""

import statistics
import subprocess
from contextlib import closing

from counting_proxy import CountingProxy
from daemons import Mosquitto
from hasty_server import HastyServer
from openssl_server import OpenSSLServer
from progress import progress
from sources import ROOT
from tcp_info import HEADERS
from tls_server import VERSIONS as TLS_VERSIONS
from tls_server import TLSServer

DELAYS = {0: "loopback", 20: "Wi-Fi", 100: "LTE-M", 600: "NB-IoT"}  # ms, a round trip
VERSIONS = ("1.2", "1.3")
TIMES = 5  # what an ACK has caught up with varies: the median is told
APART = 0.02  # s: whatever is sent without waiting is on its way before an answer comes

CLIENT = """
import socket, time, tls, tlsresume
ctx = tlsresume.SSLContext(tls.PROTOCOL_TLS_CLIENT)
ctx.load_verify_locations(CA)
def connect(**kwargs):
    s = socket.socket()
    s.connect(socket.getaddrinfo("127.0.0.1", PORT)[0][-1])
    return ctx.wrap_socket(s, server_hostname="localhost", **kwargs)
"""
TWICE = """
for _ in range(2):
    s = connect()
    s.write(b"hello\\n")
    s.readline()
    s.close()
"""
# libwebsockets sets TCP_NODELAY for good.
GET_TWICE = """
for _ in range(2):
    s = connect(nodelay=True)
    s.write(b"GET / HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n")
    s.read(1)
    reused = s.session_reused
    s.close()
assert reused
"""
# As libraries write: requests line by line, umqtt field by field, others a request at once.
PROGRAMS = """
def in_lines(s):
    s.write(b"GET /page HTTP/1.0\\r\\n")
    for name, value in (b"Connection", b"close"), (b"Host", b"localhost"):
        for text in name, b": ", value, b"\\r\\n":
            s.write(text)
    s.write(b"\\r\\n")
    s.read()
def at_once(s):
    s.write(b"GET /page HTTP/1.0\\r\\nConnection: close\\r\\nHost: localhost\\r\\n\\r\\n")
    s.read()
def mqtt(s):
    for text in b"\\x10\\x0f", b"\\0\\4MQTT\\4\\2\\0\\x3c", b"\\0\\3", b"abc":
        s.write(text)
    assert s.read(4) == b"\\x20\\2\\0\\0"
    for text in b"\\x32\\x0f", b"\\0\\7", b"reading", b"\\0\\1", b"21.5":
        s.write(text)
    assert s.read(4) == b"\\x40\\2\\0\\1"
    s.write(b"\\xe0\\0")
def run(connect):
    s = connect()
    PROGRAM(s)
    s.close()
native = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
native.load_verify_locations(CA)
run(connect)
for _ in range(TIMES):
    run(connect)
ctx = native
for _ in range(TIMES):
    run(connect)
"""
FIRST_BYTE = """
def first_byte():
    start = time.ticks_us()
    s = connect(nodelay=NODELAY)
    s.write(b"hello\\n")
    s.read(1)
    us = time.ticks_diff(time.ticks_us(), start)
    s.readline()
    s.close()
    return us
for _ in range(TIMES):
    ctx.sessions.clear()
    print(first_byte(), first_byte())
"""


def figures(firmware, chains):
    """`{name: value}`: bytes, their ratios, and the round trips that resumption saves."""
    found = {}
    for version in VERSIONS:
        for chain in chains:
            full, resumed, saved = count(firmware, version, chain)
            found[f"TLS {version}, full, {chain.name}: bytes"] = full
            found[f"TLS {version}, resumed: bytes"] = resumed
            found[f"TLS {version}, resumed / full, {chain.name}: bytes"] = resumed / full
            found[f"TLS {version}: round trips saved"] = saved
    return found


def count(firmware, version, chain):
    """Bytes of a full and of a resumed connection, and the round trips between them."""
    with (
        TLSServer(chain.certificate, version) as server,
        CountingProxy(server.port, APART / 2) as proxy,
    ):
        _run(firmware, TWICE, CA=chain.authority.der, PORT=proxy.port)
        proxy.wait(2)
    full, resumed = map(sum, proxy.counts)
    return full, resumed, proxy.turns[0] - proxy.turns[1]


def segments(firmware, chain):
    """`{name: value}`: what goes out of programs that write in pieces, resumed, and upstream's:
    medians."""
    found = {}
    for version in VERSIONS:
        for program in ("in_lines", "at_once") + ("mqtt",) * (version == "1.3"):
            with (
                closing(_server(chain, version, program)) as server,
                CountingProxy(server.port) as proxy,
            ):
                script = PROGRAMS.replace("PROGRAM", program)
                _run(firmware, script, CA=chain.authority.der, PORT=proxy.port, TIMES=TIMES)
                proxy.wait(1 + 2 * TIMES)
            for first, how in (1, "resumed"), (1 + TIMES, "upstream, full"):
                name = f"TLS {version}, {program.replace('_', ' ')}, {how}"
                counted = list(zip(proxy.counts, proxy.segments, strict=True))[first:][:TIMES]
                went = [(s.data_came, out + HEADERS * s.came) for (out, _), s in counted]
                for what, values in zip(
                    ("segments", "bytes with headers"), zip(*went), strict=True
                ):
                    found[f"{name}: {what}"] = statistics.median(values)
    return found


def _server(chain, version, program):
    if program == "mqtt":  # mosquitto cannot be held to 1.2
        return Mosquitto(chain.certificate, chain.authority.pem)
    return HastyServer(chain.certificate, TLS_VERSIONS[version], 200)


def libwebsockets(firmware, chain):
    """Round trips until a page begins: libwebsockets' client against ours, one server.

    Debian's libwebsockets has no client session cache yet (4.3 has): its second connection is a
    full handshake, too.
    """
    client = build_libwebsockets(firmware.parent)
    found = {}
    for version in VERSIONS:
        option = f"-tls{version.replace('.', '_')}"
        with (
            OpenSSLServer(chain.certificate, option) as server,
            CountingProxy(server.port, APART / 2) as proxy,
        ):
            _run(firmware, GET_TWICE, CA=chain.authority.der, PORT=proxy.port)
            command = [client, "127.0.0.1", proxy.port, chain.authority.pem, 2]
            subprocess.run([*map(str, command)], check=True, timeout=60)
            proxy.wait(4)
            ours, theirs = proxy.turns[:2], proxy.turns[2:]
        for number, how in enumerate(("first", "second")):
            name = f"TLS {version}, {how} connection"
            found[f"{name}: round trips"] = ours[number]
            found[f"{name}, libwebsockets: round trips"] = theirs[number]
            found[f"{name}: behind libwebsockets"] = ours[number] - theirs[number]
    return found


def on_loopback(rows):
    """What is left of the time to the first byte where the network takes none: `{name: ratio}`."""
    full, resumed = next(iter(rows.values()))
    return {"time to the first byte, resumed / full": resumed / full}


def first_byte(firmware, chain):
    """Median ms to the first byte of an answer: `{network: [full, resumed]}`."""
    rows = {}
    with progress("timing the first byte", 2 * len(DELAYS)) as advance:
        for delay, name in DELAYS.items():
            for nodelay in (None, False):
                title = f"{delay} ms ({name}){', Nagle on' if nodelay is False else ''}"
                rows[title] = _medians(firmware, chain, delay, nodelay)
                advance()
    return rows


def _medians(firmware, chain, delay, nodelay):
    with (
        TLSServer(chain.certificate, "1.2") as server,
        CountingProxy(server.port, delay / 2000) as proxy,
    ):
        port = proxy.port if delay else server.port
        given = {"CA": chain.authority.der, "PORT": port, "NODELAY": nodelay}
        said = _run(firmware, FIRST_BYTE, TIMES=50 if delay < 20 else 3, **given)
    pairs = [list(map(int, line.split())) for line in said.splitlines()]
    return [statistics.median(column) / 1000 for column in zip(*pairs, strict=True)]


def build_libwebsockets(build):
    """tools/lws_client.c, in the folder `build`."""
    client = build / "lws_client"
    command = ["gcc", "-Wall", ROOT / "tools/lws_client.c", "-lwebsockets", "-o", client]
    subprocess.run([*map(str, command)], check=True)
    return client


def _run(firmware, script, **variables):
    given = "".join(f"{k} = {v!r}\n" for k, v in variables.items())
    command = [str(firmware), "-c", given + CLIENT + script]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
