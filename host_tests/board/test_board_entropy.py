"""The emulated board's random numbers are the host's, in every release of MicroPython."""

import subprocess

import pytest
from board import Board
from emulator import Emulator

from build import build


@pytest.fixture(scope="module")
def firmware():
    return build("QEMU_MPS2")


def test_no_two_starts_draw_the_same(firmware):
    drawn = []
    for _ in range(2):
        with Emulator(firmware) as emulator, Board(emulator.port) as board:
            drawn.append(board.execute("import os\nprint(os.urandom(16))"))
    assert drawn[0] != drawn[1]


def test_mbedtls_draws_from_the_same(firmware):
    """From 1.28 on upstream's port has a generator of its own, which starts with 0."""
    names = subprocess.check_output(["arm-none-eabi-nm", firmware], text=True)
    assert " mbedtls_hardware_poll" in names and " host_random" in names
    assert "upstream_mp_hal_get_random" not in names
