"""What the commands say to a mistake: the cause and the remedy, without a traceback."""

import os
import pty
import shutil
import subprocess
import sys

import pytest
from documents import ROOT

WIFI = {"WIFI_NAME": "name", "WIFI_PASSWORD": "password"}


def make(*words, cwd=ROOT, **variables):
    """Type `make`; returns its exit code and what was said."""
    env = {**os.environ, **variables}
    for name in ("MICROPYTHON", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"):  # of a make around the tests
        env.pop(name, None)
    done = subprocess.run(
        ["make", *words],
        cwd=cwd,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert "Traceback" not in done.stdout
    return done.returncode, done.stdout


BOARDS = "of QEMU_MPS2, UNIX, "
ESP32 = "one of upstream's ESP32 boards, such as ESP32_GENERIC\n"
MISTAKES = {
    "flash PORT=/dev/ttyNONE": f"flash: name the board: BOARD=..., {ESP32}",
    "flash BOARD=ESP32_GENERIC": "flash: name the serial port of the board: PORT=/dev/ttyUSB0",
    "flash BOARD=ESP32_GENERIC PORT=/dev/ttyNONE": "flash: /dev/ttyNONE is not there: plug the",
    "firmware": f"build: name the board: BOARD=..., {BOARDS}or {ESP32}",
    "firmware BOARD=ESP8266": f"build: no board ESP8266: BOARD=..., {BOARDS}ARDUINO_NANO_ESP32, ",
    "firmware BOARD=UNIX VARIANT=TLS14": "build: UNIX has no variant TLS14",
    "demo BOARD=LOLIN_S2_MINI": "demo: LOLIN_S2_MINI is not emulated: QEMU_MPS2, ",
    "hil BOARD=ESP8266": "emulator: ESP8266 is not emulated: QEMU_MPS2, ",
    "demo PORT=/dev/null": "demo: /dev/null is no serial line: name the board's",
    "demo PORT=/tmp": "demo: /tmp is no serial line: name the board's",
}


@pytest.mark.parametrize("command", MISTAKES)
def test_a_mistake_is_named_with_its_remedy(command):
    code, said = make(*command.split(), **WIFI)
    assert said.count(MISTAKES[command]) == 1
    assert code == 2


def test_the_board_tests_do_not_begin_without_a_board():
    _, said = make("hil", "BOARD=ESP8266")
    assert said.startswith("emulator: ESP8266 is not emulated") and said.count("\n") <= 2


def test_a_line_where_nothing_answers_is_told_in_one_line():
    master, slave = pty.openpty()
    port = os.ttyname(slave)
    try:
        _, said = make("demo", f"PORT={port}", **WIFI)
    finally:
        os.close(master)
        os.close(slave)
    assert said.startswith(f"demo: {port}: no MicroPython answers there. ")


@pytest.mark.parametrize("board", ["UNIX", "ESP8266"])
def test_what_cannot_be_flashed_is_told_what_can(board):
    master, slave = pty.openpty()
    try:
        code, said = make("flash", f"BOARD={board}", f"PORT={os.ttyname(slave)}")
    finally:
        os.close(master)
        os.close(slave)
    assert said.startswith(f"flash: {board} is no ESP32 board: BOARD=..., of ARDUINO_NANO_ESP32, ")
    assert code == 2 and "QEMU" not in said


def test_an_open_wifi_has_an_empty_password():
    _, said = make("demo", "PORT=/dev/ttyNONE", WIFI_NAME="name", WIFI_PASSWORD="")
    assert said.startswith("demo: /dev/ttyNONE is not there")


def test_a_wifi_without_a_password_is_told_how_to_name_an_open_one():
    env = {name: value for name, value in os.environ.items() if name != "WIFI_PASSWORD"}
    command = [sys.executable, ROOT / "tools/demo.py", "--port", "/dev/ttyNONE"]
    done = subprocess.run(
        command, env={**env, "WIFI_NAME": "name"}, capture_output=True, text=True
    )
    assert "with an empty password if it is open" in done.stderr


def test_clean_before_anything_was_built_does_nothing(tmp_path):
    shutil.copy(ROOT / "Makefile", tmp_path)
    assert make("clean", cwd=tmp_path) == (0, "")


def test_a_checkout_in_a_path_with_a_space_is_told(tmp_path):
    env = {**os.environ, "MICROPYTHON": str(tmp_path / "my projects")}
    done = subprocess.run(["make", "demo"], cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 2 and "cannot build in a path with a space" in done.stderr


NO_NETWORK = "http://127.0.0.1:9"
OFFLINE = {
    "http_proxy": NO_NETWORK,
    "https_proxy": NO_NETWORK,
    "PIP_CONFIG_FILE": os.devnull,
    "PIP_RETRIES": "0",
}


@pytest.mark.parametrize(
    ("tool", "kept"), [("typecheck", ["libraries"]), ("libraries", ["src", "apt"])]
)
def test_what_cannot_be_fetched_is_told(tool, kept, tmp_path):
    for name in "tools", "firmware":
        shutil.copytree(ROOT / name, tmp_path / name)
    (tmp_path / "build").mkdir()
    for name in kept:
        (tmp_path / "build" / name).symlink_to(ROOT / "build" / name)
    done = subprocess.run(
        [ROOT / "build/venv/bin/python", tmp_path / f"tools/{tool}.py"],
        env={**os.environ, **OFFLINE},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "cannot be fetched" in done.stderr or "cannot fetch" in done.stderr
    assert "is there no network?" in done.stderr
