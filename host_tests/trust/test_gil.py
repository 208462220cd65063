"""Threads that take turns, and a Ctrl-C that waits for a jump of the bytecode, as on a board."""

import signal
import subprocess
from pathlib import Path

import pytest
from prelude import STREAM

VARIANT = Path(__file__).parent / "GIL"


@pytest.fixture(scope="module")
def micropython_gil():
    """The Path of a unix port with a GIL."""
    from build import build

    return build("UNIX", f"VARIANT_DIR={VARIANT}", "VARIANT=GIL", name="UNIX_GIL")


def test_another_threads_poll_leaves_an_open_socket_alone(run, server, micropython_gil):
    """A stream's read gives up the GIL: within it, no other thread may look for a ticket."""
    got = run(
        STREAM
        + """
import _thread
users = set()
def look():
    tlsresume.poll()
    done.append(len(ctx.sessions))
tlsresume.harvest.DELAY = 0
done = []
ctx = client()
stream = Stream(lambda request: users.add(_thread.get_ident()))
s = ctx.wrap_socket(stream, server_hostname="localhost")
echo(s)
_thread.start_new_thread(look, ())
while not done:
    time.sleep_ms(1)
s.close()
result(users=len(users), done=done, kept=len(ctx.sessions))
""",
        # Of two tickets the first waits apart from the socket, for whoever polls.
        PORT=server(version="1.3", tickets=1).port,
        firmware=micropython_gil,
        timeout=20,
    )
    assert got == {"users": 1, "done": [0], "kept": 1}


COLLECT = """
import boardsocket
def lose(ctx, stage):
    "A connection that nobody holds any more."
    s = ctx.wrap_socket(boardsocket.Socket(PORT), server_hostname="localhost",
        do_handshake_on_connect=stage != "begun")
    if stage == "used":
        assert echo(s) == b"hello\\n"
    elif stage == "written to":
        s.write(b"hello\\n")
    elif stage == "in the middle of a line":
        s.write(b"hello\\n")
        assert s.read(1) == b"h"
def collect(ctx, stage):
    for _ in range(10):
        lose(ctx, stage)
        deep = lambda n: n and deep(n - 1)
        deep(30)
        gc.collect()
    return boardsocket.used()
native = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
native.load_verify_locations(CA)
ctx = client()
result(native=collect(native, STAGE), used=collect(ctx, STAGE), kept=len(ctx.sessions))
"""
STAGES = ("begun", "shaken hands", "written to", "in the middle of a line", "used")


@pytest.mark.parametrize("version", ("1.2", "1.3"))
@pytest.mark.parametrize("stage", STAGES)
def test_a_finaliser_moves_the_session_and_does_nothing_else(
    run, server, micropython_gil, version, stage
):
    """The socket below is finalised first; a read of it gives up the GIL in the collection."""
    got = run(
        COLLECT,
        PORT=server(version=version).port,
        STAGE=stage,
        heap="1M",
        firmware=micropython_gil,
    )
    # In TLS 1.3 tickets are what a read brings.
    kept = stage != "begun" if version == "1.2" else stage in STAGES[3:]
    assert got == {"native": 0, "used": 0, "kept": int(kept)}


OVERWRITTEN = """
import _thread, boardsocket
done, wrong = [], []
def other():
    "Makes objects, and looks whether each is what it was."
    n = 0
    while not done:
        kept = []
        for _ in range(300):
            n += 1
            kept.append([n, "%d" % n])
            if n % 20 == 0:
                time.sleep_ms(0)
        wrong.extend(x for x in kept if type(x) is not list or x[1] != "%d" % x[0])
    done.append(0)
ctx = client()
_thread.start_new_thread(other, ())
for _ in range(60):
    s = ctx.wrap_socket(boardsocket.Socket(PORT), server_hostname="localhost")
    assert echo(s) == b"hello\\n"
    gc.collect()
done.append(0)
while len(done) < 2:
    time.sleep_ms(1)
result(wrong=len(wrong), used=boardsocket.used())
"""


@pytest.mark.parametrize("version", ("1.2", "1.3"))
def test_a_collection_leaves_other_threads_objects_alone(run, server, micropython_gil, version):
    port = server(version=version).port
    got = run(OVERWRITTEN, PORT=port, heap="1M", firmware=micropython_gil)
    assert got == {"wrong": 0, "used": 0}


def test_ctrl_c_never_leaves_the_lock_taken(micropython_gil):
    """KeyboardInterrupt comes at any jump of the bytecode."""
    script = """
from tlsresume.cache import SessionCache
from tlsresume.lock import lock
cache = SessionCache()
cache.put("a", 1, b"session")
interrupts = 0
while interrupts < 300:
    try:
        print(interrupts)
        while True:
            cache.get("a", 1)
            len(cache)
    except KeyboardInterrupt:
        interrupts += 1
        if lock.mine():
            print("the lock stays taken")
print("done")
"""
    process = subprocess.Popen(
        [str(micropython_gil), "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    said = set()
    for line in process.stdout:
        if line.strip().isdigit():
            process.send_signal(signal.SIGINT)
        else:
            said.add(line)
    assert process.wait() == 0, process.stderr.read()
    assert said == {"done\n"}
