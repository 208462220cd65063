"""Firmware that is built from the outside, as a user of upstream's ports does."""

import subprocess
from pathlib import Path

import pytest
import sources
from emulator import Emulator


@pytest.fixture(scope="session")
def make(micropython):
    """Build a port of upstream's: `make(port, name, *variables)` gives the folder build/`name`.

    `micropython` is asked for since it builds mpy-cross, too.
    """

    def make(port, name, *variables):
        from build import folder

        with sources.BUILDING:
            tree = sources.micropython()
            out = folder(name, tree, port, *variables)
            command = ["make", "-j2", "-C", tree / "ports" / port, f"BUILD={out}", *variables]
            env = sources.environment(tree)
            done = subprocess.run(command, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        return out

    return make


@pytest.fixture(scope="module")
def riscv_line(make):
    """The serial line of a running VIRT_RV32: the instruction set of ESP32-C3 and C6."""
    board = f"BOARD_DIR={Path(__file__).parent / 'VIRT_RV32'}"
    firmware = make("qemu", "VIRT_RV32", "BOARD=VIRT_RV32", board) / "firmware.elf"
    with Emulator(firmware, machine="virt") as emulator:
        yield emulator.port
