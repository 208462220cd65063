"""Build for ESP32 boards, any of upstream's, with ESP-IDF or in its container."""

import json
import os
import re
import shutil
import struct
import subprocess
from pathlib import Path

import sources
from command import ToolError
from progress import console, progress

OURS = sources.ROOT / "firmware" / "esp32"
ANY = "one of upstream's ESP32 boards, such as ESP32_GENERIC"
HOW = """{what}. Do one of these, and run the same command again:
  - install ESP-IDF {versions} (its Getting Started guide), then: . its folder/export.sh
  - install docker: the build then runs in the container espressif/idf"""


class ESP32Error(ToolError):
    """Why an ESP32 board does not build, and what to do."""


def boards(tree):
    """The names of upstream's boards in the checkout `tree`, sorted."""
    found = (tree / "ports" / "esp32" / "boards").glob("*/mpconfigboard.cmake")
    return sorted(p.parent.name for p in found)


def build(board, tree, *arguments, name=None):
    """Build `board`, one of boards(tree), after check(), from the checkout `tree` into
    build/`name` (the board's own if None); returns the Path of the image, firmware.bin.

    `arguments` are for upstream's make; BOARD_VARIANT=A-B joins variants, upstream's and ours.
    Raises ESP32Error.
    """
    name = name or board
    out = sources.BUILD / name
    out.mkdir(parents=True, exist_ok=True)
    folder = _board(board, tree, variant(board, tree, arguments), out / "board")
    # Without this, ESP-IDF's build would make it anew, and in our BUILD.
    cross = tree / "mpy-cross"
    env = {"MICROPY_MPYCROSS": str(cross / "build" / "mpy-cross")}
    make = [] if os.environ.get("IDF_PATH") else _container(tree, env)
    make += ["make", "-C"]
    _run([*make, str(cross)], env, out / "mpy-cross.log", "building mpy-cross")
    make += [str(tree / "ports" / "esp32"), f"BOARD={board}", f"BOARD_DIR={folder}"]
    _run([*make, f"BUILD={out}", *arguments], env, out / f"{name}.log", f"building {name}")
    _check_size(out)
    return out / "firmware.bin"


def variants(board, tree):
    """The names of a board's variants, upstream's and ours, sorted."""
    files = [*_upstream(board, tree).glob("mpconfigvariant_*"), *OURS.glob("mpconfigvariant_*")]
    return sorted({file.stem.partition("_")[2] for file in files})


def variant(board, tree, arguments):
    """The variant that the `arguments` for make ask for, "" for none. Raises ESP32Error."""
    asked = "".join(a.removeprefix("BOARD_VARIANT=") for a in arguments if "BOARD_VARIANT=" in a)
    unknown = set(asked.split("-")) - {"", *variants(board, tree)}
    if unknown:
        names = ", ".join(variants(board, tree))
        raise ESP32Error(f"{board} has no variant {', '.join(unknown)}: {names}")
    return asked


def _upstream(board, tree):
    return tree / "ports" / "esp32" / "boards" / board


def _board(board, tree, variant, folder):
    """Make `folder`: upstream's board, with a variant that adds what is ours, after all else."""
    upstream = _upstream(board, tree)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for file in upstream.iterdir():
        if not file.name.startswith("mpconfigvariant"):
            (folder / file.name).symlink_to(file)
    parts = [_variant_file(part) for part in variant.split("-")]
    files = [upstream / part for part in parts]
    files += [OURS.with_suffix(".cmake"), *(OURS / part for part in parts)]
    text = "".join(f"include({file})\n" for file in files if file.exists())
    (folder / _variant_file(variant)).write_text(text)
    return folder


def _variant_file(variant):
    return f"mpconfigvariant_{variant}.cmake" if variant else "mpconfigvariant.cmake"


def check(tree):
    """Raises ESP32Error where neither docker nor an ESP-IDF that MicroPython in `tree` supports
    is there to build with."""
    idf = os.environ.get("IDF_PATH")
    if not idf:
        if not shutil.which("docker"):
            raise _how("neither IDF_PATH nor docker is there", tree)
        return
    version = version_of(idf)
    if version is None:
        raise _how(f"IDF_PATH={idf} is no ESP-IDF", tree)
    supported = versions(tree)
    if supported and not supported[0][:2] <= version[:2] <= supported[-1][:2]:
        raise _how("{} is ESP-IDF {}.{}".format(idf, *version), tree)
    if not shutil.which("idf.py"):
        raise ESP32Error(f"ESP-IDF is not in the PATH: . {idf}/export.sh")


