"""Firmware that is built from the outside, as a user of upstream's ports does."""

import os
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


ESP_IDF = Path(__file__).parent / "ESP_IDF"


@pytest.fixture
def esp_idf(monkeypatch, tmp_path):
    """What stands in for ESP-IDF, exported as its export.sh does; what is built goes into a folder
    of the test, which is given."""
    monkeypatch.setenv("IDF_PATH", str(ESP_IDF))
    monkeypatch.setenv("PATH", f"{ESP_IDF / 'tools'}:{os.environ['PATH']}")
    monkeypatch.setattr(sources, "BUILD", tmp_path / "build")
    monkeypatch.setattr(sources, "checkout", sources.micropython)
    return tmp_path / "build"


@pytest.fixture(scope="session")
def riscv_firmware(make):
    """VIRT_RV32's: the instruction set of ESP32-C3 and C6."""
    board = f"BOARD_DIR={Path(__file__).parent / 'VIRT_RV32'}"
    return make("qemu", "VIRT_RV32", "BOARD=VIRT_RV32", board) / "firmware.elf"


@pytest.fixture(scope="module")
def riscv_line(riscv_firmware):
    """The serial line of a running VIRT_RV32."""
    with Emulator(riscv_firmware, machine="virt") as emulator:
        yield emulator.port
