#!/usr/bin/env python3
"""In the place of ESP-IDF's: it lets upstream's CMake find what a board is, and leaves the files
of a build behind, without code in them. IMAGE_SIZE: of the app, in bytes."""

import json
import os
import re
import struct
import subprocess
import sys
from pathlib import Path

# Where the ROM looks for the bootloader, and what ESP-IDF does without a table.
OFFSETS = {"esp32": "0x1000", "esp32s2": "0x1000", "esp32c5": "0x2000", "esp32p4": "0x2000"}


def option(name):
    return [b for a, b in zip(sys.argv, sys.argv[1:]) if a == name]


def number(text):
    units = {"K": 1 << 10, "M": 1 << 20}
    return int(text[:-1], 0) * units[text[-1]] if text[-1] in units else int(text, 0)


def partitions(table):
    """ESP-IDF's binary table of a CSV with an offset in each row."""
    for line in table.splitlines():
        if line.strip() and not line.startswith("#"):
            name, kind, _, start, size, *_ = (field.strip() for field in line.split(","))
            kind = {"app": 0}.get(kind, 1)
            place = number(start or "0"), number(size)
            yield struct.pack("<2sBBII16sI", b"\xaaP", kind, 0, *place, name.encode(), 0)


def main():
    out = Path(*option("-B"))
    if "MICROPY_MPYCROSS" not in os.environ:  # upstream's CMake makes it then, in our BUILD
        sys.exit("undefined reference to `mp_module_string'")
    print("[1/1500] compiling", flush=True)
    (out / "found").unlink(missing_ok=True)
    env = {**os.environ, "IDF_PATH": str(Path(__file__).resolve().parent.parent)}
    defined = [f"-D{value}" for value in option("-D")]
    subprocess.run(["cmake", *defined, "-S", ".", "-B", out], env=env, check=True)
    config = dict(re.findall(r'^(CONFIG_\w+)="?(.*?)"?$', (out / "sdkconfig").read_text(), re.M))
    chip = config["CONFIG_IDF_TARGET"]
    files = {
        "micropython.bin": bytes(int(os.environ.get("IMAGE_SIZE", "1000"))),
        "firmware.bin": b"\xe9" + bytes(255),
        "partition_table/partition-table.bin": b"".join(
            partitions(Path(config["CONFIG_PARTITION_TABLE_CUSTOM_FILENAME"]).read_text())
        ).ljust(0xC00, b"\xff"),
        "flasher_args.json": json.dumps(
            {
                "extra_esptool_args": {"chip": chip},
                "bootloader": {"offset": OFFSETS.get(chip, "0x0")},
            }
        ).encode(),
    }
    for name, content in files.items():
        (out / name).parent.mkdir(exist_ok=True)
        (out / name).write_bytes(content)


main()
