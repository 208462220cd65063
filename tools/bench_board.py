"""What resumption costs and saves on the emulated board: instructions and heap.

QEMU counts instructions (`-icount`): every one takes 16 ns of the board's time. What the board
sleeps while it waits for the server is taken out.
"""

import json
import statistics

from board import Board, host_address
from daemons import Mosquitto
from emulator import Emulator
from libraries import libraries
from tls_server import TLSServer

INSTRUCTIONS_PER_US = 1000 / 16

COMMON = """
import gc, machine, socket, time, tls
def work_us():
    "Microseconds of work since the reset."
    return time.ticks_us() - machine.idle_us()
def connected():
    s = socket.socket()
    s.connect(socket.getaddrinfo(HOST, PORT)[0][-1])
    return s
def trusting(ctx):
    ctx.load_verify_locations(CA)
    return ctx
"""
HANDSHAKES = """
import tlsresume
def client(**kwargs):
    return trusting(tlsresume.SSLContext(tls.PROTOCOL_TLS_CLIENT, **kwargs))
def handshake(ctx, **kwargs):
    s = connected()
    gc.collect()
    start = work_us()
    s = ctx.wrap_socket(s, server_hostname="localhost", **kwargs)
    return work_us() - start, s
def succeeds(free, **kwargs):
    "Whether a handshake does with `free` bytes of heap, and resumes if it offers a session."
    s = hog = None
    gc.collect()
    hog = bytearray(gc.mem_free() - free)
    try:
        s = handshake(ctx, **kwargs)[1]
        return s.session_reused or not kwargs
    except (MemoryError, OSError, ValueError):
        return False
    finally:
        hog = None
        if s:
            s.close()
def needs(**kwargs):
    "How much heap a handshake needs, to 256 bytes."
    low, high = 0, 65536
    while high - low > 256:
        middle = (low + high) // 2
        if succeeds(middle, **kwargs):
            high = middle
        else:
            low = middle
    return high
ctx = client()
"""
# The first after a start takes an eighth more, and the work varies with the keys: the median of
# three, which flatters nobody.
FULL = """
found = []
for _ in range(3):
    ctx.sessions.clear()
    us, s = handshake(ctx)
    s.write(b"hello\\n")
    s.readline()
    found.append(us)
    session = s.session
    s.close()
print([sorted(found)[1], session.serialize().hex()])
"""
# Counting instructions, the emulated clock runs ahead of the one that the next start begins with.
LOAD = """
from tlsresume import snapshot
snapshot.now = lambda: int.from_bytes(bytes.fromhex(SESSION)[17:21], "big")
"""
RESUMED = """
session = tlsresume.SSLSession(bytes.fromhex(SESSION))
us, s = handshake(ctx, session=session)
assert s.session_reused
s.close()
print([us])
"""
NEEDS = """
session = tlsresume.SSLSession(bytes.fromhex(SESSION))
ctx = client(sessions=False)
print([needs(), needs(session=session)])
"""
# Whole connections in turns, each with what a session costs beyond it.
PACKAGE_OR_HAND = """
import tlsresume, _tlsresume
ctx = trusting(tlsresume.SSLContext(tls.PROTOCOL_TLS_CLIENT))
native = trusting(tls.SSLContext(tls.PROTOCOL_TLS_CLIENT))
packed = None
def by_package(s):
    return ctx.wrap_socket(s, server_hostname="localhost")
def by_hand(s):
    s.setsockopt(6, socket.TCP_NODELAY, 1)
    s = native.wrap_socket(s, server_hostname="localhost", do_handshake_on_connect=False)
    _tlsresume.adopt(s, native, None, packed, 0)
    _tlsresume.handshake(s)
    return s
def take_by_hand():
    global packed
    event = _tlsresume.take(500)
    while event is not None:
        packed = event[2] or packed
        event = _tlsresume.take(500)
def connection(wrap, take):
    s = connected()
    gc.collect()
    start = work_us()
    s = wrap(s)
    us = work_us() - start
    reused = s.session_reused
    s.write(b"hello\\n")
    s.readline()
    start = work_us()
    s.close()
    take()
    us += work_us() - start
    return us, reused
found = []
for _ in range(6):
    one, reused = connection(by_package, tlsresume.poll)
    two, both = connection(by_hand, take_by_hand)
    found.append([one, two])
assert reused and both
print(found[1:])
"""
HEAP = """
import gc, time
def used():
    gc.collect()
    return gc.mem_alloc()
a = used()
start = time.ticks_us()
import tlsresume
imported = time.ticks_us() - start
b = used()
start = time.ticks_us()
import tls
ctx = tlsresume.SSLContext(tls.PROTOCOL_TLS_CLIENT)
made = time.ticks_us() - start
c = used()
another = tlsresume.SSLContext(tls.PROTOCOL_TLS_CLIENT)
d = used()
plain = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
e = used()
put = ctx.sessions.put
session = bytes(SIZE)
for i in range(2):
    put("host%d.example.com" % i, 443, session, 7200, b"f" * 32)
f = used()
for i in range(2, 10):
    put("host%d.example.com" % i, 443, session, 7200, b"f" * 32)
print([imported, made, b - a, c - b, d - c, e - d, (used() - f) // 8])
"""
# Nothing is freed meanwhile: what it takes in all is the most that it can take at once.
HARVEST = """
s = connected()
s = ctx.wrap_socket(s, server_hostname="localhost")
s.write(b"hello\\n")
s.readline()
time.sleep_ms(600)
gc.collect()
gc.disable()
before = gc.mem_alloc()
tlsresume.poll()
after = gc.mem_alloc()
gc.enable()
s.close()
assert ctx.sessions.counted("harvested_poll") == 1
print([after - before])
"""
STORE = """
import tlsresume
from tlsresume.store import Sealed
class Memory:
    def load(self):
        return self.data
    def save(self, data):
        self.data = data
storage = Memory()
storage.data = None
def context():
    return tlsresume.SSLContext(tls.PROTOCOL_TLS_CLIENT, storage=Sealed(storage, bytes(32)))
ctx = context()
session = tlsresume.SSLSession(bytes.fromhex(SESSION))._packed
snapshot.now = lambda: int(time.time())
for i in range(10):
    host = "host%d.example.com" % i
    ctx.sessions.put(host, 443, session, 7200, ctx.fingerprint())
start = time.ticks_us()
assert ctx.save()
saved = time.ticks_us()
ctx = context()
loaded = time.ticks_us()
assert len(ctx.sessions) == 10
print([time.ticks_diff(saved, start), time.ticks_diff(loaded, saved)])
"""
# What a board does each time it wakes. umqtt is imported before: it comes over the serial line.
WAKE = """
import sys
from umqtt.simple2 import MQTTClient
start = work_us()
if PACKAGE:
    import tlsresume
    from tlsresume.store import RTCMemory
    ctx = tlsresume.SSLContext(tls.PROTOCOL_TLS_CLIENT, storage=RTCMemory())
else:
    ctx = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
trusting(ctx)
class ussl:
    @staticmethod
    def wrap_socket(s):
        return ctx.wrap_socket(s, server_hostname="localhost")
sys.modules["ussl"] = ussl
mqtt = MQTTClient("board", HOST, PORT, ssl=True)
mqtt.connect()
mqtt.publish(b"reading", b"21.5", qos=1)
mqtt.wait_msg()
reused = PACKAGE and mqtt.sock.session_reused
mqtt.disconnect()
if PACKAGE:
    assert ctx.save()
print([work_us() - start, int(reused)])
"""


