"""The build fragments for CMake ports, and the ESP32 boards, against upstream's own files."""

import os
import re
import subprocess

import documents
import pytest
import sources

FIRMWARE = sources.ROOT / "firmware"
BOARDS = sorted(p for p in (sources.ROOT / "boards").iterdir() if p.name.startswith("ESP32"))
SOURCES = {p.name for p in (FIRMWARE / "tlsresume").glob("*.c")}

HARNESS = """
cmake_minimum_required(VERSION 3.12)
project(harness NONE)
set(MICROPY_DIR {tree})
set(USER_C_MODULES {firmware}/micropython.cmake)
include(${{MICROPY_DIR}}/py/usermod.cmake)
message("SOURCES ${{MICROPY_SOURCE_USERMOD}}")
message("INCLUDES ${{MICROPY_INC_USERMOD}}")
get_target_property(definitions usermod_tlsresume INTERFACE_COMPILE_DEFINITIONS)
message("DEFINITIONS ${{definitions}}")
"""


@pytest.fixture
def cmake(tmp_path):
    """Evaluate the fragment by upstream's usermod.cmake: {SOURCES, INCLUDES, DEFINITIONS}."""

    def cmake(*options):
        text = HARNESS.format(tree=sources.micropython(), firmware=FIRMWARE)
        (tmp_path / "CMakeLists.txt").write_text(text)
        done = subprocess.run(
            ["cmake", *options, "-S", str(tmp_path), "-B", str(tmp_path / "out")],
            capture_output=True,
            text=True,
            check=True,
        )
        found = re.findall(r"^(SOURCES|INCLUDES|DEFINITIONS) (.*)$", done.stderr, re.M)
        return {name: value.split(";") for name, value in found}

    return cmake


def names(paths):
    return {path.rpartition("/")[2] for path in paths}


def test_cmake_finds_all_sources_and_the_headers(cmake):
    found = cmake()
    assert names(found["SOURCES"]) == SOURCES
    assert found["INCLUDES"] == [str(FIRMWARE / "tlsresume")]
    assert 'MBEDTLS_USER_CONFIG_FILE="mbedtls_config_tlsresume.h"' in found["DEFINITIONS"]


def test_cmake_adds_tls13_when_it_is_told(cmake):
    added = names(cmake("-DTLSRESUME_TLS13=ON")["SOURCES"]) - SOURCES
    assert {"ssl_tls13_client.c", "ssl_tls13_generic.c", "psa_crypto.c", "hkdf.c"} <= added


def test_on_esp_idf_mbedtls_is_left_to_sdkconfig(cmake):
    found = cmake("-DESP_PLATFORM=1", "-DTLSRESUME_TLS13=ON")
    assert names(found["SOURCES"]) == SOURCES
    assert found["DEFINITIONS"] == ["definitions-NOTFOUND"]


def test_make_and_cmake_list_the_same_sources():
    fragment = (FIRMWARE / "tlsresume" / "micropython.mk").read_text()
    listed = re.search(r"SRC_USERMOD_C.*?\n\n", fragment, re.S)[0]
    assert set(re.findall(r"\w+\.c", listed)) == SOURCES


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_what_a_board_includes_exists_upstream(board):
    tree = sources.micropython()
    upstream = tree / "ports" / "esp32"
    (base,) = re.findall(r"include\((boards/.*)\)", (board / "mpconfigboard.cmake").read_text())
    assert (upstream / base).exists() and board.name in base
    (header,) = re.findall(r'#include "(.*)"', (board / "mpconfigboard.h").read_text())
    assert (tree / header).exists() and board.name in header
    manifest = (board / "manifest.py").read_text()
    (frozen,) = re.findall(r'include\("\$\(PORT_DIR\)/(.*)"\)', manifest)
    assert (upstream / frozen).exists()
    (ours,) = re.findall(r'include\("(\.\..*)"\)', manifest)
    assert (board / ours).resolve() == sources.ROOT / "lib" / "manifest.py"


FRAGMENTS = sorted(FIRMWARE.glob("sdkconfig.*"))


@pytest.mark.parametrize("fragment", FRAGMENTS, ids=lambda fragment: fragment.name)
def test_every_line_of_an_sdkconfig_has_its_reason(fragment):
    lines = fragment.read_text().splitlines()
    for reason, option in zip(lines[::2], lines[1::2], strict=True):
        assert reason.startswith("# ") and re.fullmatch(r"CONFIG_\w+=[yn]", option)


# In the place of ESP-IDF's: what upstream's CMakeLists.txt has found by then.
PROJECT = """
file(READ ${SDKCONFIG_DEFAULTS} sdkconfig)
message("SDKCONFIG ${sdkconfig}END")
message("TARGET ${IDF_TARGET}")
message("MODULES ${USER_C_MODULES}")
message("MANIFEST ${MICROPY_FROZEN_MANIFEST}")
macro(project)
endmacro()
function(idf_build_set_property)
endfunction()
"""


@pytest.fixture
def upstreams_cmake(tmp_path):
    """Evaluate upstream's own CMakeLists.txt for a board of ours, or upstream's if None; gives
    what it says."""

    def evaluate(board, *options):
        project = tmp_path / "idf" / "tools" / "cmake" / "project.cmake"
        project.parent.mkdir(parents=True)
        project.write_text(PROJECT)
        command = [
            "cmake",
            "-S",
            sources.micropython() / "ports" / "esp32",
            "-B",
            tmp_path / "out",
        ]
        if board:
            command += [f"-DMICROPY_BOARD={board.name}", f"-DMICROPY_BOARD_DIR={board}"]
        command += options
        env = {**os.environ, "IDF_PATH": str(tmp_path / "idf")}
        return subprocess.run(command, env=env, capture_output=True, text=True, check=True).stderr

    return evaluate


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_upstreams_build_takes_our_board(upstreams_cmake, board):
    said = upstreams_cmake(board)
    chip = "esp32" + board.name.removeprefix("ESP32_GENERIC").replace("_", "").lower()
    assert f"TARGET {'' if chip == 'esp32' else chip}\n" in said
    assert f"MODULES {FIRMWARE}/micropython.cmake\n" in said
    assert f"MANIFEST {board / 'manifest.py'}\n" in said
    assert "CONFIG_PARTITION_TABLE_CUSTOM=y" in said  # upstream's
    assert "CONFIG_MBEDTLS_CLIENT_SSL_SESSION_TICKETS=y" in said
    assert "TLS1_3" not in said


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_the_variant_has_tls13(upstreams_cmake, board):
    said = upstreams_cmake(board, "-DMICROPY_BOARD_VARIANT=TLS13")
    assert "CONFIG_MBEDTLS_CLIENT_SSL_SESSION_TICKETS=y" in said
    assert "CONFIG_MBEDTLS_SSL_PROTO_TLS1_3=y" in said


def test_upstreams_build_takes_what_the_readme_tells_idf_py(upstreams_cmake, tmp_path):
    said = documents.command("firmware/README.md", "idf.py")[1:-1]
    said = [word.replace(".../tlsresume", str(sources.ROOT)) for word in said]
    said = upstreams_cmake(None, *[word.replace("...", str(tmp_path)) for word in said])
    assert f"MODULES {FIRMWARE}/micropython.cmake\n" in said
    assert f"MANIFEST {tmp_path}/manifest.py\n" in said


def test_modules_of_ones_own_are_built_with_ours(upstreams_cmake):
    said = upstreams_cmake(BOARDS[0], "-DUSER_C_MODULES=/own/micropython.cmake")
    assert f"MODULES /own/micropython.cmake;{FIRMWARE}/micropython.cmake\n" in said
