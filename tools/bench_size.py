"""What tlsresume takes of a board's flash, on Cortex-M3: from symbols, and from builds without."""

import re
import subprocess

from sources import micropython

from build import build

# What a client that keeps its sessions in RAM imports; the others are imported on demand.
CLIENT = "__init__ cache clock config context entry harvest lock pem session".split()


def figures(firmware, tls13):
    """`{name: bytes}`; `firmware` and the same with TLS 1.3 are built already."""
    client = build("QEMU_MPS2", "TLSRESUME_SERVER=0", name="QEMU_MPS2_CLIENT")
    modules = bytecode(firmware)
    return {
        "C module: text": text(*(firmware.parent / "tlsresume").glob("*.o")),
        "C module for clients alone: text": text(*(client.parent / "tlsresume").glob("*.o")),
        "C module with TLS 1.3: text": text(*(tls13.parent / "tlsresume").glob("*.o")),
        "bytecode, whole package": sum(modules.values()),
        "bytecode, what a client imports": sum(modules[name] for name in CLIENT),
        "TLS 1.3, with Mbed TLS's": text(tls13) - text(firmware),
    }


def without():
    """The firmware without tlsresume, and without the package alone: `{name: bytes}`."""
    asyncio = f"FROZEN_MANIFEST={micropython() / 'extmod/asyncio/manifest.py'}"
    full = text(build("QEMU_MPS2"))
    return {
        "package, with its names and tables": full
        - text(build("QEMU_MPS2", asyncio, name="QEMU_MPS2_MODULE")),
        "all of tlsresume, with Mbed TLS's tickets and fast curves": full
        - text(build("QEMU_MPS2", asyncio, "USER_C_MODULES=", name="QEMU_MPS2_PLAIN")),
    }


def text(*files):
    """Bytes of code and constants in object files or a firmware."""
    command = ["arm-none-eabi-size", "-t", *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(done.stdout.splitlines()[-1].split()[0])


def bytecode(firmware):
    """Bytes of bytecode a module of the package, names and constants aside."""
    command = ["arm-none-eabi-nm", "-S", str(firmware.parent / "frozen_content.o")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    sizes = {}
    for size, name in re.findall(r"^\w+ (\w+) \w fun_data_tlsresume_(\w+)$", done.stdout, re.M):
        module = re.match(r"__init__|[a-z0-9]+", name)[0]
        sizes[module] = sizes.get(module, 0) + int(size, 16)
    return sizes
