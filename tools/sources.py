"""Get the pinned sources of MicroPython, Mbed TLS and lwIP into build/src/micropython.

They are the upstream archives inside Debian's source packages, fetched by a private apt
configuration that leaves the system's own untouched, from its mirror, signatures checked; where
there is none, MicroPython's git tag with its submodules. A second run needs no network.
MICROPYTHON=DIR uses a checkout of one's own instead.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import tomllib
from command import ToolError, run
from filelock import FileLock
from mirrors import mirrors
from progress import console, progress

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
PINS = ROOT / "firmware" / "sources.toml"
PINNED = BUILD / "src" / "micropython"
CHECKOUT = BUILD / "src" / "checkout"
SUBMODULES = ("lib/mbedtls", "lib/lwip", "lib/micropython-lib")
ESP32_SUBMODULES = ("lib/berkeley-db-1.xx", "lib/micropython-lib", "lib/tinyusb")
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


# For whoever makes something in build/: processes take turns, calls within one may nest.
BUILD.mkdir(exist_ok=True)
BUILDING = FileLock(BUILD / "lock")


class SourceError(ToolError):
    """What is wrong with the sources, and what to do about it."""


class Unreachable(SourceError):
    """A place that the sources might have come from."""


def micropython():
    """The MicroPython tree to build (a Path), fetched if need be. Raises SourceError."""
    own = os.environ.get("MICROPYTHON")
    if own:
        return _checked(Path(own).resolve())
    return _fetched(PINNED, _fetch)


def checkout():
    """A git checkout of MicroPython with the submodules that ESP32's firmware takes code from
    (a Path), cloned if need be. Raises SourceError."""
    own = os.environ.get("MICROPYTHON")
    tree = _checked(Path(own).resolve()) if own else _fetched(CHECKOUT, _clone)
    empty = " ".join(name for name in ESP32_SUBMODULES if not any((tree / name).glob("*")))
    if empty:
        raise SourceError(f"{tree} lacks code: git -C {tree} submodule update --init {empty}")
    return tree


def environment():
    """The environment (dict) to build MicroPython in: without the variables of our own make."""
    ours = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "BOARD", "PORT", "VARIANT")
    env = {name: value for name, value in os.environ.items() if name not in ours}
    if "MICROPYTHON" not in env:
        # Without this MicroPython names our own repository's commit as its version.
        env["MICROPY_GIT_TAG"] = env["MICROPY_GIT_HASH"] = pinned_tag()
    return env


def pinned_tag():
    """The release of the pinned sources, as git would name it (str)."""
    return tomllib.loads(PINS.read_text())["micropython"]["tag"]


def _checked(tree):
    if " " in str(tree):
        raise SourceError(f"MICROPYTHON={tree}: make cannot build in a path with a space")
    if not (tree / "py" / "mpconfig.h").exists():
        raise SourceError(f"MICROPYTHON={tree} is no MicroPython checkout")
    if not (tree / "lib" / "mbedtls" / "library").exists():
        raise SourceError(
            f"{tree}/lib/mbedtls is empty: git -C {tree} submodule update --init lib/mbedtls"
        )
    return tree


def _fetched(tree, fetch):
    """`tree`, by `fetch(pins, folder)` unless it is there and of these pins."""
    stamp = tree / ".tlsresume-sources"
    pins = PINS.read_text()
    with BUILDING:
        if not (stamp.exists() and stamp.read_text() == pins):
            aside = tree.with_name("unpacking")
            for folder in (tree, aside):
                shutil.rmtree(folder, ignore_errors=True)
            aside.parent.mkdir(parents=True, exist_ok=True)
            fetch(tomllib.loads(pins), aside)
            aside.rename(tree)
            stamp.write_text(pins)
    return tree


def _clone(pins, aside):
    _from_git(pins["micropython"], aside, {*SUBMODULES, *ESP32_SUBMODULES})


def _fetch(pins, aside):
    try:
        _from_debian(pins, aside)
    except Unreachable as e:
        console.print(f"note: {e}\nMicroPython's git repository it is, then.", soft_wrap=True)
        _from_git(pins["micropython"], aside, SUBMODULES)
    # Manifests with require() look for this file.
    (aside / "lib" / "micropython-lib").mkdir(exist_ok=True)
    (aside / "lib" / "micropython-lib" / "README.md").touch()


def _from_debian(pins, aside):
    archives = BUILD / "src" / "archives"
    archives.mkdir(parents=True, exist_ok=True)
    wanted = {name: _archive(archives, name, pin) for name, pin in pins.items()}
    if not all(wanted.values()):
        with progress("fetching source packages", len(pins) + 1) as advance:
            env = _private_apt(pins["micropython"]["suite"])
            advance()
            for name in pins:
                _run(["apt-get", "source", "--download-only", name], env, archives)
                advance()
        wanted = {name: _archive(archives, name, pin) for name, pin in pins.items()}
    with progress("unpacking sources", len(pins)) as advance:
        for name, pin in pins.items():
            if wanted[name] is None:
                raise SourceError(f"{name} {pin['version']} is not in suite {pin['suite']}")
            place = aside / pin["place"]
            shutil.rmtree(place, ignore_errors=True)
            _unpack(wanted[name], place)
            advance()


def _archive(archives, name, pin):
    """The archive of a pin in `archives`, or None. A hash that differs is an error; another
    release of the same series came through apt's signature check, and is named."""
    exact = sorted(archives.glob(f"{name}_{pin['version']}*.orig.tar.*"))
    if exact:
        if hashlib.sha256(exact[0].read_bytes()).hexdigest() != pin["sha256"]:
            exact[0].unlink()
            raise SourceError(f"{exact[0].name} is not the pinned one; it was removed, run again")
        return exact[0]
    series = pin["version"].rpartition(".")[0]
    other = sorted(archives.glob(f"{name}_{series}.*.orig.tar.*"))
    if other:
        console.print(f"note: {other[-1].name} stands in for {name} {pin['version']}")
        return other[-1]
    return None


