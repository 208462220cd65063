"""report() and session_stats(): why is it not resuming?"""

import re
import subprocess

import documents
import pytest
from board_server import Client
from prelude import PRELUDE


@pytest.fixture
def report(micropython, certs):
    """Run a script on the unix port, and `tlsresume.report(of)`; returns what that has printed."""

    def report(script="", of="ctx", port=None, firmware=micropython):
        given = f"HOST, PORT, CA = '127.0.0.1', {port}, {certs.ca.der!r}\n"
        script = f"{given}{PRELUDE}{script}\nprint('REPORT')\ntlsresume.report({of})"
        done = subprocess.run(
            [str(firmware), "-c", script], capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.partition("REPORT\n")[2]

    return report


ONCE = """
ctx = client(sessions=tlsresume.SessionCache("mqtt", timeout=1))
once(ctx, PORT)
"""


@pytest.mark.parametrize(
    "step, why",
    (
        ("", "there was no session"),
        ("ctx.verify_mode = tls.CERT_NONE\nonce(ctx, PORT)", "another security configuration"),
        ("tlsresume.poll()\ntime.sleep(2)\nonce(ctx, PORT)", "had expired"),
    ),
)
def test_a_miss_is_explained(report, server, step, why):
    s = server(version="1.2")
    said = report(ONCE + step, port=s.port)
    assert said.startswith("cache mqtt: 1 of 10 entries" if step == "" else "cache mqtt: ")
    assert f"  localhost:{s.port}, configuration 1, session 1: " in said and why in said


def test_without_a_cache_it_says_what_to_do(report):
    said = report(of="")
    assert said.startswith("tlsresume 0.") and "tlsresume.install()" in said


def test_upstreams_own_context_is_told_to_be_that(report):
    for step in "", "tlsresume.install()\n":
        said = report("ctx = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)\n" + step)
        assert "'SSLContext'> does not resume" in said and "tlsresume.install()" in said


def test_a_cache_that_is_off_is_told_to_be_off(report, server):
    s = server()
    assert report("ctx = client(sessions=False)\nonce(ctx, PORT)", port=s.port) == (
        "the cache is off: the context was made with sessions=False, and nothing resumes\n"
    )


def test_failed_handshakes_are_told_with_what_they_failed(report, server):
    s = server()
    script = """
ctx = client()
for _ in range(2):
    try:
        connect(ctx, PORT, "another.example")
    except ValueError:
        pass
"""
    said = report(script, port=s.port)
    assert "\n2 handshakes or connections failed\n" in said
    assert "the last handshake that failed: ValueError(" in said
    assert "The certificate Common Name (CN) does not match" in said
    assert "look-up" not in said, "of course there was no session"


def test_a_server_that_gives_no_session_is_told_to_be_one(report, openssl):
    s = openssl("-rev", "-tls1_2", "-no_ticket", "-no_cache")
    script = """
ctx = client()
for _ in range(2):
    s = connect(ctx, PORT)
    echo(s)
    s.close()
"""
    assert "\n2 handshakes, and the servers gave no session" in report(script, port=s.port)


def test_a_connection_that_is_open_is_told_to_be_open(report, server):
    s = server(version="1.2")
    said = report("ctx = client()\ns = connect(ctx, PORT)", port=s.port)
    assert "\n1 handshakes, and no session yet" in said and "poll() is called" in said


def test_tickets_and_configurations_are_told_apart(report, server):
    s = server(version="1.3")
    script = """
cache = tlsresume.SessionCache()
for mode in tls.CERT_REQUIRED, tls.CERT_NONE:
    ctx = client(sessions=cache)
    ctx.verify_mode = mode
    both = [connect(ctx, PORT), connect(ctx, PORT)]
    for s in both:
        echo(s)
    for s in both:
        s.close()
"""
    # OpenSSL gives two tickets a handshake.
    lines = [line.split(":") for line in report(script, port=s.port).splitlines() if "old" in line]
    assert [(line[0].strip(), line[1].partition(", ")[2]) for line in lines] == [
        ("localhost", f"configuration {c}, ticket {n}") for c in (1, 2) for n in (1, 2, 3, 4)
    ]


def test_an_address_is_readable(report):
    script = """
cache = tlsresume.SessionCache()
cache.put("IP.7f000001", 443, b"session")
cache.put("IP.20010db8000000000000000000000001", 443, b"session")
"""
    said = report(script, of="cache")
    assert "  127.0.0.1:443, " in said
    assert "  [2001:0db8:0000:0000:0000:0000:0000:0001]:443, " in said


def test_a_server_that_refuses_is_told_to_refuse(report, hostile):
    script = """
cache = tlsresume.SessionCache()
for _ in range(STEPS):
    cache.refuse("localhost", 443)
    cache.accept("localhost", 443, offered=False)
cache.refuse("localhost", 443, lost=STEPS == 0)
STEPS == 2 and cache.accept("localhost", 443, offered=False)
"""
    for steps, what in (
        (0, "have failed: made again"),
        (1, "have failed: none is made until a connection without one succeeds, and for 300 s"),
        (2, "have failed: none is made for 3600 s"),
    ):
        said = report(f"STEPS = {steps}" + script, of="cache")
        assert "  localhost:443, configuration 1, offers " + what in said


def test_the_statistics_are_in_order_and_in_the_documents_table(run):
    section = (documents.ROOT / "lib/README.md").read_text().split("\n## Statistics\n")[1]
    rows = re.findall(r"^\| (`.*`) \|", section.partition("\n## ")[0], re.M)
    documented = re.findall(r"`(\w+)`", "".join(rows))
    got = run("""
contexts = client(), tlsresume.SSLContext(tls.PROTOCOL_TLS_SERVER)
result(names=[list(ctx.session_stats()) for ctx in contexts])
""")
    assert all(names == sorted(names) for names in got["names"])
    assert {name for names in got["names"] for name in names} == set(documented)
    assert len(documented) == len(set(documented))


def test_a_server_tells_what_became_of_its_tickets(board_server, certs):
    s = board_server("ticket_lifetime=3600")
    client = Client("1.2", certs.ca.pem)
    assert [client.connect(s.port) for _ in range(2)] == [False, True]
    s.ask("ctx.set_ticket_key((bytes(32), bytes(32)))")
    assert not client.connect(s.port)
    s.ask("tlsresume.report(ctx)")
    said = s.close().splitlines()
    assert said[0] == (
        "server: 3 connections began, 3 went through: 1 resumed, 1 brought no ticket,"
        " 1 brought one that was declined"
    )
    assert len(said) == 2 and "  declined: 1 of another key or configuration" in said[1]


def test_a_server_without_tickets_says_that_they_are_off(board_server):
    s = board_server("sessions=False")
    s.ask("tlsresume.report(ctx)")
    assert "sessions=False" in s.close()
