"""The tools for ESP32: what they check, and what they say when something is missing."""

import json
import os
import pty
import re
import subprocess
import sys

import board
import esp32
import flash
import pytest
import sources

from build import BuildError, build


@pytest.fixture(scope="session")
def tree():
    return sources.micropython()


def idf(tmp_path, major, minor):
    cmake = tmp_path / "idf" / "tools" / "cmake"
    cmake.mkdir(parents=True)
    (cmake / "version.cmake").write_text(
        f"set(IDF_VERSION_MAJOR {major})\nset(IDF_VERSION_MINOR {minor})\n"
    )
    return str(tmp_path / "idf")


def test_the_app_partition_is_read_from_upstreams_tables():
    tables = sources.micropython() / "ports" / "esp32"
    (named,) = re.findall(r'"(.*[.]csv)"', (tables / "boards" / "sdkconfig.base").read_text())
    assert esp32.app_size(tables / named) == 0x1F0000
    assert esp32.app_size(tables / "partitions-4MiB-ota.csv") == 0x180000


@pytest.mark.parametrize("version", ((5, 2), (5, 5)))
def test_idf_5_2_to_5_5_will_do(tool, monkeypatch, tmp_path, version):
    tool("idf.py", "")
    (tmp_path / "idf").rename(tmp_path / "another")
    monkeypatch.setenv("IDF_PATH", idf(tmp_path, *version))
    esp32.check()


