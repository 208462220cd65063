"""The board as a server: who comes back to it resumes."""

import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from board_server import Client
from board_under_test import BoardUnderTest
from command import find
from emulator import Emulator
from listener import Listener
from ports import free_port

from build import build

HERE = 4433  # the board's port

SERVE = """
ctx = tlsresume.SSLContext(tls.PROTOCOL_TLS_SERVER, ticket_key=bytes(range(32)))
ctx.load_cert_chain(CERT, KEY)
l = socket.socket()
l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
l.bind(("0.0.0.0", 4433))
l.listen(4)
def ready():
    s = socket.socket()
    s.connect(socket.getaddrinfo(HOST, READY)[0][-1])
    s.close()
def accept():
    return ctx.wrap_socket(l.accept()[0], server_side=True)
def serve():
    s = accept()
    s.write(s.readline())
    reused = s.session_reused
    s.close()
    return reused
"""


@pytest.fixture(scope="module", params=("1.2", "1.3"))
def version(request):
    return request.param


@pytest.fixture(scope="module")
def port():
    return free_port()


@pytest.fixture(scope="module")
def emulated(certs, version, port):
    """An emulated board that is reached from here."""
    variant = {"1.2": (), "1.3": ("BOARD_VARIANT=TLS13",)}[version]
    firmware = build("QEMU_MPS2", *variant)
    with (
        Emulator(firmware, forward=(port, HERE)) as emulator,
        BoardUnderTest(emulator.port) as board,
    ):
        board.prepare(emulator, None, None, certs.ca.der)
        yield board


@pytest.fixture
def serving(emulated, certs):
    """Run a script after SERVE: a context in which the board listens; it gives the result."""

    @contextmanager
    def serving(script, ready="ready()\n"):
        emulated.restart()
        given = {"CERT": certs.server.with_suffix(".der").read_bytes()}
        given["KEY"] = certs.server.with_suffix(".key.der").read_bytes()
        heard = threading.Event()

        def told(sock):
            sock.recv(1)  # MicroPython's connect() fails where the peer closes meanwhile
            sock.close()
            heard.set()

        listener = Listener(told, "0.0.0.0")
        with ThreadPoolExecutor() as pool:
            done = pool.submit(emulated.run, SERVE + ready + script, READY=listener.port, **given)
            assert heard.wait(60)
            listener.close()
            yield done

    return serving


def test_every_connection_after_the_first_is_resumed(serving, certs, version, port):
    client = Client(version, certs.ca.pem)
    with serving("result(reused=[serve() for _ in range(4)], stats=ctx.session_stats())") as done:
        told = [client.connect(port) for _ in range(4)]
    got = done.result()
    assert got["reused"] == told == [False, True, True, True]
    assert (got["stats"]["hits"], got["stats"]["full"]) == (3, 1)


def test_openssl_and_curl_come_back(serving, certs, version, port, tmp_path):
    page = """
def page():
    s = accept()
    while s.readline() not in (b"\\r\\n", b""):
        pass
    reused = s.session_reused
    s.write(b"HTTP/1.0 200 OK\\r\\n\\r\\nhello")
    s.close()
    return reused
result(openssl=[serve(), serve()], curl=[page(), page()])
"""
    with serving(page) as done:
        for option in ("-sess_out", "-sess_in"):
            command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-ign_eof"]
            command += ["-tls" + version.replace(".", "_"), option, tmp_path / "session"]
            subprocess.run(command, input=b"hello\n", capture_output=True, timeout=60, check=True)
        url = f"https://localhost:{port}/"
        trusted = "--cacert", certs.ca.pem
        command = [find("curl", "curl"), "-sS", *trusted, "--tls-max", version, url, url]
        said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert said.stdout == "hellohello"
    # In TLS 1.2 curl, up to 8.9, asks for no ticket.
    assert done.result() == {"openssl": [False, True], "curl": [False, version == "1.3"]}


def test_tickets_outlive_a_reset_with_open_connections(serving, emulated, certs, version, port):
    client = Client(version, certs.ca.pem)
    with serving("serve()\nopen = accept()\nresult(reused=open.session_reused)") as done:
        client.connect(port)
        left = client.start(port)
        assert done.result() == {"reused": True}
    for _ in range(3):
        with serving("result(reused=serve())") as done:
            assert client.connect(port)
        assert done.result() == {"reused": True}
    left.close()


def test_an_asyncio_server_resumes_several_at_once(serving, certs, version, port):
    streams = """
import asyncio
l.close()
async def echo(reader, writer):
    writer.write(await reader.readline())
    await writer.drain()
    writer.close()
    await writer.wait_closed()
async def main():
    server = await asyncio.start_server(echo, "0.0.0.0", 4433, ssl=ctx)
    ready()
    while ctx.session_stats()["accept_good"] < 6:
        await asyncio.sleep_ms(20)
    await asyncio.sleep_ms(200)
asyncio.run(main())
result(hits=ctx.session_stats()["hits"])
"""
    clients = [Client(version, certs.ca.pem) for _ in range(2)]
    with serving(streams, ready="") as done, ThreadPoolExecutor() as pool:
        reused = [list(pool.map(lambda c: c.connect(port), clients)) for _ in range(3)]
    assert reused == [[False, False], [True, True], [True, True]]
    assert done.result() == {"hits": 4}
