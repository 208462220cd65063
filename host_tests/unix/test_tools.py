"""The commands in tools/: what they say of themselves, and what Ctrl-C leaves behind."""

import os
import select
import subprocess
import sys

import progress
import pytest
from documents import ROOT
from processes import interrupt

TOOLS = sorted(p for p in (ROOT / "tools").glob("*.py") if "__main__" in p.read_text())


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_every_command_has_help_and_ends_at_ctrl_c(tool):
    done = subprocess.run([sys.executable, tool, "--help"], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.startswith(f"usage: {tool.name}")
    assert tool.read_text().endswith("    run(main)\n")  # command.py's


def test_the_set_up_has_help():
    done = subprocess.run([ROOT / "tools/setup.sh", "--help"], capture_output=True, text=True)
    assert done.returncode == 0 and "tools/setup.sh [GROUP...]" in done.stdout


def ctrl_c(command, running, **kwargs):
    return interrupt([sys.executable, *command], running, **kwargs)


def test_ctrl_c_in_the_demo_leaves_no_server_behind():
    demo = [ROOT / "tools/demo.py", "--board", "QEMU_MPS2"]
    code, said = ctrl_c(demo, {"qemu-system-arm", "openssl"})
    assert code == 130 and "Traceback" not in said


def test_ctrl_c_in_a_build_ends_the_compiler(tmp_path):
    (tmp_path / "make").write_text("#!/bin/sh\nexec sleep 600\n")
    (tmp_path / "make").chmod(0o755)
    env = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    code, said = ctrl_c([ROOT / "tools/build.py", "UNIX"], {"sleep"}, env=env)
    assert code == 130 and "Traceback" not in said


IN_TURN = """
import sys
from progress import Turns
turns = Turns(sys.argv[1])
with turns, turns:
    print("in turn")
"""


def test_a_build_that_waits_for_another_says_so(tmp_path):
    lock = str(tmp_path / "lock")
    command = [sys.executable, "-u", "-c", IN_TURN, lock]
    env = {**os.environ, "PYTHONPATH": str(ROOT / "tools")}
    with progress.Turns(lock):
        waiting = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)
        assert waiting.stdout.readline() == f"waiting for another build to end: {lock}\n"
    assert waiting.communicate()[0] == "in turn\n"


def test_where_ctrl_c_is_ignored_the_tests_can_press_it_still():
    test = f"{__file__}::{test_ctrl_c_in_a_build_ends_the_compiler.__name__}"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", test]
    command = ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *command]  # as nohup and & do
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout


SERVERS = {
    "openssl": "from openssl_server import OpenSSLServer\nserver = OpenSSLServer(sys.argv[1])",
    "nginx": "from daemons import Nginx\nserver = Nginx(sys.argv[1], '/')",
    "qemu": "from emulator import Emulator\nserver = Emulator(sys.argv[2])",
}


@pytest.mark.parametrize("server", SERVERS)
def test_a_server_ends_when_its_parent_is_killed(certs, server, tmp_path):
    from build import build

    script = f"import sys, time\n{SERVERS[server]}\n"
    script += "print(server._process.pid, flush=True)\ntime.sleep(3600)"
    command = [sys.executable, "-c", script, str(certs.server), str(build("QEMU_MPS2"))]
    env = {**os.environ, "TMPDIR": str(tmp_path)}  # for what it has no time to remove
    parent = subprocess.Popen(
        command, cwd=ROOT / "tools", stdout=subprocess.PIPE, text=True, env=env
    )
    child = os.pidfd_open(int(parent.stdout.readline()))
    parent.kill()
    parent.communicate()
    ended, _, _ = select.select([child], [], [], 10)
    os.close(child)
    assert ended
