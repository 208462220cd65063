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
