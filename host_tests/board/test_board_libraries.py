"""The libraries that people use, unmodified, on a board: mounted by mpremote."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import documents
import examples
import pytest
from daemons import Mosquitto, Nginx
from emulator import emulate
from libraries import libraries
from microdot_server import MicrodotServer
from mpy import bundle
from prelude import WORLD

ROOT = documents.ROOT


@pytest.fixture
def host(board):
    """This host's address as the board sees it."""
    return board.execute("print(HOST)").strip()


@pytest.fixture
def example(board):
    """Run an example on the board, for which every host is `server`."""

    def example(name, server, **constants):
        script = f"PORT = {server.port}\n{WORLD}\n{examples.example(name, **constants)}"
        with board.mount(libraries()):
            return board.execute(script).splitlines()

    return example


@pytest.fixture
def start(starter):
    """Start a server that the board reaches: `start(Nginx, ...)`."""
    yield from starter(lambda kind, *args: kind(*args, address="0.0.0.0"))


def test_requests_resumes(example, certs, start, tmp_path):
    (tmp_path / "index.html").write_text("hello")
    s = start(Nginx, certs.world, tmp_path)
    said = example("with_requests.py", s, CA=certs.ca.der)
    assert said[:3] == [f"200 5 resumed {i > 0}" for i in range(3)] and "2 hits" in said[3]
    assert s.reused() == [False, True, True]


@pytest.mark.parametrize("mutual", (False, True))
def test_mqtt_resumes(example, certs, start, mutual):
    params = {"server_hostname": "example.com", "cadata": certs.ca.der, "cert_reqs": 2}
    if mutual:
        params["cert"] = Path(f"{certs.a}.der").read_bytes()
        params["key"] = Path(f"{certs.a}.key.der").read_bytes()
    s = start(Mosquitto, certs.world, certs.ca.pem, certs.ca.pem if mutual else None)
    said = example("with_umqtt.py", s, SSL_PARAMS=params)
    assert said == [f"published {i} resumed {i > 0}" for i in range(3)]
    assert s.connected() == 3


def test_asyncio_streams_resume(example, certs, start, tmp_path):
    (tmp_path / "index.html").write_text("hello")
    s = start(Nginx, certs.world, tmp_path)
    said = example("with_asyncio.py", s, CA=certs.ca.der)
    assert [line.partition(" resumed ")[2] for line in said] == ["False", "True", "True"]
    assert s.reused() == [False, True, True]


def test_microdot_is_a_peer_to_resume_with(example, certs, start):
    s = start(MicrodotServer, certs.world)
    said = example("with_requests.py", s, CA=certs.ca.der)
    assert said[:3] == [f"200 5 resumed {i > 0}" for i in range(3)]
    assert s.reused() == 2


INSTALL = """
sys.path.append("/remote")
tlsresume.install()
import mip
mip.install(INDEX, target="/remote/out")
"""
USE = """
for name in [name for name in sys.modules if name.startswith("tlsresume")]:
    del sys.modules[name]
sys.path.insert(0, "/remote/out")
import tlsresume, tlsresume.store
tlsresume.SSLContext
result(path=tlsresume.__file__)
"""


def test_mip_installs_the_mpy_bundle_on_the_device_and_resumes(
    board, host, certs, start, tmp_path
):
    www = bundle(tmp_path / "www")
    s = start(Nginx, certs.server, www)
    base = f"https://{host}:{s.port}/"
    package = json.loads((www / "package.json").read_text())
    # This release's mip knows no relative addresses.
    package["urls"] = [[target, base + path] for target, path in package["urls"]]
    (www / "package.json").write_text(json.dumps(package))
    for name in ("mip", "requests"):
        shutil.copytree(libraries() / name, tmp_path / name)
    with board.mount(tmp_path):
        board.execute(INSTALL, INDEX=base + "package.json")
        assert board.run(USE)["path"] == "/remote/out/tlsresume/__init__.mpy"
    assert s.reused() == [False] + [True] * len(package["urls"])


@pytest.fixture
def mpremote(pytestconfig):
    """Run mpremote with a board of its own: it wants the serial line for itself."""
    with emulate(pytestconfig.getoption("--board")) as emulator:

        def mpremote(*words, cwd=ROOT):
            command = [
                sys.executable,
                "-m",
                "mpremote",
                "connect",
                emulator.port,
                *map(str, words),
            ]
            for _ in range(3):
                done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60)
                # While a folder is mounted it gives this host three seconds for each answer.
                if "timeout waiting for remote" not in done.stdout + done.stderr:
                    break
                print("mpremote has waited too long for this host; once more")
                emulator.restart()
                command[4] = emulator.port
            return done

        yield mpremote


def test_mpremote_installs_the_package(mpremote, tmp_path):
    _, mip, install, package = documents.command("lib/README.md", "mpremote mip install package")
    done = mpremote("mount", tmp_path, mip, install, "--target", "/remote", package)
    assert done.returncode == 0, done.stderr
    installed = {p.name for p in (tmp_path / "tlsresume").iterdir()}
    assert installed == {p.name for p in (ROOT / "lib" / "tlsresume").glob("*.py")}


def test_mpremote_copies_the_certificate(mpremote, tmp_path, certs):
    _, cp, _, to = documents.command("README.md", "mpremote cp")
    done = mpremote("mount", tmp_path, cp, certs.ca.pem, to)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "ca.pem").read_text() == Path(certs.ca.pem).read_text()


def test_without_a_file_system_the_package_is_mounted_and_wins_over_the_frozen_one(
    mpremote, tmp_path
):
    _, *install = documents.command("lib/README.md", "mpremote mip install package")
    assert "Unable to find lib dir" in mpremote(*install).stderr
    (tmp_path / "lib/tlsresume").mkdir(parents=True)
    (tmp_path / "lib/tlsresume/__init__.py").write_text('__version__ = "mounted"\n')
    _, *mount = documents.command("lib/README.md", "mpremote mount lib")
    done = mpremote(*mount, cwd=tmp_path)
    # mpremote writes what the board says past its own buffer.
    assert "mounted" in done.stdout.splitlines(), done.stderr


def test_a_frozen_package_wins_over_an_installed_one_unless_that_is_at_the_top(
    micropython, tmp_path
):
    """By the order of sys.path, on unix as on boards: "", ".frozen", then "/lib"."""
    top, installed = tmp_path / "top", tmp_path / "lib"
    for folder in top, installed:
        (folder / "tlsresume").mkdir(parents=True)
        (folder / "tlsresume/__init__.py").write_text(f"__version__ = {folder.name!r}\n")

    def version(cwd):
        script = (
            'import sys; sys.path[2:] = ["LIB"]; import tlsresume; print(tlsresume.__version__)'
        )
        command = [micropython, "-c", script.replace("LIB", str(installed))]
        return subprocess.run(command, cwd=cwd, capture_output=True, text=True).stdout.strip()

    assert version(top) == "top"
    assert version(tmp_path) == json.loads((ROOT / "package.json").read_text())["version"]
