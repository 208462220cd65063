"""What a person is told when the board cannot be reached."""

import os

import pytest
import serial
from board import Board, BoardError


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


def test_a_port_without_permission_is_told_what_to_do(silent_port):
    os.chmod(silent_port, 0)
    me = os.geteuid()
    if me == 0:
        os.seteuid(65534)  # root may open whatever it likes
    try:
        with pytest.raises(BoardError, match=f"{silent_port}: no permission. sudo usermod"):
            Board(silent_port)
    finally:
        os.seteuid(me)


# Shadows the package, as on a board with other firmware.
OTHERS = "raise ImportError(\"no module named 'tlsresume'\")\n"


def test_a_board_with_other_firmware_is_told_what_to_do(board, tmp_path):
    (tmp_path / "tlsresume.py").write_text(OTHERS)
    board.soft_reset()
    told = f"{board.port}: the firmware there has no tlsresume .*no module.*: make flash BOARD="
    with board.mount(tmp_path), pytest.raises(BoardError, match=told):
        board.check()
