"""The set-up: what it installs, where it gets sources, and what is left when it is interrupted."""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import libraries
import pytest
import sources
from archives import unpack
from documents import ROOT
from processes import interrupt

SYSTEM = [Path("/usr/sbin"), Path("/etc")]


@pytest.fixture
def machine(tmp_path):
    """A copy of the repository, and the environment (dict) of a machine of which apt-get and
    others are scripts: `machine(apt_get="#!/bin/sh ...")`."""
    for name in "tools", "firmware":
        shutil.copytree(ROOT / name, tmp_path / "repository" / name)
    (tmp_path / "bin").mkdir()

    def machine(**scripts):
        for name, script in scripts.items():
            file = tmp_path / "bin" / name.replace("_", "-")
            file.write_text(f"#!/bin/sh\n{script}\n")
            file.chmod(0o755)
        return {**os.environ, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}

    machine.root = tmp_path / "repository"
    return machine


NOTHING_INSTALLED = {"dpkg_query": "exit 1"}


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_a_set_up_that_is_ended_leaves_nothing_outside_build(machine, how):
    env = machine(id="echo 0", apt_get='[ "$1" = update ] || exec sleep 600', **NOTHING_INSTALLED)
    before = [sorted(folder.iterdir()) for folder in SYSTEM]
    interrupt([machine.root / "tools/setup.sh", "servers"], {"sleep"}, how, env=env)
    assert [sorted(folder.iterdir()) for folder in SYSTEM] == before


def test_servers_are_installed_but_not_started(machine):
    env = machine(id="echo 0", apt_get="env >&2; exit 1", **NOTHING_INSTALLED)
    done = subprocess.run(
        [machine.root / "tools/setup.sh"], env=env, capture_output=True, text=True
    )
    assert "SYSTEMD_OFFLINE=1\n" in done.stderr and "RUNLEVEL=1\n" in done.stderr


