"""The board under test: an emulated one, or with --port the real one that is plugged in."""

from contextlib import contextmanager

import pytest
from board import BoardError
from board_under_test import (  # noqa: F401  hooks
    BoardUnderTest,
    pytest_pyfunc_call,
    pytest_terminal_summary,
)
from command import Missing
from emulator import emulate
from openssl_server import OpenSSLServer
from tls_server import TLSServer

ANYWHERE = "0.0.0.0"


@pytest.fixture(scope="session")
def emulated(pytestconfig, certs):
    """Start the emulated board: `emulated(variant=None, **options)`, a context that yields a
    BoardUnderTest."""

    @contextmanager
    def emulated(variant=None, **options):
        name = pytestconfig.getoption("--board")
        with (
            emulate(name, variant, **options) as emulator,
            BoardUnderTest(emulator.port) as board,
        ):
            board.prepare(emulator, None, None, certs.ca.der)
            yield board

    return emulated


@contextmanager
def _real(port, config, ca):
    wifi = [config.getoption(f"--wifi-{what}") for what in ("name", "password")]
    if not wifi[0] or wifi[1] is None:
        pytest.exit(
            "a real board wants --wifi-name and --wifi-password, or WIFI_NAME and WIFI_PASSWORD in"
            " the environment, with an empty password if the Wi-Fi is open",
            2,
        )
    with BoardUnderTest(port) as board:
        board.prepare(None, wifi, config.getoption("--host"), ca)
        yield board


@pytest.fixture(scope="module")
def the_board(emulated, certs, pytestconfig):
    """Each file has an emulated board of its own."""
    port = pytestconfig.getoption("--port")
    try:
        with _real(port, pytestconfig, certs.ca.der) if port else emulated() as board:
            board.check()
            yield board
    except (BoardError, Missing) as e:
        pytest.exit(str(e), 2)


@pytest.fixture
def board(the_board):
    """The board after a soft reset, on the network."""
    the_board.restart()
    return the_board


@pytest.fixture
def server(certs, starter):
    """Start TLSServers that the board reaches."""
    yield from starter(
        lambda **kwargs: TLSServer(
            kwargs.pop("certificate", certs.server), address=ANYWHERE, **kwargs
        )
    )


@pytest.fixture
def openssl(certs, starter):
    """Start `openssl s_server`s that the board reaches."""
    yield from starter(lambda *args: OpenSSLServer(certs.server, *args, address=ANYWHERE))


def pytest_report_header(config):
    return f"board: {config.getoption('--port') or config.getoption('--board') + ', emulated'}"
