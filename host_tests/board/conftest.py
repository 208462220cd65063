"""The board under test: the emulated one, or with --port the real one that is plugged in."""

import pytest
from board import BoardError
from board_under_test import BoardUnderTest
from openssl_server import OpenSSLServer
from tls_server import TLSServer

ANYWHERE = "0.0.0.0"


@pytest.fixture(scope="session")
def line(pytestconfig):
    """The path of the serial line, and the Wi-Fi's (name, password) or None."""
    port = pytestconfig.getoption("--port")
    if port:
        wifi = [pytestconfig.getoption(f"--wifi-{what}") for what in ("name", "password")]
        if None in wifi:
            pytest.exit(
                "a real board wants --wifi-name and --wifi-password,"
                " or WIFI_NAME and WIFI_PASSWORD in the environment",
                2,
            )
        yield port, wifi
        return
    from emulator import Emulator

    from build import build

    with Emulator(build("QEMU_MPS2")) as emulator:
        yield emulator.port, None


@pytest.fixture(scope="session")
def the_board(line, certs, pytestconfig):
    try:
        with BoardUnderTest(line[0]) as board:
            board.check()
            emulated = not pytestconfig.getoption("--port")
            board.prepare(emulated, line[1], pytestconfig.getoption("--host"), certs.ca.der)
            yield board
    except BoardError as e:
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
    return f"board: {config.getoption('--port') or 'emulated'}"
