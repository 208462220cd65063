"""Run a command of this repository on a minimal Debian: `make demo`, as on a new machine.

The system is debootstrap's minbase with make, python3 and ca-certificates. It lives in build/fresh
with mounts and processes of its own, and is gone afterwards, however this ends; its archive stays,
for the next time. It is given this host's mirror, network and certificates.
"""

import argparse
import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from pathlib import Path

from command import ToolError, run
from mirrors import mirrors

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "build" / "fresh"
PACKAGES = "make,python3,ca-certificates"
LEFT_OUT = "./build", "./.git"
HOME, USER = "/root", "/home/user"
KEPT = ("TERM", "http_proxy", "https_proxy", "no_proxy", "PIP_INDEX_URL")
# In a namespace of mounts and one of processes: both end with this process.
ALONE = "setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child --mount-proc".split()
# A root that is a mount: in there it can be done once more.
ENTER = """
set -e
mount --bind . .
cd "$PWD"
mount -t proc proc proc
mount --rbind /sys sys
mount --rbind /dev dev
exec chroot "$@"
"""


class FreshError(ToolError):
    """Why there is no minimal system, or what failed in it."""


def unable():
    """Why no minimal system can be made by this user on this machine (str); "" if one can."""
    if os.getuid():
        return "it wants root"
    if not shutil.which("debootstrap") and not shutil.which("apt-get"):
        return "it wants debootstrap"
    alone = subprocess.run([*ALONE, "true"], capture_output=True, text=True)
    return f"it wants namespaces: {alone.stderr.strip()}" if alone.returncode else ""


def unreachable(suite):
    """Why nothing can be installed there (str); "" if it can."""
    return "" if mirror(suite) else f"no mirror of Debian {suite} answers"


def mirror(suite):
    """The URI of a mirror, of those that this machine uses, that has `suite`; None if none has."""
    for uri in mirrors():
        try:
            urllib.request.urlopen(
                f"{uri.rstrip('/')}/dists/{suite}/InRelease", timeout=20
            ).close()
            return uri
        except (OSError, ValueError):
            continue
    return None


def this_suite():
    """The codename of this host's release."""
    text = Path("/etc/os-release").read_text()
    found = re.search(r"^VERSION_CODENAME=(\w+)", text, re.M)
    return found[1] if found else "stable"


def archive(suite):
    return FOLDER / f"{suite}.tar"


def bootstrap(suite):
    """Make the archive of a minimal system."""
    if reason := unreachable(suite):
        raise FreshError(reason)
    with folder(suite) as root:
        step(f"debootstrap {suite}")
        command = [
            "debootstrap",
            "--variant=minbase",
            f"--include={PACKAGES}",
            suite,
            root,
            mirror(suite),
        ]
        quietly(command, FOLDER / "debootstrap.log")
        made = archive(suite).with_suffix(".part")
        subprocess.run(["tar", "-C", root, "-cf", made, "."], check=True)
        made.rename(archive(suite))