def _how(what, tree):
    supported = versions(tree) or [(5, 2)]
    names = " to ".join("{}.{}".format(*v) for v in (supported[0], supported[-1]))
    return ESP32Error(HOW.format(what=what, versions=names))


def version_of(idf):
    """(major, minor, patch) of the ESP-IDF in the folder `idf`, or None for what is none."""
    try:
        text = (Path(idf) / "tools" / "cmake" / "version.cmake").read_text()
    except OSError:
        return None
    return tuple(
        int(re.search(rf"IDF_VERSION_{part} (\d+)", text)[1])
        for part in ("MAJOR", "MINOR", "PATCH")
    )


def _readme(tree):
    return (tree / "ports" / "esp32" / "README.md").read_text()


def versions(tree):
    """The versions of ESP-IDF that MicroPython supports: those that its README names, as sorted
    tuples."""
    found = re.findall(r"\bv(\d+\.\d+(?:\.\d+)?)\b", _readme(tree))
    return sorted({tuple(map(int, version.split("."))) for version in found})


def image(tree):
    """The container (str) with the ESP-IDF that this release of MicroPython recommends, else
    with the newest that it supports. Raises ESP32Error."""
    recommended = re.search(r"recommended\s+version\s[^.]*?\bv(\d+\.[\d.]*\d)", _readme(tree))
    if recommended:
        return f"espressif/idf:v{recommended[1]}"
    if not versions(tree):
        raise ESP32Error(
            f"{tree}/ports/esp32/README.md names no version of ESP-IDF: install the one that this"
            " MicroPython wants, then: . its folder/export.sh"
        )
    return "espressif/idf:v" + ".".join(map(str, versions(tree)[-1]))


def _container(tree, env):
    """What to put before a command (a list), to run it in the container; the user's files stay
    the user's."""
    folders = [f"--volume={folder}:{folder}" for folder in sorted({str(sources.ROOT), str(tree)})]
    user = [f"--user={os.getuid()}:{os.getgid()}", "--env=HOME=/tmp"]
    variables = [f"--env={name}={value}" for name, value in env.items()]
    return ["docker", "run", "--rm", *user, *variables, *folders, image(tree)]


def _run(command, env, log, title):
    process = subprocess.Popen(
        command,
        env=sources.environment() | env,
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
        told = why(log.read_text().splitlines())
        raise ESP32Error("\n".join([f"{title} failed:", *told, f"see {log}"]))


def why(lines):
    """What a person needs of a failed build's output: the lines of the compiler, of the linker,
    and of CMake with what follows; else the last."""
    told, cmake = [], False
    for line in lines:
        cmake = line.startswith("CMake Error") or cmake and line[:1] in ("", " ")
        if (
            cmake
            and line.strip()
            or re.search(
                r"[Ee]rror:|undefined reference|multiple definition|will not fit|overflowed by",
                line,
            )
        ):
            told.append(line)
    return told[:12] or lines[-8:]


def percent(line):
    """How much is done, by one of ninja's lines, `[STEP/STEPS] ...`; 0 for any other line."""
    step = re.match(r"\[(\d+)/(\d{4,})\]", line)  # fewer steps: the bootloader's own count
    return 100 * int(step[1]) // int(step[2]) if step else 0


def layout(image):
    """(chip, offset) of an image that was built: its chip's name and where in the flash it
    begins, both as esptool takes them."""
    told = json.loads((image.parent / "flasher_args.json").read_text())
    return told["extra_esptool_args"]["chip"], told["bootloader"]["offset"]


def sizes(out):
    """(size, room): the app that was built in `out`, and its partition, in bytes."""
    table = (out / "partition_table" / "partition-table.bin").read_bytes()
    return (out / "micropython.bin").stat().st_size, app_size(table)


def _check_size(out):
    size, room = sizes(out)
    if size > room:
        raise ESP32Error(
            f"the image has {size} bytes, the app partition {room}: freeze fewer modules, or"
            " give the board a larger partition table"
        )
    console.print(f"{size} of {room} bytes of the app partition ({100 * size // room} %)")


def app_size(table):
    """The size in bytes of the app partition that upstream's image fills, the first in ESP-IDF's
    table: 32 bytes an entry, of a magic number, type (0: app), subtype, offset, size and name."""
    entries = struct.iter_unpack("<2sBBII20x", table)
    return next(size for magic, kind, _, _, size in entries if magic == b"\xaaP" and kind == 0)
