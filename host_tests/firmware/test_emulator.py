"""The emulator's ways with Espressif's QEMU, for which a program stands in; and a board that falls
silent."""

import os
import subprocess
import sys
from pathlib import Path

import documents
import emulator
import pytest
from command import Missing, ToolError
from emulator import Emulator, emulate

ROOT = documents.ROOT
# Takes QEMU's arguments, keeps them and the flash, and offers a serial line.
QEMU = """#!{python}
import os, shutil, sys
if sys.argv[-1] == "help":
    sys.exit("Supported machines are:\\nesp32c3  Espressif ESP32C3" * 0 or print(
        "Supported machines are:\\nesp32c3              Espressif ESP32C3 machine"))
drive = sys.argv[sys.argv.index("-drive") + 1].split(",")[0].removeprefix("file=")
shutil.copy(drive, "{folder}/flash")
with open(drive, "r+b") as f:
    f.write(b"what a board writes")
open("{folder}/arguments", "w").write(" ".join(sys.argv[1:]))
ours, theirs = os.openpty()
print("char device redirected to", os.ttyname(theirs), "(label serial0)", flush=True)
os.read(ours, 1)
"""


@pytest.fixture
def qemu(tmp_path, monkeypatch):
    """Where the stand-in keeps what it was given: the files `flash` and `arguments`."""
    program = tmp_path / "qemu-system-riscv32"
    program.write_text(QEMU.format(python=sys.executable, folder=tmp_path))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path


@pytest.fixture
def without_joining(monkeypatch):
    """Upstream's Makefile joins the parts of an image by ESP-IDF's own code."""
    monkeypatch.setenv("PYTHON", "true")


@pytest.fixture
def image(esp_idf, qemu, without_joining):
    return emulator.build("ESP32_GENERIC_C3")


def test_the_emulators_variant_is_what_is_built(image):
    assert image.parent.name == "ESP32_GENERIC_C3-QEMU"


def test_its_flash_is_4_mib_with_the_image_in_its_place(image, qemu):
    with Emulator(image, machine="esp32c3"):
        flash = (qemu / "flash").read_bytes()
    assert len(flash) == 4 << 20 and flash.startswith(image.read_bytes())


def test_each_start_has_a_flash_as_new_and_a_serial_line_of_its_own(image, qemu):
    with Emulator(image, machine="esp32c3") as board:
        assert Path(board.port).exists()
        before = (qemu / "flash").read_bytes()
        board.restart()
        assert (qemu / "flash").read_bytes() == before
        assert Path(board.port).exists()


def test_it_has_ethernet_and_no_watchdog_of_the_hosts_clock(image, qemu):
    with Emulator(image, machine="esp32c3", icount=True):
        said = (qemu / "arguments").read_text()
    for part in (
        "-machine esp32c3",
        "-nic user,model=open_eth",
        "driver=timer.esp32c3.timg,property=wdt_disable,value=true",
        "-serial pty",
        "-icount shift=3",
    ):
        assert part in said


INSTALL = "python .*idf_tools.py install qemu-riscv32 qemu-xtensa"


def test_without_espressifs_qemu_it_is_told_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Missing, match=f"^qemu-system-xtensa is missing: {INSTALL}") as e:
        emulate("ESP32_GENERIC")
    assert "\n" not in str(e.value)


def test_debians_qemu_is_told_from_espressifs(monkeypatch):
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    with pytest.raises(Missing, match=f"riscv32 here has no machine esp32c3: {INSTALL}"):
        emulate("ESP32_GENERIC_C3")


def test_a_board_that_none_emulates_is_told_those_that_are():
    with pytest.raises(
        ToolError, match="LOLIN_S2_MINI is not emulated: QEMU_MPS2, ESP32_GENERIC, .*PORT="
    ):
        emulate("LOLIN_S2_MINI")


# Two tests on a real emulator, which is known to fall silent: for once, and for good.
SILENT = """
import pytest
from board_under_test import BoardUnderTest, pytest_pyfunc_call, pytest_terminal_summary
from emulator import Emulator
class Plain(BoardUnderTest):
    restart = BoardUnderTest.soft_reset
@pytest.fixture(scope="module")
def board():
    with Emulator({firmware!r}, machine="virt") as emulator, Plain(emulator.port) as board:
        emulator.machine = emulator.machine._replace(gaps=frozenset(["ethernet"]))
        board.prepare(emulator, None, None, None)
        yield board
"""
TESTS = """
runs = []
def test_for_once(board):
    runs.append(board.port)
    if len(runs) == 1:
        board.execute("while True: pass", timeout=1)
    assert board.execute("print(6 * 7)").strip() == "42"
def test_for_good(board):
    board.execute("while True: pass", timeout=1)
"""


def test_a_board_that_falls_silent_is_started_anew_once_and_counted(riscv_firmware, tmp_path):
    (tmp_path / "conftest.py").write_text(SILENT.format(firmware=str(riscv_firmware)))
    (tmp_path / "test_silent.py").write_text(TESTS)
    folders = os.pathsep.join([str(ROOT / "tools"), str(ROOT / "host_tests")])
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider", tmp_path],
        env={**os.environ, "PYTHONPATH": folders},
        capture_output=True,
        text=True,
    )
    assert "1 failed, 1 passed" in done.stdout, done.stdout + done.stderr
    assert "test_silent.py::test_for_good" in done.stdout
    assert "the board went silent" in done.stdout and "the emulator starts anew" in done.stdout
    assert "an emulated board was silent, and started anew: 2" in done.stdout
