"""The C module compiles without a warning for the chips that nothing here can build for."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import sources

MODULE = sources.ROOT / "firmware" / "tlsresume"
FILES = sorted(MODULE.glob("*.c"))
# Upstream's own warnings, those of the strictest port.
WARNINGS = "-Wall -Wextra -Wno-unused-parameter -Wpointer-arith -Wdouble-promotion"
WARNINGS += " -Wfloat-conversion -Wno-missing-field-initializers -Werror"
PICOLIBC = "-isystem /usr/lib/picolibc/riscv64-unknown-elf/include"
COMPILERS = {
    "ESP32 (Xtensa)": f"xtensa-lx106-elf-gcc {PICOLIBC}",
    "ESP32-C3, C6 (RISC-V)": f"riscv64-unknown-elf-gcc -march=rv32imc -mabi=ilp32 {PICOLIBC}",
    "Cortex-M0": "arm-none-eabi-gcc -mthumb -mcpu=cortex-m0",
    "Cortex-M3": "arm-none-eabi-gcc -mthumb -mcpu=cortex-m3",
    "Cortex-M33": "arm-none-eabi-gcc -mthumb -mcpu=cortex-m33",
    "unix": "gcc",
}


def definitions(chip, tls13):
    """What a port adds for the compiler, by folder or by user module: upstream's CMake does not
    tell the pass that collects names."""
    own = ['-DMBEDTLS_USER_CONFIG_FILE="mbedtls_config_tlsresume.h"']
    own += [f"-DTLSRESUME_WITH_TLS13={tls13}"]
    return own + ["-DESP_PLATFORM"] * chip.startswith("ESP32")


@pytest.fixture(scope="session")
def flags():
    """What every port knows everywhere: include folders, MicroPython's and Mbed TLS's own, and the
    names of a build."""
    from build import build

    generated = build("UNIX").parent
    tree = sources.micropython()
    folders = [tree, tree / "ports/qemu", tree / "lib/mbedtls/include", generated]
    lwip = tree / "lib/lwip/src/include"
    folders += [Path(__file__).parent / "ESP_IDF", lwip, lwip / "compat/posix"]
    folders += [sources.ROOT / "boards/QEMU_MPS2", MODULE]
    return [
        *(f"-I{folder}" for folder in folders),
        "-DMP_CONFIGFILE=<mpconfigboard.h>",
        '-DMBEDTLS_CONFIG_FILE="mbedtls/mbedtls_config_port.h"',
        "-DMICROPY_HEAP_SIZE=1",
    ]


@pytest.mark.parametrize("tls13", (0, 1))
@pytest.mark.parametrize("chip", [chip for chip in COMPILERS if chip != "unix"])
def test_it_compiles_without_a_warning(flags, tmp_path, chip, tls13):
    command = f"{COMPILERS[chip]} {WARNINGS} -std=gnu99 -Os -DNDEBUG -c".split()
    command += [*flags, *definitions(chip, tls13)]
    assert FILES
    for file in FILES:
        done = subprocess.run(
            [*command, str(file), "-o", str(tmp_path / "out.o")], capture_output=True, text=True
        )
        assert done.returncode == 0, f"{chip}: {done.stderr}"


NAMES = re.compile(r"MP_QSTR_\w+")
REGISTERED = re.compile(
    r"MP_REGISTER_(?:ROOT_POINTER|MODULE)\(.*?\);|MP_COMPRESSED_ROM_TEXT\(\"[^\"]*\"\)"
)


def own(preprocessed):
    """The lines of our own files: the headers have the names of all MicroPython."""
    parts = re.split(r'^# \d+ "(.*?)".*\n', preprocessed, flags=re.M)[1:]
    return "".join(text for file, text in zip(parts[::2], parts[1::2]) if Path(file) in FILES)


@pytest.fixture
def collected(flags, tmp_path):
    """What upstream's pass leaves of our files: `collected(compiler, *definitions)`."""

    def collected(compiler, *definitions):
        tool = [sys.executable, sources.micropython() / "py" / "makeqstrdefs.py", "pp"]
        out = tmp_path / "qstr.i.last"
        cflags = [*flags, *definitions, "-DNO_QSTR", "-DMICROPY_ROM_TEXT_COMPRESSION=1"]
        command = [*tool, *compiler.split(), "-E", "output", out, "cflags", *cflags, "cxxflags"]
        subprocess.run([*command, "sources", *FILES, "dependencies"], check=True)
        return own(out.read_text())

    return collected


@pytest.mark.parametrize("tls13", (0, 1))
@pytest.mark.parametrize("chip", COMPILERS)
def test_each_name_is_collected_without_what_the_port_adds(flags, collected, chip, tls13):
    command = [*COMPILERS[chip].split(), "-E", *flags, *definitions(chip, tls13), *FILES]
    compiled = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    without = collected(COMPILERS[chip])
    with_ = collected(COMPILERS[chip], *definitions(chip, tls13))
    assert {"MP_QSTR_adopt", "MP_QSTR_session"} <= set(NAMES.findall(own(compiled)))
    assert set(NAMES.findall(own(compiled))) <= set(NAMES.findall(without))
    assert set(REGISTERED.findall(with_)) <= set(REGISTERED.findall(without))
    assert len(REGISTERED.findall(with_)) > 2
