"""The tools for ESP32: what they check, and what they say when something is missing."""

import os
import pty
import subprocess
import sys

import board
import esp32
import flash
import pytest
import sources


@pytest.fixture
def tree(tmp_path):
    """What esp32.py looks for in a checkout of MicroPython with its submodules."""
    (tmp_path / "lib" / "micropython-lib" / "python-stdlib").mkdir(parents=True)
    return tmp_path


def idf(tmp_path, major, minor):
    cmake = tmp_path / "idf" / "tools" / "cmake"
    cmake.mkdir(parents=True)
    (cmake / "version.cmake").write_text(
        f"set(IDF_VERSION_MAJOR {major})\nset(IDF_VERSION_MINOR {minor})\n"
    )
    return str(tmp_path / "idf")


def test_the_app_partition_is_read_from_upstreams_tables():
    tables = sources.micropython() / "ports" / "esp32"
    assert esp32.app_size(tables / "partitions-4MiB.csv") == 0x1F0000
    assert esp32.app_size(tables / "partitions-4MiB-ota.csv") == 0x180000


def test_without_idf_and_docker_both_are_named(tree, monkeypatch, tmp_path):
    monkeypatch.delenv("IDF_PATH", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(esp32.ESP32Error, match=r"(?s)ESP-IDF 5.2 to 5.5.*docker"):
        esp32.build("ESP32_GENERIC", tree)


@pytest.mark.parametrize("version", ((5, 1), (5, 6), (6, 0)))
def test_another_idf_is_refused_by_its_version(tree, monkeypatch, tmp_path, version):
    monkeypatch.setenv("IDF_PATH", idf(tmp_path, *version))
    with pytest.raises(esp32.ESP32Error, match="is ESP-IDF {}.{}".format(*version)):
        esp32.build("ESP32_GENERIC", tree)


def test_an_idf_that_was_not_exported_is_told(tree, monkeypatch, tmp_path):
    monkeypatch.setenv("IDF_PATH", idf(tmp_path, 5, 4))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(esp32.ESP32Error, match="export.sh"):
        esp32.build("ESP32_GENERIC", tree)


def test_sources_without_micropython_lib_are_told():
    with pytest.raises(esp32.ESP32Error, match="MICROPYTHON=DIR"):
        esp32.build("ESP32_GENERIC", sources.micropython())


@pytest.mark.parametrize("name", ("", "_S3", "_C3", "_C6"))
def test_every_esp32_board_has_its_chip(name):
    command = flash.command(f"ESP32_GENERIC{name}", "/dev/null", "firmware.bin")
    chip = "esp32" + name.lower().replace("_", "")
    assert command[command.index("--chip") + 1] == chip
    help_ = subprocess.run([*command[:3], "--help"], capture_output=True, text=True, check=True)
    assert chip in help_.stdout


def test_a_port_that_is_not_there_is_told_before_anything_is_built():
    with pytest.raises(board.BoardError, match="is not there: plug the board in"):
        flash.flash("ESP32_GENERIC", "/dev/ttyNOPE")


def test_the_emulated_board_is_not_flashed():
    with pytest.raises(board.BoardError, match="no ESP32"):
        flash.flash("QEMU_MPS2", "/dev/null")


def test_esptool_finds_no_chip_on_a_silent_line(monkeypatch, tmp_path):
    image = tmp_path / "firmware.bin"
    image.write_bytes(b"\xe9" + bytes(255))
    monkeypatch.setattr(flash, "build", lambda *_: image)
    master, slave = pty.openpty()
    try:
        with pytest.raises(board.BoardError, match="found no esp32c3"):
            flash.flash("ESP32_GENERIC_C3", os.ttyname(slave))
    finally:
        os.close(master)
        os.close(slave)


def test_flash_tells_its_usage():
    tool = [sys.executable, str(sources.ROOT / "tools" / "flash.py"), "--help"]
    done = subprocess.run(tool, capture_output=True, text=True, check=True)
    assert "BOARD" in done.stdout and "PORT" in done.stdout
