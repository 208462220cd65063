"""Build for ESP32 boards, with ESP-IDF or in its container."""

import csv
import os
import re
import shutil
import subprocess
from pathlib import Path

import sources
from command import ToolError
from progress import console, progress

IDF_VERSIONS = ((5, 2), (5, 5))
HOW = """{what}. Do one of these, and run the same command again:
  - install ESP-IDF 5.2 to 5.5 (its Getting Started guide), then: . its folder/export.sh
  - install docker: the build then runs in the container espressif/idf"""


class ESP32Error(ToolError):
    """Why an ESP32 board does not build, and what to do."""


def build(board, tree, *arguments, name=None):
    """Build `board`, after check(), from the checkout `tree` into build/`name` (the board's own if
    None); returns the Path of the image, firmware.bin.

    `arguments` are for upstream's make. Raises ESP32Error.
    """
    name = name or board
    out = sources.BUILD / name
    out.mkdir(parents=True, exist_ok=True)
    make = [] if os.environ.get("IDF_PATH") else _container(tree)
    make += ["make", "-C"]
    _run([*make, str(tree / "mpy-cross")], out / "mpy-cross.log", "building mpy-cross")
    make += [str(tree / "ports" / "esp32"), f"BOARD_DIR={sources.ROOT / 'boards' / board}"]
    _run([*make, f"BUILD={out}", *arguments], out / f"{name}.log", f"building {name}")
    _check_size(out, tree)
    return out / "firmware.bin"


def check():
    """Raises ESP32Error where neither ESP-IDF nor docker is there to build with."""
    idf = os.environ.get("IDF_PATH")
    if not idf:
        if not shutil.which("docker"):
            raise ESP32Error(HOW.format(what="neither IDF_PATH nor docker is there"))
        return
    version = _version(Path(idf))
    if version is None:
        raise ESP32Error(HOW.format(what=f"IDF_PATH={idf} is no ESP-IDF"))
    if not IDF_VERSIONS[0] <= version <= IDF_VERSIONS[1]:
        raise ESP32Error(HOW.format(what="{} is ESP-IDF {}.{}".format(idf, *version)))
    if not shutil.which("idf.py"):
        raise ESP32Error(f"ESP-IDF is not in the PATH: . {idf}/export.sh")


def _version(idf):
    """(major, minor), or None for what is no ESP-IDF."""
    try:
        text = (idf / "tools" / "cmake" / "version.cmake").read_text()
    except OSError:
        return None
    return tuple(
        int(re.search(rf"IDF_VERSION_{part} (\d+)", text)[1]) for part in ("MAJOR", "MINOR")
    )


def image(tree):
    """The container (str) with the ESP-IDF that this release of MicroPython recommends, or the
    newest that it supports."""
    readme = (tree / "ports" / "esp32" / "README.md").read_text()
    recommended = re.search(r"recommended\s+version\s[^.]*?\b(v\d+\.[\d.]*\d)", readme)
    if recommended:
        return f"espressif/idf:{recommended[1]}"
    supported = re.search(r"MicroPython supports (.*)", readme)[1]
    return "espressif/idf:" + re.findall(r"v[\d.]*\d", supported)[-1]


def _container(tree):
    """What to put before a command (a list), to run it in the container; the user's files stay
    the user's."""
    folders = [f"--volume={folder}:{folder}" for folder in sorted({str(sources.ROOT), str(tree)})]
    user = [f"--user={os.getuid()}:{os.getgid()}", "--env=HOME=/tmp"]
    return ["docker", "run", "--rm", *user, *folders, image(tree)]


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
