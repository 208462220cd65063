"""The C module compiles against Mbed TLS 4, which no release of MicroPython builds with yet:
MBEDTLS4 names a checkout of it, with its tf-psa-crypto."""

import os
import subprocess
from pathlib import Path

import pytest
import sources
from test_compile import WARNINGS

MODULE = sources.ROOT / "firmware" / "tlsresume"


@pytest.fixture
def mbedtls():
    named = os.environ.get("MBEDTLS4")
    if not named:
        pytest.skip("MBEDTLS4 names no checkout of Mbed TLS 4")
    return Path(named)


@pytest.mark.parametrize("tls13", (0, 1))
def test_it_compiles_without_a_warning(mbedtls, micropython, tmp_path, tls13):
    tree = sources.micropython()
    crypto = mbedtls / "tf-psa-crypto"
    folders = [tree, tree / "ports/qemu", tree / "lib/lwip/src/include", micropython.parent]
    folders += [mbedtls / "include", crypto / "include", crypto / "drivers/builtin/include"]
    command = f"arm-none-eabi-gcc -mthumb -mcpu=cortex-m3 {WARNINGS} -std=gnu99 -Os -c".split()
    command += [f"-I{folder}" for folder in (*folders, sources.ROOT / "boards/QEMU_MPS2", MODULE)]
    command += ["-DMP_CONFIGFILE=<mpconfigboard.h>", "-DMICROPY_HEAP_SIZE=1", "-DNDEBUG"]
    command += ['-DMBEDTLS_USER_CONFIG_FILE="mbedtls_config_tlsresume.h"']
    command += [f"-DTLSRESUME_WITH_TLS13={tls13}"]
    for file in sorted(MODULE.glob("*.c")):
        done = subprocess.run(
            [*command, str(file), "-o", str(tmp_path / "out.o")],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr


@pytest.fixture
def tree(tmp_path):
    """A tree of MicroPython's with an Mbed TLS 4, as far as the build fragments look at it."""
    top = tmp_path / "micropython"
    (top / "lib" / "mbedtls" / "tf-psa-crypto").mkdir(parents=True)
    (top / "py").symlink_to(sources.micropython() / "py")
    return top


TLS13 = {f"ssl_tls13_{name}.c" for name in ("client", "generic", "keys", "server")}


def of_mbedtls(paths):
    return {Path(path).name for path in paths if "lib/mbedtls/" in path}


def test_make_adds_tls13_and_leaves_psa_to_it(tree, tmp_path):
    makefile = tmp_path / "Makefile"
    text = f"TOP = {tree}\nUSERMOD_DIR = {MODULE}\nTLSRESUME_TLS13 = 1\n"
    text += f"include {MODULE}/micropython.mk\nall:\n\t@echo $(SRC_THIRDPARTY_C)\n"
    makefile.write_text(text)
    said = subprocess.check_output(["make", "-s", "-f", makefile, "all"], text=True)
    assert of_mbedtls(said.split()) == TLS13


def test_cmake_adds_tls13_and_leaves_psa_to_it(tree, tmp_path):
    text = "cmake_minimum_required(VERSION 3.12)\nproject(harness NONE)\n"
    text += "add_library(usermod INTERFACE)\n"
    text += f"set(MICROPY_DIR {tree})\nset(TLSRESUME_TLS13 ON)\n"
    text += f"include({MODULE}/micropython.cmake)\n"
    text += 'get_target_property(found usermod_tlsresume INTERFACE_SOURCES)\nmessage("${found}")\n'
    (tmp_path / "CMakeLists.txt").write_text(text)
    command = ["cmake", "-S", tmp_path, "-B", tmp_path / "out"]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    assert of_mbedtls(said.strip().split(";")) == TLS13
