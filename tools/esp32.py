"""Build for ESP32 boards, with ESP-IDF or in its container."""

import csv
import os
import re
import shutil
import subprocess
from pathlib import Path

from progress import console, progress

IDF_VERSIONS = ((5, 2), (5, 5))
IMAGE = "espressif/idf:v5.4.2"
HOW = """{what}. Do one of these, and run the same command again:
  - install ESP-IDF 5.2 to 5.5 (its Getting Started guide), then: . $IDF_PATH/export.sh
  - install docker: the build then runs in the container {image}"""


class ESP32Error(Exception):
    """Why an ESP32 board does not build, and what to do."""


def build(board, tree, *arguments):
    """Build `board` from the MicroPython `tree`; returns the Path of build/BOARD/firmware.bin.

    `arguments` are for make, such as BOARD_VARIANT=TLS13. Raises ESP32Error.
    """
    root = Path(__file__).resolve().parent.parent
    _check_libraries(tree)
    out = root / "build" / board
    out.mkdir(parents=True, exist_ok=True)
    make = ["make", "-C", tree / "ports" / "esp32", f"BOARD_DIR={root / 'boards' / board}"]
    make += [f"BUILD={out}", *arguments]
    cross = ["make", "-C", tree / "mpy-cross"]
    for command in (cross, make):
        _run(_in_idf(command, root, tree), out / f"{board}.log", f"building {board}")
    _check_size(out, tree)
    return out / "firmware.bin"


def _check_libraries(tree):
    if not (tree / "lib" / "micropython-lib" / "python-stdlib").exists():
        raise ESP32Error(
            f"{tree} has no micropython-lib, which ESP32's firmware freezes modules of. Take a "
            "git checkout: git clone --branch v1.25.0 <MicroPython's repository> DIR; "
            "make -C DIR/ports/esp32 submodules; then set MICROPYTHON=DIR"
        )


def _in_idf(command, root, tree):
    """`command` as it runs in ESP-IDF's environment. Raises ESP32Error where there is none."""
    command = [str(part) for part in command]
    idf = os.environ.get("IDF_PATH")
    if idf:
        _check_version(Path(idf))
        if not shutil.which("idf.py"):
            raise ESP32Error(f"ESP-IDF is not in the PATH: . {idf}/export.sh")
        return command
    if shutil.which("docker"):
        folders = [f"--volume={folder}:{folder}" for folder in {str(root), str(tree)}]
        return ["docker", "run", "--rm", *folders, f"--workdir={root}", IMAGE, *command]
    raise ESP32Error(HOW.format(what="neither IDF_PATH nor docker is there", image=IMAGE))


def _check_version(idf):
    text = (idf / "tools" / "cmake" / "version.cmake").read_text()
    version = tuple(
        int(re.search(rf"IDF_VERSION_{part} (\d+)", text)[1]) for part in ("MAJOR", "MINOR")
    )
    if not IDF_VERSIONS[0] <= version <= IDF_VERSIONS[1]:
        named = ".".join(map(str, version))
        raise ESP32Error(HOW.format(what=f"{idf} is ESP-IDF {named}", image=IMAGE))


def _run(command, log, title):
    with log.open("w") as f, progress(title):
        done = subprocess.run(command, stdout=f, stderr=subprocess.STDOUT)
    if done.returncode:
        told = [x for x in log.read_text().splitlines() if "error" in x.lower()][:8]
        raise ESP32Error("\n".join([f"{title} failed:", *told, f"see {log}"]))


def _check_size(out, tree):
    size = (out / "micropython.bin").stat().st_size
    room = app_size(tree / "ports" / "esp32" / _partitions(out / "sdkconfig"))
    if size > room:
        raise ESP32Error(f"the image has {size} bytes, the app partition {room}")
    console.print(f"{size} of {room} bytes of the app partition ({100 * size // room} %)")


def _partitions(sdkconfig):
    return re.search(r'^CONFIG_PARTITION_TABLE_FILENAME="(.*)"', sdkconfig.read_text(), re.M)[1]


def app_size(table):
    """The size in bytes of the smallest app partition in a partition table (CSV)."""
    lines = (line for line in table.read_text().splitlines() if not line.startswith("#"))
    rows = [[field.strip() for field in row] for row in csv.reader(lines)]
    return min(_bytes(row[4]) for row in rows if len(row) > 4 and row[1] == "app")


def _bytes(text):
    units = {"K": 1 << 10, "M": 1 << 20}
    return int(text[:-1], 0) * units[text[-1]] if text[-1] in units else int(text, 0)
