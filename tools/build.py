"""Build the firmware of a board."""

import argparse
import os
import shutil
import subprocess

import esp32
import sources
import versions
from command import ToolError, run
from progress import console, progress

ROOT = sources.ROOT
BOARDS = ROOT / "boards"


class BuildError(ToolError):
    """What failed, where the log is."""


def build(board, *arguments, name=None):
    """Build `board`, a folder of boards/ or one of upstream's ESP32 boards, with arguments for
    make into build/`name`; if None into build/BOARD, or with the argument BOARD_VARIANT=VARIANT
    into build/BOARD-VARIANT. Returns the Path of the firmware.

    Only what changed is compiled. Raises BuildError, SourceError, ESP32Error.
    """
    if not board:
        known = ", ".join(names())
        raise BuildError(f"name the board: BOARD=..., of {known}, or {esp32.ANY}")
    if board not in names():
        return _build_esp32(board, name, *arguments)
    name = name or "-".join([board, *_variant(board, arguments)])
    with sources.BUILDING:
        return _build(board, name, *arguments)


def _build_esp32(board, name, *arguments):
    tree = sources.micropython()
    if board not in esp32.boards(tree):
        known = ", ".join([*names(), *esp32.boards(tree)])
        raise BuildError(f"no board {board}: BOARD=..., of {known}")
    variant = esp32.variant(board, tree, arguments)
    esp32.check(tree)
    name = name or "-".join(part for part in (board, variant) if part)
    tree = sources.checkout()
    folder(name, tree, board, *arguments, os.environ.get("IDF_PATH"))
    return esp32.build(board, tree, *arguments, name=name)


def folder(name, tree, *options):
    """The folder build/`name` (a Path) for what is made from `tree` with `options`: what was made
    there from another tree, another release or with other options is removed before."""
    out = sources.BUILD / name
    stamp = out / "stamp"
    pins = tree / sources.STAMP
    made_from = [str(tree), versions.describe(tree), *map(str, options)]
    made_from += [pins.read_text()] if pins.exists() else []
    text = "\n".join(made_from)
    if not (stamp.exists() and stamp.read_text() == text):
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        stamp.write_text(text)
    return out


def names(pattern="*"):
    """The boards' names, sorted, of those that match."""
    return sorted(folder.name for folder in BOARDS.glob(pattern) if folder.is_dir())


def _build(board, name, *arguments):
    tree = sources.micropython()
    out = folder(name, tree, board, *arguments)
    if warning := versions.warning(tree):
        console.print(warning, soft_wrap=True)
    _make(tree, out, "mpy-cross", "-C", tree / "mpy-cross")
    if board == "UNIX":
        port = [f"VARIANT_DIR={BOARDS / board}", f"VARIANT={board}", "MICROPY_STANDALONE=0"]
        _make(tree, out, name, "-C", tree / "ports" / "unix", f"BUILD={out}", *port, *arguments)
        return out / "micropython"
    port = [f"BOARD_DIR={BOARDS / board}", f"BOARD={board}"]
    _make(tree, out, name, "-C", tree / "ports" / "qemu", f"BUILD={out}", *port, *arguments)
    return out / "firmware.elf"


def _variant(board, arguments):
    """The variant that is asked for, in a list; an empty one for the board itself."""
    variants = [a.removeprefix("BOARD_VARIANT=") for a in arguments if "BOARD_VARIANT=" in a]
    for variant in variants:
        if not list((BOARDS / board).glob(f"mpconfigvariant_{variant}.*")):
            raise BuildError(f"{board} has no variant {variant}")
    return variants


def ssl_server2():
    """Build Mbed TLS's test server; returns its Path. Raises BuildError, SourceError."""
    makefile = ROOT / "tools" / "ssl_server2.mk"
    with sources.BUILDING:
        tree = sources.micropython()
        out = folder("ssl_server2", tree)
        mbedtls = tree / "lib" / "mbedtls"
        _make(tree, out, "ssl_server2", "-C", out, "-f", makefile, f"MBEDTLS={mbedtls}")
    return out / "ssl_server2"


def _make(tree, out, title, *arguments):
    log = out / f"{title}.log"
    command = ["make", f"-j{os.cpu_count()}", *map(str, arguments)]
    steps = _last_steps(log)
    process = subprocess.Popen(
        command,
        cwd=tree,
        env=sources.environment(tree),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    with log.open("w") as f, process, progress(f"building {title}", steps) as advance:
        for line in process.stdout:
            f.write(line)
            if line.startswith("CC "):
                advance()
    if process.returncode:
        lines = log.read_text().splitlines()
        told = [line for line in lines if "error" in line.lower()][:8] or lines[-8:]
        raise BuildError("\n".join([f"{title} does not build:", *told, f"see {log}"]))


def _last_steps(log):
    """How many files the last build compiled, as a guess for this one; a first build: 380."""
    return log.read_text().count("\nCC ") or 1 if log.exists() else 380


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "board", metavar="BOARD", nargs="?", help="of boards/, or upstream's ESP32 ones"
    )
    parser.add_argument("arguments", nargs="*", help="for make, such as BOARD_VARIANT=TLS13")
    args = parser.parse_args()
    console.print(f"{build(args.board, *args.arguments)}", soft_wrap=True)


if __name__ == "__main__":
    run(main)