def test_without_idf_and_docker_both_are_named(monkeypatch, tmp_path):
    monkeypatch.delenv("IDF_PATH", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(esp32.ESP32Error, match=r"(?s)ESP-IDF 5.2 to 5.5.*docker"):
        esp32.check()


@pytest.mark.parametrize("version", ((5, 1), (5, 6), (6, 0)))
def test_another_idf_is_refused_by_its_version(monkeypatch, tmp_path, version):
    monkeypatch.setenv("IDF_PATH", idf(tmp_path, *version))
    with pytest.raises(esp32.ESP32Error, match="is ESP-IDF {}.{}".format(*version)):
        esp32.check()


def test_an_idf_that_was_not_exported_is_told(monkeypatch, tmp_path):
    monkeypatch.setenv("IDF_PATH", idf(tmp_path, 5, 4))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(esp32.ESP32Error, match="export.sh"):
        esp32.check()


def test_what_is_no_idf_is_told(monkeypatch, tmp_path):
    monkeypatch.setenv("IDF_PATH", str(tmp_path))
    with pytest.raises(esp32.ESP32Error, match="is no ESP-IDF"):
        esp32.check()


def test_the_container_has_the_idf_that_the_release_recommends(tree):
    readme = (tree / "ports" / "esp32" / "README.md").read_text()
    wanted = esp32.image(tree).removeprefix("espressif/idf:")
    assert f"recommended version of ESP-IDF for MicroPython is {wanted}." in " ".join(
        readme.split()
    )


@pytest.fixture
def tool(monkeypatch, tmp_path):
    """Put a shell script in the place of a tool: `tool(name, text)`. ESP-IDF is 5.4."""
    monkeypatch.setattr(sources, "BUILD", tmp_path)
    monkeypatch.setenv("IDF_PATH", idf(tmp_path, 5, 4))
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    def tool(name, text):
        script = tmp_path / name
        script.write_text(f'#!/bin/sh\necho "$@" >{tmp_path}/arguments\n{text}')
        script.chmod(0o755)
        return tmp_path / "arguments"

    return tool


# What ESP-IDF leaves behind, without ESP-IDF: an image of so many bytes.
IDF = """
echo '[1/1500] compiling'
while [ "$1" != -B ]; do shift; done
mkdir -p $2
sed -n 's/CUSTOM_FILENAME/FILENAME/p' boards/sdkconfig.base >$2/sdkconfig
truncate -s {size} $2/micropython.bin $2/firmware.bin
"""
# Upstream's Makefile joins the parts of the image by Python, with code of ESP-IDF's.
NO_JOINING = "PYTHON=true"


def test_upstreams_make_is_told_our_board(tree, tool):
    told = tool("idf.py", IDF.format(size=0x1F0000))
    image = esp32.build("ESP32_GENERIC_C3", tree, NO_JOINING)
    assert image == sources.BUILD / "ESP32_GENERIC_C3" / "firmware.bin" and image.exists()
    board = sources.ROOT / "boards" / "ESP32_GENERIC_C3"
    assert f"-D MICROPY_BOARD=ESP32_GENERIC_C3 -D MICROPY_BOARD_DIR={board} " in told.read_text()


def test_a_variant_is_built_beside_the_board(tree, tool, monkeypatch):
    told = tool("idf.py", IDF.format(size=1))
    monkeypatch.setattr(sources, "checkout", lambda: tree)
    image = build("ESP32_GENERIC", NO_JOINING, "BOARD_VARIANT=TLS13")
    assert image == sources.BUILD / "ESP32_GENERIC-TLS13" / "firmware.bin"
    assert "-D MICROPY_BOARD_VARIANT=TLS13" in told.read_text()


def test_a_variant_that_a_board_does_not_have_is_refused():
    with pytest.raises(BuildError, match="UNIX has no variant TLS13"):
        build("UNIX", "BOARD_VARIANT=TLS13")


def test_our_makes_variables_stay_with_us(tree, tool, monkeypatch):
    monkeypatch.setenv("MAKEFLAGS", " -- BOARD=ESP32_GENERIC_S3")
    told = tool("idf.py", IDF.format(size=1))
    esp32.build("ESP32_GENERIC", tree, NO_JOINING)
    assert "MICROPY_BOARD=ESP32_GENERIC " in told.read_text()


def test_an_image_beyond_its_partition_is_refused(tree, tool):
    tool("idf.py", IDF.format(size=0x1F0001))
    with pytest.raises(esp32.ESP32Error, match="2031617 bytes, the app partition 2031616"):
        esp32.build("ESP32_GENERIC", tree, NO_JOINING)


def test_a_compilers_error_is_told(tree, tool):
    tool("idf.py", "echo 'main.c:1: error: no such thing' >&2; exit 2")
    with pytest.raises(esp32.ESP32Error, match="(?s)no such thing.*see .*ESP32_GENERIC.log"):
        esp32.build("ESP32_GENERIC", tree, NO_JOINING)


def test_the_container_sees_the_sources_and_runs_as_the_user(tree, tool, monkeypatch):
    monkeypatch.delenv("IDF_PATH")
    told = tool("docker", "exit 125")
    with pytest.raises(esp32.ESP32Error, match="building mpy-cross failed"):
        esp32.build("ESP32_GENERIC", tree)
    told = told.read_text()
    assert f"--volume={sources.ROOT}:{sources.ROOT}" in told and f"--volume={tree}:{tree}" in told
    assert f"--user={os.getuid()}:{os.getgid()}" in told and esp32.image(tree) in told


def test_progress_is_ninjas_and_not_its_bootloaders():
    lines = ("[750/1500] Building C object", "[90/100] Building C object", "cmake -G Ninja")
    assert [esp32.percent(line) for line in lines] == [50, 0, 0]


@pytest.mark.parametrize("name", ("", "_S3", "_C3", "_C6"))
def test_the_image_begins_where_upstream_says(tree, name):
    board = f"ESP32_GENERIC{name}"
    told = json.loads((tree / "ports/esp32/boards" / board / "board.json").read_text())
    offset = int(told.get("deploy_options", {}).get("flash_offset", "0"), 0)
    assert int(flash.OFFSETS[flash.chip(board)], 0) == offset


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
        with pytest.raises(board.BoardError, match="could not write to an esp32c3.*BOOT"):
            flash.flash("ESP32_GENERIC_C3", os.ttyname(slave))
    finally:
        os.close(master)
        os.close(slave)


def test_after_writing_the_board_is_asked_for_tlsresume(riscv_line, monkeypatch, capsys):
    monkeypatch.setattr(flash, "build", lambda *_: None)
    monkeypatch.setattr(flash, "command", lambda *_: ["true"])  # in esptool's place
    flash.flash("ESP32_GENERIC_C3", riscv_line)
    assert "tlsresume is available" in capsys.readouterr().out


def test_flash_tells_its_usage():
    tool = [sys.executable, str(sources.ROOT / "tools" / "flash.py"), "--help"]
    done = subprocess.run(tool, capture_output=True, text=True, check=True)
    assert "BOARD" in done.stdout and "PORT" in done.stdout
