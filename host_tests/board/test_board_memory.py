"""What a dump of the emulated board's memory holds: QEMU's own, by its monitor."""

import json
import socket

import pytest
from key_log import master_secret


class Monitor:
    """QEMU's monitor (QMP), on the Unix socket at `path`."""

    def __init__(self, path):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(path))
        self._lines = self._socket.makefile()
        self._lines.readline()  # a greeting
        self._ask("qmp_capabilities")

    def memory(self, path, start, size):
        """The machine's memory, by way of the file `path`."""
        self._ask("pmemsave", val=start, size=size, filename=str(path))
        return path.read_bytes()

    def close(self):
        self._lines.close()
        self._socket.close()

    def _ask(self, command, **arguments):
        self._socket.sendall(json.dumps({"execute": command, "arguments": arguments}).encode())
        for line in self._lines:
            answer = json.loads(line)
            if "event" not in answer:
                assert "return" in answer, answer
                return


@pytest.fixture(scope="module")
def monitor_path(tmp_path_factory):
    return tmp_path_factory.mktemp("monitor") / "socket"


@pytest.fixture(scope="module")
def the_board(emulated, monitor_path):
    """In the place of the board under test: one with a monitor."""
    with emulated(options=["-qmp", f"unix:{monitor_path},server=on,wait=off"]) as board:
        yield board


@pytest.fixture
def memory(board, monitor_path, tmp_path):
    """Dump the memory that holds a program's data, and what survives a reset."""
    monitor = Monitor(monitor_path)
    parts = board.emulator.machine.memory
    yield lambda: b"".join(monitor.memory(tmp_path / "dump", *part) for part in parts)
    monitor.close()


ENDS = {
    "clear": "ctx.sessions.clear()",
    "remove": "ctx.sessions.remove('localhost', PORT)\nctx.sessions.remove('localhost', None)",
    "eviction": "ctx.sessions.put('other', 1, b'other', 300)",
    "expiry": "clock.seconds += 86400\nctx.sessions.get('localhost', None, ctx.fingerprint())",
}
CONNECT = """
class Clock:
    seconds = 1000
    def now(self):
        return self.seconds
clock = Clock()
ctx = client(sessions=tlsresume.SessionCache(max=1, clock=clock))
once(ctx, PORT)
tlsresume.poll()
assert len(ctx.sessions) == 1
"""


@pytest.mark.parametrize("end", ENDS)
def test_when_a_session_goes_its_master_secret_goes(board, memory, server, tmp_path, end):
    keylog = tmp_path / "keylog"
    s = server(version="1.2", keylog=str(keylog))
    board.execute(CONNECT, PORT=s.port)
    secret = master_secret(keylog)
    assert memory().count(secret) == 1
    board.execute(ENDS[end])
    assert memory().count(secret) == 0


STORE = """
import machine
from tlsresume.store import RTCMemory
machine.RTC().memory(b"")
"""


def test_what_was_saved_in_rtc_memory_goes_with_the_next_save(board, memory, server, tmp_path):
    keylog = tmp_path / "keylog"
    s = server(version="1.2", keylog=str(keylog))
    stored = CONNECT.replace("clock=clock)", "clock=clock), storage=RTCMemory()")
    board.execute(STORE + stored + "assert ctx.save()", PORT=s.port)
    secret = master_secret(keylog)
    assert memory().count(secret) == 2
    board.execute("ctx.sessions.clear()\nassert ctx.save()")
    assert memory().count(secret) == 0
