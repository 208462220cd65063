"""Processes that a test starts in a session of their own, and ends."""

import os
import signal
import subprocess
import time
from pathlib import Path

EXITING = 4  # PF_EXITING of linux/sched.h: it ends, and has closed its files, or does now


def session(leader):
    """The names of the processes that a session leader has started, and its own."""
    names = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            name, rest = (folder / "stat").read_text().split("(", 1)[1].rsplit(")", 1)
        except OSError:
            continue  # gone since then
        state, _, _, number, _, _, flags = rest.split()[:7]
        if int(number) == leader and state != "Z" and not int(flags) & EXITING:
            names.add(name)
    return names


def interrupt(command, running, how=signal.SIGINT, **kwargs):
    """Press Ctrl-C, or send another signal, when the programs `running` do; returns the exit code
    and what was said. Nothing that was started runs on."""
    # Under nohup all that is started ignores the end of the line.
    process = subprocess.Popen(
        ["env", "--default-signal=HUP", *map(str, command)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        **kwargs,
    )
    while not running <= session(process.pid):
        assert process.poll() is None, process.stdout.read()
        time.sleep(0.01)
    os.killpg(process.pid, how)
    try:
        said, _ = process.communicate(timeout=20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # with the lock that it may hold
        raise
    end = time.monotonic() + 20
    while left := session(process.pid):  # who is killed lets go of its output first
        assert time.monotonic() < end, left
        time.sleep(0.01)
    return process.returncode, said