def _private_apt(suite):
    """The environment for an apt that knows the one suite's sources, of the first mirror that has
    them, and nothing else. Raises Unreachable."""
    home = BUILD / "apt"
    for folder in ("lists/partial", "cache/archives/partial"):
        (home / folder).mkdir(parents=True, exist_ok=True)
    (home / "apt.conf").write_text(
        f'Dir::Etc::sourcelist "{home}/sources.list";\n'
        'Dir::Etc::sourceparts "/dev/null";\n'
        f'Dir::State::lists "{home}/lists";\n'
        f'Dir::Cache "{home}/cache";\n'
        'Acquire::Languages "none";\n'
        'APT::Sandbox::User "root";\n'
        'APT::Update::Error-Mode "any";\n'
    )
    env = dict(os.environ, APT_CONFIG=str(home / "apt.conf"))
    said = []
    for uri in mirrors():
        (home / "sources.list").write_text(f"deb-src [signed-by={KEYRING}] {uri} {suite} main\n")
        done = subprocess.run(["apt-get", "update"], env=env, capture_output=True, text=True)
        if done.returncode == 0:
            return env
        said += [f"  {uri}: {line}" for line in done.stderr.splitlines() if line[:2] == "E:"][:1]
    raise Unreachable("\n".join(["no mirror that apt has gives Debian's sources:", *said]))


def _from_git(pin, aside, submodules):
    with progress(f"cloning MicroPython {pin['tag']}", 2) as advance:
        clone = ["git", "clone", "-q", "--depth", "1", "--branch", pin["tag"], pin["git"]]
        _run([*clone, str(aside)], os.environ, ROOT)
        advance()
        update = ["git", "submodule", "-q", "update", "--init", "--depth", "1"]
        _run([*update, *submodules], os.environ, aside)
        advance()


def extract(archive, folder):
    """Unpack a tar archive; returns the name of its topmost folder."""
    with tarfile.open(archive) as tar:
        # extractall's own `filter` came with Python 3.11.4.
        tar.extraction_filter = getattr(tarfile, "tar_filter", None)
        tar.extractall(folder)
        return tar.getnames()[0].split("/")[0]


def _unpack(archive, place):
    inner = place.parent / (place.name + ".tar")
    shutil.rmtree(inner, ignore_errors=True)  # by one that was killed
    (inner / extract(archive, inner)).rename(place)
    inner.rmdir()


def _run(command, env, cwd):
    result = subprocess.run(command, env=env, cwd=cwd, capture_output=True, text=True)
    if result.returncode:
        raise Unreachable(
            f"{' '.join(command)} failed: is there no network?\n{result.stderr.strip()}\n"
            "Where it cannot be fetched, set MICROPYTHON to a checkout of your own."
        )


def main():
    argparse.ArgumentParser(description=__doc__).parse_args()
    print(micropython())


if __name__ == "__main__":
    run(main)