def run(firmware, script, **variables):
    """What `script` prints on a board that has just started."""
    with Emulator(firmware, icount=True) as qemu, Board(qemu.port) as board:
        host = host_address(board.connect())
        return json.loads(board.execute(COMMON + script, HOST=host, **variables).replace("'", '"'))


def figures(firmware, tls13, chains):
    """`{name: value}`; `tls13` is the firmware with TLS 1.3."""
    found = {**heap(firmware), **per_connection(firmware, chains[0])}
    for version, board in (("1.2", firmware), ("1.3", tls13)):
        for chain in chains:
            found.update(handshakes(board, version, chain))
        found.update(needs(board, version, chains[0]))
    found.update(wakes(firmware, chains[0]))
    return found


def handshakes(firmware, version, chain):
    """Instructions of a full and of a resumed handshake."""
    with TLSServer(chain.certificate, version) as server:
        given = {"PORT": server.port, "CA": chain.authority.der}
        full, session = run(firmware, HANDSHAKES + FULL, **given)
        (resumed,) = run(firmware, HANDSHAKES + LOAD + RESUMED, SESSION=session, **given)
    return {
        f"TLS {version}, full, {chain.name}: instructions": _instructions(full),
        f"TLS {version}, resumed: instructions": _instructions(resumed),
    }


