"""A device reconnects for weeks, and for a day: nothing grows; what resumes is foretold."""

import re

import pytest
from endless import DAY, RECONNECT
from listener import Listener

EVERY = 30  # s between two connections
HOUR = 3600


@pytest.mark.parametrize("version", ("1.2", "1.3"))
def test_memory_stays_as_it_is_on_the_unix_port(run, server, version, pytestconfig):
    count = 100_000 if pytestconfig.getoption("--long") else 2000
    s = server(version=version)
    got = run(
        RECONNECT
        + """
def memory():
    gc.collect()
    rss = int(open("/proc/self/statm").read().split()[1]) * 4
    return gc.mem_alloc(), rss
touch()
ctx = client()
reconnect(ctx, 50)
first = memory()
first = memory() # with a tuple like the one that is kept
resumed = reconnect(ctx, COUNT)
result(first=first, last=memory(), resumed=resumed)
""",
        PORT=s.port,
        COUNT=count,
        timeout=3600,
    )
    print(count, got)
    assert got["resumed"] == count
    # A block of 32 bytes in a hundred connections would show; what the collector takes for a
    # pointer may keep a few.
    assert got["last"][0] <= got["first"][0] + 512
    assert got["last"][1] <= got["first"][1] + 64


def test_the_heap_of_the_board_does_not_fragment(plain_board, reachable, pytestconfig):
    count = 5000 if pytestconfig.getoption("--long") else 200
    s = reachable(version="1.2")
    plain_board.restart()
    plain_board.execute(f"{RECONNECT}ctx = client()\nreconnect(ctx, 50)", PORT=s.port)
    first = heap(plain_board)
    script = "result(resumed=reconnect(ctx, COUNT))"
    assert plain_board.run(script, COUNT=count, timeout=3600)["resumed"] == count
    last = heap(plain_board)
    print(count, first, last)
    assert last["used"] <= first["used"]
    assert last["largest"] >= first["largest"]


@pytest.mark.parametrize("kind", ("tickets", "ids", "tls13"))
def test_a_day_resumes_as_theory_says_to_the_connection(run, server, kind):
    options = {"tickets": {}, "ids": {"tickets": False}, "tls13": {"version": "1.3"}}[kind]
    s = server(**{"version": "1.2", **options})
    events = {hour * HOUR: "restart" for hour in range(1, 24)}
    events.update({at * HOUR + HOUR // 2: "rotate" for at in range(6, 24, 6)})
    events[12 * HOUR + EVERY] = "step"
    control = Listener(lambda sock: obey(sock, s, kind))
    got = run(DAY, PORT=s.port, CONTROL=control.port, EVENTS=events, STEP=-5 * HOUR, timeout=600)
    control.close()
    assert got["log"] == theory(events, kind)
    assert got["stats"]["hits"] == got["log"].count("r")


def theory(events, kind):
    """The log of a day: a session resumes until it expires here or the server has lost it.

    A session ID has no hint of a lifetime: 300 s. A ticket's is longer than an hour, and a
    server that has turned to another ticket key keeps its session IDs.
    """
    losses = {"restart"} if kind == "ids" else {"restart", "rotate"}
    life = 300 if kind == "ids" else 2 * HOUR
    made = None
    log = ""
    for now in range(0, 24 * HOUR, EVERY):
        full = made is None or now - made >= life or events.get(now) in losses
        if full or kind == "tls13":  # where each connection brings a new ticket
            made = now
        log += "f" if full else "r"
    return log


def obey(sock, server, kind):
    """Do what one line from the device says: a server without tickets has no key for them."""
    with sock, sock.makefile("rw") as line:
        if line.readline() == "restart\n" or kind != "ids":
            server.forget()
        line.write("done\n")


def heap(board):
    """Bytes used, and the largest free block, after a collection."""
    out = board.execute("import micropython\ngc.collect()\ngc.collect()\nmicropython.mem_info()")
    used = int(re.search(r"used: (\d+)", out)[1])
    return {"used": used, "largest": int(re.search(r"max free sz: (\d+)", out)[1]) * 16}
