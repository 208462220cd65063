"""What resumption costs on the unix port: ratios of instructions, each of one run.

Instructions are callgrind's, so that no load disturbs them; the server's are not counted.
"""

import subprocess
from functools import cache

import instructions
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
    _tlsresume.handshake(s)
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
    for _ in range(100):
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
CACHE = """
from tlsresume.cache import SessionCache
cache = SessionCache(max=N)
def put(host, session=b"s" * 100):
    cache.put(host, 443, session, 7200)
for i in range(N):
    put("host%d" % i)
i = 0
"""
CACHE_STEPS = {
    "get": "for _ in range(20): cache.get('host5', 443)",
    "put": "for i in range(20): put('host5', bytes([i]) * 100)",
    "evict": "i += 1\nput('new%d' % i)",
}
ENTRIES = (10, 100, 1000)
VERSIONS = ("1.2", "1.3")
FEW = 1, 4  # a full handshake is much work: its count needs no long series


class Bench:
    """Measures the unix port `firmware`; `chains` as in chains.py."""

    def __init__(self, firmware, chains):
        self.firmware = firmware
        self.chains = chains
        # Each is measured once, however many figures it is part of.
        self.package = cache(self._package)
        self.bare = cache(self._bare)
        self.plain = cache(self._plain)
        self.cache = cache(self._cache)

    def count(self, script, repeat, times=(3, 13), **variables):
        given = "".join(f"{k} = {v!r}\n" for k, v in variables.items())
        return instructions.count(self.firmware, given + script, repeat, times)

    def figures(self):
        """Names and functions of the ratios, as in budgets.toml."""
        return {
            "package / C module by hand, TLS 1.2 resumed": lambda: (
                self.package("1.2") / self.by_hand()
            ),
            **{
                f"package / bare C, TLS {version} resumed": (
                    lambda v=version: self.package(v) / self.bare(v)
                )
                for version in VERSIONS
            },
            **{
                f"full / resumed, package / bare C, TLS {version}, {chain.name}": (
                    lambda v=version, c=chain: self.gain(v, c)
                )
                for version in VERSIONS
                for chain in self.chains
            },
            "adopted / plain socket, 64 KiB each way": lambda: self.transfer("lines"),
            "adopted / plain socket, single bytes": lambda: self.transfer("single_bytes"),
            "adopted / plain socket, asyncio round trips": lambda: (
                self.asyncio("ctx") / self.asyncio("native")
            ),
            **{
                f"{step} among {entries} / among 10": (
                    lambda s=step, n=entries: self.cache(s, n) / self.cache(s, 10)
                )
                for step in ("get", "put")
                for entries in ENTRIES[1:]
            },
        }

    def instructions(self):
        """What is reported without a budget: `{name: instructions}`."""
        counted = {"import": self.imported()}
        for version in VERSIONS:
            counted[f"TLS {version}, resumed"] = self.package(version)
            for chain in self.chains:
                counted[f"TLS {version}, full, {chain.name}"] = self.package(version, chain)
        for step in CACHE_STEPS:
            for entries in ENTRIES:
                counted[f"{step} among {entries}"] = self.cache(step, entries)
        return {name: round(value) for name, value in counted.items()}

    def gain(self, version, chain):
        """How often a resumed handshake goes into a full one, against how often in bare C."""
        package = self.package(version, chain) / self.package(version)
        return package / (self.bare(version, chain) / self.bare(version))

    def _package(self, version, full=None):
        """A full handshake with the chain `full`; None: a resumed one, which has no chain."""
        chain = full or self.chains[0]
        with TLSServer(chain.certificate, version) as server:
            given = {"PORT": server.port, "CA": chain.authority.der, "TLS13": version == "1.3"}
            if full is None:
                return self.count(PACKAGE + "go()", "go()", _times(version), **given)
            return self.count(PACKAGE, "ctx.sessions.clear()\ngo()", FEW, **given)

    def by_hand(self):
        with TLSServer(self.chains[0].certificate, "1.2") as server:
            given = {"PORT": server.port, "CA": self.chains[0].authority.der}
            return self.count(BY_HAND, "packed = go(packed) or packed", **given)

    def _bare(self, version, full=None):
        chain = full or self.chains[0]
        client = bare_client(self.firmware.parent)
        ca = chain.authority.pem.removesuffix(".pem") + ".der"
        with TLSServer(chain.certificate, version) as server:
            fixed = [*map(str, (client, server.port, ca, "full" if full else "resumed"))]
            times = FEW if full else _times(version)
            return instructions.count_command(lambda n: [*fixed, str(n)], times)

    def transfer(self, how):
        return self.count_transfer(how, "ctx") / self.plain(how)

    def _plain(self, how):
        return self.count_transfer(how, "native")

    def count_transfer(self, how, context):
        return self._connected(
            f"{TRANSFER}s = open({context})\n{how}(s)",
            f"{how}(s)",
        )

    def asyncio(self, context):
        return self._connected(
            f"{ASYNCIO}streams = asyncio.run(open_stream({context}))",
            "asyncio.run(round_trips(*streams))",
        )

    def _connected(self, script, repeat):
        with TLSServer(self.chains[0].certificate, version="1.2") as server:
            given = {"PORT": server.port, "CA": self.chains[0].authority.der}
            return self.count(CLIENT + script, repeat, **given)

    def _cache(self, step, entries):
        times = FEW if step == "evict" else (3, 13)
        return self.count(CACHE, CACHE_STEPS[step], times, N=entries) / (
            1 if step == "evict" else 20
        )

    def imported(self):
        """Instructions of the import, and of all that a first context brings with it."""
        again = "import sys\nfor name in list(sys.modules):\n    del sys.modules[name]\n"
        context = "import tls, tlsresume\ntlsresume.SSLContext(tls.PROTOCOL_TLS_CLIENT)"
        return self.count("", again + context)


def _times(version):
    return (2, 6) if version == "1.3" else (3, 13)  # TLS 1.3 has its key exchange each time


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
