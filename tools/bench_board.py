"""What resumption costs and saves on the emulated board: instructions, heap and flash.

QEMU counts instructions (`-icount`): every one takes 16 ns of the board's time. What the board
sleeps while it waits for the server is taken out.
"""

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

from board import Board, host_address
from certificates import Authority
from command import run
from emulator import Emulator
from progress import console
from tls_server import TLSServer

from build import build

INSTRUCTIONS_PER_US = 1000 / 16

HANDSHAKES = """
import gc, machine, micropython, socket, time, tls, tlsresume
def handshake(ctx, **kwargs):
    "Microseconds of work, and the peak of the heap beyond what it was."
    s = socket.socket()
    s.connect(socket.getaddrinfo(HOST, PORT)[0][-1])
    gc.collect()
    heap, idle, start = micropython.mem_current(), machine.idle_us(), time.ticks_us()
    s = ctx.wrap_socket(s, server_hostname="localhost", **kwargs)
    us = time.ticks_diff(time.ticks_us(), start) - (machine.idle_us() - idle)
    peak = micropython.mem_peak() - heap
    s.write(b"hello\\n")
    s.readline()
    session = s.session
    reused = s.session_reused
    s.close()
    return us, peak, reused, session
def client():
    ctx = tlsresume.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    ctx.load_verify_locations(CA)
    return ctx
"""
FULL = """
us, peak, reused, session = handshake(client())
print([us, peak, session.serialize().hex()])
"""
RESUMED = """
session = tlsresume.SSLSession(bytes.fromhex(SESSION))
us, peak, reused, session = handshake(client(), session=session)
assert reused
print([us, peak])
"""
HEAP = """
import gc
def used():
    gc.collect()
    return gc.mem_alloc()
a = used()
import tlsresume
b = used()
import tls
ctx = tlsresume.SSLContext(tls.PROTOCOL_TLS_CLIENT)
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
print([b - a, c - b, d - c, e - d, (used() - f) // 8])
"""

STORE = """
import time, tls, tlsresume
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
for i in range(10):
    host = "host%d.example.com" % i
    ctx.sessions.put(host, 443, bytes.fromhex(SESSION), 7200, ctx.fingerprint())
start = time.ticks_us()
assert ctx.save()
saved = time.ticks_us()
ctx = context()
loaded = time.ticks_us()
assert len(ctx.sessions) == 10
print([time.ticks_diff(saved, start), time.ticks_diff(loaded, saved)])
"""


def handshake(firmware, script, **variables):
    """What `script` prints on a board that has just started: the peak is counted from there."""
    with Emulator(firmware, icount=True) as qemu, Board(qemu.port) as board:
        host = host_address(board.connect())
        return json.loads(
            board.execute(HANDSHAKES + script, HOST=host, **variables).replace("'", '"')
        )


def measure(firmware, kind):
    """A dict of the figures; `kind` is that of the server's certificate, "ecdsa" or "rsa"."""
    with tempfile.TemporaryDirectory() as folder:
        authority = Authority(Path(folder), kind=kind)
        with TLSServer(authority.issue("server", server=True), version="1.2") as server:
            given = {"PORT": server.port, "CA": authority.der}
            full, full_peak, session = handshake(firmware, FULL, **given)
            resumed, resumed_peak = handshake(firmware, RESUMED, SESSION=session, **given)
    save, load = handshake(firmware, STORE, SESSION=session)
    return {
        f"instructions, full ({kind})": round(full * INSTRUCTIONS_PER_US),
        "instructions, resumed": round(resumed * INSTRUCTIONS_PER_US),
        f"peak heap, full ({kind})": full_peak,
        "peak heap, resumed": resumed_peak,
        "instructions, ten sessions sealed": round(save * INSTRUCTIONS_PER_US),
        "instructions, ten sessions unsealed": round(load * INSTRUCTIONS_PER_US),
    }


def heap(firmware, size=144):
    """What import, contexts and an entry with a session of `size` bytes take, in bytes."""
    with Emulator(firmware) as qemu, Board(qemu.port) as board:
        board.soft_reset()
        names = ("import", "first context", "further context", "upstream's context alone")
        names += (f"entry of {size} bytes",)
        figures = json.loads(board.execute(HEAP, SIZE=size))
        return dict(zip([f"heap, {name}" for name in names], figures, strict=True))


def flash(firmware):
    """Text of the C module, in bytes."""
    objects = sorted(map(str, (firmware.parent / "tlsresume").glob("*.o")))
    command = ["arm-none-eabi-size", "-t", *objects]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return {"flash, C module": int(done.stdout.splitlines()[-1].split()[0])}


def main():
    argparse.ArgumentParser(description=__doc__).parse_args()
    firmware = build("QEMU_MPS2")
    figures = {**flash(firmware), **heap(firmware)}
    for kind in ("ecdsa", "rsa"):
        figures.update(measure(firmware, kind))
    for name, figure in figures.items():
        console.print(f"{name:34}{figure:>12,}")


if __name__ == "__main__":
    run(main)
