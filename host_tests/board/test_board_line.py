"""What a person is told when the board cannot be reached, and what is left behind."""

import os
import select
import subprocess
import sys

import pytest
import serial
from board import Board, BoardError

from build import build

RUN_FOR_EVER = """
import sys, time
from emulator import Emulator
print(Emulator(sys.argv[1])._process.pid, flush=True)
time.sleep(3600)
"""


@pytest.fixture
def silent_port():
    """The path of a serial line whose other end says nothing."""
    ours, theirs = os.openpty()
    yield os.ttyname(theirs)
    os.close(ours)
    os.close(theirs)


def test_a_port_that_is_missing_is_named():
    with pytest.raises(BoardError, match="/dev/ttyNONE is not there"):
        Board("/dev/ttyNONE")


def test_a_port_that_is_busy_is_named(silent_port):
    with (
        serial.Serial(silent_port, exclusive=True),
        pytest.raises(BoardError, match=f"{silent_port} is busy"),
    ):
        Board(silent_port)


def test_a_board_that_is_silent_is_no_micropython(silent_port):
    with pytest.raises(BoardError, match=f"{silent_port}: no MicroPython answers"):
        Board(silent_port)


def test_qemu_ends_when_its_parent_is_killed(pytestconfig):
    command = [sys.executable, "-c", RUN_FOR_EVER, str(build("QEMU_MPS2"))]
    tools = str(pytestconfig.rootpath / "tools")
    parent = subprocess.Popen(command, cwd=tools, stdout=subprocess.PIPE, text=True)
    qemu = os.pidfd_open(int(parent.stdout.readline()))
    parent.kill()
    parent.communicate()
    ended, _, _ = select.select([qemu], [], [], 10)
    assert ended
