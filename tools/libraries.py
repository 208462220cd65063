"""Get the MicroPython libraries that the tests run unmodified, into build/libraries.

From PyPI (tools/libraries.txt), by unearth, since pip wants to build what it downloads; and
requests and mip of micropython-lib, from MicroPython's submodule, or as they come in Debian's
source package of MicroPython.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import sources
from archives import extract
from command import run
from progress import progress

LIST = Path(__file__).with_name("libraries.txt")
FOLDER = sources.BUILD / "libraries"


def libraries():
    """The folder (a Path) that a MicroPython may have in its sys.path. Raises SourceError."""
    stamp = FOLDER / "stamp"
    wanted = LIST.read_text() + sources.PINS.read_text()
    with sources.BUILDING:
        if not (stamp.exists() and stamp.read_text() == wanted):
            shutil.rmtree(FOLDER, ignore_errors=True)
            FOLDER.mkdir(parents=True)
            _from_micropython()
            _from_pypi()
            stamp.write_text(wanted)
    return FOLDER


def _from_pypi():
    wanted = LIST.read_text().split()
    archives = FOLDER / "archives"
    with progress("fetching libraries", len(wanted)) as advance:
        for requirement in wanted:
            command = [sys.executable, "-m", "unearth", "--download", archives, requirement]
            done = subprocess.run([*map(str, command)], capture_output=True, text=True)
            if done.returncode:
                said = "".join(done.stderr.strip().splitlines()[-1:])
                raise sources.SourceError(
                    f"{requirement} cannot be fetched: is there no network? {said}"
                )
            advance()
    for archive in archives.iterdir():
        if archive.suffix == ".whl":
            with zipfile.ZipFile(archive) as z:
                z.extractall(FOLDER)
        else:
            inner = FOLDER / extract(archive, FOLDER)
            # umqtt.robust has a link to a neighbour that is an archive of its own.
            links = [path for path in inner.rglob("*") if path.is_symlink()]
            for link in links:
                link.unlink()
            shutil.copytree(inner, FOLDER, dirs_exist_ok=True)


def _from_micropython():
    submodule = sources.micropython() / "lib" / "micropython-lib"
    packages = [*submodule.glob("*/requests/requests"), *submodule.glob("*/mip/mip")]
    for package in packages:
        shutil.copytree(package, FOLDER / package.name)
    if not packages:
        _from_debian()


def _from_debian():
    """Debian adds requests and mip as a patch of new files: their lines, each behind a plus."""
    sources.pinned()
    archives = sources.BUILD / "src" / "archives"
    archive = max(archives.glob("micropython_*.debian.tar.*"))
    with tarfile.open(archive) as tar:
        patch = tar.extractfile("debian/patches/mip.patch").read().decode()
    for name, lines in re.findall(
        r"^\+\+\+ b/\S+?/(\w+/__init__\.py)\n((?:[^-].*\n)*)", patch, re.M
    ):
        file = FOLDER / name
        file.parent.mkdir(exist_ok=True)
        file.write_text("".join(re.findall(r"^\+(.*\n)", lines, re.M)))


def main():
    argparse.ArgumentParser(description=__doc__).parse_args()
    print(libraries())


if __name__ == "__main__":
    run(main)
