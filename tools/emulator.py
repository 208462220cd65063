"""The emulated boards: QEMU with a board's serial line on a PTY.

As a command it prints the PTY's path, and runs until Ctrl-C.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import esp32
from command import Missing, ToolError, find, run, start

REAL = "A board that is plugged in wants PORT=/dev/ttyX"
ESPRESSIFS = (
    "python $IDF_PATH/tools/idf_tools.py install qemu-riscv32 qemu-xtensa, then:"
    f" . $IDF_PATH/export.sh. {REAL}"
)


class Machine(NamedTuple):
    """What of QEMU's runs a board. `gaps`: what it does not do as the board does, by name."""

    program: str
    install: str  # how to get the program
    options: tuple
    shift: int  # -icount: an instruction takes 2 ** shift ns
    memory: tuple = ()  # (start, size) of what holds a program's data, and survives a reset
    gaps: frozenset = frozenset()


def _esp32(name, program, memory):
    """One of Espressif's. Its watchdogs go by the host's clock: a busy host would reset it."""
    watchdogs = f"driver=timer.{name}.timg,property=wdt_disable,value=true"
    options = ("-nic", "user,model=open_eth", "-global", watchdogs)
    # Deep sleep does not end by its timer; the Ethernet falls silent after some tens of
    # connections, with upstream's programs, too.
    gaps = frozenset({"wake-up", "ethernet"})
    return Machine(program, ESPRESSIFS, options, 3, memory, gaps)


RETAINED = (0x50000000, 0x2000)
MACHINES = {
    "mps2-an385": Machine(
        "qemu-system-arm",
        "sudo apt-get install qemu-system-arm",
        ("-semihosting", "-nic", "user,model=lan9118"),
        4,
        ((0, 4 << 20), (0x21000000, 4096)),
    ),
    "virt": Machine(
        "qemu-system-riscv32",
        "sudo apt-get install qemu-system-misc",
        ("-semihosting", "-bios", "none"),
        4,
    ),
    "esp32": _esp32("esp32", "qemu-system-xtensa", ((0x3FFAE000, 0x52000), RETAINED)),
    "esp32c3": _esp32("esp32c3", "qemu-system-riscv32", ((0x3FC80000, 0x60000), RETAINED)),
}
BOARDS = {"QEMU_MPS2": "mps2-an385", "ESP32_GENERIC": "esp32", "ESP32_GENERIC_C3": "esp32c3"}


class Emulator:
    """A running board; `port` is the path of its serial line.

    `firmware` is the Path of an ELF file, or of an ESP32's image, for a `machine` of MACHINES.
    `icount` counts instructions instead of time: the board's clock then moves as many ns an
    instruction as the machine says, whatever the host does. `options` are more of QEMU's.
    `forward`: a port of this host, and the port of the board that is reached there. QEMU ends with
    the context, and with this process, however that ends. Raises ToolError.
    """

    def __init__(self, firmware, icount=False, machine="mps2-an385", options=(), forward=None):
        self.machine = MACHINES[machine]
        _check(machine)
        self._flash = tempfile.NamedTemporaryFile(prefix="tlsresume-", suffix=".flash")
        self._firmware = firmware
        self._command = [self.machine.program, "-machine", machine, "-nographic"]
        self._command += ["-monitor", "null", "-serial", "pty", *self.machine.options, *options]
        if forward:
            here, there = forward
            nic = self._command.index("-nic") + 1
            self._command[nic] += f",hostfwd=tcp:127.0.0.1:{here}-:{there}"
        if icount:
            self._command += ["-icount", f"shift={self.machine.shift},sleep=on"]
        if machine.startswith("esp32"):
            self._command += ["-drive", f"file={self._flash.name},if=mtd,format=raw"]
        else:
            self._command += ["-kernel", firmware]
        self._start()

    def restart(self):
        """Switch the board off and on: its memory is lost, its flash as new. `port` is another."""
        self._stop()
        self._start()

    def _start(self):
        if "-drive" in self._command:
            _write_flash(self._firmware, self._flash.name)
        package = self.machine.install.rpartition(" ")[2]
        self._process = start(package, self._command, stdout=subprocess.PIPE)
        said = b""
        for line in self._process.stdout:
            said += line
            found = re.search(rb"redirected to (\S+)", line)
            if found:
                self.port = found[1].decode()
                return
        raise ToolError(f"{self.machine.program} does not start: {said.decode().strip()}")

    def _stop(self):
        self._process.kill()
        self._process.communicate()

    def wait(self):
        """Until QEMU ends."""
        self._process.wait()

    def close(self):
        self._stop()
        self._flash.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


def build(board, variant=None):
    """Build what the emulator runs of a board: for an ESP32 its variant QEMU. Returns the Path.

    Raises ToolError: BuildError and its like, and for a board that none emulates.
    """
    from build import build as build_board

    if board not in BOARDS:
        raise ToolError(f"{board} is not emulated: {', '.join(BOARDS)} are. {REAL}")
    _check(BOARDS[board])
    parts = [*(["QEMU"] if board.startswith("ESP32") else []), *([variant] if variant else [])]
    return build_board(board, *([f"BOARD_VARIANT={'-'.join(parts)}"] if parts else []))


def emulate(board, variant=None, **options):
    """An Emulator that runs `board`, which is built. Raises ToolError."""
    return Emulator(build(board, variant), machine=BOARDS[board], **options)


def _check(machine):
    """Raises Missing where QEMU, or this one of its machines, is not there: Debian's has not
    Espressif's."""
    program, install = MACHINES[machine].program, MACHINES[machine].install
    try:
        known = subprocess.run([find("", program), "-machine", "help"], capture_output=True)
    except Missing:
        raise Missing(f"{program} is missing: {install}") from None
    if f"\n{machine} ".encode() not in known.stdout:
        raise Missing(f"{program} here has no machine {machine}: {install}")


def _write_flash(image, flash):
    """Write the whole flash, 4 MiB, with `image` in its place, by esptool."""
    chip, offset = esp32.layout(Path(image))
    esptool = [sys.executable, "-m", "esptool", "--chip", chip, "merge-bin", "--output", flash]
    command = [*esptool, "--pad-to-size", "4MB", offset, str(image)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise ToolError(f"esptool makes no flash image of {image}: {done.stdout[-300:].strip()}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("board", metavar="BOARD", nargs="?", default="QEMU_MPS2")
    parser.add_argument("--icount", action="store_true", help="count instructions, not time")
    parser.add_argument("--variant", help="such as TLS13")
    parser.add_argument("--build", action="store_true", help="only build what it runs")
    args = parser.parse_args()
    if args.build:
        build(args.board, args.variant)
        return
    with emulate(args.board, args.variant, icount=args.icount) as emulator:
        print(f"{emulator.port}: mpremote connect {emulator.port}", flush=True)
        emulator.wait()


if __name__ == "__main__":
    run(main)
