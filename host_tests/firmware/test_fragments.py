"""The build fragments for CMake ports, against upstream's own files."""

import re
import subprocess

import documents
import pytest
import sources

FIRMWARE = sources.ROOT / "firmware"
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


FRAGMENTS = sorted(FIRMWARE.rglob("sdkconfig.*"))


@pytest.mark.parametrize("fragment", FRAGMENTS, ids=lambda fragment: fragment.name)
def test_every_line_of_an_sdkconfig_has_its_reason(fragment):
    lines = fragment.read_text().splitlines()
    for reason, option in zip(lines[::2], lines[1::2], strict=True):
        assert reason.startswith("# ") and re.fullmatch(r"CONFIG_\w+=(y|n|\d+)", option)


@pytest.fixture
def upstreams_cmake(esp_idf, tmp_path):
    """Evaluate upstream's own CMakeLists.txt: `upstreams_cmake(*options)` -> {NAME: value}."""

    def evaluate(*options):
        port, out = sources.micropython() / "ports" / "esp32", tmp_path / "out"
        command = ["cmake", *options, "-S", port, "-B", out]
        subprocess.run(command, capture_output=True, check=True)
        return dict(line.split(" ", 1) for line in (out / "found").read_text().splitlines())

    return evaluate


def test_upstreams_build_takes_what_the_readme_tells_idf_py(upstreams_cmake, tmp_path):
    said = documents.command("firmware/README.md", "idf.py")[1:-1]
    said = [word.replace(".../tlsresume", str(sources.ROOT)) for word in said]
    found = upstreams_cmake(*[word.replace("...", str(tmp_path)) for word in said])
    assert found["USER_C_MODULES"] == f"{FIRMWARE}/micropython.cmake"
    assert found["MICROPY_FROZEN_MANIFEST"] == f"{tmp_path}/manifest.py"


OWN_BOARD = f"""
set(SDKCONFIG_DEFAULTS boards/sdkconfig.base)
set(USER_C_MODULES /own/micropython.cmake)
set(MICROPY_FROZEN_MANIFEST ${{MICROPY_BOARD_DIR}}/manifest.py)
include({FIRMWARE}/esp32.cmake)
"""


def test_a_board_of_ones_own_includes_ours(upstreams_cmake, tmp_path):
    (tmp_path / "mpconfigboard.cmake").write_text(OWN_BOARD)
    found = upstreams_cmake("-DMICROPY_BOARD=OWN", f"-DMICROPY_BOARD_DIR={tmp_path}")
    assert found["USER_C_MODULES"] == f"/own/micropython.cmake;{FIRMWARE}/micropython.cmake"
    assert found["MICROPY_MANIFEST_UPSTREAM"] == f"{tmp_path}/manifest.py"
    assert found["MICROPY_FROZEN_MANIFEST"] == f"{FIRMWARE}/esp32/manifest.py"
