"""Random numbers of TLS 1.3 on bare metal, whose Mbed TLS has MicroPython's heap. A soft reset
takes it: a generator with its state there would write into another's memory."""

import pytest
from board_under_test import BoardUnderTest
from client_hello import KEY_SHARE, RecordingProxy
from emulator import Emulator

from build import build

# Mbed TLS's own is after 10,000 requests: thousands of handshakes.
OFTEN = "CFLAGS_EXTRA=-DMBEDTLS_CTR_DRBG_RESEED_INTERVAL=4"
HANDSHAKES = 4


@pytest.fixture(scope="module")
def the_board(certs):
    """In the place of the board under test: a generator is seeded anew after some requests."""
    firmware = build("QEMU_MPS2", "BOARD_VARIANT=TLS13", OFTEN, name="QEMU_MPS2_RESEEDS")
    with Emulator(firmware) as emulator, BoardUnderTest(emulator.port) as board:
        board.prepare(emulator, None, None, certs.ca.der)
        yield board


@pytest.fixture
def record(starter):
    """Start RecordingProxies that the board reaches."""
    yield from starter(lambda port: RecordingProxy(port, "0.0.0.0"))


TALK = """
def words(room):
    "All of the heap but its last `room` bytes, in pieces."
    all = []
    while gc.mem_free() > room:
        all += [bytearray(b"\\x55" * 32) for _ in range(50)]
    return all
written = words(ROOM)
ctx = client()
reused = [once(ctx, PORT) for _ in range(COUNT)]
result(reused=reused, whole=all(word == b"\\x55" * 32 for word in written))
"""
PLENTY, LITTLE = 1 << 30, 70000


def test_handshakes_go_on_after_soft_resets_and_write_nowhere_else(board, server):
    s = server(version="1.3")
    for room in (PLENTY, LITTLE, LITTLE):
        got = board.run(TALK, PORT=s.port, COUNT=HANDSHAKES, ROOM=room)
        assert got == {"reused": [False] + [True] * (HANDSHAKES - 1), "whole": True}
        board.restart()
    assert s.reused(3 * HANDSHAKES).count(False) == 3


def test_no_random_number_comes_twice(board, server, record):
    """What each ClientHello begins with, and its share of the key, after soft resets, too."""
    proxy = record(server(version="1.3").port)
    for _ in range(2):
        board.run(TALK, PORT=proxy.port, COUNT=HANDSHAKES, ROOM=PLENTY)
        board.restart()
    hellos = [hello for (hello,) in proxy.hellos(2 * HANDSHAKES)]
    assert len({hello.head[2:34] for hello in hellos}) == 2 * HANDSHAKES
    assert len({hello.get(KEY_SHARE) for hello in hellos}) == 2 * HANDSHAKES
