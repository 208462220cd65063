"""The minimal system, with one of three programs in Debian's place: what it leaves behind."""

import fcntl
import re
import shutil
import signal
import subprocess
import sys
import tarfile
from pathlib import Path

import fresh
import pytest
from documents import ROOT
from processes import interrupt

pytestmark = pytest.mark.skipif(bool(fresh.unable()), reason=fresh.unable())

SUITE = "three-programs"
PROGRAMS = "sh", "env", "sleep"
UNUSED = "update-ca-certificates", "useradd", "chown"  # by what runs three programs
FRESH = [sys.executable, ROOT / "tools/fresh.py", "--suite", SUITE]


@pytest.fixture
def archive(tmp_path):
    """The archive of such a system."""
    for folder in "bin", "proc", "sys", "dev", "etc", "root", "home/user", "usr/local/share":
        (tmp_path / folder).mkdir(parents=True)
    for program in PROGRAMS:
        path = shutil.which(program)
        shutil.copy(path, tmp_path / "bin")
        linked = subprocess.run(["ldd", path], capture_output=True, text=True).stdout
        for library in re.findall(r"(/\S+) \(0x", linked):
            place = tmp_path / library[1:]
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(library, place)
    for program in UNUSED:
        (tmp_path / "bin" / program).write_text("#!/bin/sh\n")
        (tmp_path / "bin" / program).chmod(0o755)
    made = fresh.archive(SUITE)
    made.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(made, "w") as tar:
        tar.add(tmp_path, ".")
    yield made
    made.unlink()
    made.with_suffix(".lock").unlink()


def left():
    """What there is of the system on this host: its folder, and mounts in it."""
    folder = fresh.FOLDER / SUITE
    return folder.exists(), str(folder) in Path("/proc/self/mounts").read_text()


def test_it_has_the_repository_and_nothing_of_the_host(archive):
    done = subprocess.run([*FRESH, "set; echo *; echo /*"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "README.md" in done.stdout and "build" not in done.stdout.split()
    assert f"HOME='{fresh.HOME}'" in done.stdout and "VIRTUAL_ENV" not in done.stdout
    assert left() == (False, False)


def test_a_command_that_fails_fails(archive):
    done = subprocess.run([*FRESH, "exit 3"], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == f"fresh: exit 3 failed on a minimal Debian {SUITE}\n"
    assert left() == (False, False)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_leaves_nothing_however_it_ends(archive, how):
    code, said = interrupt([*FRESH, "sleep 600"], {"sleep"}, how)
    assert code in (130, 128 + how) and "Traceback" not in said
    assert left() == (False, False)


def test_a_kill_leaves_no_mount_and_the_next_removes_the_rest(archive):
    interrupt([*FRESH, "sleep 600"], {"sleep"}, signal.SIGKILL)
    assert left() == (True, False)
    subprocess.run([*FRESH, "exit 0"], check=True, capture_output=True)
    assert left() == (False, False)


def test_one_that_waits_for_another_says_so(archive):
    with archive.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        waiting = subprocess.Popen([*FRESH, "exit 0"], stdout=subprocess.PIPE, text=True)
        assert f"waiting for another one on {SUITE} to end" in waiting.stdout.readline()
    waiting.communicate()
    assert waiting.returncode == 0


def test_why_not_is_said_and_is_the_error():
    nowhere = [*FRESH[:-1], "no-such-suite"]
    asked = subprocess.run([*nowhere, "--why-not"], capture_output=True, text=True)
    assert (asked.returncode, asked.stdout) == (0, "no mirror of Debian no-such-suite answers")
    tried = subprocess.run(nowhere, capture_output=True, text=True)
    assert (tried.returncode, tried.stderr) == (1, f"fresh: {asked.stdout}\n")
