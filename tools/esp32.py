"""Build for ESP32 boards, with ESP-IDF or in its container."""

import csv
import os
import re
import shutil
import subprocess
from pathlib import Path

import sources
from progress import console, progress

IDF_VERSIONS = ((5, 2), (5, 5))
HOW = """{what}. Do one of these, and run the same command again:
  - install ESP-IDF 5.2 to 5.5 (its Getting Started guide), then: . $IDF_PATH/export.sh
  - install docker: the build then runs in the container {image}"""


class ESP32Error(Exception):
    """Why an ESP32 board does not build, and what to do."""


def build(board, tree, *arguments):
    """Build `board` from the checkout `tree` into build/BOARD, or for the argument
    BOARD_VARIANT=NAME into build/BOARD-NAME; returns the Path of the image, firmware.bin.

    `arguments` are for upstream's make. Raises ESP32Error.
    """
    # Each variant has a folder of its own: CMake and sdkconfig keep what they were told first.
    variant = [a.removeprefix("BOARD_VARIANT=") for a in arguments if "BOARD_VARIANT=" in a]
    name = "-".join([board, *variant])
    out = sources.BUILD / name
    environment = _idf(tree)
    out.mkdir(parents=True, exist_ok=True)
    make = [*environment, "make", "-C"]
    _run([*make, str(tree / "mpy-cross")], out / "mpy-cross.log", "building mpy-cross")
    make += [str(tree / "ports" / "esp32"), f"BOARD_DIR={sources.ROOT / 'boards' / board}"]
    _run([*make, f"BUILD={out}", *arguments], out / f"{name}.log", f"building {name}")
    _check_size(out, tree)
    return out / "firmware.bin"


def image(tree):
    """The container (str) with the newest ESP-IDF that this release of MicroPython supports."""
    readme = (tree / "ports" / "esp32" / "README.md").read_text()
    supported = re.search(r"MicroPython supports (.*)", readme)[1]
    return "espressif/idf:" + re.findall(r"v[\d.]*\d", supported)[-1]


def _idf(tree):
    """What runs a command in ESP-IDF's environment: a list to put before it.

    Raises ESP32Error where there is none.
    """
    idf = os.environ.get("IDF_PATH")
    if idf:
        _check_version(Path(idf), tree)
        if not shutil.which("idf.py"):
            raise ESP32Error(f"ESP-IDF is not in the PATH: . {idf}/export.sh")
        return []
    if not shutil.which("docker"):
        raise _unusable("neither IDF_PATH nor docker is there", tree)
    folders = [f"--volume={folder}:{folder}" for folder in sorted({str(sources.ROOT), str(tree)})]
    # What is made belongs to the user, not to root.
    user = [f"--user={os.getuid()}:{os.getgid()}", "--env=HOME=/tmp"]
    return ["docker", "run", "--rm", *user, *folders, image(tree)]


def _check_version(idf, tree):
    try:
        text = (idf / "tools" / "cmake" / "version.cmake").read_text()
    except OSError:
        raise _unusable(f"IDF_PATH={idf} is no ESP-IDF", tree)
    version = tuple(
        int(re.search(rf"IDF_VERSION_{part} (\d+)", text)[1]) for part in ("MAJOR", "MINOR")
    )
    if not IDF_VERSIONS[0] <= version <= IDF_VERSIONS[1]:
        named = ".".join(map(str, version))
        raise _unusable(f"{idf} is ESP-IDF {named}", tree)


def _unusable(what, tree):
    return ESP32Error(HOW.format(what=what, image=image(tree)))


def _run(command, log, title):
    process = subprocess.Popen(
        command,
        env=sources.environment(),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    with log.open("w") as f, process, progress(title, 100) as advance:
        shown = 0
        for line in process.stdout:
            f.write(line)
            done = percent(line)
            if done > shown:
                advance(done - shown)
                shown = done
    if process.returncode:
        lines = log.read_text().splitlines()
        told = [x for x in lines if re.search(r"[Ee]rror:|CMake Error", x)][:8] or lines[-8:]
        raise ESP32Error("\n".join([f"{title} failed:", *told, f"see {log}"]))


def percent(line):
    """How much is done, by one of ninja's lines, `[STEP/STEPS] ...`; 0 for any other line."""
    step = re.match(r"\[(\d+)/(\d{4,})\]", line)  # fewer steps: the bootloader's own count
    return 100 * int(step[1]) // int(step[2]) if step else 0


def _check_size(out, tree):
    size = (out / "micropython.bin").stat().st_size
    room = app_size(tree / "ports" / "esp32" / _partitions(out / "sdkconfig"))
    if size > room:
        raise ESP32Error(
            f"the image has {size} bytes, the app partition {room}: freeze fewer modules, or"
            " give the board a larger partition table"
        )
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
