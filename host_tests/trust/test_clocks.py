"""Clocks that jump, wrap and stand still, in every state that a session can be in."""

import pytest
from prelude import MEMORY

CLOCKS = f"""{MEMORY}
from tlsresume import session, snapshot
from tlsresume.clock import Clock
PERIOD = 1 << 30  # ms, as on 32-bit boards
ahead = 0  # s, of the wall clock
frozen = None
start = time.ticks_ms()
def ticks():
    "Wraps as soon as some ms have passed."
    ms = time.ticks_diff(time.ticks_ms() if frozen is None else frozen, start)
    return (PERIOD - 40 + ms) % PERIOD
def wall():
    return (time.time() if frozen is None else wall_frozen) + ahead
snapshot.now = lambda: int(wall())
clock = session.clock = Clock(ticks, wall, PERIOD)
def step():
    global ahead, frozen, wall_frozen
    if STEP == "wrap":
        while ticks() > PERIOD // 2:
            time.sleep_ms(5)
    elif STEP == "still":
        frozen, wall_frozen = time.ticks_ms(), time.time()
    else:
        ahead += STEP
def context(**kwargs):
    return client(sessions=tlsresume.SessionCache(clock=clock), **kwargs)
ctx = context()
"""

YEARS = 30 * 365 * 86400
STEPS = {
    "30 years on": YEARS,
    "30 years back": -YEARS,
    "the wrap": "wrap",
    "standing still": "still",
}

# Each takes a session through a step of the clock, and ends with what a connection then makes
# of it.
STATES = {
    "open, not taken": """
s = connect(ctx, PORT)
echo(s)
step()
s.close()
reused = once(ctx, PORT)
""",
    "waiting in C": """
once(ctx, PORT)
step()
reused = once(ctx, PORT)
""",
    "in the cache": """
once(ctx, PORT)
assert len(ctx.sessions) == 1
step()
reused = once(ctx, PORT)
""",
    "offered": """
once(ctx, PORT)
s = connect(ctx, PORT, do_handshake_on_connect=False)
step()
echo(s)
reused = s.session_reused
""",
    "in the application's hands": """
s = connect(ctx, PORT)
echo(s)
session = s.session
s.close()
step()
reused = once(ctx, PORT, session=session)
""",
    "loaded": """
storage = Memory()
first = context(storage=storage)
once(first, PORT)
assert first.save()
ctx = context(storage=storage)
step()
reused = once(ctx, PORT)
""",
}

steps = pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)


@steps
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("version", ("1.2", "1.3"))
def test_a_step_of_the_clock_costs_nothing(run, server, version, state, step):
    port = server(version=version).port
    script = CLOCKS + STATES[state] + "result(reused=reused, again=once(ctx, PORT))"
    assert run(script, PORT=port, STEP=step) == {"reused": True, "again": True}


@steps
def test_what_has_expired_stays_expired(run, server, step):
    got = run(
        CLOCKS
        + """
ctx = client(sessions=tlsresume.SessionCache(clock=clock, timeout=1))
once(ctx, PORT)
while len(list(ctx.sessions.sessions())):
    time.sleep_ms(20)
step()
result(reused=once(ctx, PORT))
""",
        PORT=server(version="1.2").port,
        STEP=step,
    )
    assert got == {"reused": False}


STORED = """
storage = Memory()
first = context(storage=storage)
once(first, PORT)
assert first.save()
step()
ctx = context(storage=storage)
reused = [once(ctx, PORT)]
ahead = 0
ctx = context(storage=storage)
reused.append(once(ctx, PORT))
result(reused=reused)
"""


@pytest.mark.parametrize("step", (YEARS, -YEARS), ids=("30 years on", "30 years back"))
def test_what_is_stored_is_not_used_while_its_age_is_wrong(run, server, step):
    got = run(CLOCKS + STORED, PORT=server(version="1.2").port, STEP=step)
    assert got["reused"][0] is False


def test_what_waits_for_the_clock_is_loaded_when_it_is_right_again(run, server):
    script = STORED.replace("reused = [once(ctx, PORT)]", "reused = [len(ctx.sessions)]")
    script = script.replace("ctx = context(storage=storage)\nreused.append", "reused.append")
    got = run(CLOCKS + script, PORT=server(version="1.2").port, STEP=-YEARS)
    assert got["reused"] == [0, True]
