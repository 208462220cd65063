"""Firmware whose allocations fail on demand, see modules/faults."""

from pathlib import Path

import pytest

MODULES = f"USER_C_MODULES={Path(__file__).parent / 'modules'}"


@pytest.fixture(scope="session")
def faulty():
    """The Path of a unix port with the `faults` module."""
    from build import build

    return build("UNIX", MODULES, name="UNIX_FAULTS")


@pytest.fixture(scope="module")
def faulty_board(certs):
    """An emulated board with the `faults` module, on the network."""
    from build import build

    yield from _emulated(build("QEMU_MPS2", MODULES, name="QEMU_MPS2_FAULTS"), certs)


@pytest.fixture(scope="module")
def plain_board(certs):
    """The emulated board as it is, on the network."""
    from build import build

    yield from _emulated(build("QEMU_MPS2"), certs)


def _emulated(firmware, certs):
    from board_under_test import BoardUnderTest
    from emulator import Emulator

    with Emulator(firmware) as emulator, BoardUnderTest(emulator.port) as board:
        board.prepare(emulator, None, None, certs.ca.der)
        board.restart()
        yield board


@pytest.fixture
def reachable(certs, starter):
    """Start TLSServers that the emulated board reaches."""
    from tls_server import TLSServer

    yield from starter(lambda **kwargs: TLSServer(certs.server, address="0.0.0.0", **kwargs))
