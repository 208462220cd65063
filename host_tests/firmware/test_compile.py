"""The C module compiles without a warning for the chips that nothing here can build for."""

import subprocess
from pathlib import Path

import pytest
import sources

MODULE = sources.ROOT / "firmware" / "tlsresume"
# Upstream's own warnings, those of the strictest port.
WARNINGS = "-Wall -Wextra -Wno-unused-parameter -Wpointer-arith -Wdouble-promotion"
WARNINGS += " -Wfloat-conversion -Wno-missing-field-initializers -Werror"
PICOLIBC = "-isystem /usr/lib/picolibc/riscv64-unknown-elf/include"
COMPILERS = {
    "ESP32 (Xtensa)": f"xtensa-lx106-elf-gcc -DESP_PLATFORM {PICOLIBC}",
    "ESP32-C3, C6 (RISC-V)": "riscv64-unknown-elf-gcc -march=rv32imc -mabi=ilp32"
    f" -DESP_PLATFORM {PICOLIBC}",
    "Cortex-M0": "arm-none-eabi-gcc -mthumb -mcpu=cortex-m0",
    "Cortex-M3": "arm-none-eabi-gcc -mthumb -mcpu=cortex-m3",
    "Cortex-M33": "arm-none-eabi-gcc -mthumb -mcpu=cortex-m33",
}


@pytest.fixture(scope="session")
def headers():
    """Include folders: MicroPython's, Mbed TLS's and lwIP's own, and the names of a build."""
    from build import build

    generated = build("UNIX").parent
    tree = sources.micropython()
    folders = [tree, tree / "ports/qemu", tree / "lib/mbedtls/include", generated]
    lwip = tree / "lib/lwip/src/include"
    folders += [Path(__file__).parent / "ESP_IDF", lwip, lwip / "compat/posix"]
    return [*folders, sources.ROOT / "boards/QEMU_MPS2", MODULE]


@pytest.mark.parametrize("tls13", (0, 1))
@pytest.mark.parametrize("chip", COMPILERS)
def test_it_compiles_without_a_warning(headers, tmp_path, chip, tls13):
    command = f"{COMPILERS[chip]} {WARNINGS} -std=gnu99 -Os -DNDEBUG -c".split()
    command += [f"-I{folder}" for folder in headers]
    command += ["-DMP_CONFIGFILE=<mpconfigboard.h>"]
    command += ['-DMBEDTLS_CONFIG_FILE="mbedtls/mbedtls_config_port.h"']
    command += ['-DMBEDTLS_USER_CONFIG_FILE="mbedtls_config_tlsresume.h"']
    command += [f"-DTLSRESUME_WITH_TLS13={tls13}", "-DMICROPY_HEAP_SIZE=1"]
    files = sorted(MODULE.glob("*.c"))
    assert files
    for file in files:
        done = subprocess.run(
            [*command, str(file), "-o", str(tmp_path / "out.o")], capture_output=True, text=True
        )
        assert done.returncode == 0, f"{chip}: {done.stderr}"
