"""Get the pinned sources of MicroPython, Mbed TLS and lwIP into build/src/micropython.

They are the upstream archives inside Debian's source packages, fetched by a private apt
configuration that leaves the system's own untouched, from its mirror, signatures checked; where
there is none, MicroPython's git tag with its submodules. A second run needs no network.
MICROPYTHON=DIR uses a checkout of one's own instead.
"""

import argparse
import os
import shutil
import subprocess
from pathlib import Path

import archives
import tomllib
import versions
from archives import SourceError
from command import run
from mirrors import mirrors
from progress import Turns, console, progress

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
PINS = ROOT / "firmware" / "sources.toml"
PINNED = BUILD / "src" / "micropython"
CHECKOUT = BUILD / "src" / "checkout"
SUBMODULES = ("lib/mbedtls", "lib/lwip", "lib/micropython-lib")
ESP32_SUBMODULES = ("lib/berkeley-db-1.xx", "lib/micropython-lib", "lib/tinyusb")
OLDEST = (1, 25)  # before it Mbed TLS was 3.5, with another TLS 1.3
STAMP = ".tlsresume-sources"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


# For whoever makes something in build/: processes take turns, calls within one may nest.
BUILD.mkdir(exist_ok=True)
BUILDING = Turns(BUILD / "lock")


class Unreachable(SourceError):
    """A place that the sources might have come from."""


def micropython():
    """The MicroPython tree to build (a Path), fetched if need be. Raises SourceError."""
    own = os.environ.get("MICROPYTHON")
    return _checked(Path(own).resolve()) if own else pinned()


def pinned():
    """The tree of the pinned sources (a Path), fetched if need be. Raises SourceError."""
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


def environment(tree=None):
    """The environment (dict) to build MicroPython in: without the variables of our own make, and
    with the release of a `tree` that is no git checkout."""
    ours = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "BOARD", "PORT", "VARIANT")
    env = {name: value for name, value in os.environ.items() if name not in ours}
    if tree and not (tree / ".git").exists():
        # Without this MicroPython names the commit of a repository around it as its version.
        env["MICROPY_GIT_TAG"] = env["MICROPY_GIT_HASH"] = f"v{versions.micropython(tree)}"
    return env


def pins():
    """The pinned sources (dict), see firmware/sources.toml."""
    return tomllib.loads(PINS.read_text())


def pinned_tags():
    """The git tags of MicroPython and Mbed TLS that are pinned first (str)."""
    suite, *_ = pins()["suites"]
    micropython, mbedtls = (pins()[name][suite]["version"] for name in ("micropython", "mbedtls"))
    return f"v{micropython}", f"v{mbedtls}"


def _checked(tree):
    if " " in str(tree):
        raise SourceError(f"MICROPYTHON={tree}: make cannot build in a path with a space")
    if not (tree / "py" / "mpconfig.h").exists():
        raise SourceError(f"MICROPYTHON={tree} is no MicroPython checkout")
    release = versions.micropython(tree)
    if tuple(map(int, release.split(".")[:2])) < OLDEST:
        raise SourceError(f"MICROPYTHON={tree} is {release}: tlsresume wants 1.25 or later")
    if not (tree / "lib" / "mbedtls" / "library").exists():
        raise SourceError(
            f"{tree}/lib/mbedtls is empty: git -C {tree} submodule update --init lib/mbedtls"
        )
    return tree


def _fetched(tree, fetch):
    """`tree`, by `fetch(folder)` unless it is there and of these pins."""
    stamp = tree / STAMP
    wanted = PINS.read_text()
    with BUILDING:
        if not (stamp.exists() and stamp.read_text() == wanted):
            aside = tree.with_name("unpacking")
            for folder in (tree, aside):
                shutil.rmtree(folder, ignore_errors=True)
            aside.parent.mkdir(parents=True, exist_ok=True)
            fetch(aside)
            aside.rename(tree)
            stamp.write_text(wanted)
    return tree


def _clone(aside):
    _from_git(aside, {*SUBMODULES, *ESP32_SUBMODULES})


