"""A board accepts connections for weeks: nothing grows."""

import pytest
from board_server import Client

MEMORY = """
def serve(c):
    s = ctx.wrap_socket(c, server_side=True)
    s.write(s.readline())
    s.close()
def touch():
    "Use all of the heap once: the system gives a page when it is first written to."
    chunks = []
    try:
        while True:
            chunks.append(bytearray(1024))
    except MemoryError:
        pass
def memory():
    gc.collect()
    rss = int(open("/proc/self/statm").read().split()[1]) * 4
    return [gc.mem_alloc(), rss]
touch()
"""


@pytest.mark.parametrize("version", ("1.2", "1.3"))
def test_the_memory_of_a_server_stays_as_it_is(board_server, certs, version, pytestconfig):
    count = 20_000 if pytestconfig.getoption("--long") else 600
    s = board_server(program=MEMORY, heap="2M")
    client = Client(version, certs.ca.pem)

    def connect(number):
        """Each tenth comes for the first time, and each tenth to another configuration."""
        for n in range(number):
            if n % 10 == 0:
                client.session = None
            if n % 10 == 5:
                s.ask("ctx.verify_mode = 1 - ctx.verify_mode")  # CERT_NONE, CERT_OPTIONAL
            assert client.connect(s.port) == (n % 10 not in (0, 5))

    connect(100)
    s.ask("memory()")
    first = s.ask("memory()")
    connect(count)
    last = s.ask("memory()")
    print(count, first, last)
    # A block of 32 bytes in ten connections would show; what the collector takes for a pointer may
    # keep a connection for a while.
    assert last[0] <= first[0] + 1024
    assert last[1] <= first[1] + 64
    stats = s.stats()
    assert stats["hits"] == stats["accept_good"] * 8 // 10
    assert stats["accept"] == stats["accept_good"] == count + 100
