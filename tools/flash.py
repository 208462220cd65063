"""Put a board's firmware onto it, and see that it answers."""

import argparse
import subprocess
import sys
import time

from board import Board, BoardError, check_line
from command import run
from esp32 import ANY, boards, layout
from progress import console
from sources import micropython

from build import build


def command(port, image):
    """esptool's command line (a list) to write `image`, which was built."""
    chip, offset = layout(image)
    esptool = [sys.executable, "-m", "esptool", "--chip", chip, "--port", port, "--baud", "460800"]
    return [*esptool, "write-flash", "--compress", offset, str(image)]


def flash(board, port, *arguments):
    """Build, write, check. Raises ToolError."""
    if not board:
        raise BoardError(f"name the board: BOARD=..., {ANY}")
    if not port:
        raise BoardError("name the serial port of the board: PORT=/dev/ttyUSB0, or the like")
    if board not in (known := boards(micropython())):
        raise BoardError(f"{board} is no ESP32 board: BOARD=..., of {', '.join(known)}")
    check_line(port)
    image = build(board, *arguments)
    if subprocess.run(command(port, image)).returncode:
        raise BoardError(
            f"{port}: esptool could not write to the {layout(image)[0]} there, see above;"
            " hold the board's BOOT button while it connects"
        )
    with _restarted(port) as there:
        console.print(f"{port}: {there.check()}, tlsresume is available", soft_wrap=True)


def _restarted(port):
    """The Board after its reset: a serial line in the chip itself goes away, and comes back."""
    end = time.monotonic() + 15
    while True:
        try:
            return Board(port)
        except BoardError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("board", metavar="BOARD", nargs="?")
    parser.add_argument("--port", help="the serial port, such as /dev/ttyUSB0")
    parser.add_argument("arguments", nargs="*", help="for make, such as BOARD_VARIANT=TLS13")
    args = parser.parse_args()
    flash(args.board, args.port, *args.arguments)


if __name__ == "__main__":
    run(main)