def _fetch(aside):
    try:
        _from_debian(aside)
    except Unreachable as e:
        console.print(f"note: {e}\nMicroPython's git repository it is, then.", soft_wrap=True)
        _from_git(aside, SUBMODULES)
    # Manifests with require() look for this file.
    (aside / "lib" / "micropython-lib").mkdir(exist_ok=True)
    (aside / "lib" / "micropython-lib" / "README.md").touch()


def _from_debian(aside):
    packages = pins()
    found, failed, standing_in = {}, [], []
    for number, suite in enumerate(packages.pop("suites")):
        missing = {name: pin[suite] for name, pin in packages.items() if name not in found}
        served = _from_suite(suite, missing, failed)
        standing_in += [archive.name for archive in served.values() if number]
        found |= served
    if len(found) < len(packages):
        raise Unreachable("\n".join(failed))
    if standing_in:
        told = ["note: " + "\n".join(failed), "In its place: " + ", ".join(standing_in)]
        told += [f"To try again: rm -r {PINNED}"]
        console.print("\n".join(told), soft_wrap=True)
    with progress("unpacking sources", len(packages)) as advance:
        for name, pin in packages.items():
            place = aside / pin["place"]
            shutil.rmtree(place, ignore_errors=True)
            archives.unpack(found[name], place)
            advance()


def _from_suite(suite, pins, failed):
    """{name: archive} of what Debian's `suite` has of the packages; of each that it lacks the
    reason is appended to `failed`."""
    folder = BUILD / "src" / "archives"
    folder.mkdir(parents=True, exist_ok=True)
    found = {name: archives.pinned(folder, name, pin) for name, pin in pins.items()}
    missing = [name for name in pins if found[name] is None]
    if missing:
        with progress(f"fetching source packages of {suite}", len(missing) + 1) as advance:
            try:
                env = _private_apt(suite)
            except Unreachable as e:
                failed.append(str(e))
                return {name: archive for name, archive in found.items() if archive}
            advance()
            for name in missing:
                try:
                    _run(["apt-get", "source", "--download-only", name], env, folder)
                except SourceError as e:  # the archive may be there, and the package's rest not
                    failed.append(str(e))
                advance()
    for name in missing:
        found[name] = archives.pinned(folder, name, pins[name]) or archives.newer(
            folder, name, pins[name]
        )
        if found[name] is None:
            failed.append(f"{name} {pins[name]['version']} is not in Debian's {suite}")
    return {name: archive for name, archive in found.items() if archive}


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
        # A mirror that lags will do: what is taken is pinned, or later than that.
        'Acquire::Check-Valid-Until "false";\n'
    )
    env = dict(os.environ, APT_CONFIG=str(home / "apt.conf"))
    said = []
    for uri in mirrors():
        (home / "sources.list").write_text(f"deb-src [signed-by={KEYRING}] {uri} {suite} main\n")
        done = subprocess.run(["apt-get", "update"], env=env, capture_output=True, text=True)
        if done.returncode == 0:
            return env
        said += [f"  {uri}: {line}" for line in done.stderr.splitlines() if line[:2] == "E:"][:1]
    raise Unreachable("\n".join([f"no mirror that apt has gives the sources of {suite}:", *said]))


def _from_git(aside, submodules):
    tag, mbedtls_tag = pinned_tags()
    with progress(f"cloning MicroPython {tag}", 3) as advance:
        clone = ["git", "clone", "-q", "--depth", "1", "--branch", tag]
        _run([*clone, pins()["micropython"]["git"], str(aside)], os.environ, ROOT)
        advance()
        update = ["git", "submodule", "-q", "update", "--init", "--depth", "1"]
        _run([*update, *submodules], os.environ, aside)
        advance()
        mbedtls = aside / "lib" / "mbedtls"  # a release's own can be years old
        _run(
            ["git", "fetch", "-q", "--depth", "1", "origin", "tag", mbedtls_tag],
            os.environ,
            mbedtls,
        )
        _run(["git", "checkout", "-q", mbedtls_tag], os.environ, mbedtls)
        advance()


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