def test_one_that_waits_for_another_says_so(machine):
    env = machine(id="echo 1000", **NOTHING_INSTALLED)
    (machine.root / "build").mkdir()
    with (machine.root / "build/setup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        waiting = subprocess.Popen(
            [machine.root / "tools/setup.sh"],
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert waiting.stdout.readline().startswith("waiting for another set-up to end: ")
    assert "packages are missing" in waiting.communicate()[1]


@pytest.mark.parametrize("sudo", [True, False])
def test_a_user_is_told_one_line_that_root_can_run(machine, sudo, tmp_path):
    as_root = {"sudo" if sudo else "su": 'while [ "$1" != -c ]; do shift; done; exec sh -c "$2"'}
    env = machine(id="echo 1000", apt_get='echo "apt-get $*"', **NOTHING_INSTALLED, **as_root)
    if not sudo:
        env["PATH"] = without("sudo", env["PATH"], tmp_path)
    done = subprocess.run(
        [machine.root / "tools/setup.sh"], env=env, capture_output=True, text=True
    )
    line = done.stderr.splitlines()[-1]
    assert done.returncode == 2 and line.split()[0] == ("sudo" if sudo else "su")
    ran = subprocess.run(line, shell=True, env=env, capture_output=True, text=True).stdout
    update, install = ran.splitlines()
    assert update == "apt-get update"
    assert install.startswith("apt-get install --no-install-recommends gcc libc6-dev ")


def without(program, path, tmp_path):
    """A PATH without one program, in a folder of links."""
    links = tmp_path / "links"
    links.mkdir()
    for folder in path.split(":"):
        for file in Path(folder).glob("*"):
            if file.name != program and not (links / file.name).is_symlink():
                (links / file.name).symlink_to(file)
    return str(links)


@pytest.mark.parametrize(("release", "wanted"), [("12", False), ("13", True), ("", True)])
def test_a_package_may_be_of_a_later_release(machine, release, wanted):
    packages = machine.root / "tools/packages.txt"
    assert "qemu-system-riscv@13\n" in packages.read_text()
    os_release = machine.root / "os-release"
    os_release.write_text(f"VERSION_ID={release}\n" if release else "ID=debian\n")
    script = machine.root / "tools/setup.sh"
    script.write_text(script.read_text().replace("/etc/os-release", str(os_release)))
    env = machine(id="echo 1000", **NOTHING_INSTALLED)
    done = subprocess.run([script, "test"], env=env, capture_output=True, text=True)
    assert "qemu-system-misc" in done.stderr
    assert ("qemu-system-riscv" in done.stderr) == wanted


def test_the_demo_and_the_tests_do_without_what_lint_needs():
    makefile = (ROOT / "Makefile").read_text()
    assert makefile.count("setup.sh lint") == 1
    requirements = (ROOT / "tools/requirements.txt").read_text()
    assert "lint: basedpyright" in requirements and "core: basedpyright" not in requirements


def test_a_path_with_a_space_is_told(tmp_path):
    place = tmp_path / "my projects"
    shutil.copytree(ROOT / "tools", place / "tools")
    done = subprocess.run([place / "tools/setup.sh"], capture_output=True, text=True)
    assert done.returncode == 2 and "a path with a space" in done.stderr


APT = """
case "$1" in
indextargets) printf '%s\\n' {targets} ;;
update)
    cat "$(dirname "$APT_CONFIG")/sources.list" >>{log}
    echo "E: no archive here" >&2
    exit 100 ;;
esac
"""
GIT = """echo "$*" >>{log}; echo "fatal: Could not resolve host" >&2; exit 128"""


def fetch(machine, *targets):
    """Fetch sources where apt has `targets`, none of which answers, nor does git. Returns what
    was said, and tried."""
    log = machine.root / "tried"
    log.touch()
    listed = " ".join(f"'{target}'" for target in targets)
    env = machine(apt_get=APT.format(targets=listed, log=log), git=GIT.format(log=log))
    env.pop("MICROPYTHON", None)
    tool = [sys.executable, machine.root / "tools/sources.py"]
    done = subprocess.run(tool, env=env, capture_output=True, text=True)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    return done.stdout + done.stderr, log.read_text()


def test_any_mirror_that_apt_has_is_tried_then_git_and_each_is_named(machine):
    said, tried = fetch(
        machine,
        "Google|other|http://192.0.2.1/apt",
        "Debian|Debian-Security|http://192.0.2.1/security",
        "Debian|Debian|mirror+file:/etc/apt/mirrors/debian.list/",
        "$(ORIGIN)|$(LABEL)|http://192.0.2.2/linux/deb/",
    )
    assert [line.split()[2:4] for line in tried.splitlines()[:-1]] == [
        [uri, suite]
        for suite in sources.pins()["suites"]
        for uri in ("mirror+file:/etc/apt/mirrors/debian.list/", "http://192.0.2.2/linux/deb/")
    ]
    assert "  http://192.0.2.2/linux/deb/: E: no archive here" in said
    assert "MicroPython's git repository it is, then" in said
    assert tried.splitlines()[-1].startswith("clone ")


def test_without_a_network_that_is_what_is_said(machine):
    said, _ = fetch(machine, "Debian|Debian|http://192.0.2.1/debian/")
    assert "is there no network?" in said and "set MICROPYTHON" in said


def test_what_an_interrupted_unpacking_left_is_removed(tmp_path, monkeypatch):
    archive = next((sources.BUILD / "src" / "archives").glob("lwip_*.orig.tar.*"))
    left = tmp_path / "lwip.tar" / "lwip-0.0" / "src"
    left.mkdir(parents=True)
    unpack(archive, tmp_path / "lwip")
    assert (tmp_path / "lwip" / "src").is_dir() and not (tmp_path / "lwip.tar").exists()


def test_a_checkout_brings_requests_and_mip_itself(tmp_path, monkeypatch):
    packages = "python-ecosys/requests/requests", "micropython/mip/mip"
    for package in packages:
        folder = tmp_path / "lib/micropython-lib" / package
        folder.mkdir(parents=True)
        (folder / "__init__.py").write_text(package)
    monkeypatch.setattr(sources, "micropython", lambda: tmp_path)
    monkeypatch.setattr(libraries, "FOLDER", tmp_path / "libraries")
    libraries._from_micropython()
    for package in packages:
        copied = tmp_path / "libraries" / Path(package).name / "__init__.py"
        assert copied.read_text() == package
