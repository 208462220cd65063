"""The board as a server: who comes back resumes, and both sides say so."""

import re
import subprocess

import pytest
from board_server import Client
from daemons import find

VERSIONS = ("1.2", "1.3")

# A page, on a connection that is closed after it: what curl and browsers want.
HTTP = """
def serve(c):
    s = ctx.wrap_socket(c, server_side=True)
    while s.readline() not in (b"\\r\\n", b""):
        pass
    seen.append(s.session_reused)
    s.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 5\\r\\nConnection: close\\r\\n\\r\\nhello")
    s.close()
"""


@pytest.fixture(params=VERSIONS)
def version(request):
    return request.param


@pytest.fixture
def client(certs, version):
    return Client(version, certs.ca.pem)


def test_every_connection_after_the_first_is_resumed(board_server, client):
    s = board_server()
    told = [client.connect(s.port) for _ in range(5)]
    assert told == s.ask("seen") == [False, True, True, True, True]


def test_the_statistics_count_connections_by_what_became_of_them(board_server, client):
    s = board_server()
    for _ in range(3):
        client.connect(s.port)
    client.session = None
    client.connect(s.port)
    stats = s.stats()
    expected = {"accept": 4, "accept_good": 4, "hits": 2, "full": 2, "declined": 0}
    assert {name: stats[name] for name in expected} == expected
    assert stats["connect"] == 0


def test_a_handshake_that_fails_is_an_accept_and_no_good_one(board_server, certs, version):
    s = board_server()
    stranger = Client(version, certs.other_ca.pem)
    with pytest.raises(OSError):
        stranger.connect(s.port)
    stats = s.stats()
    # In TLS 1.3 the client's alert comes when the server's part of the handshake is not over.
    assert (stats["accept"], stats["accept_good"]) == (1, 0)


@pytest.mark.parametrize("version", ("1.2",))
def test_a_firmware_without_tls13_resumes_alike(board_server, client, micropython_tls12, version):
    s = board_server(firmware=micropython_tls12)
    assert [client.connect(s.port) for _ in range(3)] == [False, True, True]


def test_a_client_of_our_own_resumes_with_it(
    board_server, run, micropython, micropython_tls12, version
):
    s = board_server()
    firmware = {"1.2": micropython_tls12, "1.3": micropython}[version]
    script = "ctx = client(); result(reused=[once(ctx, PORT) for _ in range(5)])"
    got = run(script, PORT=s.port, firmware=firmware)
    assert got["reused"] == s.ask("seen") == [False, True, True, True, True]


def s_client(port, version, *options):
    command = [
        "openssl",
        "s_client",
        "-connect",
        f"127.0.0.1:{port}",
        "-tls" + version.replace(".", "_"),
    ]
    command += ["-ign_eof", *map(str, options)]
    done = subprocess.run(command, input="hello\n", capture_output=True, text=True, timeout=60)
    return done.stdout + done.stderr


def test_openssl_s_client_resumes_from_a_file(board_server, version, tmp_path):
    s = board_server()
    assert "New, TLS" in s_client(s.port, version, "-sess_out", tmp_path / "session")
    assert "Reused, TLS" in s_client(s.port, version, "-sess_in", tmp_path / "session")


def test_openssl_s_client_reconnects_five_times(board_server):
    s = board_server(program="def serve(c): ctx.wrap_socket(c, server_side=True).close()")
    # In TLS 1.3 it asks for a session before the ticket has come.
    said = s_client(s.port, "1.2", "-reconnect")
    assert said.count("New, TLS") == 1 and said.count("Reused, TLS") == 5


@pytest.mark.parametrize(
    "version, reused",
    [("1.2", [False] * 4), ("1.3", [False, True, True, True])],
)
def test_curl_resumes_in_tls13(board_server, certs, version, reused):
    # In TLS 1.2 curl, up to 8.9, asks for no ticket.
    s = board_server(program=HTTP)
    urls = [f"https://localhost:{s.port}/"] * 4
    command = [find("curl", "curl"), "-sS", "--cacert", certs.ca.pem, "--tls-max", version, *urls]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("hello" * 4, "")
    assert s.ask("seen") == reused


def test_gnutls_resumes(board_server, certs, version):
    s = board_server()
    command = [find("gnutls-bin", "gnutls-cli"), "--resume", f"--x509cafile={certs.ca.pem}"]
    command += [f"--priority=NORMAL:-VERS-ALL:+VERS-TLS{version}", "--waitresumption"]
    command += [f"--port={s.port}", "localhost"]
    done = subprocess.run(command, input="hello\n", capture_output=True, text=True, timeout=60)
    assert "This is a resumed session" in done.stdout, done.stdout + done.stderr


NODE = """
const tls = require("tls"), fs = require("fs");
const [port, ca, version] = process.argv.slice(1);
const options = {host: "127.0.0.1", port, ca: fs.readFileSync(ca), servername: "localhost"};
options.minVersion = options.maxVersion = version;
const reused = [];
function next(session) {
    let ticket = session;
    const s = tls.connect({...options, session}, () => {
        reused.push(s.isSessionReused());
        s.write("hello\\n");
    });
    s.on("session", (given) => { ticket = given; });
    s.resume().on("end", () => {
        if (reused.length < 4)
            next(ticket);
        else
            console.log(JSON.stringify(reused));
    });
}
next();
"""


def test_node_resumes(board_server, certs, version):
    s = board_server()
    command = [find("nodejs", "node"), "-e", NODE, str(s.port), certs.ca.pem, "TLSv" + version]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stdout == "[false,true,true,true]\n", done.stdout + done.stderr


