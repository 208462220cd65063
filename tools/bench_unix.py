"""What resumption costs on the unix port: ratios of instructions, each of one run.

Instructions are callgrind's, so that no load disturbs them; the server's are not counted.
"""

import subprocess
from functools import cache

import instructions
from openssl_server import OpenSSLServer
from sources import ROOT, micropython
from tls_server import TLSServer

CLIENT = """
import socket, tls, tlsresume
def open(ctx):
    s = socket.socket()
    s.connect(socket.getaddrinfo("127.0.0.1", PORT)[0][-1])
    return ctx.wrap_socket(s, server_hostname="localhost")
ctx = tlsresume.SSLContext(tls.PROTOCOL_TLS_CLIENT)
ctx.load_verify_locations(CA)
native = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
native.load_verify_locations(CA)
"""
# In TLS 1.3 the ticket comes after the handshake: the server's first data are behind it.
PACKAGE = (
    CLIENT
    + """
def go():
    s = open(ctx)
    if TLS13:
        s.write(b"x\\n")
        s.readline()
    s.close()
"""
)
BY_HAND = (
    CLIENT
    + """
import _tlsresume
def go(packed):
    s = socket.socket()
    s.connect(socket.getaddrinfo("127.0.0.1", PORT)[0][-1])
    s.setsockopt(6, 1, 1)
    s = native.wrap_socket(s, server_hostname="localhost", do_handshake_on_connect=False)
    _tlsresume.adopt(s, native, None, packed, 0)
    _tlsresume.handshake(s, native)
    assert s.session_reused is (packed is not None)
    s.close()
    packed = None
    event = _tlsresume.take(500)
    while event is not None:
        packed = event[2] or packed
        event = _tlsresume.take(500)
    return packed
packed = go(None)
"""
)
# Much work: a full handshake, whose cost varies, is in each of the counts.
TRANSFER = """
line = b"x" * 4095 + b"\\n"
buf = bytearray(4096)
one = bytearray(1)  # nothing is allocated: the allocator's cost varies with what was before
def lines(s):
    for _ in range(16):
        s.write(line)
        s.readinto(buf)
def single_bytes(s):
    for _ in range(30):
        for _ in range(64):
            s.write(b"x")
        s.write(b"\\n")
        for _ in range(65):
            s.readinto(one)
"""
ASYNCIO = """
import asyncio
async def open_stream(context):
    return await asyncio.open_connection(
        "127.0.0.1", PORT, ssl=context, server_hostname="localhost")
async def round_trips(reader, writer):
    for _ in range(300):
        writer.write(b"hello\\n")
        await writer.drain()
        await reader.readline()
"""
LOOK_UPS = """
from tlsresume.cache import SessionCache
cache = SessionCache(max=N)
for i in range(N):
    cache.put("host%d" % i, 443, b"s" * 100, 7200)
"""


class Bench:
    """Measures the unix port `firmware`; `authority` and `certificate` as in certificates.py."""

    def __init__(self, firmware, authority, certificate):
        self.firmware = firmware
        self.authority = authority
        self.certificate = certificate
        # Each is measured once, however many figures it is part of.
        self.package = cache(self._package)
        self.bare = cache(self._bare)
        self.plain = cache(self._plain)

    def count(self, script, repeat, **variables):
        given = "".join(f"{k} = {v!r}\n" for k, v in variables.items())
        return instructions.count(self.firmware, given + script, repeat)

    def figures(self):
        """Names and functions of all figures, as in budgets.toml."""
        return {
            "package / C module by hand, TLS 1.2 resumed": lambda: (
                self.package("1.2", True) / self.by_hand()
            ),
            **{
                f"package / bare C, TLS {version} {'resumed' if resumed else 'full'}": (
                    lambda v=version, r=resumed: self.package(v, r) / self.bare(v, r)
                )
                for version in ("1.2", "1.3")
                for resumed in (True, False)
            },
            **{
                f"resumed / full, TLS {version}": (
                    lambda v=version: self.package(v, True) / self.package(v, False)
                )
                for version in ("1.2", "1.3")
            },
            "adopted / plain socket, 64 KiB each way": lambda: self.transfer("lines"),
            "adopted / plain socket, single bytes": lambda: self.transfer("single_bytes"),
            "adopted / plain socket, asyncio round trips": lambda: (
                self.asyncio("ctx") / self.asyncio("native")
            ),
            "look-up among 1000 / among 10": lambda: self.look_up(1000) / self.look_up(10),
        }

    def _package(self, version, resumed):
        with self._server(version) as server:
            given = {"PORT": server.port, "CA": self.authority.der, "TLS13": version == "1.3"}
            if resumed:
                return self.count(PACKAGE + "go()", "go()", **given)
            return self.count(PACKAGE, "ctx.sessions.clear()\ngo()", **given)

    def by_hand(self):
        with self._server("1.2") as server:
            given = {"PORT": server.port, "CA": self.authority.der}
            return self.count(BY_HAND, "packed = go(packed) or packed", **given)

    def _bare(self, version, resumed):
        client = bare_client(self.firmware.parent)
        ca = self.authority.pem.removesuffix(".pem") + ".der"
        with self._server(version) as server:
            fixed = [client, server.port, ca, "resumed" if resumed else "full"]
            return instructions.count_command(lambda times: [*map(str, fixed), str(times)])

    def transfer(self, how):
        return self.count_transfer(how, "ctx") / self.plain(how)

    def _plain(self, how):
        return self.count_transfer(how, "native")

    def count_transfer(self, how, context):
        with TLSServer(self.certificate, version="1.2") as server:
            script = f"{CLIENT}{TRANSFER}s = open({context})\n{how}(s)"
            return self.count(script, f"{how}(s)", PORT=server.port, CA=self.authority.der)

    def asyncio(self, context):
        with TLSServer(self.certificate, version="1.2") as server:
            script = f"{CLIENT}{ASYNCIO}streams = asyncio.run(open_stream({context}))"
            given = {"PORT": server.port, "CA": self.authority.der}
            return self.count(script, "asyncio.run(round_trips(*streams))", **given)

    def look_up(self, entries):
        return self.count(LOOK_UPS, "for _ in range(20): cache.get('host5', 443)", N=entries)

    def _server(self, version):
        return OpenSSLServer(self.certificate, "-rev", f"-tls{version.replace('.', '_')}")


def bare_client(build):
    """tools/bare_client.c, linked with the Mbed TLS of the unix port in the folder `build`."""
    tree = micropython()
    client = build / "bare_client"
    objects = [*build.glob("lib/mbedtls/library/*.o"), *build.glob("lib/mbedtls_errors/*.o")]
    folders = [tree, tree / "lib/mbedtls/include", tree / "ports/unix", build]
    folders += [tree / "ports/unix/variants", ROOT / "boards/UNIX", ROOT / "firmware/tlsresume"]
    command = ["gcc", "-Os", "-DNDEBUG", *(f"-I{folder}" for folder in folders)]
    command += ['-DMBEDTLS_CONFIG_FILE="mbedtls/mbedtls_config_port.h"']
    command += [
        '-DMBEDTLS_USER_CONFIG_FILE="mbedtls_config_tlsresume.h"',
        "-DTLSRESUME_WITH_TLS13=1",
    ]
    command += [ROOT / "tools/bare_client.c", *objects, "-o", client]
    subprocess.run([*map(str, command)], check=True)
    return client