def needs(firmware, version, chain):
    """Bytes of heap without which a handshake fails, full and resumed."""
    with TLSServer(chain.certificate, version) as server:
        given = {"PORT": server.port, "CA": chain.authority.der}
        session = run(firmware, HANDSHAKES + FULL, **given)[1]
        full, resumed = run(firmware, HANDSHAKES + LOAD + NEEDS, SESSION=session, **given)
    return {
        f"TLS {version}, full, {chain.name}: heap": full,
        f"TLS {version}, resumed: heap": resumed,
    }


def per_connection(firmware, chain):
    """What the package adds to a resumed connection, its harvest and its storage."""
    with TLSServer(chain.certificate, "1.2") as server:
        given = {"PORT": server.port, "CA": chain.authority.der}
        pairs = run(firmware, PACKAGE_OR_HAND, **given)
        (taken,) = run(firmware, HANDSHAKES + HARVEST, **given)
        session = run(firmware, HANDSHAKES + FULL, **given)[1]
    save, load = run(firmware, LOAD + STORE, SESSION=session)
    package, hand = (statistics.median(column) for column in zip(*pairs, strict=True))
    return {
        "resumed connection, package / C module by hand": package / hand,
        "peak heap, harvest": taken,
        "ten sessions sealed: instructions": _instructions(save),
        "ten sessions unsealed: instructions": _instructions(load),
    }


def heap(firmware, size=144):
    """What import, contexts and an entry with a session of `size` bytes take, in bytes."""
    with Emulator(firmware, icount=True) as qemu, Board(qemu.port) as board:
        board.soft_reset()
        imported, made, *taken = json.loads(board.execute(HEAP, SIZE=size))
    names = ("import", "first context", "further context", "upstream's context alone")
    names += (f"entry of {size} bytes",)
    return {
        "import: instructions": _instructions(imported),
        "first context: instructions": _instructions(made),
        **dict(zip([f"heap, {name}" for name in names], taken, strict=True)),
    }


def wakes(firmware, chain):
    """Instructions from waking to having published by MQTT: with the package, and without."""
    server = Mosquitto(chain.certificate, chain.authority.pem, address="0.0.0.0")
    try:
        with Emulator(firmware, icount=True) as qemu, Board(qemu.port) as board:
            given = {"PORT": server.port, "CA": chain.authority.der}
            plain, _ = _wake(board, PACKAGE=False, **given)
            _, first = _wake(board, PACKAGE=True, **given)
            resumed, second = _wake(board, PACKAGE=True, **given)
    finally:
        server.close()
    assert (first, second) == (0, 1)
    return {
        "wake to published, upstream's tls: instructions": _instructions(plain),
        "wake to published, resumed: instructions": _instructions(resumed),
    }


def _wake(board, **given):
    board.reset("import machine\nmachine.deepsleep(100)")
    host = host_address(board.connect())
    with board.mount(libraries()):
        return json.loads(board.execute(COMMON + WAKE, HOST=host, **given))


def _instructions(us):
    return round(us * INSTRUCTIONS_PER_US)
