"""TLS 1.3 on the emulated board: a variant of its firmware."""

import pytest


@pytest.fixture(scope="module")
def the_board(emulated):
    """In the place of the board under test."""
    with emulated("TLS13") as board:
        yield board


def test_every_connection_after_the_first_is_resumed(board, server):
    s = server(version="1.3")
    got = board.run(
        "ctx = client()\nresult(reused=[once(ctx, PORT) for _ in range(4)])", PORT=s.port
    )
    assert got["reused"] == [False, True, True, True] == s.reused(4)


def test_tls_12_resumes_as_before(board, server):
    s = server(version="1.2")
    got = board.run("ctx = client()\nresult(r=[once(ctx, PORT) for _ in range(2)])", PORT=s.port)
    assert got["r"] == [False, True] == s.reused(2)


def test_a_ticket_survives_deep_sleep(board, server):
    s = server(version="1.3")
    stored = "from tlsresume.store import RTCMemory\nctx = client(storage=RTCMemory())\n"
    board.execute("import machine\nmachine.RTC().memory(b'')")
    board.execute(stored + "once(ctx, PORT)\nassert ctx.save()", PORT=s.port)
    board.sleep(100)
    board.restart()
    assert board.run(stored + "result(r=once(ctx, PORT))", PORT=s.port) == {"r": True}
    assert s.reused(2) == [False, True]
