"""On the instruction set of ESP32-C3 and C6: and without a network, over a serial line."""

import ssl

import pytest
from board import Board


@pytest.fixture
def board(riscv_line):
    """The board after a soft reset; its scripts find `result`."""
    with Board(riscv_line) as board:
        board.soft_reset()
        board.execute(
            "import json, os, tlsresume\n"
            "def result(**kwargs):\n    print('RESULT', json.dumps(kwargs))"
        )
        yield board


@pytest.fixture
def run(board):
    return board.run


def test_the_module_is_there(run):
    assert run("result(available=tlsresume.available)") == {"available": True}


def test_the_cache_puts_gets_and_evicts(run):
    got = run("""
cache = tlsresume.SessionCache(max=2)
for i in range(3):
    cache.put("host%d" % i, 443, b"session%d" % i, 300)
result(tags=list(cache), gone=cache.get("host0", 443), there=cache.get("host2", 443).decode())
""")
    assert got["tags"] == ["default.host2.443", "default.host1.443"]
    assert got["gone"] is None and got["there"] == "session2"


def test_what_is_sealed_opens_and_nothing_else_does(run):
    got = run("""
import _tlsresume as t
key, nonce = os.urandom(32), os.urandom(12)
sealed = t.seal(key, nonce, b"context", b"secret")
damaged = bytearray(sealed)
damaged[0] ^= 1
result(opens=bytes(t.unseal(key, nonce, b"context", sealed)).decode(),
       others=[t.unseal(key, nonce, b"other", sealed), t.unseal(key, nonce, b"context", damaged)])
""")
    assert got == {"opens": "secret", "others": [None, None]}


def test_aes_256_gcm_is_nists(run):
    """Test case 14 of the GCM specification."""
    got = run("""
import _tlsresume as t
result(sealed=t.seal(bytes(32), bytes(12), b"", bytes(16)).hex())
""")
    assert got["sealed"] == "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"


@pytest.mark.parametrize("buf", ("b''", "b'x'", "bytes(200)"))
def test_what_is_no_session_is_refused(run, buf):
    got = run(f"""
try:
    tlsresume.SSLSession({buf})
except ValueError as e:
    result(error=str(e))
""")
    assert "session" in got["error"]


def test_a_snapshot_goes_out_and_in(run):
    got = run("""
from tlsresume import snapshot
snapshot.parse = lambda session: None
cache = tlsresume.SessionCache()
cache.put("a", 443, b"session", 300, b"f" * 32)
other = tlsresume.SessionCache()
n = snapshot.load(other, snapshot.dump(cache), 10)
result(n=n, there=other.get("a", 443, b"f" * 32).decode())
""")
    assert got == {"n": 1, "there": "session"}


def test_a_context_has_a_fingerprint_of_its_configuration(run):
    got = run("""
import tls
a, b = (tlsresume.SSLContext(tls.PROTOCOL_TLS_CLIENT) for _ in range(2))
same = a.fingerprint() == b.fingerprint()
b.verify_mode = tls.CERT_NONE
result(same=same, differs=a.fingerprint() != b.fingerprint(), length=len(a.fingerprint()))
""")
    assert got == {"same": True, "differs": True, "length": 32}


# A stream whose bytes the host carries to a server, and back.
CARRIED = """
import io, tls
class Carried(io.IOBase):
    def __init__(self):
        self.received = self.sent = b""
    def readinto(self, buf):
        part = self.received[: len(buf)]
        self.received = self.received[len(part) :]
        buf[: len(part)] = part
        return len(part) or None
    def write(self, data):
        self.sent += bytes(data)
        return len(data)
    def ioctl(self, request, arg):
        return arg if request == 3 else 0  # it is always ready
def connect():
    global line, s, asked
    line, asked = Carried(), False
    s = ctx.wrap_socket(
        line, server_hostname="localhost", server_port=443, do_handshake_on_connect=False
    )
def carry(received):
    "The bytes for the server, what it has answered, and whether it resumed."
    global asked
    line.received += bytes.fromhex(received)
    asked = asked or s.write(b"hello\\n") == 6
    answer = asked and s.read(6) or b""
    sent, line.sent = line.sent, b""
    result(sent=sent.hex(), answer=answer.decode(), reused=s.session_reused)
"""


@pytest.fixture
def context(certs):
    """The server's."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{certs.server}.pem", f"{certs.server}.key")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


def converse(board, context):
    """One connection; what the board and the server say of its resumption."""
    received, sent = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = context.wrap_bio(received, sent, server_side=True)
    board.execute("connect()")
    for _ in range(8):
        got = board.run(f"carry('{sent.read().hex()}')")
        if got["answer"] == "hello\n":
            got |= board.run("s.close()\nresult(sent=line.sent.hex())")
            received.write(bytes.fromhex(got["sent"]))
            server.unwrap()  # without a close_notify OpenSSL forgets the session
            return got["reused"], server.session_reused
        received.write(bytes.fromhex(got["sent"]))
        try:
            server.write(server.read(6))
        except ssl.SSLWantReadError:
            pass
    raise AssertionError("no answer")


@pytest.mark.parametrize("options", (0, ssl.OP_NO_TICKET), ids=("tickets", "ids"))
def test_it_resumes_over_any_stream(board, certs, context, options):
    context.options |= options
    board.execute(CARRIED)
    board.execute(
        "ctx = tlsresume.SSLContext(tls.PROTOCOL_TLS_CLIENT)\nctx.load_verify_locations(CA)",
        CA=certs.ca.der,
    )
    said = [converse(board, context) for _ in range(3)]
    assert said == [(False, False), (True, True), (True, True)]
