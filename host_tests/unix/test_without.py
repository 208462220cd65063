"""A firmware without the C module: everything connects, nothing resumes, and it says so."""

import subprocess

import pytest
from prelude import PRELUDE


@pytest.fixture(scope="session")
def plain():
    """The Path of a unix port that has the package alone."""
    from build import build

    return build("UNIX", "USER_C_MODULES=", name="UNIX_PLAIN")


def test_everything_connects_with_one_warning(plain, server, certs):
    s = server(version="1.2")
    given = f"HOST, PORT, CA = '127.0.0.1', {s.port}, {certs.ca.der!r}\n"
    script = """
def talk(ctx):
    s = connect(ctx, PORT)
    assert echo(s) == b"hello\\n"
    s.close()
assert tlsresume.available is False
ctx = client()
talk(ctx)
talk(ctx)
talk(client(sessions=tlsresume.SessionCache(), storage=object()))
assert len(ctx.sessions) == 0 and ctx.save() is False
assert tlsresume.poll() is None
tlsresume.use_timer(None)
tlsresume.install()
import ssl
ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
tlsresume.uninstall()
stats = ctx.session_stats()
assert stats["connect"] == stats["hits"] == 0
"""
    done = subprocess.run(
        [str(plain), "-c", given + PRELUDE + script], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("no _tlsresume module") == 1
    assert s.reused(3) == [False] * 3


def test_the_report_says_so_each_time(plain):
    script = "import tls, tlsresume\n"
    script += "ctx = tlsresume.SSLContext(tls.PROTOCOL_TLS_CLIENT)\nprint('REPORTS')\n"
    script += "tlsresume.report()\ntlsresume.report(ctx)"
    done = subprocess.run([str(plain), "-c", script], capture_output=True, text=True, check=True)
    reports = done.stdout.partition("REPORTS\n")[2].splitlines()
    assert len(reports) == 2 and all("no _tlsresume module" in line for line in reports)
