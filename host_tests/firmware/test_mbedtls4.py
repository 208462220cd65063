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
