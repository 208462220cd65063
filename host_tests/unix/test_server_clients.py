"""Clients that prove themselves, and those who would rather not."""

import base64
import datetime
import ssl
import subprocess
import time

import pytest
from board_server import Client

KEY = "ticket_key=bytes(range(32))"

DEMAND = """
ctx.load_verify_locations(CLIENT_CA)
ctx.verify_mode = tls.CERT_REQUIRED
def serve(c):
    s = ctx.wrap_socket(c, server_side=True)
    line = s.readline()
    seen.append([s.session_reused, list(s.getpeercert(True))])
    s.write(line)
    s.close()
"""


@pytest.fixture(params=("1.2", "1.3"))
def version(request):
    return request.param


@pytest.fixture
def strict(board_server, certs):
    """A server that demands a certificate, and tells who came."""
    return board_server(KEY, program=f"CLIENT_CA = {certs.ca.der!r}\n{DEMAND}")


def test_a_client_that_was_verified_resumes_and_is_known_by_its_certificate(
    strict, certs, version
):
    a = Client(version, certs.ca.pem, certs.a)
    b = Client(version, certs.ca.pem, certs.b)
    for client in (a, b, a, b, a, b):
        client.connect(strict.port)
    ders = [list(c.with_suffix(".der").read_bytes()) for c in (certs.a, certs.b)]
    assert strict.ask("seen") == [[n > 1, ders[n % 2]] for n in range(6)]


# In TLS 1.3 Mbed TLS sends the alert with keys that the client has done with, and it is not read.
def test_a_client_without_a_certificate_is_told_by_an_alert(strict, certs):
    with pytest.raises(ssl.SSLError, match="ALERT_HANDSHAKE_FAILURE"):
        Client("1.2", certs.ca.pem).connect(strict.port)


def test_a_client_is_not_resumed_after_its_certificate_has_expired(strict, certs, version):
    soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=4)
    client = Client(version, certs.ca.pem, certs.ca.issue("client-soon", until=soon))
    client.connect(strict.port)
    assert client.connect(strict.port)
    deadline = time.monotonic() + 30
    with pytest.raises(OSError):  # a full handshake, that checks the certificate
        while time.monotonic() < deadline:
            client.connect(strict.port)
    stats = strict.stats()
    # What is refused is no good accept, and its ticket not among the declined.
    assert stats["hits"] == stats["accept_good"] - 1


def test_without_the_extended_master_secret_there_is_no_ticket(board_server, certs):
    s = board_server(KEY)
    client = Client("1.2", certs.ca.pem)
    client.context.options |= 1  # SSL_OP_NO_EXTENDED_MASTER_SECRET
    assert [client.connect(s.port) for _ in range(2)] == [False, False]
    assert not client.session.has_ticket


def test_a_client_that_has_dropped_the_extended_master_secret_is_refused(board_server, certs):
    # RFC 7627 5.3: the server MUST abort.
    s = board_server(KEY)
    client = Client("1.2", certs.ca.pem)
    client.connect(s.port)
    client.context.options |= 1
    with pytest.raises(OSError):
        client.connect(s.port)
    client.session = None
    assert not client.connect(s.port)


def test_a_ticket_of_tls13_opens_nothing_in_tls12(board_server, certs, tmp_path):
    # Whoever has seen it pass in a ClientHello could offer it with a master secret of zeros, which
    # is what Mbed TLS has in place of one.
    s = board_server(KEY)
    stolen = session(s.port, "1_3", tmp_path / "1.3")
    forged = session(s.port, "1_2", tmp_path / "1.2")
    (ticket,) = (element for tag, element in stolen if tag == 0xAA)
    master = next(i for i, (tag, element) in enumerate(forged) if tag == 4 and len(element) == 48)
    forged[master] = 4, bytes(48)
    forged = [(tag, ticket if tag == 0xAA else element) for tag, element in forged]
    write_pem(tmp_path / "forged", forged)
    before = s.stats()
    said = s_client(s.port, "1_2", "-sess_in", tmp_path / "forged")
    assert "Reused" not in said and "hello" not in said.splitlines()
    assert s.stats()["hits"] == before["hits"]
    assert s.stats()["accept_good"] == before["accept_good"]


def s_client(port, version, *options):
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-tls" + version]
    command += ["-ign_eof", *map(str, options)]
    done = subprocess.run(command, input="hello\n", capture_output=True, text=True, timeout=60)
    return done.stdout


def session(port, version, path):
    """The elements of OpenSSL's SSL_SESSION of a new connection, as (tag, content)."""
    s_client(port, version, "-sess_out", path)
    der = base64.b64decode("".join(path.read_text().splitlines()[1:-1]))
    ((_, inner),) = elements(der)
    return list(elements(inner))


def write_pem(path, inner):
    der = element(0x30, b"".join(element(tag, content) for tag, content in inner))
    text = base64.encodebytes(der).decode()
    label = "SSL SESSION PARAMETERS-----\n"
    path.write_text(f"-----BEGIN {label}{text}-----END {label}")


def elements(der):
    while der:
        tag, length, at = der[0], der[1], 2
        if length & 0x80:
            at += length & 0x7F
            length = int.from_bytes(der[2:at], "big")
        yield tag, der[at : at + length]
        der = der[at + length :]


def element(tag, content):
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    n = (length.bit_length() + 7) // 8
    return bytes([tag, 0x80 | n]) + length.to_bytes(n, "big") + content
