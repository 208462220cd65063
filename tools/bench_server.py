"""What a connection costs the emulated board as a server: instructions and heap.

Counted as in bench_board.py. The board makes the TCP connection, and is the server of the TLS
within.
"""

from pathlib import Path

from bench_board import INSTRUCTIONS_PER_US, run
from board_server import Visitor

SERVER = """
import tlsresume
ctx = tlsresume.SSLContext(tls.PROTOCOL_TLS_SERVER)
ctx.load_cert_chain(CERT, KEY)
def handshake():
    "Microseconds of work; whether it was resumed."
    s = connected()
    gc.collect()
    start = work_us()
    s = ctx.wrap_socket(s, server_side=True)
    us = work_us() - start
    s.write(s.readline())
    reused = s.session_reused
    s.close()
    return us, reused
"""
# The first two after a start are not counted; the next ones take turns: full, resumed.
HANDSHAKES = (
    SERVER
    + """
handshake(), handshake()
found = [handshake() for _ in range(6)]
assert [reused for _, reused in found] == [False, True] * 3
print([us for us, _ in found])
"""
)
NEEDS = (
    SERVER
    + """
def succeeds(free):
    hog = None
    gc.collect()
    hog = bytearray(gc.mem_free() - free)
    try:
        return handshake()[1] == RESUMED
    except (MemoryError, OSError):
        return False
def needs():
    "How much heap a handshake needs, to 256 bytes."
    low, high = 0, 65536
    while high - low > 256:
        middle = (low + high) // 2
        if succeeds(middle):
            high = middle
        else:
            low = middle
    return high
handshake()
handshake()
def used():
    gc.collect()
    return gc.mem_alloc()
a = used()
without = tlsresume.SSLContext(tls.PROTOCOL_TLS_SERVER, sessions=False)
b = used()
another = tlsresume.SSLContext(tls.PROTOCOL_TLS_SERVER)
c = used()
print([needs(), c - b - (b - a)])
"""
)


def figures(firmware, tls13, chains):
    """`{name: value}` for the chains of one certificate; `tls13` is the firmware with TLS 1.3."""
    found = {}
    for version, board in (("1.2", firmware), ("1.3", tls13)):
        for chain in (c for c in chains if c.name.endswith("× 1")):
            with Visitor(version, every=2) as visitor:
                us = run(board, HANDSHAKES, PORT=visitor.port, **_certificate(chain))
            full, resumed = (sorted(us[n::2])[1] for n in (0, 1))
            found[f"server, TLS {version}, full, {chain.name}: instructions"] = _count(full)
            found.setdefault(f"server, TLS {version}, resumed: instructions", _count(resumed))
        with Visitor(version) as visitor:
            given = {"PORT": visitor.port, "RESUMED": True, **_certificate(chains[0])}
            found[f"server, TLS {version}, resumed: heap"], context = run(board, NEEDS, **given)
    found["heap, tickets of a server context"] = context
    return found


def _certificate(chain):
    path = Path(chain.certificate)
    return {
        "CERT": path.with_suffix(".der").read_bytes(),
        "KEY": path.with_suffix(".key.der").read_bytes(),
    }


def _count(us):
    return round(us * INSTRUCTIONS_PER_US)
