"""SSLContext has the API of MicroPython's own, and harms nothing."""

import pytest
from ports import free_port


def test_it_has_every_name_of_the_native_context(run):
    got = run(
        """
native = dir(tls.SSLContext(tls.PROTOCOL_TLS_CLIENT))
ours = tlsresume.SSLContext(tls.PROTOCOL_TLS_CLIENT)
names = [n for n in native if not n.startswith("_")] + ["verify_mode", "verify_callback"]
result(missing=[n for n in names if not hasattr(ours, n)])
"""
    )
    assert got == {"missing": []}


def test_certificates_are_taken_as_path_pem_and_der(run, server, certs):
    s = server(version="1.2", client_ca=certs.ca.pem)
    a = certs.a
    got = run(
        """
def talk(ca, cert, key, **kwargs):
    ctx = tlsresume.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    ctx.load_verify_locations(ca, **kwargs)
    ctx.load_cert_chain(cert, key)
    once(ctx, PORT)
    return True
def read(path):
    with open(path, "rb") as f:
        return f.read()
def text(path):
    with open(path) as f:
        return f.read()
result(ok=[
    talk(PEM, A + ".pem", A + ".key"),
    talk(read(PEM), read(A + ".pem"), read(A + ".key")),
    talk(text(PEM), text(A + ".pem"), text(A + ".key")),
    talk(CA, read(A + ".der"), read(A + ".key.der")),
    talk(None, A + ".der", A + ".key.der", cadata=CA),
])
""",
        PORT=s.port,
        PEM=certs.ca.pem,
        A=str(a),
    )
    assert got["ok"] == [True] * 5
    assert [one["client"] for one in s.wait(5)] == ["client-a"] * 5


def test_the_server_side_is_passed_through(run, certs):
    got = run(
        """
import asyncio
server_ctx = tlsresume.SSLContext(tls.PROTOCOL_TLS_SERVER)
server_ctx.load_cert_chain(CERT + ".pem", CERT + ".key")
async def serve(reader, writer):
    writer.write(await reader.readline())
    await writer.drain()
    writer.close()
    await writer.wait_closed()
async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", PORT, ssl=server_ctx)
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", PORT, ssl=client(), server_hostname="localhost")
    writer.write(b"hello\\n")
    await writer.drain()
    got = await reader.readline()
    writer.close()
    server.close()
    return got == b"hello\\n"
result(ok=asyncio.run(main()))
""",
        CERT=str(certs.server),
        PORT=free_port(),
    )
    assert got["ok"]


def test_wrong_certificates_and_ciphers_are_refused_and_change_nothing(run, certs):
    got = run(
        """
ctx = client()
before = ctx.fingerprint()
errors = []
for attempt in (
    lambda: ctx.load_verify_locations(b"garbage"),
    lambda: ctx.load_verify_locations("/no/such/file"),
    lambda: ctx.load_cert_chain(b"garbage", b"garbage"),
    lambda: ctx.set_ciphers(["NO-SUCH-CIPHER"]),
):
    try:
        attempt()
    except (ValueError, OSError) as e:
        errors.append(type(e).__name__)
result(errors=errors, same=ctx.fingerprint() == before)
"""
    )
    assert got == {"errors": ["ValueError", "OSError", "ValueError", "OSError"], "same": True}


def test_a_stream_that_is_no_socket_connects_and_resumes(run, server):
    s = server(version="1.2")
    got = run(
        """
import io
class Stream(io.IOBase):
    def __init__(self):
        self.sock = socket.socket()
        self.sock.connect(socket.getaddrinfo("127.0.0.1", PORT)[0][-1])
    def write(self, data):
        return self.sock.write(data)
    def readinto(self, buf):
        return self.sock.readinto(buf)
    def ioctl(self, request, arg):
        if request == 4:
            self.sock.close()
        return 0
ctx = client()
def talk():
    s = ctx.wrap_socket(Stream(), server_hostname="localhost", server_port=PORT)
    echo(s)
    reused = s.session_reused
    s.close()
    return reused
result(reused=[talk(), talk()], tags=list(ctx.sessions))
""",
        PORT=s.port,
    )
    assert got["reused"] == s.reused(2) == [False, True]
    assert got["tags"] == [f"default.localhost.{s.port}"]


def test_large_transfers_are_whole(run, server):
    s = server(version="1.2")
    got = run(
        """
ctx = client()
ok = []
for _ in range(2):
    s = connect(ctx, PORT)
    line = b"x" * 9999 + b"\\n"
    for _ in range(20):
        s.write(line)
        ok.append(s.read(10000) == line)
    s.close()
result(ok=all(ok), n=len(ok))
""",
        PORT=s.port,
    )
    assert got == {"ok": True, "n": 40}


@pytest.mark.parametrize(
    "fileno", ("raise ValueError", "raise NotImplementedError", "return None")
)
def test_a_stream_whose_fileno_is_of_no_use_connects(run, server, fileno):
    s = server(version="1.2")
    got = run(
        f"""
import io
class Stream(io.IOBase):
    def __init__(self, s):
        self.s = s
        self.write = s.write
        self.readinto = s.readinto
    def fileno(self):
        {fileno}
    def ioctl(self, request, arg):
        return 0
def talk(ctx):
    s = socket.socket()
    s.connect(socket.getaddrinfo(HOST, PORT)[0][-1])
    s = ctx.wrap_socket(Stream(s), server_hostname="localhost")
    echo(s)
    r = s.session_reused
    s.close()
    return r
ctx = client()
result(r=[talk(ctx), talk(ctx)])
""",
        PORT=s.port,
    )
    assert got["r"] == [False, True]