def test_off_is_off(board_server, client):
    s = board_server("sessions=False")
    for _ in range(3):
        with client.start(s.port) as sock:
            sock.sendall(b"hello\n")
            assert sock.recv(100) == b"hello\n"
            assert not sock.session_reused
            client.session = sock.session
            assert not (sock.session and sock.session.has_ticket)


INSTALLED = """
tlsresume.install()
import ssl
key, cert = KEY, CERT
def new(**kwargs):
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ctx.load_cert_chain(CERT, KEY)
    return ctx
ctx = new()
"""

WRAPPED = """
tlsresume.install()
import ssl
def serve(c):
    s = ssl.wrap_socket(c, server_side=True, key=KEY, cert=CERT)
    s.write(s.readline())
    s.close()
"""


@pytest.mark.parametrize(
    "program", (INSTALLED, WRAPPED), ids=("a context", "one for each connection")
)
def test_a_program_that_knows_only_ssl_gives_tickets(board_server, client, program):
    s = board_server("sessions=False", program=program)
    assert [client.connect(s.port) for _ in range(4)] == [False, True, True, True]


@pytest.mark.parametrize("number", (0, 1, 2, 5))
def test_after_a_full_handshake_of_tls13_there_are_num_tickets(board_server, number):
    s = board_server(program=f"ctx.num_tickets = {number}")
    said = s_client(s.port, "1.3")
    assert len(re.findall("New Session Ticket arrived", said)) == number


@pytest.mark.parametrize("number", (-1, 256))
def test_a_number_of_tickets_that_cannot_be_is_refused(board_server, number):
    s = board_server()
    assert "ValueError" in s.ask(f"setattr(ctx, 'num_tickets', {number})")


@pytest.mark.parametrize("asked", (1, 600, 86400, 604800, 604801, 10**9))
def test_the_lifetime_is_told_and_clamped(board_server, client, version, asked):
    s = board_server(f"ticket_lifetime={asked}")
    client.connect(s.port)
    ceiling = {"1.2": 86400, "1.3": 604800}[version]  # RFC 5246 F.1.4, RFC 8446 4.6.1
    assert client.session.ticket_lifetime_hint == min(asked, ceiling)


STREAMS = """
import asyncio
async def echo(reader, writer):
    while (line := await reader.readline()):
        writer.write(line)
        await writer.drain()
    writer.close()
    await writer.wait_closed()
async def control(reader, writer):
    line = await reader.readline()
    writer.write(json.dumps(eval(line)) + "\\n")
    await writer.drain()
    writer.close()
async def main():
    await asyncio.start_server(echo, "127.0.0.1", PORT, ssl=ctx)
    await asyncio.start_server(control, "127.0.0.1", CONTROL)
    print("READY")
    while True:
        await asyncio.sleep(60)
asyncio.run(main())
"""


def test_an_asyncio_server_resumes_many_clients_at_once(board_server, certs, version):
    s = board_server(program=STREAMS, heap="16M")
    clients = [Client(version, certs.ca.pem) for _ in range(8)]
    for round in range(3):
        sockets = [c.start(s.port) for c in clients]
        reused = [c.finish(sock) for c, sock in zip(clients, sockets)]
        assert reused == [round > 0] * 8
    stats = s.stats()
    assert (stats["accept_good"], stats["hits"], stats["full"]) == (24, 16, 8)


SLOW = """
def serve(c):
    c.setblocking(False)
    s = ctx.wrap_socket(c, server_side=True, do_handshake_on_connect=False)
    before = s.session_reused, s.session
    line = b""
    while b"\\n" not in line:
        line += s.read() or b""
    seen.append([before, s.session_reused, s.session])
    s.write(line)
    s.close()
    seen[-1].append(s.session_reused)
"""


def test_a_non_blocking_server_tells_when_the_handshake_is_over(board_server, client):
    s = board_server(program=SLOW)
    assert [client.connect(s.port) for _ in range(2)] == [False, True]
    before = [False, None]
    assert s.ask("seen") == [[before, False, None, None], [before, True, None, None]]


def test_the_context_may_be_collected_before_its_sockets(board_server, client):
    program = """
def serve(c):
    global ctx
    s = ctx.wrap_socket(c, server_side=True, do_handshake_on_connect=False)
    ctx = None
    gc.collect()
    litter = [bytes([255]) * 32 * n for n in range(1, 200)]
    line = s.readline()
    seen.append(s.session_reused)
    s.write(line)
    s.close()
    del litter
    ctx = new(ticket_key=bytes(32))
"""
    s = board_server("ticket_key=bytes(32)", program=program)
    assert [client.connect(s.port) for _ in range(4)] == [False, True, True, True]


def test_the_heap_stays_flat(board_server, client):
    s = board_server()
    for _ in range(3):
        client.connect(s.port)
    used = []
    for _ in range(3):
        for _ in range(50):
            client.connect(s.port)
        s.ask("gc.collect()")
        used.append(s.ask("gc.mem_alloc()"))
    assert max(used) - min(used) < 2000  # the list `seen`


@pytest.mark.parametrize("nodelay", (None, False))
def test_install_chooses_nodelay_for_servers_too(board_server, certs, nodelay):
    s = board_server(
        program=f"""
import _tlsresume
tlsresume.install(nodelay={nodelay})
ctx = tls.SSLContext(tls.PROTOCOL_TLS_SERVER)
ctx.load_cert_chain(CERT, KEY)
def serve(c):
    s = ctx.wrap_socket(c, server_side=True)
    seen.append(_tlsresume.nodelay(c.fileno()))
    echo(s)
"""
    )
    Client("1.2", certs.ca.pem).connect(s.port)
    assert s.ask("seen") == [nodelay is None]