@contextmanager
def folder(suite):
    """A folder (a Path), which is removed; one at a time a suite."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    root = FOLDER / suite
    with (FOLDER / f"{suite}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            step(f"waiting for another one on {suite} to end")
            fcntl.flock(lock, fcntl.LOCK_EX)
        shutil.rmtree(root, ignore_errors=True)  # by one that was killed
        root.mkdir()
        try:
            yield root
        finally:
            shutil.rmtree(root)


@contextmanager
def system(suite):
    """The folder of a minimal system with this repository in it, in root's home and a user's."""
    if not archive(suite).exists():
        bootstrap(suite)
    with folder(suite) as root:
        subprocess.run(["tar", "-C", root, "-xf", archive(suite)], check=True)
        shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
        own = root / "usr/local/share/ca-certificates"
        shutil.copytree("/usr/local/share/ca-certificates", own, dirs_exist_ok=True)
        prepare(root, "update-ca-certificates")
        prepare(root, "useradd", "--create-home", "user")
        for home in HOME, USER:
            copy(root / home[1:] / "tlsresume")
        prepare(root, "chown", "-R", "user:user", USER)
        yield root


def copy(place):
    """Copy this repository as it is, committed or not, without what was built."""
    place.mkdir()
    left_out = [f"--exclude={name}" for name in LEFT_OUT]
    with subprocess.Popen(
        ["tar", "-C", ROOT, *left_out, "-c", "."], stdout=subprocess.PIPE
    ) as packed:
        subprocess.run(["tar", "-C", place, "-x"], stdin=packed.stdout, check=True)


def inside(root, *command, user=False, **kwargs):
    """subprocess.run of a command in the system, as root or as the user, in their home."""
    home = USER if user else HOME
    path = "/usr/local/bin:/usr/bin:/bin" + ("" if user else ":/usr/local/sbin:/usr/sbin:/sbin")
    kept = [f"{name}={os.environ[name]}" for name in KEPT if name in os.environ]
    clean = ["env", "-i", "-C", home, f"HOME={home}", f"PATH={path}", *kept]
    become = ["--userspec=user:user"] if user else []
    enter = ["sh", "-c", ENTER, "sh", *become, ".", *clean]
    ended, held = os.pipe()
    try:
        return subprocess.run([*ALONE, *enter, *command], cwd=root, pass_fds=[held], **kwargs)
    finally:
        os.close(held)
        os.read(ended, 1)  # nothing comes: the last process in there has ended
        os.close(ended)


def prepare(root, *command):
    done = inside(root, *command, capture_output=True, text=True)
    if done.returncode:
        raise FreshError(f"{command[0]} failed there: {done.stderr.strip()}")


def quietly(command, log):
    """Run a command; where there is no terminal what it says goes to a log (a Path)."""
    with log.open("w") as f:
        where = None if sys.stdout.isatty() else f
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=where, stderr=where)
    if done.returncode:
        raise FreshError(f"{command[0]} failed: see above or {log}")


def step(text):
    print(f"fresh: {text}", flush=True)


def as_root(root, command):
    """Run a command line there; returns its exit code."""
    step(command)
    return inside(root, "sh", "-c", f"cd tlsresume; {command}").returncode


def as_user(root, command):
    """The same as a user, who does as root what the command asks for, and repeats it."""
    step(f"{command}, as a user")
    line = ["sh", "-c", f"cd tlsresume; {command}"]
    asked = inside(root, *line, user=True, stderr=subprocess.PIPE, text=True)
    print(asked.stderr, end="", flush=True)
    install = re.search(r"(?:sudo sh|su -) -c '(.*)'", asked.stderr)
    if not install:
        return asked.returncode
    step(f"{install[1]}, as root")
    log = root / "install.log"
    with log.open("w") as f:
        done = inside(root, "sh", "-c", install[1], input=b"y\n", stdout=f, stderr=f)
    if done.returncode:
        raise FreshError(f"that failed:\n{log.read_text()[-2000:]}")
    step(f"{command}, as a user once more")
    return inside(root, *line, user=True).returncode


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", nargs="?", default="make demo", help="a line for sh")
    parser.add_argument("--suite", default=this_suite(), help="a release; %(default)s if left out")
    parser.add_argument("--user", action="store_true", help="as a user, not as root")
    parser.add_argument(
        "--why-not", action="store_true", help="only say why it cannot be done here, if so"
    )
    args = parser.parse_args()
    if args.why_not:
        print(unable() or unreachable(args.suite), end="")
        return
    if reason := unable():
        raise FreshError(reason)
    for number in signal.SIGTERM, signal.SIGHUP:
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    with system(args.suite) as root:
        code = (as_user if args.user else as_root)(root, args.command)
    if code:
        raise FreshError(f"{args.command} failed on a minimal Debian {args.suite}")


if __name__ == "__main__":
    run(main)
