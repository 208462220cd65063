"""Callbacks of micropython.schedule, as of a machine.Timer, run in the middle of anything."""


def test_a_poll_in_the_middle_of_a_look_up_loses_nothing(run, server):
    s = server(version="1.2")
    got = run(
        """
import micropython
from tlsresume.lock import lock
waits = []
def tick(_):
    waits.append((lock.mine(), tlsresume.poll()))
class Clock:
    "Read within a look-up, whose next jump then lets the callback in."
    def now(self):
        micropython.schedule(tick, 0)
        return 1
ctx = client()
connect(ctx, PORT).close()
other = tlsresume.SessionCache(clock=Clock())
other.put("localhost", 1, b"s")
waits = []
found = other.get("localhost", 1) is not None
tlsresume.poll()
result(waits=waits, found=found, number=ctx.session_stats()["number"])
""",
        PORT=s.port,
    )
    assert got == {"waits": [[True, 10]], "found": True, "number": 1}


def test_a_callback_comes_after_the_end_of_the_lock(run):
    got = run(
        """
import micropython
from tlsresume.lock import Lock
lock = Lock()
seen = []
def tick(_):
    with lock as first:
        seen.append(first)
for _ in range(3):
    with lock:
        micropython.schedule(tick, 0)
with lock as first:
    seen.append(first)
result(seen=seen, mine=lock.mine())
"""
    )
    assert got == {"seen": [True, True, True, True], "mine": False}
