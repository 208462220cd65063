"""Compile lib/tlsresume to .mpy files in build/mpy, with a package.json to install them."""

import json
import shutil
import subprocess
import sys

import sources

from build import BuildError, build

OUT = sources.BUILD / "mpy"


def bundle():
    """Returns the folder. Raises BuildError, SourceError."""
    build("UNIX")  # and mpy-cross with it
    cross = sources.micropython() / "mpy-cross" / "build" / "mpy-cross"
    shutil.rmtree(OUT, ignore_errors=True)
    (OUT / "tlsresume").mkdir(parents=True)
    package = json.loads((sources.ROOT / "package.json").read_text())
    for entry in package["urls"]:
        source = sources.ROOT / entry[1]
        name = f"tlsresume/{source.stem}.mpy"
        command = [cross, "-O3", "-s", f"tlsresume/{source.name}", "-o", OUT / name, source]
        subprocess.run([*map(str, command)], check=True)
        entry[:] = name, name
    (OUT / "package.json").write_text(json.dumps(package, indent=4) + "\n")
    return OUT


if __name__ == "__main__":
    try:
        folder = bundle()
    except (BuildError, sources.SourceError) as e:
        sys.exit(f"mpy: {e}")
    size = sum(f.stat().st_size for f in folder.glob("tlsresume/*"))
    print(f"{folder}: {size} bytes; mpremote mip install {folder}/package.json")
