"""Fixtures: certificates, real servers, and the MicroPython that was built."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "lib"), str(ROOT / "host_tests")]

import checked  # noqa: E402
import micropython_shim  # noqa: E402, F401  what CPython lacks for lib/tlsresume
from board_server import BoardServer  # noqa: E402
from certificates import Authority  # noqa: E402
from client_hello import RecordingProxy  # noqa: E402
from hostile_server import HostileServer  # noqa: E402
from openssl_server import OpenSSLServer  # noqa: E402
from prelude import PRELUDE, WORLD_NAMES  # noqa: E402
from ticket_server import TicketServer  # noqa: E402
from tls_server import TLSServer  # noqa: E402

# In the background of a script Ctrl-C is ignored, in all that is started there: tests press it.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser):
    parser.addoption(
        "--long", action="store_true", help="repeat as often as it takes hours, where a test can"
    )
    parser.addoption(
        "--write-table", action="store_true", help="write host_tests/interop/README.md"
    )
    parser.addoption(
        "--world", action="store_true", help="also the servers of host_tests/interop/rows_world.py"
    )
    parser.addoption(
        "--checked", choices=checked.CHECKERS, help="run the unix port under a checker of memory"
    )
    group = parser.getgroup("board", "a real board on a serial line")
    group.addoption("--board", default="QEMU_MPS2", help="which emulated board; QEMU_MPS2")
    for name, text in (
        ("port", "its serial port; without it an emulated board is tested"),
        ("wifi-name", "its Wi-Fi"),
        ("wifi-password", "the password of its Wi-Fi"),
        ("host", "this host's address as the board sees it; guessed"),
    ):
        variable = name.upper().replace("-", "_")
        group.addoption(
            f"--{name}", default=os.environ.get(variable), help=f"{text} (or {variable})"
        )


def pytest_collection_modifyitems(config, items):
    if config.getoption("--checked"):
        for item in items:
            if marker := item.get_closest_marker("unchecked"):
                reason = marker.kwargs.get("reason", "looks at the plain build")
                item.add_marker(pytest.mark.skip(reason=reason))


class Certificates:
    """Paths without suffix: `server`, `rsa`, `world`, clients `a` and `b`; `ca`, `other_ca`."""

    def __init__(self, folder):
        self.ca = Authority(folder)
        self.server = self.ca.issue("server", server=True)
        self.world = self.ca.issue("world", server=True, names=WORLD_NAMES)
        self.a = self.ca.issue("client-a")
        self.b = self.ca.issue("client-b")
        self.rsa_ca = Authority(folder, "tlsresume test CA RSA", "rsa")
        self.rsa = self.rsa_ca.issue("server", server=True)
        (folder / "other").mkdir()
        self.other_ca = Authority(folder / "other", "another CA")


@pytest.fixture(scope="session")
def certs(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("certs"))


@pytest.fixture
def server(certs):
    """Start TLSServers: `server(version="1.2", ...)`; all are closed at the end."""
    yield from _starter(
        lambda **kwargs: TLSServer(kwargs.pop("certificate", certs.server), **kwargs)
    )


@pytest.fixture
def openssl(certs):
    """Start `openssl s_server`s: `openssl("-tls1_2", ...)`; all are closed at the end."""
    yield from _starter(lambda *args, **kwargs: OpenSSLServer(certs.server, *args, **kwargs))


@pytest.fixture
def tickets(certs):
    """Start TicketServers: `tickets(script, ...)`; all are closed at the end."""
    yield from _starter(lambda *args, **kwargs: TicketServer(certs.server, *args, **kwargs))


@pytest.fixture
def hostile(certs):
    """Start HostileServers: `hostile(lie=...)`; all are closed at the end."""
    yield from _starter(
        lambda **kwargs: HostileServer(kwargs.pop("certificates", [certs.server]), **kwargs)
    )


@pytest.fixture
def record():
    """Start RecordingProxies: `record(port)`; all are closed at the end."""
    yield from _starter(RecordingProxy)


@pytest.fixture
def board_server(micropython, certs):
    """Start BoardServers: `board_server("ticket_key=...", ...)`; all are closed at the end."""
    yield from _starter(
        lambda options="", **kwargs: BoardServer(
            kwargs.pop("firmware", micropython),
            kwargs.pop("certificate", certs.server),
            options,
            **kwargs,
        )
    )


@pytest.fixture(scope="session")
def starter():
    return _starter


def _starter(make):
    started = []

    def start(*args, **kwargs):
        started.append(make(*args, **kwargs))
        return started[-1]

    yield start
    for one in started:
        one.close()


@pytest.fixture(scope="session")
def micropython(request):
    """The Path of the unix port, built if need be; with --checked it runs under a checker."""
    from build import build

    checker = request.config.getoption("--checked")
    return checked.CHECKERS[checker]() if checker else build("UNIX")


@pytest.fixture(scope="session")
def micropython_tls12():
    """The Path of a unix port without TLS 1.3."""
    from build import build

    return build("UNIX", "TLSRESUME_TLS13=0", name="UNIX_TLS12")


@pytest.fixture
def run(micropython, certs):
    """Run a script on the unix port; returns what it gave to `result(...)` as a dict.

    Keyword arguments become globals of the script; so do CA (DER bytes) and what PRELUDE defines.
    """

    def run(script, timeout=60, firmware=micropython, heap="2M", **variables):
        variables = {"HOST": "127.0.0.1", "CA": certs.ca.der, **variables}
        given = "".join(f"{k} = {v!r}\n" for k, v in variables.items())
        done = subprocess.run(
            [str(firmware), "-X", f"heapsize={heap}", "-c", given + PRELUDE + script],
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        lines = [x for x in done.stdout.splitlines() if x.startswith("RESULT ")]
        if done.returncode or not lines:
            pytest.fail(f"exit {done.returncode}\n{done.stdout}\n{done.stderr}")
        return json.loads(lines[-1][len("RESULT ") :])

    return run
