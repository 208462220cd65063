"""Compile lib/tlsresume to .mpy files in build/mpy, with a package.json to install them."""

import argparse
import json
import shutil
import subprocess

import sources
from command import run

from build import build

OUT = sources.BUILD / "mpy"


def bundle(out=OUT):
    """Fill the folder `out` (a Path), and return it. Raises BuildError, SourceError."""
    build("UNIX")  # and mpy-cross with it
    cross = sources.micropython() / "mpy-cross" / "build" / "mpy-cross"
    shutil.rmtree(out, ignore_errors=True)
    (out / "tlsresume").mkdir(parents=True)
    package = json.loads((sources.ROOT / "package.json").read_text())
    for entry in package["urls"]:
        source = sources.ROOT / entry[1]
        name = f"tlsresume/{source.stem}.mpy"
        command = [cross, "-O3", "-s", f"tlsresume/{source.name}", "-o", out / name, source]
        subprocess.run([*map(str, command)], check=True)
        entry[:] = name, name
    (out / "package.json").write_text(json.dumps(package, indent=4) + "\n")
    return out


def main():
    argparse.ArgumentParser(description=__doc__).parse_args()
    folder = bundle()
    size = sum(f.stat().st_size for f in folder.glob("tlsresume/*"))
    print(f"{folder}: {size} bytes; mpremote mip install {folder}/package.json")


if __name__ == "__main__":
    run(main)
