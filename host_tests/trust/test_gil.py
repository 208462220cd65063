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
        PORT=server(version="1.3").port,
        firmware=micropython_gil,
        timeout=20,
    )
    assert got == {"users": 1, "done": [0], "kept": 1}


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
